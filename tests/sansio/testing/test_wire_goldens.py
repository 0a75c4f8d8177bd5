"""The bytes of one answer of each type, whole and streamed, as in the files in `goldens`.

The files show what the recorded servers send, field for field: a change here changes the form of the wire.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sansio import ToolCall, Usage
from sansio.testing import Answer, encode_stream, encode_whole

GOLDENS = Path(__file__).parent / "goldens"
TYPES = ("openrouter", "openai", "azure", "anthropic", "ollama", "vllm")
ANSWER = Answer(
    text="Hi",
    reasoning="Hm",
    tool_calls=(ToolCall("call_1", "f", {"a": 1}),),
    usage=Usage(input_tokens=9, output_tokens=4, cached_tokens=3, cache_write_tokens=2, reasoning_tokens=1),
)


@pytest.mark.parametrize("type", TYPES)
def test_a_whole_answer_to_the_byte(type: str) -> None:
    whole = encode_whole(type, ANSWER, model="m", response_id="r")
    assert whole + b"\n" == (GOLDENS / f"{type}.json").read_bytes()


@pytest.mark.parametrize("type", TYPES)
def test_a_streamed_answer_to_the_byte(type: str) -> None:
    stream = b"".join(encode_stream(type, ANSWER, model="m", response_id="r"))
    assert stream == (GOLDENS / f"{type}.sse").read_bytes()


@pytest.mark.parametrize("type", TYPES)
def test_a_model_and_an_id_are_made_up_where_none_are_given(type: str) -> None:
    names = {"model": "fake-model", "response_id": "fake-response"}
    assert encode_whole(type, ANSWER) == encode_whole(type, ANSWER, **names)
    assert encode_stream(type, ANSWER) == encode_stream(type, ANSWER, **names, include_usage=True)
