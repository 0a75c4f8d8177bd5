"""Messages in the JSON form of the OpenTelemetry GenAI conventions, for `transports.observing.otel`."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from sansio import (
    AudioPart,
    DocumentPart,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.content import Tool

JSONValue = Any  # what OpenTelemetry takes as an attribute: any JSON, typed by it as a recursive union


def conversation(messages: Sequence[Message]) -> list[JSONValue]:
    """`gen_ai.input.messages`: the messages in their order."""
    return [_message(message) for message in messages]


def output(answer: Message) -> list[JSONValue]:
    """`gen_ai.output.messages`: the answer, which is the only one of its request."""
    return [_message(answer)]


def tool_definitions(tools: Sequence[Tool]) -> list[JSONValue]:
    """`gen_ai.tool.definitions`: the type and the name of each, with its description and parameters."""
    found: list[JSONValue] = []
    for tool in tools:
        inner = tool.get("function")
        fields = inner if isinstance(inner, Mapping) else tool
        named = {name: fields[name] for name in ("name", "description", "parameters") if name in fields}
        found.append({"type": tool.get("type", "function"), **named})
    return found


def _message(message: Message) -> JSONValue:
    if message.role is Role.TOOL:
        response = message.text or [_part(part) for part in message.parts]
        part = {"type": "tool_call_response", "id": message.tool_call_id, "response": response}
        return {"role": "tool", "parts": [part]}
    return {"role": message.role.value, "parts": [_part(part) for part in message.parts]}


def _part(part: Part) -> JSONValue:
    match part:
        case TextPart(text=text):
            return {"type": "text", "content": text}
        case ReasoningPart(text=text):
            return {"type": "reasoning", "content": text}
        case RefusalPart(text=text):
            return {"type": "refusal", "content": text}
        case ToolCall(id=id, name=name, arguments=arguments):
            return {"type": "tool_call", "id": id, "name": name, "arguments": arguments}
        case InvalidToolCall(id=id, name=name, raw_arguments=raw):
            return {"type": "tool_call", "id": id, "name": name, "arguments": raw}
        case ServerToolPart(kind=kind, id=id, name=name, input=given, output=result):
            call = {"type": kind, "input": given, "output": result}
            return {"type": "server_tool_call", "id": id, "name": name or kind, "server_tool_call": call}
        case ImagePart():
            return _media(part, "image")
        case AudioPart():
            return _media(part, "audio")
        case DocumentPart():
            return _media(part, "document")
        case UnknownPart(kind=kind):
            return {"type": kind}
        case _:
            assert_never(part)


def _media(part: ImagePart | AudioPart | DocumentPart, modality: str) -> JSONValue:
    about = {"mime_type": part.media_type, "modality": modality}
    if part.url is not None:
        return {"type": "uri", "uri": part.url, **about}
    if part.file_id is not None:
        return {"type": "file", "file_id": part.file_id, **about}
    data = part.data
    text = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    return {"type": "blob", "content": text, **about}
