"""What a chat completion's stream may bring besides the usual: late starts, named errors, old forms."""

from __future__ import annotations

import re

import pytest

from sansio import RateLimitError, StreamComplete, ToolCallDelta, ToolCallStarted
from tests.sansio.wires import DONE, answer, chunk, failure, json_text, parse, sse, tool_chunk


@pytest.mark.parametrize("end", [DONE, b""])
@pytest.mark.parametrize("arguments", ['{"a":1}', None])
def test_a_call_that_never_had_an_id_starts_at_the_end_of_its_answer_at_the_latest(
    arguments: str | None, end: bytes
) -> None:
    stream = sse(tool_chunk(arguments, name="f"), chunk({}, "tool_calls")) + end
    started, *deltas, last = parse("openai", [stream])
    assert isinstance(started, ToolCallStarted)
    assert (started.index, started.name) == (0, "f")
    assert deltas == ([ToolCallDelta(0, arguments)] if arguments else [])
    assert isinstance(last, StreamComplete)
    assert [call.id for call in last.message.tool_calls] == [started.id]
    assert re.fullmatch("[0-9a-z]{9}", started.id)


def test_an_event_that_is_named_error_is_one_whatever_else_it_holds() -> None:
    record = chunk({"content": "Hi"}) | {"object": "error", "message": "slow down", "code": 429}
    (event,) = parse("openai", [b"event: error\n" + sse(record)])
    error = failure([event])
    assert isinstance(error, RateLimitError)
    assert error.provider_message == "slow down"


def test_a_flat_error_is_one_by_its_object_even_with_choices_beside_it() -> None:
    record = {"object": "error", "message": "slow down", "code": 429, "choices": []}
    assert type(failure(parse("vllm", [sse(record)]))) is RateLimitError


def test_a_marker_with_spaces_around_it_is_the_end() -> None:
    assert answer("openai", sse(chunk({"content": "Hi"}, "stop")) + b"data:  [DONE] \n\n").text == "Hi"


def test_what_a_record_nests_is_counted_from_its_own_object() -> None:
    deep = json_text(chunk({"content": "Hi"}, "stop"))  # an object, its choices, a choice, its delta
    assert answer("openai", sse(deep) + DONE, max_json_depth=4).text == "Hi"
    assert failure(parse("openai", [sse(deep)], max_json_depth=3)).field == "max_json_depth"


@pytest.mark.parametrize(
    "origins",
    [
        [{"id": "chat-1", "model": "m"}, {"id": "chat-2", "model": "n"}],
        [{"id": "chat-1"}, {"model": "m"}, {"id": "chat-2", "model": "n"}],
        [{"model": "m"}, {"id": "chat-1", "model": "n"}, {"id": "chat-2", "model": "o"}],
        [{}, {"id": "", "model": ""}, {"id": "chat-1"}, {"id": "chat-2", "model": "m"}],
    ],
)
@pytest.mark.parametrize("pieces", [1, 100])
def test_the_first_id_and_the_first_model_name_an_answer_whichever_comes_first(
    origins: list[dict[str, str]], pieces: int
) -> None:
    bare = chunk({"content": "x"})
    del bare["id"], bare["model"]
    records = [bare | origin for origin in origins] + [bare | {"choices": chunk({}, "stop")["choices"]}]
    events = [sse(record) for record in records]
    message = answer("openai", *(events if pieces > 1 else [b"".join(events)]), DONE)
    assert (message.response_id, message.model) == ("chat-1", "m")
    assert message.text == "x" * len(origins)
