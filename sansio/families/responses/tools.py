"""Tools and tool choices of Responses, which are flat where those of chat completions are nested.

Source: OpenAI's SDK (`ToolParam`, `ToolChoiceAllowedParam`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sansio.content import Tool
from sansio.errors import InvalidRequestError
from sansio.families.tools import check_forced, free_text_tool
from sansio.jsontext import JSONObject
from sansio.options import Body

_NESTED = ("function", "custom")
"""The tools that the application runs by name."""
_ANTHROPICS = ("none", "auto", "any", "tool")
_OFFERED_LATER = ("additional_tools", "tool_search_output")
"""Items of the input that also offer tools."""


def wire_tool(tool: Tool, position: int, *, custom: bool) -> Tool:
    """Convert a tool to the wire's form.

    Args:
        tool: in OpenAI's chat format, or a provider's own. Fields next to `function` or `custom`, such as
            `defer_loading`, are put next to its name.
        position: its position in the list, for errors.
        custom: whether the server knows custom tools. If not, a custom tool becomes a function with one text,
            `input`.

    Raises:
        InvalidRequestError: the tool has another provider's form; or its text must follow a grammar, which
            a function cannot require.
    """
    if "input_schema" in tool:
        raise InvalidRequestError(
            f"tool {position}, {tool.get('name')!r}, is in Anthropic's format; give its input_schema as "
            'parameters: {"type": "function", "function": {"name": …, "description": …, "parameters": …}}'
        )
    kind = tool.get("type", "function")
    if kind not in _NESTED:
        return tool
    inner = _object(tool, kind)
    beside = {name: value for name, value in tool.items() if name not in ("type", kind)}
    if kind == "function":
        return {**_function(inner), **beside}
    if not custom:
        described, schema = free_text_tool(inner, position)
        return {**_function({**described, "parameters": schema}), **beside}
    flat = {"type": "custom", **inner, **beside}
    if isinstance(form := flat.get("format"), Mapping):
        flat["format"] = _flat(form, "grammar")
    return flat


def _function(inner: Mapping[str, Any]) -> dict[str, Any]:
    """A function with all fields that the wire requires.

    Without `strict`, or with null, OpenAI makes any schema strict (its SDK, `FunctionToolParam`). Chat
    completions do not, and a tool should mean the same on both, so `strict` is sent as false. A tool with
    `strict: None` is left to the server.
    """
    parameters = inner.get("parameters")
    empty: JSONObject = {"type": "object", "properties": {}}
    return {
        "type": "function",
        "strict": False,
        **inner,
        "parameters": empty if parameters is None else parameters,
    }


def write_choice(body: Body, value: str | Mapping[str, Any] | None) -> None:
    """Write a `tool_choice` of chat's form in the wire's form; a provider's own tool passes unchanged."""
    if not isinstance(value, Mapping):
        body["tool_choice"] = value
        return
    if value.get("type") == "allowed_tools":
        allowed = _flat(value, "allowed_tools")
        tools = allowed.get("tools") or ()
        body["tool_choice"] = {"mode": "auto", **allowed, "tools": [_flat_named(tool) for tool in tools]}
    else:
        body["tool_choice"] = _flat_named(value)


def _flat_named(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    kind = choice.get("type")
    return _flat(choice, kind) if kind in _NESTED else choice


def _flat(data: Mapping[str, Any], field: str) -> dict[str, Any]:
    """An object in which the fields of an inner object replace that object."""
    beside = {name: value for name, value in data.items() if name != field}
    return {**beside, **_object(data, field)}


def check_choice(body: Body, words: Collection[str] | None) -> None:
    """Refuse a `tool_choice` that the server cannot follow.

    Args:
        body: the whole request.
        words: the words that are allowed, besides objects; `None` to leave the check to the server.

    Raises:
        InvalidRequestError: the choice is unknown or not offered. The error says what is allowed.
    """
    tools, choice = body.get("tools") or (), body.get("tool_choice")
    for option in ("tool_choice", "parallel_tool_calls"):
        if words is not None and not tools and body.get(option) is not None and not _offered_elsewhere(body):
            raise InvalidRequestError(
                f"{option}: there are no tools to choose from; give tools, or leave it out"
            )
    if isinstance(choice, str) and words is not None and choice not in words:
        hint = "'required'" if choice == "any" else f"one of {', '.join(words)}, or an object"
        raise InvalidRequestError(f"tool_choice: {choice!r} is unknown; use {hint}")
    if not isinstance(choice, Mapping):
        return
    kind = choice.get("type")
    if words is not None and kind in _ANTHROPICS:
        raise InvalidRequestError(
            f"tool_choice: {kind!r} as an object is Anthropic's form; use one of {', '.join(words)}, or "
            '{"type": "function", "function": {"name": ...}}'
        )
    named = [choice] if kind in _NESTED else []
    if kind == "allowed_tools":
        named = [tool for tool in choice["tools"] if tool.get("type") in _NESTED]
        if not choice["tools"]:
            raise InvalidRequestError("tool_choice: allowed_tools names no tool; name one, or use 'none'")
    if all(tool.get("type") in _NESTED for tool in tools) and not _offered_elsewhere(body):
        for each in named if tools else ():
            check_forced(each.get("name"), tools)


def _offered_elsewhere(body: Body) -> bool:
    """Whether something other than the request's list may offer tools."""
    items: Sequence[Mapping[str, Any]] = body.get("input") or ()
    held = any(body.get(name) is not None for name in ("prompt", "previous_response_id", "conversation"))
    return held or any(item.get("type") in _OFFERED_LATER for item in items)


def narrow_choice(body: Body) -> None:
    """Rewrite `tool_choice` for functions: `allowed_tools` becomes a shorter list of tools."""
    choice = body.get("tool_choice")
    if not isinstance(choice, Mapping):
        return
    if choice.get("type") == "custom":
        body["tool_choice"] = {**choice, "type": "function"}
    elif choice.get("type") == "allowed_tools":
        names = [_name(tool) for tool in choice["tools"]]
        body["tools"] = [tool for tool in body.get("tools") or () if _name(tool) in names]
        body["tool_choice"] = choice["mode"]


def _name(tool: Mapping[str, Any]) -> object:
    return tool.get("name") or tool.get("type")


def _object(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = data.get(name)
    return inner if isinstance(inner, Mapping) else {}
