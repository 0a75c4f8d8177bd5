"""Requests as lines of batches: as calls are encoded, within the provider's limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    BatchRequest,
    BatchState,
    InvalidRequestError,
    LeftOut,
    Message,
    Provider,
    ProviderConfig,
    Role,
)
from sansio.testing import Answer, FakeProvider
from tests.sansio.batches.driving import (
    KINDS,
    batches,
    config_of,
    fake_of,
    perform,
    read,
    requests,
    said,
    stored,
)
from tests.sansio.batches.small import small
from tests.support import for_each

MANY = BatchRequest("a", "x" * 500)


@for_each([*KINDS])
def test_an_answer_and_its_request_are_those_of_a_call(kind: str) -> None:
    config = config_of(kind)
    fake = fake_of(kind, outcomes=[Answer(text="Hi")])
    asked = BatchRequest("a", [{"role": "user", "content": "Hello"}], options={"temperature": 0.5})
    state = perform(batches(config).wait(perform(batches(config).submit([asked]), fake)), fake)
    (result,) = read(batches(config).results(state), fake.respond)
    assert isinstance(result.outcome, Message)
    assert result.outcome.origin == Provider(config).dialect.origin
    assert result.outcome.usage is not None
    sent = fake.requests[0].body.decode()
    body = Provider(config).prepare("Hello", stream=False, temperature=0.5).body
    named = {"model": "gpt"} if kind == "azure" else {}
    for name, value in {**body, **named}.items():
        assert f'"{name}":{json.dumps(value, separators=(",", ":"))}' in sent or name == "stream"


def test_requests_are_split_by_the_limits_and_by_model() -> None:
    machine, fake = batches(small()), FakeProvider("small")
    listed = [*requests("a", "b", "c"), *requests("d", "e", model="other")]
    states: list[BatchState] = []
    state = perform(machine.submit(listed, on_state=states.append), fake)
    assert [(part.count, part.model) for part in state.parts] == [(2, "m"), (1, "m"), (2, "other")]
    assert [len(each.parts) for each in states] == [0, 1, 1, 2, 2, 3]
    assert [each.left for each in states] == [2, 2, 1, 1, 0, 0]
    assert [each.whole for each in states] == [False, False, False, False, False, True]
    state = perform(machine.wait(state), fake)
    assert {*said(read(machine.results(state), fake.respond))} == {*"abcde"}


@given(st.lists(st.integers(0, 200), min_size=1, max_size=5))
def test_no_batch_is_larger_than_its_limit_and_the_order_is_kept(sizes: list[int]) -> None:
    machine = batches(small())
    fake = FakeProvider("small")
    listed = [BatchRequest(str(index), "x" * size) for index, size in enumerate(sizes)]
    perform(machine.submit(listed), fake)
    order: list[str] = []
    for request in fake.requests:
        if request.target.endswith("/files"):
            file = request.body.partition(b"jsonl\r\n\r\n")[2].partition(b"\r\n--")[0]
            rows = [json.loads(line) for line in file.splitlines()]
            assert len(rows) <= 2
            assert len(file) <= 400 or len(rows) == 1
            order += [row["custom_id"] for row in rows]
    assert order == [str(index) for index in range(len(sizes))]


def test_anthropic_takes_several_models_in_one_batch() -> None:
    machine, fake = batches(config_of("anthropic")), fake_of("anthropic")
    listed = [*requests("a"), *requests("b", model="claude-opus-5")]
    state = perform(machine.submit(listed), fake)
    assert [(part.count, part.model) for part in state.parts] == [(2, None)]


@pytest.mark.parametrize(
    ("listed", "said", "index"),
    [
        ([], "is empty", None),
        ([{"custom_id": "a"}], "must be a BatchRequest, not dict", 0),
        ([*requests("a", "b", "a")], r"requests\[2\] \('a'\): has the custom_id of requests\[0\]", 2),
        ([*requests("a", " ")], "is blank", 1),
        ([BatchRequest(1, "hi")], "must be a text, not int", 0),  # type: ignore[arg-type]  # as given
        ([BatchRequest("\ud800", "hi")], "half a surrogate pair", 0),
        ([*requests("a"), BatchRequest("b", [])], r"requests\[1\] \('b'\): .*message", 1),
        ([*requests("a", timeout=1)], "timeout: is an option of the submission", 0),
        ([*requests("a", temperature="hot")], "temperature", 0),
        ([*requests("b"), MANY], "whole batch may have 4496", 1),
    ],
)
def test_a_request_that_cannot_be_sent_is_refused_by_its_index(
    listed: list[Any], said: str, index: int | None
) -> None:
    with pytest.raises(InvalidRequestError, match=said) as caught:
        batches(small()).submit(listed)
    assert caught.value.index == index


@pytest.mark.parametrize("custom_id", ["", "a b", "ä", "a" * 65, "a\n"])
def test_anthropic_s_form_of_a_custom_id_is_kept(custom_id: str) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 64 letters") as caught:
        batches(config_of("anthropic")).submit(requests("ok", custom_id))
    assert caught.value.index == 1


def test_an_answer_asked_for_as_a_forced_tool_is_text_in_the_results() -> None:
    form = {
        "type": "json_schema",
        "json_schema": {
            "name": "city",
            "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
        },
    }
    config = ProviderConfig(type="anthropic", model="claude-3-haiku-20240307")
    asked = BatchRequest("a", [Message(Role.USER, "Hi")], options={"response_format": form})
    fake = FakeProvider("anthropic")
    machine = batches(config)
    state = stored(perform(machine.wait(perform(machine.submit([asked]), fake)), fake))
    assert state.parts[0].output_tool == "city"
    (result,) = read(machine.results(state), fake.respond)
    assert isinstance(result.outcome, Message)
    assert result.outcome.tool_calls == ()


def test_a_request_is_looked_at_without_being_sent() -> None:
    machine = batches(config_of("anthropic"))
    (loss,) = machine.check(BatchRequest("a", "Hi", options={"seed": 1, "unsupported": "drop"}))
    assert loss.option == "seed"
    assert machine.check(BatchRequest("a", "Hi")) == ()
    for request, words in (
        (BatchRequest("a b", "Hi"), "custom_id: 'a b' is refused by Anthropic"),
        (BatchRequest("a", []), "message"),
    ):
        with pytest.raises(InvalidRequestError, match=words):
            machine.check(request)


def test_what_is_left_out_of_a_request_is_reported_by_its_custom_id() -> None:
    told: list[tuple[str, tuple[LeftOut, ...]]] = []
    asked = [*requests("a"), *requests("b", seed=1, unsupported="drop")]
    batches(config_of("anthropic")).submit(asked, on_left_out=lambda *both: told.append(both))
    assert [(custom_id, [loss.option for loss in losses]) for custom_id, losses in told] == [("b", ["seed"])]
