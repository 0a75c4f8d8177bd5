"""What the fakes read in requests, and what they refuse, for each wire family, as in `goldens/requests`.

Each file begins with what the model sees of a whole request. Each line below it is a request with one change.
It says what the model then sees differently, or how the request is refused: with the status, the code, the
field and the message. To write the files anew, run `python -m tests.sansio.testing.wires.test_requests`; read
what changed before you keep it, and compare it with the provider's reference.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sansio.http import Request
from sansio.testing.failures import Refused
from sansio.testing.routes import Route
from sansio.testing.script import ProviderType
from sansio.testing.wires import wire_for
from sansio.testing.wires.converse import sign as sign_thought
from sansio.testing.wires.gemini import sign as sign_call
from sansio.testing.wires.messages import sign
from sansio.testing.wires.responses_items import seal

GOLDENS = Path(__file__).parent.parent / "goldens" / "requests"
GONE = object()
Change = tuple[str, Any] | tuple[str, Any, str, Any]
"""Where something is changed, such as `messages.0.role`, and its value there; `GONE` takes it out. A number
that is the length of its list adds to the list. There may be two changes."""


def changed(body: Any, change: Change) -> Any:
    """A copy of a request's body with a change."""
    copy = json.loads(json.dumps(body))
    for place, value in zip(change[::2], change[1::2], strict=True):
        *steps, last = [int(step) if step.isdigit() else step for step in place.split(".")]
        holder = copy
        for step in steps:
            holder = holder[step]
        if value is GONE:
            del holder[last]
        elif isinstance(holder, list) and last == len(holder):
            holder.append(value)
        else:
            holder[last] = value
    return copy


def each(place: str, *values: Any) -> list[Change]:
    """Changes of one place to each of these values."""
    return [(place, value) for value in values]


CHECKED = re.compile(
    r"(Expected `|Object (contains|missing)|Invalid enum value |Invalid value ').*?(?= - at|\.? ?$|: )"
)
"""Messages of the library that checks types, whose wording is not this project's."""


def seen(dialect: str, route: Route, request: Request, body: Any) -> dict[str, str] | str:
    """What the model sees of a request: its fields; or how it is refused."""
    try:
        prompt = wire_for(dialect).read_request(route, request, body)
    except Refused as refused:
        failure = refused.failure
        return f"{failure.status} {failure.code} {failure.param}: {CHECKED.sub('...', failure.message)}"
    return {field: repr(getattr(prompt, field)) for field in prompt.__struct_fields__}


def told(change: Change) -> str:
    pairs = zip(change[::2], change[1::2], strict=True)
    return "; ".join(f"{place} = {'gone' if value is GONE else json.dumps(value)}" for place, value in pairs)


Case = tuple[str, str, dict[str, str], str | None, Any, list[Change]]
"""A dialect, the address, headers, Azure's deployment, the body, and its changes."""

LONGEST = "azAZ09_-" * 8
"""A name of 64 characters, with the first and the last of each range."""
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
F = {"type": "function", "function": {"name": "f", "description": "F.", "parameters": PARAMETERS}}
G = {"type": "function", "function": {"name": "g"}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}

# Gemini.

CALLED = {"functionCall": {"id": "c1", "name": "f", "args": {"city": "Paris"}},
          "thoughtSignature": sign_call("f", {"city": "Paris"})}  # fmt: skip
CALLED_TOO = {"functionCall": {"id": "c2", "name": "g", "args": {}}}
GAVE = {"functionResponse": {"id": "c1", "name": "f", "response": {"output": "sunny"}}}
GAVE_TOO = {"functionResponse": {"id": "c2", "name": "g", "response": {"error": "broken"}}}
SKIPPED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
GEMINI: dict[str, Any] = {
    "contents": [
        {"role": "user", "parts": [{"text": "One"}, {"text": "two."}]},
        {"role": "model", "parts": [{"text": "Hm.", "thought": True}, CALLED, CALLED_TOO]},
        {"parts": [GAVE, GAVE_TOO]},
    ],
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": PARAMETERS}, {"name": "g"}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    "generationConfig": {
        "maxOutputTokens": 9,
        "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"},
    },
}
CONFIG = "generationConfig"
CALLING = "toolConfig.functionCallingConfig"
DECLARED = "tools.0.functionDeclarations.0"
GEMINI_CHANGES: list[Change] = [
    ("contents", GONE),
    ("contents", []),
    ("contents", [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "YQ=="}}]}]),
    ("contents", GEMINI["contents"][:1]),
    ("contents", GEMINI["contents"][:2]),
    ("contents.0.role", "system"),
    ("contents.0.parts", []),
    ("contents.0.parts.0", {}),
    ("contents.0.parts.0", {"text": ""}),
    ("contents.0.parts.0", {"text": "", "thoughtSignature": "c2ln"}),
    ("contents.0.parts.0", {"text": "a", "inlineData": {}}),
    ("contents.0.parts.0", {"inlineData": {"mimeType": "image/png", "data": "YQ=="}}),
    ("contents.0.parts.1", {"text": " two"}),
    ("contents.0.parts.1", GAVE),
    ("contents.1.parts.1.thoughtSignature", GONE),
    ("contents.1.parts.1.thoughtSignature", "c2ln"),
    ("contents.1.parts.1.thoughtSignature", SKIPPED),
    ("contents.1.parts.1.functionCall.args", {"city": "Rome"}),
    ("contents.1.parts.2", {"text": "x"}),
    ("contents.2.role", "user"),
    ("contents.2.role", "model"),
    ("contents.2.parts.1", GONE),
    ("contents.2.parts.2", GAVE_TOO),
    ("contents.2.parts.2", {"text": "And three."}),
    ("contents.2.parts.0.functionResponse.name", "g"),
    ("contents.2.parts.0.functionResponse.id", "c9"),
    ("contents.2.parts.0.functionResponse.id", GONE),
    ("contents.2.parts.0.functionResponse.response", "x"),
    ("contents.2.parts.0.functionResponse.response", {}),
    ("contents.2.parts.0.functionResponse.response", {"output": 5}),
    ("contents.3", {"role": "model", "parts": [{"text": "So."}]}),
    ("contents.3", {"role": "model", "parts": [CALLED]}),
    ("contents.3", {"role": "user", "parts": [{"text": " Three? "}]}),
    ("contents.3", {"role": "user", "parts": [{"fileData": {"mimeType": "image/png", "fileUri": "u"}}]}),
    ("nonsense", 1),
    ("systemInstruction", GONE),
    (f"{CONFIG}", GONE),
    (f"{CONFIG}.nonsense", 1),
    (f"{CONFIG}.maxOutputTokens", "9"),
    (f"{CONFIG}.responseJsonSchema", SCHEMA),
    (f"{CONFIG}.responseJsonSchema", {}),
    (f"{CONFIG}.thinkingConfig.includeThoughts", 1),
    (f"{CONFIG}.thinkingConfig.thinkingBudget", 5),
    (f"{CONFIG}.thinkingConfig", {"thinkingBudget": 5}),
    (f"{CONFIG}.thinkingConfig.thinkingLevel", "MUCH"),
    *each(f"{CONFIG}.thinkingConfig.thinkingLevel", None, "MINIMAL", "XHIGH"),
    (f"{CALLING}.mode", "SOMETIMES"),
    *each(f"{CALLING}.mode", "ANY", "NONE", "VALIDATED", None),
    (f"{CALLING}.mode", "ANY", f"{CALLING}.allowedFunctionNames", ["g", "f"]),
    (f"{CALLING}.mode", "ANY", f"{CALLING}.allowedFunctionNames", []),
    (f"{CALLING}.mode", "ANY", f"{CALLING}.allowedFunctionNames", "g"),
    ("tools", GONE),
    ("tools.1", {"googleSearch": {}}),
    (f"{DECLARED}.name", "a b"),
    (f"{DECLARED}.name", GONE),
    *each(f"{DECLARED}.name", "azAZ09_.:-" * 12 + "azAZ09_-", "azAZ09_.:-" * 12 + "azAZ09_-x"),
    (f"{DECLARED}.nonsense", 1),
    (f"{DECLARED}.parametersJsonSchema", GONE, f"{DECLARED}.parameters", SCHEMA),
    (f"{DECLARED}.parametersJsonSchema", GONE, f"{DECLARED}.parameters_json_schema", SCHEMA),
    (f"{DECLARED}.parameters", SCHEMA),
    *(
        (name, None)
        for name in ("cachedContent", "labels", "modelArmorConfig", "continuationToken", "serviceTier")
    ),
    *((f"{CONFIG}.{name}", None) for name in ("speechConfig", "imageConfig", "mediaResolution", "logprobs")),
]

# Converse.

USE = {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"city": "Paris"}}}
USE_TOO = {"toolUse": {"toolUseId": "t2", "name": "g", "input": {}, "type": "tool_use"}}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": sign_thought("Hm.")}}}
RESULT = {
    "toolResult": {"toolUseId": "t1", "content": [{"text": "sunny"}, {"json": {"a": 1}}, {"text": "day"}]}
}
RESULT_TOO = {"toolResult": {"toolUseId": "t2", "content": [], "status": "error"}}
POINT = {"cachePoint": {"type": "default"}}
DOCUMENT = {"document": {"format": "pdf", "name": "My report (1) [b]-c", "source": {"bytes": "YQ=="}}}
SHAPED = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(SCHEMA)}}}}
CONVERSE: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": [{"text": "One"}, {"text": "two."}, DOCUMENT]},
        {"role": "assistant", "content": [THOUGHT, {"text": "So."}, USE, USE_TOO]},
        {"role": "user", "content": [RESULT, RESULT_TOO]},
    ],
    "system": [{"text": "Be brief."}, POINT],
    "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.5, "stopSequences": ["END"]},
    "toolConfig": {
        "tools": [
            {"toolSpec": {"name": "f", "description": "F.", "inputSchema": {"json": PARAMETERS}}},
            {"toolSpec": {"name": "g", "inputSchema": {"json": {"type": "object"}}}},
            POINT,
        ],
        "toolChoice": {"auto": {}},
    },
    "additionalModelRequestFields": {"thinking": {"type": "enabled"}},
    "outputConfig": SHAPED,
}
ASKED = "messages.0.content.3"
DOC = "messages.0.content.2.document"
SPEC = "toolConfig.tools.0.toolSpec"
FIRST: list[Any] = CONVERSE["messages"][:1]


def file(kind: str, format: str, **source: Any) -> Any:
    return {kind: {"format": format, "source": source or {"bytes": "YQ=="}}}


CONVERSE_CHANGES: list[Change] = [
    ("messages", GONE),
    ("messages", "x"),
    ("messages", [{"role": "user", "content": [file("image", "png")]}]),
    ("messages", FIRST),
    ("messages", CONVERSE["messages"][:2]),
    ("messages.0.role", "assistant"),
    ("messages.0.role", "system"),
    ("messages.0.role", "robot"),
    ("messages.0.content", []),
    ("messages.0.nonsense", 1),
    ("messages.3", {"role": "assistant", "content": [{"text": "So."}]}),
    ("messages.3", {"role": "system", "content": [{"text": "So."}]}),
    ("messages.3", {"role": "user", "content": [{"text": "Three?"}]}),
    ("messages.3", {"role": "user", "content": [file("image", "png")]}),
    ("messages.3", {"role": "user", "content": [RESULT]}),
    ("messages.3", {"role": "assistant", "content": [USE]}),
    (ASKED, {}),
    (ASKED, {"nonsense": {}}),
    (ASKED, {"text": "a", "image": {}}),
    (ASKED, {"text": " "}),
    (ASKED, {"text": 5}),
    (ASKED, {"text": "a", "type": "text"}),
    (ASKED, {"image": "x"}),
    (ASKED, USE),
    *((ASKED, file("image", word)) for word in ("png", "jpeg", "gif", "webp", "bmp")),
    *(
        (ASKED, file("video", word))
        for word in ("mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp", "avi")
    ),
    *(
        (ASKED, file("audio", word))
        for word in (
            "mp3",
            "opus",
            "wav",
            "aac",
            "flac",
            "mp4",
            "ogg",
            "mkv",
            "mka",
            "x-aac",
            "m4a",
            "mpeg",
            "mpga",
            "pcm",
            "webm",
            "amr",
        )
    ),
    (ASKED, file("image", "png", s3Location={"uri": "s3://a"})),
    (ASKED, file("image", "png", s3Location={"uri": "s3://a"}, bytes="YQ==")),
    (ASKED, file("image", "png", bytes="")),
    (ASKED, file("image", "png", url="https://e")),
    (ASKED, {"image": {"format": "png"}}),
    *each(f"{DOC}.format", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md", "rtf"),
    *((f"{DOC}.source", {name: "x"}) for name in ("text", "content", "s3Location", "bytes", "other")),
    *each(f"{DOC}.name", "a.b", "a  b", "", "x" * 200, "x" * 201, "A0 z9\tx", None),
    (f"{DOC}.name", GONE),
    (ASKED, {"guardContent": {}}),
    (ASKED, {"searchResult": {}}),
    (ASKED, {"toolAddition": {}}),
    (ASKED, {"toolRemoval": {}}),
    (ASKED, {"cachePoint": {}}),
    ("messages.0.content.2", {"text": "x"}, ASKED, POINT),
    ("messages.0.content.2", file("video", "mp4"), ASKED, POINT),
    ("messages.0.content.2", file("image", "png"), ASKED, POINT),
    ("system.2", {"image": {}}),
    ("system.2", {"guardContent": {}}),
    ("system.2", {"text": ""}),
    ("system", [POINT, POINT, POINT]),
    ("system", [POINT, POINT, POINT, POINT]),
    ("messages.1.content.1", {"citationsContent": {}}),
    ("messages.1.content.1", {"image": {"format": "png", "source": {"bytes": "YQ=="}}}),
    ("messages.1.content.1", {"document": {}}),
    ("messages.1.content.1", {"toolResult": {"toolUseId": "x", "content": []}}),
    ("messages.1.content.1", POINT),
    ("messages.1.content.0.reasoningContent.reasoningText.text", "Oh."),
    ("messages.1.content.0.reasoningContent.reasoningText.signature", GONE),
    ("messages.1.content.0.reasoningContent", {"redactedContent": "eA=="}),
    ("messages.1.content.0.reasoningContent", {"redactedContent": ""}),
    ("messages.1.content.0.reasoningContent", {}),
    ("messages.1.content.2.toolUse.toolUseId", "t2"),
    ("messages.1.content.2.toolUse.toolUseId", GONE),
    ("messages.1.content.2.toolUse.name", 5),
    ("messages.1.content.2.toolUse.input", "{}"),
    ("messages.1.content.2.toolUse.type", "server_tool_use"),
    ("messages.2.content.0.toolResult.toolUseId", "x"),
    ("messages.2.content.0.toolResult.toolUseId", GONE),
    ("messages.2.content.0.toolResult.content", "x"),
    ("messages.2.content.0.toolResult.content.3", "x"),
    ("messages.2.content.0.toolResult.content.3", {"toolUse": {}}),
    ("messages.2.content.0.toolResult.content.3", file("image", "bmp")),
    ("messages.2.content.0.toolResult.content.3", {"searchResult": {}}),
    ("messages.2.content.0.toolResult.content.3", DOCUMENT),
    ("messages.2.content.0.toolResult.content.3", file("video", "mp4")),
    ("messages.2.content.0.toolResult.content.3", {"json": "x"}),
    ("messages.2.content.0.toolResult.content.3", file("audio", "mp3")),
    ("messages.2.content.1", GONE),
    ("messages.2.content.2", {"text": "And three."}),
    ("toolConfig", GONE),
    ("toolConfig", GONE, "messages", FIRST),
    ("toolConfig.tools", []),
    ("toolConfig.nonsense", 1),
    ("toolConfig.tools.2", {"systemTool": {"name": "s"}}),
    *each(f"{SPEC}.name", "g", "a b", LONGEST, LONGEST + "x", 5),
    (f"{SPEC}.description", ""),
    (f"{SPEC}.description", GONE),
    (f"{SPEC}.inputSchema", GONE),
    (f"{SPEC}.inputSchema.json.type", "array"),
    *each(
        "toolConfig.toolChoice",
        {"any": {}},
        {"tool": {"name": "g"}},
        {"tool": {"name": "h"}},
        {"tool": {}},
        {"none": {}},
        {"auto": {}, "any": {}},
    ),
    ("toolConfig.toolChoice", GONE),
    *(
        (f"inferenceConfig.{name}", value)
        for name, value in (
            ("maxTokens", 0),
            ("maxTokens", 1),
            ("temperature", 1),
            ("temperature", 0),
            ("temperature", 1.1),
            ("temperature", -0.1),
            ("topP", 1),
            ("topP", 0),
            ("topP", 1.1),
            ("topP", -0.1),
            ("stopSequences", [""]),
            ("stopSequences", "x"),
            ("nonsense", 1),
        )
    ),
    ("inferenceConfig", GONE),
    *each(
        "additionalModelRequestFields",
        {},
        {"thinking": {"type": "adaptive"}},
        {"thinking": {"type": "disabled"}},
        {"reasoningConfig": {"type": "enabled"}},
        {"reasoningConfig": {"type": "disabled"}},
    ),
    ("additionalModelRequestFields", GONE),
    ("outputConfig", SHAPED),
    ("outputConfig", {}),
    ("outputConfig", {"effort": "low"}),
    ("outputConfig", {"textFormat": {"type": "text", "structure": SHAPED["textFormat"]["structure"]}}),
    ("outputConfig", {"textFormat": {"type": "json_schema"}}),
    *each("outputConfig.textFormat.structure.jsonSchema.schema", "[", "[]", {}),
    ("guardrailConfig", {}),
    ("projectIdentifier", "x"),
    ("promptVariables", {}),
    ("performanceConfig", {}),
    ("serviceTier", {}),
    ("requestMetadata", {"a": "b"}),
    ("additionalModelResponseFieldPaths", ["/a"]),
    *(
        (name, 5)
        for name in (
            "guardrailConfig",
            "projectIdentifier",
            "promptVariables",
            "performanceConfig",
            "serviceTier",
            "requestMetadata",
            "additionalModelResponseFieldPaths",
            "system",
            "outputConfig",
            "nonsense",
        )
    ),
]

# Cohere.

COHERE: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "One two."}, {"type": "image_url", "image_url": {}}],
        },
        {
            "role": "assistant",
            "tool_plan": "I will.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "broken"}]},
        {"role": "tool", "tool_call_id": "a", "content": "sunny"},
    ],
    "tools": [F, G],
    "max_tokens": 9,
    "thinking": {"type": "enabled", "token_budget": 1},
}
COHERE_CHANGES: list[Change] = [
    ("model", GONE),
    ("model", " "),
    ("messages", GONE),
    ("messages", []),
    ("messages", [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
    ("messages", COHERE["messages"][:2]),
    ("messages", COHERE["messages"][:3]),
    ("messages", COHERE["messages"][:4]),
    ("messages.0.role", "robot"),
    ("messages.0.content", ""),
    ("messages.0.content", []),
    ("messages.1.content", ""),
    ("messages.1.content", []),
    ("messages.1.nonsense", 1),
    ("messages.2.content", "So."),
    ("messages.2.tool_calls", GONE),
    ("messages.2.tool_calls", GONE, "messages.2.content", "So."),
    ("messages.2.tool_calls.0.type", "custom"),
    ("messages.2.tool_calls.0.id", GONE),
    ("messages.2.tool_calls.0.function.arguments", {}),
    ("messages.2.tool_calls.0.function.name", GONE),
    ("messages.3.tool_call_id", "a"),
    ("messages.3.tool_call_id", "x"),
    ("messages.4.tool_call_id", GONE),
    ("messages.4.content", ""),
    ("messages.4", {"role": "user", "content": "Hi"}),
    ("messages.5", {"role": "assistant", "content": "So."}),
    ("messages.5", {"role": "assistant"}),
    ("messages.5", {"role": "user", "content": "Three?"}),
    ("messages.5", {"role": "user", "content": [{"type": "image_url", "image_url": {}}]}),
    ("tools", GONE),
    ("tools.0.type", "custom"),
    ("tools.0.function.name", GONE),
    ("tools.0.function.parameters", GONE),
    ("tools.0.function.strict", True),
    ("tool_choice", "REQUIRED"),
    ("tool_choice", "NONE"),
    ("tool_choice", "AUTO"),
    ("tool_choice", "REQUIRED", "tools", GONE),
    ("tool_choice", "NONE", "tools", []),
    ("stream", True),
    ("max_tokens", GONE),
    ("max_tokens", -1),
    ("thinking.type", "disabled"),
    ("thinking.type", "on"),
    ("thinking.token_budget", 0),
    ("thinking", GONE),
    ("response_format", {"type": "json_object"}),
    ("response_format", {"type": "json_object", "json_schema": SCHEMA}),
    ("response_format", {"type": "text"}),
    ("response_format", {"type": "yaml"}),
    ("nonsense", 1),
]

# Ollama's own.

OLLAMA: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One two.", "images": ["YQ=="]},
        {
            "role": "assistant",
            "thinking": "Hm.",
            "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}],
        },
        {"role": "tool", "tool_name": "f", "content": "sunny"},
        {"role": "tool", "tool_name": "g", "content": "broken", "tool_call_id": "b"},
    ],
    "tools": [F, G],
    "options": {"num_predict": 9},
    "think": "low",
    "format": SCHEMA,
}
OLLAMA_CHANGES: list[Change] = [
    ("model", GONE),
    ("model", " "),
    ("messages", GONE),
    ("messages", OLLAMA["messages"][:1]),
    ("messages", OLLAMA["messages"][:2]),
    ("messages.0.role", "robot"),
    ("messages.0.role", GONE),
    ("messages.1.content", GONE),
    ("messages.1.content", ""),
    ("messages.1.images", ["?"]),
    ("messages.1.nonsense", 1),
    ("messages.2.tool_calls.0.function.arguments", "{}"),
    ("messages.2.tool_calls.0.function.name", GONE),
    ("messages.3.tool_name", GONE),
    ("messages.3.role", "user"),
    ("messages.4.content", GONE),
    ("messages.5", {"role": "user", "content": ""}),
    ("messages.5", {"role": "user", "content": "Three?"}),
    ("messages.5", {"role": "assistant", "content": "So."}),
    ("tools", GONE),
    ("tools.0.function.name", GONE),
    ("tools.0.function.parameters", GONE),
    ("stream", False),
    ("options", GONE),
    *each("options.num_predict", 0, -1, "9"),
    *each("think", True, False, "medium", "high", "max", "much", "", 5),
    *each("format", "json", "", "yaml", None, 5),
    *each("keep_alive", "5m", 5, []),
    ("nonsense", 1),
]

# Claude's messages, at Anthropic and on Bedrock.

T1 = {"type": "tool_use", "id": "t1", "name": "f", "input": {"city": "Paris"}}
T2 = {"type": "tool_use", "id": "t2", "name": "g", "input": {}}
R1 = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "sunny"}]}
R2 = {"type": "tool_result", "tool_use_id": "t2", "content": "broken", "is_error": True}
THINKING = {"type": "thinking", "thinking": "Hm.", "signature": sign("Hm.")}
MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
SERVER = {"type": "server_tool_use", "id": "s1", "name": "code_execution", "input": {}}
MESSAGES: dict[str, Any] = {
    "model": "claude-opus-4-6",
    "max_tokens": 2000,
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "One two."}]},
        {"role": "assistant", "content": [THINKING, {"type": "text", "text": "So."}, T1, T2]},
        {"role": "user", "content": [R1, R2]},
    ],
    "system": [{"type": "text", "text": "Be brief.", "cache_control": MARK}],
    "tools": [
        {"name": "f", "description": "F.", "input_schema": PARAMETERS},
        {"type": "custom", "name": "g", "input_schema": {"type": "object"}},
    ],
    "thinking": {"type": "enabled", "budget_tokens": 1024},
}
ONE: list[Any] = [{"role": "user", "content": "Hi."}]
MORE = "messages.0.content.1"


def source(kind: str, **fields: Any) -> Any:
    return {"type": kind, "source": fields}


def late(*before: Any) -> list[Any]:
    """A conversation with a system message behind these."""
    return [*ONE, *before, {"role": "system", "content": "Be kind."}]


SAID = {"role": "assistant", "content": "So."}
WORD = {"type": "text", "text": "So."}
MESSAGES_CHANGES: list[Change] = [
    *((name, GONE) for name in ("model", "max_tokens", "messages", "system", "tools", "thinking")),
    ("messages", []),
    ("messages", ONE),
    ("messages", [{"role": "user", "content": [source("image", type="url", url="https://e")]}]),
    ("messages", MESSAGES["messages"][:2]),
    ("messages.0", "x"),
    ("messages.0.role", "robot"),
    ("messages.0.role", "assistant"),
    ("messages.0.role", "system"),
    ("messages.0.nonsense", 1),
    ("messages.0.content", 5),
    ("messages.0.content", ""),
    ("messages", [*ONE, {"role": "assistant", "content": ""}], "thinking", GONE),
    ("messages", [*ONE, {"role": "assistant", "content": "So. "}]),
    ("messages", [*ONE, {"role": "assistant", "content": [{"type": "text", "text": "So. "}]}]),
    ("messages", [*ONE, {"role": "assistant", "content": [{"type": "text", "text": "So. "}, SERVER]}]),
    ("messages", [*ONE, {"role": "assistant", "content": "So. "}, *ONE]),
    ("messages", [*ONE, {"role": "user", "content": "So. "}]),
    ("messages", [*ONE, {"role": "assistant", "content": ""}, *ONE]),
    ("messages", [{"role": "user", "content": [R1]}]),
    ("messages", late({"role": "assistant", "content": [WORD, SERVER]}), "model", "mine"),
    ("messages", late({"role": "assistant", "content": [SERVER, WORD]}), "model", "mine"),
    ("messages", [*ONE, SAID]),
    ("messages", [*ONE, SAID, *ONE]),
    ("messages", [*ONE, SAID, {"role": "user", "content": [source("image", type="url", url="https://e")]}]),
    ("messages", late()),
    ("messages", late(), "model", "claude-opus-4-8"),
    ("messages", late(), "model", "mine"),
    ("messages", late(SAID), "model", "mine"),
    ("messages", late({"role": "assistant", "content": [SERVER]}), "model", "mine"),
    ("messages", [*late(), SAID], "model", "mine"),
    ("messages", [*late(), *ONE], "model", "mine"),
    (
        "messages",
        [*ONE, {"role": "system", "content": [source("image", type="url", url="https://e")]}],
        "model",
        "mine",
    ),
    ("messages", [*ONE, {"role": "system", "content": "Hi", "clear_at": 1}], "model", "mine"),
    ("messages", [*ONE, {"role": "system", "content": "Hi", "output_config": {}}], "model", "mine"),
    ("messages", [*ONE, {"role": "system", "content": "Hi", "nonsense": 1}], "model", "mine"),
    (MORE, "x"),
    (MORE, {}),
    (MORE, {"type": "text", "text": " "}),
    (MORE, {"type": "new"}),
    *(
        (MORE, source(kind, type=form, **{field: "https://e"}, **({"media_type": media} if media else {})))
        for kind, form, field, media in (
            ("image", "base64", "data", "image/jpeg"),
            ("image", "base64", "data", "image/png"),
            ("image", "base64", "data", "image/gif"),
            ("image", "base64", "data", "image/webp"),
            ("image", "base64", "data", "image/bmp"),
            ("image", "base64", "data", None),
            ("image", "url", "url", None),
            ("image", "file", "file_id", None),
            ("image", "text", "data", "text/plain"),
            ("image", "url", "data", None),
            ("document", "base64", "data", "application/pdf"),
            ("document", "base64", "data", "text/plain"),
            ("document", "text", "data", "text/plain"),
            ("document", "text", "data", "text/html"),
            ("document", "content", "content", None),
            ("document", "content", "data", None),
            ("document", "url", "url", None),
            ("document", "file", "file_id", None),
            ("document", "file", "data", None),
            ("document", "new", "data", None),
        )
    ),
    (MORE, source("image", type="url", url="http://e")),
    (MORE, source("image", type="url", url="ftp://e")),
    (MORE, {"type": "image"}),
    (MORE, R1),
    ("messages.1.content.0.thinking", "Oh."),
    ("messages.1.content.0.signature", GONE),
    ("messages.1.content.0", {"type": "redacted_thinking", "data": "eA=="}),
    ("messages.1.content.0", GONE),
    ("messages.1.content.0", GONE, "thinking.type", "disabled"),
    ("messages.1.content.0", GONE, "thinking", {"type": "adaptive"}),
    ("messages.1.content.2.id", "t2"),
    ("messages.1.content.2.id", GONE),
    ("messages.1.content.2.input", "{}"),
    ("messages.1.content.3.id", "t9"),
    ("messages.2.content.0.tool_use_id", GONE),
    ("messages.2.content.0.tool_use_id", "x"),
    ("messages.2.content.1", GONE),
    ("messages.2.content", [{"type": "text", "text": "Hi"}, R1, R2]),
    ("messages.2.content", [R1, R2, {"type": "text", "text": "Hi"}]),
    ("messages.2.content", [R1, R2, R2]),
    ("messages.2.role", "assistant"),
    *(
        ("messages.2.content.0.content.0", {"type": kind})
        for kind in ("search_result", "tool_reference", "browser_state", "tool_use", "thinking")
    ),
    ("messages.2.content.0.content.0", "x"),
    ("messages.2.content.0.content.0", {"type": "text", "text": ""}),
    ("messages.2.content.0.content.0", source("image", type="url", url="ftp://e")),
    ("messages.2.content.0.content.0", source("document", type="text", data="x", media_type="text/plain")),
    ("messages.2.content.0.content", "plain"),
    ("messages.2.content.0.content", GONE),
    ("messages.3", {"role": "assistant", "content": [T1]}),
    ("messages.3", SAID),
    ("messages.1.content.4", SERVER),
    ("messages.1.content.4", SERVER, "container", "c1"),
    ("messages.1.content.4", SERVER, "container", {"id": "c1"}),
    ("messages.1.content.4", SERVER, "container", {"skills": []}),
    ("messages.1.content.4", {**SERVER, "name": "web_search"}),
    ("messages.1.content.4", {**SERVER, "name": "bash_code_execution"}),
    ("messages.1.content.4", SERVER, "messages.1.content.5", {"type": "x", "tool_use_id": "s1"}),
    ("messages.1.content.2.caller", {"type": "code_execution_20250825"}),
    ("messages.1.content.2.caller", {"type": "direct"}),
    ("system.0.text", " "),
    ("system", "Be brief."),
    ("system.0.cache_control", {"type": "forever"}),
    ("system.0.cache_control", {"type": "ephemeral", "ttl": "2h"}),
    ("system.0.cache_control", HOUR),
    ("tools.0.cache_control", HOUR),
    ("messages.0.content.0.cache_control", HOUR),
    ("messages.1.content.0.cache_control", MARK),
    ("messages.2.content.0.content.0.cache_control", HOUR),
    ("messages.2.content.0.content.0.cache_control", {"type": "x"}),
    ("tools.0.cache_control", MARK, "tools.0.defer_loading", True),
    ("cache_control", MARK),
    ("cache_control", HOUR),
    ("cache_control", {"type": "x"}),
    ("cache_control", None),
    ("messages.0.content.0.cache_control", MARK, "tools.0.cache_control", MARK),
    ("messages.0.content", [{"type": "text", "text": "a", "cache_control": MARK}] * 3),
    ("messages.0.content", [{"type": "text", "text": "a", "cache_control": MARK}] * 4),
    *each("tools.0.name", "g", "a b", LONGEST * 2, LONGEST * 2 + "x", "", 5),
    ("tools.0.input_schema", GONE),
    ("tools.0.input_schema.type", "array"),
    *each("tools.0.type", "web_search_20250305", "mcp_toolset", "other", "x_2025", "custom"),
    *each(
        "tool_choice",
        {"type": "auto"},
        {"type": "none"},
        {"type": "any"},
        {"type": "tool", "name": "g"},
        {"type": "some"},
        {"type": "tool"},
        {"type": "none", "disable_parallel_tool_use": True},
    ),
    *(
        ("tool_choice", choice, "thinking", GONE)
        for choice in (
            {"type": "any", "disable_parallel_tool_use": True},
            {"type": "tool", "name": "g"},
            {"type": "tool", "name": "h"},
            {"type": "auto", "disable_parallel_tool_use": True},
        )
    ),
    ("tool_choice", {"type": "auto"}, "tools", GONE),
    ("max_tokens", 1024),
    ("max_tokens", 1025),
    ("max_tokens", -1, "thinking", GONE),
    ("max_tokens", 0, "thinking", GONE),
    ("thinking.budget_tokens", 1023),
    ("thinking.budget_tokens", GONE),
    *each("thinking.display", "summarized", "omitted", "updates", "all"),
    *each(
        "thinking",
        {"type": "adaptive"},
        {"type": "adaptive", "budget_tokens": 1024},
        {"type": "disabled"},
        {"type": "between_tools"},
        {"type": "much"},
        {"type": "adaptive", "block_binding": {}},
    ),
    *each(
        "model",
        "claude-opus-4-7",
        "claude-3-7-sonnet-20250219",
        "claude-sonnet-4-5-20250929",
        "claude-5",
        "mine",
        " ",
    ),
    *(
        ("model", model, "thinking", {"type": "adaptive"})
        for model in ("claude-sonnet-4-5", "claude-sonnet-4-6", "claude-opus-5-5", "CLAUDE-OPUS-4.1", "mine")
    ),
    ("temperature", 1),
    ("temperature", 0.5),
    ("top_k", 5),
    ("top_p", 0.95),
    ("top_p", 0.94),
    ("top_p", 1),
    *(
        (name, value, "thinking", GONE)
        for name, value in (
            ("temperature", 0),
            ("temperature", 1.1),
            ("temperature", -0.1),
            ("top_p", 0),
            ("top_p", 1.1),
            ("top_p", -0.1),
            ("top_k", 0),
            ("top_k", -1),
            ("top_k", 0.5),
        )
    ),
    ("stop_sequences", ["END"]),
    ("stop_sequences", [" "]),
    ("stream", True),
    *(
        ("output_config", {"format": {"type": "json_schema", "schema": SCHEMA}}, "model", model)
        for model in ("claude-sonnet-4-5", "claude-opus-4-1", "claude-opus-4", "claude-3-5-sonnet", "mine")
    ),
    *(("output_config", {"effort": word}) for word in ("low", "medium", "high", "xhigh", "max", "none")),
    ("output_config", {"format": {"type": "json"}}),
    ("output_config", {"task_budget": {}}),
    ("output_config", {"nonsense": 1}),
    ("metadata", {"user_id": "u"}),
    ("metadata", {"nonsense": 1}),
    ("service_tier", "auto"),
    ("service_tier", "standard_only"),
    ("service_tier", "fast"),
    ("speed", "fast"),
    ("speed", "standard"),
    ("speed", "slow"),
    ("inference_geo", "eu"),
    ("diagnostics", {"previous_message_id": "m"}),
    ("diagnostics", {"x": 1}),
    ("user_profile_id", "u"),
    ("workspace_id", "w"),
    ("container", 5),
    ("context_management", {}),
    ("compaction", {}),
    ("mcp_servers", []),
    ("fallbacks", "x"),
    ("fallbacks", []),
    ("fallback_credit_token", "x"),
    ("thread", {}),
    ("billing_policy", {}),
    ("nonsense", 1),
]
NULLABLE = ("cache_control", "speed", "container", "inference_geo", "diagnostics")
NOT_NULLABLE = (
    "metadata",
    "service_tier",
    "system",
    "tools",
    "tool_choice",
    "stream",
    "top_k",
    "workspace_id",
)
MESSAGES_CHANGES += [(name, None) for name in (*NULLABLE, *NOT_NULLABLE)]
BETA_CHANGES: list[Change] = [
    ("context_management", {}),
    ("compaction", {}),
    ("mcp_servers", []),
    ("fallbacks", "x"),
    ("fallbacks", []),
    ("fallback_credit_token", "x"),
    ("fallback_credit_token", {}),
    ("thread", {}),
    ("billing_policy", {}),
    ("nonsense", 1),
    *(
        (name, 5)
        for name in (
            "context_management",
            "compaction",
            "mcp_servers",
            "fallbacks",
            "fallback_credit_token",
            "thread",
            "billing_policy",
        )
    ),
]
LATER_CHANGES: list[Change] = [
    *((name, 1, "thinking", GONE) for name in ("temperature", "top_p", "top_k")),
    ("messages.1.content.1", source("document", type="url", url="https://e")),
    ("messages.0.content.0.citations", [{}]),
    ("messages.0.content.0.citations", []),
    (MORE, source("document", type="url", url="https://e")),
]
INVOKED = {
    **{name: value for name, value in MESSAGES.items() if name != "model"},
    "anthropic_version": "bedrock-2023-05-31",
}
INVOKE_CHANGES: list[Change] = [
    ("anthropic_version", GONE),
    ("anthropic_version", "2023-06-01"),
    ("anthropic_version", "2026-10-21"),
    ("anthropic_version", "2026-10-21", "temperature", 1),
    ("anthropic_beta", ["a"]),
    ("anthropic_beta", "a"),
    ("anthropic_beta", [5]),
    ("anthropic_beta", ["a"], "compaction", {}),
    ("compaction", {}),
    *(
        (name, None)
        for name in (
            "model",
            "stream",
            "container",
            "mcp_servers",
            "inference_geo",
            "service_tier",
            "speed",
            "workspace_id",
        )
    ),
    ("messages", []),
    ("messages", "x"),
    (MORE, source("image", type="url", url="https://e")),
    (MORE, source("image", type="file", file_id="f")),
    (MORE, source("image", type="base64", data="YQ==", media_type="image/png")),
    ("messages.2.content.0.content.0", source("image", type="url", url="https://e")),
    ("messages.2.content.1.content", "x"),
]

# Chat completions.

CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FREE = {"id": "b", "type": "custom", "custom": {"name": "h", "input": "x"}}
H = {"type": "custom", "custom": {"name": "h"}}
CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "One"}, {"type": "text", "text": "two."}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "a", "content": "sunny"},
    ],
    "tools": [F, G],
    "max_tokens": 9,
}
PART = "messages.1.content.2"
PNG = "data:image/png;base64,YQ=="
ALL_CHAT: list[Change] = [
    ("model", GONE),
    ("model", " "),
    ("model", 5),
    ("messages", GONE),
    ("messages", []),
    ("messages", "x"),
    ("messages", CHAT["messages"][:1]),
    ("messages", CHAT["messages"][:2]),
    ("messages", CHAT["messages"][:3]),
    ("messages.0", "x"),
    ("messages.0.role", "robot"),
    ("messages.0.role", "developer"),
    ("messages.0.content", GONE),
    ("messages.0.content", []),
    ("messages.0.content", 5),
    ("messages.0.nonsense", 1),
    ("messages.2.reasoning_content", "Hm."),
    ("messages.2.reasoning", "Hm."),
    ("messages.2.reasoning_details", []),
    *((f"messages.2.{name}", None) for name in ("refusal", "audio", "function_call", "name")),
    (PART, "x"),
    (PART, {"type": "new"}),
    (PART, {"type": "text"}),
    (PART, {"type": "text", "text": 5}),
    (PART, {"type": "image_url", "image_url": {"url": PNG}}),
    (PART, {"type": "image_url", "image_url": PNG}),
    (PART, {"type": "image_url", "image_url": {"url": "https://e"}}),
    (PART, {"type": "image_url", "image_url": {"url": "data:image/png,a"}}),
    (PART, {"type": "image_url", "image_url": {"url": "https://e;base64,"}}),
    (PART, {"type": "image_url", "image_url": {}}),
    (PART, {"type": "image_url"}),
    *((PART, {"type": kind}) for kind in ("input_audio", "file", "refusal")),
    ("messages.2.content", [{"type": "reference"}]),
    ("messages.2.content", [{"type": 5}]),
    ("messages.2.content", ""),
    ("messages.2.content", []),
    ("messages.2", {"role": "assistant", "content": None}),
    *(
        ("messages", [*CHAT["messages"][:2], {"role": "assistant", name: value}])
        for name, value in (
            ("refusal", "No."),
            ("function_call", {"name": "f"}),
            ("audio", {"id": "x"}),
            ("refusal", ""),
        )
    ),
    ("messages", [*CHAT["messages"][:2], {"role": "user", "content": None, "refusal": "No."}]),
    ("messages.2.tool_calls", []),
    ("messages.2.tool_calls", {}),
    ("messages.2.role", "user", "messages.2.content", "x"),
    ("messages.2.tool_calls.0", "x"),
    ("messages.2.tool_calls.0.id", GONE),
    ("messages.2.tool_calls.0.type", GONE),
    ("messages.2.tool_calls.0.function.name", GONE),
    ("messages.2.tool_calls.0.function.arguments", {}),
    ("messages.2.tool_calls.0.function.arguments", "["),
    ("messages.2.tool_calls.0.function.arguments", "[]"),
    ("messages.2.tool_calls.1", CALL),
    ("messages.2.tool_calls.1", FREE),
    ("messages.2.tool_calls.1", FREE, "messages.4", {"role": "tool", "tool_call_id": "b", "content": "x"}),
    ("messages.2.tool_calls.0", {**FREE, "id": "a"}),
    ("messages.2.tool_calls.0", {**FREE, "custom": {"name": "h", "input": 5}}),
    ("messages.2.tool_calls.0", {**FREE, "custom": {"input": "x"}}),
    ("messages.3.tool_call_id", "x"),
    ("messages.3.tool_call_id", GONE),
    ("messages.3.content", [{"type": "text", "text": "sunny"}, {"type": "text", "text": "day"}]),
    ("messages.4", CHAT["messages"][3]),
    ("messages.4", {"role": "assistant", "content": "So."}),
    ("messages.4", {"role": "user", "content": "Three?"}),
    ("messages.3", {"role": "user", "content": "Three?"}),
    ("tools", GONE),
    ("tools", []),
    ("tools", {}),
    ("tools.0", "x"),
    ("tools.0.type", GONE),
    ("tools.0.type", "web_search"),
    ("tools.2", H),
    *each("tools.0.function.name", "a b", "", LONGEST, LONGEST + "x", 5),
    ("tools.0.function.parameters", GONE),
    *each(
        "tool_choice",
        None,
        "none",
        "auto",
        "required",
        "any",
        {"type": "function", "function": {"name": "g"}},
        {"type": "function", "function": {"name": "h"}},
        {"type": "function"},
        {"type": "openrouter:x"},
        {},
        {"type": "custom", "custom": {"name": "g"}},
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [G]}},
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [G]}},
        {"type": "allowed_tools", "allowed_tools": {"mode": "some", "tools": [G]}},
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [H]}},
    ),
    ("tool_choice", {"type": "custom", "custom": {"name": "h"}}, "tools.2", H),
    ("tool_choice", "auto", "tools", GONE),
    ("stream", True),
    ("stream", 1),
    ("stream_options", {"include_usage": True}),
    ("stream_options", {"include_usage": True}, "stream", True),
    ("stream_options", {"include_obfuscation": False}, "stream", True),
    ("stream_options", {"include_usage": 5}, "stream", True),
    ("logprobs", True, "top_logprobs", 20),
    ("logprobs", True, "top_logprobs", 21),
    ("logprobs", True, "top_logprobs", -1),
    ("logprobs", False, "top_logprobs", 5),
    ("top_logprobs", 0),
    ("max_completion_tokens", 5),
    ("max_completion_tokens", 0),
    ("max_completion_tokens", 1, "max_tokens", GONE),
    ("max_tokens", 0),
    ("max_tokens", 1),
    ("max_tokens", "9"),
    *each(
        "response_format",
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema"},
        {"type": "yaml"},
        {},
        "text",
        {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}},
        {"type": "json_schema", "json_schema": {"name": "a b"}},
        {"type": "json_schema", "json_schema": {}},
        {"type": "json_schema", "json_schema": {"name": "x" * 65}},
        {"type": "grammar", "grammar": "x"},
        {"type": "grammar"},
        {"type": "python"},
        {"type": "structural_tag"},
    ),
    *each("reasoning_effort", "none", "low", "xhigh", "much", None),
    *(
        ("reasoning_effort", word, "max_tokens", GONE)
        for word in ("minimal", "medium", "high", "max", "none")
    ),
    *each(
        "reasoning",
        {},
        {"effort": "low"},
        {"effort": "none"},
        {"enabled": False},
        {"enabled": True},
        {"exclude": True},
        "x",
    ),
    *each(
        "chat_template_kwargs",
        {},
        {"enable_thinking": True},
        {"enable_thinking": False},
        {"thinking": True},
        {"thinking": 1},
        "x",
    ),
    ("temperature", 0),
    ("temperature", 2),
    ("temperature", 2.1),
    ("temperature", -0.1),
    ("top_p", 0),
    ("top_p", 1),
    ("top_p", 1.1),
    ("top_p", -0.1),
    ("frequency_penalty", -2),
    ("frequency_penalty", 2.1),
    ("frequency_penalty", -2.1),
    ("presence_penalty", 2),
    ("presence_penalty", 2.1),
    ("n", 1),
    ("n", 2),
    ("stop", "x"),
    ("stop", ["a"] * 4),
    ("stop", ["a"] * 5),
    ("stop", 5),
    ("seed", 5),
    ("seed", "x"),
    ("logit_bias", {"1": 100}),
    ("logit_bias", {"1": -101}),
    ("logit_bias", {"1": 100.5}),
    ("user", "u"),
    ("parallel_tool_calls", False),
    ("verbosity", "low"),
    ("modalities", ["text", "audio"]),
    ("modalities", ["smell"]),
    ("service_tier", "flex"),
    ("service_tier", "slow"),
    ("store", True),
    ("metadata", {"a": "b"}),
    ("metadata", {"a": 5}),
    ("metadata", {str(n): "x" for n in range(17)}),
    ("metadata", {str(n): "x" for n in range(16)}),
    ("prompt_cache_retention", "24h"),
    ("prompt_cache_retention", "1h"),
    ("functions", []),
    ("function_call", "auto"),
    ("prediction", {}),
    ("cache_control", {"type": "ephemeral"}),
    ("cache_control", {"type": "x"}),
    ("cache_control", {"type": "ephemeral", "ttl": "1h"}),
    ("cache_control", {"type": "ephemeral", "ttl": "2h"}),
    ("models", ["a"]),
    ("models", "a"),
    ("provider", {}),
    ("provider", "x"),
    ("plugins", []),
    ("plugins", {}),
    ("top_k", 5),
    ("top_k", 0.5),
    ("min_p", 0.5),
    ("min_p", "x"),
    ("top_a", 0.5),
    ("top_a", "x"),
    ("repetition_penalty", 1.5),
    ("repetition_penalty", "x"),
    ("min_tokens", 0),
    ("min_tokens", -1),
    ("structured_outputs", {}),
    ("structured_outputs", 5),
    ("stop_token_ids", [1]),
    ("stop_token_ids", ["a"]),
    ("ignore_eos", True),
    ("ignore_eos", 5),
    ("nonsense", 1),
]

# Responses.

FUNCTION = {"type": "function", "name": "f", "description": "F.", "parameters": PARAMETERS}
CALLED_F = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
RESULT_F = {"type": "function_call_output", "call_id": "a", "output": "sunny"}
CALLED_H = {"type": "custom_tool_call", "call_id": "b", "name": "h", "input": "x"}
RESULT_H = {
    "type": "custom_tool_call_output",
    "call_id": "b",
    "output": [{"type": "input_text", "text": "free"}],
}
SEALED = {
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Hm."}],
    "encrypted_content": seal("Hm."),
}
RESPONSES: dict[str, Any] = {
    "model": "m",
    "input": [
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "One"}, {"type": "input_text", "text": "two."}],
        },
        SEALED,
        CALLED_F,
        RESULT_F,
    ],
    "instructions": "Be brief.",
    "tools": [FUNCTION, {"type": "function", "name": "g"}, {"type": "custom", "name": "h"}],
    "max_output_tokens": 16,
    "reasoning": {"effort": "low", "summary": "auto"},
}
HEAD: list[Any] = RESPONSES["input"][:1]
GIVEN = "input.0.content.2"
ALL_RESPONSES: list[Change] = [
    ("model", GONE),
    ("model", " "),
    ("input", GONE),
    ("input", GONE, "prompt", {}),
    ("input", 5, "prompt", {}),
    ("input", [], "prompt", {}),
    ("input", []),
    ("input", "One two."),
    ("input", 5),
    ("input", [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]),
    ("input", HEAD),
    ("input", RESPONSES["input"][:2]),
    ("input", RESPONSES["input"][:3]),
    ("input.0", "x"),
    ("input.0.role", "system"),
    ("input.0.role", "developer"),
    ("input.0.role", "robot"),
    ("input.0.content", []),
    ("input.0.content", GONE),
    ("input.0.type", "message"),
    ("input.0.nonsense", 1),
    ("input.0.status", "completed"),
    ("input.0.status", "done"),
    *each(
        GIVEN,
        "x",
        {"type": "output_text", "text": "x"},
        {"type": "input_text"},
        {"type": "new"},
        {"type": "input_image", "image_url": PNG},
        {"type": "input_image", "image_url": "https://e"},
        {"type": "input_image", "file_id": "f"},
        {"type": "input_image"},
        {"type": "input_image", "image_url": PNG, "detail": "original"},
        {"type": "input_image", "image_url": PNG, "detail": "much"},
        {"type": "input_file", "file_url": "https://e"},
        {"type": "input_file", "file_data": PNG, "filename": "a"},
        {"type": "input_file", "file_id": "f"},
        {"type": "input_file"},
    ),
    ("input.0.content", "plain"),
    ("input.4", {"role": "assistant", "content": "So."}),
    ("input.4", {"role": "assistant", "content": [{"type": "output_text", "text": "So."}]}),
    (
        "input.4",
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}], "phase": "commentary"},
    ),
    ("input.4", {"role": "assistant", "content": [{"type": "input_text", "text": "So."}]}),
    ("input.4", {"role": "assistant", "content": "So.", "phase": "first"}),
    ("input.4", {"role": "user", "content": "Three?"}),
    ("input.4", {"role": "user", "content": [{"type": "input_image", "image_url": PNG}]}),
    ("input.1.summary", GONE),
    ("input.1.summary", [{"type": "text", "text": "x"}]),
    ("input.1.content", [{"type": "reasoning_text", "text": "x"}]),
    ("input.1.content", [{"type": "x", "text": "x"}]),
    ("input.1.encrypted_content", GONE),
    ("input.1.encrypted_content", "x"),
    ("input.1.encrypted_content", 5),
    ("input.1.encrypted_content", None),
    ("input", [*HEAD, SEALED]),
    ("input", [*HEAD, SEALED, {"role": "user", "content": "x"}]),
    ("input", [*HEAD, SEALED, {"role": "assistant", "content": "x"}]),
    ("input", [*HEAD, SEALED, SEALED, CALLED_F, RESULT_F]),
    ("input", [*HEAD, SEALED, RESULT_F]),
    *(
        ("input", [*HEAD, SEALED, {"type": kind}])
        for kind in (
            "web_search_call",
            "program_output",
            "tool_search_output",
            "shell_call_output",
            "compaction",
        )
    ),
    ("input.2.call_id", ""),
    ("input.2.call_id", "b"),
    ("input.2.name", GONE),
    ("input.2.arguments", {}),
    ("input.2.async", True),
    ("input.2.asynchronous", True),
    ("input.2.namespace", "n"),
    ("input.2.caller", {}),
    ("input.3.call_id", "x"),
    ("input.3.call_id", GONE),
    ("input.3.output", 5),
    ("input.3.output", [{"type": "input_text", "text": "sunny"}, {"type": "input_text", "text": "day"}]),
    ("input.3.output", [{"type": "output_text", "text": "sunny"}]),
    ("input.3.name", "x"),
    ("input.4", RESULT_F),
    ("input.4", CALLED_H),
    ("input.4", RESULT_H),
    ("input", [*HEAD, CALLED_H, RESULT_H]),
    ("input", [*HEAD, CALLED_H, {**RESULT_H, "type": "function_call_output"}]),
    ("input", [*HEAD, CALLED_F, RESULT_F, CALLED_F, RESULT_F]),
    ("input", [*HEAD, CALLED_F, CALLED_H, RESULT_H, RESULT_F]),
    ("input", [*HEAD, {**CALLED_H, "input": 5}, RESULT_H]),
    ("input", [*HEAD, {**CALLED_H, "async": 5}, RESULT_H]),
    ("input", [*HEAD, {"type": "shell_call", "call_id": "s"}]),
    ("input", [*HEAD, {"type": "shell_call", "call_id": "s"}, {"type": "shell_call_output", "call_id": "s"}]),
    ("input", [*HEAD, {"type": "item_reference", "id": "x"}]),
    ("input", [*HEAD, {"type": "item_reference"}]),
    ("input", [*HEAD, {"type": "nonsense"}]),
    ("tools", GONE),
    ("tools", {}),
    ("tools.0", "x"),
    ("tools.0.type", GONE),
    ("tools.0.type", "nonsense"),
    *(("tools.0", {"type": kind}) for kind in ("web_search", "mcp", "shell", "namespace")),
    *each("tools.0.name", GONE, "a b", LONGEST, LONGEST + "x"),
    ("tools.0.parameters", GONE),
    ("tools.0.parameters", None),
    ("tools.0.parameters", "x"),
    *each(
        "tool_choice",
        None,
        "none",
        "auto",
        "required",
        "any",
        {"type": "function", "name": "g"},
        {"type": "function", "name": "h"},
        {"type": "custom", "name": "h"},
        {"type": "web_search"},
        {"type": "nonsense"},
        {},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]},
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "custom", "name": "h"}, {"type": "mcp"}],
        },
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "x"}]},
        {"type": "allowed_tools", "mode": "some", "tools": []},
    ),
    ("tool_choice", "required", "tools", GONE),
    ("tool_choice", "auto", "tools", GONE),
    ("stream", True),
    ("stream_options", {"include_obfuscation": False}),
    ("stream_options", {"include_obfuscation": False}, "stream", True),
    ("stream_options", {"include_usage": True}, "stream", True),
    *each("max_output_tokens", GONE, 15, 1, 0),
    *each(
        "text",
        {"format": {"type": "text"}},
        {"format": {"type": "json_object"}},
        {"format": {"type": "yaml"}},
        {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}},
        {"format": {"type": "json_schema"}},
        {"format": {"type": "json_schema", "name": "a b", "schema": SCHEMA}},
        {"verbosity": "low"},
        {"verbosity": "much"},
        {"nonsense": 1},
    ),
    *each(
        "reasoning",
        GONE,
        {},
        {"effort": "none"},
        {"effort": "max"},
        {"effort": "much"},
        {"enabled": False},
        {"summary": "detailed"},
        {"summary": "much"},
        {"generate_summary": "auto"},
        {"context": "all_turns"},
        {"mode": "pro"},
        {"mode": "x"},
        {"context": "x"},
        {"generate_summary": "x"},
        {"nonsense": 1},
    ),
    ("previous_response_id", "r"),
    ("previous_response_id", "r", "conversation", "c"),
    ("conversation", "c"),
    ("conversation", {"id": "c"}),
    ("store", True),
    ("store", False),
    ("background", True),
    ("background", False),
    ("background", True, "store", False),
    ("background", True, "store", True),
    *(
        ("background_options", {"completion_window": window}, "background", True)
        for window in ("soonest", "2h", "9h")
    ),
    ("background_options", {"completion_window": "8h"}),
    ("background_options", {"completion_window": "soonest"}),
    ("background_options", {"nonsense": 1}),
    ("temperature", 0),
    ("temperature", 2),
    ("temperature", 2.1),
    ("temperature", -0.1),
    ("top_p", 1),
    ("top_p", 1.1),
    ("top_p", -0.1),
    ("top_logprobs", 20),
    ("top_logprobs", 21),
    ("top_logprobs", -1),
    ("truncation", "auto"),
    ("truncation", "disabled"),
    ("truncation", "much"),
    ("parallel_tool_calls", 5),
    ("max_tool_calls", 5),
    ("max_tool_calls", "x"),
    ("metadata", {"a": "b"}),
    ("metadata", {"a": 5}),
    ("metadata", {str(n): "x" for n in range(17)}),
    ("metadata", {str(n): "x" for n in range(16)}),
    ("include", ["reasoning.encrypted_content"]),
    ("include", ["nonsense"]),
    ("service_tier", "ultrafast"),
    ("service_tier", "slow"),
    ("prompt_cache_retention", "in_memory"),
    ("prompt_cache_retention", "x"),
    ("context_management", []),
    ("prompt_cache_options", {}),
    ("safety_identifier", "x"),
    ("moderation", {}),
    ("image", {}),
    ("access_programs", {}),
    ("user", "u"),
    ("user", 5),
    ("instructions", 5),
    ("nonsense", 1),
]

TYPES: dict[str, tuple[ProviderType, str]] = {
    "openai": ("openai", "https://api.openai.com"),
    "compatible": ("openai", "https://e.example"),
    "azure": ("azure", "https://e.example"),
    "openrouter": ("openrouter", "https://e.example"),
    "ollama": ("ollama", "https://e.example"),
    "vllm": ("vllm", "https://e.example"),
}
VERSION = {"anthropic-version": "2023-06-01"}
GOOGLES = "/v1beta/models/gemini-3-pro:generateContent"
FAMILIES: dict[str, list[Case]] = {
    "gemini": [
        ("google", GOOGLES, {}, None, GEMINI, GEMINI_CHANGES),
        (
            "google",
            "/v1/models/gemini-2.5-flash:streamGenerateContent",
            {},
            None,
            GEMINI,
            [("contents.1.parts.1.thoughtSignature", GONE)],
        ),
        (
            "google",
            "/v1/projects/p/locations/l/publishers/google/models/a%2Fb:generateContent",
            {},
            None,
            GEMINI,
            [],
        ),
        ("google", "/v1beta/models/m:predict", {}, None, GEMINI, []),
        ("google", "/v1beta/models:generateContent", {}, None, GEMINI, []),
    ],
    "converse": [
        ("bedrock", "/model/a%2Fb/converse", {}, None, CONVERSE, CONVERSE_CHANGES),
        ("bedrock", "/model/m/converse-stream", {}, None, CONVERSE, []),
    ],
    "invoke": [
        ("bedrock/invoke", "/model/claude-opus-4-6/invoke", {}, None, INVOKED, INVOKE_CHANGES),
        (
            "bedrock/invoke",
            "/model/claude-opus-4-7/invoke-with-response-stream",
            {},
            None,
            {**INVOKED, "thinking": {"type": "adaptive"}},
            [("anthropic_version", "2026-10-21"), ("anthropic_version", "2026-10-21", "top_p", 1)],
        ),
        ("bedrock/invoke", "/model/mine/invoke", {}, None, INVOKED, [("anthropic_version", "2026-10-21")]),
    ],
    "cohere": [("cohere", "/v2/chat", {}, None, COHERE, COHERE_CHANGES)],
    "ollama": [("ollama/ollama", "/api/chat", {}, None, OLLAMA, OLLAMA_CHANGES)],
    "messages": [
        ("anthropic", "/v1/messages", VERSION, None, MESSAGES, MESSAGES_CHANGES),
        ("anthropic", "/v1/messages", {**VERSION, "anthropic-beta": "a"}, None, MESSAGES, BETA_CHANGES),
        ("anthropic", "/v1/messages", {"anthropic-version": "2026-10-21"}, None, MESSAGES, LATER_CHANGES),
        ("anthropic", "/v1/messages", {"anthropic-version": "2023-01-01"}, None, MESSAGES, []),
        ("anthropic", "/v1/messages", {"anthropic-version": "2023-01-02"}, None, MESSAGES, []),
        ("anthropic", "/v1/messages", {}, None, MESSAGES, []),
    ],
    "chat": [
        *((name, "/v1/chat/completions", {}, None, CHAT, ALL_CHAT) for name in TYPES),
        (
            "azure",
            "/openai/deployments/gpt/chat/completions",
            {},
            "gpt",
            CHAT,
            [("model", GONE), ("model", "")],
        ),
    ],
    "responses": [
        (f"{name}/responses", "/v1/responses", {}, None, RESPONSES, ALL_RESPONSES) for name in TYPES
    ],
}


def shown(family: str) -> list[str]:
    """The golden of a family: all lines of the first type, and of the others the lines that differ."""
    found: list[str] = []
    first: dict[str, str] = {}
    said: dict[str, str] | str
    for dialect, target, headers, deployment, body, changes in FAMILIES[family]:
        name, _, api = dialect.partition("/")
        type, host = TYPES.get(name, ("openai", "https://e.example"))
        route = Route(type, deployment=deployment)
        registered = f"{type if name in TYPES else name}{'/' if api else ''}{api}"
        request = Request.post(f"{host}{target}", tuple(headers.items()), b"")
        usual = seen(registered, route, request, body)
        found.append(f"=== {dialect}, {target}{''.join(f', {field}: {headers[field]}' for field in headers)}")
        found += (
            [usual] if isinstance(usual, str) else [f"{field}: {value}" for field, value in usual.items()]
        )
        for change in changes:
            said = seen(registered, route, request, changed(body, change))
            if isinstance(said, dict):
                assert isinstance(usual, dict)
                said = " ".join(f"{field}: {value}" for field, value in said.items() if value != usual[field])
            asked = told(change)
            if first.get(asked) != said:
                found.append(f"{asked} -> {said}")
            first.setdefault(asked, said)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_requests_are_read_and_refused_as_written_down(family: str) -> None:
    assert shown(family) == (GOLDENS / f"{family}.txt").read_text("utf-8").split("\n")[:-1]


if __name__ == "__main__":
    for name in FAMILIES:
        (GOLDENS / f"{name}.txt").write_text("".join(f"{line}\n" for line in shown(name)), "utf-8")
