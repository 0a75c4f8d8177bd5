"""A call's limits to the byte, and the message of each failure."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from sansio import (
    APIStatusError,
    BadRequestError,
    Body,
    Call,
    End,
    Head,
    LimitExceededError,
    Message,
    Provider,
    ProviderError,
    RemoteProtocolError,
    Request,
    RetrySchedule,
    StreamTruncatedError,
)
from sansio.steps import RequestRecord
from tests.sansio.exchanges import GZIP, HI, JSON_HEAD, SSE_HEAD, STOP, Input, call, error_body, run
from tests.sansio.wires import ASK, completion, config, failure


def last(*inputs: Input, **fields: Any) -> Message | ProviderError:
    """The outcome of a call with one attempt."""
    made = call("openai", max_attempts=1, **fields)
    run(made, inputs)
    try:
        return made.result()
    except ProviderError as error:
        return error


def test_a_head_of_just_the_limit_passes_and_one_byte_more_does_not() -> None:
    headers = (("content-type", "application/json"), ("x-a", "b" * 10))
    size = sum(len(name) + len(value) for name, value in headers)
    answer: list[Input] = [Body(json.dumps(completion({"content": "Hi"})).encode()), End()]
    assert isinstance(last(Head(200, headers), *answer, limits={"max_header_bytes": size}), Message)
    refused = last(Head(200, headers), limits={"max_header_bytes": size - 1})
    assert isinstance(refused, LimitExceededError)
    assert refused.field == "max_header_bytes"
    assert f"longer than {size - 1} bytes" in refused.message


def test_a_whole_answer_of_just_the_limit_passes_and_one_byte_more_does_not() -> None:
    answer = json.dumps(completion({"content": "Hi"})).encode()
    assert isinstance(last(JSON_HEAD, Body(answer), End(), limits={"max_answer_bytes": len(answer)}), Message)
    refused = last(JSON_HEAD, Body(answer), limits={"max_answer_bytes": len(answer) - 1})
    assert isinstance(refused, LimitExceededError)
    assert refused.field == "max_answer_bytes"
    assert f"longer than {len(answer) - 1} bytes" in refused.message


def test_a_streamed_answer_of_just_the_limit_passes_and_one_byte_more_does_not() -> None:
    answer = HI + STOP
    assert isinstance(last(SSE_HEAD, Body(answer), End(), limits={"max_answer_bytes": len(answer)}), Message)
    refused = last(SSE_HEAD, Body(answer), limits={"max_answer_bytes": len(answer) - 1})
    assert isinstance(refused, LimitExceededError)
    assert (refused.field, refused.offset) == ("max_answer_bytes", len(answer) - 1)


def test_a_stream_without_its_media_type_is_one_also_where_its_first_piece_is_longer_than_the_limit() -> None:
    stream = b'data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n'
    for pieces in ([stream + b" "], [stream, b" "]):
        refused = last(
            Head(200, ()), *map(Body, pieces), stream=False, limits={"max_answer_bytes": len(stream)}
        )
        assert isinstance(refused, LimitExceededError)
        assert refused.partial is not None
        assert refused.partial.content == "Hello"


def test_no_stream_begins_behind_more_white_space_than_the_limit() -> None:
    refused = last(
        Head(200, ()), Body(b" " * 11 + b"data: {}\n\n"), stream=False, limits={"max_answer_bytes": 10}
    )
    assert isinstance(refused, LimitExceededError)
    assert refused.offset is None


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("cut", [1, 7, 100_000_000])
def test_an_error_body_is_cut_to_the_byte_however_it_comes(packed: bool, cut: int) -> None:
    body = b"x" * 300_000
    sent = gzip.compress(body) if packed else body[:2_000]
    made = call("openai", max_attempts=1, limits={"max_error_bytes": 100, "max_answer_bytes": 150})
    made.next_step()
    events = made.receive(Head(400, (GZIP,) if packed else ()))
    taken = 0
    while made.wants_input and taken < len(sent):
        events += made.receive(Body(sent[taken : taken + cut]))
        taken += cut
    error = failure(events)
    assert isinstance(error, BadRequestError)
    assert error.provider_message == "x" * 100
    if not packed:
        assert taken >= 100
        assert taken < 100 + cut


def test_an_error_body_shorter_than_its_limit_is_read_to_its_end() -> None:
    made = call("openai", max_attempts=1, limits={"max_error_bytes": 100})
    made.next_step()
    made.receive(Head(400, ()))
    assert made.receive(Body(b"x" * 99)) == []
    assert made.wants_input
    error = failure(made.receive(End()))
    assert error.provider_message == "x" * 99


@pytest.mark.parametrize(
    ("status", "kind"),
    [(199, None), (200, Message), (299, Message), (300, APIStatusError), (399, APIStatusError)],
)
def test_an_answer_is_what_came_with_a_status_of_2xx(status: int, kind: type[object] | None) -> None:
    made = call("openai", max_attempts=1)
    made.next_step()
    head = Head(status, (("content-type", "application/json"),))
    events = made.receive(head)
    if kind is None:
        assert made.state.value == "head"  # informational: another head follows
        made.receive(JSON_HEAD)
        kind = Message
    events += made.receive(Body(json.dumps(completion({"content": "Hi"})).encode()))
    events += made.receive(End())
    try:
        outcome: object = made.result()
    except ProviderError as error:
        outcome = error
    assert isinstance(outcome, kind)


LOSSES: dict[str, tuple[list[Input], type[ProviderError], str]] = {
    "a web page": (
        [Head(200, (("content-type", "Text/HTML ; charset=utf-8"),)), Body(b"<html>")],
        RemoteProtocolError,
        "(text/html), not as an API",
    ),
    "half a compressed body": (
        [Head(200, (*JSON_HEAD.headers, GZIP)), Body(gzip.compress(b"{}")[:-4]), End()],
        StreamTruncatedError,
        "compressed body",
    ),
    "a body that is not compressed as it says": (
        [Head(200, (*JSON_HEAD.headers, GZIP)), Body(b"no gzip"), End()],
        RemoteProtocolError,
        "body is corrupt",
    ),
    "an unknown coding": ([Head(200, (("content-encoding", "br"),))], RemoteProtocolError, "'br'"),
    "a second header with a coding": (
        [Head(200, (("content-encoding", "gzip"), ("Content-Encoding", "gzip")))],
        RemoteProtocolError,
        "'gzip, gzip'",
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_failure_says_what_happened(name: str) -> None:
    inputs, kind, words = LOSSES[name]
    error = last(*inputs)
    assert isinstance(error, ProviderError)
    assert type(error) is kind
    assert words in error.message


def test_an_error_knows_where_and_how_often_it_happened() -> None:
    made = call("openai", max_attempts=2)
    busy = error_body(503, ("x-request-id", "req_1"))
    events, _ = run(made, error_body(503, ("x-request-id", "req_0")), busy)
    error = failure(events)
    assert (error.provider, error.model, error.attempts) == ("openai", "some-model", 2)
    assert (error.request_id, error.status) == ("req_1", 503)


@pytest.mark.parametrize(
    ("status", "kind"), [(200, RemoteProtocolError), (299, RemoteProtocolError), (300, APIStatusError)]
)
def test_a_coding_that_is_unknown_is_the_fault_only_where_an_answer_was_due(
    status: int, kind: type[ProviderError]
) -> None:
    error = last(Head(status, (("content-encoding", "br"),)))
    assert isinstance(error, kind)


def test_nothing_is_recorded_unless_it_was_asked_for() -> None:
    provider = Provider(config("openai"))
    request = Request.post("https://api.openai.com/v1/chat/completions", (), b"{}")
    made = Call(provider.dialect, request, stream=True, schedule=RetrySchedule(), random=lambda: 0.0)
    run(made, [JSON_HEAD, Body(json.dumps(completion({"content": "Hi"})).encode()), End()])
    assert made.take_records() == []


def test_a_record_of_a_request_holds_it_as_deep_as_a_tools_schema_may_be() -> None:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(126):
        schema = {"anyOf": [schema]}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    made = Provider(config("openai")).call(ASK, [tool], record=True)
    made.next_step()
    (record,) = made.take_records()
    assert isinstance(record, RequestRecord)
    assert record.payload["tools"] == [tool]


@pytest.mark.parametrize("size", [60_000, 70_000, 300_000])
def test_a_compressed_body_of_any_size_is_whole_in_one_input(size: int) -> None:
    text = "a" * size
    subject = call("openai", stream=False)
    packed = gzip.compress(json.dumps(completion({"content": text})).encode())
    run(subject, [Head(200, (*JSON_HEAD.headers, GZIP)), Body(packed), End()])
    assert subject.result().text == text
    packed = gzip.compress(json.dumps({"pad": text, "error": {"message": "no"}}).encode())
    refused: list[Input] = [Head(400, (*JSON_HEAD.headers, GZIP)), Body(packed), End()]
    events, _ = run(call("openai", limits={"max_error_bytes": 400_000}), refused)
    assert failure(events).provider_message == "no"
