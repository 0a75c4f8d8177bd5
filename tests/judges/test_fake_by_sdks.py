"""Each answer that the fake can give is valid by the official SDKs' own models of answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio.testing import Answer, encode_stream, encode_whole
from sansio.testing.strategies import answers
from tests.judges.sdks import package
from tests.sansio.wires import COMPATIBLE, Record

pytestmark = pytest.mark.judges

LOOSE: Mapping[str, tuple[str, ...]] = {
    "openrouter": ("title",),
    "openai": ("title", "data", "expires_at"),
    "azure": ("title", "data", "expires_at", "object"),
    "ollama": (),
    "vllm": ("content",),
    "anthropic": (),
}
"""Fields in which servers differ from the SDK: a cited page may have no title, and sound only its transcript;
Azure's first chunk says what the filter found and names no object; some of vLLM's models answer in parts."""
_WORDS = ("finish_reason", "stop_reason", "category")
"""Fields whose words are open: a provider may send one that no SDK knows, and the strategies do."""
_CUSTOM = "custom"
"""A kind of tool call that OpenAI streams, and that its SDK's chunks do not know."""
_JUDGED = ("text", "thinking", "redacted_thinking", "tool_use")
"""Blocks of Anthropic's that are judged. For the others the strategies invent kinds, names and fields."""


def check(type: str, model: Any, data: Record) -> None:
    """The data is valid by an SDK's model, but for open words and loose fields."""
    try:
        model.model_validate(data)
    except package("pydantic").ValidationError as error:
        allowed = {*_WORDS, *LOOSE[type]}
        found = [
            each for each in error.errors() if each["loc"][-1] not in allowed and each["input"] != _CUSTOM
        ]
        assert not found, found


def records(stream: tuple[bytes, ...]) -> Iterator[Record]:
    """The JSON of a stream's events."""
    for line in b"".join(stream).splitlines():
        if line.startswith(b"data: {"):
            yield json.loads(line.removeprefix(b"data: "))


@given(data=st.data(), usage=st.booleans())
@pytest.mark.parametrize("type", COMPATIBLE)
def test_chat_completions(type: str, data: st.DataObject, usage: bool) -> None:
    chat = package("openai.types.chat")
    answer = data.draw(answers(type))
    check(type, chat.ChatCompletion, json.loads(encode_whole(type, answer, model="m", response_id="r")))
    for chunk in records(encode_stream(type, answer, model="m", response_id="r", include_usage=usage)):
        check(type, chat.ChatCompletionChunk, chunk)


@given(answer=answers("anthropic"))
def test_messages(answer: Answer) -> None:
    types = package("anthropic.types")
    whole = json.loads(encode_whole("anthropic", answer, model="m", response_id="r"))
    whole["content"] = [block for block in whole["content"] if block["type"] in _JUDGED]
    check("anthropic", types.Message, whole)
    events = {get_args(event.model_fields["type"].annotation)[0]: event for event in event_types()}
    left_out: set[int] = set()
    for record in records(encode_stream("anthropic", answer, model="m", response_id="r")):
        if record["type"] == "content_block_start" and record["content_block"]["type"] not in _JUDGED:
            left_out.add(record["index"])
        if record.get("index") not in left_out and record["type"] != "ping":
            check("anthropic", events[record["type"]], record)


def event_types() -> tuple[Any, ...]:
    """The models of Anthropic's events."""
    union, *_ = get_args(package("anthropic.types").RawMessageStreamEvent)
    return get_args(union)
