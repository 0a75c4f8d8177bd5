"""Converts blocks of Cohere's messages to parts and back: each function is next to its inverse."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sansio.answers.toolcalls import is_blank, wrap_invalid
from sansio.content import (
    Citation,
    ImagePart,
    InvalidToolCall,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.families.fields import rest, text_or_none, with_extra
from sansio.families.media import image_url_block, with_true_type
from sansio.jsontext import JSON, JSONObject

PLAN = "tool_plan"
"""The `field` of a reasoning part that is a plan for tools, which has its own field on the wire."""
CITATIONS = "citations"
"""The field of a reasoning part's `extra` for its citations. A text part has a typed field for them."""

_CALL = ("id", "type", "function")
_FUNCTION = ("name", "arguments")


def is_plan(part: Part) -> bool:
    """Whether a part is a plan for tools."""
    return isinstance(part, ReasoningPart) and part.extra.get("field") == PLAN


def block_of(part: Part) -> JSONObject | None:
    """Convert a part to a content block; `None` if this wire has none for it."""
    match part:
        case TextPart():
            return with_extra({"type": "text", "text": part.text}, part.extra)
        case ReasoningPart() if not is_plan(part):
            return {"type": "thinking", "thinking": part.text, **rest(part.extra, CITATIONS)}
        case ImagePart():
            return image_url_block(with_true_type(part))
        case UnknownPart():
            return dict(part.extra)
    return None


def call_fields(call: JSONObject) -> tuple[str, str, str, JSONObject]:
    """A tool call's id, name and arguments, as far as present, and its other fields."""
    function = call.get("function")
    inner = function if isinstance(function, dict) else {}
    extra = rest(call, *_CALL, nulls=_CALL)
    beside: JSONObject = {
        name: value for name, value in inner.items() if name not in _FUNCTION and value is not None
    }
    if beside:
        extra["function"] = beside
    arguments = inner.get("arguments")
    text = arguments if isinstance(arguments, str) else ""
    if isinstance(arguments, dict):
        text = msgspec.json.encode(arguments).decode()
    return text_or_none(call.get("id")) or "", text_or_none(inner.get("name")) or "", text, extra


def call_block(call: ToolCall | InvalidToolCall) -> JSONObject:
    """Convert a tool call to a request's form."""
    if isinstance(call, InvalidToolCall):
        arguments = msgspec.json.encode(wrap_invalid(call)).decode()
    else:
        arguments = call.arguments_text()
    function: JSONObject = {"name": call.name, "arguments": "{}" if is_blank(arguments) else arguments}
    return with_extra({"id": call.id, "type": "function", "function": function}, call.extra)


def citation_of(data: JSONObject) -> Citation:
    """A citation of a text. Its words (`text`), `sources` and `type` stay in `extra`.

    The index of its block (`content_index`) is not kept, since the citation is in that block's part.
    """
    start, end = data.get("start"), data.get("end")
    typed = [name for name in ("start", "end") if type(data.get(name)) is int]
    return Citation(
        start=start if type(start) is int else None,
        end=end if type(end) is int else None,
        extra=rest(data, *typed, "content_index"),
    )


def citations_of(content: Sequence[Part], plan: ReasoningPart | None) -> list[JSON]:
    """An answer's citations, in the form of its message.

    Args:
        content: the parts that are content blocks, in their order.
        plan: the plan for tools.
    """
    listed: list[JSON] = []
    for place, part in enumerate(content):
        at: JSONObject = {"content_index": place} if place else {}
        if isinstance(part, TextPart):
            listed += [{**_span(citation), **citation.extra, **at} for citation in part.citations]
        elif isinstance(part, ReasoningPart):
            listed += [{**cited, **at} for cited in _objects(part.extra.get(CITATIONS))]
    return listed + list[JSON](_objects(plan.extra.get(CITATIONS)) if plan is not None else [])


def _span(citation: Citation) -> JSONObject:
    typed: JSONObject = {"start": citation.start, "end": citation.end}
    return {name: value for name, value in typed.items() if value is not None}


def _objects(value: JSON) -> list[JSONObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
