"""Results, in whatever form and order they arrive."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIStatusError,
    BadRequestError,
    BatchPart,
    BatchState,
    LocalProtocolError,
    Message,
    NotFoundError,
    Provider,
    ProviderError,
    RemoteProtocolError,
    Send,
    UnansweredError,
)
from sansio.testing import Answer, Ending, FakeResponse, Outcome
from sansio.testing.script import Broken
from tests.sansio.batches.driving import (
    batches,
    config_of,
    drive,
    fake_of,
    perform,
    read,
    requests,
    said,
)

JSON = (("content-type", "application/json"),)


def finished(kind: str, **fields: Any) -> BatchState:
    """The state of a batch of two requests that is over."""
    origin = Provider(config_of(kind)).dialect.origin
    part = BatchPart(id="b", count=2, digest="", status="completed", **fields)
    return BatchState(origin=origin, submitted=0.0, parts=(part,))


def lines(*rows: object) -> FakeResponse:
    return FakeResponse(pieces=(b"".join(json.dumps(row).encode() + b"\n" for row in rows),))


GOOD = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"response": {"status_code": 200, "body": GOOD}}, Message),
        ({"response": {"body": GOOD}, "error": None}, Message),
        (
            {"response": {"status_code": 200, "request_id": "r", "body": {"error": {"code": 404}}}},
            NotFoundError,
        ),
        ({"response": {"status_code": 400, "body": {"error": {"message": "no"}}}}, BadRequestError),
        ({"response": {"status_code": 200, "body": "text"}}, RemoteProtocolError),
        ({"response": {"status_code": 200, "body": {"choices": 1}}}, RemoteProtocolError),
        ({"response": None, "error": {"code": "server_error", "message": "no"}}, APIStatusError),
        ({"response": None, "error": {"code": "batch_expired"}}, UnansweredError),
        ({"response": None, "error": None}, RemoteProtocolError),
    ],
)
def test_a_row_is_an_answer_or_its_error(row: dict[str, Any], kind: type) -> None:
    machine = batches(config_of("openai"))
    state = finished("openai", output_file="o")
    rows = lines({"custom_id": "a", **row}, {"custom_id": "b", **row})
    results = read(machine.results(state), lambda request: rows)
    assert [result.custom_id for result in results] == ["a", "b"]
    for result in results:
        assert isinstance(result.outcome, kind)
        if isinstance(result.outcome, ProviderError):
            assert result.outcome.provider == "openai"


ANTHROPIC_GOOD = {
    "type": "succeeded",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"},
}


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (ANTHROPIC_GOOD, Message),
        ({"type": "succeeded"}, RemoteProtocolError),
        ({"type": "errored", "error": {"type": "error", "error": {"type": "api_error"}}}, APIStatusError),
        ({"type": "errored"}, RemoteProtocolError),
        ({"type": "new"}, RemoteProtocolError),
        ({"type": 1}, RemoteProtocolError),
        ({"type": ["expired"]}, RemoteProtocolError),
        ({"type": "canceled"}, UnansweredError),
        ({"type": "expired"}, UnansweredError),
        (None, RemoteProtocolError),
    ],
)
def test_a_row_of_anthropic_s_is_an_answer_or_its_error(result: object, kind: type) -> None:
    rows = lines({"custom_id": "a", "result": result}, {"custom_id": "b", "result": result})
    found = read(batches(config_of("anthropic")).results(finished("anthropic")), lambda request: rows)
    assert [isinstance(each.outcome, kind) for each in found] == [True, True]


@given(st.permutations(range(4)), st.binary(max_size=20))
def test_a_damaged_row_hides_no_other_and_a_repeated_one_counts_once(order: list[int], damage: bytes) -> None:
    row = json.dumps({"custom_id": "a", "result": ANTHROPIC_GOOD}).encode()
    rows = [row, row.replace(b'"a"', b'"b"'), row, damage.replace(b"\n", b"")]
    body = FakeResponse(pieces=(b"\n".join(rows[place] for place in order),))
    found = read(batches(config_of("anthropic")).results(finished("anthropic")), lambda request: body)
    assert sorted(result.custom_id for result in found) == ["a", "b"]


def test_a_row_that_belongs_to_no_request_is_named_where_a_result_is_missing() -> None:
    machine = batches(config_of("anthropic"))
    rows = lines({"custom_id": "a", "result": ANTHROPIC_GOOD}, {"result": ANTHROPIC_GOOD})
    reader = machine.results(finished("anthropic"))
    assert [result.custom_id for result in read(reader, lambda request: rows)] == ["a"]
    with pytest.raises(UnansweredError, match=r"1 of its 2 requests .* has no custom_id") as caught:
        reader.next_call()
    assert caught.value.code == "missing"


def test_the_results_end_with_the_error_of_a_download_that_failed() -> None:
    machine = batches(config_of("openai"))
    reader = machine.results(finished("openai", output_file="o", error_file="e"))
    call = reader.next_call()
    assert call is not None
    with pytest.raises(LocalProtocolError):
        reader.next_call()
    drive(call, lambda request: FakeResponse(status=404))
    for _ in range(2):
        with pytest.raises(NotFoundError):
            reader.next_call()


def test_the_requests_are_read_where_results_are_missing() -> None:
    machine = batches(config_of("openai"))
    state = finished("openai", input_file="i", output_file="o")
    answers = {
        "o": lines({"custom_id": "a", "response": {"body": GOOD}}),
        "i": lines({"custom_id": "a"}, {"custom_id": None}, {"custom_id": "b"}),
    }
    found = read(machine.results(state), lambda request: answers[request.target.split("/")[3]])
    assert said(found) == {"a": "Hi", "b": "UnansweredError"}


def page(rows: list[object], **more: object) -> FakeResponse:
    said = {"object": "list", "data": rows, **more}
    return FakeResponse(headers=JSON, pieces=(json.dumps(said).encode(),))


def test_a_list_of_pages_that_repeats_one_is_an_error() -> None:
    reader = batches(config_of("openrouter")).results(finished("openrouter"))
    same = page([{"custom_id": "a", "response": {"body": GOOD}}, {}], has_more=True, next_cursor="2")
    results = read(reader, lambda request: same)
    assert [result.custom_id for result in results] == ["a"]
    with pytest.raises(RemoteProtocolError, match="repeat the page '2'"):
        reader.next_call()


def test_a_page_that_does_not_say_where_the_next_one_begins_is_an_error() -> None:
    reader = batches(config_of("openrouter")).results(finished("openrouter"))
    with pytest.raises(RemoteProtocolError, match="next_cursor"):
        read(reader, lambda request: page([], has_more=True))


def test_a_finished_batch_without_its_results_is_an_error() -> None:
    reader = batches(config_of("openrouter")).results(finished("openrouter"))
    with pytest.raises(NotFoundError):
        read(reader, lambda request: FakeResponse(status=404))


def test_a_batch_that_ended_before_it_had_results_has_none() -> None:
    state = finished("openrouter")
    part = BatchPart(id="b", count=2, digest="", status="expired")
    reader = batches(config_of("openrouter")).results(
        BatchState(origin=state.origin, submitted=0.0, parts=(part,))
    )
    with pytest.raises(UnansweredError, match="2 of its 2"):
        read(reader, lambda request: FakeResponse(status=404))


def test_an_id_of_the_provider_s_cannot_lead_to_another_address() -> None:
    state = finished("openai", output_file="../models?x=1")
    call = batches(config_of("openai")).results(state).next_call()
    assert call is not None
    step = call.next_step()
    assert isinstance(step, Send)
    assert step.request.target == "/v1/files/..%2Fmodels%3Fx%3D1/content"


def test_an_answer_that_is_no_json_or_was_cut_is_an_error_of_its_own_row() -> None:
    for kind in ("openai", "anthropic"):
        outcomes: list[Outcome] = [
            Broken(answer=Answer(text="one two three"), after=1, ending=Ending.FINISH),
            Answer(text="Hi"),
        ]
        fake, machine = fake_of(kind, outcomes=outcomes), batches(config_of(kind))
        state = perform(machine.wait(perform(machine.submit(requests("a", "b")), fake)), fake)
        results = read(machine.results(state), fake.respond)
        assert {*said(results)} == {"a", "b"}
        assert said(results)["b"] == "Hi"
        assert isinstance({r.custom_id: r.outcome for r in results}["a"], ProviderError)
