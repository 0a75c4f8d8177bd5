"""What the chat-completions servers refuse, and what they accept."""

from __future__ import annotations

from typing import Any

import pytest

from sansio.testing import FakeProvider
from tests.sansio.testing.asking import CHAT, HELLO, STRICT_CHAT, ask, body_for, message_in, request_for, said

CHATS = pytest.mark.parametrize("type", CHAT)
USER = {"role": "user", "content": "Hi"}


def call(call_id: str = "call_1", arguments: object = "{}", name: object = "f") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def result(call_id: str = "call_1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "done"}


def image(url: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]


@CHATS
@pytest.mark.parametrize("model", ["absent", "", "  ", 7])
def test_a_model_is_required_but_where_azure_s_path_names_the_deployment(type: str, model: object) -> None:
    body = body_for(type, model=model)
    if model == "absent":
        del body["model"]
    response = FakeProvider(type).respond(request_for(type, body))
    assert response.status == (200 if (type, model) == ("azure", "absent") else 400)


def test_azure_s_v1_surface_needs_a_model() -> None:
    body = body_for("azure")
    del body["model"]
    request = request_for("azure", body, path="/openai/v1/chat/completions")
    response = FakeProvider("azure").respond(request)
    assert (response.status, said(response)["error"]["param"]) == (400, "model")


@CHATS
@pytest.mark.parametrize("messages", [None, [], {}, "Hi", ["Hi"], [None]])
def test_messages_must_be_a_list_of_objects_with_one_at_least(type: str, messages: object) -> None:
    assert ask(type, messages).status == 400


@CHATS
@pytest.mark.parametrize("role", [None, "", "robot", "System", 1])
def test_an_unknown_role_is_refused_by_name(type: str, role: object) -> None:
    response = ask(type, [USER, {"role": role, "content": "Hi"}])
    assert response.status == 400
    assert f"no role {role!r}" in message_in(type, said(response))


@CHATS
def test_the_role_developer_is_known_but_to_local_models(type: str) -> None:
    response = ask(type, [{"role": "developer", "content": "Be kind."}, USER])
    assert response.status == (400 if type in ("ollama", "vllm") else 200)


@CHATS
@pytest.mark.parametrize(
    "content", [None, 1, [], [{"type": "text"}], [{"type": "video"}], ["Hi"], [{"type": "text", "text": 1}]]
)
def test_content_must_be_a_text_or_parts(type: str, content: object) -> None:
    response = ask(type, [{"role": "user", "content": content}])
    assert response.status == 400


@CHATS
def test_parts_are_taken_and_an_image_as_data_by_all(type: str) -> None:
    parts = [{"type": "text", "text": "What is 2+2?"}]
    assert ask(type, [{"role": "user", "content": parts}]).status == 200
    assert ask(type, image("data:image/png;base64,AAAA")).status == 200
    assert ask(type, image("https://example.com/a.png")).status == (400 if type == "ollama" else 200)


@CHATS
def test_an_answer_without_content_is_taken_with_calls_or_a_refusal_only(type: str) -> None:
    assert ask(type, [USER, calling(call()), result()]).status == 200
    assert ask(type, [USER, {"role": "assistant", "content": None, "refusal": "No."}, USER]).status == 200
    assert ask(type, [USER, {"role": "assistant", "content": None}, USER]).status == 400


@pytest.mark.parametrize("type", STRICT_CHAT)
@pytest.mark.parametrize(
    "messages",
    [
        [USER, result()],
        [USER, calling(call("call_1")), result("call_2")],
        [USER, calling(call("call_1")), result("call_1"), result("call_1")],
        [USER, calling(call("call_1")), result("call_1"), USER, result("call_1")],
    ],
)
def test_a_tool_message_that_answers_no_call_is_refused(type: str, messages: object) -> None:
    response = ask(type, messages)
    assert response.status == 400
    assert "answers no tool call before it" in message_in(type, said(response))


@pytest.mark.parametrize("type", STRICT_CHAT)
@pytest.mark.parametrize(
    "messages",
    [
        [USER, calling(call())],
        [USER, calling(call()), USER],
        [USER, calling(call("call_1"), call("call_2")), result("call_2"), USER],
    ],
)
def test_calls_without_their_results_are_refused(type: str, messages: object) -> None:
    response = ask(type, messages)
    assert response.status == 400
    assert "missing are those for call_1" in message_in(type, said(response))


@pytest.mark.parametrize("type", ["ollama", "vllm"])
def test_local_servers_do_not_look_whether_results_answer_calls(type: str) -> None:
    assert ask(type, [USER, result()]).status == 200
    assert ask(type, [USER, calling(call()), USER]).status == 200


@CHATS
def test_parallel_results_may_come_in_any_order(type: str) -> None:
    calls = calling(call("call_1"), call("call_2"))
    assert ask(type, [USER, calls, result("call_2"), result("call_1")]).status == 200


@CHATS
@pytest.mark.parametrize("arguments", ["{", "[]", "", '"text"'])
def test_local_servers_parse_the_arguments_that_come_back(type: str, arguments: str) -> None:
    response = ask(type, [USER, calling(call(arguments=arguments)), result()])
    assert response.status == (400 if type in ("ollama", "vllm") else 200)


@CHATS
@pytest.mark.parametrize(
    "broken",
    [
        call(call_id=""),
        call(name=""),
        call(name=None),
        call(arguments=None),
        call(arguments={"a": 1}),
        {"id": "call_1"},
        "call",
    ],
)
def test_a_malformed_tool_call_is_refused(type: str, broken: Any) -> None:
    assert ask(type, [USER, calling(broken), result()]).status == 400


@CHATS
def test_tool_calls_are_allowed_only_in_an_assistant_s_message(type: str) -> None:
    assert ask(type, [{**USER, "tool_calls": [call()]}, result()]).status == 400
    assert ask(type, [USER, {"role": "assistant", "content": "a", "tool_calls": []}]).status == 400


@CHATS
def test_a_tool_message_must_name_its_call_but_for_ollama(type: str) -> None:
    response = ask(type, [USER, calling(call()), {"role": "tool", "content": "done"}])
    assert response.status == (200 if type == "ollama" else 400)


@CHATS
@pytest.mark.parametrize(
    "tools",
    [
        [],
        {},
        ["f"],
        [{"name": "f"}],
        [{"type": "function", "function": {}}],
        [{"type": "function", "function": {"name": "a b"}}],
        [{"type": "function", "function": {"name": "a" * 65}}],
        [{"type": "other", "function": {"name": "f"}}],
    ],
)
def test_malformed_tools_are_refused(type: str, tools: object) -> None:
    assert ask(type, HELLO, tools=tools).status == 400


@CHATS
def test_stream_must_be_a_truth_value(type: str) -> None:
    assert ask(type, HELLO, stream="yes").status == 400


@CHATS
def test_stream_options_go_with_a_stream_but_for_ollama(type: str) -> None:
    response = ask(type, HELLO, stream_options={"include_usage": True})
    assert response.status == (200 if type == "ollama" else 400)


@CHATS
@pytest.mark.parametrize("field", ["reasoning", "thinking", "chat_template_kwargs", "system"])
def test_openai_and_azure_refuse_other_providers_fields(type: str, field: str) -> None:
    response = ask(type, HELLO, **{field: {}})
    assert response.status == (400 if type in ("openai", "azure") else 200)


@CHATS
def test_openai_and_azure_refuse_fields_in_messages_that_they_do_not_know(type: str) -> None:
    response = ask(type, [USER, {"role": "assistant", "content": "a", "reasoning_details": []}, USER])
    assert response.status == (400 if type in ("openai", "azure") else 200)
    if response.status == 400:
        assert said(response)["error"]["param"] == "messages[1].reasoning_details"


@CHATS
def test_reasoning_models_refuse_max_tokens_at_openai_and_azure(type: str) -> None:
    response = ask(type, HELLO, reasoning_effort="low", max_tokens=10)
    assert response.status == (400 if type in ("openai", "azure") else 200)
    assert ask(type, HELLO, reasoning_effort="low", max_completion_tokens=10).status == 200
    assert ask(type, HELLO, reasoning_effort="none", max_tokens=10).status == 200


@CHATS
def test_a_long_right_conversation_is_taken(type: str) -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        USER,
        {"role": "assistant", "content": "Hello"},
        USER,
        calling(call("call_1", '{"a": 1}'), call("call_2")),
        result("call_1"),
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "done"}]},
    ]
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert ask(type, messages, tools=tools, temperature=0).status == 200


def test_the_prompt_s_tokens_are_those_of_messages_and_tools() -> None:
    def counted(*, words: str = "", **fields: object) -> int:
        messages = [{"role": "user", "content": f"Hi {words}"}]
        return int(said(ask("openai", messages, **fields))["usage"]["prompt_tokens"])

    def tool(about: str) -> dict[str, Any]:
        return {"type": "function", "function": {"name": "f", "description": about}}

    plain = counted(tools=[tool("")])
    assert counted(tools=[tool("one two three")]) == plain + 3
    assert counted(words="one two three", tools=[tool("")]) == plain + 3


def custom(call_id: str = "call_1", **changed: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "custom", "custom": {"name": "shell", "input": "ls"}, **changed}


@CHATS
def test_calls_of_custom_tools_have_text_and_a_result(type: str) -> None:
    assert ask(type, [USER, calling(custom()), result()]).status == 200
    for broken in ({"name": "shell"}, {"name": "", "input": "x"}, {"name": "shell", "input": {}}, "x"):
        assert ask(type, [USER, calling(custom(custom=broken)), result()]).status == 400


def test_the_model_sees_which_custom_tool_gave_a_result() -> None:
    answered = said(ask("openai", [USER, calling(custom()), result()]))
    assert "shell said 'done'" in answered["choices"][0]["message"]["content"]


@CHATS
def test_an_answer_that_was_spoken_is_taken_without_text(type: str) -> None:
    spoken = {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}
    assert ask(type, [USER, spoken, USER]).status == 200


@CHATS
def test_vllms_own_kinds_of_content_go_back_only_to_vllm(type: str) -> None:
    answer = {"role": "assistant", "content": [{"type": "reference", "reference_ids": [1]}]}
    assert ask(type, [USER, answer, USER]).status == (200 if type == "vllm" else 400)
