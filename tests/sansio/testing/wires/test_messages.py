"""The framing of Anthropic's messages: what recorded streams show."""

from __future__ import annotations

import json

import pytest
from msgspec import structs

from sansio import (
    AudioPart,
    Citation,
    ContentDelta,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.jsontext import JSONObject
from sansio.testing import Answer, Broken, Failure, encode_events, encode_stream, encode_whole
from sansio.testing.wires.messages import sign
from tests.sansio.testing.asking import Object, chunks

USAGE = Usage(input_tokens=9, output_tokens=4, cached_tokens=3, cache_write_tokens=2)
WHOLE = Answer(
    reasoning="I think.",
    text="Two words",
    tool_calls=(ToolCall("toolu_1", "f", {"a": 1}), ToolCall("toolu_2", "g", {})),
    usage=USAGE,
)


def of_type(events: list[Object], kind: str) -> list[Object]:
    return [event for event in events if event["type"] == kind]


def test_each_event_s_name_is_its_data_s_type() -> None:
    for piece in encode_stream("anthropic", WHOLE):
        name, data, *rest = piece.decode().split("\n")
        assert rest == ["", ""]
        assert name == f"event: {json.loads(data.removeprefix('data: '))['type']}"


def test_the_stream_begins_with_the_message_and_ends_with_its_stop() -> None:
    events = chunks(encode_stream("anthropic", WHOLE, model="a-model", response_id="msg_1"))
    message = events[0]["message"]
    assert (message["id"], message["model"], message["content"]) == ("msg_1", "a-model", [])
    assert message["usage"]["output_tokens"] == 1
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    assert events[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}


def test_blocks_are_numbered_and_come_one_after_the_other() -> None:
    events = chunks(encode_stream("anthropic", WHOLE))
    marks = [
        (event["type"][len("content_block_") :], event["index"])
        for event in events
        if event["type"] in ("content_block_start", "content_block_stop")
    ]
    assert marks == [(what, index) for index in range(4) for what in ("start", "stop")]
    starts = of_type(events, "content_block_start")
    assert [event["content_block"]["type"] for event in starts] == [
        "thinking",
        "text",
        "tool_use",
        "tool_use",
    ]


def test_a_ping_comes_after_the_first_block_began() -> None:
    kinds = [event["type"] for event in chunks(encode_stream("anthropic", WHOLE))]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds.count("ping") == 1


def test_a_thinking_block_ends_with_its_signature() -> None:
    deltas = of_type(chunks(encode_stream("anthropic", WHOLE)), "content_block_delta")
    thinking = [event["delta"] for event in deltas if event["index"] == 0]
    assert "".join(delta.get("thinking", "") for delta in thinking) == "I think."
    assert thinking[-1] == {"type": "signature_delta", "signature": sign("I think.")}


def test_tool_input_comes_as_partial_json_the_first_piece_empty() -> None:
    events = chunks(encode_stream("anthropic", WHOLE))
    start = next(event for event in of_type(events, "content_block_start") if event["index"] == 2)
    assert start["content_block"] == {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    deltas = [e["delta"]["partial_json"] for e in of_type(events, "content_block_delta") if e["index"] == 2]
    assert deltas[0] == ""
    assert json.loads("".join(deltas)) == {"a": 1}


def test_input_tokens_leave_the_cached_parts_out() -> None:
    events = chunks(encode_stream("anthropic", WHOLE))
    assert of_type(events, "message_delta")[0]["usage"] == {
        "input_tokens": 4,
        "cache_creation_input_tokens": 2,
        "cache_read_input_tokens": 3,
        "output_tokens": 4,
    }


def test_an_empty_answer_has_no_block() -> None:
    kinds = [event["type"] for event in chunks(encode_stream("anthropic", Answer()))]
    assert kinds == ["message_start", "message_delta", "message_stop"]
    assert json.loads(encode_whole("anthropic", Answer()))["content"] == []


def test_a_whole_message_has_the_same_blocks() -> None:
    body = json.loads(encode_whole("anthropic", WHOLE, model="a-model", response_id="msg_1"))
    assert (body["id"], body["model"], body["stop_reason"]) == ("msg_1", "a-model", "tool_use")
    assert body["content"] == [
        {"type": "thinking", "thinking": "I think.", "signature": sign("I think.")},
        {"type": "text", "text": "Two words"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
    ]


def test_cut_arguments_are_refused_whole_and_sent_in_a_stream() -> None:
    answer = Answer(tool_calls=(InvalidToolCall("toolu_1", "f", '{"a', "cut"),))
    deltas = of_type(chunks(encode_stream("anthropic", answer)), "content_block_delta")
    assert "".join(event["delta"]["partial_json"] for event in deltas) == '{"a'
    with pytest.raises(ValueError, match="only streams can have truncated ones"):
        encode_whole("anthropic", answer)


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (FinishReason.STOP, "end_turn"),
        (FinishReason.LENGTH, "max_tokens"),
        (FinishReason.TOOL_CALLS, "tool_use"),
        (FinishReason.CONTENT_FILTER, "refusal"),
        (FinishReason.REFUSAL, "refusal"),
        (FinishReason.PAUSE, "pause_turn"),
    ],
)
def test_finish_reasons_have_anthropic_s_words(reason: FinishReason, word: str) -> None:
    assert (
        json.loads(encode_whole("anthropic", Answer(text="a", finish_reason=reason)))["stop_reason"] == word
    )


def test_a_signature_depends_on_the_thinking_alone() -> None:
    assert sign("a") == sign("a")
    assert sign("a") != sign("b")


def test_events_without_a_message_get_a_made_up_id_and_model() -> None:
    first = chunks(encode_events("anthropic", [ContentDelta("a")]))[0]
    assert first["message"] == {
        "model": "fake-model",
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 1,
        },
    }


def test_an_error_inside_a_stream_is_an_event_of_its_own() -> None:
    broken = Broken(answer=Answer(text="one"), after=1, failure=Failure(status=529, message="No."))
    last = encode_stream("anthropic", broken)[-1]
    assert last.startswith(b"event: error\ndata: ")
    assert chunks((last,)) == [
        {
            "type": "error",
            "error": {"type": "overloaded_error", "message": "No."},
            "request_id": "req_fake",
        }
    ]


SEARCH = ServerToolPart("server_tool_use", "srv_1", "web_search", {"query": "x"}, extra={"caller": None})
FOUND = ServerToolPart("web_search_tool_result", "srv_1", output=[{"type": "web_search_result"}])
CITED = TextPart(
    "One two",
    (
        Citation("https://a.test", "A", "x", extra={"type": "web_search_result_location"}),
        Citation(None, "D", "y", extra={"type": "char_location"}),
    ),
)
CITATIONS = [
    {"type": "web_search_result_location", "cited_text": "x", "url": "https://a.test", "title": "A"},
    {"type": "char_location", "cited_text": "y", "document_title": "D"},
]
REDACTED = ReasoningPart("", {"type": "redacted_thinking", "data": "d"})
UNKNOWN = UnknownPart("container_upload", {"type": "container_upload", "file_id": "f"})


def block_of(part: Part) -> tuple[Object, list[Object]]:
    """A part's block as a stream begins it, and its deltas."""
    events = chunks(encode_stream("anthropic", Answer(parts=(part,))))
    (start,) = of_type(events, "content_block_start")
    assert len(of_type(events, "content_block_stop")) == 1
    deltas = [event["delta"] for event in of_type(events, "content_block_delta")]
    return start["content_block"], deltas


def whole_block(part: Part) -> Object:
    """A part's block in a whole message."""
    (block,) = json.loads(encode_whole("anthropic", Answer(parts=(part,))))["content"]
    assert isinstance(block, dict)
    return block


def test_a_cited_text_begins_with_no_citation_and_ends_with_all() -> None:
    begun, deltas = block_of(CITED)
    assert begun == {"type": "text", "text": "", "citations": []}
    assert deltas == [
        {"type": "text_delta", "text": "One "},
        {"type": "text_delta", "text": "two"},
        *({"type": "citations_delta", "citation": citation} for citation in CITATIONS),
    ]
    assert whole_block(CITED) == {"type": "text", "text": "One two", "citations": CITATIONS}


def test_a_server_tool_s_input_comes_in_pieces_and_its_result_whole() -> None:
    begun, deltas = block_of(SEARCH)
    head = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "caller": None}
    assert begun == {**head, "input": {}}
    assert [delta["partial_json"] for delta in deltas] == ['{"query"', ':"x"}']
    assert whole_block(SEARCH) == {**head, "input": {"query": "x"}}
    result = {
        "type": "web_search_tool_result",
        "tool_use_id": "srv_1",
        "content": [{"type": "web_search_result"}],
    }
    assert block_of(FOUND) == (result, [])
    assert whole_block(FOUND) == result
    assert block_of(ServerToolPart("mcp_tool_use", "a", "f", {})) == (
        {"type": "mcp_tool_use", "id": "a", "name": "f", "input": {}},
        [],
    )


@pytest.mark.parametrize("part", [REDACTED, UNKNOWN])
def test_a_block_that_only_anthropic_reads_is_sent_as_it_is(part: Part) -> None:
    assert block_of(part) == (part.extra, [])
    assert whole_block(part) == part.extra


def test_thinking_that_is_not_shown_is_signed() -> None:
    hidden = ReasoningPart("", {"signature": "s"})
    assert block_of(hidden) == (
        {"type": "thinking", "thinking": "", "signature": ""},
        [{"type": "signature_delta", "signature": "s"}],
    )
    assert whole_block(hidden) == {"type": "thinking", "thinking": "", "signature": "s"}


@pytest.mark.parametrize("signature", ["", None])
def test_a_signature_that_is_empty_is_sent_as_it_is(signature: str | None) -> None:
    part = ReasoningPart("a", {"signature": signature})
    _, deltas = block_of(part)
    assert deltas[-1] == {"type": "signature_delta", "signature": signature}
    assert whole_block(part) == {"type": "thinking", "thinking": "a", "signature": signature}


def test_a_script_s_own_signature_is_sent() -> None:
    _, deltas = block_of(ReasoningPart("a", {"signature": "mine"}))
    assert deltas[-1] == {"type": "signature_delta", "signature": "mine"}


def test_a_block_s_own_fields_begin_with_it() -> None:
    begun, _ = block_of(TextPart("a", extra={"x": 1}))
    assert begun == {"type": "text", "text": "", "x": 1}
    begun, _ = block_of(ToolCall("c", "f", {"a": 1}, extra={"caller": {"type": "direct"}}))
    assert begun["caller"] == {"type": "direct"}
    assert whole_block(ToolCall("c", "f", {"a": 1}, extra={"caller": 1}))["caller"] == 1
    assert block_of(TextPart("", extra={"x": 1}))[0] == {"type": "text", "text": "", "x": 1}


def test_parts_of_one_kind_are_blocks_of_their_own() -> None:
    answer = Answer(
        parts=(TextPart("a"), TextPart("b"), ReasoningPart("c"), ReasoningPart("d"), TextPart("e"))
    )
    started = of_type(chunks(encode_stream("anthropic", answer)), "content_block_start")
    kinds = ["text", "text", "thinking", "thinking", "text"]
    assert [event["content_block"]["type"] for event in started] == kinds
    assert [block["type"] for block in json.loads(encode_whole("anthropic", answer))["content"]] == kinds


def test_a_refusal_s_words_are_beside_the_stop_reason() -> None:
    answer = Answer(
        parts=(TextPart("a"), RefusalPart("I may not.")),
        finish_reason=FinishReason.REFUSAL,
        extra={"stop_details": {"type": "refusal", "category": "cyber"}},
    )
    details = {"type": "refusal", "category": "cyber", "explanation": "I may not."}
    (end,) = of_type(chunks(encode_stream("anthropic", answer)), "message_delta")
    assert end["delta"] == {"stop_reason": "refusal", "stop_sequence": None, "stop_details": details}
    body = json.loads(encode_whole("anthropic", answer))
    assert (body["stop_reason"], body["stop_details"]) == ("refusal", details)
    plain = json.loads(encode_whole("anthropic", Answer(refusal="No.", raw_finish_reason="refusal")))
    assert plain["stop_details"] == {"type": "refusal", "explanation": "No."}
    assert plain["content"] == []
    kinds = [event["type"] for event in chunks(encode_stream("anthropic", Answer(parts=(RefusalPart(""),))))]
    assert kinds == ["message_start", "message_delta", "message_stop"]


def test_the_message_s_own_fields_come_with_its_end() -> None:
    container = {"id": "c", "expires_at": "2026-01-01T00:00:00Z"}
    extra: JSONObject = {"container": container, "stop_sequence": "END", "context_management": {}}  # type: ignore[dict-item]  # mypy does not see JSON in the inner dict
    answer = Answer(text="a", raw_finish_reason="stop_sequence", extra=extra)
    start, *_, end, _ = chunks(encode_stream("anthropic", answer))
    assert start["message"]["stop_sequence"] is None
    assert end["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "END", "container": container}
    assert end["context_management"] == {}
    body = json.loads(encode_whole("anthropic", answer))
    assert {name: body[name] for name in extra} == extra


def test_counts_of_the_end_are_not_in_the_start() -> None:
    extra: JSONObject = {"server_tool_use": {"web_search_requests": 1}, "service_tier": "standard"}
    usage = structs.replace(USAGE, reasoning_tokens=2, extra=extra)
    start, *_, end, _ = chunks(encode_stream("anthropic", Answer(text="a", usage=usage)))
    assert end["usage"]["output_tokens_details"] == {"thinking_tokens": 2}
    assert end["usage"]["server_tool_use"] == {"web_search_requests": 1}
    begun = start["message"]["usage"]
    assert begun["service_tier"] == "standard"
    assert not {"server_tool_use", "output_tokens_details"} & set(begun)
    usage = structs.replace(USAGE, reasoning_tokens=2, extra={"output_tokens_details": {"x": 1}})
    whole = json.loads(encode_whole("anthropic", Answer(text="a", usage=usage)))
    assert whole["usage"]["output_tokens_details"] == {"x": 1, "thinking_tokens": 2}


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (ImagePart(data=b"png"), "no place for this ImagePart"),
        (AudioPart(data=b"wav"), "no place for this AudioPart"),
        (DocumentPart(data=b"pdf"), "no place for this DocumentPart"),
        (ToolCall("c", "f", {"input": "x"}, kind="custom"), "no place for a tool call of the kind 'custom'"),
    ],
)
def test_a_part_without_a_place_is_refused(part: Part, words: str) -> None:
    for encode in (encode_stream, encode_whole):
        with pytest.raises(ValueError, match=words):
            encode("anthropic", Answer(parts=(part,)))
