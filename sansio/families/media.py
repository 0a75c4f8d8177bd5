"""Images, sound and documents: their media types, and documents that are plain text."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from sansio.content import AudioPart, DocumentPart, ImagePart, Part
from sansio.families.fields import base64_bytes, base64_text, with_extra
from sansio.jsontext import JSONObject

_File = TypeVar("_File", bound=ImagePart | AudioPart | DocumentPart)

_SIGNATURES: tuple[tuple[bytes, bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", b"", "image/png"),
    (b"\xff\xd8\xff", b"", "image/jpeg"),
    (b"GIF87a", b"", "image/gif"),
    (b"GIF89a", b"", "image/gif"),
    (b"RIFF", b"WEBP", "image/webp"),
    (b"RIFF", b"WAVE", "audio/wav"),
    (b"ID3", b"", "audio/mpeg"),
    # MPEG-1 and MPEG-2, layer III, without a checksum: files of encoders that write no ID3 tag.
    (b"\xff\xfb", b"", "audio/mpeg"),
    (b"\xff\xf3", b"", "audio/mpeg"),
    (b"OggS", b"", "audio/ogg"),
    (b"fLaC", b"", "audio/flac"),
    (b"%PDF-", b"", "application/pdf"),
)
"""How files begin: the first bytes, the bytes from offset 8, and the media type of such a file.
Source: the WHATWG's MIME Sniffing Standard, and the formats' own specifications."""


def media_type_of(part: ImagePart | AudioPart | DocumentPart) -> str:
    """The media type of a part: the one that its first bytes show, or else its `media_type`.

    Bytes go before `media_type`, which often is only the default of its class. Providers look at the bytes
    too, and refuse a request whose type does not match them.
    """
    data = part.data or b""
    for start, inner, kind in _SIGNATURES:
        if data.startswith(start) and data[8:12].startswith(inner):
            return kind
    return part.media_type


def with_true_type(part: _File) -> _File:
    """The file with the media type that its bytes show. For files that the application wrote.

    Those of an answer are sent back as they were received.
    """
    return msgspec.structs.replace(part, media_type=media_type_of(part))


def is_text_document(part: Part) -> bool:
    """Whether a part is a document of plain text, which can be sent as text."""
    return isinstance(part, DocumentPart) and part.data is not None and part.media_type.startswith("text/")


def document_text(part: DocumentPart) -> str | None:
    """A text document as text, after its name if it has one; `None` for any other document."""
    if part.data is None or not is_text_document(part):
        return None
    try:
        text = part.data.decode()
    except UnicodeDecodeError:
        return None
    return f"{part.name}\n\n{text}" if part.name else text


def not_as_text(part: Part) -> str:
    """What to say against a document on a wire that has none; empty if the default words are right.

    Args:
        part: a part that the wire refused.
    """
    if not isinstance(part, DocumentPart):
        return ""
    kind = media_type_of(part)
    if part.data is None and kind.startswith("text/"):
        return ""  # its data could be sent, as text
    return f"of {kind}; give its text as a TextPart"


def data_url(media_type: str, data: bytes | None) -> str:
    """Bytes as a `data:` URL."""
    return f"data:{media_type};base64,{base64_text(data)}"


def image_url_block(part: ImagePart) -> JSONObject | None:
    """An image as a block of the type `image_url`: its address, or its bytes as a `data:` URL.

    Args:
        part: the image.

    Returns:
        The block; `None` if the image has neither. The form has no field for a `file_id`.
    """
    if part.url:
        url = part.url
    elif part.data is not None:
        url = data_url(part.media_type, part.data)
    else:
        return None
    image: JSONObject = {"url": url}
    if part.detail is not None:
        image["detail"] = part.detail
    return with_extra({"type": "image_url", "image_url": image}, part.extra)


def data_in(url: str) -> tuple[str, bytes] | None:
    """The media type and the bytes of a `data:` URL; `None` for any other URL."""
    head, _, text = url.partition(";base64,")
    data = base64_bytes(text) if head.startswith("data:") else None
    return None if data is None else (head[len("data:") :], data)
