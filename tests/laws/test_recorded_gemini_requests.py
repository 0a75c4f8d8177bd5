"""Recorded requests of Gemini, said in messages, tools and typed options, keep their meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from sansio import (
    ImagePart,
    InvalidRequestError,
    Message,
    Part,
    Provider,
    ProviderConfig,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.families.fields import base64_bytes
from sansio.families.gemini.parts import CALL, part_of
from sansio.providers.google import vertex_url
from tests.support import GEMINI_CORPUS

pytestmark = pytest.mark.skipif(not GEMINI_CORPUS.is_dir(), reason="recorded traffic is not here")

Body = dict[str, Any]  # Any: the corpus's own JSON

NAMES = sorted(path.name.removesuffix(".req.json") for path in GEMINI_CORPUS.glob("*.req.json"))

EXCEPTIONS: dict[str, str] = {
    "gmr-gemini-arize-generate_content_with_config_as_dict-99fb-0": "its topK is 40.0, and not an integer",
    "gmr-gemini-pydai-google_model_empty_assistant_response-d828-0": "it has an empty answer",
    "gmr-gemini-pydai-google_model_empty_user_prompt-4f13-0": "its user says nothing",
}
"""Recorded requests that are not sent as they were recorded, each with its reason."""


@cache
def recorded(name: str) -> Body:
    """The request in the wire's own spelling: some clients send what the server takes as well, snake case."""
    body = camel(json.loads((GEMINI_CORPUS / f"{name}.req.json").read_text("utf-8")))
    assert isinstance(body, dict)
    return body


OPAQUE = (
    "args",
    "response",
    "parameters",
    "parametersJsonSchema",
    "responseSchema",
    "responseJsonSchema",
    "labels",
)
"""Fields whose names are not the wire's."""


def camel(value: Any) -> Any:
    if isinstance(value, list):
        return [camel(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub(r"_(\w)", lambda found: found[1].upper(), name): inner for name, inner in value.items()}
    return {name: inner if name in OPAQUE else camel(inner) for name, inner in named.items()}


def provider_of(name: str) -> Provider:
    """The provider that the request was sent to."""
    if "-vertex-" in name:
        config = ProviderConfig(type="vertex", model="gemini-2.5-flash", base_url=vertex_url("p"))
    else:
        config = ProviderConfig(type="google", model="gemini-2.5-flash")
    return Provider(config)


CONFIG = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "maxOutputTokens": "max_tokens",
    "seed": "seed",
    "thinkingConfig": "thinking_config",
    "speechConfig": "speech_config",
    "responseModalities": "modalities",
    "responseSchema": "response_schema",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
}
"""Fields of `generationConfig`, and the options that are written there."""
TOP = {
    "safetySettings": "safety_settings",
    "cachedContent": "cached_content",
    "modelArmorConfig": "model_armor_config",
    "toolConfig": "tool_config",
}


def build(name: str) -> Body:
    """The body that the library builds for what the request says."""
    body = meaning(recorded(name))
    provider = provider_of(name)
    messages: list[Message] = []
    if "systemInstruction" in body:  # one without a text has gone
        messages.append(Message("system", [*map(own_part, body["systemInstruction"]["parts"])]))
    messages += messages_of(body["contents"], provider.dialect.origin)
    tools = [tool for each in body.get("tools", ()) for tool in tools_of(each)]
    options: Body = {TOP[field]: body[field] for field in TOP if field in body}
    config = dict(body.get("generationConfig", {}))
    schema = config.pop("responseJsonSchema", None)
    kind = config.pop("responseMimeType", None)
    if schema is not None:
        options["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
    elif kind == "application/json" and "responseSchema" not in config:
        options["response_format"] = {"type": "json_object"}
    options |= {CONFIG[field]: value for field, value in config.items() if field in CONFIG}
    own = {field: value for field, value in config.items() if field not in CONFIG}
    if own:
        options["generation_config"] = own
    prepared = provider.prepare(messages, tools, stream=False, options=options)
    return prepared.body


def tools_of(tool: Body) -> Iterator[Body]:
    for kind, value in tool.items():
        if kind == "functionDeclarations":
            yield from ({"type": "function", "function": plain(declared)} for declared in value)
        else:
            yield {"type": kind, **value}


def plain(declared: Body) -> Body:
    """A function in OpenAI's form."""
    return {("parameters" if name == "parametersJsonSchema" else name): v for name, v in declared.items()}


def messages_of(contents: list[Body], origin: str) -> Iterator[Message]:
    """The messages that a request's contents say."""
    calls: list[ToolCall] = []
    for number, content in enumerate(contents):
        parts = content["parts"]
        if content.get("role") == "model":
            said = [answered_part(part, f"call_{number}_{place}") for place, part in enumerate(parts)]
            calls = [part for part in said if isinstance(part, ToolCall)]
            yield Message("assistant", said, origin=origin)
            continue
        written: list[Part] = []
        for part in parts:
            if "functionResponse" in part:
                inner = dict(part["functionResponse"])
                call = next(call for call in calls if call.name == inner["name"])
                calls.remove(call)
                extra = {
                    "response": inner["response"],
                    **({"parts": inner["parts"]} if "parts" in inner else {}),
                }
                yield Message("tool", "", call.id, extra=extra)
            else:
                written.append(own_part(part))
        if written:
            yield Message("user", written)


def answered_part(wire: Body, made_up: str) -> Part:
    """A part of an answer; calls are put together elsewhere."""
    call = wire.get(CALL)
    if call is None:
        return part_of(wire)
    beside = {name: value for name, value in wire.items() if name != CALL}
    inner: Body = {} if call.get("id") else {CALL: {"id": None}}
    return ToolCall(
        call.get("id") or made_up, call["name"], call.get("args") or {}, extra={**inner, **beside}
    )


def own_part(wire: Body) -> Part:
    """A part that the application wrote."""
    match wire:
        case {"text": str(said)}:
            return TextPart(said)
        case {"inlineData": {"mimeType": str(kind), "data": str(data)}} if kind.startswith("image/"):
            image = base64_bytes(data)  # some were shortened, and are no base64 since then
            return (
                UnknownPart("inlineData", wire) if image is None else ImagePart(data=image, media_type=kind)
            )
        case {"fileData": {"mimeType": str(kind), "fileUri": address}} if kind.startswith("image/"):
            return ImagePart(url=address, media_type=kind)
        case _:
            return UnknownPart(next(iter(wire)), wire)


# Two bodies that mean the same.


def meaning(body: Body) -> Body:
    """A body in one of the forms that mean the same: no defaults, and the contents of a turn together."""
    same = {name: value for name, value in body.items() if name != "model" and value not in (None, [], {})}
    if "systemInstruction" in same:
        given = same["systemInstruction"]["parts"]
        parts = [*map(meant, given if isinstance(given, list) else [given])]
        said = [part for part in parts if part != {"text": ""}]
        same["systemInstruction"] = {"parts": said} if said else {}
    contents: list[Body] = []
    for content in same["contents"]:
        role = content.get("role") or "user"
        parts = [*map(meant, content["parts"])]
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    same["contents"] = contents
    if "tools" in same:
        listed = same["tools"] if isinstance(same["tools"], list) else [same["tools"]]
        same["tools"] = meant_tools(listed)
    if "generationConfig" in same:
        config = {name: value for name, value in same["generationConfig"].items() if value is not None}
        if "responseSchema" in config or "responseJsonSchema" in config:
            config.setdefault("responseMimeType", "application/json")
        same["generationConfig"] = config
    calling = same.get("toolConfig", {}).get("functionCallingConfig")
    if calling is not None:
        config = {**calling, "mode": calling["mode"].upper()}
        same["toolConfig"] = {**same["toolConfig"], "functionCallingConfig": config}
    return {name: value for name, value in same.items() if value not in ({}, [])}


def meant(part: Body) -> Body:
    same = {
        name: value
        for name, value in part.items()
        if value is not None and (name, value) != ("thought", False)
    }
    if CALL in same:
        same[CALL] = {"args": {}, **{name: value for name, value in same[CALL].items() if value is not None}}
    if "functionResponse" in same:
        inner = {name: value for name, value in same["functionResponse"].items() if value is not None}
        same["functionResponse"] = inner
    return same


def meant_tools(tools: list[Body]) -> list[Body]:
    """All functions in one list, their parameters as JSON schema; then the other tools."""
    functions = [declared for tool in tools for declared in tool.get("functionDeclarations") or ()]
    others = [
        {name: value or {}}
        for tool in tools
        for name, value in tool.items()
        if name != "functionDeclarations" and not (value is None and "functionDeclarations" in tool)
    ]
    declared = [{"functionDeclarations": [*map(meant_function, functions)]}] if functions else []
    return declared + others


def meant_function(declared: Body) -> Body:
    same = {name: value for name, value in declared.items() if value is not None}
    schema = same.pop("parameters", None) or same.pop("parametersJsonSchema", None)
    if schema is not None and schema.get("properties"):
        same["parametersJsonSchema"] = meant_schema(schema)
    return same


def meant_schema(schema: Any) -> Any:
    """A schema of OpenAPI's in the words of JSON schema: its types are in capitals."""
    if isinstance(schema, list):
        return [meant_schema(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: inner.lower() if name == "type" and isinstance(inner, str) else meant_schema(inner)
        for name, inner in schema.items()
        if inner is not None
    }


def test_recorded_requests_are_sent_in_words_of_the_same_meaning() -> None:
    different = {}
    for name in NAMES:
        try:
            built, wanted = meaning(build(name)), meaning(recorded(name))
        except InvalidRequestError as error:
            different[name] = str(error)
        else:
            if built != wanted:
                different[name] = "another meaning"
    assert different.keys() == EXCEPTIONS.keys(), different
    assert len(different) / len(NAMES) <= 0.02
