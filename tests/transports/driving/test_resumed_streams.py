"""Streams that are cut and go on, by both drivers: the same loop, with one more signed request."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from sansio import (
    APIConnectionError,
    APITimeoutError,
    ContentDelta,
    Provider,
    ProviderConfig,
    Request,
    StreamComplete,
    StreamEvent,
)
from sansio.http import header
from sansio.jsontext import JSONObject
from sansio.testing import Ending
from sansio.testing.kept import KeptStream
from tests.sansio.families.responses.frames import added, completed, created, done, message, text
from tests.transports.raw_server import Peer, RawServer
from tests.transports.scripted import ASK, KEY, Clock
from transports import (
    AnyioTransport,
    EventStream,
    MemoryTransport,
    SocketTransport,
    SyncEventStream,
    SyncMemoryTransport,
    SyncTransport,
    Transport,
)
from transports.driving.keys import KeySource

RECORDS: list[JSONObject] = [
    created(background=True),
    added(message()),
    *map(text, ("Hel", "lo", " wor", "ld")),
    done(message("Hello world")),
    completed(message("Hello world")),
]
WHOLE = [ContentDelta("Hel"), ContentDelta("lo"), ContentDelta(" wor"), ContentDelta("ld")]
INSIDE = KeptStream(RECORDS[:4]).size - 10
"""A place inside the second delta."""


class Log:
    """A raw log that keeps the addresses of requests and the numbers of events."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.numbers: list[object] = []

    def on_request(self, endpoint: str, payload: JSONObject) -> None:
        self.asked.append(endpoint.rpartition("/")[2])

    def on_response(self, status: int, body: JSONObject) -> None:
        raise AssertionError("a stream has no whole response")

    def on_chunk(self, chunk: JSONObject) -> None:
        self.numbers.append(chunk.get("sequence_number"))


def provider(base_url: str = "http://localhost:1/v1", **fields: Any) -> Provider:
    return Provider(ProviderConfig(type="openai", api="responses", model="m", base_url=base_url, **fields))


def async_stream(transport: Transport, clock: Clock, log: Log | None = None, **fields: Any) -> EventStream:
    asking = provider(**fields)
    call = asking.call(ASK, background=True, record=log is not None)
    keys = KeySource(asking.config, KEY)
    return EventStream(asking, call, transport, keys, log, now=clock.now, sleep=clock.sleep)


def sync_stream(
    transport: SyncTransport, clock: Clock, log: Log | None = None, **fields: Any
) -> SyncEventStream:
    asking = provider(**fields)
    call = asking.call(ASK, background=True, record=log is not None)
    keys = KeySource(asking.config, KEY)
    return SyncEventStream(asking, call, transport, keys, log, now=clock.now, sleep=clock.wait)


def check(events: Sequence[StreamEvent], requests: Sequence[Request], clock: Clock) -> None:
    """The stream shows nothing of the cut, and the request for the rest was signed like the first."""
    assert events[:-1] == WHOLE
    assert isinstance(events[-1], StreamComplete)
    assert [request.method for request in requests] == ["POST", "GET"]
    assert {header(request.headers, "authorization") for request in requests} == {f"Bearer {KEY}"}
    assert clock.slept == [1.0]


@pytest.mark.anyio
async def test_an_async_stream_goes_on() -> None:
    clock, log = Clock(), Log()
    server = KeptStream(RECORDS, cuts=(INSIDE,), overlaps=(0, 2))
    transport = MemoryTransport(server)
    async with async_stream(transport, clock, log) as stream:
        events = [event async for event in stream]
    check(events, server.requests, clock)
    assert stream.result().text == "Hello world"
    assert stream.response is not None
    assert (stream.response.attempts, stream.response.resumes) == (2, 1)
    assert (transport.opened, transport.aborted, transport.closed) == (2, 1, 1)
    assert log.asked == ["responses", "resp_1?stream=true&starting_after=2"]
    assert [number for number in log.numbers if number is not None] == [0, 1, 2, 1, 2, 3, 4, 5, 6, 7]


def test_a_blocking_stream_goes_on() -> None:
    clock, log = Clock(), Log()
    server = KeptStream(RECORDS, cuts=(INSIDE,), overlaps=(0, 2))
    with sync_stream(SyncMemoryTransport(server), clock, log) as stream:
        events = list(stream)
    check(events, server.requests, clock)
    assert log.asked == ["responses", "resp_1?stream=true&starting_after=2"]


@pytest.mark.anyio
@pytest.mark.parametrize("ending", [Ending.DROP, Ending.FINISH])
async def test_a_stream_that_ends_too_early_in_an_orderly_way_goes_on_too(ending: Ending) -> None:
    clock = Clock()
    server = KeptStream(RECORDS, cuts=(INSIDE,), ending=ending)
    async with async_stream(MemoryTransport(server), clock) as stream:
        events = [event async for event in stream]
    check(events, server.requests, clock)


@pytest.mark.anyio
async def test_the_total_bounds_all_streams_of_an_answer() -> None:
    clock = Clock()
    cuts = [len(piece) for piece in pieces()]
    transport = MemoryTransport(KeptStream(RECORDS, cuts=cuts))
    stream = async_stream(transport, clock, total_timeout=3.5)
    for said in WHOLE[:2]:
        assert await anext(stream) == said
    with pytest.raises(APITimeoutError) as caught:
        await anext(stream)
    assert caught.value.field == "total_timeout"
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hello"
    assert (caught.value.attempts, caught.value.resumes) == (4, 3)


def pieces() -> tuple[bytes, ...]:
    """The frames of the stream."""
    return KeptStream(RECORDS).respond(Request.get("http://localhost/", ())).pieces


@pytest.mark.anyio
async def test_a_server_that_falls_silent_is_asked_for_the_rest() -> None:
    clock = Clock()
    server = KeptStream(RECORDS, cuts=(INSIDE,), ending=Ending.HOLD)
    async with async_stream(MemoryTransport(server), clock, read_timeout=0.01) as stream:
        events = [event async for event in stream]
    check(events, server.requests, clock)


def test_an_abort_while_the_call_waits_to_resume_has_what_arrived() -> None:
    streams: list[SyncEventStream] = []

    def abort(woken: threading.Event, seconds: float) -> None:
        streams[0].abort()

    asking = provider()
    transport = SyncMemoryTransport(KeptStream(RECORDS, cuts=(INSIDE,)))
    keys = KeySource(asking.config, KEY)
    streams.append(SyncEventStream(asking, asking.call(ASK, background=True), transport, keys, sleep=abort))
    with pytest.raises(APIConnectionError) as caught:
        list(streams[0])
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hel"


# Over sockets.


def cutting(server: KeptStream) -> RawServer:
    """A server on a socket that cuts its streams by a reset."""

    def script(peer: Peer) -> None:
        while (given := peer.request()) is not None:
            target = given.split(b" ", 2)[1].decode()
            answer = server.respond(Request.get(f"http://localhost{target}", ()))
            peer.send(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
                *(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in answer.pieces),
            )
            if answer.ending is Ending.DROP:
                peer.close()
                return
            peer.send(b"0\r\n\r\n")

    return RawServer(script)


@pytest.mark.anyio
async def test_a_real_connection_that_is_cut_twice() -> None:
    clock = Clock()
    server = KeptStream(RECORDS, cuts=(INSIDE, 150), overlaps=(0, 1))
    with cutting(server) as peer:
        transport = AnyioTransport()
        async with async_stream(transport, clock, base_url=peer.url) as stream:
            events = [event async for event in stream]
        await transport.aclose()
    assert events[:-1] == WHOLE
    assert isinstance(events[-1], StreamComplete)
    assert len(server.requests) == 3


def test_a_real_connection_that_is_cut_twice_and_a_blocking_stream() -> None:
    clock = Clock()
    server = KeptStream(RECORDS, cuts=(INSIDE, 150), overlaps=(0, 1))
    with cutting(server) as peer:
        transport = SocketTransport()
        with sync_stream(transport, clock, base_url=peer.url) as stream:
            events = list(stream)
        transport.close()
    assert events[:-1] == WHOLE
    assert stream.result().text == "Hello world"
    assert len(server.requests) == 3
