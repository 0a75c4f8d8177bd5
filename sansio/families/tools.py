"""Checks of tools and tool choices that several families share, and their forms on the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from sansio.content import Tool
from sansio.errors import InvalidRequestError
from sansio.jsontext import JSONObject

_Choice = TypeVar("_Choice")

WORDS = ("none", "auto", "required")
"""The words that `tool_choice` may be (OpenAI's API reference; the types of OpenRouter and vLLM)."""

NAMES = r"[a-zA-Z0-9_-]{1,64}"
"""The pattern of a tool's name (OpenAI's API reference, `function.name`)."""


def check_names(tools: Sequence[Tool], pattern: str | None) -> None:
    """Refuse a function or custom tool whose name the provider would refuse.

    Args:
        tools: in any form.
        pattern: the regular expression that a whole name must match; `None` to accept every name.

    Raises:
        InvalidRequestError: a name does not match. The error has the tool's index, its name, and a valid one.
    """
    for position, tool in enumerate(tools):
        name = _tool_name(tool)
        if pattern is None or not isinstance(name, str) or re.fullmatch(pattern, name):
            continue
        near = re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64]
        raise InvalidRequestError(
            f"tool {position}: {name!r:.80} cannot be a tool's name, which must match {pattern}; "
            f"call it {near!r}, for instance"
        )


def check_format(tool: Tool, position: int) -> None:
    """Refuse a tool in Anthropic's format.

    Args:
        position: the tool's index in the list, for errors.

    Raises:
        InvalidRequestError: the tool has an `input_schema`. The message says what to write.
    """
    if "input_schema" in tool:
        raise InvalidRequestError(
            f"tool {position}, {tool.get('name')!r}, is in Anthropic's format; give its input_schema as "
            'parameters: {"type": "function", "function": {"name": …, "description": …, "parameters": …}}'
        )


def check_forced(name: object, tools: Sequence[Tool]) -> None:
    """Refuse a `tool_choice` that forces a tool which was not given.

    Args:
        name: the name of the forced tool.
        tools: in any form. A tool without a name may be a set of tools; with one, nothing is refused.

    Raises:
        InvalidRequestError: there is no such tool. The error lists the tools that were given.
    """
    known = [_tool_name(tool) for tool in tools]
    if name in known or None in known:
        return
    near = get_close_matches(str(name), map(str, known), 1)
    hint = f"did you mean {near[0]!r}?" if near else f"the tools are {', '.join(map(str, known))}"
    raise InvalidRequestError(f"tool_choice: there is no tool {name!r}; {hint}")


def _tool_name(tool: Tool) -> object:
    inner = tool.get("function", tool.get("custom"))
    return (inner if isinstance(inner, Mapping) else tool).get("name")


def free_text_tool(custom: Mapping[str, Any], position: int) -> tuple[dict[str, Any], JSONObject]:
    """Describe OpenAI's custom tool, which takes free text, to servers whose tools take an object.

    Args:
        custom: the object under the tool's `custom`. Any: JSON that the application wrote.
        position: the tool's index in the list, for errors.

    Returns:
        The tool's name and description, and the schema of an object with the text as `input`. So
        `ToolCall.arguments` has the same form for both kinds of tool.

    Raises:
        InvalidRequestError: the text must follow a grammar, which a function tool cannot require.
    """
    form = custom.get("format")
    if isinstance(form, Mapping) and form.get("type", "text") != "text":
        raise InvalidRequestError(
            f"tool {position}: the server has no custom tools, and a function cannot hold its text to a "
            "grammar; leave out its format, or use a function whose parameters have a pattern"
        )
    described = {name: custom[name] for name in ("name", "description") if name in custom}
    return described, {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def wire_tool(tool: Tool, position: int, *, custom: bool) -> Tool:
    """Write a tool in the form of chat completions.

    Args:
        tool: the tool, with or without the outer `{"type": "function"}`.
        position: the tool's index in the list, for errors.
        custom: whether the server knows custom tools. If not, a custom tool becomes a function with one
            text, `input`.

    Raises:
        InvalidRequestError: the tool has Anthropic's form; or its text must follow a grammar, which a
            function cannot require.
    """
    check_format(tool, position)
    if "type" not in tool:
        return {"type": "function", **tool}
    if custom or tool["type"] != "custom":
        return tool
    inner = tool.get("custom")
    described, schema = free_text_tool(inner if isinstance(inner, Mapping) else {}, position)
    return {"type": "function", "function": {**described, "parameters": schema}}


def choice_word(choice: _Choice) -> _Choice | str:
    """A `tool_choice` whose object says no more than a word, such as Anthropic's `{"type": "auto"}`, as that
    word. Any other choice is returned as it is.

    Args:
        choice: the option.

    Example:
        >>> choice_word({"type": "auto"})
        'auto'
    """
    if isinstance(choice, Mapping) and choice.keys() == {"type"} and choice["type"] in (*WORDS, "any"):
        return str(choice["type"])
    return choice


def is_forced(choice: object) -> bool:
    """Whether a `tool_choice` in terms of functions makes the model call a tool."""
    if isinstance(choice, Mapping):
        return choice.get("type") != "allowed_tools"
    return choice is not None and choice not in ("none", "auto")
