"""Requests of Anthropic's messages: exact requests, and what is refused."""

from __future__ import annotations

import pytest

from sansio import (
    AudioPart,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    JSONObject,
    Message,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    Role,
    Send,
    TextPart,
    ToolCall,
    UnknownPart,
)
from tests.sansio.wires import ASK, WEATHER, Record, body_of, config, refused, sent

CALLS = Message(Role.ASSISTANT, (ToolCall("a", "f"), ToolCall("b", "f")))
RESULTS = [Message(Role.TOOL, "1", tool_call_id="a"), Message(Role.TOOL, "2", tool_call_id="b")]


def test_the_exact_request_of_a_streamed_call_with_tools() -> None:
    provider = Provider(config("anthropic"))
    messages = [Message(Role.SYSTEM, "Be brief."), Message(Role.DEVELOPER, "In French."), *ASK]
    assert body_of(provider, messages, [WEATHER], stream=True, temperature=0) == {
        "model": "some-model",
        "max_tokens": 8192,
        "system": "Be brief.\n\nIn French.",
        "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
        "tools": [
            {
                "name": "get_weather",
                "description": "The weather of a city.",
                "input_schema": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}},
                    "required": ["city"],
                },
            }
        ],
        "stream": True,
        "temperature": 0,
    }


def test_a_beta_and_another_version_go_by_headers() -> None:
    extra = {"anthropic-beta": "x-1", "Anthropic-Version": "2024-01-01"}
    for given, version in (({}, "2023-06-01"), (extra, "2024-01-01")):
        step = Provider(config("anthropic", extra_headers=given)).call(ASK).next_step()
        assert isinstance(step, Send)
        headers = [pair for pair in step.request.headers if pair[0].startswith("anthropic")]
        betas = [("anthropic-beta", "x-1")] if given else []
        assert headers == [("anthropic-version", version), *betas]


def test_system_messages_of_parts_are_blocks_at_the_top() -> None:
    cached = TextPart("Be brief.", extra={"cache_control": {"type": "ephemeral", "ttl": "1h"}})
    messages = [Message(Role.SYSTEM, (cached,)), Message(Role.SYSTEM, "In French."), *ASK]
    assert body_of(Provider(config("anthropic")), messages)["system"] == [
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": "In French."},
    ]


def test_fields_of_a_system_message_belong_to_a_part() -> None:
    error = refused("anthropic", Message(Role.SYSTEM, "Hi", extra={"cache_control": {}}), *ASK)
    assert error.index == 0
    assert "TextPart(text, extra=" in str(error)


def test_system_messages_alone_are_refused() -> None:
    assert "needs a user's message" in str(refused("anthropic", Message(Role.SYSTEM, "Be brief.")))


def test_all_results_of_one_turn_are_first_in_one_users_message() -> None:
    calls = (TextPart("Let me see."), ToolCall("a", "f", {"n": 1}, '{"n": 1}'), ToolCall("b", "f"))
    turn = (
        *ASK,
        Message(Role.ASSISTANT, calls),
        Message(Role.TOOL, "18 °C", tool_call_id="a"),
        Message(Role.TOOL, "", tool_call_id="b", is_error=True, extra={"cache_control": {}}),
    )
    results = [
        {"type": "tool_result", "tool_use_id": "a", "content": "18 °C"},
        {"type": "tool_result", "tool_use_id": "b", "is_error": True, "cache_control": {}},
    ]
    assistant = {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "Let me see."},
            {"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}},
            {"type": "tool_use", "id": "b", "name": "f", "input": {}},
        ],
    }
    assert sent("anthropic", *turn)[1:] == [assistant, {"role": "user", "content": results}]
    assert sent("anthropic", *turn, Message(Role.USER, "And Rome?"))[1:] == [
        assistant,
        {"role": "user", "content": [*results, {"type": "text", "text": "And Rome?"}]},
    ]
    assert sent("anthropic", *turn, Message(Role.ASSISTANT, "18 °C"), *ASK)[2:] == [
        {"role": "user", "content": results},
        {"role": "assistant", "content": "18 °C"},
        {"role": "user", "content": "What is the weather in Paris?"},
    ]


def test_the_results_of_two_turns_are_not_mixed() -> None:
    first, second = (Message(Role.ASSISTANT, (ToolCall(id, "f"),)) for id in "ab")
    turns = sent("anthropic", *ASK, first, RESULTS[0], second, RESULTS[1])
    assert [message["role"] for message in turns] == ["user", "assistant", "user", "assistant", "user"]
    assert [len(message["content"]) for message in turns[1:]] == [1, 1, 1, 1]


def test_parts_are_sent_in_their_wire_forms() -> None:
    parts: tuple[Part, ...] = (
        TextPart("Look:"),
        ImagePart(url="https://example.com/a.png"),
        ImagePart(data=b"\x89PNG", extra={"cache_control": {"type": "ephemeral"}}),
        ImagePart(file_id="file-1"),
        DocumentPart(url="https://example.com/a.pdf"),
        DocumentPart(data=b"%PDF", name="a.pdf"),
        UnknownPart("search_result", {"type": "search_result", "source": "u"}),
    )
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}
    blocks = [
        {"type": "text", "text": "Look:"},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="},
            "cache_control": {"type": "ephemeral"},
        },
        {"type": "image", "source": {"type": "file", "file_id": "file-1"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        {"type": "document", "source": pdf, "title": "a.pdf"},
        {"type": "search_result", "source": "u"},
    ]
    assert sent("anthropic", Message(Role.USER, parts))[0]["content"] == blocks
    call = Message(Role.ASSISTANT, (ToolCall("a", "f"),))
    turn = sent("anthropic", *ASK, call, Message(Role.TOOL, parts, tool_call_id="a"))
    assert turn[2]["content"][0]["content"] == blocks


@pytest.mark.parametrize("part", [AudioPart(data=b"x"), ReasoningPart("Hm."), RefusalPart("No.")])
def test_a_part_that_a_user_cannot_say_is_refused_with_its_place(part: Part) -> None:
    error = refused("anthropic", *ASK, Message(Role.USER, (TextPart("a"), part)))
    assert error.index == 1
    assert f"message 1, part 1: anthropic/messages takes no {type(part).__name__}" in str(error)


@pytest.mark.parametrize(
    "part", [ImagePart(url="u"), DocumentPart(data=b"x"), AudioPart(data=b"x"), RefusalPart("No.")]
)
def test_media_and_refusals_in_an_assistants_message_of_the_application_are_refused(part: Part) -> None:
    error = refused("anthropic", *ASK, Message(Role.ASSISTANT, (part,)), *ASK)
    assert (error.index, type(part).__name__ in str(error)) == (1, True)


def test_what_the_application_puts_beside_its_messages_is_sent_with_them() -> None:
    extra: JSONObject = {"x": 1}
    own = [Message(Role.USER, "Hi", extra=extra), Message(Role.ASSISTANT, "So", extra=extra)]
    assert [message["x"] for message in sent("anthropic", *own)] == [1, 1]
    given = Message(Role.ASSISTANT, "So", origin="anthropic/messages", extra=extra)
    assert "x" not in sent("anthropic", *ASK, given, *ASK)[1]


BLANK = (TextPart("a"), TextPart(" "))


@pytest.mark.parametrize(
    ("messages", "index"),
    [
        ([Message(Role.USER, "")], 0),
        ([Message(Role.USER, " \n")], 0),
        ([Message(Role.USER, BLANK)], 0),
        ([Message(Role.SYSTEM, "Hi"), Message(Role.SYSTEM, ""), *ASK], 1),
        ([Message(Role.SYSTEM, "Hi"), Message(Role.SYSTEM, BLANK), *ASK], 1),
        ([*ASK, CALLS, RESULTS[0], Message(Role.TOOL, BLANK, tool_call_id="b")], 3),
        ([*ASK, CALLS, *RESULTS, Message(Role.USER, " ")], 4),
        ([*ASK, CALLS, *RESULTS, Message(Role.USER, BLANK)], 4),
        ([*ASK, Message(Role.SYSTEM, "Later.")], 1),
        ([*ASK, Message(Role.DEVELOPER, "Later.")], 1),
    ],
)
def test_pain_15_blank_text_and_late_system_messages_are_refused_with_their_message(
    messages: list[Message], index: int
) -> None:
    error = refused("anthropic", *messages)
    assert error.index == index
    assert f"message {index}" in error.message


@pytest.mark.parametrize("blank", ["", "\n\n"])
def test_pain_15_blank_text_beside_calls_is_left_out(blank: str) -> None:
    message = Message(Role.ASSISTANT, (TextPart(blank), ToolCall("a", "f")))
    turn = sent("anthropic", *ASK, message, RESULTS[0])[1]
    assert [part["type"] for part in turn["content"]] == ["tool_use"]


def test_an_invalid_call_goes_back_inside_an_object_if_a_result_answers_it() -> None:
    invalid = InvalidToolCall("b", "f", '{"path": "/t', "cut")
    message = Message(Role.ASSISTANT, (ToolCall("a", "f"), invalid))
    good = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    assert sent("anthropic", *ASK, message, *RESULTS)[1]["content"] == [
        good,
        {"type": "tool_use", "id": "b", "name": "f", "input": {"INVALID_JSON": '{"path": "/t'}},
    ]
    assert sent("anthropic", *ASK, message, RESULTS[0])[1]["content"] == [good]


def test_tools_are_converted_and_anthropics_own_pass() -> None:
    own: Record = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
    bare: Record = {
        "type": "function",
        "function": {"name": "now", "strict": True},
        "cache_control": {"type": "ephemeral"},
    }
    assert body_of(Provider(config("anthropic")), ASK, [own, bare])["tools"] == [
        own,
        {
            "name": "now",
            "strict": True,
            "input_schema": {"type": "object", "properties": {}},
            "cache_control": {"type": "ephemeral"},
        },
    ]


SCHEMA = {"type": "object"}
FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}


@pytest.mark.parametrize(
    ("options", "wire"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"stop": "x"}, {"stop_sequences": ["x"]}),
        ({"stop": ["x", "y"]}, {"stop_sequences": ["x", "y"]}),
        ({"stop": None}, {"stop_sequences": None}),
        ({"tool_choice": "auto"}, {"tool_choice": {"type": "auto"}}),
        ({"tool_choice": "required"}, {"tool_choice": {"type": "any"}}),
        ({"tool_choice": None}, {"tool_choice": None}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"tool_choice": {"type": "tool", "name": "f"}},
        ),
        ({"tool_choice": {"type": "tool", "name": "f"}}, {"tool_choice": {"type": "tool", "name": "f"}}),
        (
            {"parallel_tool_calls": False},
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
        (
            {"parallel_tool_calls": False, "tool_choice": "required"},
            {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        ),
        (
            {"tool_choice": "required", "parallel_tool_calls": False},
            {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        ),
        ({"parallel_tool_calls": True}, {"tool_choice": None}),
        ({"top_k": 5}, {"top_k": 5}),
        ({"user": "u"}, {"metadata": {"user_id": "u"}}),
        ({"user": None}, {"metadata": None}),
        ({"metadata": {"a": 1}, "user": "u"}, {"metadata": {"a": 1, "user_id": "u"}}),
        ({"reasoning_effort": "high"}, {"output_config": {"effort": "high"}}),
        ({"reasoning_budget": 2000}, {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        ({"reasoning_budget": None}, {"thinking": None}),
        (
            {"response_format": FORMAT},
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        ),
        ({"response_format": {"type": "text"}}, {"output_config": None}),
        ({"response_format": None}, {"output_config": None}),
        (
            {"reasoning_effort": "high", "output_config": {"x": 1}},
            {"output_config": {"effort": "high", "x": 1}},
        ),
        ({"output_config": None}, {"output_config": None}),
    ],
)
def test_options_are_translated(options: Record, wire: Record) -> None:
    result = body_of(Provider(config("anthropic")), ASK, **options)
    assert {name: result.get(name) for name in wire} == wire
    foreign = {"stop", "max_completion_tokens", "parallel_tool_calls", "user", "response_format"}
    assert not result.keys() & foreign


def test_a_format_that_is_no_schema_is_refused_with_the_form_to_use() -> None:
    error = refused("anthropic", *ASK, response_format={"type": "json_object"})
    assert "response_format: " in str(error)
    assert "json_schema" in str(error)


@pytest.mark.parametrize(
    ("tokens", "budget"), [(1_025, 1_024), (2_049, 1_024), (2_050, 1_025), (8_192, 4_096)]
)
def test_half_of_the_answers_tokens_are_for_thinking_and_1024_at_least(tokens: int, budget: int) -> None:
    body = body_of(Provider(config("anthropic", reasoning=True)), ASK, max_tokens=tokens)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": budget}


@pytest.mark.parametrize("max_tokens", [1024, 1, None])
def test_too_few_tokens_for_thinking_are_refused(max_tokens: object) -> None:
    with pytest.raises(InvalidRequestError, match="max_tokens: must be greater than 1024"):
        body_of(Provider(config("anthropic", reasoning=True)), ASK, max_tokens=max_tokens)


def test_thinking_given_as_an_option_wins() -> None:
    provider = Provider(config("anthropic", reasoning=True))
    assert body_of(provider, ASK, thinking={"type": "adaptive"})["thinking"] == {"type": "adaptive"}
    assert "thinking" not in body_of(provider, ASK, thinking=None)
    assert body_of(provider, ASK, reasoning_budget=2000)["thinking"]["budget_tokens"] == 2000


@pytest.mark.parametrize("content", ["", "\n", (TextPart(""), TextPart(" "))])
def test_pain_15_an_assistants_message_that_says_nothing_is_left_out_and_reported(
    content: str | tuple[TextPart, ...],
) -> None:
    blank = Message(Role.ASSISTANT, content)
    provider = Provider(config("anthropic"))
    prepared = provider.prepare([*ASK, blank, *ASK])
    assert prepared.body["messages"] == [{"role": "user", "content": ASK[0].text}] * 2
    assert {left.message for left in prepared.left_out} == {1}
    with pytest.raises(InvalidRequestError) as caught:  # the dialect alone repairs nothing
        provider.dialect.build_request_body([*ASK, blank], (), False)
    assert caught.value.index == 1
