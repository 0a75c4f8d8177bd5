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
        "The end of the connection behind a finish reason is the end of the answer, without [DONE].",
        data(_HI, _STOP),
        _SAID,
    )
    yield _case(
        "finish-missing",
        "[DONE] ends an answer that gave no finish reason; its reason is not a success.",
        data(_HI, _DONE),
        complete(Answer(text="Hi", finish_reason=FinishReason.OTHER)),
    )
    yield _case(
        "both-ends-missing",
        "Without [DONE] and without a finish reason the stream is cut.",
        data(_HI),
        broken(TRUNCATED, _ONE),
    )
    yield _case(
        "finish-unknown",
        "A finish reason that is not known is not a success.",
        data(_HI, chunk({}, "because"), _DONE),
        complete(Answer(text="Hi", finish_reason=FinishReason.OTHER)),
    )
    yield _case(
        "finish-content-filter",
        "What a filter stopped is complete, and says so.",
        data(_HI, chunk({}, "content_filter"), _DONE),
        complete(Answer(text="Hi", finish_reason=FinishReason.CONTENT_FILTER)),
    )
    yield _case("finish-repeated", "A finish reason may be repeated.", data(_HI, _STOP, _STOP, _DONE), _SAID)
    yield _case(
        "finish-with-text",
        "The last text may be beside the finish reason.",
        data(text_chunk("Hi", "stop"), _DONE),
        _SAID,
    )
    yield _case(
        "finish-in-each-chunk",
        "A finish reason that is blank is none.",
        data(text_chunk("H", ""), text_chunk("i", ""), _STOP, _DONE),
        _SAID,
    )


def _deltas() -> Iterator[Case]:
    usage: JSONObject = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
    counted = complete(Answer(text="Hi", usage=Usage(input_tokens=9, output_tokens=5)))
    yield _case(
        "usage-last",
        "The counts arrive behind the finish reason, in a chunk without choices.",
        data(_HI, _STOP, {"id": "chatcmpl-1", "choices": [], "usage": usage}, _DONE),
        counted,
    )
    yield _case(
        "usage-in-each-chunk",
        "Counts that are repeated replace those before them, and are not added.",
        data(
            {**text_chunk("H"), "usage": {**usage, "completion_tokens": 1}},
            {**text_chunk("i"), "usage": usage},
        )
        + data({**_STOP, "usage": usage}, _DONE),
        counted,
    )
    yield _case(
        "usage-null",
        "Counts that are null are none.",
        data({**_HI, "usage": None}, {**_STOP, "usage": None}, _DONE),
        _SAID,
    )
    yield _case(
        "choices-empty-first",
        "The first chunk has no choices, but the results of Azure's filter.",
        data(
            {"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}, _HI, _STOP
        )
        + data(_DONE),
        _SAID,
        "azure",
    )
    yield _case(
        "second-choice",
        "Of several choices the first is the answer.",
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
        "Fields that are null say nothing.",
        data(chunk({"role": "assistant", "content": None, **nothing}), chunk({"content": "Hi", **nothing}))
        + data(chunk({"content": None, **nothing}, "stop"), _DONE),
        _SAID,
    )
    yield _case(
        "delta-null",
        "A choice may end with null in place of its delta.",
        data(_HI, chunk(None, "stop"), _DONE),
        _SAID,
    )
    yield _case(
        "empty-deltas",
        "Deltas without content are no events.",
        data(chunk({"role": "assistant", "content": ""}), chunk({}), _HI, text_chunk(""), _STOP, _DONE),
        _SAID,
    )
    yield _case(
        "content-parts",
        "The content of a delta may be a list of parts.",
        data(chunk({"content": [{"type": "text", "text": "Hi"}]}), _STOP, _DONE),
        _SAID,
    )
    said: JSONObject = {"role": "assistant", "content": "Hi"}
    yield _case(
        "message-for-delta",
        "A server that does not stream sends one chunk with the message.",
        data({**_HI, "choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}, _DONE),
        _SAID,
    )
    thought = Answer(parts=(ReasoningPart("Hm."),), text="Hi")
    for field in ("reasoning_content", "reasoning"):
        yield _case(
            f"reasoning-in-{field.replace('_', '-')}",
            "Servers have two names for reasoning.",
            data(chunk({field: "Hm."}), _HI, _STOP, _DONE),
            complete(thought),
        )
    detail: JSONObject = {"type": "reasoning.text", "index": 0, "text": "Hm."}
    yield _case(
        "reasoning-twice",
        "OpenRouter sends the same reasoning in two fields, and it is given once.",
        data(chunk({"reasoning": "Hm.", "reasoning_details": [detail]}), _HI, _STOP, _DONE),
        complete(thought),
        "openrouter",
    )
    yield _case(
        "reasoning-between-text",
        "Reasoning and text may take turns, and each is joined for itself.",
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
        "A character beyond 16 bits is escaped as two halves.",
        data(_HI, _STOP, _DONE).replace(b'"Hi"', rb'"\ud83c\udf0d"'),
        complete(Answer(text="🌍")),
    )
    yield _case(
        "half-a-pair",
        "Half of an escaped character is replaced, so that the text can be sent on.",
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
        "The pieces of two calls may take turns; each belongs to the call of its index.",
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
        "Two calls may be whole in one chunk.",
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
        "Calls without an index are told apart by their ids.",
        ends(call_piece('{"a":1}', name="f", id="call_1"), call_piece('{"b":2}', name="g", id="call_2")),
        complete(both),
        "ollama",
    )
    yield _case(
        "calls-of-one-index",
        "A server that gives every call the index 0 is understood by the ids.",
        ends(
            call_piece('{"a":1}', name="f", index=0, id="call_1"),
            call_piece('{"b":2}', name="g", index=0, id="call_2"),
        ),
        complete(both),
    )
    yield _case(
        "calls-without-ids",
        "Calls without ids, all of index 0, are told apart by the end of the arguments.",
        ends(call_piece('{"a":1}', name="f", index=0), call_piece('{"a":2}', name="f", index=0, id="")),
        complete(Answer(tool_calls=no_ids)),
    )
    yield _case(
        "calls-of-one-id",
        "Two calls with the same id cannot both be answered by it, so the second needs another one.",
        ends(
            call_piece('{"a":1}', name="f", index=0, id="call_1"),
            call_piece('{"b":2}', name="g", index=1, id="call_1"),
        ),
        complete(Answer(tool_calls=(first, ToolCall("", "g", {"b": 2})))),
    )
    yield _case(
        "id-in-each-piece",
        "Id and name may be repeated in each piece of a call.",
        ends(*(call_piece(text, name="f", index=0, id="call_1") for text in ('{"a', '":', "1}"))),
        complete(Answer(tool_calls=(first,))),
    )
    yield _case(
        "id-blank-in-later-pieces",
        "An id and a name that are blank in later pieces change nothing.",
        ends(call_piece('{"a', name="f", index=0, id="call_1"), call_piece('":1}', name="", index=0, id="")),
        complete(Answer(tool_calls=(first,))),
    )
    for name, arguments in (("blank", ""), ("null", None), ("spaces", "  ")):
        yield _case(
            f"arguments-{name}",
            "A call without arguments has an empty object.",
            ends(call_piece(arguments, name="f", index=0, id="call_1")),
            complete(Answer(tool_calls=(ToolCall("call_1", "f", raw_arguments=arguments or ""),))),
        )
    yield _case(
        "arguments-object",
        "Arguments may be an object in place of its text.",
        ends(call_piece({"a": 1}, name="f", index=0, id="call_1")),
        complete(Answer(tool_calls=(first,))),
    )
    for name, text in (("cut", '{"a": tr'), ("list", "[1]"), ("doubled", '{"a":1}{"a":1}')):
        invalid = InvalidToolCall("call_1", "f", text, "")
        yield _case(
            f"arguments-{name}",
            "Arguments that are not one object are not repaired, though the finish reason says tool_calls.",
            ends(call_piece(text, name="f", index=0, id="call_1")),
            complete(Answer(tool_calls=(invalid,), finish_reason=FinishReason.OTHER)),
        )
    yield _case(
        "arguments-half-a-pair",
        "Half of an escaped character in the arguments is replaced.",
        ends(call_piece(r'{"a":"\ud83c"}', name="f", index=0, id="call_1")),
        complete(Answer(tool_calls=(ToolCall("call_1", "f", {"a": "\ufffd"}, r'{"a":"\ud83c"}'),))),
    )
    yield _case(
        "calls-with-stop",
        "Whole calls are calls, though the finish reason says stop.",
        data(calls_chunk(call_piece('{"a":1}', name="f", index=0, id="call_1")), _STOP, _DONE),
        complete(Answer(tool_calls=(first,))),
    )
    yield _case(
        "call-cut-behind-its-arguments",
        "A call whose arguments are whole is not handed over as long as the answer is not.",
        data(calls_chunk(call_piece('{"a":1}', name="f", index=0, id="call_1"))),
        broken(TRUNCATED, ToolCallStarted(0, "call_1", "f"), ToolCallDelta(0, '{"a":1}')),
    )
    yield _case(
        "function-call",
        "The older form of a call is a call without an id.",
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
            "An error in place of a chunk is the error that it names, though [DONE] follows.",
            data(_HI, record, _DONE),
            failed([_ONE], status, words, type=type),
            dialect,
        )
    yield _case(
        "error-event",
        "An event named error is an error.",
        data(_HI) + b'event: error\ndata: {"message":"Busy.","code":503}\n\n',
        failed([_ONE], 503, "Busy."),
    )
    yield _case(
        "error-first",
        "An error before any text is one too, and may be tried again.",
        data({"error": {"message": "Busy.", "type": "rate_limit_exceeded"}}),
        failed([], 429, "Busy.", type="rate_limit_exceeded"),
    )


def _hostile() -> Iterator[Case]:
    deep = '{"x":' + "[" * 5_000 + "]" * 5_000 + "}"
    odd: dict[str, tuple[str, bytes, JSONObject]] = {
        "deep": (
            "JSON that nests 5,000 deep must not end the process.",
            data(_HI, deep, _STOP, _DONE),
            broken(LIMIT, _ONE),
        ),
        "deep-arguments": (
            "Arguments that nest 5,000 deep must not end the process, and are not run.",
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
        "null": ("null is no chunk.", data(_HI, "null", _DONE), broken(MALFORMED, _ONE)),
        "list": ("A list is no chunk.", data(_HI, "[]", _DONE), broken(MALFORMED, _ONE)),
        "content-number": (
            "Content that is a number is an error, and not text.",
            data(_HI, chunk({"content": 5}), _STOP, _DONE),
            broken(MALFORMED, _ONE),
        ),
        "calls-object": (
            "Calls that are not a list are an error.",
            data(_HI, chunk({"tool_calls": {"index": 0}}), _STOP, _DONE),
            broken(MALFORMED, _ONE),
        ),
        "bad-utf-8": (
            "Bytes that are not UTF-8 are replaced.",
            data(_HI, _STOP, _DONE).replace(b'"Hi"', b'"H\xffi"'),
            complete(Answer(text="H\ufffdi")),
        ),
        "index-huge": (
            "An index is a name for a call, not a length to allocate.",
            data(calls_chunk(call_piece("{}", name="f", index=999_999_999, id="call_1")), _CALLED, _DONE),
            complete(Answer(tool_calls=(ToolCall("call_1", "f", raw_arguments="{}"),))),
        ),
        "done-alone": ("[DONE] alone is no answer.", data(_DONE), broken(MALFORMED)),
    }
    for name, (shows, body, expected) in odd.items():
        yield _case(f"hostile-{name}", shows, body, expected, hostile=True)
