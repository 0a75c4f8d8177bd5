"""The laws of `docs/laws.md` for `Call`, in every dialect."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sansio import (
    APIConnectionError,
    BadRequestError,
    Body,
    Call,
    End,
    Head,
    LimitExceededError,
    Lost,
    Message,
    Part,
    Provider,
    ProviderError,
    RemoteProtocolError,
    Role,
    Send,
    StreamComplete,
    StreamEvent,
    StreamFailed,
)
from sansio.http import Input
from sansio.states import CallState
from sansio.steps import Record, Step
from sansio.testing import encode_events, encode_whole
from sansio.testing.strategies import answers, chunkings, events, streams, tapes
from sansio.testing.tape import play
from tests.laws.oracle import (
    LIMITS,
    WIRES,
    assert_copies_linear,
    assert_linear,
    assert_memory_linear,
    assert_no_lie,
    assert_nothing_lost,
    assert_one_end,
    at_once,
    config_for,
    fault,
    in_every_dialect,
    in_pieces,
    memory_peak,
    plain,
    sorted_parts,
    written,
)

EVENT_STREAM = Head(200, (("content-type", "text/event-stream"),))
JSON = Head(200, (("content-type", "application/json"),))
GZIP = ("content-encoding", "gzip")
ENDS: st.SearchStrategy[End | Lost] = st.sampled_from((End(), Lost(APIConnectionError("reset"))))


def call_of(
    type: str, *, stream: bool = True, limits: Mapping[str, int] | None = None, attempts: int = 3
) -> Call:
    provider = Provider(config_for(type, limits=limits or {}, max_attempts=attempts))
    return provider.call([Message(Role.USER, "Hello")], stream=stream, random=lambda: 0.5, record=True)


def bodies(data: bytes) -> list[Input]:
    return [Body(piece) for piece in in_pieces(data, 100)]


def gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


class Told(NamedTuple):
    """Everything that a call gives to its driver, its logs and its consumer."""

    events: list[object]
    steps: list[Step]
    records: list[Record]
    outcome: object


def told(call: Call, tape: list[Input]) -> Told:
    """Play a tape to its end."""
    steps: list[Step] = []
    events = play(call, tape, steps=steps)
    return Told(plain(events), steps, call.take_records(), outcome(call))


def outcome(call: Call) -> object:
    """The call's result; an error as a value."""
    try:
        return call.result()
    except ProviderError as error:
        return fault(error)


def recut(data: st.DataObject, tape: Iterable[Input]) -> list[Input]:
    """The same tape with its bodies cut in other places."""
    again: list[Input] = []
    body = b""
    for value in tape:
        if isinstance(value, Body):
            body += value.data
            continue
        again += map(Body, data.draw(chunkings(body)) if body else ())
        again.append(value)
        body = b""
    return again


@in_every_dialect
@given(data=st.data(), limits=LIMITS, stream=st.booleans())
def test_cut_freedom(wire: str, data: st.DataObject, limits: dict[str, int], stream: bool) -> None:
    type = data.draw(WIRES[wire])
    tape = data.draw(tapes(type))
    one, other = (call_of(type, stream=stream, limits=limits) for _ in range(2))
    assert told(one, recut(data, tape)) == told(other, tape)
    assert one.attempts == other.attempts
    assert one.progress == other.progress


@in_every_dialect
@given(data=st.data(), limits=LIMITS, stream=st.booleans(), attempts=st.integers(1, 4))
def test_one_end(wire: str, data: st.DataObject, limits: dict[str, int], stream: bool, attempts: int) -> None:
    type = data.draw(WIRES[wire])
    call = call_of(type, stream=stream, limits=limits, attempts=attempts)
    steps: list[Step] = []
    events = play(call, data.draw(tapes(type)), steps=steps)
    assert_one_end(events)
    last = events[-1]
    if isinstance(last, StreamComplete):
        assert call.state is CallState.COMPLETE
        assert call.result() == last.message
    else:
        assert call.state is CallState.FAILED
        assert isinstance(last, StreamFailed)
        assert outcome(call) == fault(last.error)
    assert 1 <= call.attempts <= attempts
    assert call.attempts == sum(isinstance(step, Send) and not step.fresh for step in steps)
    assert call.receive(EVENT_STREAM) == call.fail(APIConnectionError("too late")) == []
    assert call.next_step() is None


@in_every_dialect
@given(data=st.data(), limits=LIMITS)
def test_nothing_lost_of_hostile_exchanges(wire: str, data: st.DataObject, limits: dict[str, int]) -> None:
    type = data.draw(WIRES[wire])
    # Were a request sent again after a delta was handed out, the deltas would join to more than the last
    # attempt's answer.
    assert_nothing_lost(play(call_of(type, limits=limits), data.draw(tapes(type))))


@in_every_dialect
@given(data=st.data())
def test_nothing_lost_when_the_driver_fails_the_call(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    stream = data.draw(streams(type))
    part = data.draw(st.integers(0, len(stream.data)))
    call = call_of(type)
    call.next_step()
    events: list[StreamEvent] = []
    for value in [EVENT_STREAM, *bodies(stream.data[:part])]:
        events += call.receive(value)
    events += call.fail(APIConnectionError("the consumer has had enough"))
    assert_one_end(events)
    assert_nothing_lost(events)
    assert plain(events[:-1]) == plain(stream.events[: len(events) - 1])


@in_every_dialect
@given(data=st.data(), cut_by=ENDS)
def test_nothing_lost_to_a_retry(wire: str, data: st.DataObject, cut_by: End | Lost) -> None:
    type = data.draw(WIRES[wire])
    first, second = data.draw(streams(type)), data.draw(streams(type))
    part = first.data[: data.draw(st.integers(0, first.whole_from - 1))]
    call = call_of(type)
    events = play(call, [EVENT_STREAM, *bodies(part), cut_by, EVENT_STREAM, *bodies(second.data), End()])
    if call.attempts == 1:  # an event was handed out, so that nothing may be sent again
        assert len(events) > 1
        assert isinstance(events[-1], StreamFailed)
        assert events[:-1] == first.events[: len(events) - 1]
        assert_nothing_lost(events)
    else:
        assert events == second.events


@in_every_dialect
@given(data=st.data())
def test_nothing_lost_of_a_compressed_body_that_is_corrupt(wire: str, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    deltas = data.draw(events(type))[:-1]
    packed = gzip(b"".join(encode_events(type, deltas)))
    corrupt = packed[:-8] + bytes(byte ^ 1 for byte in packed[-8:-4]) + packed[-4:]
    head = Head(200, (*EVENT_STREAM.headers, GZIP))
    *given_events, last = play(call_of(type), [head, *map(Body, data.draw(chunkings(corrupt))), End()])
    assert given_events == at_once(type, deltas)
    assert isinstance(last, StreamFailed)
    assert isinstance(last.error, RemoteProtocolError)


@in_every_dialect
@given(data=st.data(), packed=st.booleans(), ends=ENDS)
def test_round_trip_of_a_stream(wire: str, data: st.DataObject, packed: bool, ends: End | Lost) -> None:
    type = data.draw(WIRES[wire])
    stream = data.draw(streams(type))
    head = Head(200, (*EVENT_STREAM.headers, GZIP)) if packed else EVENT_STREAM
    body = gzip(stream.data) if packed else stream.data
    tape: list[Input] = [head, *map(Body, data.draw(chunkings(body))), ends]
    assert play(call_of(type), tape) == stream.events
    # A driver that requested a whole answer and gets a stream receives only its message.
    assert play(call_of(type, stream=False), tape) == stream.events[-1:]


@in_every_dialect
@given(data=st.data(), packed=st.booleans())
def test_round_trip_of_a_whole_answer(wire: str, data: st.DataObject, packed: bool) -> None:
    type = data.draw(WIRES[wire])
    answer = data.draw(answers(type))
    body = encode_whole(type, answer, model="a-model", response_id="an-id")
    head = Head(200, (*JSON.headers, GZIP)) if packed else JSON
    tape: list[Input] = [head, *bodies(gzip(body) if packed else body), End()]
    (last,) = play(call_of(type, stream=False), tape)
    assert isinstance(last, StreamComplete)
    said = answer.to_message(model="a-model", response_id="an-id")
    assert as_said(type, last.message) == as_said(type, said)
    # A driver that requested a stream and gets a whole answer receives it as events.
    events = play(call_of(type), tape)
    assert events[-1] == last
    assert_nothing_lost(events)


def as_said(type: str, message: Message) -> tuple[Message, list[Part]]:
    """The message and its parts, in an order that does not depend on the wire."""
    bare = structs.replace(message, content="", origin=None)
    return bare, sorted_parts(type, written(message).parts)


@in_every_dialect
@given(data=st.data(), ends=ENDS)
def test_no_lie_about_a_stream_that_was_cut(wire: str, data: st.DataObject, ends: End | Lost) -> None:
    type = data.draw(WIRES[wire])
    stream = data.draw(streams(type))
    length = data.draw(
        st.integers(0, len(stream.data)) | st.sampled_from((stream.whole_from - 1, stream.whole_from))
    )
    last = play(call_of(type), [EVENT_STREAM, *bodies(stream.data[:length]), ends])[-1]
    assert isinstance(last, StreamComplete) == (length >= stream.whole_from)


@in_every_dialect
@given(data=st.data(), packed=st.booleans(), ends=ENDS)
def test_no_lie_about_a_body_that_was_cut(
    wire: str, data: st.DataObject, packed: bool, ends: End | Lost
) -> None:
    type = data.draw(WIRES[wire])
    body = encode_whole(type, data.draw(answers(type)))
    head = JSON
    if packed:
        head, body = Head(200, (*JSON.headers, GZIP)), gzip(body)
    length = data.draw(st.integers(0, len(body) - 1) | st.just(len(body) - 1))
    last = play(call_of(type), [head, *bodies(body[:length]), ends])[-1]
    assert isinstance(last, StreamFailed)


@in_every_dialect
@given(data=st.data(), stream=st.booleans())
def test_no_lie_about_tool_calls(wire: str, data: st.DataObject, stream: bool) -> None:
    type = data.draw(WIRES[wire])
    last = play(call_of(type, stream=stream), data.draw(tapes(type)))[-1]
    if isinstance(last, StreamComplete):
        assert_no_lie(last.message)
    else:
        assert isinstance(last, StreamFailed)
        assert last.error.partial is None or last.error.partial.tool_calls == ()


@in_every_dialect
@given(data=st.data(), limits=LIMITS, stream=st.booleans())
def test_determinism(wire: str, data: st.DataObject, limits: dict[str, int], stream: bool) -> None:
    type = data.draw(WIRES[wire])
    tape = data.draw(tapes(type))
    first, second = (told(call_of(type, stream=stream, limits=limits), tape) for _ in range(2))
    assert first == second
    sent = [step.request.body for step in first.steps if isinstance(step, Send)]
    assert len(set(sent)) == 1


Flood: TypeAlias = Callable[[int], Iterator[Input]]


def a_stream(total: int) -> Iterator[Input]:
    yield EVENT_STREAM
    for _ in range(total // 64):
        yield Body(b'data: {"choices":[{"delta":{"content":"0123456789abcde"}}]}\n\n')


def a_packed_stream(total: int) -> Iterator[Input]:
    yield Head(200, (*EVENT_STREAM.headers, GZIP))
    said = b"".join(b'data: {"choices":[{"delta":{"content":"%010d"}}]}\n\n' % n for n in range(total // 60))
    yield from map(Body, in_pieces(gzip(said), 64))


def a_whole_answer(total: int) -> Iterator[Input]:
    yield JSON
    yield Body(b'{"choices":[{"message":{"content":"')
    for _ in range(total // 64):
        yield Body(b"x" * 64)


def an_error_body(total: int) -> Iterator[Input]:
    yield Head(400)
    for _ in range(total // 64):
        yield Body(b"x" * 64)


def a_bomb(total: int) -> Iterator[Input]:
    yield Head(200, (*JSON.headers, GZIP))
    yield from map(Body, in_pieces(gzip(b" " * total), 64))


def informational_heads(total: int) -> Iterator[Input]:
    for _ in range(total // 64):
        yield Head(103)


FLOODS: list[Flood] = [a_stream, a_packed_stream, a_whole_answer, an_error_body, a_bomb, informational_heads]


def feed(flood: Iterable[Input], *, stream: bool = True, **limits: int) -> list[StreamEvent]:
    """The inputs of an exchange without its end."""
    call = Provider(config_for("openai", limits=limits)).call([Message(Role.USER, "Hello")], stream=stream)
    call.next_step()
    return [event for value in flood for event in call.receive(value)]


@pytest.mark.parametrize("flood", FLOODS)
def test_linear_in_time_and_in_what_is_held(flood: Flood) -> None:
    def run(total: int) -> None:
        feed(flood(total), max_error_bytes=10**9)

    assert_linear(run, 10_000)
    assert_copies_linear(run, 40_000)
    assert_memory_linear(run, 40_000)


@pytest.mark.parametrize("flood", [a_stream, a_packed_stream, a_whole_answer, a_bomb])
def test_linear_memory_ends_at_the_limit_of_an_answer(flood: Flood) -> None:
    limit = 100_000
    tape = list(flood(10 * limit))
    given_events: list[StreamEvent] = []

    def run() -> None:
        given_events[:] = feed(tape, stream=False, max_answer_bytes=limit)

    assert memory_peak(run) < 5 * limit
    (failed,) = given_events
    assert isinstance(failed, StreamFailed)
    assert isinstance(failed.error, LimitExceededError)
    assert failed.error.field == "max_answer_bytes"


def test_linear_memory_of_an_error_body_which_is_cut_so_that_its_status_is_still_reported() -> None:
    limit = 10_000
    tape = list(an_error_body(50 * limit))
    given_events: list[StreamEvent] = []

    def run() -> None:
        given_events[:] = feed(tape, max_error_bytes=limit)

    assert memory_peak(run) < 5 * limit
    (failed,) = given_events
    assert isinstance(failed, StreamFailed)
    assert isinstance(failed.error, BadRequestError)
