"""OpenAI's custom tools and allowed tools, for servers that know functions only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sansio.content import Tool
from sansio.families.base import free_text_tool
from sansio.options import Body


def as_function(tool: Tool, position: int) -> Tool:
    """A custom tool as a function with one text, `input`; any other tool as it is.

    Args:
        position: its place in the list, for errors.

    Raises:
        InvalidRequestError: its text must follow a grammar, which a function cannot ask for.
    """
    if tool.get("type") != "custom":
        return tool
    described, schema = free_text_tool(_object(tool, "custom"), position)
    return {"type": "function", "function": {**described, "parameters": schema}}


def narrow_choice(body: Body) -> None:
    """A body's `tool_choice` in terms of functions: `allowed_tools` becomes a shorter list of tools."""
    choice = body.get("tool_choice")
    if not isinstance(choice, Mapping):
        return
    if choice.get("type") == "custom":
        body["tool_choice"] = {
            "type": "function",
            "function": {"name": _object(choice, "custom").get("name")},
        }
    elif choice.get("type") == "allowed_tools":
        allowed = _object(choice, "allowed_tools")
        names = [_name(tool) for tool in allowed.get("tools") or ()]
        body["tools"] = [tool for tool in body.get("tools") or () if _name(tool) in names]
        body["tool_choice"] = allowed.get("mode", "auto")


def _name(tool: Mapping[str, Any]) -> object:
    kind = tool.get("type")
    return _object(tool, str(kind)).get("name") or kind


def _object(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = data.get(name)
    return inner if isinstance(inner, Mapping) else {}
