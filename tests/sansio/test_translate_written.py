"""What a client of each family is sent for the same answers, as in `goldens/written.txt`.

`python -m tests.sansio.test_translate_written` writes the file anew; read what changed before you keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sansio import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    Citation,
    ContentDelta,
    FinishReason,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Part,
    PartComplete,
    ProviderError,
    ReasoningDelta,
    ReasoningPart,
    RefusalDelta,
    RefusalPart,
    RemoteProtocolError,
    Role,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
    Usage,
)
from sansio.testing import Answer
from sansio.translate import AnswerHead, AnswerTranslator, write_answer, write_error
from tests.sansio.testing.test_wire_goldens import CUT, RICH

GOLDEN = Path(__file__).parent / "goldens" / "written.txt"
APIS = ("chat", "messages", "responses")
USAGE = Usage(input_tokens=9, output_tokens=4, cached_tokens=3, cache_write_tokens=2, reasoning_tokens=1)
ANSWERS: dict[str, Answer] = {
    "rich": RICH,
    "cut": CUT,
    "paused": Answer(text="Hi", finish_reason=FinishReason.PAUSE, usage=USAGE),
    "two calls": Answer(tool_calls=(ToolCall("a", "f", {"a": 1}, '{ "a": 1 }'), ToolCall("b", "g", {}))),
    "two texts": Answer(parts=(TextPart("One. "), TextPart("Two."))),
}
ERROR = APIStatusError("HTTP 429", status=429, error_type="rate_limit_error", provider_message="Too fast.")

TOOLS = FinishReason.TOOL_CALLS
CITED = TextPart(
    "It is so. Yes.", (Citation("https://e/a", "A", None, 0, 9), Citation("https://e/b", None, "Yes"))
)
STREAMS: dict[str, tuple[FinishReason, tuple[Part, ...], tuple[StreamEvent, ...]]] = {
    "calls that are interleaved": (
        TOOLS,
        (ToolCall("a", "f", {"x": 1}), ToolCall("b", "g", {}), TextPart("Hm."), ToolCall("c", "h", {"y": 2})),
        (
            ToolCallStarted(0, "a", "f", 0), ToolCallDelta(0, '{"x"'), ToolCallStarted(1, "b", "g", 1),
            ToolCallDelta(1, "{"), ContentDelta("Hm.", 2), ToolCallDelta(0, ":1"), ToolCallDelta(1, "}"),
            ToolCallDelta(0, "}"), ToolCallStarted(2, "c", "h", 3), ToolCallDelta(2, '{"y":'),
            ToolCallDelta(2, "2}"),
        ),
    ),
    "calls in order, with blanks after the first": (
        TOOLS,
        (ToolCall("a", "f", {}), ToolCall("b", "g", {"y": 2})),
        (
            ToolCallStarted(0, "a", "f", 0), ToolCallDelta(0, "{}"), ToolCallDelta(0, " "),
            ToolCallStarted(1, "b", "g", 1), ToolCallDelta(0, " "), ToolCallDelta(1, '{"y":2}'),
        ),
    ),
    "calls of free text, and one that was cut": (
        FinishReason.LENGTH,
        (
            ToolCall("a", "sql", {"input": "select 1"}, kind="custom"), ToolCall("b", "f", {"x": 1}),
            TextPart("Hm."), InvalidToolCall("c", "sql", "drop", "cut", kind="custom"),
        ),
        (
            ToolCallStarted(0, "a", "sql", 0, "custom"), ToolCallDelta(0, "select "), ToolCallDelta(0, "1"),
            ToolCallStarted(1, "b", "f", 1), ToolCallDelta(1, '{"x":1}'), ContentDelta("Hm.", 2),
            ToolCallStarted(2, "c", "sql", 3, "custom"), ToolCallDelta(2, "drop"),
        ),
    ),
    "blank calls, one of them cut": (
        FinishReason.LENGTH,
        (ToolCall("a", "f"), ToolCall("b", "g", kind="custom"), InvalidToolCall("c", "h", " ", "cut")),
        (
            ToolCallStarted(0, "a", "f", 0), ToolCallStarted(1, "b", "g", 1, "custom"),
            ToolCallStarted(2, "c", "h", 2), ToolCallDelta(2, " "),
        ),
    ),
    "a call without a name": (
        FinishReason.STOP,
        (InvalidToolCall("a", "", "{}", "it has no name"), ToolCall("b", "f", {})),
        (ToolCallStarted(0, "b", "f", 1), ToolCallDelta(0, "{}")),
    ),
    "reasoning, texts and a refusal in turns": (
        FinishReason.REFUSAL,
        (ReasoningPart("Hm. So."), TextPart("One."), ReasoningPart("Then."), TextPart("Two."),
            RefusalPart("No.")),
        (
            ReasoningDelta("Hm. ", 0), ReasoningDelta("So.", 0), ContentDelta("One.", 1),
            ReasoningDelta("Then.", 2),
            ContentDelta("Tw", 3), ContentDelta("o.", 3), RefusalDelta("No", 4), RefusalDelta(".", 4),
        ),
    ),
    "citations after their text": (
        FinishReason.STOP,
        (TextPart("Hm. "), CITED, UnknownPart("own", {"type": "own"})),
        (
            ContentDelta("Hm. ", 0), PartComplete(0, TextPart("Hm. ")), ContentDelta("It is so. ", 1),
            ContentDelta("Yes.", 1), PartComplete(1, CITED), PartComplete(2, UnknownPart("own",
                {"type": "own"})),
        ),
    ),
    "citations after the next part began": (
        FinishReason.STOP,
        (CITED, TextPart("Two.")),
        (ContentDelta("It is so. Yes.", 0), ContentDelta("Two.", 1), PartComplete(0, CITED)),
    ),
    "a text that arrives whole": (FinishReason.STOP, (CITED,), (PartComplete(0, CITED),)),
    "a pause with a call": (FinishReason.PAUSE, (ToolCall("a", "f", {}),), (ToolCallStarted(0, "a", "f",
        0),)),
    "a filter": (FinishReason.CONTENT_FILTER, (TextPart("Hm."),), (ContentDelta("Hm.", 0),)),
    "nothing": (FinishReason.STOP, (), ()),
}  # fmt: skip
"""Streams by hand: how each ends, its parts, and its events before the last one."""
ERRORS: tuple[ProviderError, ...] = (
    *(APIStatusError("m", status=status) for status in (400, 401, 402, 403, 404, 413, 418, 429, 499)),
    *(APIStatusError("m", status=status) for status in (500, 503, 504, 529)),
    APIStatusError("m", status=200),
    APIStatusError(
        "m", status=400, error_type="own", code="c", param="p", request_id="r", provider_message="Said."
    ),
    APIStatusError("m"),
    InvalidRequestError("m", index=1),
    APITimeoutError("m"),
    APIConnectionError("m"),
    RemoteProtocolError("m"),
)


def told(api: str, name: str) -> Iterator[str]:
    """A stream of `STREAMS` and the whole answer, and what is left out of each."""
    reason, parts, events = STREAMS[name]
    message = Message(Role.ASSISTANT, parts, finish_reason=reason)
    head = AnswerHead()
    translator = AnswerTranslator(api, head)
    yield f"=== {api}, {name}"
    for event in (*events, StreamComplete(message)):
        yield f"{type(event).__name__}:"
        yield from translator.write(event).decode().splitlines()
    whole = write_answer(api, message, head)
    yield whole.body.decode()
    for left_out in (translator.left_out, whole.left_out):
        assert all(each.why.strip() for each in left_out)
        yield str([(each.what, each.part) for each in left_out])


def refused(api: str) -> Iterator[str]:
    """Each error as a response, and as the end of a stream that had nothing else."""
    yield f"=== {api}, errors"
    for error in ERRORS:
        written = write_error(api, error)
        yield f"{written.status} {written.body.decode()}"
        yield from AnswerTranslator(api, AnswerHead()).write(StreamFailed(error)).decode().splitlines()[-6:]


def lines(api: str, name: str, answer: Answer, *, usage: bool) -> Iterator[str]:
    """A stream and a whole answer, and what is left out of each."""
    head = AnswerHead(model="mine", response_id="id-1", created=7, include_usage=usage)
    translator = AnswerTranslator(api, head)
    yield f"=== {api}, {name}{', with its usage' if usage else ''}"
    for event in answer.to_events():
        yield from translator.write(event).decode().splitlines()
    yield str([(each.what, each.part) for each in translator.left_out])
    if usage:
        whole = write_answer(api, answer.to_message(), head)
        yield whole.body.decode()
        yield str([(each.what, each.part) for each in whole.left_out])


def failing(api: str) -> Iterator[str]:
    yield f"=== {api}, failing"
    translator = AnswerTranslator(api, AnswerHead(model="mine", response_id="id-1"))
    for event in (*Answer(text="Hi").to_deltas(), StreamFailed(ERROR)):
        yield from translator.write(event).decode().splitlines()
    error = write_error(api, ERROR)
    yield f"{error.status} {error.body.decode()}"


def written() -> Iterator[str]:
    for api in APIS:
        for name, answer in ANSWERS.items():
            for usage in (True, False) if name == "paused" else (True,):
                yield from lines(api, name, answer, usage=usage)
        yield from failing(api)
        for name in STREAMS:
            yield from told(api, name)
        yield from refused(api)


def test_answers_are_written_as_they_are_written_down() -> None:
    assert list(written()) == GOLDEN.read_text("utf-8").splitlines()


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line}\n" for line in written()), "utf-8")
