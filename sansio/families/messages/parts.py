"""Converts Anthropic's content blocks to parts and back: each function is next to its inverse."""

from __future__ import annotations

from typing import assert_never

from sansio.answers.toolcalls import wrap_invalid
from sansio.content import (
    AudioPart,
    Citation,
    DocumentPart,
    ImagePart,
    InvalidToolCall,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.families.fields import base64_text, rest, text_or_none, with_extra, without_nulls
from sansio.families.media import media_type_of
from sansio.jsontext import JSONObject

RUNS = frozenset(("server_tool_use", "mcp_tool_use"))
"""Blocks that start a tool on the provider's side."""

_DOCUMENT_CITATIONS = frozenset(("char_location", "page_location", "content_block_location"))
"""Citations whose title is the field `document_title`."""


def part_of(block: JSONObject) -> Part:
    """A block of an answer as a part. Tool calls are not parts yet: their arguments are checked first."""
    kind = str(block.get("type"))
    if kind == "text":
        citations, extra = citations_of(block)
        return TextPart(str(block.get("text") or ""), citations, extra)
    if kind == "thinking":
        return ReasoningPart(str(block.get("thinking") or ""), rest(block, "type", "thinking"))
    if kind == "redacted_thinking":
        return ReasoningPart("", block)
    if kind in RUNS and _has_texts(block, "id", "name"):
        extra = rest(block, "type", "id", "name", "input")
        return ServerToolPart(
            kind, text_or_none(block["id"]), text_or_none(block["name"]), block.get("input"), extra=extra
        )
    if kind.endswith("_tool_result") and _has_texts(block, "tool_use_id"):
        extra = rest(block, "type", "tool_use_id", "content")
        return ServerToolPart(
            kind, text_or_none(block["tool_use_id"]), output=block.get("content"), extra=extra
        )
    return UnknownPart(kind, block)


def block_of(part: Part) -> JSONObject | None:
    """A part as a block of a request; `None` if there is nothing to send.

    An answer may hold a blank text block, but a request must not.
    """
    match part:
        case TextPart():
            if not part.text.strip():
                return None
            block: JSONObject = {"type": "text", "text": part.text}
            if part.citations:
                block["citations"] = [_citation_to_send(citation) for citation in part.citations]
            return with_extra(block, part.extra)
        case ReasoningPart():
            if part.extra.get("type") == "redacted_thinking":
                return dict(part.extra)
            return {"type": "thinking", "thinking": part.text, **part.extra}
        case ToolCall():
            return {
                "type": "tool_use",
                "id": part.id,
                "name": part.name,
                "input": part.arguments,
                **part.extra,
            }
        case InvalidToolCall():
            # As Anthropic advises for fine-grained tool streaming: the input must be an object.
            return {
                "type": "tool_use",
                "id": part.id,
                "name": part.name,
                "input": wrap_invalid(part),
                **part.extra,
            }
        case ServerToolPart() if part.kind in RUNS:
            return {"type": part.kind, "id": part.id, "name": part.name, "input": part.input, **part.extra}
        case ServerToolPart():
            return {"type": part.kind, "tool_use_id": part.id, "content": part.output, **part.extra}
        case ImagePart():
            return with_extra({"type": "image", "source": _source(part)}, part.extra)
        case DocumentPart():
            title: JSONObject = {} if part.name is None else {"title": part.name}
            return with_extra({"type": "document", "source": _source(part), **title}, part.extra)
        case UnknownPart():
            return dict(part.extra)
        case RefusalPart() | AudioPart():
            return None  # `refuses` reports it: a refusal is explained beside the stop reason, not in a block
        case _:
            assert_never(part)


def citations_of(block: JSONObject) -> tuple[tuple[Citation, ...], JSONObject]:
    """A text block's citations, and its other fields."""
    citations = block.get("citations")
    if not isinstance(citations, list) or not all(isinstance(citation, dict) for citation in citations):
        return (), rest(block, "type", "text", nulls=("citations",))
    found = tuple(_citation(citation) for citation in citations if isinstance(citation, dict))
    return found, rest(block, "type", "text", "citations")


def _citation(data: JSONObject) -> Citation:
    """Its positions are positions in the source, not in the text, so they stay in `extra`."""
    title = "document_title" if text_or_none(data.get("type")) in _DOCUMENT_CITATIONS else "title"
    typed = [name for name in ("url", title, "cited_text") if isinstance(data.get(name), str)]
    return Citation(
        text_or_none(data.get("url")),
        text_or_none(data.get(title)),
        text_or_none(data.get("cited_text")),
        extra=rest(data, *typed),
    )


def _citation_to_send(citation: Citation) -> JSONObject:
    title = "document_title" if text_or_none(citation.extra.get("type")) in _DOCUMENT_CITATIONS else "title"
    typed = {"url": citation.url, title: citation.title, "cited_text": citation.quote}
    return {**citation.extra, **without_nulls(typed)}


def _has_texts(block: JSONObject, *names: str) -> bool:
    return all(isinstance(block.get(name), str) for name in names)


def _source(part: ImagePart | DocumentPart) -> JSONObject:
    if part.file_id is not None:
        return {"type": "file", "file_id": part.file_id}
    if part.data is None:
        return {"type": "url", "url": part.url}
    kind = media_type_of(part)
    if isinstance(part, DocumentPart) and kind.startswith("text/"):
        # Anthropic's only type for text. Whether the text is Markdown, for example, the model sees itself.
        return {"type": "text", "media_type": "text/plain", "data": part.data.decode()}
    return {"type": "base64", "media_type": kind, "data": base64_text(part.data)}
