"""Requests of chat completions: the exact wire forms of messages and parts."""

from __future__ import annotations

import json

import pytest

from sansio import (
    AudioPart,
    ChatDialect,
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
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from tests.sansio.wires import (
    ASK,
    COMPATIBLE,
    DONE,
    WEATHER,
    answer,
    body_of,
    chunk,
    completion,
    config,
    read,
    refused,
    sent,
    sse,
    tool_chunk,
)

GOOGLE = "https://generativelanguage.googleapis.com/v1beta/openai"

PNG = b"\x89PNG"


def test_the_exact_body_of_a_streamed_call_with_tools() -> None:
    messages = [Message(Role.SYSTEM, "Be brief."), Message(Role.DEVELOPER, "In French."), *ASK]
    assert body_of(Provider(config("openai")), messages, [WEATHER], stream=True, temperature=0) == {
        "model": "some-model",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": "In French."},
            {"role": "user", "content": "What is the weather in Paris?"},
        ],
        "tools": [WEATHER],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
    }


def test_the_exact_body_of_a_whole_call() -> None:
    assert body_of(Provider(config("openai")), ASK) == {
        "model": "some-model",
        "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
    }


def test_the_same_input_gives_the_same_bytes() -> None:
    def body() -> bytes:
        message = answer("openai", sse(tool_chunk('{"b":1,"a":2}', name="f")), DONE)
        result = Message(Role.TOOL, "ok", tool_call_id=message.tool_calls[0].id)
        call = Provider(config("openai")).call([*ASK, message, result], [WEATHER], top_p=1, seed=2)
        step = call.next_step()
        assert isinstance(step, Send)
        return step.request.body

    assert body() == body() != b""


def test_a_tool_loop_goes_back_as_it_was_received() -> None:
    raw = '{"city":  "Paris"}'
    google: JSONObject = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    calls = (
        ToolCall("call_1", "get_weather", {"city": "Paris"}, raw, extra=google),
        ToolCall("call_2", "get_weather", {"city": "Rome"}),
    )
    loop = [
        *ASK,
        Message(Role.ASSISTANT, calls, origin="compatible/chat"),
        Message(Role.TOOL, "18 °C", tool_call_id="call_1"),
        Message(Role.TOOL, "21 °C", tool_call_id="call_2"),
    ]
    turn = body_of(Provider(config("compatible", base_url=GOOGLE)), loop)["messages"][1:]
    assert turn == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": raw},
                    **google,
                },
                {
                    "id": "call_2",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'},
                },
            ],
        },
        {"role": "tool", "content": "18 °C", "tool_call_id": "call_1"},
        {"role": "tool", "content": "21 °C", "tool_call_id": "call_2"},
    ]


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_an_answer_and_its_tool_results_appended_make_the_next_request(kind: str) -> None:
    deltas = [tool_chunk('{"city":"Paris"}', id="a", name="f"), tool_chunk("{", id="b", name="f", index=1)]
    message = answer(kind, sse(chunk({"content": "Let me see."}), *deltas), DONE)
    results = [Message(Role.TOOL, text, tool_call_id=id) for id, text in (("a", "18"), ("b", "not JSON"))]
    turn = sent(kind, *ASK, message, *results)[1:]
    assert turn[0]["content"] == "Let me see."
    # Most servers parse the arguments, so the truncated text goes inside an object.
    assert [call["function"]["arguments"] for call in turn[0]["tool_calls"]] == [
        '{"city":"Paris"}',
        '{"INVALID_JSON":"{"}',
    ]
    assert [result["tool_call_id"] for result in turn[1:]] == ["a", "b"]


def test_an_invalid_call_goes_back_with_its_fields_if_a_result_answers_it() -> None:
    invalid = InvalidToolCall("b", "f", "{", "cut", extra={"x": 1, "function": {"y": 2}})
    answered = Message(Role.ASSISTANT, (invalid,))
    function = {"name": "f", "arguments": '{"INVALID_JSON":"{"}', "y": 2}
    wire = sent("openai", *ASK, answered, Message(Role.TOOL, "not JSON", tool_call_id="b"))[1]
    assert wire["tool_calls"] == [{"id": "b", "type": "function", "function": function, "x": 1}]
    assert sent("openai", *ASK, answered, *ASK)[1] == {"role": "assistant", "content": ""}


def test_a_custom_call_goes_back_as_free_text() -> None:
    calls = (
        ToolCall("a", "math", {"input": "4 + 4"}, kind="custom"),
        InvalidToolCall("b", "math", "4 +", "cut", "custom"),
    )
    results = [Message(Role.TOOL, "8", tool_call_id=id) for id in "ab"]
    wire = sent("openai", *ASK, Message(Role.ASSISTANT, calls), *results)[1]
    assert wire["tool_calls"] == [
        {"id": "a", "type": "custom", "custom": {"name": "math", "input": "4 + 4"}},
        {"id": "b", "type": "custom", "custom": {"name": "math", "input": "4 +"}},
    ]


@pytest.mark.parametrize("raw", ["", " ", "null", "{}"])
def test_pain_12_blank_arguments_go_back_as_an_empty_object(raw: str) -> None:
    call = Message(Role.ASSISTANT, (ToolCall("a", "f", {}, raw),))
    wire = sent("openai", *ASK, call, Message(Role.TOOL, "ok", tool_call_id="a"))[1]
    assert wire["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}


def test_parts_are_sent_in_their_wire_forms() -> None:
    parts: tuple[Part, ...] = (
        TextPart("Look:", extra={"cache_control": {"type": "ephemeral"}}),
        ImagePart(url="https://example.com/a.png", detail="low"),
        ImagePart(data=PNG, extra={"image_url": {"format": "x"}, "index": 0}),
        AudioPart(data=b"RIFF"),
        AudioPart(data=b"ID3", media_type="audio/mpeg"),
        AudioPart(data=b"RIFF", media_type="audio/x-wave"),
        DocumentPart(data=b"%PDF", name="a.pdf"),
        DocumentPart(data=b"%PDF"),
        DocumentPart(file_id="file-1"),
        UnknownPart("new", {"type": "new", "a": 1}),
    )
    pdf = "data:application/pdf;base64,JVBERg=="
    assert sent("openai", Message(Role.USER, parts))[0]["content"] == [
        {"type": "text", "text": "Look:", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {
            "type": "image_url",
            "image_url": {"url": "data:image/png;base64,iVBORw==", "format": "x"},
            "index": 0,
        },
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": pdf}},
        {"type": "file", "file": {"filename": "document", "file_data": pdf}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "new", "a": 1},
    ]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (DocumentPart(url="https://example.com/a.pdf"), "DocumentPart by url"),
        (ImagePart(file_id="file-1"), "ImagePart by file_id"),
        (AudioPart(url="https://example.com/a.wav"), "AudioPart by url"),
        (ReasoningPart("Hm."), "ReasoningPart"),
        (ServerToolPart("x"), "ServerToolPart"),
    ],
)
def test_a_part_that_cannot_be_sent_is_refused_with_its_place(part: Part, words: str) -> None:
    error = refused("openai", *ASK, Message(Role.USER, (TextPart("a"), part)))
    assert error.index == 1
    assert "message 1, part 1" in str(error)
    assert words in str(error)


@pytest.mark.parametrize("part", [ImagePart(url="u"), DocumentPart(data=b"x"), AudioPart(data=b"x")])
def test_media_in_an_assistants_message_of_the_application_are_refused(part: Part) -> None:
    error = refused("openai", *ASK, Message(Role.ASSISTANT, (part,)), *ASK)
    assert (error.index, type(part).__name__ in str(error)) == (1, True)


def test_what_the_application_puts_beside_its_message_is_sent_with_it() -> None:
    named = Message(Role.USER, "Hi", extra={"name": "Ann"})
    prefix = Message(Role.ASSISTANT, "So", extra={"prefix": True})
    assert sent("openai", named, prefix) == [
        {"role": "user", "content": "Hi", "name": "Ann"},
        {"role": "assistant", "content": "So", "prefix": True},
    ]


def test_only_googles_signature_goes_back_of_an_answers_own_fields() -> None:
    data = completion({"content": "Hi", "extra_content": {"google": 1}, "other": 2}, system_fingerprint="fp")
    turns = [*ASK, read("compatible", data), *ASK]
    assert body_of(Provider(config("compatible", base_url=GOOGLE)), turns)["messages"][1] == {
        "role": "assistant",
        "content": "Hi",
        "extra_content": {"google": 1},
    }


@pytest.mark.parametrize(("kind", "origin"), [("openai", "openai/chat"), ("azure", "azure/chat")])
@pytest.mark.parametrize("call_kind", ["function", "custom"])
def test_openai_itself_and_azure_get_no_signatures_of_google(kind: str, origin: str, call_kind: str) -> None:
    signed: JSONObject = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    call = ToolCall("call_1", "f", {"input": "x"}, kind=call_kind, extra=signed)
    answer = Message(Role.ASSISTANT, (call,), origin=origin, extra=signed)
    result = Message(Role.TOOL, "done", tool_call_id="call_1")
    assert "extra_content" not in json.dumps(sent(kind, *ASK, answer, result))
    # What the application wrote itself goes as it is.
    own = Message(Role.ASSISTANT, (call,))
    assert sent(kind, *ASK, own, result)[1]["tool_calls"][0]["extra_content"] == signed["extra_content"]


@pytest.mark.parametrize("kind", ["openai", "azure", "ollama", "vllm"])
@pytest.mark.parametrize("value", [True, False, None])
def test_where_prompts_are_cached_automatically_cache_writes_nothing(kind: str, value: bool | None) -> None:
    provider = Provider(config(kind))
    assert body_of(provider, ASK, cache=value) == body_of(provider, ASK)


@pytest.mark.parametrize("kind", ["openai", "azure", "ollama", "vllm"])
def test_where_prompts_are_cached_automatically_no_time_to_live_can_be_chosen(kind: str) -> None:
    error = refused(kind, *ASK, cache="1h")
    assert "cache: '1h'" in str(error)
    assert "cache=True" in str(error)


def test_several_texts_of_the_application_stay_parts_and_an_answers_are_joined() -> None:
    texts = (TextPart("a"), TextPart("b"))
    own, given = Message(Role.ASSISTANT, texts), Message(Role.ASSISTANT, texts, origin="openai/chat")
    assert sent("openai", *ASK, own, *ASK)[1]["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]
    assert sent("openai", *ASK, given, *ASK)[1]["content"] == "ab"


def test_a_text_with_fields_of_its_provider_goes_back_as_a_part() -> None:
    message = read("openai", completion({"content": [{"type": "text", "text": "a", "x": 1}]}))
    assert sent("openai", *ASK, message, *ASK)[1]["content"] == [{"type": "text", "text": "a", "x": 1}]


def test_a_refusal_goes_back_as_one() -> None:
    wire = sent("openai", *ASK, Message(Role.ASSISTANT, (RefusalPart("I will not."),)), *ASK)
    assert wire[1] == {"role": "assistant", "content": None, "refusal": "I will not."}


def test_sound_that_was_answered_goes_back_by_its_id() -> None:
    sound = {"id": "audio_1", "data": "UklGRg==", "transcript": "Hi", "expires_at": 1}
    message = read("openai", completion({"content": None, "audio": sound}))
    assert sent("openai", *ASK, message, *ASK)[1] == {
        "role": "assistant",
        "content": None,
        "audio": {"id": "audio_1"},
    }


def test_reasoning_is_asked_for_by_effort_and_an_option_wins() -> None:
    provider = Provider(config("openai", reasoning=True))
    assert body_of(provider, ASK)["reasoning_effort"] == "medium"
    assert body_of(provider, ASK, reasoning_effort="xhigh")["reasoning_effort"] == "xhigh"


def test_a_subclass_changes_only_its_difference() -> None:
    class Shouting(ChatDialect):
        def build_endpoint(self, stream: bool = False) -> str:
            return f"{self.config.base_url}/shout"

    dialect = Shouting(config("openai"))
    assert dialect.build_endpoint() == "https://api.openai.com/v1/shout"
    body = dialect.build_request_body(ASK, (), False)
    assert json.dumps(body) == json.dumps(body_of(Provider(config("openai")), ASK))
    assert dialect.build_headers() == {}


@pytest.mark.parametrize("name", ["role", "content", "tool_calls", "tool_call_id"])
def test_a_messages_extra_does_not_replace_what_typed_fields_say_or_leave_empty(name: str) -> None:
    for parts in ((ToolCall("a", "f"),), (TextPart("Hi"),)):
        odd = Message(Role.ASSISTANT, parts, extra={name: "odd"})
        answered = [Message(Role.TOOL, "ok", tool_call_id="a")] if odd.tool_calls else []
        with pytest.raises(InvalidRequestError, match=f"message 1.*{name}"):
            body_of(Provider(config("openai")), [*ASK, odd, *answered, *ASK])
