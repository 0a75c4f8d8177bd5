"""A call as a machine: its order, what it hands out, and its properties."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APITimeoutError,
    Body,
    Call,
    ChatDialect,
    End,
    Head,
    LocalProtocolError,
    Lost,
    Message,
    Provider,
    ProviderError,
    Role,
    Send,
    StreamComplete,
    StreamFailed,
    Wait,
)
from sansio.http import Headers
from sansio.states import CallState
from sansio.steps import ChunkRecord, RequestRecord, ResponseRecord
from tests.sansio.exchanges import (
    GZIP,
    HI,
    JSON_HEAD,
    MALFORMED,
    OVERLOADED,
    REFUSED,
    SSE_HEAD,
    STALE,
    STOP,
    TIMEOUT,
    Input,
    call,
    error_body,
    run,
    streamed,
    whole,
)
from tests.sansio.wires import (
    ASK,
    DONE,
    STREAMS,
    TYPES,
    WHOLES,
    Record,
    chunk,
    comparable,
    completion,
    config,
    failure,
    parse,
    sse,
)
from tests.support import chunkings, every_split


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("stream", [True, False])
def test_a_call_gives_what_its_parser_gives(kind: str, stream: bool) -> None:
    subject = call(kind, stream=stream)
    events, steps = run(subject, streamed(STREAMS[kind]))
    expected = parse(kind, [STREAMS[kind]])
    assert events == (expected if stream else expected[-1:])
    assert events[-1] == StreamComplete(subject.result())
    assert len(steps) == subject.attempts == 1
    assert subject.state is CallState.COMPLETE


@given(st.data())
def test_the_events_do_not_depend_on_how_the_bytes_were_cut(data: st.DataObject) -> None:
    pieces = data.draw(chunkings(STREAMS["openai"]))
    events, _ = run(call("openai"), streamed(*pieces))
    assert events == parse("openai", [STREAMS["openai"]])


def test_nor_those_of_a_whole_answer_or_of_an_error() -> None:
    for data, status in ((WHOLES["openai"], 200), ({"error": {"message": "nö"}}, 404)):
        expected = comparable(run(call("openai"), whole(data, status))[0])
        for pieces in every_split(json.dumps(data, ensure_ascii=False).encode()):
            head = Head(status, (("content-type", "application/json"),))
            events, _ = run(call("openai"), [head, *map(Body, pieces), End()])
            assert comparable(events) == expected


# The machine's own order.


def expect(subject: Call, state: CallState) -> None:
    assert subject.state is state


def test_a_driver_out_of_order_gets_an_error_and_nothing_changes() -> None:
    subject = call("openai")
    with pytest.raises(LocalProtocolError, match="before the end"):
        subject.result()
    assert subject.receive(SSE_HEAD) == []
    expect(subject, CallState.READY)
    subject.next_step()
    for value in (Body(b"x"), End()):
        with pytest.raises(LocalProtocolError, match="a Head comes first, and once"):
            subject.receive(value)
    with pytest.raises(LocalProtocolError, match="give its input first"):
        subject.next_step()
    expect(subject, CallState.HEAD)
    subject.receive(SSE_HEAD)
    with pytest.raises(LocalProtocolError, match="a Head comes first, and once"):
        subject.receive(SSE_HEAD)
    expect(subject, CallState.STREAM)
    assert isinstance(subject.receive(Body(HI + DONE))[-1], StreamComplete)
    assert subject.next_step() is None
    assert subject.next_step() is None


def in_state(state: CallState) -> Call:
    """A call in this state."""
    subject = call("openai")
    if state is CallState.READY:
        return subject
    subject.next_step()
    match state:
        case CallState.STREAM:
            subject.receive(SSE_HEAD)
            subject.receive(Body(HI))
        case CallState.WHOLE:
            subject.receive(JSON_HEAD)
        case CallState.ERROR_BODY:
            subject.receive(Head(500))
        case CallState.BACKOFF:
            subject.receive(Lost(REFUSED))
        case CallState.COMPLETE:
            subject.receive(SSE_HEAD)
            subject.receive(Body(HI + DONE))
        case CallState.FAILED:
            subject.receive(Lost(MALFORMED))
        case _:
            pass
    assert subject.state is state
    return subject


@pytest.mark.parametrize("state", CallState)
def test_fail_is_legal_in_every_state_and_ends_the_call(state: CallState) -> None:
    subject = in_state(state)
    events = subject.fail(APITimeoutError("enough", field="total_timeout"))
    if state in (CallState.COMPLETE, CallState.FAILED):
        assert events == []
        return
    error = failure(events)
    assert error.message == "enough"
    assert error.provider == "openai"
    assert (error.partial.text if error.partial else None) == ("Hi" if state is CallState.STREAM else None)
    assert subject.next_step() is None
    assert subject.fail(error) == []
    with pytest.raises(APITimeoutError):
        subject.result()


class InterruptedDialect(ChatDialect):
    """An interrupt hits the first time that the call wants to name its request."""

    interrupts = 1

    def request_id(self, headers: Headers) -> str | None:
        if self.interrupts:
            self.interrupts -= 1
            raise KeyboardInterrupt
        return super().request_id(headers)


def test_fail_ends_a_call_that_was_interrupted_as_its_stream_ended() -> None:
    provider = Provider(config("openai"))
    provider.dialect = InterruptedDialect(config("openai"))
    subject = provider.call(ASK)
    subject.next_step()
    subject.receive(SSE_HEAD)
    subject.receive(Body(HI))
    with pytest.raises(KeyboardInterrupt):
        subject.receive(End())
    assert subject.state is CallState.STREAM
    error = failure(subject.fail(APITimeoutError("enough")))
    assert error.message == "enough"
    assert subject.next_step() is None


def test_fail_keeps_a_partial_that_the_error_brings() -> None:
    partial = Message(Role.ASSISTANT, "Hm")
    events = in_state(CallState.HEAD).fail(ProviderError("enough", partial=partial))
    assert failure(events).partial == partial


def test_progress_counts_records_over_all_attempts_and_never_falls() -> None:
    subject = call("openai", stream=False)
    seen = [subject.progress]
    exchanges: list[list[Input]] = [
        streamed(b": ping\n\n", HI, HI),
        streamed(b": ping\n\n", HI),
        [SSE_HEAD, Body(HI), Body(b": ping\n\n"), Body(DONE)],
    ]
    script = iter(exchanges)
    while (step := subject.next_step()) is not None:
        if isinstance(step, Send):
            for value in next(script):
                subject.receive(value)
                seen.append(subject.progress)
    assert seen == [0, 0, 0, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5]


def test_an_errors_request_id_is_that_of_its_own_attempt() -> None:
    first = error_body(503, ("x-request-id", "req_1"))
    events, _ = run(call("openai", max_attempts=2), first, [Lost(REFUSED)])
    assert failure(events).request_id is None
    events, _ = run(call("openai", max_attempts=2), [Lost(REFUSED)], first)
    assert failure(events).request_id == "req_1"


@pytest.mark.parametrize("exchange", [streamed(HI, DONE), whole(completion({"content": "Hi"}))])
def test_an_answer_has_the_request_id_of_its_response(exchange: list[Input]) -> None:
    head = exchange[0]
    assert isinstance(head, Head)
    head = Head(200, (*head.headers, ("x-request-id", "req_9")))
    subject = call("openai")
    run(subject, [head, *exchange[1:]])
    assert subject.result().request_id == "req_9"


INPUTS: st.SearchStrategy[Input] = st.one_of(
    st.builds(
        Head,
        st.sampled_from([100, 200, 204, 301, 404, 429, 503]),
        st.lists(
            st.sampled_from(
                [("content-type", "text/event-stream"), ("content-type", "application/json"), GZIP,
                 ("retry-after", "5"), ("content-encoding", "br")]
            ),
            max_size=2,
        ).map(tuple),
    ),
    st.sampled_from([HI, DONE, STOP, b"{", json.dumps(completion({"content": "Hi"})).encode(), b"data: {\n\n",
                     sse(OVERLOADED), gzip.compress(HI)]).map(Body),
    st.binary(max_size=8).map(Body),
    st.just(End()),
    st.sampled_from([Lost(error) for error in (REFUSED, STALE, TIMEOUT, MALFORMED)]),
)  # fmt: skip


@given(st.lists(INPUTS, max_size=30), st.booleans(), st.sampled_from(["openai", "anthropic"]))
def test_any_input_in_any_order_ends_in_at_most_one_last_event(
    inputs: list[Input], stream: bool, kind: str
) -> None:
    subject = call(kind, stream=stream)
    events = []
    for value in inputs:
        while not subject.wants_input and (step := subject.next_step()) is not None:
            assert not isinstance(step, Wait) or 0 < step.seconds <= 60
        before = subject.state
        try:
            events += subject.receive(value)
        except LocalProtocolError:
            assert subject.state is before
    events += subject.fail(ProviderError("enough"))
    assert subject.attempts <= 3
    last = [event for event in events if isinstance(event, (StreamComplete, StreamFailed))]
    assert last == events[-1:]
    if isinstance(last[0], StreamComplete):
        assert subject.result() == last[0].message
    else:
        assert last[0].error.provider == kind


# Records.


def test_records_have_every_request_chunk_and_body() -> None:
    subject = call("openai", record=True)
    assert isinstance(subject.next_step(), Send)
    (request,) = subject.take_records()
    assert isinstance(request, RequestRecord)
    assert request.endpoint == "https://api.openai.com/v1/chat/completions"
    assert request.payload["messages"] == [{"role": "user", "content": "What is the weather in Paris?"}]
    for value in error_body(503):
        subject.receive(value)
    assert subject.take_records() == [ResponseRecord(503, {"error": {"message": "no"}})]
    assert isinstance(subject.next_step(), Wait)
    assert subject.take_records() == []
    subject.next_step()
    assert subject.take_records() == [request]
    subject.receive(SSE_HEAD)
    subject.receive(Body(b": ping\n\n" + HI))
    assert subject.take_records() == [ChunkRecord(chunk({"content": "Hi"}))]
    subject.receive(Body(DONE))
    assert subject.take_records() == [ChunkRecord({"text": "[DONE]"})]
    assert subject.take_records() == []


def test_a_whole_response_is_recorded_and_what_is_no_json_as_text() -> None:
    data: Record = completion({"content": "Hi"})
    cases: list[tuple[list[Input], ResponseRecord]] = [
        (whole(data), ResponseRecord(200, data)),
        ([JSON_HEAD, Body(b"nope"), End()], ResponseRecord(200, {"text": "nope"})),
        ([Head(401), Body(b"<html>"), End()], ResponseRecord(401, {"text": "<html>"})),
        ([Head(401), End()], ResponseRecord(401, {"text": ""})),
    ]
    for exchange, expected in cases:
        subject = call("openai", stream=False, record=True)
        run(subject, exchange)
        assert subject.take_records()[1:] == [expected]


def test_the_chunks_of_a_whole_call_that_was_streamed_to_are_recorded_too() -> None:
    subject = call("openai", stream=False, record=True)
    run(subject, streamed(HI, STOP))
    assert [type(record) for record in subject.take_records()] == [RequestRecord, ChunkRecord, ChunkRecord]


def test_the_chunk_that_a_fault_cut_is_recorded() -> None:
    subject = call("openai", record=True)
    run(subject, [SSE_HEAD, Body(HI + b"data: {nope\n\n")])
    assert subject.take_records()[2:] == [ChunkRecord({"text": "{nope"})]


def test_nothing_is_recorded_unless_asked() -> None:
    subject = call("openai")
    run(subject, streamed(HI, DONE))
    assert subject.take_records() == []


def test_a_key_is_in_no_record_of_the_call() -> None:
    provider = Provider(config("openai"))
    subject = provider.call(ASK, record=True)
    step = subject.next_step()
    assert isinstance(step, Send)
    signed = provider.authorize(step.request, "sk-secret-1234")
    assert "sk-secret" in str(signed.headers)
    slots = [name for kind in Call.__mro__ for name in getattr(kind, "__slots__", ())]
    held = [getattr(subject, name, None) for name in slots]
    assert "sk-secret" not in repr((signed, subject.take_records(), step, held))
