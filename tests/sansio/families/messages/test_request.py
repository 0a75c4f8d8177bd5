"""Requests of Anthropic's messages: exact requests, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from sansio import (
    AudioPart,
    Citation,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    JSONObject,
    Message,
    MessagesDialect,
    Part,
    Provider,
    ProviderConfig,
    ProviderDefaults,
    ReasoningPart,
    RefusalPart,
    Role,
    Send,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
    register_provider,
)
from sansio.http import Headers
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


def anthropic_headers(fields: Record, **options: Any) -> Headers:
    step = Provider(config("anthropic", **fields)).call(ASK, **options).next_step()
    assert isinstance(step, Send)
    return tuple(pair for pair in step.request.headers if pair[0].startswith("anthropic"))


def test_the_version_is_the_config_s_and_betas_go_by_headers() -> None:
    assert anthropic_headers({}) == (("anthropic-version", "2023-06-01"),)
    assert anthropic_headers({"api_version": "2026-10-21"}) == (("anthropic-version", "2026-10-21"),)
    headers = {"anthropic-beta": "x-1", "Anthropic-Version": "2026-10-21"}
    assert anthropic_headers({"extra_headers": headers}) == (
        ("anthropic-version", "2026-10-21"),
        ("anthropic-beta", "x-1"),
    )
    assert ("anthropic-beta", "x-2") in anthropic_headers({}, extra_headers={"anthropic-beta": "x-2"})


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


LATER = Message(Role.SYSTEM, "Now in French.")
ANSWER = Message(Role.ASSISTANT, "So.")


def test_a_system_message_in_mid_conversation_goes_where_it_is() -> None:
    late = {"role": "system", "content": "Now in French."}
    assert sent("anthropic", *ASK, LATER)[1:] == [late]
    assert sent("anthropic", *ASK, LATER, ANSWER, *ASK)[1:3] == [
        late,
        {"role": "assistant", "content": "So."},
    ]
    assert sent("anthropic", *ASK, CALLS, *RESULTS, LATER)[3:] == [late]
    developer = Message(Role.DEVELOPER, "Now in French.", extra={"clear_at": "never"})
    assert sent("anthropic", *ASK, developer)[1:] == [{**late, "clear_at": "never"}]


def test_a_system_message_may_follow_a_tool_that_the_provider_still_runs() -> None:
    runs = ServerToolPart("server_tool_use", "s", "web_search", {})
    paused = Message(Role.ASSISTANT, (runs,), origin="anthropic/messages")
    assert [turn["role"] for turn in sent("anthropic", *ASK, paused, LATER)][1:] == ["assistant", "system"]


def test_system_messages_in_a_row_are_one() -> None:
    turns = sent("anthropic", *ASK, LATER, Message(Role.DEVELOPER, "Be brief."), ANSWER, *ASK)
    assert [turn["role"] for turn in turns] == ["user", "system", "assistant", "user"]
    assert turns[1]["content"] == "Now in French.\n\nBe brief."
    cached = TextPart("Be brief.", extra={"cache_control": {"type": "ephemeral"}})
    blocks = sent("anthropic", *ASK, LATER, Message(Role.SYSTEM, (cached,)))[1]["content"]
    assert blocks == [
        {"type": "text", "text": "Now in French."},
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
    ]
    error = refused("anthropic", *ASK, LATER, Message(Role.SYSTEM, "So", extra={"clear_at": "never"}))
    assert (error.index, "extra" in str(error)) == (2, True)


@pytest.mark.parametrize(
    ("messages", "index"),
    [
        ([*ASK, ANSWER, LATER, *ASK], 2),
        ([*ASK, ANSWER, LATER], 2),
        ([*ASK, LATER, *ASK], 1),
        ([*ASK, CALLS, *RESULTS, LATER, *ASK], 4),
    ],
)
def test_a_system_message_where_no_model_takes_one_is_refused_with_where_it_can_go(
    messages: list[Message], index: int
) -> None:
    error = refused("anthropic", *messages)
    assert error.index == index
    assert "directly after a user's message" in str(error)


@pytest.mark.parametrize("before", [[], ASK])
def test_a_system_message_is_text_only(before: list[Message]) -> None:
    message = Message(Role.SYSTEM, (TextPart("a"), ImagePart(url="u")))
    error = refused("anthropic", *before, message, *([] if before else ASK))
    assert f"message {len(before)}, part 1: anthropic/messages takes no ImagePart" in str(error)


@pytest.mark.parametrize("role", [Role.USER, Role.ASSISTANT])
@pytest.mark.parametrize("field", ["role", "content"])
def test_an_extra_of_a_message_does_not_replace_what_it_has(role: Role, field: str) -> None:
    error = refused("openrouter/messages", Message(role, "Hi", extra={field: "x"}), *ASK)
    assert f"{field} is in its extra" in str(error)


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


JPEG, GIF = b"\xff\xd8\xff\xe0", b"GIF89a"


@pytest.mark.parametrize(
    ("part", "source"),
    [
        (ImagePart(data=JPEG), {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4A=="}),
        (ImagePart(data=GIF), {"type": "base64", "media_type": "image/gif", "data": "R0lGODlh"}),
        (
            ImagePart(data=b"?", media_type="image/webp"),
            {"type": "base64", "media_type": "image/webp", "data": "Pw=="},
        ),
        (
            DocumentPart(data="Größe".encode(), media_type="text/plain"),
            {"type": "text", "media_type": "text/plain", "data": "Größe"},
        ),
        (
            DocumentPart(data=b"# Hi", media_type="text/markdown"),
            {"type": "text", "media_type": "text/plain", "data": "# Hi"},
        ),
        (
            DocumentPart(data=b"%PDF-1.7", media_type="text/plain"),
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjc="},
        ),
        (DocumentPart(file_id="f"), {"type": "file", "file_id": "f"}),
    ],
)
def test_media_is_sent_as_what_its_bytes_are_also_in_results(part: Part, source: Record) -> None:
    [block] = sent("anthropic", Message(Role.USER, (part,)))[0]["content"]
    assert block["source"] == source
    call = Message(Role.ASSISTANT, (ToolCall("a", "f"),))
    failed = Message(Role.TOOL, (part,), tool_call_id="a", is_error=True)
    [result] = sent("anthropic", *ASK, call, failed)[2]["content"]
    assert (result["content"], result["is_error"]) == ([block], True)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (ImagePart(data=b"II*", media_type="image/tiff"), "image/tiff; use one of image/jpeg"),
        (DocumentPart(data=b"PK", media_type="application/zip"), "application/zip; give application/pdf"),
        (DocumentPart(data=b"\xff", media_type="text/plain"), "text/plain that is not UTF-8"),
    ],
)
def test_media_that_is_not_read_is_refused_with_its_place(part: Part, words: str) -> None:
    message = Message(Role.USER, (TextPart("a"), part))
    error = refused("anthropic", *ASK, message)
    assert f"message 1, part 1: anthropic/messages takes no {type(part).__name__} of {words}" in str(error)
    calls = Message(Role.ASSISTANT, (ToolCall("a", "f"),))
    inside = refused("anthropic", *ASK, calls, Message(Role.TOOL, (part,), tool_call_id="a"))
    assert "message 2, part 0" in str(inside)


def test_a_user_s_text_has_no_citations_under_the_newer_version() -> None:
    message = Message(Role.USER, (TextPart("a", (Citation(url="u"),)),))
    body_of(Provider(config("anthropic")), [message])
    with pytest.raises(InvalidRequestError, match=r"message 0, part 0: .* citations under .*2026-10-21"):
        body_of(Provider(config("anthropic", api_version="2026-10-21")), [message])
    cited = Message(Role.ASSISTANT, message.content, origin="anthropic/messages")
    body_of(Provider(config("anthropic", api_version="2026-10-21")), [*ASK, cited, *ASK])


def test_reasoning_of_the_application_without_a_signature_is_refused_with_its_place() -> None:
    message = Message(Role.ASSISTANT, (TextPart("So."), ReasoningPart("Hm.")))
    error = refused("anthropic", *ASK, message, *ASK)
    assert error.index == 1
    assert "message 1, part 1: reasoning without a signature" in str(error)
    assert "leave the part out" in str(error)
    signed = ReasoningPart("Hm.", extra={"signature": "c2ln"})
    turn = sent("anthropic", *ASK, Message(Role.ASSISTANT, (signed, TextPart("So."))), *ASK)[1]
    assert turn["content"][0] == {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}


@pytest.mark.parametrize("part", [AudioPart(data=b"x"), ReasoningPart("Hm."), RefusalPart("No.")])
def test_a_part_that_a_user_cannot_say_is_refused_with_its_place(part: Part) -> None:
    error = refused("anthropic", *ASK, Message(Role.USER, (TextPart("a"), part)))
    assert error.index == 1
    assert f"message 1, part 1: anthropic/messages takes no {type(part).__name__}" in str(error)


USE = ServerToolPart("server_tool_use", "s", "web_search", {"query": "x"})
RESULT = ServerToolPart("web_search_tool_result", "s", output=[])


@pytest.mark.parametrize(
    ("part", "lacks"),
    [
        (structs.replace(USE, id=None), "without an id"),
        (structs.replace(USE, id=""), "without an id"),
        (structs.replace(USE, name=None), "without a name"),
        (structs.replace(USE, input=None), "without an input"),
        (structs.replace(USE, input="x"), "without an input"),
        (structs.replace(RESULT, id=None), "without an id"),
        (structs.replace(RESULT, output=None), "without an output"),
        (ServerToolPart("web_search_call", "s", "web_search", {}), "of the kind 'web_search_call'"),
    ],
)
def test_a_server_tool_of_the_application_that_is_not_whole_is_refused_with_its_place(
    part: ServerToolPart, lacks: str
) -> None:
    error = refused("anthropic", *ASK, Message(Role.ASSISTANT, (TextPart("Hi"), part)), *ASK)
    assert error.index == 1
    assert f"part 1: anthropic/messages takes no ServerToolPart {lacks}" in str(error)
    assert "append the answer that it is from" in str(error)


def test_a_whole_server_tool_of_the_application_is_sent() -> None:
    content = sent("anthropic", *ASK, Message(Role.ASSISTANT, (USE, RESULT)), *ASK)[1]["content"]
    assert content == [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
    ]


@pytest.mark.parametrize(
    "part", [ImagePart(url="u"), DocumentPart(data=b"x"), AudioPart(data=b"x"), RefusalPart("No.")]
)
def test_media_and_refusals_in_an_assistants_message_of_the_application_are_refused(part: Part) -> None:
    error = refused("anthropic", *ASK, Message(Role.ASSISTANT, (part,)), *ASK)
    assert (error.index, type(part).__name__ in str(error)) == (1, True)


EXTRA: JSONObject = {"x": 1}


def test_what_an_answer_says_of_itself_is_not_sent() -> None:
    given = Message(Role.ASSISTANT, "So", origin="anthropic/messages", extra=EXTRA)
    assert "x" not in sent("anthropic", *ASK, given, *ASK)[1]


@pytest.mark.parametrize("role", [Role.USER, Role.ASSISTANT])
def test_a_field_that_the_application_puts_beside_role_and_content_is_refused(role: Role) -> None:
    error = refused("anthropic", *ASK, Message(role, "Hi", extra=EXTRA), *ASK)
    assert error.index == 1
    assert "message 1, x: " in str(error)


def test_another_server_of_the_same_wire_may_know_more_fields() -> None:
    register_provider("more-fields-test", MessagesDialect, ProviderDefaults(base_url="https://example.com"))
    provider = Provider(ProviderConfig(type="more-fields-test", model="m"))
    own = [Message(Role.USER, "Hi", extra=EXTRA), Message(Role.ASSISTANT, "So", extra=EXTRA)]
    assert [message["x"] for message in body_of(provider, own)["messages"]] == [1, 1]


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
        ([*ASK, Message(Role.SYSTEM, " ")], 1),
    ],
)
def test_pain_15_blank_text_is_refused_with_its_message(messages: list[Message], index: int) -> None:
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
    custom: Record = {"type": "custom", "custom": {"name": "patch", "description": "d"}}
    assert body_of(Provider(config("anthropic")), ASK, [custom, own, bare])["tools"] == [
        {
            "name": "patch",
            "description": "d",
            "input_schema": {
                "type": "object",
                "properties": {"input": {"type": "string"}},
                "required": ["input"],
            },
        },
        own,
        {
            "name": "now",
            "strict": True,
            "input_schema": {"type": "object", "properties": {}},
            "cache_control": {"type": "ephemeral"},
        },
    ]


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
