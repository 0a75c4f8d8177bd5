"""A client's request as another family's: what the provider is asked, and what is reported."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from sansio import DocumentPart, ImagePart, InvalidRequestError, JSONObject, Part, Provider, TextPart
from sansio.testing import FakeProvider
from sansio.translate import Translated, read_request, translate_request
from tests.sansio.wires import config
from tests.support import for_each

IMAGE = "iVBORw=="
ASK: list[Any] = [{"role": "user", "content": "Hello."}]


def translated(api: str, type: str, **body: Any) -> Translated:
    return translate_request(api, {"messages": ASK, "max_tokens": 9, **body}, Provider(config(type)))


def lost(found: Translated) -> list[object]:
    for each in found.prepared.left_out:
        assert each.why.strip()
        assert (each.what == "option") == (each.option is not None) == (each.message is None)
    return [(each.option or each.what, each.message, each.part) for each in found.prepared.left_out]


CHAT: dict[str, Any] = {
    "model": "gpt-mine",
    "stream": True,
    "stream_options": {"include_usage": True},
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "name": "bob",
            "content": [
                {"type": "text", "text": "See:", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "Hm.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "18"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "tool_choice": "required",
    "max_completion_tokens": 99,
    "stop": "END",
    "n": 1,
    "seed": 3,
    "logit_bias": {"1": 2},
    "frobnicate": 2,
    "user": "u",
}


def test_a_chat_request_is_asked_of_anthropic() -> None:
    found = translate_request("chat", CHAT, Provider(config("anthropic")))
    assert found.prepared.body == {
        "model": "some-model",
        "max_tokens": 99,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "See:"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
            ]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "18"}]},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "stream": True,
        "tool_choice": {"type": "any"},
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
    }  # fmt: skip
    assert lost(found) == [
        ("extra: cache_control", 1, 0),
        ("extra: name", 1, None),
        ("frobnicate", None, None),
        ("ReasoningPart", 2, 0),
        ("seed", None, None),
        ("logit_bias", None, None),
    ]
    assert (found.asked.model, found.asked.stream, found.asked.include_usage) == ("gpt-mine", True, True)


MESSAGES: dict[str, Any] = {
    "model": "claude-mine",
    "max_tokens": 99,
    "stream": True,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See:"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
                {"type": "image", "source": {"type": "url", "url": "https://e/i.png"}},
                {
                    "type": "document",
                    "title": "notes",
                    "source": {"type": "text", "media_type": "text/plain", "data": "A note."},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "t2", "name": "f", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Go on."},
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "18"}]},
                {"type": "tool_result", "tool_use_id": "t2", "is_error": True},
            ],
        },
        {"role": "system", "content": "Hurry."},
    ],
    "tools": [
        {
            "name": "f",
            "description": "d",
            "strict": True,
            "input_schema": {"type": "object"},
            "defer_loading": True,
        },
        {"type": "web_search_20250305", "name": "web_search"},
    ],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "temperature": 0.5,
    "top_k": 3,
    "stop_sequences": ["END"],
    "metadata": {"user_id": "u"},
    "thinking": {"type": "disabled"},
    "output_config": {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {"type": "object"}},
        "other": 1,
    },
    "container": "c1",
    "service_tier": None,
}


def test_a_messages_request_is_asked_of_a_chat_server() -> None:
    found = translate_request("messages", MESSAGES, Provider(config("vllm")))
    body: dict[str, Any] = dict(found.prepared.body)
    system, user, answer, *rest = body["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert [part["type"] for part in user["content"]] == ["text", "image_url", "image_url", "text"]
    assert user["content"][3]["text"] == "notes\n\nA note."
    assert answer["content"] == "I look."
    assert [call["function"]["arguments"] for call in answer["tool_calls"]] == ['{"a":1}', "{}"]
    assert [(message["role"], message["content"]) for message in rest] == [
        ("tool", "18"),
        ("tool", ""),
        ("user", "Go on."),
        ("system", "Hurry."),
    ]
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "f", "parameters": {"type": "object"}, "description": "d", "strict": True},
        }
    ]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert (body["parallel_tool_calls"], body["stop"], body["top_k"]) == (False, ["END"], 3)
    assert (body["reasoning_effort"], body["max_tokens"], body["user"]) == ("low", 99, "u")
    assert body["response_format"]["json_schema"] == {"name": "answer", "schema": {"type": "object"}}
    assert lost(found) == [
        ("output_config.other", None, None),
        ("container", None, None),
        ("tool f: defer_loading", None, None),
        ("tool web_search", None, None),
        ("extra: cache_control", 0, 0),
        ("extra: signature", 2, 0),
        ("is_error", 4, None),
    ]


RESPONSES: dict[str, Any] = {
    "model": "gpt-mine",
    "stream": True,
    "instructions": "Be brief.",
    "input": [
        {
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [
                {"type": "input_text", "text": "See:", "prompt_cache_breakpoint": {"mode": "explicit"}},
                {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{IMAGE}"},
                {"type": "input_image", "detail": "high", "image_url": "https://e/i.png"},
                {
                    "type": "input_file",
                    "filename": "a.txt",
                    "file_data": "data:text/plain;base64,QSBub3RlLg==",
                },
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "I look.", "annotations": []}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'},
        {"type": "custom_tool_call", "call_id": "c2", "name": "sql", "input": "select 1"},
        {"type": "function_call_output", "call_id": "c1", "output": "18"},
        {
            "type": "custom_tool_call_output",
            "call_id": "c2",
            "output": [{"type": "input_text", "text": "1"}],
        },
        {"role": "assistant", "content": "Done."},
        {"type": None, "role": "assistant", "content": "Really."},
        {"type": None, "role": "developer", "content": "Hurry."},
    ],
    "tools": [
        {
            "type": "function",
            "name": "f",
            "description": "d",
            "parameters": {"type": "object"},
            "strict": False,
            "defer_loading": True,
        },
        {
            "type": "custom",
            "name": "sql",
            "format": {"type": "grammar", "syntax": "regex", "definition": "s.*"},
        },
        {"type": "web_search"},
    ],
    "tool_choice": {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "sql"}],
    },
    "parallel_tool_calls": True,
    "temperature": 0.5,
    "max_output_tokens": 99,
    "top_logprobs": 2,
    "text": {
        "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True},
        "verbosity": "low",
        "other": 1,
    },
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
    "store": False,
    "truncation": "disabled",
    "max_tool_calls": 3,
    "metadata": {},
    "background": False,
    "user": "u",
}


def test_a_responses_request_is_asked_of_a_chat_server() -> None:
    found = translate_request("responses", RESPONSES, Provider(config("openai")))
    body: dict[str, Any] = dict(found.prepared.body)
    system, user, *rest = body["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert user["content"] == [
        {"type": "text", "text": "See:"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
        {"type": "image_url", "image_url": {"url": "https://e/i.png", "detail": "high"}},
        {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,QSBub3RlLg=="}},
    ]
    assert rest == [
        {"role": "assistant", "content": "I look.", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
            {"id": "c2", "type": "custom", "custom": {"name": "sql", "input": "select 1"}},
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "18"},
        {"role": "tool", "tool_call_id": "c2", "content": "1"},
        {"role": "assistant", "content": "Done."},
        {"role": "assistant", "content": "Really."},
        {"role": "developer", "content": "Hurry."},
    ]  # fmt: skip
    grammar = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "s.*"}}
    function = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": False}
    assert body["tools"] == [
        {"type": "function", "function": function},
        {"type": "custom", "custom": {"name": "sql", "format": grammar}},
    ]
    tools = [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "sql"}}]
    allowed = {"mode": "required", "tools": tools}
    assert body["tool_choice"] == {"type": "allowed_tools", "allowed_tools": allowed}
    assert (body["max_completion_tokens"], body["temperature"], body["user"]) == (99, 0.5, "u")
    assert (body["reasoning_effort"], body["verbosity"], body["store"]) == ("low", "low", False)
    assert (body["logprobs"], body["top_logprobs"], body["parallel_tool_calls"]) == (True, 2, True)
    schema = {"name": "n", "schema": {"type": "object"}, "strict": True}
    assert body["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert lost(found) == [
        ("text.other", None, None),
        ("reasoning.summary", None, None),
        ("include: reasoning.encrypted_content", None, None),
        ("max_tool_calls", None, None),
        ("tool f: defer_loading", None, None),
        ("tool web_search", None, None),
        ("extra: prompt_cache_breakpoint", 1, 0),
        ("extra: status", 1, None),
        ("ReasoningPart", 2, 0),
        ("extra: item", 2, 1),
        ("extra: id", 2, 2),
    ]
    assert (found.asked.model, found.asked.stream, found.asked.include_usage) == ("gpt-mine", True, True)


def test_a_responses_request_is_asked_of_anthropic() -> None:
    given: dict[str, Any] = {"input": "Hello.", "max_output_tokens": 9}
    given |= {"tools": [{"type": "function", "name": "f"}]}
    given |= {"text": {"format": {"type": "text"}}, "tool_choice": {"type": "function", "name": "f"}}
    found = translate_request("responses", given, Provider(config("anthropic")))
    assert found.prepared.body == {
        "model": "some-model",
        "max_tokens": 9,
        "messages": ASK,
        "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}}],
        "tool_choice": {"type": "tool", "name": "f"},
    }
    assert lost(found) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [({"type": "json_object"}, {"type": "json_object"}), ({"type": "text"}, None), (None, None)],
)
def test_a_form_of_the_text_is_asked_for(text: Any, wanted: Any) -> None:
    body: dict[str, Any] = {"input": "Hello.", "text": {"format": text}, "reasoning": {"effort": None}}
    body |= {"tool_choice": "required", "top_logprobs": 0}
    asked = read_request("responses", body, Provider(config("openai")))
    assert asked.options.get("response_format") == wanted
    assert asked.options["tool_choice"] == "required"
    assert asked.left_out == ()


def test_a_chat_and_a_messages_request_are_asked_of_a_server_of_responses() -> None:
    target = Provider(config("openai/responses"))
    chat: dict[str, Any] = dict(translate_request("chat", CHAT, target).prepared.body)
    assert [item.get("type", item.get("role")) for item in chat["input"]] == [
        "system",
        "user",
        "function_call",
        "function_call_output",
    ]
    assert (chat["max_output_tokens"], chat["tool_choice"], chat["store"]) == (99, "required", False)
    messages: dict[str, Any] = dict(translate_request("messages", MESSAGES, target).prepared.body)
    assert [item.get("type", item.get("role")) for item in messages["input"]] == [
        *("system", "user", "assistant", "function_call", "function_call"),
        *("function_call_output", "function_call_output", "user", "system"),
    ]


def test_a_responses_request_of_the_same_family_keeps_what_only_that_family_knows() -> None:
    calls = [
        {"type": "shell_call", "call_id": "s1", "action": {"commands": ["ls"]}, "status": "completed"},
        {"type": "local_shell_call", "call_id": "l1", "action": {"type": "exec"}, "status": "completed"},
        {"type": "apply_patch_call", "call_id": "p1", "operation": {"type": "x"}, "status": "completed"},
        {"type": "computer_call", "call_id": "c1", "action": {"type": "wait"}, "status": "completed"},
    ]
    calls[3]["pending_safety_checks"] = []
    results = [
        {
            "type": "shell_call_output",
            "call_id": "s1",
            "output": [{"stdout": "a", "stderr": "b", "outcome": {"type": "exit", "exit_code": 1}}],
        },
        {"type": "local_shell_call_output", "id": "l1", "output": "a"},
        {"type": "apply_patch_call_output", "call_id": "p1", "status": "failed", "output": "no"},
        {
            "type": "computer_call_output",
            "call_id": "c1",
            "output": {"type": "computer_screenshot", "file_id": "file_1"},
        },
    ]
    contained = [
        {
            "type": "shell_call",
            "call_id": "s2",
            "action": {"commands": []},
            "environment": {"type": "container_reference"},
        },
        {"type": "shell_call_output", "call_id": "s2", "output": [{"stdout": "a"}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
    ]
    items: list[Any] = [
        {"type": "custom_tool_call_output", "call_id": "elsewhere", "output": ""},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAA"},
        {"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]},
        *contained,
        *calls,
        *results,
        {"type": "mcp_approval_response", "approval_request_id": "a1", "approve": True},
        {"type": "item_reference", "id": "msg_9"},
    ]
    asked: dict[str, Any] = {
        "input": items,
        "previous_response_id": "resp_1",
        "tools": [
            {"type": "web_search"},
            {"type": "function", "name": "f", "parameters": {}, "strict": None, "defer_loading": True},
            RESPONSES["tools"][1],
        ],
        "tool_choice": {"type": "function", "name": "f"},
        "truncation": "auto",
        "instructions": "Be brief.",
    }
    found = translate_request("responses", asked, Provider(config("openai/responses")))
    assert found.prepared.left_out == ()
    # What the client leaves out is left to its server, which keeps a response unless it is asked not to.
    assert found.prepared.body == {"model": "some-model", **asked}


def test_a_client_that_asks_its_server_to_keep_nothing_is_obeyed() -> None:
    body: dict[str, Any] = {"input": "Hello.", "store": False, "include": ["reasoning.encrypted_content"]}
    found = translate_request("responses", body, Provider(config("openai/responses")))
    assert found.prepared.body["store"] is False
    assert found.prepared.body["include"] == body["include"]


@pytest.mark.parametrize(
    ("choice", "wanted"), [("auto", "auto"), ("any", "required"), ("none", "none"), ("odd", "odd")]
)
def test_a_tool_choice_is_said_in_openais_words(choice: str, wanted: str) -> None:
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    body: dict[str, Any] = {"messages": ASK, "tools": tools, "tool_choice": {"type": choice}}
    assert read_request("messages", body, Provider(config("ollama"))).options["tool_choice"] == wanted


def test_a_budget_is_asked_for_where_there_is_one() -> None:
    body: dict[str, Any] = {"messages": ASK, "thinking": {"type": "enabled", "budget_tokens": 2048}}
    asked = read_request("messages", body, Provider(config("openrouter")))
    assert asked.options == {"reasoning_budget": 2048}
    adaptive = translated("messages", "openai", thinking={"type": "adaptive"})
    assert lost(adaptive) == [("thinking", None, None)]


@pytest.mark.parametrize(
    ("api", "type", "more"),
    [
        (
            "messages",
            "anthropic",
            {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 4096},
        ),
        ("chat", "openai", {"logit_bias": {"1": 2}, "n": 1}),
    ],
)
def test_a_request_of_the_same_family_keeps_what_only_that_family_knows(
    api: str, type: str, more: dict[str, Any]
) -> None:
    cached = {"type": "text", "text": "Hello.", "cache_control": {"type": "ephemeral"}}
    tool = {"type": "web_search_20250305", "name": "web_search"}
    given: dict[str, Any] = {"messages": [{"role": "user", "content": [cached]}], "tools": [tool], **more}
    if api == "chat":
        del given["tools"]
    found = translated(api, type, **given)
    assert found.prepared.body["messages"] == given["messages"]
    assert found.prepared.left_out == ()
    assert more.items() <= {"max_tokens": 9, **found.prepared.body}.items()


NESTED = ("content", "output", "tool_calls", "summary")


def with_own_fields(value: Any) -> Any:
    """A message, item or block with a field that no API has, and so each of those in it."""
    if isinstance(value, list):
        return [with_own_fields(each) for each in value]
    if not isinstance(value, dict):
        return value
    inner = {name: with_own_fields(each) if name in NESTED else each for name, each in value.items()}
    return {**inner, "own_field": 1}


PNG = f"data:image/png;base64,{IMAGE}"
TEXT_DATA = {"type": "text", "media_type": "text/plain", "data": "A note."}
CONVERSATIONS: dict[str, list[Any]] = {
    "openai": [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "user", "content": [
            {"type": "text", "text": "See:"},
            {"type": "image_url", "image_url": {"url": PNG, "detail": "high"}},
            {"type": "image_url", "image_url": {"url": "https://e/i.png"}},
            {"type": "input_audio", "input_audio": {"data": IMAGE, "format": "wav"}},
            {"type": "file", "file": {"file_id": "file_1"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        ]},
        {"role": "assistant", "content": "I look.", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
            {"id": "c2", "type": "custom", "custom": {"name": "sql", "input": "select 1"}},
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "18"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "1"}]},
        {"role": "assistant", "content": None, "refusal": "No."},
    ],
    "anthropic": [
        {"role": "user", "content": [
            {"type": "text", "text": "See:"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
            {"type": "image", "source": {"type": "url", "url": "https://e/i.png"}},
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
            {"type": "document", "source": TEXT_DATA, "title": "notes"},
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
            {"type": "search_result", "source": "a", "title": "b", "content": []},
        ]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "AAAA"},
            {"type": "text", "text": "I look."},
            {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "a"}},
            {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "18"}]},
            {"type": "text", "text": "Go on."},
        ]},
    ],
    "openai/responses": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [
            {"type": "input_text", "text": "See:"},
            {"type": "input_image", "detail": "high", "image_url": PNG},
            {"type": "input_image", "detail": "auto", "file_id": "file_1"},
            {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,QSBub3RlLg=="},
            {"type": "input_file", "file_url": "https://e/a.pdf"},
            {"type": "input_file", "file_id": "file_1"},
        ]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "I look.", "annotations": []},
            {"type": "refusal", "refusal": "No."},
        ]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'},
        {"type": "custom_tool_call", "call_id": "c2", "name": "sql", "input": "select 1"},
        {"type": "function_call_output", "call_id": "c1", "output": "18"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "1"}]},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAA"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("type", CONVERSATIONS)
def test_a_conversation_goes_to_the_same_family_as_it_is_with_fields_that_are_not_known(type: str) -> None:
    given = with_own_fields(CONVERSATIONS[type])
    if type == "anthropic":  # whose messages have no other fields
        given = [{name: each[name] for name in ("role", "content")} for each in given]
    body: dict[str, Any] = {"input": given} if type.endswith("responses") else {"messages": given}
    api = {"anthropic": "messages", "openai": "chat"}.get(type, "responses")
    found = translate_request(api, body, Provider(config(type)))
    assert found.prepared.body[next(iter(body))] == given
    assert found.prepared.left_out == ()


USED: JSONObject = {"type": "object", "properties": {"a": {"type": "integer"}}}
COMMON: dict[str, dict[str, Any]] = {
    "chat": {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": "I look.", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "18"},
        ],
        "tools": [{"type": "function",
                   "function": {"name": "f", "strict": True, "description": "d", "parameters": USED}}],
        "tool_choice": "required",
        "max_completion_tokens": 90,
        "stream": True,
        "n": 1,
    },
    "messages": {
        "model": "m",
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "18"}]},
        ],
        "tools": [{"type": "custom", "name": "f", "strict": True, "description": "d", "input_schema": USED}],
        "tool_choice": {"type": "any"},
        "max_tokens": 90,
        "stream": True,
    },
    "responses": {
        "model": "m",
        "instructions": "Be brief.",
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
            {"type": "function_call_output", "call_id": "c1", "output": "18"},
        ],
        "tools": [{"type": "function", "name": "f", "strict": True, "description": "d", "parameters": USED}],
        "tool_choice": "required",
        "max_output_tokens": 90,
        "stream": True,
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", ["openai", "vllm", "anthropic", "openai/responses"])
def test_what_all_families_know_is_the_same_from_each_and_nothing_is_lost(kind: str) -> None:
    own = {"anthropic": "messages"}.get(kind, kind.partition("/")[2] or "chat")
    bodies = []
    for api, body in COMMON.items():
        found = translate_request(api, body, Provider(config(kind)))
        assert lost(found) == []
        assert (found.asked.model, found.asked.stream) == ("m", True)
        if api != own:  # whose fields are kept as they are
            bodies.append(found.prepared.body)
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("type", ["anthropic", "openai"])
def test_what_is_translated_is_what_the_provider_takes(type: str) -> None:
    api = "chat" if type == "anthropic" else "messages"
    target = Provider(config(type))
    asked = read_request(api, CHAT if api == "chat" else {**MESSAGES, "tools": MESSAGES["tools"][:1]}, target)
    if api == "messages":
        asked.options.pop("tool_choice")
    step = target.call(asked.messages, asked.tools, unsupported="drop", options=asked.options).next_step()
    request = target.authorize(step.request, "any")  # type: ignore[union-attr]  # a first step is a Send
    response = FakeProvider(type).respond(request)
    assert response.status == 200, response.body


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"messages": []}, "messages: a list"),
        ({"messages": None}, "messages: a list"),
        ({"messages": ["x"]}, "message 0: must be an object"),
        ({"messages": [{"role": "user"}]}, "message 0, content: is missing"),
        ({"messages": ASK, "functions": []}, "functions: is an old form; write tools"),
        (
            {"messages": [{"role": "user", "content": [{"type": "video_url"}]}]},
            "message 0, part 0: .*'video_url'",
        ),
    ],
)
def test_a_chat_request_that_cannot_be_read_says_where(body: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        read_request("chat", body, Provider(config("anthropic")))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"messages": []}, "messages: a list"),
        ({"messages": ["x"]}, r"messages\.0: needs a role"),
        ({"messages": [{"role": "user", "content": 7}]}, r"messages\.0: the content must be"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, r"messages\.0: the content must be"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "needs a tool_use_id"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}, "part 0: .*image"),
        (
            {"messages": [{"role": "user", "content": [{"type": "search_result"}]}]},
            "part 0: .*'search_result'",
        ),
    ],
)
def test_a_messages_request_that_cannot_be_read_says_where(body: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        read_request("messages", body, Provider(config("openai")))


ITEM_FAULTS: list[tuple[Any, str]] = [
    ([], "input: a text, or a list"),
    (None, "input: a text, or a list"),
    (["x"], r"input\[0\]: must be an object"),
    ([{"role": "nobody", "content": "x"}], r"input\[0\]: role is 'nobody'"),
    ([{"role": "user", "content": 7}], r"input\[0\]: the content must be"),
    ([{"role": "user", "content": ["x"]}], r"input\[0\]: the content must be"),
    ([{"role": "assistant", "content": 7}], r"input\[0\]: .*content is not a list"),
    ([{"role": "assistant", "content": []}], r"input\[0\]: a message needs its content"),
    ([{"type": "function_call", "call_id": "c", "name": "f"}], r"input\[0\]: .* needs a call_id, a name"),
    ([{"type": "function_call_output", "output": "x"}], r"input\[0\]: a result needs the call_id"),
    (
        [{"role": "user", "content": [{"type": "input_image", "image_url": ""}]}],
        "message 0, part 0: .*'input_image'",
    ),
    ([{"role": "user", "content": [{"type": "input_audio"}]}], "message 0, part 0: .*'input_audio'"),
    ([{"type": "compaction", "encrypted_content": "x"}], "message 0, part 0: .*'compaction'"),
    ([{"type": "item_reference", "id": "x"}], "message 0, part 0: .*'item_reference'"),
]


@pytest.mark.parametrize(("items", "words"), ITEM_FAULTS)
def test_a_responses_request_that_cannot_be_read_says_where(items: Any, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words) as caught:
        read_request("responses", {"input": items}, Provider(config("openai")))
    assert caught.value.index == (0 if items else None)


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "prompt", "background"])
def test_what_a_client_wants_kept_is_refused_by_name_where_nothing_is_kept(name: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"{name}: .* keeps nothing; leave it out"):
        read_request("responses", {"input": "Hello.", name: "x"}, Provider(config("anthropic")))


def test_a_file_is_asked_for_by_its_id() -> None:
    blocks = [{"type": "document", "source": {"type": "file", "file_id": "file_1"}}]
    found = translated("messages", "openai", messages=[{"role": "user", "content": blocks}])
    assert found.prepared.body["messages"] == [
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "file_1"}}]}
    ]


def test_bytes_that_show_no_type_keep_the_one_that_was_said() -> None:
    source = {"type": "base64", "media_type": "image/webp", "data": "eHh4"}
    blocks = [{"type": "image", "source": source}]
    found = translated("messages", "openai", messages=[{"role": "user", "content": blocks}])
    image = {"type": "image_url", "image_url": {"url": "data:image/webp;base64,eHh4"}}
    assert found.prepared.body["messages"] == [{"role": "user", "content": [image]}]


def test_results_alone_are_no_message_of_the_users() -> None:
    turns = [*MESSAGES["messages"][:2], {"role": "user", "content": MESSAGES["messages"][2]["content"][1:]}]
    asked = read_request("messages", {"messages": turns}, Provider(config("openai")))
    assert [message.role for message in asked.messages] == ["user", "assistant", "tool", "tool"]


def test_a_system_text_and_an_empty_tool_list_are_read() -> None:
    found = translated("messages", "openai", system="Be brief.", tools=None)
    assert found.prepared.body["messages"] == [{"role": "system", "content": "Be brief."}, *ASK]


LOSING: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("anthropic", {"messages": [{"role": "user", "content": [{"type": "text"}]}], "max_tokens": 9}),
    "messages": ("openai", {"messages": [{"role": "user", "content": [{"type": "text"}]}], "max_tokens": 9}),
    "responses": ("openai", {"input": [{"role": "user", "content": [{"type": "input_text"}]}]}),
}


@pytest.mark.parametrize("api", LOSING)
def test_all_fields_that_are_lost_are_named(api: str) -> None:
    kind, body = copy.deepcopy(LOSING[api])
    (message,) = body["input" if api == "responses" else "messages"]
    message["content"][0] |= {"text": "Hi", "part_a": 1, "part_b": 2}
    expected: list[object] = [("extra: part_a, part_b", 0, 0)]
    if api != "messages":
        message |= {"message_a": 1, "message_b": 2}
        expected.append(("extra: message_a, message_b", 0, None))
    if api != "chat":
        form = "input_schema" if api == "messages" else "parameters"
        body["tools"] = [{"name": "f", form: {}, "tool_a": 1, "tool_b": 2, "type": "function"}]
        if api == "messages":
            body["tools"][0]["type"] = "custom"
        expected.insert(0, ("tool f: tool_a, tool_b", None, None))
    assert lost(translate_request(api, body, Provider(config(kind)))) == expected


PDF = "JVBERi0="
READ: list[tuple[str, dict[str, Any], Part]] = [
    ("chat", {"type": "text", "text": "Hi"}, TextPart("Hi")),
    ("chat", {"type": "image_url", "image_url": {"url": "https://e/i"}}, ImagePart(url="https://e/i")),
    (
        "chat",
        {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
        ImagePart(data=b"\x89PNG", media_type="image/png", detail="low"),
    ),
    ("messages", {"type": "text", "text": "Hi"}, TextPart("Hi")),
    (
        "messages",
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
        ImagePart(data=b"\x89PNG", media_type="image/png"),
    ),
    (
        "messages",
        {"type": "image", "source": {"type": "url", "url": "https://e/i"}},
        ImagePart(url="https://e/i"),
    ),
    ("messages", {"type": "image", "source": {"type": "file", "file_id": "f"}}, ImagePart(file_id="f")),
    (
        "messages",
        {"type": "document", "title": "t", "source": TEXT_DATA},
        DocumentPart(data=b"A note.", media_type="text/plain", name="t"),
    ),
    (
        "messages",
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
        DocumentPart(data=b"%PDF-", media_type="application/pdf"),
    ),
    ("messages", {"type": "document", "source": {"type": "file", "file_id": "f"}}, DocumentPart(file_id="f")),
    (
        "messages",
        {"type": "document", "source": {"type": "url", "url": "https://e/a"}},
        DocumentPart(url="https://e/a"),
    ),
    ("responses", {"type": "input_text", "text": "Hi"}, TextPart("Hi")),
    ("responses", {"type": "input_image", "image_url": "https://e/i"}, ImagePart(url="https://e/i")),
    (
        "responses",
        {"type": "input_image", "file_id": "f", "detail": "low"},
        ImagePart(file_id="f", detail="low"),
    ),
    (
        "responses",
        {"type": "input_image", "image_url": PNG},
        ImagePart(data=b"\x89PNG", media_type="image/png"),
    ),
    (
        "responses",
        {"type": "input_file", "filename": "n", "file_data": f"data:application/pdf;base64,{PDF}"},
        DocumentPart(data=b"%PDF-", media_type="application/pdf", name="n"),
    ),
    ("responses", {"type": "input_file", "file_url": "https://e/a"}, DocumentPart(url="https://e/a")),
    ("responses", {"type": "input_file", "file_id": "f"}, DocumentPart(file_id="f")),
]


@for_each(READ)
def test_each_block_is_read_as_a_part(case: tuple[str, dict[str, Any], Part]) -> None:
    api, block, part = case
    field = "input" if api == "responses" else "messages"
    given: dict[str, Any] = {field: [{"role": "user", "content": [block]}]}
    for kind in ("openai", "anthropic"):  # the same family, or another
        asked = read_request(api, given, Provider(config(kind)))
        (message,) = asked.messages
        assert message.parts == (part,)
        assert asked.left_out == ()
