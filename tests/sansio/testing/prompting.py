"""Prompts for the tests of the embedded model, and the calls that it makes of them."""

from __future__ import annotations

from typing import Any

from sansio import ToolCall
from sansio.testing.prompt import OfferedTool, Prompt
from sansio.testing.small_model import answer


def prompt(user: str = "", **fields: Any) -> Prompt:
    """A prompt as the model sees it; fields are empty by default."""
    default: dict[str, Any] = {
        "model": "m",
        "stream": False,
        "include_usage": False,
        "turns": 1,
        "results": (),
        "tools": (),
        "forced_tool": None,
        "reasoning": False,
        "max_tokens": None,
        "tokens": 5,
    }
    return Prompt(user=user, **{**default, **fields})


def schema(**properties: object) -> dict[str, Any]:
    """A JSON schema whose properties are all required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def called(user: str, *tools: OfferedTool, **fields: Any) -> list[tuple[str, dict[str, Any]]]:
    """The tools that the model calls on this message, with their arguments."""
    reply = answer(prompt(user, tools=tools, **fields))
    return [(call.name, call.arguments) for call in reply.tool_calls if isinstance(call, ToolCall)]
