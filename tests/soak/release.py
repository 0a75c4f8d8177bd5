"""`python -m tests.soak.release`: how soon the server sees that a stream was released, in every way."""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import anyio
import anyio.to_thread
import sniffio
import trio

from sansio import Message, Role
from sansio.testing import Answer, Broken, Ending, FakeProvider
from tests.soak.drivers import NAMES, driver
from transports import AsyncProvider, EventStream, Transport, create_provider
from transports.testing.loopback import loopback_thread

Released: TypeAlias = tuple[float, EventStream | None]
"""When a stream was released, and the stream itself if it must not be released by being dropped."""

_QUESTION = [Message(Role.USER, "Hello")]
_HELD = Broken(answer=Answer(text="one two three"), after=1, ending=Ending.HOLD)


async def _break(provider: AsyncProvider) -> Released:
    async for _ in provider.stream(_QUESTION):
        began = time.monotonic()
        break
    return began, None


async def _exception(provider: AsyncProvider) -> Released:
    try:
        async for _ in provider.stream(_QUESTION):
            began = time.monotonic()
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    return began, None


async def _close(provider: AsyncProvider) -> Released:
    async with provider.stream(_QUESTION) as stream:
        await anext(stream)
        began = time.monotonic()
    return began, None


async def _close_later(provider: AsyncProvider) -> Released:
    """After a wait that was cancelled: where the transport is resumable, the exchange was left open."""
    async with provider.stream(_QUESTION) as stream:
        await anext(stream)
        began = time.monotonic()
        with anyio.move_on_after(0):
            await anext(stream)
    return began, None


async def _cancel(provider: AsyncProvider) -> Released:
    with anyio.CancelScope() as scope:
        async for _ in provider.stream(_QUESTION):
            began = time.monotonic()
            scope.cancel()
    return began, None


async def _abort(provider: AsyncProvider) -> Released:
    stream = provider.stream(_QUESTION)
    await anext(stream)
    began = time.monotonic()
    stream.abort()
    return began, stream


async def _thread(provider: AsyncProvider) -> Released:
    """From another thread, by the loop's own way in."""
    stream = provider.stream(_QUESTION)
    await anext(stream)
    wake = _way_in()
    began = time.monotonic()
    thread = threading.Thread(target=wake, args=(stream.abort,))
    thread.start()
    await anyio.to_thread.run_sync(thread.join)
    return began, stream


def _way_in() -> Callable[[Callable[[], None]], object]:
    if sniffio.current_async_library() == "trio":
        return trio.lowlevel.current_trio_token().run_sync_soon
    return asyncio.get_running_loop().call_soon_threadsafe


async def _collect(provider: AsyncProvider) -> Released:
    """A stream in a reference cycle, which only the garbage collector finds."""
    # What this process has beside the stream stays out: to look through it takes up to 100 ms.
    gc.freeze()
    stream = provider.stream(_QUESTION)
    await anext(stream)
    circle: list[object] = [stream]
    circle.append(circle)
    began = time.monotonic()
    del stream, circle
    gc.collect()
    return began, None


WAYS: dict[str, Callable[[AsyncProvider], Awaitable[Released]]] = {
    "break": _break,
    "exception": _exception,
    "end of async with": _close,
    "end after a cancelled wait": _close_later,
    "cancellation": _cancel,
    "abort()": _abort,
    "abort() by another thread": _thread,
    "garbage collection": _collect,
}


async def measure(transport: Transport, way: str, times: int) -> list[float]:
    """Seconds from each release to the moment at which the server saw it."""
    delays: list[float] = []
    with loopback_thread(FakeProvider("openai", [_HELD] * times)) as server:
        provider = create_provider(
            server.config("openai", max_attempts=1), transport=transport, api_key="key"
        )
        for seen in range(times):
            released = await WAYS[way](provider)
            await anyio.to_thread.run_sync(server.wait_client_closes, seen + 1)
            delays.append(server.client_closes[seen] - released[0])
        await transport.aclose()
    return delays


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.release", description=__doc__)
    parser.add_argument("times", type=int, nargs="?", default=50)
    times: int = parser.parse_args().times
    for backend in ("asyncio", "trio"):
        for name in NAMES:
            with driver(name) as make:
                for way in WAYS:
                    delays = sorted(anyio.run(measure, make(), way, times, backend=backend))
                    median, worst = statistics.median(delays) * 1e3, delays[-1] * 1e3
                    print(f"{backend:8} {name:15} {way:26} median {median:6.2f} ms, worst {worst:7.2f} ms")


if __name__ == "__main__":
    main()
