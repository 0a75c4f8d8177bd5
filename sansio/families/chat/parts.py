"""Blocks of a chat completion as parts, and parts as blocks: each function beside its inverse."""

from __future__ import annotations

from collections.abc import Sequence

from sansio.content import (
    AudioPart,
    Citation,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    UnknownPart,
)
from sansio.defaults import THINK_TAGS
from sansio.families.fields import base64_bytes, rest, text_or_none
from sansio.families.media import data_in
from sansio.jsontext import JSONObject

DETAIL_TEXTS = {"reasoning.text": "text", "reasoning.summary": "summary"}
"""The types of OpenRouter's reasoning details that have a text, and the field of that text."""


def detail_of(part: ReasoningPart) -> JSONObject | None:
    """A part as one of OpenRouter's reasoning details; `None` if it was not received as one."""
    kind = part.extra.get("type")
    if not isinstance(kind, str) or not kind.startswith("reasoning."):
        return None
    field = DETAIL_TEXTS.get(kind)
    return {**part.extra, field: part.text} if field is not None and part.text else dict(part.extra)


CONTENT_FIELD = "content"
"""The `field` of a reasoning part that was received as a part of the content, as Mistral sends it."""


_IN_CONTENT = (CONTENT_FIELD, THINK_TAGS)
"""The values of `field` for reasoning that goes back inside the content."""


def between_tags(part: ReasoningPart) -> str:
    """Reasoning between tags, as it was in the text; the inverse of `ThinkingReader`."""
    return f"<think>{part.text}{'</think>' if part.extra.get('closed', True) else ''}"


def thinking_block(part: ReasoningPart) -> JSONObject:
    """Reasoning as Mistral's content part."""
    inner: JSONObject = {"type": "text", "text": part.text}
    return {"type": "thinking", "thinking": [inner], **rest(part.extra, "field")}


def field_of(part: ReasoningPart, default: str) -> str:
    """The field that reasoning is sent back in: the one that it was received in.

    Args:
        part: the reasoning.
        default: the field for reasoning whose `extra` names none.
    """
    return str(part.extra["field"]) if "field" in part.extra else default


def unsent_reasoning(part: ReasoningPart, back: str, names: Sequence[str]) -> tuple[str, ...]:
    """The fields of a reasoning part's `extra` that are not sent with it.

    Args:
        part: the reasoning.
        back: the field, or `THINK_TAGS`, for reasoning whose `extra` names none.
        names: the fields that the server sends reasoning in.
    """
    if field_of(part, back) == CONTENT_FIELD:
        return ()
    known: tuple[str, ...] = ("field", *names)
    if THINK_TAGS in (back, part.extra.get("field")):
        known = ("field", "closed")
    elif detail_of(part) is not None:
        return ()
    return tuple(name for name in part.extra if name not in known)


def reasoning_fields(message: Message, default: str, names: Sequence[str]) -> dict[str, object]:
    """The fields of an assistant's message for its reasoning, each under the name that it was received in.

    Args:
        message: the message.
        default: the field for reasoning whose `extra` names none.
        names: the fields that the server sends reasoning in.
    """
    parts = [part for part in message.parts if isinstance(part, ReasoningPart)]
    details = [detail for part in parts if (detail := detail_of(part)) is not None]
    plain = [
        part
        for part in parts
        if part.text and detail_of(part) is None and field_of(part, default) not in _IN_CONTENT
    ]
    fields: dict[str, object] = {}
    if details:
        fields["reasoning_details"] = details
    if plain:
        name = next((field_of(part, default) for part in plain if "field" in part.extra), default)
        fields[name] = "".join(part.text for part in plain)
    # A server may send different texts in `reasoning_content` and `reasoning`; it gets both back.
    for part in plain:
        fields |= {name: part.extra[name] for name in names if name in part.extra}
    return fields


def citation_of(annotation: JSONObject) -> Citation:
    """An annotation of OpenAI's form (`{"type": "url_citation", "url_citation": {...}}`) as a citation."""
    kind = annotation.get("type")
    inner = annotation.get(kind) if isinstance(kind, str) else None
    nested = isinstance(inner, dict)
    data = inner if isinstance(inner, dict) else annotation
    start, end = data.get("start_index"), data.get("end_index")
    typed = {name for name in ("url", "title", "content") if isinstance(data.get(name), str)}
    typed |= {name for name in ("start_index", "end_index") if type(data.get(name)) is int}
    extra = rest(data, *typed)
    if nested:
        extra = rest(annotation, str(kind)) | extra
    return Citation(
        text_or_none(data.get("url")),
        text_or_none(data.get("title")),
        text_or_none(data.get("content")),
        start if type(start) is int else None,
        end if type(end) is int else None,
        extra,
    )


def image_of(image: JSONObject) -> Part:
    """An image of an answer, as OpenRouter sends it: `{"type": "image_url", "image_url": {"url": ...}}`."""
    inner = image.get("image_url")
    url = inner.get("url") if isinstance(inner, dict) else inner
    if not isinstance(url, str):
        return UnknownPart(str(image.get("type")), image)
    extra = rest(image, "type", "image_url")
    if isinstance(inner, dict) and (beside := rest(inner, "url")):
        extra["image_url"] = beside
    if (held := data_in(url)) is not None:
        media_type, data = held
        return ImagePart(data=data, media_type=media_type, extra=extra)
    return ImagePart(url=url, extra=extra)


_FORMATS = {"mpeg": "mp3", "wave": "wav", "vnd.wave": "wav", "mp4": "m4a"}

OPENAI_SOUND = frozenset(("wav", "mp3"))
"""The formats that OpenAI's own schema has (its SDK, `ChatCompletionContentPartInputAudioParam`)."""


def sound_format(media_type: str) -> str:
    """The wire's word for a media type of sound, such as `wav` or `mp3`."""
    name = media_type.partition("/")[2].removeprefix("x-")
    return _FORMATS.get(name, name)


_TEXT_ROLES = (Role.SYSTEM, Role.DEVELOPER, Role.TOOL)


def takes_by_schema(part: Part, role: Role) -> bool:
    """OpenAI's own rule: system, developer and tool messages have text parts only."""
    return role not in _TEXT_ROLES or isinstance(part, (TextPart, UnknownPart))


class SoundPieces:
    """The sound of an unfinished answer: pieces of base64 and of the transcript, and other fields.

    OpenAI encodes each piece separately, so each is decoded separately.
    """

    def __init__(self) -> None:
        self._data: list[str] = []
        self._transcript: list[str] = []
        self._extra: JSONObject = {}

    def add(self, audio: JSONObject) -> None:
        for name, value in audio.items():
            if name == "data" and isinstance(value, str):
                self._data.append(value)
            elif name == "transcript" and isinstance(value, str):
                self._transcript.append(value)
            elif value is not None:
                self._extra[name] = value

    def whole(self) -> AudioPart | None:
        """The part; `None` if there is no sound. Some servers then send blank fields."""
        text = "".join(self._data)
        transcript = "".join(self._transcript) or None
        if not (text or transcript or any(self._extra.values())):
            return None
        pieces = [base64_bytes(piece) for piece in self._data if piece]
        data = base64_bytes(text)
        if data is None and pieces and None not in pieces:
            data = b"".join(piece for piece in pieces if piece)
        extra = self._extra if data is not None or not text else {**self._extra, "data": text}
        return AudioPart(data=data, transcript=transcript, extra=extra)
