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
        "The end of the connection behind a stop reason is the end of the answer, without message_stop.",
        named(*begun, delta),
        _SAID,
    )
    yield _case(
        "reason-missing",
        "message_stop ends an answer that gave no stop reason; its reason is not a success.",
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
        "Without message_stop and without a stop reason the stream is cut, though all blocks are closed.",
        named(*begun),
        broken(TRUNCATED, _ONE),
    )
    yield _case(
        "start-alone",
        "A stream of which only message_start arrived is cut.",
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
            "Each stop reason has its own meaning, and one that is not known is not a success.",
            named(*begun, *message_end(reason)),
            complete(Answer(text="Hi", finish_reason=finish, usage=_USAGE)),
        )


def _events() -> Iterator[Case]:
    start, opened, delta, closed = message_start(), *text_block(0, "Hi")
    yield _case(
        "pings",
        "Pings may be anywhere, and say nothing.",
        named(_PING, start, _PING, opened, _PING, delta, _PING, closed, *message_end(), _PING),
        _SAID,
    )
    yield _case(
        "new-events",
        "Events of a new kind say nothing.",
        named(
            {"type": "new_event", "index": 0, "delta": 5}, start, opened, delta, {"type": "new_event"}, closed
        )
        + named(*message_end()),
        _SAID,
    )
    yield _case(
        "no-names",
        "The type inside the JSON counts; an event need not be named.",
        data(start, opened, delta, closed, *message_end()),
        _SAID,
    )
    yield _case(
        "usage-cumulative",
        "Counts are cumulative: the last one replaces those before it, and is not added.",
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
        "The tokens of the cache are counted beside the others, and belong to the prompt.",
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
        "Thinking has its signature behind its text.",
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
        "Thinking that is not shown is a part of the answer, which goes back with it.",
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
        "Two blocks of text are two parts of one text.",
        named(message_start(), *text_block(0, "H"), *text_block(1, "i"), *message_end()),
        complete(Answer(parts=(TextPart("H"), TextPart("i")), usage=_USAGE)),
    )
    yield _case(
        "text-empty",
        "A block of text without text is no part.",
        named(message_start(), *text_block(0), *text_block(1, "Hi"), *message_end()),
        _SAID,
    )
    yield _case(
        "text-in-its-start",
        "The start of a block may have the text already.",
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
        "A citation belongs to the text before it.",
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
        "A tool that the provider ran is not a call to run.",
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
        "A block of a new kind is kept, and does not end the stream.",
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
        "The pieces of two open blocks may take turns; each belongs to the block of its index.",
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
        "A call whose input has no pieces has an empty object.",
        named(message_start(), *use_block(0, "toolu_1", "f"), *message_end("tool_use")),
        complete(Answer(tool_calls=(ToolCall("toolu_1", "f", raw_arguments=""),), usage=_USAGE)),
    )
    yield _case(
        "input-in-its-start",
        "The start of a block may have the input already.",
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
        "Input that is cut is not repaired, though the stop reason says tool_use.",
        named(message_start(), *use_block(0, "toolu_1", "f", '{"a": '), *message_end("tool_use")),
        complete(Answer(tool_calls=(cut,), finish_reason=FinishReason.OTHER, usage=_USAGE)),
    )
    yield _case(
        "input-cut-by-the-limit",
        "A call that max_tokens cut before its first piece has no arguments, not an empty object.",
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
        "A whole call is a call, though the stop reason says end_turn.",
        named(message_start(), *use_block(0, "toolu_1", "f", '{"a":1}'), *message_end()),
        complete(Answer(tool_calls=(first,), usage=_USAGE)),
    )


def _failures() -> Iterator[Case]:
    yield _case(
        "error-overloaded",
        "An overload inside a stream is one, though the status is 200.",
        named(message_start(), *text_block(0, "Hi"), _OVERLOADED),
        failed([_ONE], 529, "Overloaded", type="overloaded_error"),
    )
    yield _case(
        "error-first",
        "An error in place of message_start is one too, and may be tried again.",
        named(_OVERLOADED),
        failed([], 529, "Overloaded", type="overloaded_error"),
    )
    yield _case(
        "error-without-name",
        "An error whose event is not named is one.",
        data(message_start(), *text_block(0, "Hi"), _OVERLOADED),
        failed([_ONE], 529, "Overloaded", type="overloaded_error"),
    )


def _hostile() -> Iterator[Case]:
    start, opened, delta, closed = message_start(), *text_block(0, "Hi")
    deep = b'event: new\ndata: {"type":"new","x":' + b"[" * 5_000 + b"]" * 5_000 + b"}\n\n"
    odd: dict[str, tuple[str, bytes, JSONObject]] = {
        "deep": (
            "JSON that nests 5,000 deep must not end the process.",
            named(start, opened, delta) + deep + named(closed, *message_end()),
            broken(LIMIT, _ONE),
        ),
        "delta-without-block": (
            "A piece of a block that was not started begins it.",
            named(start, block_delta(3, {"type": "text_delta", "text": "Hi"}), *message_end()),
            _SAID,
        ),
        "index-text": (
            "An index that is a text is an error.",
            named(start, {**opened, "index": "0"}, delta, closed, *message_end()),
            broken(MALFORMED),
        ),
        "text-number": (
            "Text that is a number is an error.",
            named(start, opened, block_delta(0, {"type": "text_delta", "text": 5}), *message_end()),
            broken(MALFORMED),
        ),
        "not-json": (
            "Data that is not JSON is an error.",
            named(start, opened, delta) + data("hello"),
            broken(MALFORMED, _ONE),
        ),
        "bad-utf-8": (
            "Bytes that are not UTF-8 are replaced.",
            named(start, opened, delta, closed, *message_end()).replace(b'"Hi"', b'"H\xffi"'),
            complete(Answer(text="H\ufffdi", usage=_USAGE)),
        ),
    }
    for name, (shows, body, expected) in odd.items():
        yield _case(f"hostile-{name}", shows, body, expected, hostile=True)
