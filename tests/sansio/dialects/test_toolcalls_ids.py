"""The ids that calls without one are given."""

from __future__ import annotations

import re

import pytest

from sansio.dialects import dialect_named
from tests.sansio.wires import DONE, Record, answer, chunk, completion, sse, tool_chunk


def ids(count: int, **more: str) -> list[str]:
    """The ids of an answer's calls, none of which has one of its own."""
    chunks = [tool_chunk("{}", index=index, name="f") for index in range(count)]
    stream = sse(*({**piece, **more} for piece in chunks), chunk({}, "tool_calls")) + DONE
    return [call.id for call in answer("openai", stream, max_tool_calls=2_000).tool_calls]


def test_each_of_very_many_calls_has_an_id_of_its_own_of_nine_letters_and_digits() -> None:
    made = ids(1_300)
    assert len(set(made)) == 1_296  # 36 by 36, and then from the first again
    assert made[:4] == made[1_296:]
    assert all(re.fullmatch("[0-9a-z]{9}", call_id) for call_id in made)


def test_they_are_the_same_for_the_same_answer_and_others_for_another() -> None:
    assert ids(3) == ids(3)
    assert not set(ids(3)) & set(ids(3, id="chat-2"))


def test_a_name_that_came_again_is_that_of_the_arguments_behind_it() -> None:
    deltas = [tool_chunk('{"a":1}', name="f"), tool_chunk(name="f"), tool_chunk('{"b":2}')]
    calls = answer("openai", sse(*deltas, chunk({}, "tool_calls")) + DONE).tool_calls
    assert [(call.name, call.arguments) for call in calls] == [("f", {"a": 1}), ("f", {"b": 2})]


def test_what_a_provider_wants_back_with_a_call_stays_with_one_that_is_invalid_too() -> None:
    delta = tool_chunk("{", id="a", name="f")
    delta["choices"][0]["delta"]["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": "c2ln"}}
    (call,) = answer("openai", sse(delta, chunk({}, "tool_calls")) + DONE).invalid_tool_calls
    assert call.extra_content == {"google": {"thought_signature": "c2ln"}}


@pytest.mark.parametrize("arguments", ["", "null", "{}", None])
def test_a_call_of_a_whole_answer_without_an_id_gets_one_whatever_its_arguments(
    arguments: str | None,
) -> None:
    called: Record = {"type": "function", "function": {"name": "f", "arguments": arguments}}
    message = dialect_named("openai").parse_response(completion({"tool_calls": [called]}, "tool_calls"))
    assert [(call.name, call.arguments) for call in message.tool_calls] == [("f", {})]
    assert message.tool_calls[0].id
