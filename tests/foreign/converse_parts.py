"""Converse's content blocks as parts, and parts as blocks: each function beside its inverse."""

from __future__ import annotations

from typing import Any

import sansio
from sansio import Citation, JSONObject, Part

_SERVER_TOOL = "server_tool_use"


def is_call(use: JSONObject) -> bool:
    """Whether a `toolUse` is for the application: servers' own tools come in the same block."""
    return use.get("type") != _SERVER_TOOL


def part_of(block: dict[str, Any]) -> Part:
    """A block as a part; a call has its arguments already. Any: JSON that is looked at by hand."""
    kind = next((name for name in block if name != "type"), "")
    inner = block.get(kind)
    beside = sansio.rest(block, kind)
    if kind == "text" and isinstance(inner, str):
        return sansio.TextPart(inner, extra=beside)
    if not isinstance(inner, dict):
        return sansio.UnknownPart(kind, block)
    texts = {name: inner.get(name) for name in ("toolUseId", "name", "status")}
    if all(isinstance(value, str | None) for value in texts.values()) and not beside:
        call_id, name, status = texts.values()
        if kind == "toolUse" and is_call(inner) and call_id and name and isinstance(inner.get("input"), dict):
            extra = sansio.rest(inner, "toolUseId", "name", "input")
            return sansio.ToolCall(call_id, name, inner["input"], extra=extra)
        if kind == "toolUse" and not is_call(inner):
            extra = sansio.rest(inner, "toolUseId", "name", "input")
            return sansio.ServerToolPart(kind, call_id, name, inner.get("input"), extra=extra)
        if kind == "toolResult":
            extra = sansio.rest(inner, "toolUseId", "content", "status")
            return sansio.ServerToolPart(
                kind, call_id, output=inner.get("content"), status=status, extra=extra
            )
    if kind == "reasoningContent" and not beside:
        thought = inner.get("reasoningText")
        if thought is None:
            return sansio.ReasoningPart("", inner)
        if isinstance(thought, dict) and isinstance(thought.get("text"), str) and len(inner) == 1:
            return sansio.ReasoningPart(thought["text"], sansio.rest(thought, "text"))
    if kind == "citationsContent" and not beside and (cited := _cited(inner)) is not None:
        return cited
    return sansio.UnknownPart(kind, block)


def _cited(inner: dict[str, Any]) -> Part | None:
    """A cited text; `None` if it is in several pieces, or has something beside."""
    match inner:
        case {"content": [{"text": str(text), **more}], "citations": [*citations], **beside}:
            if citations and not more and not beside and all(isinstance(one, dict) for one in citations):
                return sansio.TextPart(text, tuple(map(citation_of, citations)))
    return None


def citation_of(wire: dict[str, Any]) -> Citation:
    """A citation; its places are places in the source, and stay in `extra`."""
    title = wire.get("title")
    typed = ("title",) if isinstance(title, str) else ()
    return Citation(title=title if typed else None, extra=sansio.rest(wire, *typed))


def block_of(part: Part, index: int) -> JSONObject:
    """The inverse of `part_of`; for images and documents of the application too."""
    match part:
        case sansio.TextPart(citations=()):
            return {"text": part.text, **part.extra}
        case sansio.TextPart():
            content: list[sansio.JSON] = [{"text": part.text}]
            sources: list[sansio.JSON] = [_citation(citation) for citation in part.citations]
            return {"citationsContent": {"content": content, "citations": sources}}
        case sansio.ReasoningPart() if "redactedContent" in part.extra:
            return {"reasoningContent": dict(part.extra)}
        case sansio.ReasoningPart():
            return {"reasoningContent": {"reasoningText": {"text": part.text, **part.extra}}}
        case sansio.ToolCall():
            return _use(part.id, part.name, part.arguments, part.extra)
        case sansio.InvalidToolCall():
            return _use(part.id, part.name, {"INVALID_JSON": part.raw_arguments}, part.extra)
        case sansio.ServerToolPart(kind="toolUse"):
            return _use(part.id, part.name, part.input, part.extra)
        case sansio.ServerToolPart(kind="toolResult"):
            typed = {"toolUseId": part.id, "content": part.output, "status": part.status}
            return {"toolResult": sansio.without_nulls(typed) | part.extra}
        case sansio.ImagePart(data=bytes(data)):
            return {"image": {"format": part.media_type.partition("/")[2], "source": _source(data)}}
        case sansio.DocumentPart(data=bytes(data)):
            name, kind = part.name or "document", part.media_type.partition("/")[2]
            return {"document": {"format": kind, "name": name, "source": _source(data), **part.extra}}
        case sansio.UnknownPart():
            return dict(part.extra)
        case _:
            message = f"message {index}: Converse takes no {type(part).__name__} here"
            raise sansio.InvalidRequestError(message, index=index)


def _use(call_id: str | None, name: str | None, given: sansio.JSON, extra: JSONObject) -> JSONObject:
    return {"toolUse": {"toolUseId": call_id, "name": name, "input": given, **extra}}


def _source(data: bytes) -> JSONObject:
    return {"bytes": sansio.base64_text(data)}


def _citation(citation: Citation) -> JSONObject:
    return {**({} if citation.title is None else {"title": citation.title}), **citation.extra}
