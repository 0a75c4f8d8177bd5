"""The bytes of answers of each type, whole and streamed, as in the files in `goldens`.

The files show what the recorded servers send, field for field: a change here changes the form of the wire.
`answers.txt` has answers with parts of all kinds, and broken ones. To write it anew, run
`python -m tests.sansio.testing.test_wire_goldens`; read what changed before you keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sansio import (
    Citation,
    FinishReason,
    InvalidToolCall,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCall,
    Usage,
)
from sansio.testing import Answer, Broken, Failure, encode_stream, encode_whole

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


CALLS = (
    ToolCall("call_1", "f", {"a": 1}),
    ToolCall("call_2", "g", {"input": "free text"}, kind="custom"),
    ToolCall("call_3", "f", {}, ""),
)
RICH = Answer(
    parts=(
        ReasoningPart("Hm."),
        TextPart("See this.", citations=(Citation(url="https://e/a", title="A", start=0, end=3),)),
        RefusalPart("No more."),
        *CALLS,
    ),
    usage=Usage(input_tokens=9, output_tokens=4, cached_tokens=3),
    extra={"service_tier": "flex", "own": 1},
)
FUNCTIONS = Answer(parts=(RICH.parts[1], RICH.parts[0], CALLS[0], CALLS[2]), extra=RICH.extra)
CUT = Answer(
    parts=(TextPart("Hi"), InvalidToolCall("call_1", "f", '{"a",', "cut")), finish_reason=FinishReason.LENGTH
)
FAILURE = Failure(status=429, message="Too fast.", error_type="own_error", code="own", param="p")
FAILING = Broken(answer=Answer(text="Hi"), after=1, failure=FAILURE)
RESPONSES = ("openai/responses", "openrouter/responses", "vllm/responses")
SHOWN: list[tuple[str, str, Answer | Broken]] = [
    *((dialect, "plain", ANSWER) for dialect in RESPONSES),
    *((dialect, "rich", RICH) for dialect in ("openai", "openrouter", "openai/responses")),
    ("anthropic", "rich", FUNCTIONS),
    *((dialect, "cut", CUT) for dialect in ("openai", "anthropic", "openai/responses")),
    *((dialect, "failing", FAILING) for dialect in (*TYPES, *RESPONSES)),
]


def shown(dialect: str, name: str, answer: Answer | Broken) -> Iterator[str]:
    yield f"=== {dialect}, {name}"
    yield from b"".join(encode_stream(dialect, answer, model="m", response_id="r")).decode().split("\n")
    if isinstance(answer, Answer) and name != "cut":
        yield encode_whole(dialect, answer, model="m", response_id="r").decode()


def all_shown() -> list[str]:
    return [line for case in SHOWN for line in shown(*case)]


def test_answers_of_all_kinds_are_as_written_down() -> None:
    assert all_shown() == (GOLDENS / "answers.txt").read_text("utf-8").split("\n")[:-1]


if __name__ == "__main__":
    (GOLDENS / "answers.txt").write_text("".join(f"{line}\n" for line in all_shown()), "utf-8")
