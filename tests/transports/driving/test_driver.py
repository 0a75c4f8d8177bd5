"""The async stream: cancellation, abort and close at every await, and what it leaves behind."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from sansio import (
    APIConnectionError,
    AuthenticationError,
    Body,
    ContentDelta,
    End,
    Head,
    LocalProtocolError,
    Provider,
    StreamTruncatedError,
)
from tests.transports.scripted import (
    ASK,
    KEY,
    STREAMING,
    answer,
    delta,
    openai,
)
from tests.transports.stuck import HELD, PLACES, Place, Stuck, partial_text, read, scripted, stuck_stream
from transports import EventStream
from transports.driving.keys import KeySource

pytestmark = pytest.mark.anyio


# Stopped from outside


@pytest.mark.parametrize("place", PLACES)
async def test_cancellation_at_any_await_is_never_swallowed_and_releases(place: Place) -> None:
    stuck = Stuck(place)
    stream = stuck_stream(stuck)
    errors: list[Exception] = []
    ended = False

    async def reader() -> None:
        nonlocal ended
        await read(stream, errors)
        ended = True

    async with anyio.create_task_group() as group:
        group.start_soon(reader)
        await stuck.reached.wait()
        group.cancel_scope.cancel()
    assert not ended
    assert errors == []
    assert stuck.log == HELD[place]
    assert partial_text(stream) == ("Hel" if place in ("receive", "release") else "")
    with pytest.raises(APIConnectionError, match="cancelled"):
        await anext(stream)
    assert await anext(stream, None) is None


@pytest.mark.parametrize("place", PLACES)
async def test_abort_from_another_task_wakes_the_reader_at_any_await(place: Place) -> None:
    stuck = Stuck(place)
    stream = stuck_stream(stuck)
    errors: list[Exception] = []
    async with anyio.create_task_group() as group:
        group.start_soon(read, stream, errors)
        await stuck.reached.wait()
        stream.abort()
        assert partial_text(stream) == ("Hel" if place in ("receive", "release") else "")
    assert [type(error) for error in errors] == [APIConnectionError]
    assert "aborted" in str(errors[0])
    assert [entry for entry, _ in zip(stuck.log, HELD[place], strict=False)] == HELD[place]
    assert set(stuck.log[len(HELD[place]) :]) <= {"abort"}
    assert await anext(stream, None) is None


@pytest.mark.parametrize("place", PLACES)
async def test_aclose_from_another_task_wakes_the_reader_as_abort_does(place: Place) -> None:
    stuck = Stuck(place)
    stream = stuck_stream(stuck)
    errors: list[Exception] = []
    async with anyio.create_task_group() as group:
        group.start_soon(read, stream, errors)
        await stuck.reached.wait()
        await stream.aclose()
    assert [type(error) for error in errors] == [APIConnectionError]


async def test_an_outside_cancellation_wins_over_an_abort() -> None:
    stuck = Stuck("receive")
    stream = stuck_stream(stuck)
    errors: list[Exception] = []
    ended = False

    async def reader() -> None:
        nonlocal ended
        await read(stream, errors)
        await anyio.lowlevel.checkpoint()
        ended = True

    async with anyio.create_task_group() as group:
        group.start_soon(reader)
        await stuck.reached.wait()
        stream.abort()
        group.cancel_scope.cancel()
    assert not ended


async def expire(scope: anyio.CancelScope, reached: anyio.Event) -> None:
    """Let a scope's time run out at an event."""
    await reached.wait()
    scope.deadline = anyio.current_time()


async def test_a_timeout_around_the_loop_is_the_callers_own() -> None:
    stuck = Stuck("receive")
    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            group.start_soon(expire, scope, stuck.reached)
            async for _ in stuck_stream(stuck):
                pass
    assert scope.cancelled_caught
    assert stuck.log[-1] == "abort"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncios_own_cancellation_passes_through() -> None:
    stuck = Stuck("receive")
    stream = stuck_stream(stuck)
    task = asyncio.ensure_future(read(stream, []))
    await stuck.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stuck.log == ["open", "abort"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await read(stuck_stream(Stuck("open")), [])


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_abort_leaves_no_cancellation_behind_in_the_readers_task() -> None:
    stuck = Stuck("receive")
    stream = stuck_stream(stuck)

    async def reader() -> int:
        async with asyncio.timeout(10):
            await read(stream, [])
            await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    task = asyncio.ensure_future(reader())
    await stuck.reached.wait()
    stream.abort()
    assert await task == 0


async def test_abort_of_an_idle_stream_drops_the_connection_now_and_is_raised_once() -> None:
    provider, transport = scripted(*answer("Hel", "lo"))
    stream = provider.stream(ASK)
    assert await anext(stream) == ContentDelta("Hel")
    stream.abort()
    assert transport.log == ["open", "abort"]
    stream.abort()
    with pytest.raises(APIConnectionError, match="aborted"):
        await anext(stream)
    assert await anext(stream, None) is None
    assert partial_text(stream) == "Hel"


async def test_abort_before_the_start_sends_nothing() -> None:
    provider, transport = scripted(*answer("Hi"))
    stream = provider.stream(ASK)
    stream.abort()
    with pytest.raises(APIConnectionError):
        await anext(stream)
    assert transport.log == []


async def test_abort_after_the_end_changes_nothing() -> None:
    provider, _ = scripted(*answer("Hi"))
    stream = provider.stream(ASK)
    await read(stream, [])
    stream.abort()
    await stream.aclose()
    assert stream.result().content == "Hi"
    assert await anext(stream, None) is None


async def test_what_result_says_after_a_close_does_not_depend_on_how_the_bytes_were_cut() -> None:
    everything = Body(b"".join(item.data for item in answer("Hel", "lo") if isinstance(item, Body)))
    provider, _ = scripted(STREAMING, everything)
    async with provider.stream(ASK) as stream:
        assert await anext(stream) == ContentDelta("Hel")
        with pytest.raises(LocalProtocolError, match="before the end"):
            stream.result()
    with pytest.raises(APIConnectionError, match="closed before its end") as caught:
        stream.result()
    assert caught.value.partial is not None
    assert caught.value.provider == "openai"


# Closed and dropped


async def test_async_with_releases_however_the_block_ends() -> None:
    provider, transport = scripted(*answer("Hel", "lo"))
    stream = provider.stream(ASK)

    async def fail_inside() -> None:
        async with stream:
            async for _ in stream:
                raise KeyError

    with pytest.raises(KeyError):
        await fail_inside()
    assert transport.log == ["open", "abort"]
    assert await anext(stream, None) is None
    assert partial_text(stream) == "Hel"


async def test_a_bare_break_releases_by_reference_counting_alone() -> None:
    provider, transport = scripted(*answer("Hel", "lo"))
    gc.disable()
    try:
        async for _ in provider.stream(ASK):
            break
        assert transport.log == ["open", "abort"]
    finally:
        gc.enable()


async def test_an_exception_in_a_bare_loop_releases_by_reference_counting_alone() -> None:
    provider, transport = scripted(*answer("Hel", "lo"))

    async def fail_inside() -> None:
        async for _ in provider.stream(ASK):
            raise KeyError

    gc.disable()
    try:
        with pytest.raises(KeyError):
            await fail_inside()
        assert transport.log == ["open", "abort"]
    finally:
        gc.enable()


async def test_a_dropped_stream_is_silent_even_where_its_transport_is_not() -> None:
    class Rude(Stuck):
        def abort(self) -> None:
            super().abort()
            raise OSError("the socket is gone already")

    rude = Rude("key")
    provider = Provider(openai())
    stream = EventStream(provider, provider.call(ASK), rude, KeySource(provider.config, KEY))
    assert await anext(stream) == ContentDelta("Hel")
    del stream
    assert rude.log == ["open", "abort"]


@pytest.mark.parametrize("last", [End(), APIConnectionError("reset")])
@pytest.mark.parametrize("head", [STREAMING, Head(401)])
async def test_a_failed_stream_is_no_reference_cycle(head: Head, last: End | Exception) -> None:
    provider, _ = scripted(head, delta("Hel"), last)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises((StreamTruncatedError, AuthenticationError)):
            async for _ in provider.stream(ASK):
                pass
        assert not [thing for thing in gc.get_objects() if isinstance(thing, EventStream)]
    finally:
        gc.enable()


async def test_aclose_before_the_start_sends_nothing_and_ends_the_stream() -> None:
    provider, transport = scripted(*answer("Hi"))
    stream = provider.stream(ASK)
    await stream.aclose()
    assert [event async for event in stream] == []
    assert transport.log == []


async def test_aclose_never_waits() -> None:
    provider, transport = scripted(*answer("Hel", "lo"))
    stream = provider.stream(ASK)
    await anext(stream)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await stream.aclose()
    assert not scope.cancelled_caught
    assert transport.log == ["open", "abort"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_stream_left_at_the_interpreters_exit_is_silent() -> None:
    program = """
import asyncio
from tests.transports.scripted import *
from transports import AsyncProvider

async def main():
    global stream
    transport = ScriptedTransport([answer("Hel", "lo")], Clock())
    stream = AsyncProvider(openai(), transport, api_key=KEY).stream(ASK)
    print((await anext(stream)).text)

asyncio.run(main())
stream.cycle = stream
"""
    command = [sys.executable, "-W", "error", "-c", program]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hel\n", "")
