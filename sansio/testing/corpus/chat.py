"""Chat completions as servers send them and parsers misread them."""

from __future__ import annotations

from collections.abc import Iterator

from sansio.content import FinishReason, InvalidToolCall, ReasoningPart, TextPart, ToolCall, Usage
from sansio.events import ContentDelta, ReasoningDelta, ToolCallDelta, ToolCallStarted
from sansio.jsontext import JSONObject
from sansio.testing.corpus.case import Case
from sansio.testing.corpus.encoded import complete, ended, failed
from sansio.testing.corpus.records import (
    LIMIT,
    MALFORMED,
    TRUNCATED,
    broken,
    call_piece,
    calls_chunk,
    chunk,
    data,
    text_chunk,
)
from sansio.testing.script import Answer

_DONE = "[DONE]"
_HI = text_chunk("Hi")
_STOP = chunk({}, "stop")
_CALLED = chunk({}, "tool_calls")
_SAID = complete(Answer(text="Hi"))
_ONE = ContentDelta("Hi")


def chat() -> Iterator[Case]:
    """The cases made by hand."""
    yield from _ends()
    yield from _deltas()
    yield from _calls()
    yield from _failures()
    yield from _hostile()


def _case(
    name: str,
    shows: str,
    body: bytes,
    expected: JSONObject,
    dialect: str = "openai",
    *,
    hostile: bool = False,
) -> Case:
    return Case(name=name, dialect=dialect, shows=shows, body=body, expected=expected, hostile=hostile)


def _ends() -> Iterator[Case]:
    yield _case(
        "done-missing",
        "If the connection ends after a finish reason, the answer is complete, even without [DONE].",
        data(_HI, _STOP),
        _SAID,
    )
    yield _case(
        "finish-missing",
        "[DONE] ends an answer even without a finish reason, but such an answer is not a success.",
        data(_HI, _DONE),
        complete(Answer(text="Hi", finish_reason=FinishReason.OTHER)),
    )
    yield _case(
        "both-ends-missing",
        "A stream without [DONE] and without a finish reason is cut.",
        data(_HI),
        broken(TRUNCATED, _ONE),
    )
    yield _case(
        "finish-unknown",
        "An unknown finish reason is not a success.",
        data(_HI, chunk({}, "because"), _DONE),
        complete(Answer(text="Hi", finish_reason=FinishReason.OTHER)),
    )
    yield _case(
        "finish-content-filter",
        "An answer that a filter stopped is complete, and its finish reason says so.",
        data(_HI, chunk({}, "content_filter"), _DONE),
        complete(Answer(text="Hi", finish_reason=FinishReason.CONTENT_FILTER)),
    )
    yield _case(
        "finish-repeated", "A finish reason may arrive more than once.", data(_HI, _STOP, _STOP, _DONE), _SAID
    )
    yield _case(
        "finish-with-text",
        "The last text may be in the same chunk as the finish reason.",
        data(text_chunk("Hi", "stop"), _DONE),
        _SAID,
    )
    yield _case(
        "finish-in-each-chunk",
        "A blank finish reason means that there is none yet.",
        data(text_chunk("H", ""), text_chunk("i", ""), _STOP, _DONE),
        _SAID,
    )


def _deltas() -> Iterator[Case]:
    usage: JSONObject = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
    counted = complete(Answer(text="Hi", usage=Usage(input_tokens=9, output_tokens=5)))
    yield _case(
        "usage-last",
        "The token counts arrive after the finish reason, in a chunk without choices.",
        data(_HI, _STOP, {"id": "chatcmpl-1", "choices": [], "usage": usage}, _DONE),
        counted,
    )
    yield _case(
        "usage-in-each-chunk",
        "Repeated token counts replace the earlier ones; they are not added to them.",
        data(
            {**text_chunk("H"), "usage": {**usage, "completion_tokens": 1}},
            {**text_chunk("i"), "usage": usage},
        )
        + data({**_STOP, "usage": usage}, _DONE),
        counted,
    )
    yield _case(
        "usage-null",
        "Token counts that are null mean that none were reported.",
        data({**_HI, "usage": None}, {**_STOP, "usage": None}, _DONE),
        _SAID,
    )
    yield _case(
        "choices-empty-first",
        "The first chunk may have no choices, only the results of Azure's filter.",
        data(
            {"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}, _HI, _STOP
        )
        + data(_DONE),
        _SAID,
        "azure",
    )
    yield _case(
        "second-choice",
        "If there are several choices, the first one is the answer.",
        data(
            _HI,
            {**_HI, "choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": None}]},
            _STOP,
            _DONE,
        ),
        _SAID,
    )
    nothing: JSONObject = {"tool_calls": None, "function_call": None, "refusal": None, "reasoning": None}
    yield _case(
        "null-fields",
        "Fields that are null mean the same as missing fields.",
        data(chunk({"role": "assistant", "content": None, **nothing}), chunk({"content": "Hi", **nothing}))
        + data(chunk({"content": None, **nothing}, "stop"), _DONE),
        _SAID,
    )
    yield _case(
        "delta-null",
        "The last delta of a choice may be null.",
        data(_HI, chunk(None, "stop"), _DONE),
        _SAID,
    )
    yield _case(
        "empty-deltas",
        "Deltas without content give no events.",
        data(chunk({"role": "assistant", "content": ""}), chunk({}), _HI, text_chunk(""), _STOP, _DONE),
        _SAID,
    )
    yield _case(
        "content-parts",
        "The content of a delta may be a list of parts instead of a text.",
        data(chunk({"content": [{"type": "text", "text": "Hi"}]}), _STOP, _DONE),
        _SAID,
    )
    said: JSONObject = {"role": "assistant", "content": "Hi"}
    yield _case(
        "message-for-delta",
        "A server that cannot stream may send one chunk with the whole message in place of a delta.",
        data({**_HI, "choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}, _DONE),
        _SAID,
    )
    thought = Answer(parts=(ReasoningPart("Hm."),), text="Hi")
    for field in ("reasoning_content", "reasoning"):
        yield _case(
            f"reasoning-in-{field.replace('_', '-')}",
            "Servers use two names for the field with the reasoning; both must be read.",
            data(chunk({field: "Hm."}), _HI, _STOP, _DONE),
            complete(thought),
        )
    detail: JSONObject = {"type": "reasoning.text", "index": 0, "text": "Hm."}
    yield _case(
        "reasoning-twice",
        "OpenRouter sends the same reasoning in two fields; it must be returned only once.",
        data(chunk({"reasoning": "Hm.", "reasoning_details": [detail]}), _HI, _STOP, _DONE),
        complete(thought),
        "openrouter",
    )
    yield _case(
        "reasoning-between-text",
        "Reasoning and text may alternate; the pieces of each are joined separately.",
        data(
            chunk({"reasoning": "a"}),
            text_chunk("H"),
            chunk({"reasoning": "b"}),
            text_chunk("i"),
            _STOP,
            _DONE,
        ),
        ended(
            [ReasoningDelta("a"), ContentDelta("H", 1), ReasoningDelta("b"), ContentDelta("i", 1)],
            Answer(parts=(ReasoningPart("ab"), TextPart("Hi"))),
        ),
        "vllm",
    )
    yield _case(
        "escaped-pair",
        "A character beyond 16 bits may be escaped as a surrogate pair.",
        data(_HI, _STOP, _DONE).replace(b'"Hi"', rb'"\ud83c\udf0d"'),
        complete(Answer(text="🌍")),
    )
    yield _case(
        "half-a-pair",
        "Half of a surrogate pair is replaced, so that the text can be sent back.",
        data(_HI, _STOP, _DONE).replace(b'"Hi"', rb'"a\ud83cb"'),
        complete(Answer(text="a\ufffdb")),
    )


def _calls() -> Iterator[Case]:
    first, second = ToolCall("call_1", "f", {"a": 1}), ToolCall("call_2", "g", {"b": 2})
    no_ids = (ToolCall("", "f", {"a": 1}), ToolCall("", "f", {"a": 2}))
    both = Answer(tool_calls=(first, second))

    def ends(*pieces: JSONObject) -> bytes:
        return data(*map(calls_chunk, pieces), _CALLED, _DONE)

    yield _case(
        "calls-in-turn",
        "The pieces of two calls may alternate; each piece belongs to the call with its index.",
        ends(
            call_piece('{"a', name="f", index=0, id="call_1"),
            call_piece('{"b', name="g", index=1, id="call_2"),
            call_piece('":1}', index=0),
            call_piece('":2}', index=1),
        ),
        ended(
            [
                ToolCallStarted(0, "call_1", "f"),
                ToolCallDelta(0, '{"a'),
                ToolCallStarted(1, "call_2", "g", 1),
                ToolCallDelta(1, '{"b'),
                ToolCallDelta(0, '":1}'),
                ToolCallDelta(1, '":2}'),
            ],
            both,
        ),
    )
    yield _case(
        "calls-in-one-chunk",
        "Two complete calls may arrive in one chunk.",
        data(
            calls_chunk(
                call_piece('{"a":1}', name="f", index=0, id="call_1"),
                call_piece('{"b":2}', name="g", index=1, id="call_2"),
            ),
            _CALLED,
            _DONE,
        ),
        complete(both),
    )
    yield _case(
        "calls-without-index",
        "Calls without an index are distinguished by their ids.",
        ends(call_piece('{"a":1}', name="f", id="call_1"), call_piece('{"b":2}', name="g", id="call_2")),
        complete(both),
        "ollama",
    )
    yield _case(
        "calls-of-one-index",
        "If a server gives every call the index 0, the calls are distinguished by their ids.",
        ends(
            call_piece('{"a":1}', name="f", index=0, id="call_1"),
            call_piece('{"b":2}', name="g", index=0, id="call_2"),
        ),
        complete(both),
    )
    yield _case(
        "calls-without-ids",
        "Calls without ids that all have the index 0 are distinguished by the end of their arguments.",
        ends(call_piece('{"a":1}', name="f", index=0), call_piece('{"a":2}', name="f", index=0, id="")),
        complete(Answer(tool_calls=no_ids)),
    )
    yield _case(
        "calls-of-one-id",
        "Results could not be matched to two calls with the same id, so the second call needs another id.",
        ends(
            call_piece('{"a":1}', name="f", index=0, id="call_1"),
            call_piece('{"b":2}', name="g", index=1, id="call_1"),
        ),
        complete(Answer(tool_calls=(first, ToolCall("", "g", {"b": 2})))),
    )
    yield _case(
        "id-in-each-piece",
        "Each piece of a call may repeat the id and the name.",
        ends(*(call_piece(text, name="f", index=0, id="call_1") for text in ('{"a', '":', "1}"))),
        complete(Answer(tool_calls=(first,))),
    )
    yield _case(
        "id-blank-in-later-pieces",
        "A blank id and a blank name in later pieces change nothing.",
        ends(call_piece('{"a', name="f", index=0, id="call_1"), call_piece('":1}', name="", index=0, id="")),
        complete(Answer(tool_calls=(first,))),
    )
    for name, arguments in (("blank", ""), ("null", None), ("spaces", "  ")):
        yield _case(
            f"arguments-{name}",
            "A call without arguments has an empty object as its arguments.",
            ends(call_piece(arguments, name="f", index=0, id="call_1")),
            complete(Answer(tool_calls=(ToolCall("call_1", "f", raw_arguments=arguments or ""),))),
        )
    yield _case(
        "arguments-object",
        "The arguments may be a JSON object instead of a text.",
        ends(call_piece({"a": 1}, name="f", index=0, id="call_1")),
        complete(Answer(tool_calls=(first,))),
    )
    for name, text in (("cut", '{"a": tr'), ("list", "[1]"), ("doubled", '{"a":1}{"a":1}')):
        invalid = InvalidToolCall("call_1", "f", text, "")
        yield _case(
            f"arguments-{name}",
            "Arguments that are not one object are not repaired, even if the finish reason is tool_calls.",
            ends(call_piece(text, name="f", index=0, id="call_1")),
            complete(Answer(tool_calls=(invalid,), finish_reason=FinishReason.OTHER)),
        )
    yield _case(
        "arguments-half-a-pair",
        "Half of a surrogate pair in the arguments is replaced.",
        ends(call_piece(r'{"a":"\ud83c"}', name="f", index=0, id="call_1")),
        complete(Answer(tool_calls=(ToolCall("call_1", "f", {"a": "\ufffd"}, r'{"a":"\ud83c"}'),))),
    )
    yield _case(
        "calls-with-stop",
        "A complete call is a call even if the finish reason is stop.",
        data(calls_chunk(call_piece('{"a":1}', name="f", index=0, id="call_1")), _STOP, _DONE),
        complete(Answer(tool_calls=(first,))),
    )
    yield _case(
        "call-cut-behind-its-arguments",
        "A call with complete arguments must not be run if the answer itself was cut.",
        data(calls_chunk(call_piece('{"a":1}', name="f", index=0, id="call_1"))),
        broken(TRUNCATED, ToolCallStarted(0, "call_1", "f"), ToolCallDelta(0, '{"a":1}')),
    )
    yield _case(
        "function-call",
        "The older field function_call is read as a call without an id.",
        data(chunk({"function_call": {"name": "f", "arguments": '{"a'}}))
        + data(chunk({"function_call": {"arguments": '":1}'}}), chunk({}, "function_call"), _DONE),
        complete(Answer(tool_calls=(ToolCall("", "f", {"a": 1}),))),
    )
    custom: JSONObject = {
        "index": 0,
        "id": "call_1",
        "type": "custom",
        "custom": {"name": "f", "input": "6 "},
    }
    yield _case(
        "custom-call",
        "A custom tool's call is free text, not JSON.",
        ends(custom, {"index": 0, "custom": {"input": "* 7"}}),
        complete(Answer(tool_calls=(ToolCall("call_1", "f", {"input": "6 * 7"}, kind="custom"),))),
    )


def _failures() -> Iterator[Case]:
    errors: dict[str, tuple[JSONObject, int | None, str, str | None, str]] = {
        "error-rate-limit": (
            {"error": {"message": "Busy.", "type": "rate_limit_exceeded", "code": None}},
            429,
            "Busy.",
            "rate_limit_exceeded",
            "openai",
        ),
        "error-of-openrouter": (
            {**chunk({"content": ""}, "error"), "error": {"code": 502, "message": "Down."}},
            502,
            "Down.",
            None,
            "openrouter",
        ),
        "error-flat": (
            {"object": "error", "message": "Busy.", "type": "ServiceUnavailable", "code": 503},
            503,
            "Busy.",
            "ServiceUnavailable",
            "vllm",
        ),
        "error-text": ({"error": "Busy."}, None, "Busy.", None, "openai"),
    }
    for name, (record, status, words, type, dialect) in errors.items():
        yield _case(
            name,
            "An error in place of a chunk ends the answer with that error, even if [DONE] follows.",
            data(_HI, record, _DONE),
            failed([_ONE], status, words, type=type),
            dialect,
        )
    yield _case(
        "error-event",
        "An event with the name error is an error.",
        data(_HI) + b'event: error\ndata: {"message":"Busy.","code":503}\n\n',
        failed([_ONE], 503, "Busy."),
    )
    yield _case(
        "error-first",
        "An error that arrives before any text is an error too; the request may be tried again.",
        data({"error": {"message": "Busy.", "type": "rate_limit_exceeded"}}),
        failed([], 429, "Busy.", type="rate_limit_exceeded"),
    )


def _hostile() -> Iterator[Case]:
    deep = '{"x":' + "[" * 5_000 + "]" * 5_000 + "}"
    odd: dict[str, tuple[str, bytes, JSONObject]] = {
        "deep": (
            "JSON that is nested 5,000 levels deep must not crash the process.",
            data(_HI, deep, _STOP, _DONE),
            broken(LIMIT, _ONE),
        ),
        "deep-arguments": (
            "Arguments nested 5,000 levels deep must not crash the process, and the call must not be run.",
            data(
                calls_chunk(call_piece("[" * 5_000, name="f", index=0, id="call_1")),
                _CALLED,
                _DONE,
            ),
            complete(
                Answer(
                    tool_calls=(InvalidToolCall("call_1", "f", "[" * 5_000, ""),),
                    finish_reason=FinishReason.OTHER,
                )
            ),
        ),
        "not-json": (
            "Data that is not JSON is an error.",
            data(_HI, "hello", _DONE),
            broken(MALFORMED, _ONE),
        ),
        "null": ("A chunk that is null is an error.", data(_HI, "null", _DONE), broken(MALFORMED, _ONE)),
        "list": ("A chunk that is a list is an error.", data(_HI, "[]", _DONE), broken(MALFORMED, _ONE)),
        "content-number": (
            "Content that is a number is an error; it is not converted to text.",
            data(_HI, chunk({"content": 5}), _STOP, _DONE),
            broken(MALFORMED, _ONE),
        ),
        "calls-object": (
            "Calls that are not a list are an error.",
            data(_HI, chunk({"tool_calls": {"index": 0}}), _STOP, _DONE),
            broken(MALFORMED, _ONE),
        ),
        "bad-utf-8": (
            "Bytes that are not UTF-8 are replaced by U+FFFD.",
            data(_HI, _STOP, _DONE).replace(b'"Hi"', b'"H\xffi"'),
            complete(Answer(text="H\ufffdi")),
        ),
        "index-huge": (
            "A huge index only identifies a call; no list of that length may be allocated.",
            data(calls_chunk(call_piece("{}", name="f", index=999_999_999, id="call_1")), _CALLED, _DONE),
            complete(Answer(tool_calls=(ToolCall("call_1", "f", raw_arguments="{}"),))),
        ),
        "done-alone": (
            "[DONE] without anything before it is an error, not an empty answer.",
            data(_DONE),
            broken(MALFORMED),
        ),
    }
    for name, (shows, body, expected) in odd.items():
        yield _case(f"hostile-{name}", shows, body, expected, hostile=True)
