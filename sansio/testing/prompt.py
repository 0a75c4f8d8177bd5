"""What a model sees of a request, whatever its dialect."""

from __future__ import annotations

import re

from msgspec import Struct

from sansio.jsontext import JSON, JSONObject

_TOKEN = re.compile(r"\w+|\S")


class OfferedTool(Struct, frozen=True):
    """A tool that the request offers, with the JSON schema of its arguments; a custom one takes free text."""

    name: str
    schema: JSONObject
    custom: bool = False


class ToolResult(Struct, frozen=True):
    """A tool's result for the assistant's last turn."""

    name: str
    text: str


class Prompt(Struct, frozen=True, kw_only=True):
    """A request, as far as the embedded model understands it.

    Args:
        model: as the request names it.
        stream: the request asks for a stream.
        include_usage: the stream must report the usage.
        user: the text of the last user message.
        turns: how many messages there are.
        results: of the tools, if they follow the last answer.
        tools: those offered; none if the request forbids them.
        forced_tool: the name of a tool that must be called, or `"*"` for any.
        reasoning: the request asks for extended thinking.
        hidden: its text is not given, as where no summary is asked for.
        max_tokens: the answer's limit.
        tokens: the prompt's size, by `count_tokens`.
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
    """The size of all the texts in a JSON value: words and punctuation marks, one token each."""
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
