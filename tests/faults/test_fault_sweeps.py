"""Cuts at each byte and at each event, in every dialect, by every transport."""

from __future__ import annotations

import pytest

from sansio import APIConnectionError, APITimeoutError, HTTPExchange, StreamTruncatedError
from sansio.http import Headers
from sansio.testing import PROVIDER_TYPES, Answer, FakeProvider, FakeResponse, encode_stream
from sansio.testing.faults import Deliver, FaultyProvider, find_fault
from tests.faults.harness import (
    ASYNC,
    BLOCKING,
    KIND,
    Seen,
    Servers,
    call,
    call_all,
    call_blocking,
    count,
    count_here,
    settles,
    settles_blocking,
)
from tests.faults.table import CALM
from tests.sansio.testing.asking import request_for
from transports.interface import SyncTransport, Transport
from transports.testing.loopback import LoopbackThread

ONCE = {"max_attempts": 1}
_STREAM: Headers = (("content-type", "text/event-stream"),)
_EVENTS = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"content":" you"},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
)
SMALL = FakeResponse(headers=_STREAM, pieces=_EVENTS)
"""A stream that is short enough to be cut at each byte."""

_CHUNKS = [b"%x\r\n%s\r\n" % (len(event), event) for event in _EVENTS]
BODY = b"".join(_CHUNKS) + b"0\r\n\r\n"
TOLD = BODY.index(b"Hi") + len(b'Hi"}}]}')
"""This many bytes hold the first event. At the end of the stream, its line need not be ended."""
FINISHED = BODY.index(b"stop") + len(b'stop"}]}')
"""This many bytes hold the finish reason; after it, the end of the connection ends the answer."""


def check_cut(what: Seen, at: int) -> None:
    if at >= FINISHED:
        assert (what.kind, what.message) == (None, "Hi you"), at
    else:
        partial = "Hi" if at >= TOLD else None
        assert (what.kind, what.partial) == (StreamTruncatedError, partial), at


@pytest.mark.anyio
@pytest.mark.parametrize("transport", ASYNC)
@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_each_byte_of_the_body(servers: Servers, ending: str, transport: str) -> None:
    places = range(len(BODY) + 1)
    with servers.serving("drip", script=[SMALL] * len(places)) as server:
        before = count_here()
        chosen = ASYNC[transport]()
        for at in places:
            server.fault = find_fault(f"{ending}-after:{at}")
            what, _ = await call(server, chosen, clocks=ONCE)
            check_cut(what, at)
        await chosen.aclose()
        await settles(server, before)


@pytest.mark.parametrize("transport", BLOCKING)
@pytest.mark.parametrize("ending", ["close", "reset"])
def test_each_byte_of_the_body_blocking(servers: Servers, ending: str, transport: str) -> None:
    places = range(len(BODY) + 1)
    with servers.serving("drip", script=[SMALL] * len(places)) as server:
        before = count()
        chosen = BLOCKING[transport]()
        for at in places:
            server.fault = find_fault(f"{ending}-after:{at}")
            what, _ = call_blocking(server, chosen, clocks=ONCE)
            check_cut(what, at)
        chosen.close()
        settles_blocking(server, before)


HEAD_SIZE = len(b"HTTP/1.1 200 \r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")


@pytest.mark.anyio
@pytest.mark.parametrize("transport", ASYNC)
@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_each_byte_of_the_head(servers: Servers, ending: str, transport: str) -> None:
    with servers.serving("drip", script=[SMALL] * HEAD_SIZE) as server:
        before = count_here()
        chosen = ASYNC[transport]()
        for at in range(HEAD_SIZE):
            server.fault = find_fault(f"{ending}-in-head:{at}")
            what, _ = await call(server, chosen, clocks=ONCE)
            assert (what.kind, what.partial) == (APIConnectionError, None), at
        await chosen.aclose()
        await settles(server, before)


@pytest.mark.parametrize("transport", BLOCKING)
@pytest.mark.parametrize("ending", ["close", "reset"])
def test_each_byte_of_the_head_blocking(servers: Servers, ending: str, transport: str) -> None:
    with servers.serving("drip", script=[SMALL] * HEAD_SIZE) as server:
        before = count()
        chosen = BLOCKING[transport]()
        for at in range(HEAD_SIZE):
            server.fault = find_fault(f"{ending}-in-head:{at}")
            what, _ = call_blocking(server, chosen, clocks=ONCE)
            assert (what.kind, what.partial) == (APIConnectionError, None), at
        chosen.close()
        settles_blocking(server, before)


SAID = Answer(reasoning="Two things.", text="One two three.")


def events_of(kind: str) -> int:
    return len(encode_stream(kind, SAID))


def check_events(kind: str, ending: str, seen: list[Seen]) -> None:
    """With each further event, the truncated stream has more of the answer, until it is whole."""
    partials = [what.partial or "" for what in seen if what.kind is not None]
    answered = [what.message for what in seen if what.kind is None]
    assert {what.kind for what in seen} <= {StreamTruncatedError, None}, (kind, ending)
    assert all(SAID.text.startswith(partial) for partial in partials)
    assert partials == sorted(partials, key=len)
    assert partials[-1] == SAID.text or not answered
    assert answered == [SAID.text] * len(answered)
    assert [what.kind is None for what in seen] == [False] * len(partials) + [True] * len(answered)


@pytest.mark.anyio
@pytest.mark.parametrize("transport", ASYNC)
@pytest.mark.parametrize("ending", ["truncate", "close-at-event", "reset-at-event"])
@pytest.mark.parametrize("kind", PROVIDER_TYPES)
async def test_each_event(servers: Servers, kind: str, ending: str, transport: str) -> None:
    with servers.serving("drip", script=[SAID] * events_of(kind)) as server:
        before = count_here()
        chosen = ASYNC[transport]()
        seen = [await _at_event(server, chosen, kind, ending, at) for at in range(events_of(kind))]
        await chosen.aclose()
        await settles(server, before)
    check_events(kind, ending, seen)


async def _at_event(server: LoopbackThread, transport: Transport, kind: str, ending: str, at: int) -> Seen:
    server.fault = find_fault(f"{ending}:{at}")
    what, _ = await call(server, transport, kind=kind, clocks=ONCE)
    return what


@pytest.mark.parametrize("transport", BLOCKING)
@pytest.mark.parametrize("ending", ["truncate", "close-at-event", "reset-at-event"])
@pytest.mark.parametrize("kind", PROVIDER_TYPES)
def test_each_event_blocking(servers: Servers, kind: str, ending: str, transport: str) -> None:
    with servers.serving("drip", script=[SAID] * events_of(kind)) as server:
        before = count()
        chosen = BLOCKING[transport]()
        seen = [_at_event_blocking(server, chosen, kind, ending, at) for at in range(events_of(kind))]
        chosen.close()
        settles_blocking(server, before)
    check_events(kind, ending, seen)


def _at_event_blocking(
    server: LoopbackThread, transport: SyncTransport, kind: str, ending: str, at: int
) -> Seen:
    server.fault = find_fault(f"{ending}:{at}")
    what, _ = call_blocking(server, transport, kind=kind, clocks=ONCE)
    return what


@pytest.mark.anyio
@pytest.mark.parametrize(("at", "partial"), [(0, None), (1, "Hi"), (2, "")])
async def test_silence_after_each_event(servers: Servers, at: int, partial: str | None) -> None:
    """The finish reason is not the end marker: a usage may follow, so the call waits for it.

    All transports wait at the same time.
    """
    with servers.serving(f"stall-at-event:{at}", script=[SMALL] * len(ASYNC)) as server:
        before = count_here()
        transports = {name: make() for name, make in ASYNC.items()}
        outcomes = await call_all(server, transports, clocks={**ONCE, "read_timeout": CALM})
        for transport in transports.values():
            await transport.aclose()
        await settles(server, before)
    expected = (None, "Hi you") if partial == "" else (APITimeoutError, partial)
    for name, (what, _) in outcomes.items():
        assert (what.kind, what.partial if what.kind else what.message) == expected, name


def test_the_marks_lie_where_they_should() -> None:
    """The assumptions of the tests above about the bytes that are cut."""
    sent = b"".join(
        action.data
        for action in FaultyProvider(FakeProvider(KIND, [SMALL]), find_fault("drip"))
        .connect()
        .receive_data(HTTPExchange(request_for(KIND)).data_to_send())
        if isinstance(action, Deliver)
    )
    assert sent[HEAD_SIZE:] == BODY
    assert BODY[TOLD:].startswith(b"\n\n")
    assert BODY[FINISHED:].startswith(b"\n\n")
    assert TOLD < FINISHED < len(BODY)
