"""Reads requests of Ollama's own API, and refuses invalid ones as Ollama does.

Source: Ollama's repository, `api/types.go` (`ChatRequest`): it passes over fields that it does not know, and
refuses those of a wrong type.
"""

from __future__ import annotations

from itertools import takewhile
from typing import Any

import msgspec
from msgspec import Struct

from sansio.families.fields import base64_bytes
from sansio.http import Request
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import refuse
from sansio.testing.prompt import (
    OfferedTool,
    Prompt,
    ToolResult,
    as_object,
    as_objects,
    as_text,
    count_tokens,
)
from sansio.testing.routes import Route

_LEVELS = ("low", "medium", "high", "max")


class _Function(Struct):
    name: str
    arguments: dict[str, Any] = {}


class _Call(Struct):
    function: _Function
    id: str = ""


class _Message(Struct):
    role: str
    content: str = ""
    thinking: str = ""
    images: list[str] | None = None
    tool_calls: list[_Call] | None = None
    tool_name: str = ""
    tool_call_id: str = ""


class _Asked(Struct):
    model: str
    messages: list[_Message]
    stream: bool = True
    format: str | dict[str, Any] | None = None
    options: dict[str, Any] | None = None
    think: bool | str | None = None
    keep_alive: str | int | float | None = None
    tools: list[dict[str, Any]] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


def read_ollama_request(route: Route, request: Request, body: JSONObject) -> Prompt:
    """Check a request and return what the model sees of it.

    Raises:
        Refused: with Ollama's status.
    """
    try:
        asked = msgspec.convert(body, _Asked)
    except msgspec.ValidationError as error:
        raise refuse(f"json: cannot unmarshal the request: {error}") from None
    if not asked.model.strip():
        raise refuse("model is required")
    if isinstance(asked.think, str) and asked.think not in _LEVELS:
        raise refuse(
            f"invalid think value: {asked.think!r} (must be one of {', '.join(_LEVELS)}, true, false)"
        )
    if isinstance(asked.format, str) and asked.format not in ("", "json"):
        raise refuse(f'invalid format: {asked.format!r}; expected "json" or a valid JSON Schema object')
    for message in asked.messages:
        if message.role not in ("system", "user", "assistant", "tool"):
            raise refuse(f"invalid role: {message.role!r}")
        for image in message.images or ():
            if base64_bytes(image) is None:
                raise refuse("illegal base64 data in images")
    messages = as_objects(body["messages"])
    limit = as_object(body.get("options")).get("num_predict")
    return Prompt(
        model=asked.model,
        stream=asked.stream,
        include_usage=True,
        user=next((m.content for m in reversed(asked.messages) if m.role == "user" and m.content), ""),
        turns=len(messages),
        results=_results(asked.messages),
        tools=_tools(body.get("tools")),
        forced_tool=None,
        reasoning=bool(asked.think),
        max_tokens=limit if isinstance(limit, int) and limit >= 0 else None,
        tokens=count_tokens([body["messages"], body.get("tools")]),
        schema=as_object(body.get("format")) or None,
    )


def _tools(tools: JSON) -> tuple[OfferedTool, ...]:
    functions = [as_object(tool.get("function")) for tool in as_objects(tools)]
    return tuple(OfferedTool(as_text(f.get("name")), as_object(f.get("parameters"))) for f in functions)


def _results(messages: list[_Message]) -> tuple[ToolResult, ...]:
    """The results at the end, with the names of the tools that gave them."""
    last = takewhile(lambda message: message.role == "tool", reversed(messages))
    return tuple(ToolResult(message.tool_name, message.content) for message in [*last][::-1])
