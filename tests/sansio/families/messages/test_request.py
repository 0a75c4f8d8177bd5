"""Anthropic's messages, asked: exact requests, and what they refuse."""

from __future__ import annotations

import pytest

from sansio import (
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Provider,
    Role,
    Send,
    TextPart,
    ToolCall,
)
from tests.sansio.wires import ASK, WEATHER, Record, body_of, config


def wire(*messages: Message) -> list[Record]:
    """The messages as they are sent."""
    sent = body_of(Provider(config("anthropic")), messages)["messages"]
    assert isinstance(sent, list)
    return sent


def refusal(*messages: Message) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        wire(*messages)
    return caught.value


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
    step = provider.call(messages).next_step()
    assert isinstance(step, Send)
    request = provider.authorize(step.request, "secret-key")
    assert request.url == "https://api.anthropic.com/v1/messages"
    headers = dict(request.headers)
    assert headers["x-api-key"] == "secret-key"
    assert headers["anthropic-version"] == "2023-06-01"
    assert headers["content-type"] == "application/json"


def test_a_beta_and_another_version_go_by_headers() -> None:
    extra = {"anthropic-beta": "x-1", "Anthropic-Version": "2024-01-01"}
    step = Provider(config("anthropic", extra_headers=extra)).call(ASK).next_step()
    assert isinstance(step, Send)
    headers = [pair for pair in step.request.headers if pair[0].startswith("anthropic")]
    assert headers == [("anthropic-version", "2024-01-01"), ("anthropic-beta", "x-1")]


def test_system_messages_of_parts_are_blocks_at_the_top() -> None:
    cached = TextPart("Be brief.", extra={"cache_control": {"type": "ephemeral", "ttl": "1h"}})
    messages = [Message(Role.SYSTEM, (cached,)), Message(Role.SYSTEM, "In French."), *ASK]
    sent = body_of(Provider(config("anthropic")), messages)
    assert sent["system"] == [
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": "In French."},
    ]


def test_a_system_message_after_others_is_refused() -> None:
    error = refusal(*ASK, Message(Role.SYSTEM, "Be brief."))
    assert error.index == 1
    assert "message 1: anthropic takes system messages only before all others" in str(error)


def test_system_messages_alone_are_refused() -> None:
    assert "needs a user's message" in str(refusal(Message(Role.SYSTEM, "Be brief.")))


def test_all_results_of_one_turn_stand_first_in_one_users_message() -> None:
    calls = (ToolCall("a", "f", {"n": 1}, '{"n": 1}'), ToolCall("b", "f", {}))
    turn = (
        *ASK,
        Message(Role.ASSISTANT, "Let me see.", calls),
        Message(Role.TOOL, "18 °C", tool_call_id="a"),
        Message(Role.TOOL, "", tool_call_id="b"),
    )
    results = [
        {"type": "tool_result", "tool_use_id": "a", "content": "18 °C"},
        {"type": "tool_result", "tool_use_id": "b"},
    ]
    assistant = {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "Let me see."},
            {"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}},
            {"type": "tool_use", "id": "b", "name": "f", "input": {}},
        ],
    }
    assert wire(*turn)[1:] == [assistant, {"role": "user", "content": results}]
    assert wire(*turn, Message(Role.USER, "And Rome?"))[1:] == [
        assistant,
        {"role": "user", "content": [*results, {"type": "text", "text": "And Rome?"}]},
    ]
    assert wire(*turn, Message(Role.ASSISTANT, "18 °C"), *ASK)[2:] == [
        {"role": "user", "content": results},
        {"role": "assistant", "content": "18 °C"},
        {"role": "user", "content": "What is the weather in Paris?"},
    ]


def test_the_results_of_two_turns_are_not_mixed() -> None:
    first, second = (Message(Role.ASSISTANT, "", (ToolCall(id, "f", {}),)) for id in "ab")
    results = [Message(Role.TOOL, "ok", tool_call_id=id) for id in "ab"]
    sent = wire(*ASK, first, results[0], second, results[1])
    assert [message["role"] for message in sent] == ["user", "assistant", "user", "assistant", "user"]
    assert [len(message["content"]) for message in sent[1:]] == [1, 1, 1, 1]


def test_parts_are_sent_in_their_wire_forms() -> None:
    parts = (
        TextPart("Look:"),
        ImagePart(url="https://example.com/a.png"),
        ImagePart(data=b"\x89PNG", extra={"cache_control": {"type": "ephemeral"}}),
        DocumentPart(url="https://example.com/a.pdf"),
        DocumentPart(data=b"%PDF", name="a.pdf"),
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
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        {"type": "document", "source": pdf, "title": "a.pdf"},
    ]
    assert wire(Message(Role.USER, parts))[0]["content"] == blocks
    call = Message(Role.ASSISTANT, "", (ToolCall("a", "f", {}),))
    sent = wire(*ASK, call, Message(Role.TOOL, parts, tool_call_id="a"))
    assert sent[2]["content"][0]["content"] == blocks


@pytest.mark.parametrize("content", ["", " \n", (), (TextPart(""),), (TextPart("a"), TextPart(" "))])
@pytest.mark.parametrize("role", [Role.SYSTEM, Role.USER, Role.ASSISTANT])
def test_pain_15_blank_text_is_refused_clearly(role: Role, content: str | tuple[TextPart, ...]) -> None:
    before = [] if role is Role.SYSTEM else ASK
    error = refusal(*before, Message(role, content), *ASK)
    assert error.index == len(before)
    assert f"message {len(before)} has no text, which anthropic refuses" in str(error)


def test_pain_15_blank_text_beside_calls_is_left_out() -> None:
    call = ToolCall("a", "f", {})
    result = Message(Role.TOOL, "ok", tool_call_id="a")
    for blank in ("", "\n\n"):
        sent = wire(*ASK, Message(Role.ASSISTANT, blank, (call,)), result)
        assert [part["type"] for part in sent[1]["content"]] == ["tool_use"]
    with_parts = Message(Role.ASSISTANT, (TextPart("Hm."),), (call,))
    assert [part["type"] for part in wire(*ASK, with_parts, result)[1]["content"]] == ["text", "tool_use"]


def test_an_invalid_call_goes_back_inside_an_object_where_a_result_answers_it() -> None:
    invalid = InvalidToolCall("b", "f", '{"path": "/t', "cut")
    message = Message(Role.ASSISTANT, "", (ToolCall("a", "f", {}),), invalid_tool_calls=(invalid,))
    results = [Message(Role.TOOL, "no", tool_call_id=id) for id in "ab"]
    good = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    assert wire(*ASK, message, *results)[1]["content"] == [
        good,
        {"type": "tool_use", "id": "b", "name": "f", "input": {"INVALID_JSON": '{"path": "/t'}},
    ]
    assert wire(*ASK, message, results[0])[1]["content"] == [good]


def test_tools_are_converted_and_anthropics_own_pass() -> None:
    provider = Provider(config("anthropic"))
    own: Record = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
    bare: Record = {
        "type": "function",
        "function": {"name": "now", "strict": True},
        "cache_control": {"type": "ephemeral"},
    }
    assert body_of(provider, ASK, [own, bare])["tools"] == [
        own,
        {
            "name": "now",
            "strict": True,
            "input_schema": {"type": "object", "properties": {}},
            "cache_control": {"type": "ephemeral"},
        },
    ]


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"stop": "x"}, {"stop_sequences": ["x"]}),
        ({"stop": ["x", "y"]}, {"stop_sequences": ["x", "y"]}),
        ({"stop": None}, {"stop_sequences": None}),
        ({"tool_choice": "auto"}, {"tool_choice": {"type": "auto"}}),
        ({"tool_choice": "required"}, {"tool_choice": {"type": "any"}}),
        ({"tool_choice": "none"}, {"tool_choice": {"type": "none"}}),
        ({"tool_choice": "any"}, {"tool_choice": {"type": "any"}}),
        ({"tool_choice": None}, {"tool_choice": None}),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}},
         {"tool_choice": {"type": "tool", "name": "f"}}),
        ({"tool_choice": {"type": "tool", "name": "f"}}, {"tool_choice": {"type": "tool", "name": "f"}}),
        ({"parallel_tool_calls": False},
         {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}),
        ({"parallel_tool_calls": False, "tool_choice": "required"},
         {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}}),
        ({"parallel_tool_calls": True}, {"tool_choice": None}),
        ({"top_k": 5}, {"top_k": 5}),
    ],
)  # fmt: skip
def test_options_are_translated(options: Record, sent: Record) -> None:
    result = body_of(Provider(config("anthropic")), ASK, **options)
    assert {name: result.get(name) for name in sent} == sent
    assert not result.keys() & {"stop", "max_completion_tokens", "parallel_tool_calls"}


@pytest.mark.parametrize(("max_tokens", "budget"), [(8192, 4096), (2000, 1024), (1025, 1024)])
def test_thinking_takes_half_of_the_tokens_and_1024_at_least(max_tokens: int, budget: int) -> None:
    sent = body_of(Provider(config("anthropic", reasoning=True)), ASK, max_tokens=max_tokens)
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": budget}


def test_thinking_given_as_an_option_wins() -> None:
    provider = Provider(config("anthropic", reasoning=True))
    assert body_of(provider, ASK, thinking={"type": "adaptive"})["thinking"] == {"type": "adaptive"}
    assert "thinking" not in body_of(provider, ASK, thinking=None)


@pytest.mark.parametrize("max_tokens", [1024, 1, "many", None])
def test_too_few_tokens_for_thinking_are_refused(max_tokens: object) -> None:
    with pytest.raises(InvalidRequestError, match="max_tokens: must be greater than 1024"):
        body_of(Provider(config("anthropic", reasoning=True)), ASK, max_tokens=max_tokens)
