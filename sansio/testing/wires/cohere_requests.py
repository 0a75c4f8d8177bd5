"""Reads requests of Cohere's chat, and refuses invalid ones as Cohere does.

Source: Cohere's own SDK (`V2Client.chat`, `ChatMessageV2`), which states the ranges.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

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
    text_of,
)
from sansio.testing.routes import Route


class _Strict(Struct, forbid_unknown_fields=True):
    """An object that refuses unknown fields."""


class _Function(_Strict):
    name: str
    arguments: str


class _Call(_Strict):
    id: str
    function: _Function
    type: Literal["function"] = "function"


_Blocks = str | Annotated[list[dict[str, Any]], Meta(min_length=1)]


class _System(_Strict, tag_field="role", tag="system"):
    content: _Blocks


class _User(_Strict, tag_field="role", tag="user"):
    content: _Blocks


class _Assistant(_Strict, tag_field="role", tag="assistant"):
    content: str | list[dict[str, Any]] | None = None
    tool_plan: str | None = None
    tool_calls: list[_Call] | None = None
    citations: list[dict[str, Any]] | None = None


class _Tool(_Strict, tag_field="role", tag="tool"):
    tool_call_id: str
    content: _Blocks


class _Thinking(_Strict):
    type: Literal["enabled", "disabled"]
    token_budget: Annotated[int, Meta(gt=0)] | None = None


class _Format(_Strict):
    type: Literal["text", "json_object"]
    json_schema: dict[str, Any] | None = None


class _ToolFunction(_Strict):
    name: str
    parameters: dict[str, Any] = {}
    description: str | None = None


class _Offered(_Strict):
    function: _ToolFunction
    type: Literal["function"] = "function"


_Penalty = Annotated[float, Meta(ge=0, le=1)] | None


class _Asked(_Strict):
    model: Annotated[str, Meta(pattern=r"\S")]
    messages: Annotated[list[_System | _User | _Assistant | _Tool], Meta(min_length=1)]
    stream: bool = False
    tools: list[_Offered] | None = None
    strict_tools: bool | None = None
    documents: list[str | dict[str, Any]] | None = None
    citation_options: dict[str, Any] | None = None
    response_format: _Format | None = None
    safety_mode: Literal["CONTEXTUAL", "STRICT", "OFF"] | None = None
    max_tokens: Annotated[int, Meta(ge=0)] | None = None
    stop_sequences: Annotated[list[str], Meta(max_length=5)] | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    seed: int | None = None
    frequency_penalty: _Penalty = None
    presence_penalty: _Penalty = None
    k: Annotated[int, Meta(ge=0, le=500)] | None = None
    p: _Penalty = None
    logprobs: bool | None = None
    tool_choice: Literal["REQUIRED", "NONE"] | None = None
    thinking: _Thinking | None = None
    priority: int | None = None


def read_cohere_request(route: Route, request: Request, body: JSONObject) -> Prompt:
    """Check a request and return what the model sees of it.

    Raises:
        Refused: with Cohere's status.
    """
    try:
        asked = msgspec.convert(body, _Asked)
    except msgspec.ValidationError as error:
        raise refuse(f"invalid request: {error}") from None
    if asked.tool_choice is not None and not asked.tools:
        raise refuse("invalid request: tool_choice can be given only beside tools")
    results = _results(asked.messages)
    messages = as_objects(body["messages"])
    users = [text_of(message.get("content")) for message in messages if message.get("role") == "user"]
    tools = tuple(
        OfferedTool(as_text(function.get("name")), as_object(function.get("parameters")))
        for function in (as_object(tool.get("function")) for tool in as_objects(body.get("tools")))
    )
    return Prompt(
        model=asked.model,
        stream=asked.stream,
        include_usage=True,
        user=next((text for text in reversed(users) if text), ""),
        turns=len(messages),
        results=results,
        tools=() if asked.tool_choice == "NONE" else tools,
        forced_tool="*" if asked.tool_choice == "REQUIRED" else None,
        reasoning=asked.thinking is not None and asked.thinking.type == "enabled",
        max_tokens=asked.max_tokens,
        tokens=count_tokens([body["messages"], body.get("tools")]),
        schema=asked.response_format.json_schema if asked.response_format is not None else None,
    )


def _results(messages: list[_System | _User | _Assistant | _Tool]) -> tuple[ToolResult, ...]:
    """The results at the end, with the names of the tools that gave them.

    Raises:
        Refused: a result has no call before it, or a call no result behind it.
    """
    names: dict[str, str] = {}
    waiting: list[str] = []
    found: list[ToolResult] = []
    for place, message in enumerate(messages):
        if isinstance(message, _Tool):
            if message.tool_call_id not in waiting:
                raise refuse(
                    f"invalid request: messages[{place}]: tool call id {message.tool_call_id!r} not found in "
                    "previous tool calls"
                )
            waiting.remove(message.tool_call_id)
            content: JSON = (
                message.content if isinstance(message.content, str) else list[JSON](message.content)
            )
            found.append(ToolResult(names[message.tool_call_id], text_of(content)))
            continue
        if waiting:
            raise refuse(f"invalid request: messages[{place}]: all tool calls must have a result before it")
        found = []
        if isinstance(message, _Assistant):
            if not (message.content or message.tool_calls):
                raise refuse(f"invalid request: messages[{place}]: content or tool_calls must be given")
            names = {call.id: call.function.name for call in message.tool_calls or ()}
            waiting = [*names]
        elif not message.content:
            raise refuse(f"invalid request: messages[{place}]: content must not be empty")
    if waiting:
        raise refuse("invalid request: all tool calls must have a result")
    return tuple(found)
