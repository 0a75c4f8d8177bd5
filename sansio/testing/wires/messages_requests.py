"""Reads messages requests, and refuses invalid ones as Anthropic does.

Sources: Anthropic's API reference ("Create a message", "Extended thinking", "Prompt caching", "Tool use") and
the errors that its users report.
"""

from __future__ import annotations

import re

from sansio.http import Request, header
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
from sansio.testing.wires.messages import sign

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_BUILT_IN_TOOL = re.compile(r"\w+_\d{8}|mcp_toolset")
_MIN_BUDGET = 1024
_MAX_BREAKPOINTS = 4
_THINKING_BLOCKS = ("thinking", "redacted_thinking")


def read_messages_request(route: Route, request: Request, body: JSONObject) -> Prompt:
    """Check a request and return what the model sees of it.

    Raises:
        Refused: with Anthropic's status and the path of the faulty field.
    """
    if not header(request.headers, "anthropic-version"):
        raise refuse("anthropic-version: the header is required.")
    max_tokens = _check_fields(body)
    messages = _check_messages(body.get("messages"))
    _check_calls(messages)
    thinking = _check_thinking(body, max_tokens, messages)
    _check_cache_control(body)
    tools = _read_tools(body.get("tools"))
    choice = as_object(body.get("tool_choice"))
    forced = as_text(choice.get("name")) or ("*" if choice.get("type") == "any" else None)
    last = messages[-1]
    return Prompt(
        model=as_text(body.get("model")),
        stream=body.get("stream") is True,
        include_usage=True,
        user=next((text for m in reversed(messages) if m["role"] == "user" and (text := _text(m))), ""),
        turns=len(messages),
        results=_results(messages) if last["role"] == "user" else (),
        tools=() if choice.get("type") == "none" else tools,
        forced_tool=forced,
        reasoning=thinking,
        max_tokens=max_tokens,
        tokens=count_tokens([body.get("system"), body.get("messages"), body.get("tools")]),
    )


def _text(message: JSONObject) -> str:
    return text_of(message["content"])


def _check_fields(body: JSONObject) -> int:
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise refuse(f"{name}: the field is required.")
    if not as_text(body["model"]).strip():
        raise refuse("model: must be a non-empty text.")
    max_tokens = body["max_tokens"]
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
        raise refuse("max_tokens: must be a whole number, at least 1.")
    if not isinstance(body.get("stream", False), bool):
        raise refuse("stream: must be true or false.")
    for block in as_objects(body.get("system")):
        if not as_text(block.get("text")).strip():
            raise refuse("system: text content blocks must not be empty.")
    return max_tokens


def _check_messages(messages: JSON) -> list[JSONObject]:
    if not isinstance(messages, list) or not messages:
        raise refuse("messages: at least one message is required.")
    checked = []
    for index, message in enumerate(messages):
        role, content = as_object(message).get("role"), as_object(message).get("content")
        if not isinstance(message, dict) or role not in ("user", "assistant"):
            hint = " The system prompt is the top-level field system." if role == "system" else ""
            raise refuse(f"messages.{index}.role: {role!r} is neither user nor assistant.{hint}")
        if index == 0 and role != "user":
            raise refuse("messages: the first message must be the user's.")
        if not isinstance(content, str | list):
            raise refuse(f"messages.{index}.content: must be a text or a list of blocks.")
        last_answer = role == "assistant" and index == len(messages) - 1
        if not content and not last_answer:
            raise refuse(f"messages.{index}: the content must not be empty.")
        for position, block in enumerate(content if isinstance(content, list) else ()):
            _check_block(block, f"messages.{index}.content.{position}")
        checked.append(message)
    return checked


def _check_block(block: JSON, path: str) -> None:
    match as_object(block).get("type"):
        case "text":
            if not as_text(as_object(block).get("text")).strip():
                raise refuse(f"{path}: text content blocks must not be empty.")
        case "thinking":
            thinking, signature = as_object(block).get("thinking"), as_object(block).get("signature")
            if signature != sign(as_text(thinking)):
                raise refuse(f"{path}: the thinking block's signature is missing or does not fit its text.")
        case "tool_use":
            if not as_text(as_object(block).get("id")) or not isinstance(as_object(block).get("input"), dict):
                raise refuse(f"{path}: a tool_use block must have an id and an input that is an object.")
        case "tool_result":
            content = as_object(block).get("content", "")
            if not as_text(as_object(block).get("tool_use_id")):
                raise refuse(f"{path}.tool_use_id: the field is required.")
            for position, inner in enumerate(content if isinstance(content, list) else ()):
                _check_block(inner, f"{path}.content.{position}")
        case str():
            pass
        case _:
            raise refuse(f"{path}.type: the field is required.")


def _blocks(message: JSONObject, kind: str) -> list[JSONObject]:
    return [block for block in as_objects(message["content"]) if block["type"] == kind]


def _check_calls(messages: list[JSONObject]) -> None:
    """All results of one turn must be in the next message, before anything else in it."""
    seen: set[str] = set()
    waiting: list[str] = []
    for index, message in enumerate(messages):
        leading = True
        for position, block in enumerate(as_objects(message["content"])):
            if block["type"] != "tool_result":
                leading = False
                continue
            answered = as_text(block.get("tool_use_id"))
            if message["role"] != "user" or not leading or answered not in waiting:
                raise refuse(
                    f"messages.{index}.content.{position}: the tool_result for {answered!r} has no tool_use "
                    "in the message before, or is not at the beginning of its own."
                )
            waiting.remove(answered)
        _refuse_unanswered(waiting, index - 1)
        waiting = [as_text(block.get("id")) for block in _blocks(message, "tool_use")]
        if len({*waiting, *seen}) < len(waiting) + len(seen):
            raise refuse(f"messages.{index}: the ids of tool_use blocks must be unique.")
        seen.update(waiting)
    _refuse_unanswered(waiting, len(messages) - 1)


def _refuse_unanswered(waiting: list[str], index: int) -> None:
    if waiting:
        raise refuse(
            f"messages.{index}: tool_use ids without tool_result blocks right after: {', '.join(waiting)}."
        )


def _check_thinking(body: JSONObject, max_tokens: int, messages: list[JSONObject]) -> bool:
    thinking = body.get("thinking")
    if thinking is None:
        return False
    kind = as_object(thinking).get("type")
    if kind not in ("enabled", "adaptive", "disabled"):
        raise refuse(f"thinking.type: {kind!r} is unknown: use enabled, adaptive or disabled.")
    if kind == "disabled":
        return False
    budget = as_object(thinking).get("budget_tokens")
    if kind == "enabled":
        if not isinstance(budget, int) or budget < _MIN_BUDGET:
            raise refuse(f"thinking.budget_tokens: must be a whole number, at least {_MIN_BUDGET}.")
        if budget >= max_tokens:
            raise refuse("max_tokens: must be greater than thinking.budget_tokens.")
    if body.get("temperature", 1) != 1:
        raise refuse("temperature: must be 1 if thinking is enabled.")
    if as_object(body.get("tool_choice")).get("type") in ("any", "tool"):
        raise refuse("tool_choice: a tool must not be forced if thinking is enabled.")
    _check_thinking_came_back(messages)
    return True


def _check_thinking_came_back(messages: list[JSONObject]) -> None:
    """In a tool loop, the last answer must begin with the thinking that led to its calls."""
    if len(messages) < 2 or not _blocks(messages[-1], "tool_result"):
        return
    first = as_objects(messages[-2]["content"])[0]["type"]
    if first not in _THINKING_BLOCKS:
        raise refuse(
            f"messages.{len(messages) - 2}.content.0.type: must be thinking or redacted_thinking in a tool "
            f"loop with thinking, not {first}."
        )


def _check_cache_control(body: JSONObject) -> None:
    marked = _marked(body.get("tools")) + _marked(body.get("system"))
    for message in as_objects(body.get("messages")):
        marked += _marked(message.get("content"))
    if len(marked) > _MAX_BREAKPOINTS:
        raise refuse(f"cache_control: {_MAX_BREAKPOINTS} blocks may have it, not {len(marked)}.")
    lifetimes = [as_object(mark).get("ttl", "5m") for mark in marked]
    if lifetimes != sorted(lifetimes, key=lambda lifetime: lifetime != "1h"):
        raise refuse("cache_control.ttl: blocks with 1h must come before those with 5m.")


def _marked(blocks: JSON) -> list[JSON]:
    return [block["cache_control"] for block in as_objects(blocks) if block.get("cache_control") is not None]


def _read_tools(tools: JSON) -> tuple[OfferedTool, ...]:
    if tools is None:
        return ()
    if not isinstance(tools, list):
        raise refuse("tools: must be a list.")
    offered: list[OfferedTool] = []
    for index, tool in enumerate(tools):
        known = as_object(tool)
        kind = known.get("type", "custom")
        if isinstance(kind, str) and _BUILT_IN_TOOL.fullmatch(kind):
            continue  # the server would run it itself
        if kind != "custom":
            raise refuse(f"tools.{index}.type: there is no tool of the type {kind!r}.")
        name = as_text(known.get("name"))
        if not _TOOL_NAME.fullmatch(name):
            raise refuse(f"tools.{index}.name: must be 1 to 128 letters, digits, _ and -.")
        if as_object(known.get("input_schema")).get("type") != "object":
            raise refuse(f"tools.{index}.input_schema: a JSON schema of the type object is required.")
        offered.append(OfferedTool(name, as_object(known["input_schema"])))
    if len({tool.name for tool in offered}) < len(offered):
        raise refuse("tools: the names must be unique.")
    return tuple(offered)


def _results(messages: list[JSONObject]) -> tuple[ToolResult, ...]:
    """The results in the last message, with the names of the tools that gave them."""
    names: dict[str, str] = {}
    for message in messages:
        for block in _blocks(message, "tool_use"):
            names[as_text(block.get("id"))] = as_text(block.get("name"))
    return tuple(
        ToolResult(names[as_text(block.get("tool_use_id"))], text_of(block.get("content")))
        for block in _blocks(messages[-1], "tool_result")
    )
