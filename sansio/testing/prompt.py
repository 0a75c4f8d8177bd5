"""The contents of a request, in the same form for every dialect, as the embedded model sees them."""

from __future__ import annotations

import re

from msgspec import Struct

from sansio.jsontext import JSON, JSONObject

_TOKEN = re.compile(r"\w+|\S")


class OfferedTool(Struct, frozen=True):
    """A tool that a request offers.

    Args:
        name: the tool's name.
        schema: the JSON schema of its arguments.
        custom: whether it is a custom tool, which takes free text.
    """

    name: str
    schema: JSONObject
    custom: bool = False


class ToolResult(Struct, frozen=True):
    """A tool's result for the assistant's last turn.

    Args:
        name: the tool's name.
        text: the text of the result.
    """

    name: str
    text: str


class Prompt(Struct, frozen=True, kw_only=True):
    """The contents of a request, as far as the embedded model understands them.

    Args:
        model: the model's name in the request.
        stream: whether the request asks for a stream.
        include_usage: whether the stream must report the usage.
        user: the text of the last user message.
        turns: how many messages there are.
        results: the results of tools that follow the last answer.
        tools: the offered tools; none if the request forbids them.
        forced_tool: the name of a tool that must be called, or `"*"` for any tool.
        reasoning: whether the request asks for extended thinking.
        hidden: whether the text of the thinking is left out, because the request asks for no summary.
        max_tokens: the limit on the answer's tokens.
        tokens: the prompt's size, as `count_tokens` counts it.
        schema: the JSON schema that the answer must follow, if there is one.
    """

    model: str
    stream: bool
    include_usage: bool
    user: str
    turns: int
    results: tuple[ToolResult, ...]
    tools: tuple[OfferedTool, ...]
    forced_tool: str | None
    reasoning: bool
    max_tokens: int | None
    tokens: int
    schema: JSONObject | None = None
    hidden: bool = False


def count_tokens(value: JSON) -> int:
    """Count the tokens of all texts in a JSON value, as the fakes do: one for each word or punctuation mark.

    Args:
        value: such as a request's body.
    """
    if isinstance(value, str):
        return len(_TOKEN.findall(value))
    if isinstance(value, list):
        return sum(count_tokens(item) for item in value)
    if isinstance(value, dict):
        return sum(count_tokens(item) for item in value.values())
    return 0


def as_object(value: JSON) -> JSONObject:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_objects(value: JSON) -> list[JSONObject]:
    """The objects in a list; none if it is not a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_text(value: JSON) -> str:
    """The value if it is a text, else the empty text."""
    return value if isinstance(value, str) else ""


def text_of(content: JSON) -> str:
    """The text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    return " ".join(as_text(part.get("text")) for part in as_objects(content) if part.get("type") == "text")
