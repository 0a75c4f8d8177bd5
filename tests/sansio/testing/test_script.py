"""Scripted answers, and their message and events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    PROVIDER_DEFAULTS,
    ContentDelta,
    FinishReason,
    InvalidToolCall,
    MessagesDialect,
    Part,
    PartComplete,
    ProviderDefaults,
    ReasoningDelta,
    ReasoningPart,
    RefusalDelta,
    RefusalPart,
    Role,
    StreamComplete,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
    Usage,
    register_provider,
)
from sansio.testing import PROVIDER_TYPES, Answer, FakeResponse
from sansio.testing.script import arguments_text, model_type, provider_type, spoken

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(text=TEXT, reasoning=TEXT)
def test_joined_deltas_are_the_text_and_the_reasoning(text: str, reasoning: str) -> None:
    deltas = Answer(text=text, reasoning=reasoning).to_deltas()
    assert "".join(delta.text for delta in deltas if isinstance(delta, ContentDelta)) == text
    assert "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta)) == reasoning
    assert all(delta.text for delta in deltas if isinstance(delta, ContentDelta | ReasoningDelta))


@given(raws=st.lists(TEXT, max_size=3))
def test_joined_argument_deltas_are_the_raw_arguments_of_each_call(raws: list[str]) -> None:
    calls = tuple(ToolCall(f"id{i}", "tool", {}, raw) for i, raw in enumerate(raws))
    deltas = Answer(tool_calls=calls).to_deltas()
    joined = [""] * len(raws)
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            joined[delta.index] += delta.arguments
    assert joined == raws
    started = [delta for delta in deltas if isinstance(delta, ToolCallStarted)]
    assert started == [ToolCallStarted(i, f"id{i}", "tool", i) for i in range(len(raws))]


def test_text_comes_word_by_word() -> None:
    assert Answer(text="One two.").to_deltas() == [ContentDelta("One "), ContentDelta("two.")]


def test_the_events_end_with_the_whole_message() -> None:
    answer = Answer(
        text="Hi", tool_calls=(ToolCall("1", "f", {"a": 1}), InvalidToolCall("2", "g", "{", "cut"))
    )
    last = answer.to_events(model="m", response_id="r")[-1]
    assert isinstance(last, StreamComplete)
    assert last.message == answer.to_message(model="m", response_id="r")
    assert last.message.role is Role.ASSISTANT
    assert (last.message.text, last.message.model, last.message.response_id) == ("Hi", "m", "r")
    assert [call.id for call in last.message.tool_calls] == ["1"]
    assert [call.id for call in last.message.invalid_tool_calls] == ["2"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(), FinishReason.STOP),
        (Answer(tool_calls=(ToolCall("1", "f", {}),)), FinishReason.TOOL_CALLS),
        (Answer(tool_calls=(InvalidToolCall("1", "f", "{", "cut"),)), FinishReason.TOOL_CALLS),
        (Answer(parts=(ToolCall("1", "f", {}),)), FinishReason.TOOL_CALLS),
        (Answer(finish_reason=FinishReason.LENGTH), FinishReason.LENGTH),
    ],
)
def test_the_finish_reason_follows_from_the_answer_unless_it_is_given(
    answer: Answer, expected: FinishReason
) -> None:
    assert answer.to_message().finish_reason is expected


def test_the_six_types_have_a_fake_and_others_are_refused_with_their_names() -> None:
    assert [provider_type(name) for name in PROVIDER_TYPES] == list(PROVIDER_TYPES)
    with pytest.raises(
        ValueError, match="'mine': no fake provider of this type; use one of openrouter, openai"
    ):
        provider_type("mine")


def test_a_response_s_body_is_its_pieces_joined() -> None:
    assert FakeResponse(pieces=(b"a", b"b")).body == b"ab"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (ToolCall("1", "f", {"a": 1}), '{"a":1}'),
        (ToolCall("1", "f", {"a": 1}, '{ "a": 1 }'), '{ "a": 1 }'),
        (ToolCall("1", "f", {}, ""), ""),
        (ToolCall("1", "f", {"input": "x"}, kind="custom"), "x"),
        (ToolCall("1", "f", {"input": "x"}, "y", kind="custom"), "x"),
        (InvalidToolCall("1", "f", "{", "cut"), "{"),
        (InvalidToolCall("1", "f", "", "cut"), ""),
        (InvalidToolCall("1", "f", "raw", "cut", kind="custom"), "raw"),
    ],
)
def test_the_arguments_of_a_call_are_as_the_wire_has_them(
    call: ToolCall | InvalidToolCall, text: str
) -> None:
    assert arguments_text(call) == text
    pieces = [
        each.arguments for each in Answer(tool_calls=(call,)).to_deltas() if isinstance(each, ToolCallDelta)
    ]
    assert "".join(pieces) == text


def test_parts_without_text_and_unknown_ones_come_whole() -> None:
    parts: tuple[Part, ...] = (
        TextPart(""),
        ReasoningPart("", extra={"encrypted": "x"}),
        RefusalPart(""),
        UnknownPart("odd", {"a": 1}),
    )
    assert Answer(parts=parts).to_deltas() == [PartComplete(*each) for each in enumerate(parts)]
    said = Answer(parts=(ReasoningPart("Hm."), RefusalPart("No, never."))).to_deltas()
    assert said == [ReasoningDelta("Hm.", 0), RefusalDelta("No, ", 1), RefusalDelta("never.", 1)]


def test_short_forms_follow_the_parts_in_their_order() -> None:
    call = ToolCall("1", "f", {})
    answer = Answer(
        parts=(TextPart("First."),), text="T", reasoning="R", refusal="N", tool_calls=(call,), extra={"a": 1}
    )
    message = answer.to_message(model="m")
    assert message.parts == (TextPart("First."), ReasoningPart("R"), TextPart("T"), RefusalPart("N"), call)
    assert (message.finish_reason, message.model, message.extra) == (FinishReason.TOOL_CALLS, "m", {"a": 1})
    given = Answer(finish_reason=FinishReason.LENGTH, raw_finish_reason="max", usage=Usage(input_tokens=3))
    message = given.to_message(response_id="r")
    assert (message.raw_finish_reason, message.usage, message.response_id) == ("max", given.usage, "r")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("openai", ("openai", "chat")),
        ("openai/", ("openai", "chat")),
        ("openai/responses", ("openai", "responses")),
        ("anthropic", ("anthropic", "messages")),
        ("openrouter/messages", ("openrouter", "messages")),
        ("ollama/ollama", ("ollama", "ollama")),
        ("cohere", ("cohere", "cohere")),
        ("bedrock", ("bedrock", "converse")),
        ("google", ("google", "gemini")),
        ("vertex", ("vertex", "gemini")),
    ],
)
def test_a_name_says_a_type_and_the_family_that_it_speaks(name: str, found: tuple[str, str]) -> None:
    assert spoken(name) == found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mine", "'mine': no fake provider of this type"),
        ("anthropic/chat", "'anthropic/chat': anthropic does not speak 'chat'; use one of messages"),
        (
            "openai/messages",
            "openai does not speak 'messages'; use one of chat, responses",
        ),
    ],
)
def test_a_name_of_a_family_that_a_type_does_not_speak_is_refused(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        spoken(name)


@pytest.mark.parametrize(
    ("name", "type"),
    [
        *((type, type) for type in PROVIDER_TYPES),
        ("openai/responses", "openai"),
        ("lmstudio/responses", "vllm"),
        ("lmstudio", "openai"),
        ("xai/responses", "openai"),
        ("cohere/responses", "openai"),
        ("messages-test", "anthropic"),
        ("messages-test/messages", "anthropic"),
        ("minimax", "openai"),
        ("bedrock", "openai"),
    ],
)
def test_another_type_is_imitated_by_the_maker_of_its_wire(name: str, type: str) -> None:
    register_provider("messages-test", MessagesDialect, ProviderDefaults(base_url="http://localhost:1"))
    try:
        assert model_type(name) == type
    finally:
        del PROVIDER_DEFAULTS["messages-test"]
