"""Converse's content blocks as parts, and parts as blocks: each function beside its inverse.

A block is an object with one field, which is its kind: `{"toolUse": {...}}`. A few servers add a field beside
it, which is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from sansio.families.fields import base64_bytes, base64_text, rest, text_or_none, with_extra, without_nulls
from sansio.families.media import media_type_of
from sansio.jsontext import JSON, JSONObject

BESIDE = "beside"
"""The field of a part's `extra` for what its block has beside the field of its kind. All other fields of the
`extra` are from the inner object."""

CLIENT_CALLS = (None, "tool_use")
"""The values of `toolUse.type` for tools that the application runs: newer Claude models send the word, others
send no type. Any other value means a tool that the provider runs."""
_RESULT = "toolResult"
_CALL = ("toolUseId", "name", "input")

IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
SOUNDS = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/mp4": "mp4",
    "audio/x-m4a": "m4a",
    "audio/webm": "webm",
    "audio/pcm": "pcm",
}
DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
"""Bedrock's names of media types (botocore, `ImageFormat`, `AudioFormat`, `DocumentFormat`)."""
_IMAGE_TYPES = {word: kind for kind, word in IMAGES.items()}


def part_of(block: JSONObject) -> Part:
    """A block of an answer as a part. Tool calls are not parts yet: their arguments are checked first."""
    kind = kind_of(block)
    inner = block.get(kind)
    if kind == "text" and isinstance(inner, str):
        return TextPart(inner, extra=rest(block, "text"))
    if not isinstance(inner, dict):
        return UnknownPart(kind, block)
    found = _inner_part(kind, inner)
    if found is None:
        return UnknownPart(kind, block)
    if beside := rest(block, kind):
        found.extra[BESIDE] = beside
    return found


def kind_of(block: Mapping[str, JSON]) -> str:
    """The kind of a block: its one field, or the one of several that is an object."""
    if "text" in block:
        return "text"
    return next((name for name, value in block.items() if isinstance(value, dict)), next(iter(block), ""))


def _inner_part(kind: str, inner: JSONObject) -> Part | None:
    """The content of a block as a part; `None` if its kind or form is unknown."""
    match kind:
        case "citationsContent":
            return _cited(inner)
        case "reasoningContent":
            return _reasoning(inner)
        case "toolUse" if inner.get("type") not in CLIENT_CALLS and isinstance(inner.get("input"), dict):
            return _server_tool(inner, "input")
        case "toolResult" if inner.get("content") is not None:
            return _server_tool(inner, "content")
        case "image":
            return _image(inner)
    return None


def block_of(part: Part) -> JSONObject | None:
    """A part as a block of a request; `None` if there is nothing to send, or Converse has no block for it.

    An answer may hold a blank text block, but a request must not.
    """
    match part:
        case TextPart():
            return _text_block(part)
        case ReasoningPart():
            extra = rest(part.extra, BESIDE)
            if "redactedContent" in extra:
                return _block("reasoningContent", extra, part)
            return _block("reasoningContent", {"reasoningText": {"text": part.text, **extra}}, part)
        case ToolCall():
            return _call(part, part.arguments)
        case InvalidToolCall():
            return _call(part, wrap_invalid(part))
        case ServerToolPart():
            return _server_block(part)
        case ImagePart():
            return _media_block("image", IMAGES, part)
        case AudioPart():
            return _media_block("audio", SOUNDS, part)
        case DocumentPart():
            return _media_block("document", DOCUMENTS, part)
        case UnknownPart():
            return dict(part.extra)
        case RefusalPart():
            return None
        case _:
            assert_never(part)


def _block(kind: str, inner: JSONObject, part: Part) -> JSONObject:
    beside = part.extra.get(BESIDE)
    return {**(beside if isinstance(beside, dict) else {}), kind: inner}


# Text and its citations.


def _cited(inner: JSONObject) -> TextPart | None:
    """A text with its citations; `None` if the object has another form."""
    content, citations = inner.get("content"), inner.get("citations")
    if not isinstance(citations, list) or not all(isinstance(each, dict) for each in citations):
        return None
    text = ""
    if content is not None:
        if not isinstance(content, list):
            return None
        for each in content:
            if not (isinstance(each, dict) and each.keys() == {"text"} and isinstance(each["text"], str)):
                return None
            text += each["text"]
    found = tuple(citation_of(each) for each in citations if isinstance(each, dict))
    beside = rest(inner, "content", "citations")
    return TextPart(text, found, {"citationsContent": beside} if beside else {})


def _text_block(part: TextPart) -> JSONObject | None:
    if part.citations:
        inner: JSONObject = {"citations": [citation_to_send(each) for each in part.citations]}
        if part.text:
            inner["content"] = [{"text": part.text}]
        extra = {**rest(part.extra, BESIDE), **_object(part.extra.get(BESIDE))}
        return with_extra({"citationsContent": inner}, extra)
    if not part.text.strip():
        return None
    return {"text": part.text, **rest(part.extra, "citationsContent", BESIDE)}


def citation_of(data: JSONObject) -> Citation:
    """A source. Its positions are in the source, not in the text, so they stay in `extra`."""
    extra = rest(data)
    if (title := text_or_none(data.get("title"))) is not None:
        del extra["title"]
    quote = None
    location = _object(data.get("location"))
    web = _object(location.get("web"))
    if (url := text_or_none(web.get("url"))) is not None:
        extra["location"] = {**location, "web": rest(web, "url")}
    match data.get("sourceContent"):
        case [{"text": str(text), **others}] if not others:
            quote = text
            del extra["sourceContent"]
    return Citation(url, title, quote, extra=extra)


def citation_to_send(citation: Citation) -> JSONObject:
    """The inverse of `citation_of`. A URL in another provider's answer is written as a web page."""
    typed: JSONObject = {}
    if citation.title is not None:
        typed["title"] = citation.title
    if citation.quote is not None:
        typed["sourceContent"] = [{"text": citation.quote}]
    if citation.url is not None:
        typed["location"] = {"web": {"url": citation.url}}
    return with_extra(typed, citation.extra)


# Reasoning.


def _reasoning(inner: JSONObject) -> ReasoningPart | None:
    thought = inner.get("reasoningText")
    if isinstance(thought, dict) and len(inner) == 1 and isinstance(thought.get("text"), str):
        if "redactedContent" in thought:
            return None
        return ReasoningPart(str(thought["text"]), rest(thought, "text"))
    return ReasoningPart("", dict(inner)) if "redactedContent" in inner and "text" not in inner else None


# Tools.


def _call(call: ToolCall | InvalidToolCall, given: JSONObject) -> JSONObject:
    inner: JSONObject = {"toolUseId": call.id, "name": call.name, "input": given}
    return _block("toolUse", {**inner, **rest(call.extra, BESIDE)}, call)


def call_extra(block: JSONObject) -> JSONObject:
    """The `extra` of the call in a `toolUse` block."""
    extra = rest(_object(block.get("toolUse")), *_CALL, nulls=(*_CALL, "type"))
    beside = rest(block, "toolUse")
    return {**extra, BESIDE: beside} if beside else extra


def _server_tool(inner: JSONObject, field: str) -> ServerToolPart:
    """A call of a tool that the provider runs, or its result. Its kind is the value of `type`."""
    kind = inner.get("type")
    texts = {"toolUseId": inner.get("toolUseId"), "name": inner.get("name"), "status": inner.get("status")}
    known = {name: value for name, value in texts.items() if isinstance(value, str)}
    typed = [*known, field, *(("type",) if isinstance(kind, str) else ())]
    return ServerToolPart(
        kind if isinstance(kind, str) else _RESULT,
        known.get("toolUseId"),
        known.get("name"),
        inner[field] if field == "input" else None,
        inner[field] if field == "content" else None,
        known.get("status"),
        rest(inner, *typed),
    )


def _server_block(part: ServerToolPart) -> JSONObject:
    is_result = part.input is None
    typed = {
        "type": None if part.kind == _RESULT else part.kind,
        "toolUseId": part.id,
        "name": part.name,
        "status": part.status,
        "input": part.input,
        "content": part.output,
    }
    return _block(
        _RESULT if is_result else "toolUse", {**without_nulls(typed), **rest(part.extra, BESIDE)}, part
    )


# Files.


def _image(inner: JSONObject) -> ImagePart | None:
    kind = _IMAGE_TYPES.get(str(inner.get("format")))
    source = _object(inner.get("source"))
    if kind is None or len(source) != 1:
        return None
    extra = rest(inner, "format", "source")
    if isinstance(text := source.get("bytes"), str) and (data := base64_bytes(text)) is not None:
        return ImagePart(data=data, media_type=kind, extra=extra)
    stored = _object(source.get("s3Location"))
    uri = stored.get("uri")
    if not isinstance(uri, str) or not uri:
        return None
    if beside := rest(stored, "uri"):
        extra["source"] = {"s3Location": beside}
    return ImagePart(url=uri, media_type=kind, extra=extra)


def _media_block(
    kind: str, words: Mapping[str, str], part: ImagePart | AudioPart | DocumentPart
) -> JSONObject | None:
    """A file as a block; `None` if Bedrock does not read its type, or cannot fetch it from its address."""
    word = words.get(media_type_of(part))
    source: JSONObject
    if part.data is not None:
        source = {"bytes": base64_text(part.data)}
    elif part.url is not None and part.url.startswith("s3://"):
        source = {"s3Location": {"uri": part.url}}
    else:
        return None
    if word is None:
        return None
    named: JSONObject = {"name": part.name} if isinstance(part, DocumentPart) and part.name else {}
    inner = with_extra({"format": word, **named, "source": source}, rest(part.extra, BESIDE))
    return _block(kind, inner, part)


def _object(value: JSON) -> JSONObject:
    return value if isinstance(value, dict) else {}
