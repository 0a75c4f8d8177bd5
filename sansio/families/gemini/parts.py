"""Converts Gemini's parts to this library's and back: each function is next to its inverse.

A part of the wire has one field that says what it is, such as `text`, and further ones, such as
`thoughtSignature`. This library's part keeps those in its `extra`; fields of the inner object that have no
typed field are there under that object's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, assert_never

from msgspec import Struct

from sansio.answers.toolcalls import wrap_invalid
from sansio.content import (
    AudioPart,
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
from sansio.families.media import data_in
from sansio.jsontext import JSON, JSONObject

CALL = "functionCall"
SIGNATURE = "thoughtSignature"
MediaPart: TypeAlias = ImagePart | AudioPart | DocumentPart

_BESIDE = frozenset((
    "thought", SIGNATURE, "videoMetadata", "mediaResolution", "partMetadata", "audioTranscription",
    "mediaProcessing", "speechMetadata", "documentMetadata", "spreadsheetMetadata", "audioMetadata",
))  # fmt: skip
"""Fields that a part of any kind may have (`Part` of Google's SDK)."""


class _ServerTool(Struct, frozen=True):
    """The wire's names of the fields of one of Google's tools; `None` if it does not have the field."""

    id: str | None = "id"
    name: str | None = None
    input: str | None = None
    output: str | None = None
    status: str | None = None

    def named(self) -> dict[str, str]:
        """This library's fields, and the wire's."""
        fields = {name: getattr(self, name) for name in ("id", "name", "input", "output", "status")}
        return without_nulls(fields)


_SERVER_TOOLS: Mapping[str, _ServerTool] = {
    "executableCode": _ServerTool(input="code"),
    "codeExecutionResult": _ServerTool(output="output", status="outcome"),
    "toolCall": _ServerTool(name="toolType", input="args"),
    "toolResponse": _ServerTool(name="toolType", output="response"),
}
_TEXTS = ("id", "name", "status")
"""Fields of a `ServerToolPart` that are text; the others may be any JSON."""

_MEDIA: tuple[tuple[str, type[MediaPart]], ...] = (
    ("image/", ImagePart),
    ("audio/", AudioPart),
    ("application/pdf", DocumentPart),
    ("text/", DocumentPart),
)
"""The part for a file, by the beginning of its media type. Any other, such as a video, is unknown."""


def part_of(wire: JSONObject) -> Part:
    """Convert a part of an answer. Function calls are left out: `Answer.calls` assembles them."""
    text = wire.get("text")
    if isinstance(text, str):
        if wire.get("thought") is True:
            return ReasoningPart(text, rest(wire, "text", "thought"))
        return TextPart(text, extra=rest(wire, "text"))
    kind = next((name for name in wire if name not in _BESIDE), "")
    inner = wire.get(kind)
    found: Part | None = None
    if isinstance(inner, dict):
        if kind in _SERVER_TOOLS:
            found = _server_tool(kind, inner, wire)
        elif kind in ("inlineData", "fileData"):
            found = _media(kind, inner, wire)
    return UnknownPart(kind or next(iter(wire), ""), wire) if found is None else found


def _server_tool(kind: str, inner: JSONObject, wire: JSONObject) -> Part | None:
    fields = _SERVER_TOOLS[kind].named()
    typed: dict[str, Any] = {name: inner[field] for name, field in fields.items() if field in inner}
    if not all(isinstance(value, str) for name, value in typed.items() if name in _TEXTS):
        return None
    typed = without_nulls(typed)
    beside = rest(inner, *(fields[name] for name in typed))
    return ServerToolPart(kind, **typed, extra=_extra_of(kind, beside, wire))


def _media(kind: str, inner: JSONObject, wire: JSONObject) -> Part | None:
    media_type = text_or_none(inner.get("mimeType")) or ""
    ours = next((part for start, part in _MEDIA if media_type.startswith(start)), None)
    field = "data" if kind == "inlineData" else "fileUri"
    given = text_or_none(inner.get(field))
    if ours is None or given is None:
        return None
    extra = _extra_of(kind, rest(inner, "mimeType", field), wire)
    if field == "fileUri":
        return ours(url=given, media_type=media_type, extra=extra)
    data = base64_bytes(given)
    return None if data is None else ours(data=data, media_type=media_type, extra=extra)


def _extra_of(kind: str, beside: JSONObject, wire: JSONObject) -> JSONObject:
    extra = rest(wire, kind)
    return {kind: beside, **extra} if beside else extra


def wire_of(part: Part) -> JSONObject | None:
    """Convert a part to Gemini's form; `None` if no part there says the same."""
    match part:
        case TextPart():
            return {"text": part.text, **part.extra} if part.text or part.extra else None
        case ReasoningPart():
            return {"text": part.text, "thought": True, **part.extra} if part.text or part.extra else None
        case ToolCall():
            return _call(part, part.arguments)
        case InvalidToolCall():
            return _call(part, wrap_invalid(part))
        case ServerToolPart():
            return _server_tool_to_send(part)
        case ImagePart() | AudioPart() | DocumentPart():
            return _media_to_send(part)
        case UnknownPart():
            return dict(part.extra)
        case RefusalPart():
            return None
        case _:
            assert_never(part)


def made_up_id(call: ToolCall | InvalidToolCall) -> bool:
    """Whether the wire gave a call no id, so that none is sent: results are matched by their order."""
    inner = call.extra.get(CALL)
    return isinstance(inner, dict) and inner.get("id", "") is None


def _call(call: ToolCall | InvalidToolCall, arguments: JSONObject) -> JSONObject:
    sent = with_extra({CALL: {"id": call.id, "name": call.name, "args": arguments}}, call.extra)
    inner = sent[CALL]
    if isinstance(inner, dict) and inner.get("id") is None:
        del inner["id"]
    return sent


def _server_tool_to_send(part: ServerToolPart) -> JSONObject | None:
    known = _SERVER_TOOLS.get(part.kind)
    if known is None:
        return None
    typed: JSON = without_nulls({field: getattr(part, name) for name, field in known.named().items()})
    return with_extra({part.kind: typed}, part.extra)


def unsent_of(part: ServerToolPart) -> tuple[str, ...]:
    """The fields that Google's tool of this kind does not have."""
    known = _SERVER_TOOLS.get(part.kind, _ServerTool()).named()
    return tuple(name for name in ("id", "name", "input", "output", "status") if name not in known)


def _media_to_send(part: MediaPart) -> JSONObject | None:
    """A file. One without its bytes, such as another provider's sound, cannot be sent."""
    inline = data_in(part.url) if part.url is not None else None
    if inline is not None or part.data is not None:
        kind, data = inline or (part.media_type, part.data)
        return with_extra({"inlineData": {"mimeType": kind, "data": base64_text(data)}}, part.extra)
    address = part.url or part.file_id
    if address is None:
        return None
    file: JSONObject = {"mimeType": _type_at(address, part), "fileUri": address}
    return with_extra({"fileData": file}, part.extra)


_ENDINGS: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "gif": "image/gif",
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
}
"""Media types by the ending of an address."""
_DEFAULT_TYPES = {kind: kind().media_type for kind in (ImagePart, AudioPart, DocumentPart)}


def _type_at(address: str, part: MediaPart) -> str:
    """The media type of a file at an address: the part's own; if that is only the default, the one for
    the address's ending."""
    ending = address.partition("?")[0].rpartition(".")[2].lower()
    is_default = part.media_type == _DEFAULT_TYPES[type(part)]
    return _ENDINGS.get(ending, part.media_type) if is_default else part.media_type
