"""Check tool choices, and express them by functions alone for servers that know nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sansio.errors import InvalidRequestError
from sansio.families.tools import check_forced
from sansio.options import Body

_ANTHROPICS = ("none", "auto", "any", "tool")


def check_choice(body: Body, words: Collection[str] | None) -> None:
    """Refuse a `tool_choice` that the request cannot have.

    Args:
        body: the whole request.
        words: the words that the choice may be, beside objects; `None` to leave the check to the server.

    Raises:
        InvalidRequestError: the choice is unknown, or there is no tool to choose. The error says what is
            allowed.
    """
    tools, choice = body.get("tools") or (), body.get("tool_choice")
    for option in ("tool_choice", "parallel_tool_calls"):
        if words is not None and not tools and body.get(option) is not None:
            raise InvalidRequestError(
                f"{option}: there are no tools to choose from; give tools, or leave it out"
            )
    if isinstance(choice, str) and words is not None and choice not in words:
        hint = "'required'" if choice == "any" else f"one of {', '.join(words)}, or an object"
        raise InvalidRequestError(f"tool_choice: {choice!r} is unknown; use {hint}")
    if not isinstance(choice, Mapping) or not tools:
        return
    kind = choice.get("type")
    if words is not None and kind in _ANTHROPICS:
        raise InvalidRequestError(
            f"tool_choice: {kind!r} as an object is Anthropic's form; use one of {', '.join(words)}, or "
            '{"type": "function", "function": {"name": ...}}'
        )
    if kind in ("function", "custom"):
        check_forced(_object(choice, kind).get("name"), tools)
    elif kind == "allowed_tools":
        allowed = _object(choice, "allowed_tools").get("tools") or ()
        if not allowed:
            raise InvalidRequestError("tool_choice: allowed_tools names no tool; name one, or use 'none'")
        for tool in allowed:
            if tool.get("type") in ("function", "custom"):
                check_forced(_name(tool), tools)


def narrow_choice(body: Body) -> None:
    """Express a body's `tool_choice` by functions alone: `allowed_tools` becomes a shorter list of tools."""
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
