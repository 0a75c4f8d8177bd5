"""OpenAI's responses as servers send them and parsers misread them."""

from __future__ import annotations

from collections.abc import Iterator

from sansio.content import (
    FinishReason,
    InvalidToolCall,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCall,
    Usage,
)
from sansio.events import ContentDelta, RefusalDelta, ToolCallDelta, ToolCallStarted
from sansio.jsontext import JSONObject
from sansio.testing.corpus.case import Case
from sansio.testing.corpus.encoded import complete, ended, failed
from sansio.testing.corpus.records import (
    LIMIT,
    MALFORMED,
    TRUNCATED,
    broken,
    call_item,
    data,
    message_item,
    named,
    of_item,
    of_response,
    piece,
)
from sansio.testing.script import Answer

_ONE = ContentDelta("Hi")
_SAID = complete(Answer(text="Hi"))
_CREATED = of_response("created", "in_progress")
_ITEM = message_item("Hi")
_TEXT = (
    of_item("added", message_item(status="in_progress")),
    piece("output_text", "Hi", content_index=0),
    of_item("done", _ITEM),
)
_COMPLETED = of_response("completed", "completed", _ITEM)


def responses() -> Iterator[Case]:
    """The cases made by hand."""
    yield from _ends()
    yield from _events()
    yield from _calls()
    yield from _failures()
    yield from _hostile()


def _case(name: str, shows: str, body: bytes, expected: JSONObject, *, hostile: bool = False) -> Case:
    return Case(
        name=name, dialect="openai/responses", shows=shows, body=body, expected=expected, hostile=hostile
    )


def _ends() -> Iterator[Case]:
    yield _case(
        "completed-missing",
        "An answer without its last event is cut, even if all its items are finished.",
        data(_CREATED, *_TEXT),
        broken(TRUNCATED, _ONE),
    )
    yield _case(
        "done-behind",
        "[DONE] after the last event, which some servers send, means nothing.",
        data(_CREATED, *_TEXT, _COMPLETED, "[DONE]"),
        _SAID,
    )
    reasons = {
        "max_output_tokens": FinishReason.LENGTH,
        "content_filter": FinishReason.CONTENT_FILTER,
        "because": FinishReason.OTHER,
    }
    for reason, finish in reasons.items():
        last = of_response("incomplete", "incomplete", _ITEM, incomplete_details={"reason": reason})
        yield _case(
            f"incomplete-{reason.replace('_', '-')}",
            "An incomplete response gives a reason, and an unknown reason is not a success.",
            data(_CREATED, *_TEXT, last),
            complete(Answer(text="Hi", finish_reason=finish)),
        )


def _events() -> Iterator[Case]:
    yield _case(
        "names",
        "Events may have their types as names.",
        named(_CREATED, *_TEXT, _COMPLETED),
        _SAID,
    )
    yield _case(
        "new-events",
        "Events of unknown kinds, and events that keep the connection alive, are ignored.",
        data(
            {"type": "keepalive", "sequence_number": 3}, _CREATED, {"type": "response.new", "output_index": 0}
        )
        + data(*_TEXT, {"type": "response.output_text.new", "output_index": 0, "delta": "no"}, _COMPLETED),
        _SAID,
    )
    yield _case(
        "text-without-deltas",
        "A text may arrive without deltas, only in its finished item.",
        data(_CREATED, _TEXT[0], _TEXT[2], _COMPLETED),
        _SAID,
    )
    yield _case(
        "output-at-the-end-alone",
        "An answer may arrive only in the last event.",
        data(_CREATED, _COMPLETED),
        _SAID,
    )
    yield _case(
        "output-at-the-end-empty",
        "Finished items are the answer, even if the last event has no output.",
        data(_CREATED, *_TEXT, of_response("completed", "completed")),
        _SAID,
    )
    usage: JSONObject = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 14,
    }
    yield _case(
        "usage",
        "The token counts are in the last event.",
        data(_CREATED, *_TEXT, of_response("completed", "completed", _ITEM, usage=usage)),
        complete(
            Answer(
                text="Hi", usage=Usage(input_tokens=9, cached_tokens=4, output_tokens=5, reasoning_tokens=2)
            )
        ),
    )
    thought: JSONObject = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm."}],
    }
    yield _case(
        "reasoning-summary",
        "A summary of the reasoning is kept separate from the text of the answer.",
        data(
            _CREATED,
            of_item("added", {**thought, "summary": []}),
            piece("reasoning_summary_text", "Hm.", summary_index=0),
            of_item("done", thought),
            of_item("added", message_item(status="in_progress"), 1),
            piece("output_text", "Hi", 1, content_index=0),
            of_item("done", _ITEM, 1),
            of_response("completed", "completed", thought, _ITEM),
        ),
        complete(Answer(parts=(ReasoningPart("Hm."), TextPart("Hi")))),
    )
    refused: JSONObject = {**message_item(), "content": [{"type": "refusal", "refusal": "No."}]}
    yield _case(
        "refusal",
        "A refusal is not the text of the answer, even if the response is completed.",
        data(
            _CREATED,
            of_item("added", message_item(status="in_progress")),
            piece("refusal", "No.", content_index=0),
            of_item("done", refused),
            of_response("completed", "completed", refused),
        ),
        ended(
            [RefusalDelta("No.")],
            Answer(parts=(RefusalPart("No."),), finish_reason=FinishReason.REFUSAL),
        ),
    )


def _calls() -> Iterator[Case]:
    first, second = ToolCall("call_1", "weather", {"a": 1}), ToolCall("call_2", "weather", {"b": 2})
    one, two = call_item('{"a":1}'), call_item('{"b":2}', id="call_2")
    both = of_response("completed", "completed", one, two)
    yield _case(
        "calls-in-turn",
        "The pieces of two calls may alternate; each piece belongs to the item with its index.",
        data(
            _CREATED,
            of_item("added", {**one, "arguments": ""}),
            of_item("added", {**two, "arguments": ""}, 1),
            piece("function_call_arguments", '{"a'),
            piece("function_call_arguments", '{"b', 1),
            piece("function_call_arguments", '":1}'),
            piece("function_call_arguments", '":2}', 1),
            of_item("done", one),
            of_item("done", two, 1),
            both,
        ),
        ended(
            [
                ToolCallStarted(0, "call_1", "weather"),
                ToolCallStarted(1, "call_2", "weather", 1),
                ToolCallDelta(0, '{"a'),
                ToolCallDelta(1, '{"b'),
                ToolCallDelta(0, '":1}'),
                ToolCallDelta(1, '":2}'),
            ],
            Answer(tool_calls=(first, second)),
        ),
    )
    yield _case(
        "arguments-without-deltas",
        "Arguments may arrive without deltas, only in the finished item.",
        data(_CREATED, of_item("added", {**one, "arguments": ""}), of_item("done", one))
        + data(of_response("completed", "completed", one)),
        complete(Answer(tool_calls=(first,))),
    )
    cut = call_item('{"a": ')
    yield _case(
        "arguments-cut",
        "A call that was cut by the token limit must not be run, and its arguments are not repaired.",
        data(
            _CREATED,
            of_item("added", {**cut, "arguments": ""}),
            piece("function_call_arguments", '{"a": '),
            of_item("done", {**cut, "status": "incomplete"}),
            of_response("incomplete", "incomplete", cut, incomplete_details={"reason": "max_output_tokens"}),
        ),
        complete(
            Answer(
                tool_calls=(InvalidToolCall("call_1", "weather", '{"a": ', ""),),
                finish_reason=FinishReason.LENGTH,
            )
        ),
    )
    item: JSONObject = {
        "type": "custom_tool_call",
        "id": "ctc_1",
        "call_id": "call_1",
        "name": "f",
        "input": "6 * 7",
    }
    yield _case(
        "custom-call",
        "A custom tool's call is free text, not JSON.",
        data(
            _CREATED,
            of_item("added", {**item, "input": ""}),
            piece("custom_tool_call_input", "6 * 7"),
            of_item("done", item),
            of_response("completed", "completed", item),
        ),
        complete(Answer(tool_calls=(ToolCall("call_1", "f", {"input": "6 * 7"}, kind="custom"),))),
    )


def _failures() -> Iterator[Case]:
    error: JSONObject = {"code": "rate_limit_exceeded", "message": "Busy."}
    yield _case(
        "failed",
        "A failed response is an error, even though the status is 200.",
        data(_CREATED, *_TEXT, of_response("failed", "failed", error=error)),
        failed([_ONE], 429, "Busy.", type="rate_limit_exceeded"),
    )
    yield _case(
        "error-event",
        "An event of the type error is an error, even though the status is 200.",
        data(_CREATED, *_TEXT, {"type": "error", **error, "param": None}),
        failed([_ONE], 429, "Busy.", type="rate_limit_exceeded"),
    )
    yield _case(
        "error-first",
        "An error that arrives before any other event is an error too; the request may be tried again.",
        data({"type": "error", **error, "param": None}),
        failed([], 429, "Busy.", type="rate_limit_exceeded"),
    )


def _hostile() -> Iterator[Case]:
    deep = '{"type":"response.new","x":' + "[" * 5_000 + "]" * 5_000 + "}"
    odd: dict[str, tuple[str, bytes, JSONObject]] = {
        "deep": (
            "JSON that is nested 5,000 levels deep must not crash the process.",
            data(_CREATED, *_TEXT, deep, _COMPLETED),
            broken(LIMIT, _ONE),
        ),
        "not-json": (
            "Data that is not JSON is an error.",
            data(_CREATED, *_TEXT, "hello", _COMPLETED),
            broken(MALFORMED, _ONE),
        ),
        "delta-number": (
            "A delta that is a number is an error; it is not converted to text.",
            data(_CREATED, _TEXT[0], {**_TEXT[1], "delta": 5}, _TEXT[2], _COMPLETED),
            broken(MALFORMED),
        ),
        "delta-without-item": (
            "A delta of an item that was not added begins the item.",
            data(_CREATED, _TEXT[1], _TEXT[2], _COMPLETED),
            _SAID,
        ),
        "bad-utf-8": (
            "Bytes that are not UTF-8 are replaced by U+FFFD.",
            data(_CREATED, *_TEXT, _COMPLETED).replace(b'"Hi"', b'"H\xffi"'),
            complete(Answer(text="H\ufffdi")),
        ),
    }
    for name, (shows, body, expected) in odd.items():
        yield _case(f"hostile-{name}", shows, body, expected, hostile=True)
