"""Anthropic's own answers sent back: every block unchanged, in order, also after storage as JSON."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import InvalidRequestError, Message, Provider, ProviderState, Role, ToolCall
from sansio.dialects import dialect_named
from tests.sansio.wires import (
    ANTHROPIC_STREAM,
    ASK,
    Record,
    answer,
    block,
    body_of,
    check_agreement,
    claude,
    config,
    parse,
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


def read(data: Record) -> Message:
    return dialect_named("anthropic").parse_response(data)


def wire(*messages: Message) -> list[Record]:
    """The messages as they are sent."""
    sent = body_of(Provider(config("anthropic")), messages)["messages"]
    assert isinstance(sent, list)
    return sent


def refusal(*messages: Message) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        wire(*messages)
    return caught.value


def replayed(message: Message, *results: Message) -> list[Record]:
    """The answer's blocks in the next request, also after storage as JSON."""
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert stored == message
    sent = wire(*ASK, stored, *results)[1]["content"]
    assert sent == wire(*ASK, message, *results)[1]["content"]
    assert isinstance(sent, list)
    return sent


def test_pain_14_thinking_blocks_go_back_unchanged_with_signatures_and_in_order() -> None:
    result = Message(Role.TOOL, "18 °C", tool_call_id="toolu_1")
    assert replayed(answer("anthropic", ANTHROPIC_STREAM), result) == [
        {"type": "thinking", "thinking": "Höhe ", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "text", "text": "世界"},
        {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}},
    ]


def test_pain_14_a_whole_answers_blocks_go_back_unchanged() -> None:
    content = [
        THINKING,
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "https://example.com"}]},
        {"type": "text", "text": "Found.", "citations": [{"url": "https://example.com"}]},
        REDACTED,
        {"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}, "caller": {"type": "direct"}},
        {"type": "text", "text": "On."},
    ]
    message = read({"content": content, "stop_reason": "tool_use"})
    assert (message.text, message.reasoning) == ("Found.On.", "Hm.")
    assert replayed(message, Message(Role.TOOL, "ok", tool_call_id="a")) == content


def test_a_plain_answer_needs_no_state() -> None:
    content = [
        {"type": "text", "text": "Hi", "citations": None},
        {"type": "tool_use", "id": "a", "name": "f"},
    ]
    assert read({"content": content, "stop_reason": "tool_use"}).provider_state is None


@pytest.mark.parametrize("blank", ["", "\n"])
def test_pain_15_an_answers_blank_text_blocks_do_not_go_back(blank: str) -> None:
    message = read({"content": [THINKING, {"type": "text", "text": blank}], "stop_reason": "end_turn"})
    assert replayed(message) == [THINKING]


def test_blocks_gathered_from_deltas_go_back_whole() -> None:
    server = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    stream = claude(
        started(),
        *block(0, {**server}, json_piece('{"query"'), json_piece(': "x"}')),
        *block(1, {**server, "id": "t"}, json_piece("{cut")),
        *block(2, {**server, "id": "u"}, json_piece(" ")),
        *block(3, TEXT, text("Found."), {"type": "citations_delta", "citation": {"url": "u"}}),
        *block(
            4, {"type": "compaction"}, {"type": "compaction_delta", "content": "c", "encrypted_content": "e"}
        ),
        *stopped(),
    )
    assert replayed(answer("anthropic", stream)) == [
        {**server, "input": {"query": "x"}},
        {**server, "id": "t", "input": {"INVALID_JSON": "{cut"}},
        {**server, "id": "u"},
        {"type": "text", "text": "Found.", "citations": [{"url": "u"}]},
        {"type": "compaction", "content": "c", "encrypted_content": "e"},
    ]


def test_an_answer_changed_beside_its_blocks_is_refused() -> None:
    message = read({"content": [THINKING, {"type": "text", "text": "Hi"}], "stop_reason": "end_turn"})
    changed = msgspec.structs.replace(message, content="Ho")
    error = refusal(*ASK, changed)
    assert error.index == 1
    assert "set provider_state=None with the change" in str(error)
    assert wire(*ASK, msgspec.structs.replace(changed, provider_state=None))[1]["content"] == "Ho"
    more = msgspec.structs.replace(message, tool_calls=(ToolCall("x", "f", {}),))
    assert refusal(*ASK, more, Message(Role.TOOL, "ok", tool_call_id="x")).index == 1


def test_an_answer_of_nothing_that_can_go_back_is_refused() -> None:
    message = read({"content": [], "stop_reason": "end_turn"})
    assert refusal(*ASK, message).index == 1
    state = ProviderState("anthropic", [{"type": "text", "text": ""}])
    assert refusal(*ASK, Message(Role.ASSISTANT, "", provider_state=state)).index == 1


def test_another_providers_blocks_are_not_sent() -> None:
    state = ProviderState("openrouter", [{"type": "reasoning.text"}])
    assert wire(*ASK, Message(Role.ASSISTANT, "Hi", provider_state=state))[1]["content"] == "Hi"


def test_an_unanswered_invalid_call_is_left_out_of_its_blocks() -> None:
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    stream = claude(started(), *block(0, THINKING), *block(1, call, json_piece("{")), *stopped("max_tokens"))
    message = answer("anthropic", stream)
    assert [invalid.raw_arguments for invalid in message.invalid_tool_calls] == ["{"]
    assert replayed(message) == [THINKING]
    result = Message(Role.TOOL, "cut", tool_call_id="a")
    assert replayed(message, result) == [THINKING, {**call, "input": {"INVALID_JSON": "{"}}]


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
    message = answer("anthropic", claude(*events, *stopped(reason)))
    check_agreement(parse("anthropic", [claude(*events, *stopped(reason))]))
    ids = [call.id for call in message.tool_calls] + [call.id for call in message.invalid_tool_calls]
    results = [Message(Role.TOOL, "ok", tool_call_id=id) for id in ids]
    if not ids and not message.text.strip() and not has_blocks(message):
        assert "has no text" in str(refusal(*ASK, message, *results))
        return
    content = wire(*ASK, message, *results)[1]["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    said = "".join(part["text"] for part in parts if part["type"] == "text")
    assert "".join(said.split()) == "".join(message.text.split())
    assert sorted(part["id"] for part in parts if part["type"] == "tool_use") == sorted(ids)


def has_blocks(message: Message) -> bool:
    state = message.provider_state
    return state is not None and any(block["type"] not in ("text", "tool_use") for block in state.blocks)


def test_a_server_that_numbers_every_block_0_loses_none() -> None:
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    stream = claude(
        started(),
        *block(0, THINKING),
        *block(0, TEXT, text("Hi")),
        *block(0, call, json_piece('{"n": 1}')),
        *block(0, {**call, "id": "b"}, json_piece('{"n": 2}')),
        *stopped("tool_use"),
    )
    message = answer("anthropic", stream)
    assert [(call.id, call.arguments) for call in message.tool_calls] == [("a", {"n": 1}), ("b", {"n": 2})]
    results = [Message(Role.TOOL, "ok", tool_call_id=id) for id in "ab"]
    assert [part["type"] for part in replayed(message, *results)] == [
        "thinking",
        "text",
        "tool_use",
        "tool_use",
    ]
