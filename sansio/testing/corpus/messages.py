"""Anthropic's messages as servers send them and parsers misread them."""

from __future__ import annotations

from collections.abc import Iterator

from sansio.content import (
    Citation,
    FinishReason,
    InvalidToolCall,
    ReasoningPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.events import ContentDelta, PartComplete, ToolCallDelta, ToolCallStarted
from sansio.jsontext import JSONObject
from sansio.testing.corpus.case import Case
from sansio.testing.corpus.encoded import complete, ended, failed
from sansio.testing.corpus.records import (
    LIMIT,
    MALFORMED,
    TRUNCATED,
    block,
    block_delta,
    broken,
    data,
    message_end,
    message_start,
    named,
    text_block,
    use_block,
)
from sansio.testing.script import Answer

_USAGE = Usage(input_tokens=9, output_tokens=5)
_ONE = ContentDelta("Hi")
_SAID = complete(Answer(text="Hi", usage=_USAGE))
_OVERLOADED: JSONObject = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
_PING: JSONObject = {"type": "ping"}


def messages() -> Iterator[Case]:
    """The cases made by hand."""
    yield from _ends()
    yield from _events()
    yield from _blocks()
    yield from _calls()
    yield from _failures()
    yield from _hostile()


def _case(name: str, shows: str, body: bytes, expected: JSONObject, *, hostile: bool = False) -> Case:
    return Case(name=name, dialect="anthropic", shows=shows, body=body, expected=expected, hostile=hostile)


def _ends() -> Iterator[Case]:
    delta, stop = message_end()
    begun = [message_start(), *text_block(0, "Hi")]
    yield _case(
        "stop-missing",
        "If the connection ends after a stop reason, the answer is complete, even without message_stop.",
        named(*begun, delta),
        _SAID,
    )
    yield _case(
        "reason-missing",
        "message_stop ends an answer even without a stop reason, but such an answer is not a success.",
        named(*begun, stop),
        complete(
            Answer(
                text="Hi",
                finish_reason=FinishReason.OTHER,
                usage=Usage(input_tokens=9, output_tokens=1),
            )
        ),
    )
    yield _case(
        "both-ends-missing",
        "A stream without message_stop and without a stop reason is cut, even if all blocks are closed.",
        named(*begun),
        broken(TRUNCATED, _ONE),
    )
    yield _case(
        "start-alone",
        "A stream that ends after message_start is cut.",
        named(message_start()),
        broken(TRUNCATED),
    )
    reasons = {
        "stop_sequence": FinishReason.STOP,
        "pause_turn": FinishReason.PAUSE,
        "refusal": FinishReason.REFUSAL,
        "because": FinishReason.OTHER,
    }
    for reason, finish in reasons.items():
        yield _case(
            f"reason-{reason.replace('_', '-')}",
            "Each stop reason has its own meaning, and an unknown one is not a success.",
            named(*begun, *message_end(reason)),
            complete(Answer(text="Hi", finish_reason=finish, usage=_USAGE)),
        )


def _events() -> Iterator[Case]:
    start, opened, delta, closed = message_start(), *text_block(0, "Hi")
    yield _case(
        "pings",
        "Pings may arrive anywhere, and mean nothing.",
        named(_PING, start, _PING, opened, _PING, delta, _PING, closed, *message_end(), _PING),
        _SAID,
    )
    yield _case(
        "new-events",
        "Events of unknown kinds are ignored.",
        named(
            {"type": "new_event", "index": 0, "delta": 5}, start, opened, delta, {"type": "new_event"}, closed
        )
        + named(*message_end()),
        _SAID,
    )
    yield _case(
        "no-names",
        "The type is read from the JSON, so an event need not have a name.",
        data(start, opened, delta, closed, *message_end()),
        _SAID,
    )
    yield _case(
        "usage-cumulative",
        "Token counts are cumulative: the last count replaces the earlier ones; it is not added to them.",
        named(
            start,
            opened,
            delta,
            closed,
            {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 2}},
            {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 4}},
            *message_end(),
        ),
        _SAID,
    )
    yield _case(
        "usage-of-the-cache",
        "Cached tokens are counted separately from the others, and are part of the prompt.",
        named(
            message_start(
                usage={
                    "input_tokens": 9,
                    "cache_read_input_tokens": 100,
                    "cache_creation_input_tokens": 50,
                    "output_tokens": 1,
                }
            ),
            *text_block(0, "Hi"),
            *message_end(),
        ),
        complete(Answer(text="Hi", usage=Usage(input_tokens=159, cached_tokens=100, output_tokens=5))),
    )


def _blocks() -> Iterator[Case]:
    thinking: JSONObject = {"type": "thinking", "thinking": "", "signature": ""}
    yield _case(
        "thinking",
        "The signature of thinking arrives after its text.",
        named(
            message_start(),
            *block(
                0,
                thinking,
                {"type": "thinking_delta", "thinking": "Hm."},
                {"type": "signature_delta", "signature": "c2ln"},
            ),
            *text_block(1, "Hi"),
            *message_end(),
        ),
        complete(Answer(parts=(ReasoningPart("Hm."), TextPart("Hi")), usage=_USAGE)),
    )
    yield _case(
        "thinking-redacted",
        "Redacted thinking is a part of the answer, and must be kept so that it can be sent back.",
        named(
            message_start(),
            *block(0, {"type": "redacted_thinking", "data": "b3BhcXVl"}),
            *text_block(1, "Hi"),
            *message_end(),
        ),
        complete(Answer(parts=(ReasoningPart(""), TextPart("Hi")), usage=_USAGE)),
    )
    yield _case(
        "texts",
        "Two blocks of text are two parts, and the text of the answer joins them.",
        named(message_start(), *text_block(0, "H"), *text_block(1, "i"), *message_end()),
        complete(Answer(parts=(TextPart("H"), TextPart("i")), usage=_USAGE)),
    )
    yield _case(
        "text-empty",
        "A block with an empty text gives no part.",
        named(message_start(), *text_block(0), *text_block(1, "Hi"), *message_end()),
        _SAID,
    )
    yield _case(
        "text-in-its-start",
        "The start of a block may already contain the text.",
        named(message_start(), *block(0, {"type": "text", "text": "Hi"}), *message_end()),
        _SAID,
    )
    cited: JSONObject = {
        "type": "char_location",
        "cited_text": "Hello",
        "document_index": 0,
        "document_title": "Greetings",
        "start_char_index": 0,
        "end_char_index": 5,
    }
    part = TextPart("Hi", (Citation(title="Greetings", quote="Hello", extra=_rest(cited)),))
    yield _case(
        "citation",
        "A citation belongs to the text of its block, which arrives before it.",
        named(
            message_start(),
            *block(
                0,
                {"type": "text", "text": "", "citations": []},
                {"type": "text_delta", "text": "Hi"},
                {"type": "citations_delta", "citation": cited},
            ),
            *message_end(),
        ),
        ended([_ONE, PartComplete(0, part)], Answer(parts=(part,), usage=_USAGE)),
    )
    found: list[JSONObject] = [{"type": "web_search_result", "url": "https://example.org", "title": "A page"}]
    result: JSONObject = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [*found]}
    used = ServerToolPart("server_tool_use", "srv_1", "web_search", {"query": "hi"})
    gave = ServerToolPart("web_search_tool_result", "srv_1", output=[*found])
    yield _case(
        "server-tool",
        "A tool that the provider ran itself is not a call for the application to run.",
        named(
            message_start(),
            *block(
                0,
                {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}},
                {"type": "input_json_delta", "partial_json": '{"query": "hi"}'},
            ),
            *block(1, result),
            *text_block(2, "Hi"),
            *message_end(),
        ),
        complete(Answer(parts=(used, gave, TextPart("Hi")), usage=_USAGE)),
    )
    new: JSONObject = {"type": "new_block", "value": 5}
    yield _case(
        "new-block",
        "A block of an unknown kind is kept, and is not an error.",
        named(message_start(), *block(0, new), *text_block(1, "Hi"), *message_end()),
        complete(Answer(parts=(UnknownPart("new_block", new), TextPart("Hi")), usage=_USAGE)),
    )


def _rest(cited: JSONObject) -> JSONObject:
    return {name: value for name, value in cited.items() if name not in ("cited_text", "document_title")}


def _calls() -> Iterator[Case]:
    first, second = ToolCall("toolu_1", "f", {"a": 1}), ToolCall("toolu_2", "g", {"b": 2})
    opened, half, rest, closed = use_block(0, "toolu_1", "f", '{"a', '":1}')
    other = use_block(1, "toolu_2", "g", '{"b":2}')
    yield _case(
        "calls-in-turn",
        "The pieces of two open blocks may alternate; each piece belongs to the block with its index.",
        named(
            message_start(),
            opened,
            half,
            *other,
            rest,
            closed,
            *message_end("tool_use"),
        ),
        ended(
            [
                ToolCallStarted(0, "toolu_1", "f"),
                ToolCallDelta(0, '{"a'),
                ToolCallStarted(1, "toolu_2", "g", 1),
                ToolCallDelta(1, '{"b":2}'),
                ToolCallDelta(0, '":1}'),
            ],
            Answer(tool_calls=(first, second), usage=_USAGE),
        ),
    )
    yield _case(
        "input-without-deltas",
        "A call whose input has no pieces has an empty object as its arguments.",
        named(message_start(), *use_block(0, "toolu_1", "f"), *message_end("tool_use")),
        complete(Answer(tool_calls=(ToolCall("toolu_1", "f", raw_arguments=""),), usage=_USAGE)),
    )
    yield _case(
        "input-in-its-start",
        "The start of a block may already contain the input.",
        named(
            message_start(),
            *block(0, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}),
            *message_end("tool_use"),
        ),
        complete(Answer(tool_calls=(first,), usage=_USAGE)),
    )
    cut = InvalidToolCall("toolu_1", "f", '{"a": ', "")
    yield _case(
        "input-cut",
        "Input that is cut is not repaired, even if the stop reason is tool_use.",
        named(message_start(), *use_block(0, "toolu_1", "f", '{"a": '), *message_end("tool_use")),
        complete(Answer(tool_calls=(cut,), finish_reason=FinishReason.OTHER, usage=_USAGE)),
    )
    yield _case(
        "input-cut-by-the-limit",
        "A call that max_tokens cut before its first piece is invalid; it does not have an empty object.",
        named(message_start(), *use_block(0, "toolu_1", "f"), *message_end("max_tokens")),
        complete(
            Answer(
                tool_calls=(InvalidToolCall("toolu_1", "f", "", ""),),
                finish_reason=FinishReason.LENGTH,
                usage=_USAGE,
            )
        ),
    )
    yield _case(
        "call-with-end-turn",
        "A complete call is a call even if the stop reason is end_turn.",
        named(message_start(), *use_block(0, "toolu_1", "f", '{"a":1}'), *message_end()),
        complete(Answer(tool_calls=(first,), usage=_USAGE)),
    )


def _failures() -> Iterator[Case]:
    yield _case(
        "error-overloaded",
        "An overload that is reported inside a stream is an error, even though the status is 200.",
        named(message_start(), *text_block(0, "Hi"), _OVERLOADED),
        failed([_ONE], 529, "Overloaded", type="overloaded_error"),
    )
    yield _case(
        "error-first",
        "An error in place of message_start is an error too; the request may be tried again.",
        named(_OVERLOADED),
        failed([], 529, "Overloaded", type="overloaded_error"),
    )
    yield _case(
        "error-without-name",
        "An event of the type error is an error, even if it has no name.",
        data(message_start(), *text_block(0, "Hi"), _OVERLOADED),
        failed([_ONE], 529, "Overloaded", type="overloaded_error"),
    )


def _hostile() -> Iterator[Case]:
    start, opened, delta, closed = message_start(), *text_block(0, "Hi")
    deep = b'event: new\ndata: {"type":"new","x":' + b"[" * 5_000 + b"]" * 5_000 + b"}\n\n"
    odd: dict[str, tuple[str, bytes, JSONObject]] = {
        "deep": (
            "JSON that is nested 5,000 levels deep must not crash the process.",
            named(start, opened, delta) + deep + named(closed, *message_end()),
            broken(LIMIT, _ONE),
        ),
        "delta-without-block": (
            "A piece of a block that was not started begins the block.",
            named(start, block_delta(3, {"type": "text_delta", "text": "Hi"}), *message_end()),
            _SAID,
        ),
        "index-text": (
            "An index that is a text instead of a number is an error.",
            named(start, {**opened, "index": "0"}, delta, closed, *message_end()),
            broken(MALFORMED),
        ),
        "text-number": (
            "A text that is a number is an error; it is not converted.",
            named(start, opened, block_delta(0, {"type": "text_delta", "text": 5}), *message_end()),
            broken(MALFORMED),
        ),
        "not-json": (
            "Data that is not JSON is an error.",
            named(start, opened, delta) + data("hello"),
            broken(MALFORMED, _ONE),
        ),
        "bad-utf-8": (
            "Bytes that are not UTF-8 are replaced by U+FFFD.",
            named(start, opened, delta, closed, *message_end()).replace(b'"Hi"', b'"H\xffi"'),
            complete(Answer(text="H\ufffdi", usage=_USAGE)),
        ),
    }
    for name, (shows, body, expected) in odd.items():
        yield _case(f"hostile-{name}", shows, body, expected, hostile=True)
