"""Parts of an answer as Ollama's own API writes them, and back: each function beside its inverse."""

from __future__ import annotations

from typing import Any

import msgspec

from sansio.answers.toolcalls import wrap_invalid
from sansio.content import ImagePart, InvalidToolCall, Part, ToolCall, UnknownPart
from sansio.families.fields import base64_bytes, base64_text, rest, text_or_none, with_extra
from sansio.jsontext import JSON, JSONObject

_CALL = ("id", "type", "function")
_FUNCTION = ("name", "arguments", "index")


def image_of(text: JSON) -> Part:
    """An image of an answer. The wire has base64 only; the media type is read from the first bytes."""
    data = base64_bytes(text) if isinstance(text, str) else None
    return UnknownPart("image", {"image": text}) if data is None else ImagePart(data=data)


def image_text(part: Part) -> str | None:
    """An image in the form of a request; `None` if it has no bytes."""
    if isinstance(part, UnknownPart):
        return text_or_none(part.extra.get("image"))
    return base64_text(part.data) if isinstance(part, ImagePart) and part.data is not None else None


def call_fields(call: JSONObject) -> tuple[str, str, str, JSONObject]:
    """A tool call's id, name, arguments as text, and its other fields.

    The index (`function.index`) is not kept, since the order of the calls gives it.
    """
    function = call.get("function")
    inner = function if isinstance(function, dict) else {}
    arguments = inner.get("arguments")
    # Ollama sends an object; some compatible servers send it as JSON text.
    text = arguments if isinstance(arguments, str) else ""
    if not isinstance(arguments, str | None):
        text = msgspec.json.encode(arguments).decode()
    extra = rest(call, *_CALL, nulls=_CALL)
    if beside := rest(inner, *_FUNCTION, nulls=_FUNCTION):
        extra["function"] = beside
    return text_or_none(call.get("id")) or "", text_or_none(inner.get("name")) or "", text, extra


def call_block(call: ToolCall | InvalidToolCall) -> JSONObject:
    """A tool call in the form of a request. Arguments that are not an object are wrapped in one."""
    arguments: Any = wrap_invalid(call) if isinstance(call, InvalidToolCall) else call.arguments
    block: JSONObject = {"id": call.id, "function": {"name": call.name, "arguments": arguments}}
    return with_extra(block, call.extra)
