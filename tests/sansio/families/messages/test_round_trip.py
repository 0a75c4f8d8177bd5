"""Anthropic's own answers sent back: every block unchanged, in order, also after storage as JSON."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import AudioPart, Message, Part, Provider, ReasoningPart, RefusalPart, Role, TextPart
from tests.sansio.wires import (
    ANTHROPIC_STREAM,
    ASK,
    Record,
    answer,
    block,
    check_agreement,
    claude,
    config,
    parse,
    read,
    sent,
    started,
    stopped,
)

TEXT: Record = {"type": "text", "text": ""}
THINKING: Record = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
REDACTED: Record = {"type": "redacted_thinking", "data": "b3BhcXVl"}


def text(piece: str) -> Record:
    return {"type": "text_delta", "text": piece}


def json_piece(piece: str) -> Record:
    return {"type": "input_json_delta", "partial_json": piece}


def sent_back(message: Message, *results: Message) -> list[Record]:
    """The answer's blocks in the next request, the same after storage as JSON."""
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert stored == message
    blocks = sent("anthropic", *ASK, stored, *results)[1]["content"]
    assert blocks == sent("anthropic", *ASK, message, *results)[1]["content"]
    assert isinstance(blocks, list)
    return blocks


def test_pain_14_thinking_blocks_go_back_unchanged_with_signatures_and_in_order() -> None:
    result = Message(Role.TOOL, "18 °C", tool_call_id="toolu_1")
    assert sent_back(answer("anthropic", ANTHROPIC_STREAM), result) == [
        {"type": "thinking", "thinking": "Höhe ", "signature": "c2ln"},
        REDACTED,
        {"type": "text", "text": "世界"},
        {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}},
    ]


def test_pain_14_a_whole_answers_blocks_go_back_unchanged() -> None:
    found: Record = {
        "type": "web_search_result_location",
        "url": "https://e",
        "title": None,
        "cited_text": "c",
    }
    content: list[Record] = [
        THINKING,
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "https://e"}]},
        {"type": "text", "text": "Found.", "citations": [found]},
        {"type": "text", "text": "Read.", "citations": [{"type": "char_location", "document_title": "t"}]},
        REDACTED,
        {"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}, "caller": {"type": "direct"}},
        {"type": "compaction", "content": None, "encrypted_content": None},
        {"type": "text", "text": "On."},
    ]
    message = read("anthropic", {"content": content, "stop_reason": "tool_use"})
    assert (message.text, message.reasoning) == ("Found.Read.On.", "Hm.")
    assert sent_back(message, Message(Role.TOOL, "ok", tool_call_id="a")) == content


def test_blocks_gathered_from_deltas_go_back_whole() -> None:
    server = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    stream = claude(
        started(),
        *block(0, {**server}, json_piece('{"query"'), json_piece(': "x"}')),
        *block(1, {**server, "id": "t"}, json_piece("{cut")),
        *block(2, TEXT, text("Found."), {"type": "citations_delta", "citation": {"url": "u"}}),
        *block(3, {"type": "compaction"}, {"type": "compaction_delta", "content": "c"}),
        *stopped(),
    )
    assert sent_back(answer("anthropic", stream)) == [
        {**server, "input": {"query": "x"}},
        {**server, "id": "t", "input": {"INVALID_JSON": "{cut"}},
        {"type": "text", "text": "Found.", "citations": [{"url": "u"}]},
        {"type": "compaction", "content": "c"},
    ]


def test_a_plain_answer_is_stored_and_sent_as_plain_text() -> None:
    message = read("anthropic", {"content": [{"type": "text", "text": "Hi", "citations": None}]})
    assert message.content == "Hi"
    assert sent("anthropic", *ASK, message, *ASK)[1]["content"] == "Hi"


def test_an_edited_part_is_sent_as_edited() -> None:
    message = read("anthropic", {"content": [THINKING, {"type": "text", "text": "Hi"}]})
    changed = msgspec.structs.replace(message, content=(message.parts[0], TextPart("Ho")))
    assert sent_back(changed) == [THINKING, {"type": "text", "text": "Ho"}]


@pytest.mark.parametrize("blank", ["", "\n"])
def test_an_answer_with_blank_text_can_go_back_without_it_and_that_is_reported(blank: str) -> None:
    content = [THINKING, {"type": "text", "text": "Hi"}, {"type": "text", "text": blank}]
    message = read("anthropic", {"content": content, "stop_reason": "end_turn"})
    assert sent_back(message) == content[:2]
    reported = Provider(config("anthropic")).prepare([*ASK, message, *ASK]).left_out
    assert [(left.what, left.message, left.part) for left in reported] == (
        [] if not blank else [("TextPart", 1, 2)]
    )


@pytest.mark.parametrize("content", [[], [{"type": "text", "text": "\n"}], [{"type": "text", "text": ""}]])
def test_an_answer_of_nothing_that_can_go_back_is_left_out_and_reported(content: list[Record]) -> None:
    message = read("anthropic", {"content": content, "stop_reason": "end_turn"})
    assert len(sent("anthropic", *ASK, message, *ASK)) == 2
    reported = Provider(config("anthropic")).prepare([*ASK, message, *ASK]).left_out
    assert (reported[-1].what, reported[-1].message, reported[-1].part) == ("Message", 1, None)


def test_reasoning_without_a_signature_is_left_out_and_reported() -> None:
    message = Message(Role.ASSISTANT, (ReasoningPart("Hm."), TextPart("Hi")), origin="anthropic/messages")
    prepared = Provider(config("anthropic")).prepare([*ASK, message, *ASK])
    assert [(left.what, left.message, left.part) for left in prepared.left_out] == [("ReasoningPart", 1, 0)]
    assert "signature" in prepared.left_out[0].why
    assert sent("anthropic", *ASK, message, *ASK)[1]["content"] == "Hi"


@pytest.mark.parametrize(
    "part", [RefusalPart("Not this."), AudioPart(data=b"RIFF"), AudioPart(data=b"RIFF", transcript=" ")]
)
def test_a_part_of_an_answer_that_has_no_block_is_left_out_and_reported(part: Part) -> None:
    message = Message(Role.ASSISTANT, (TextPart("Hi"), part), origin="anthropic/messages")
    prepared = Provider(config("anthropic")).prepare([*ASK, message, *ASK])
    kind = type(part).__name__
    assert [(left.what, left.message, left.part) for left in prepared.left_out] == [(kind, 1, 1)]
    assert sent("anthropic", *ASK, message, *ASK)[1]["content"] == "Hi"


def test_an_unanswered_invalid_call_is_left_out_of_its_blocks() -> None:
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    stream = claude(started(), *block(0, THINKING), *block(1, call, json_piece("{")), *stopped("max_tokens"))
    message = answer("anthropic", stream)
    assert [invalid.raw_arguments for invalid in message.invalid_tool_calls] == ["{"]
    assert sent_back(message) == [THINKING]
    result = Message(Role.TOOL, "cut", tool_call_id="a")
    assert sent_back(message, result) == [THINKING, {**call, "input": {"INVALID_JSON": "{"}}]


BLOCKS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(
            [
                TEXT,
                {"type": "text", "text": "Hi"},
                THINKING,
                REDACTED,
                {"type": "tool_use", "id": "a", "name": "f", "input": {}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {"n": 1}},
                {"type": "tool_use", "name": "h"},
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                {"type": "something_new", "text": "?"},
                {"text": "no type"},
            ]
        ),
        st.lists(
            st.sampled_from(
                [text("x"), text(" "), json_piece("{}"), {"type": "thinking_delta", "thinking": "y"}]
            )
        ),
        st.booleans(),
    ),
    max_size=5,
)


@given(BLOCKS, st.sampled_from(["end_turn", "tool_use", "max_tokens", "pause_turn", "odd"]))
def test_whatever_the_answer_was_appending_it_and_its_results_makes_the_next_request(
    blocks: list[tuple[int, Record, list[Record], bool]], reason: str
) -> None:
    events: list[Record] = [started()]
    for index, start, deltas, ends in blocks:
        events += block(index, start, *deltas)[: None if ends else -1]
    stream = claude(*events, *stopped(reason))
    message = answer("anthropic", stream)
    check_agreement(parse("anthropic", [stream]))
    ids = [call.id for call in message.tool_calls] + [
        call.id for call in message.invalid_tool_calls if call.name
    ]
    results = [Message(Role.TOOL, "ok", tool_call_id=id) for id in ids]
    turns = [turn for turn in sent("anthropic", *ASK, message, *results) if turn["role"] == "assistant"]
    contents = [turn["content"] for turn in turns]
    parts = [
        part
        for content in contents
        for part in ([{"type": "text", "text": content}] if isinstance(content, str) else content)
    ]
    said = "".join(part["text"] for part in parts if part["type"] == "text")
    assert "".join(said.split()) == "".join(message.text.split())
    assert sorted(part["id"] for part in parts if part["type"] == "tool_use") == sorted(ids)
