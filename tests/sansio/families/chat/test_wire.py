"""What is read of a chunk is not kept beside it, and what is not read is."""

from __future__ import annotations

import pytest

from tests.sansio.wires import DONE, Record, answer, chunk, completion, read, sse, tool_chunk

WHOLE: Record = {
    "id": "chat-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    "error": None,
}
"""The fields of a chunk that are read, or are the same in all."""


def test_an_answer_keeps_nothing_that_is_read_of_its_chunks() -> None:
    first = chunk({"role": "assistant", "content": "Hi", "refusal": None, "tool_calls": None}, **WHOLE)
    last = chunk({"annotations": None, "audio": None, "function_call": None}, "stop", **WHOLE)
    for record in (first, last):
        record["choices"][0] |= {"logprobs": None, "index": 0}
    message = answer("openai", sse(first, last), DONE)
    assert (message.text, message.extra) == ("Hi", {})


@pytest.mark.parametrize("name", ["obfuscation", "p", "padding"])
def test_padding_is_not_kept(name: str) -> None:
    padded = chunk({"content": "Hi"}, "stop", **{name: "xyz"})
    assert answer("openai", sse(padded), DONE).extra == {}
    assert answer("openai", sse(chunk({"content": "Hi", name: "xyz"}, "stop")), DONE).extra == {}
    for other in (f"{name}s", f"x{name}"):
        assert answer("openai", sse(chunk({"content": "Hi"}, "stop", **{other: "xyz"})), DONE).extra == {
            other: "xyz"
        }


def test_a_new_field_is_kept_wherever_it_is() -> None:
    record = chunk({"content": "Hi", "in_delta": 2}, "stop", in_chunk=1)
    record["choices"][0]["in_choice"] = 3
    message = answer("openai", sse(record), DONE)
    assert message.extra == {"in_chunk": 1, "in_delta": 2, "in_choice": 3}


def test_a_call_keeps_what_is_not_read_of_it() -> None:
    call: Record = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    plain = read("openai", completion({"content": None, "tool_calls": [call]}, "tool_calls"))
    assert plain.tool_calls[0].extra == {}
    odd = {**call, "new": 1, "function": {**call["function"], "inner": 2}}
    kept = (
        read("openai", completion({"content": None, "tool_calls": [odd]}, "tool_calls")).tool_calls[0].extra
    )
    assert kept == {"new": 1, "function": {"inner": 2}}


def test_pieces_of_a_call_without_their_index_are_one_call() -> None:
    stream = sse(
        tool_chunk('{"a"', index=None, id="a", name="f"),
        tool_chunk(": 1}", index=None),
        chunk({}, "tool_calls"),
    )
    (call,) = answer("openai", stream, DONE).tool_calls
    assert call.arguments == {"a": 1}
