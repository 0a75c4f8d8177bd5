"""Parts of an answer as Ollama's own API writes them, and back: each function beside its inverse."""

from __future__ import annotations

from typing import Any

import msgspec

from sansio.answers.toolcalls import wrap_invalid
from sansio.content import ImagePart, InvalidToolCall, Part, ToolCall, UnknownPart
from sansio.families.fields import base64_bytes, base64_text, rest, text_or_none, with_extra
from sansio.jsontext import JSON, JSONObject


def image_of(text: JSON) -> Part:
    """An image of an answer: base64 without a media type, which its bytes show."""
    data = base64_bytes(text) if isinstance(text, str) else None
    return UnknownPart("image", {"image": text}) if data is None else ImagePart(data=data)


def image_text(part: Part) -> str | None:
    """An image as a request has it; `None` if it has no bytes."""
    if isinstance(part, UnknownPart):
        return text_or_none(part.extra.get("image"))
    return base64_text(part.data) if isinstance(part, ImagePart) and part.data is not None else None


def call_fields(call: JSONObject) -> tuple[str, str, str, JSONObject]:
    """A tool call's id, name, arguments as text, and its other fields.

    Its place (`function.index`) is not kept: the order of the calls says the same.
    """
    function = call.get("function")
    inner = function if isinstance(function, dict) else {}
    arguments = inner.get("arguments")
    # Ollama gives an object. Servers that give its text are understood, too.
    text = arguments if isinstance(arguments, str) else ""
    if not isinstance(arguments, str | None):
        text = msgspec.json.encode(arguments).decode()
    extra = rest(call, "id", "type", "function")
    if beside := rest(inner, "name", "arguments", "index"):
        extra["function"] = beside
    return text_or_none(call.get("id")) or "", text_or_none(inner.get("name")) or "", text, extra


def call_block(call: ToolCall | InvalidToolCall) -> JSONObject:
    """A tool call as a request has it. Arguments that are not an object are sent inside one."""
    arguments: Any = wrap_invalid(call) if isinstance(call, InvalidToolCall) else call.arguments
    block: JSONObject = {"id": call.id, "function": {"name": call.name, "arguments": arguments}}
    return with_extra(block, call.extra)
