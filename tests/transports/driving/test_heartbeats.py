"""Heartbeats between the events of a stream, which touch nothing, and the text of an answer alone."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Literal

import anyio
import anyio.lowlevel
import pytest
import trio.testing

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    ContentDelta,
    End,
    Head,
    LocalProtocolError,
    ProviderError,
    Request,
    StreamComplete,
    StreamEvent,
)
from sansio.testing import Answer, FakeProvider
from tests.transports.driving.test_resuming import SCRIPTS, Bench
from tests.transports.raw_server import PATIENCE, Peer, RawServer
from tests.transports.scripted import (
    ASK,
    KEY,
    STREAMING,
    Clock,
    ScriptedSyncTransport,
    ScriptedTransport,
    answer,
    delta,
    openai,
)
from tests.transports.sockets.http2_peer import HTTP2Peer, over_http2
from tests.transports.test_cancel_everywhere import CancelAt
from transports import (
    AnyioTransport,
    AsyncProvider,
    EventStream,
    Heartbeat,
    HttpcoreTransport,
    MemoryTransport,
    SyncProvider,
    Transport,
    create_provider,
    create_sync_provider,
)

pytestmark = pytest.mark.anyio

SOON = 0.001
"""Seconds after which a heartbeat is due. A slow machine gives more of them, never a failure."""

Place = Literal["key", "open", "receive", "release", "nowhere"]


class Slow:
    """A transport and a key that wait at one place until they are let go on. It is its own exchange.

    Args:
        place: where.
        resumable: what it declares of its waits.
    """

    def __init__(self, place: Place, resumable: bool = False) -> None:
        self.place = place
        self.resumable = resumable
        self.reached = anyio.Event()
        self.go = anyio.Event()
        self.log: list[str] = []
        self.inputs: Iterator[object] = iter(answer("Hel", "lo"))
        self.dropped = False

    async def halt(self, place: Place) -> None:
        await anyio.lowlevel.checkpoint()
        if place == self.place:
            self.reached.set()
            try:
                await self.go.wait()
            except BaseException:
                self.log.append(f"{place} was cancelled")
                raise
            if self.dropped:
                raise APIConnectionError("dropped")

    async def key(self) -> str:
        self.log.append("key")
        await self.halt("key")
        return KEY

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Slow:
        self.log.append("open")
        await self.halt("open")
        return self

    async def receive(self, timeout: float | None) -> Head | Body | End:
        await self.halt("receive")
        given = next(self.inputs)
        if isinstance(given, Exception):
            raise given
        assert isinstance(given, Head | Body | End)
        return given

    async def aclose(self) -> None:
        self.log.append("release")
        with contextlib.suppress(APIConnectionError):
            await self.halt("release")

    def abort(self) -> None:
        if not self.dropped:
            self.log.append("abort")
        self.dropped = True
        self.go.set()

    def stream(self) -> EventStream:
        return AsyncProvider(openai(), self, api_key=self.key).stream(ASK)


async def beat(events: AsyncIterator[StreamEvent | Heartbeat]) -> None:
    assert await anext(events) == Heartbeat(SOON)


async def the_rest(events: AsyncIterator[StreamEvent | Heartbeat]) -> list[StreamEvent]:
    return [event async for event in events if not isinstance(event, Heartbeat)]


def text(events: list[StreamEvent]) -> str:
    assert isinstance(events[-1], StreamComplete)
    return "".join(event.text for event in events if isinstance(event, ContentDelta))


PLACES: list[Place] = ["key", "open", "receive", "release"]


@pytest.mark.parametrize("resumable", [True, False])
@pytest.mark.parametrize("place", PLACES)
async def test_a_heartbeat_touches_nothing_wherever_the_call_waits(place: Place, resumable: bool) -> None:
    slow = Slow(place, resumable)
    async with slow.stream() as stream:
        events = stream.heartbeats(SOON)
        seen = [await anext(stream), await anext(stream)] if place == "release" else []
        for _ in range(3):
            await beat(events)
        slow.go.set()
        seen += await the_rest(events)
    assert text(seen) == "Hello" == stream.result().text
    assert slow.log == ["key", "open", "release"]


@pytest.mark.parametrize("resumable", [True, False])
async def test_a_read_under_way_is_taken_by_the_next_reader(resumable: bool) -> None:
    slow = Slow("receive", resumable)
    async with slow.stream() as stream:
        await beat(stream.heartbeats(SOON))
        with anyio.move_on_after(SOON) as scope:  # a wait that is cancelled leaves the read, too
            await anext(stream)
        assert scope.cancelled_caught
        with pytest.raises(LocalProtocolError, match="before the end"):
            stream.result()
        slow.go.set()
        assert await anext(stream) == ContentDelta("Hel")
        assert text([event async for event in stream]) == "lo"
    assert slow.log == ["key", "open", "release"]


async def test_the_end_of_the_block_ends_a_read_that_is_under_way() -> None:
    slow = Slow("receive")
    async with slow.stream() as stream:
        events = stream.heartbeats(SOON)
        await beat(events)
        await slow.reached.wait()
    assert slow.log == ["key", "open", "abort"]
    await anyio.wait_all_tasks_blocked()
    assert await anext(events, None) is None
    assert await anext(stream, None) is None
    with pytest.raises(APIConnectionError):
        stream.result()


async def cancel_when_reached(slow: Slow, scope: anyio.CancelScope) -> None:
    await slow.reached.wait()
    scope.cancel()


async def test_outside_the_block_a_cancelled_wait_ends_the_stream() -> None:
    slow = Slow("receive", resumable=True)
    stream = slow.stream()
    events = stream.heartbeats(PATIENCE)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(cancel_when_reached, slow, scope)
            await anext(events)
    assert scope.cancelled_caught
    assert slow.log == ["key", "open", "abort"]
    with pytest.raises(APIConnectionError, match="aborted"):
        await anext(events)
    assert await anext(stream, None) is None


async def test_a_break_outside_the_block_ends_the_stream() -> None:
    slow = Slow("receive")
    async for event in slow.stream().heartbeats(SOON):
        assert isinstance(event, Heartbeat)
        if slow.reached.is_set():
            break
    gc.collect()  # a generator would need it too
    assert slow.log == ["key", "open", "abort"]
    await anyio.wait_all_tasks_blocked()


async def test_an_abort_wakes_the_reader() -> None:
    slow = Slow("receive")
    async with slow.stream() as stream:
        events = stream.heartbeats(SOON)
        await beat(events)
        await slow.reached.wait()
        stream.abort()
        with pytest.raises(APIConnectionError, match="aborted"):
            await the_rest(events)
    assert slow.log == ["key", "open", "abort"]


@pytest.mark.parametrize("kind", [ValueError, APIConnectionError])
async def test_an_error_of_a_read_under_way_is_raised_once(kind: type[Exception]) -> None:
    slow = Slow("receive")
    slow.inputs = iter([STREAMING, delta("Hel"), kind("a bug")])
    async with slow.stream() as stream:
        events = stream.heartbeats(SOON)
        await beat(events)
        slow.go.set()
        with pytest.raises((ValueError, ProviderError)):
            await the_rest(events)
        if kind is ValueError:  # a stream that an exception went through says so at the next read, once
            with pytest.raises(APIConnectionError):
                await anext(events)
        assert await anext(events, None) is None
    with pytest.raises(ProviderError) as raised:
        stream.result()
    assert raised.value.partial is not None
    assert raised.value.partial.text == "Hel"


async def test_a_second_reader_is_refused() -> None:
    slow = Slow("receive")
    async with slow.stream() as stream, anyio.create_task_group() as group:
        events = stream.heartbeats(PATIENCE)
        group.start_soon(the_rest, events)
        await anyio.wait_all_tasks_blocked()
        for other in (events, stream):
            with pytest.raises(LocalProtocolError, match="two tasks"):
                await anext(other)
        slow.go.set()


@pytest.mark.parametrize("script", SCRIPTS)
async def test_a_wait_for_a_heartbeat_that_is_cancelled_anywhere_loses_nothing(script: str) -> None:
    plain = Bench(SCRIPTS[script])
    await plain.read()

    number, ended = 0, False
    while not ended:
        number += 1
        bench = Bench(SCRIPTS[script])
        seen: list[StreamEvent] = []

        async def read(bench: Bench = bench, seen: list[StreamEvent] = seen) -> None:
            try:
                async for event in bench.stream.heartbeats(PATIENCE):
                    assert not isinstance(event, Heartbeat)
                    seen.append(event)
            except ProviderError as error:
                bench.error = str(error)

        async with bench.stream:
            with anyio.CancelScope() as scope:
                reading = CancelAt(read(), number, scope.cancel)
                await reading
            ended = reading.waits < number
            await bench.read()
        assert (seen + bench.events, bench.error) == (plain.events, plain.error), number
        assert bench.asked == plain.asked
        assert bench.transport.opened == plain.transport.opened
    assert number > 1


def test_heartbeats_do_not_restart_the_clocks() -> None:
    class Silent(Slow):
        async def receive(self, timeout: float | None) -> Head | Body | End:
            assert timeout is not None
            await anyio.sleep(timeout)
            raise APITimeoutError("too late")

    beats: list[object] = []

    async def main() -> None:
        stream = AsyncProvider(openai(max_attempts=1), Silent("nowhere"), api_key=KEY).stream(ASK)
        async with stream:
            events = stream.heartbeats(15.5)
            while True:
                beats.append(await anext(events))

    clock = trio.testing.MockClock(autojump_threshold=0)
    with pytest.raises(APITimeoutError):
        anyio.run(main, backend="trio", backend_options={"clock": clock})
    assert beats == [Heartbeat(15.5)] * 38  # in the 600 s of the read clock


def test_a_loop_that_ends_ends_the_read(anyio_backend_name: str) -> None:
    kept: list[object] = []

    async def main() -> None:
        kept.append(Slow("receive"))
        stream = kept[0].stream()  # type: ignore[attr-defined]  # it is the transport
        kept.append(stream.heartbeats(SOON))
        await beat(kept[1])  # type: ignore[arg-type]  # it is the iterator
        await kept[0].reached.wait()  # type: ignore[attr-defined]  # it is the transport

    anyio.run(main, backend=anyio_backend_name)
    assert kept[0].log == ["key", "open", "receive was cancelled", "abort"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_the_time_is_checked(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds: must be a positive number"):
        AsyncProvider(openai(), MemoryTransport(FakeProvider("openai"))).stream(ASK).heartbeats(seconds)


# Over sockets


class Paused:
    """A server that sends the first half of an answer, and the second when it is let go on."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.halves = [
            b"".join(item.data for item in half if isinstance(item, Body))
            for half in (answer("Hel", "lo")[:2], answer("Hel", "lo")[2:])
        ]

    def http1(self, peer: Peer) -> None:
        while peer.request() is not None:
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", self.halves[0])
            self.go.wait(PATIENCE)
            peer.send(self.halves[1])
            peer.close()

    def http2(self, peer: HTTP2Peer) -> None:
        number = peer.request()
        assert number is not None
        peer.head(number)
        peer.body(number, self.halves[0])
        self.go.wait(PATIENCE)
        peer.body(number, self.halves[1], end=True)


OVER: dict[str, Callable[[], Transport]] = {
    "HTTP/1.1": AnyioTransport,
    "HTTP/1.1 over httpcore": HttpcoreTransport,
    "HTTP/2": lambda: AnyioTransport(http2="only"),
}


@pytest.mark.parametrize("over", OVER)
async def test_a_gateway_stays_alive_over_a_socket(over: str) -> None:
    paused = Paused()
    script = over_http2(paused.http2) if over == "HTTP/2" else paused.http1
    transport = OVER[over]()
    with RawServer(script) as server:
        provider = create_provider(openai(base_url=server.url), transport=transport, api_key=KEY)
        try:
            async with provider.stream(ASK) as stream:
                first = [await anext(stream)]
                events = stream.heartbeats(SOON)
                for _ in range(3):
                    await beat(events)
                paused.go.set()
                assert text(first + await the_rest(events)) == "Hello"
            assert server.connections == 1
        finally:
            await transport.aclose()


async def test_a_stream_that_is_never_late_has_no_heartbeats() -> None:
    transport = MemoryTransport(FakeProvider("openai", [Answer(text="one two"), Answer(text="one two")]))
    provider = create_provider(openai(), transport=transport, api_key=KEY)
    async with provider.stream(ASK) as plain, provider.stream(ASK) as stream:
        assert [event async for event in stream.heartbeats(PATIENCE)] == [event async for event in plain]


# The text alone


async def test_the_text_of_an_answer_alone() -> None:
    fake = FakeProvider("openai", [Answer(text="one two", reasoning="well then")])
    provider = create_provider(openai(), transport=MemoryTransport(fake), api_key=KEY)
    async with provider.stream(ASK) as stream:
        pieces = [piece async for piece in stream.text()]
    assert len(pieces) > 1
    assert "".join(pieces) == "one two" == stream.result().text


async def test_a_cancelled_wait_for_text_loses_nothing() -> None:
    slow = Slow("receive", resumable=True)
    async with slow.stream() as stream:
        pieces = stream.text()
        with anyio.move_on_after(SOON) as scope:
            await anext(pieces)
        assert scope.cancelled_caught
        slow.place = "nowhere"
        assert [piece async for piece in pieces] == ["Hel", "lo"]


async def test_an_error_passes_through_the_text() -> None:
    transport = ScriptedTransport([[STREAMING, delta("Hel"), End()]], Clock())
    pieces = AsyncProvider(openai(), transport, api_key=KEY).stream(ASK).text()
    assert await anext(pieces) == "Hel"
    with pytest.raises(ProviderError):
        await anext(pieces)


def test_the_text_of_a_blocking_stream() -> None:
    transport = ScriptedSyncTransport([answer("Hel", "lo"), [STREAMING, delta("Hel"), End()]], Clock())
    provider = create_sync_provider(openai(), transport=transport, api_key=KEY)
    assert isinstance(provider, SyncProvider)
    with provider.stream(ASK) as stream:
        assert [*stream.text()] == ["Hel", "lo"]
    assert stream.result().text == "Hello"
    pieces = provider.stream(ASK).text()
    assert next(pieces) == "Hel"
    with pytest.raises(ProviderError):
        next(pieces)
