"""How requests of each family are read, as in `goldens/read.txt`.

The bodies are written by hand, by the reference of each API. For each, the file has what is asked of a
provider of the same family and of one of another: messages, tools, options, and what is lost on the way.
`python -m tests.sansio.test_translate_read` writes the file anew; read what changed before you keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from sansio import InvalidRequestError, Provider
from sansio.translate import read_request
from tests.sansio.showing import check_golden, shown, write_golden
from tests.sansio.wires import Record, config

GOLDEN = "read.txt"
TARGETS = {
    "chat": ("openai", "anthropic"),
    "messages": ("anthropic", "openai"),
    "responses": ("openai/responses", "openai"),
}
"""By the family of the client: a provider that speaks the same family, and one that speaks another."""

PNG = "iVBORw=="
PDF = "JVBERi0="
USER: Record = {"role": "user", "content": "Hi"}
SCHEMA: Record = {"type": "object", "properties": {"a": {"type": "integer"}}}


def chat(*messages: Any, **more: Any) -> Record:
    return {"messages": [*messages] or [USER], **more}


def user(*blocks: Any, **more: Any) -> Record:
    return {"role": "user", "content": [*blocks], **more}


def assistant(*blocks: Any, **more: Any) -> Record:
    return {"role": "assistant", "content": [*blocks], **more}


def source(**fields: Any) -> Record:
    return {"source": fields}


def items(*given: Any, **more: Any) -> Record:
    return {"input": [*given], **more}


CALL: Record = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
CHAT: dict[str, Record] = {
    "all kinds of messages": chat(
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        user(
            {"type": "text", "text": "See:"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
            {"type": "file", "file": {"file_id": "file_1"}},
            {"type": "file", "file": {"filename": "a.pdf",
                "file_data": f"data:application/pdf;base64,{PDF}"}},
        ),
        {"role": "assistant", "content": "I look.", "reasoning_content": "Hm.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "18"},
        {"role": "assistant", "content": None, "refusal": "No.", "audio": {"id": "a1"}},
    ),
    "fields that only chat completions have": chat(
        user({"type": "text", "text": "a", "own": 1, "more": 2}, {"type": "text", "text": "b"}, name="bob"),
        {"role": "assistant", "content": "Hi", "own": 1},
        {"role": "user", "content": "c", "name": "bob", "own": 2},
    ),
    "options": chat(
        model="m", stream=True, stream_options={"include_usage": True}, temperature=0.5, stop=["a"], seed=3,
        n=1, user="u", logit_bias={"1": 2}, own=1, top_p=None, max_tokens=9, response_format={"type": "text"},
        tools=[{"type": "function", "function": {"name": "f"}}, "odd"], tool_choice="auto",
    ),
    "the usage is not asked for": chat(stream=True, stream_options={"include_usage": False}),
    "the usage is asked for by another word": chat(stream="yes", stream_options={"include_usage": 1}),
    "values of other types": chat(model=5, stream=1, stream_options="all", tools={"a": 1}),
    "several answers": chat(n=2),
    "the old form of tools": chat(functions=[{"name": "f"}], function_call="auto"),
    "the old form of the choice": chat(function_call="auto"),
    "the old form, left empty": chat(functions=None, function_call=None),
    "no messages": {"model": "m"},
    "an empty list": {"messages": []},
    "messages that are not a list": {"messages": {"role": "user"}},
    "a message that is not an object": chat(USER, "Hi"),
    "a message without content": chat(USER, {"role": "user"}),
    "a part that only chat completions know": chat(USER, user({"type": "text", "text": "a"},
        {"type": "video_url"})),
}  # fmt: skip

RESULT: Record = {"type": "tool_result", "tool_use_id": "t1"}
MESSAGES: dict[str, Record] = {
    "all kinds of blocks": chat(
        user(
            {"type": "text", "text": "See:", "cache_control": {"type": "ephemeral"}},
            {"type": "image", **source(type="base64", media_type="image/gif", data="R0lG"), "own": 1},
            {"type": "image", **source(type="url", url="https://e/i.png")},
            {"type": "image", **source(type="file", file_id="file_1")},
            {"type": "document", **source(type="text", media_type="text/plain", data="A note."),
                "title": "n"},
            {"type": "document", **source(type="base64", media_type="application/pdf", data=PDF),
                "context": "c"},
            {"type": "document", **source(type="url", url="https://e/a.pdf"), "title": None},
            {"type": "document", **source(type="base64", media_type="text/csv", data="YSxi"), "title": 5},
            {"type": "document", **source(type="file", file_id="file_2"), "citations": {"enabled": True}},
        ),
        assistant(
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "AAAA"},
            {"type": "text", "text": "I look."},
            {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "a"}},
            {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}},
            {"type": "tool_use", "id": "t2", "name": "f", "input": "odd"},
        ),
        user(
            {**RESULT, "content": "18", "is_error": False, "cache_control": {"type": "ephemeral"}},
            {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "no"}],
             "is_error": True},
            {"type": "text", "text": "Go on."},
        ),
        {"role": "system", "content": [{"type": "text", "text": "Hurry."}]},
        {"role": "assistant", "content": "Done."},
    ),
    "sources that cannot be read": chat(
        user(
            {"type": "image", **source(type="base64", media_type="image/png", data="%")},
            {"type": "document", **source(type="base64", data=PDF)},
            {"type": "image", "source": "https://e/i.png"},
            {"type": "video", **source(type="url", url="https://e/v")},
        )
    ),
    "a block that only Anthropic knows": chat(USER, user({"type": "text", "text": "a"},
        {"type": "search_result"})),
    "a result without content, and one of another form": chat(
        USER, user(RESULT, {**RESULT, "is_error": "yes", "content": None, "own": 1})
    ),
    "a turn without blocks": chat(user()),
    "system as text": chat(system="Be brief."),
    "system as blocks": chat(
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "Be kind."}]
    ),
    "an empty system": chat(system=""),
    "options": chat(
        model="m", stream=True, max_tokens=9, temperature=0.5, top_p=0.9, top_k=3, stop_sequences=["END"],
        metadata={"user_id": "u"}, tool_choice={"type": "auto"}, thinking={"type": "disabled"},
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}, "own": 1},
        service_tier="auto", container=None, own=1,
    ),
    "a budget": chat(thinking={"type": "enabled", "budget_tokens": 2048}),
    "options of other forms": chat(
        stop_sequences="END", metadata={"user_id": 5}, tool_choice="auto", thinking={"type": "adaptive"},
        output_config={"effort": 1, "format": {"type": "text"}}, stream="yes", model=None,
    ),
    "output_config of another form": chat(output_config=[]),
    "a budget of another form": chat(thinking={"type": "enabled", "budget_tokens": "all"}),
    "a choice of any": chat(tool_choice={"type": "any", "disable_parallel_tool_use": False}),
    "a choice of none": chat(tool_choice={"type": "none", "disable_parallel_tool_use": "yes"}),
    "a choice of one": chat(tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
    "a choice that is not known": chat(tool_choice={"type": "own"}),
    "tools": chat(
        tools=[
            {"name": "f", "input_schema": SCHEMA, "description": "d", "strict": True},
            {"type": "custom", "name": "g", "input_schema": SCHEMA, "defer_loading": True, "own": 1},
            {"type": "web_search_20250305", "name": "web_search"},
            "odd",
        ]
    ),
    "no messages": {"model": "m", "system": "Be brief."},
    "an empty list": {"messages": []},
    "messages that are not a list": {"messages": {"role": "user"}},
    "a turn that is not an object": chat(USER, "Hi"),
    "a turn of another role": chat(USER, {"role": "tool", "content": "18"}),
    "a turn without content": chat(USER, {"role": "assistant"}),
    "a user's content of another type": chat(USER, {"role": "user", "content": 5}),
    "an assistant's content of another type": chat(USER, {"role": "assistant", "content": 5}),
    "a system's content of another type": chat(USER, {"role": "system", "content": 5}),
    "a block that is not an object": chat(USER, user({"type": "text", "text": "a"}, "b")),
    "a result without an id": chat(USER, user({"type": "tool_result", "content": "18"})),
    "a result's content of another type": chat(USER, user({**RESULT, "content": 5})),
    "a system's content of another type, at the top": chat(USER, USER, system=5),
}  # fmt: skip

MODELS = {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed"}
RESPONSES: dict[str, Record] = {
    "a text": {"input": "Hi", "instructions": "Be brief."},
    "instructions that are empty": {"input": "Hi", "instructions": ""},
    "instructions of another type": {"input": "Hi", "instructions": ["a"]},
    "all kinds of blocks": items(
        {"role": "system", "content": "Be brief."},
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be kind."}]},
        user(
            {"type": "input_text", "text": "See:", "own": 1},
            {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PNG}"},
            {"type": "input_image", "detail": "high", "image_url": "https://e/i.png", "own": 1},
            {"type": "input_image", "detail": None, "file_id": "file_1"},
            {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,QSBub3RlLg=="},
            {"type": "input_file", "file_url": "https://e/a.pdf", "own": 1},
            {"type": "input_file", "file_id": "file_2", "filename": 5},
            type=None, status="completed",
        ),
        {**MODELS, "content": [{"type": "output_text", "text": "I look.", "annotations": []},
                               {"type": "refusal", "refusal": "No."}]},
    ),
    "blocks that name no source": items(
        user({"type": "input_image", "image_url": ""}, {"type": "input_file", "filename": "a"},
             {"type": "input_text", "text": 5}, {"type": "input_audio"})
    ),
    "what the model made": items(
        USER,
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}],
         "encrypted_content": "gAAA"},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
        {"type": "custom_tool_call", "call_id": "c2", "name": "sql", "input": "select 1"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
        {"type": "function_call_output", "call_id": "c1", "output": "18"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "1"}]},
        {"role": "assistant", "content": "Done."},
        {"type": None, "role": "assistant", "content": "Really."},
        USER,
    ),
    "messages of the model beside each other": items(
        USER,
        {**MODELS, "content": [{"type": "output_text", "text": "One."}]},
        {**MODELS, "id": "msg_2", "content": [{"type": "output_text", "text": "Two."}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Three."}]},
    ),
    "calls of built-in tools and their results": items(
        USER,
        {"type": "shell_call", "call_id": "s1", "action": {"commands": ["ls"]}, "status": "completed"},
        {"type": "local_shell_call", "call_id": "l1", "action": {"type": "exec"}, "status": "completed"},
        {"type": "apply_patch_call", "call_id": "p1", "operation": {"type": "x"}, "status": "completed"},
        {"type": "computer_call", "call_id": "k1", "action": {"type": "wait"}, "status": "completed"},
        {"type": "shell_call_output", "call_id": "s1", "max_output_length": 9, "output": [
            {"stdout": "a", "stderr": "b", "outcome": {"type": "exit", "exit_code": 0}}, {"stdout": None},
            "odd"]},
        {"type": "local_shell_call_output", "id": "l1", "output": "a"},
        {"type": "apply_patch_call_output", "call_id": "p1", "status": "completed", "output": "yes"},
        {"type": "computer_call_output", "call_id": "k1",
         "output": {"type": "computer_screenshot", "file_id": "file_1"}},
    ),
    "built-in tools that failed": items(
        USER,
        {"type": "shell_call", "call_id": "s1", "action": {"commands": ["ls"]}, "status": "completed"},
        {"type": "apply_patch_call", "call_id": "p1", "operation": {"type": "x"}, "status": "completed"},
        {"type": "shell_call_output", "call_id": "s1",
         "output": [{"stdout": "a", "outcome": {"type": "exit", "exit_code": 2}}]},
        {"type": "shell_call_output", "call_id": "s1", "output": [{"outcome": {"type": "timeout"}}]},
        {"type": "apply_patch_call_output", "call_id": "p1", "status": "failed", "output": None},
    ),
    "results whose calls the server has": items(
        {"type": "function_call_output", "call_id": "c1", "output": "18", "id": "fco_1"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "1"},
        {"type": "shell_call_output", "call_id": "s1", "output": "a"},
    ),
    "a shell in the server's container": items(
        USER,
        {"type": "shell_call", "call_id": "s2", "action": {"commands": []},
         "environment": {"type": "container_reference"}},
        {"type": "shell_call_output", "call_id": "s2", "output": [{"stdout": "a"}]},
    ),
    "items that only the application writes": items(
        {"type": "item_reference", "id": "msg_9"}, USER, {"type": "compaction", "encrypted_content": "gAAA"},
    ),
    "options": {
        "input": "Hi", "model": "m", "stream": True, "temperature": 0.5, "top_p": 0.9,
        "max_output_tokens": 99,
        "top_logprobs": 2, "parallel_tool_calls": False, "user": "u", "metadata": {"a": "b"},
        "service_tier": "flex", "store": True, "prompt_cache_key": "k", "safety_identifier": "s",
        "truncation": "auto", "max_tool_calls": 3, "own": 1, "include": ["message.output_text.logprobs",
            "own"],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True},
                 "verbosity": "low", "own": 1, "none": None},
        "reasoning": {"effort": "low", "summary": "auto", "own": None},
        "tool_choice": {"type": "function", "name": "f"},
    },
    "options that mean what their absence means": {
        "input": "Hi", "truncation": "disabled", "metadata": {}, "tool_choice": "auto", "top_logprobs": 0,
        "text": {"format": {"type": "text"}}, "reasoning": {"effort": None}, "include": [], "store": None,
    },
    "options of other forms": {
        "input": "Hi", "model": 5, "stream": 1, "text": "a", "reasoning": "low", "include": "all",
        "tool_choice": "required",
    },
    "a form of the text": {"input": "Hi", "text": {"format": {"type": "json_object"}}},
    "allowed tools": {
        "input": "Hi",
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [
            {"type": "function", "name": "f"}, {"type": "custom", "name": "sql"}, {"type": "web_search"}]},
    },
    "a choice of the server's own": {"input": "Hi", "tool_choice": {"type": "file_search"}},
    "tools": {
        "input": "Hi",
        "tools": [
            {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": False,
             "defer_loading": True, "own": 1},
            {"type": "function", "name": "g", "parameters": None},
            {"type": "custom", "name": "sql", "format": {"type": "grammar", "syntax": "regex",
                "definition": "s"}},
            {"type": "custom", "name": "free", "description": "d", "format": {"type": "text"}},
            {"type": "web_search"},
            {"type": "mcp", "server_label": "docs"},
            {"type": "namespace", "name": "crm", "server_label": "docs"},
            "odd",
        ],
    },
    **{
        f"what the server keeps: {name}": {"input": "Hi", name: value}
        for name, value in (
            ("previous_response_id", "r"), ("conversation", "c"), ("prompt", {"id": "p"}), ("background",
                True),
        )
    },
    "what the server does not keep": {"input": "Hi", "background": False, "conversation": None},
    "no input": {"model": "m"},
    "an empty list": {"input": []},
    "an empty text": {"input": ""},
    "an item that is not an object": items(USER, "Hi"),
    "an item of another role": items(USER, {"role": "tool", "content": "a"}),
    "content of another type": items(USER, {"role": "user", "content": 5}),
    "a block that is not an object": items(USER, user({"type": "input_text", "text": "a"}, "b")),
    "a call without a name": items(USER, {"type": "function_call", "call_id": "c1", "arguments": "{}"}),
    "a call without arguments": items(USER, {"type": "function_call", "call_id": "c1", "name": "f"}),
    "a custom call without input": items(USER, {"type": "custom_tool_call", "call_id": "c1", "name": "f"}),
    "a model's message without content": items(USER, {"role": "assistant", "content": None}),
    "a model's message of another form": items(USER, {"role": "assistant", "content": [5]}),
    "a result without an id": items(USER, {"type": "function_call_output", "output": "18"}),
    "a local shell's result without an id": items(USER, {"type": "local_shell_call_output", "call_id": "l1"}),
    "a result of another type": items(USER, {"type": "function_call_output", "call_id": "c1", "output": 5}),
}  # fmt: skip

BODIES = {"chat": CHAT, "messages": MESSAGES, "responses": RESPONSES}


def read(api: str, kind: str, body: Record) -> Iterator[str]:
    """What is asked of a provider, field by field."""
    try:
        asked = read_request(api, body, Provider(config(kind)))
    except InvalidRequestError as error:
        yield f"{kind}: {shown(error)}"
        return
    assert all(each.why.strip() for each in asked.left_out)
    yield f"{kind}: model={asked.model!r}, stream={asked.stream}, include_usage={asked.include_usage}"
    yield from (f"  {shown(message)}" for message in asked.messages)
    yield from (f"  tool {shown(tool)}" for tool in asked.tools)
    yield from (f"  option {name}={shown(value)}" for name, value in asked.options.items())
    yield from (f"  lost {shown(msgspec.structs.replace(each, why=''))}" for each in asked.left_out)


def lines() -> Iterator[str]:
    for api, bodies in BODIES.items():
        for name, body in bodies.items():
            yield f"=== {api}: {name}"
            for kind in TARGETS[api]:
                yield from read(api, kind, body)


def test_requests_are_read_as_they_are_written_down() -> None:
    check_golden(GOLDEN, lines())


if __name__ == "__main__":
    write_golden(GOLDEN, lines())
