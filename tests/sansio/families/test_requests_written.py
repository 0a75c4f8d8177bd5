"""What requests of OpenAI's and Anthropic's families say, as in `goldens/requests_written.txt`.

The file has what is sent, what is left out, and what is refused and where: for each part in a message of each
role, for fields in their `extra`, for tools and choices, and for options with values in and out of range.
`python -m tests.sansio.families.test_requests_written` writes it anew; read what changed before you keep it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from sansio import (
    AudioPart,
    Citation,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from tests.sansio.showing import check_golden, shown, write_golden
from tests.sansio.wires import Record, config

GOLDEN = "requests_written.txt"
KINDS = ("openai", "openrouter", "anthropic", "openai/responses", "vllm/responses")
OTHERS = ("vllm", "deepseek", "mistral", "minimax")
"""Types whose servers take reasoning back in another way."""
USER = Message(Role.USER, "Hi")
PDF = b"%PDF-1"
JPEG = b"\xff\xd8\xff\xe0"
URL = "https://e/a"
EXTRA: Record = {"own": 1}

FILES: dict[str, Part] = {
    "image": ImagePart(data=JPEG, detail="low", extra=EXTRA),
    "image by url": ImagePart(url=URL, detail="auto"),
    "image by data url": ImagePart(url="data:image/png;base64,iVBORw=="),
    "image by malformed data url": ImagePart(url="data:image/png;base64,%"),
    "image by id": ImagePart(file_id="file_1"),
    "image of a rare type": ImagePart(data=b"BM", media_type="image/bmp"),
    "wav": AudioPart(data=b"RIFF\x24\x00\x00\x00WAVEfmt ", media_type="audio/x-own", extra=EXTRA),
    "mp3": AudioPart(data=b"x", media_type="audio/mpeg"),
    "flac": AudioPart(data=b"fLaC", media_type="audio/wav"),
    "sound by url": AudioPart(url=URL),
    "pdf": DocumentPart(data=PDF, name="a.pdf", extra=EXTRA),
    "pdf without a name": DocumentPart(data=PDF),
    "document by url": DocumentPart(url=URL, name="a"),
    "document by id": DocumentPart(file_id="file_1", name="a", extra=EXTRA),
    "text file": DocumentPart(data=b"A note.", media_type="text/markdown", name="n", extra=EXTRA),
    "text file without a name": DocumentPart(data=b"A note.", media_type="text/plain"),
    "text that is not UTF-8": DocumentPart(data=b"\xe9", media_type="text/plain"),
    "text by url": DocumentPart(url=URL, media_type="text/plain"),
    "document of a rare type": DocumentPart(data=b"x", media_type="application/msword"),
}
SAID: dict[str, Part] = {
    "text": TextPart("a", extra=EXTRA),
    "blank text": TextPart(" "),
    "cited text": TextPart(
        "So.", (Citation(URL, "A", "So", 0, 2, {"type": "url_citation"}), Citation(None, "B"))
    ),
    "reasoning": ReasoningPart("Hm."),
    "reasoning in a field": ReasoningPart("Hm.", {"field": "reasoning", "reasoning_content": "H"}),
    "reasoning between tags": ReasoningPart("Hm.", {"field": "<think>"}),
    "reasoning in the content": ReasoningPart("Hm.", {"field": "content"}),
    "signed reasoning": ReasoningPart("Hm.", {"signature": "s"}),
    "sealed reasoning": ReasoningPart("", {"type": "redacted_thinking", "data": "AA"}),
    "a detail of reasoning": ReasoningPart("Hm.", {"type": "reasoning.summary", "index": 0}),
    "a sealed detail": ReasoningPart("", {"type": "reasoning.encrypted", "data": "AA"}),
    "reasoning with an id": ReasoningPart("Hm.", {"item": {"id": "rs_1"}}),
    "reasoning with encryption": ReasoningPart("Hm.", {"item": {"encrypted_content": "AA"}}),
    "reasoning of an item": ReasoningPart("Hm.", {"item": {"own": 1}}),
    "refusal": RefusalPart("No.", EXTRA),
    "call": ToolCall("c1", "f", {"a": 1}, extra=EXTRA),
    "blank call": ToolCall("c1", "f", raw_arguments=" "),
    "call of free text": ToolCall("c1", "f", {"input": "x"}, kind="custom"),
    "call of the shell": ToolCall("c1", "shell", {"commands": ["ls"]}, kind="shell"),
    "call of the computer": ToolCall("c1", "computer", {"actions": []}, kind="computer"),
    "call of a patch": ToolCall("c1", "apply_patch", {"type": "x"}, kind="apply_patch"),
    "invalid call": InvalidToolCall("c1", "f", "{", "cut", extra=EXTRA),
    "invalid call of free text": InvalidToolCall("c1", "f", "x", "cut", "custom"),
    "invalid call of the shell": InvalidToolCall("c1", "shell", "{", "cut", "shell"),
    "tool of the provider": ServerToolPart(
        "server_tool_use", "s1", "web_search", {"query": "a"}, extra=EXTRA
    ),
    "its result": ServerToolPart("web_search_tool_result", "s1", output=[]),
    "tool without an id": ServerToolPart("server_tool_use", None, "web_search", {}),
    "tool without a name": ServerToolPart("server_tool_use", "s1", None, {}),
    "tool without an input": ServerToolPart("mcp_tool_use", "s1", "g", "x"),
    "result without an id": ServerToolPart("web_search_tool_result", output=[]),
    "result without an output": ServerToolPart("web_search_tool_result", "s1"),
    "search": ServerToolPart("web_search_call", "ws_1", input={"query": "a"}, status="completed"),
    "code": ServerToolPart("code_interpreter_call", "ci", input="1", output=[]),
    "image that was made": ImagePart(data=JPEG, extra={"type": "image_generation_call", "id": "ig"}),
    "sound that was made": AudioPart(data=b"x", extra={"id": "audio_1"}),
    "compaction": UnknownPart("compaction", {"type": "compaction", "id": "cmp"}),
    "search result": UnknownPart("search_result", {"type": "search_result", "source": "a"}),
    "Anthropic's image": UnknownPart("image", {"type": "image", "source": {}}),
}
ANSWERED = [USER, Message(Role.ASSISTANT, (ToolCall("c1", "f", {"a": 1}),))]


def conversations(part: Part, own: str) -> Iterator[tuple[str, list[Message]]]:
    """Conversations with a part in a message of each role, beside a text.

    Args:
        own: the origin of the provider's own answers.
    """
    parts = (TextPart("See:"), part)
    yield "system", [Message(Role.SYSTEM, parts), USER]
    yield "user", [USER, Message(Role.USER, parts)]
    yield "tool", [*ANSWERED, Message(Role.TOOL, parts, "c1")]
    result = Message(Role.TOOL, "18", "c1")
    rest = [result] if isinstance(part, (ToolCall, InvalidToolCall)) else [USER]
    for origin in (None, own, "anthropic/messages" if own.endswith("chat") else "openai/chat"):
        yield f"assistant of {origin}", [USER, Message(Role.ASSISTANT, parts, origin=origin), *rest]


def prepared(
    provider: Provider, messages: Sequence[Message], tools: Any = None, **options: Any
) -> Record | str:
    """The body that is sent, with what is left out; or the refusal."""
    try:
        found = provider.prepare(messages, tools, unsupported="drop", **options)
    except InvalidRequestError as error:
        return shown(error)
    assert all(each.why.strip() for each in found.left_out)
    left = [structs.replace(each, why="") for each in found.left_out]
    return {**msgspec.json.decode(msgspec.json.encode(found.body)), **({"left out": left} if left else {})}


def changes(body: Record | str, usual: Record | str) -> str:
    """The fields of a body that another one does not have."""
    if isinstance(body, str) or isinstance(usual, str):
        return str(body)
    return shown({name: value for name, value in body.items() if usual.get(name) != value})


def of_parts(kind: str, given: Mapping[str, Part]) -> Iterator[str]:
    """Each part in a message of each role: the conversation after its first message."""
    provider = Provider(config(kind))
    for name, part in given.items():
        for role, messages in conversations(part, provider.dialect.origin):
            if (name in FILES) == role.startswith("assistant") and role != "assistant of None":
                continue
            body = prepared(provider, messages)
            if not isinstance(body, str):
                listed = body.get("messages") or body["input"]
                own = {name: body[name] for name in ("system", "left out") if name in body}
                body = shown(listed if not role.startswith("assistant") else listed[1:-1]) + (
                    shown(own) if own else ""
                )
            yield f"{name}, {role}: {body}"


NAMES = (
    "role", "content", "tool_calls", "tool_call_id", "type", "text", "id", "name", "input", "arguments",
    "function",
    "custom", "image_url", "detail", "source", "title", "file", "input_audio", "refusal", "citations",
    "annotations",
    "file_id", "file_data", "filename", "file_url", "call_id", "output", "status", "is_error", "tool_use_id",
    "own",
)  # fmt: skip
NESTED: tuple[Record, ...] = (
    {"image_url": {"url": "x"}}, {"image_url": {"own": 1}}, {"source": {"type": "x"}}, {"source": {"own": 1}},
    {"file": {"file_id": "x"}}, {"file": {"own": 1}}, {"function": {"name": "x"}}, {"function": {"own": 1}},
    {"input_audio": {"data": "x"}}, {"input_audio": {"own": 1}}, {"input": {"own": 1}},
    {"custom": {"input": "x"}},
    {"item": {"id": "x"}},
)  # fmt: skip


def of_extras(kind: str) -> Iterator[str]:
    """Which fields the `extra` of each message and of each part may not have."""
    provider = Provider(config(kind))
    parts: list[tuple[Role, Part]] = [
        (Role.USER, TextPart("a")), (Role.USER, ImagePart(data=JPEG)), (Role.USER, AudioPart(data=b"RIFF")),
        (Role.USER, DocumentPart(data=PDF, name="a")), (Role.USER, DocumentPart(file_id="f")),
        (Role.ASSISTANT, TextPart("a")), (Role.ASSISTANT, RefusalPart("a")), (Role.ASSISTANT, ToolCall("c1",
            "f", {})),
        (Role.ASSISTANT, ToolCall("c1", "f", {"input": "x"}, kind="custom")),
        (Role.ASSISTANT, InvalidToolCall("c1", "f", "{", "cut")),
        (Role.ASSISTANT, ServerToolPart("server_tool_use", "s1", "web_search", {})),
    ]  # fmt: skip
    extras: list[Record] = [*({name: 1} for name in NAMES), *NESTED]
    for role, part in parts:
        last = (
            [Message(Role.TOOL, "18", "c1")]
            if hasattr(part, "kind") and part.kind != "server_tool_use"
            else [USER]
        )
        found = [
            (
                extra,
                prepared(
                    provider,
                    [USER, Message(role, (TextPart("b"), structs.replace(part, extra=extra))), *last],
                ),
            )
            for extra in extras
        ]
        refused = (
            []
            if all(isinstance(body, str) for _, body in found)
            else [f"{shown(extra)} {body}" for extra, body in found if isinstance(body, str)]
        )
        yield f"extra of {type(part).__name__} of {role}: {', '.join(refused) or found[0][1]}"
    for role in Role:
        told = Message(role, (TextPart("a"),), "c1" if role is Role.TOOL else None)
        before = ANSWERED if role is Role.TOOL else [USER]
        last = [USER] if role is Role.ASSISTANT else []
        found = [
            (extra, prepared(provider, [*before, structs.replace(told, extra=extra), *last]))
            for extra in extras
        ]
        refused = (
            []
            if all(isinstance(body, str) for _, body in found)
            else [f"{shown(extra)} {body}" for extra, body in found if isinstance(body, str)]
        )
        yield f"extra of a message of {role}: {', '.join(refused) or found[0][1]}"


def function(name: str, **more: Any) -> Record:
    return {"type": "function", "function": {"name": name, **more}}


TOOLS: list[Any] = [
    [function("f", description="d", strict=True, parameters={"type": "object"}, own=1)],
    [{"function": {"name": "f", "parameters": None}}],
    [{**function("f"), "own": 1}],
    [{"type": "custom", "custom": {"name": "g", "description": "d", "own": 1}}],
    [function("f"), {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}}],
    [function("f"), {"type": "custom", "custom": {"name": "g", "format": {
        "type": "grammar", "grammar": {"syntax": "regex", "definition": "a"}}}}],
    [function("f"), {"name": "g", "input_schema": {}}],
    [{"type": "web_search"}],
    [function("f"), function("a b")],
    [function("x" * 65)],
]  # fmt: skip
G = {"type": "custom", "custom": {"name": "g"}}
CHOICES: list[Any] = [
    "none", "auto", "any", "required", "own", {"type": "auto"}, {"type": "any"}, {"type": "none"},
    {"type": "own"},
    function("f"), function("h"), G, {"type": "tool", "name": "f"}, {"type": "web_search"},
    {"type": "function"},
    *({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}
      for mode in ("auto", "required") for tools in ([function("f")], [G, {"type": "mcp"}], [function("h")],
          [])),
    {"type": "allowed_tools"}, None,
]  # fmt: skip


def of_tools(kind: str) -> Iterator[str]:
    """Tools, and choices among them."""
    provider = Provider(config(kind))
    usual = prepared(provider, [USER])
    for tools in TOOLS:
        yield f"tools {shown(tools)[:90]}: {changes(prepared(provider, [USER], tools), usual)}"
    both = [function("f"), G]
    for choice in CHOICES:
        yield f"choice {shown(choice)}:"
        for offered in (both, [*both, {"type": "mcp"}], None):
            usual = prepared(provider, [USER], offered)
            yield f"  {changes(prepared(provider, [USER], offered, tool_choice=choice), usual)}"
    usual = prepared(provider, [USER], both)
    for parallel in (True, False, None):
        options = {"parallel_tool_calls": parallel}
        yield f"parallel {parallel}: {changes(prepared(provider, [USER], both, **options), usual)}"
        yield f"  alone: {changes(prepared(provider, [USER], **options), prepared(provider, [USER]))}"


SCHEMA: Record = {"type": "object", "properties": {"a": {"type": "integer"}}}
KEYS = {str(number): "v" for number in range(17)}
VALUES: dict[str, Sequence[Any]] = {
    "temperature": (-0.1, 0, 1, 1.1, 2, 2.1),
    "top_p": (-0.1, 0, 0.5, 1, 1.1),
    "top_k": (-2, -1, 0, 1),
    "min_p": (-0.1, 0, 1, 1.1),
    "top_a": (-0.1, 0, 1, 1.1),
    "repetition_penalty": (-0.1, 0, 0.1, 2, 2.1),
    "min_tokens": (-1, 0),
    "presence_penalty": (-2.1, -2, 2, 2.1),
    "frequency_penalty": (-2.1, -2, 2, 2.1),
    "logprobs": (True, False, -1, 0, 20, 21),
    "top_logprobs": (-1, 0, 20, 21),
    "logit_bias": ({"1": -101}, {"1": -100}, {"1": 100}, {"1": 101}),
    "stop": ("a", ["a"] * 4, ["a"] * 5, [" "]),
    "stop_sequences": (["a"],),
    "metadata": ({"a": "b"}, {"a": 1}, dict(list(KEYS.items())[:16]), KEYS, {"user_id": "u"}),
    "max_tokens": (-1, 0, 1, 15, 16, None),
    "max_completion_tokens": (-1, 0, 1, 15, 16),
    "max_output_tokens": (15, 16),
    "n": (0, 1, 2),
    "seed": (1,),
    "user": ("u",),
    "store": (True, False, None),
    "service_tier": ("auto", "default", "flex", "scale", "priority", "standard_only", "own"),
    "verbosity": ("low", "medium", "high", "own"),
    "truncation": ("auto", "disabled", "own"),
    "reasoning_effort": ("none", "minimal", "low", "medium", "high", "xhigh", "max", "own", None),
    "reasoning_budget": (0, 1023, 1024, 8191, 8192, None),
    "cache": (True, False, "5m", "1h", "2h", None),
    "response_format": (
        {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}},
        {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
        {"type": "json_schema", "schema": SCHEMA}, {"schema": SCHEMA}, {"type": "json_schema"}, SCHEMA,
        *({"type": kind} for kind in ("array", "string", "number", "integer", "boolean", "null")),
        {"type": "json_object"}, {"type": "text"}, {"type": "own"}, {}, None,
    ),
    "reasoning": ({"effort": "low"}, {"summary": "auto"}, {"effort": "none"}, None),
    "text": ({"verbosity": "low"}, None),
    "stream_options": ({"include_obfuscation": False},),
    "include": (["own"], [], None),
    "instructions": ("a",),
    "previous_response_id": ("r",),
    "conversation": ("c", {"id": "c"}),
    "background": (True, False),
    "background_options": ({"completion_window": "2h"}, {"completion_window": "8h"},
        {"completion_window": "1h"}),
    "thinking": ({"type": "adaptive"}, {"type": "disabled"}, {"type": "enabled", "budget_tokens": 1024},
        None),
    "output_config": ({"effort": "low"}, None),
    "container": ("k", {"skills": []}, {"id": "k"}, None),
    "speed": ("fast",),
}  # fmt: skip


def of_options(kind: str, model: str) -> Iterator[str]:
    """Each option with each value: what it adds to the body."""
    provider = Provider(config(kind, model=model))
    usual = prepared(provider, [USER])
    for name, values in VALUES.items():
        found = [(value, changes(prepared(provider, [USER], **{name: value}), usual)) for value in values]
        known = [f"{name}={shown(value)[:80]}: {said}" for value, said in found if "left out" not in said]
        yield from known or [f"{name}: {found[0][1]}"]


TOGETHER: dict[str, list[Record]] = {
    "openai": [
        {"top_logprobs": 2, "logprobs": True}, {"top_logprobs": 2, "logprobs": False}, {"logprobs": 2,
            "top_logprobs": 3},
        {"max_tokens": 5, "max_completion_tokens": 6}, {"stream": True, "stream_options": {"own": 1}},
        {"stream": True}, {"reasoning_effort": "low", "verbosity": "low"},
    ],
    "openrouter": [
        {"reasoning": {"effort": "low"}, "reasoning_effort": "high"}, {"reasoning": {"own": 1},
            "reasoning_budget": 5},
    ],
    "anthropic": [
        {"thinking": {"type": "adaptive"}, "tool_choice": "required"}, {"thinking": {"type": "adaptive"},
            "temperature": 0},
        {"thinking": {"type": "adaptive"}, "temperature": 1}, {"thinking": {"type": "adaptive"}, "top_k": 5},
        {"thinking": {"type": "adaptive"}, "top_p": 0.94}, {"thinking": {"type": "adaptive"}, "top_p": 0.95},
        {"thinking": {"type": "enabled", "budget_tokens": 1024}, "temperature": 0},
        {"thinking": {"type": "disabled"}, "temperature": 0}, {"thinking": {"own": 1},
            "reasoning_effort": "none"},
        {"user": "u", "metadata": {"user_id": "v"}}, {"metadata": {"user_id": "v"}, "user": "u"},
        {"tool_choice": {"type": "tool", "name": "f"}, "parallel_tool_calls": False},
        {"tool_choice": "none", "parallel_tool_calls": False}, {"parallel_tool_calls": True,
            "tool_choice": "auto"},
        {"output_config": {"own": 1}, "reasoning_effort": "low", "response_format": {"schema": SCHEMA,
            "type": "json_schema"}},
        {"stream": True, "cache": True}, {"cache_control": {"type": "ephemeral"}, "cache": True},
    ],
    "openai/responses": [
        {"background": True, "background_options": {"completion_window": "8h"}, "stream": False},
        {"previous_response_id": "r", "conversation": "c"}, {"background": True, "store": False},
        {"background": True, "store": True}, {"background": True,
            "background_options": {"completion_window": "2h"}},
        {"background": True, "background_options": {"completion_window": "8h"}, "stream": True},
        {"top_logprobs": 2, "logprobs": True}, {"top_logprobs": 2,
            "include": ["message.output_text.logprobs"]},
        {"logprobs": 2, "include": ["own"]}, {"reasoning": {"effort": "low"}, "reasoning_effort": "high"},
        {"text": {"verbosity": "low"}, "verbosity": "high"}, {"text": {"own": 1},
            "response_format": {"type": "text"}},
        {"store": False, "include": None}, {"store": True, "include": ["own", "own"]}, {"stream": True},
        {"max_tokens": 16, "max_output_tokens": 17}, {"parallel_tool_calls": False, "tool_choice": "auto"},
    ],
}  # fmt: skip


def of_combinations(kind: str) -> Iterator[str]:
    """Options beside each other, without and with reasoning by the config."""
    for reasoning in (False, True):
        provider = Provider(config(kind, reasoning=reasoning))
        usual = prepared(provider, [USER], [function("f")])
        yield f"reasoning={reasoning}: {shown(usual)}"
        for options in TOGETHER[kind]:
            found = prepared(provider, [USER], [function("f")], **options)
            yield f"{shown(options)}: {changes(found, usual)}"


def lines() -> Iterator[str]:
    for kind in OTHERS:
        yield f"=== {kind}"
        yield from of_parts(kind, {name: part for name, part in SAID.items() if "reasoning" in name})
    for kind in KINDS:
        yield f"=== {kind}"
        yield from of_parts(kind, {**FILES, **SAID})
        yield from of_extras(kind)
        yield from of_tools(kind)
    for kind, model in (
        ("openai", "gpt-5"), ("openrouter", "m"), ("vllm", "m"), ("anthropic", "claude-opus-5"),
        ("anthropic", "claude-sonnet-4-20250514"), ("openai/responses", "gpt-5"), ("openai/responses",
            "gpt-4o"),
        ("vllm/responses", "m"), ("ollama/responses", "m"),
    ):  # fmt: skip
        yield f"=== {kind}, options of {model}"
        yield from of_options(kind, model)
    for kind in TOGETHER:
        yield f"=== {kind}, options beside each other"
        yield from of_combinations(kind)


def test_requests_are_written_as_they_are_written_down() -> None:
    check_golden(GOLDEN, lines())


if __name__ == "__main__":
    write_golden(GOLDEN, lines())
