"""Messages in OpenAI's form, as dicts: read into `Message`, and written from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn, cast

import msgspec

from sansio.answers.toolcalls import is_blank
from sansio.content import (
    PARTS,
    AudioPart,
    DocumentPart,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.errors import InvalidRequestError
from sansio.families.chat.parts import DETAIL_TEXTS, citation_of, image_of
from sansio.families.chat.request import ChatDialect
from sansio.families.fields import base64_bytes, rest
from sansio.families.media import data_in
from sansio.jsontext import JSONObject

_ROLES = ", ".join(Role)
_SHAPE = '{"role": "user", "content": "Hello"}'
_CALL_SHAPE = '{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}'
_PART_SHAPE = '{"type": "text", "text": "Hello"}'
_BLOCK_SHAPES = {
    "text": _PART_SHAPE,
    "refusal": '{"type": "refusal", "refusal": "No."}',
    "image_url": '{"type": "image_url", "image_url": {"url": "https://..."}}',
    "input_audio": '{"type": "input_audio", "input_audio": {"data": "<base64>", "format": "wav"}}',
    "file": '{"type": "file", "file": {"file_id": "file-1"}}',
}
"""The content parts in OpenAI's form. Other types belong to compatible servers, such as `video_url`."""
_NEAR = 0.8
"""How similar an unknown type must be to count as misspelt: two letters may differ (not so `audio_url`)."""
_RESULT_SHAPE = '{"role": "tool", "tool_call_id": "call_1", "content": "18 °C"}'
_REASONING_FIELDS = ("reasoning_content", "reasoning")


def from_openai(data: Mapping[str, object], index: int | None = None) -> Message:
    """Convert a message in the form of OpenAI's chat completions to a `Message`.

    Content parts, tool calls, a refusal, reasoning (`reasoning_content`, `reasoning`, `reasoning_details`)
    and annotations become parts. All other fields go into the message's `extra`, and are sent with it. Fields
    that are null are ignored.

    Args:
        data: such as `{"role": "user", "content": "Hello"}`. It is not changed.
        index: the index of the message in a conversation, for errors.

    Returns:
        The message. It has no `origin`, like every message that the application writes.

    Raises:
        InvalidRequestError: the message has another form; the error shows the right one.

    Example:
        >>> from_openai({"role": "user", "content": "Hello"}).text
        'Hello'
    """
    return _Reader(index).read(data)


def to_openai(message: Message) -> dict[str, object]:
    """Convert a message to the form of OpenAI's chat completions: the inverse of `from_openai`.

    That form lacks some fields, which are lost: `origin`, `is_error` and the metadata of an answer, such as
    its usage; citations; and the order of text, refusal and tool calls. Since `is_error` is lost, say in the
    text of a tool's message that the tool failed, as `run_tools` does.

    Args:
        message: the message; it is not changed.

    Raises:
        InvalidRequestError: that form cannot express a part, such as a `ServerToolPart`.
        TypeError: `message` is not a `Message`.

    Example:
        >>> to_openai(Message("user", "Hello"))
        {'role': 'user', 'content': 'Hello'}
    """
    if not isinstance(message, Message):
        raise TypeError(f"message: must be a Message, not {type(message).__name__}; from_openai reads dicts")
    return _OpenAI().encode_message(message, 0)


class _OpenAI(ChatDialect):
    """Names the form in errors."""

    TYPE = "openai"


class _Reader:
    """Reads one message. Its errors have the message's index."""

    def __init__(self, index: int | None) -> None:
        self._index = index

    def read(self, data: object) -> Message:
        if not isinstance(data, Mapping):
            way = (
                "; give its model_dump()" if hasattr(data, "model_dump") else ""
            )  # an official SDK's message
            self._refuse("", f"must be a Message or a dict such as {_SHAPE}, not {type(data).__name__}{way}")
        fields = {str(name): value for name, value in data.items() if value is not None}
        role = self._role(fields.pop("role", None))
        parts: list[Part] = []
        if role is Role.ASSISTANT:
            parts += self._reasoning(fields)
        if role is not Role.ASSISTANT and "content" not in fields:
            shape = _RESULT_SHAPE if role is Role.TOOL else _SHAPE
            self._refuse("content", f"is missing; give the message's text, as in {shape}")
        content = self._content(fields.pop("content", ""))
        parts += self._cited(content, fields)
        if role is Role.ASSISTANT and isinstance(fields.get("refusal"), str):
            parts.append(RefusalPart(str(fields.pop("refusal"))))
        calls = fields.pop("tool_calls", ())
        if not isinstance(calls, Sequence) or isinstance(calls, str):
            self._refuse("tool_calls", f"must be a list of calls such as {_CALL_SHAPE}")
        parts += [self._call(call, f"tool_calls[{place}]") for place, call in enumerate(calls)]
        answered = fields.pop("tool_call_id", None)
        if role is Role.TOOL and not isinstance(answered, str):
            self._refuse("tool_call_id", f"must name the call that is answered, as in {_RESULT_SHAPE}")
        if role is not Role.TOOL and answered is not None:
            self._refuse("tool_call_id", f"belongs only in a tool's message, such as {_RESULT_SHAPE}")
        return Message(role, tuple(parts), cast("str | None", answered), extra=cast(JSONObject, fields))

    def _refuse(self, where: str, words: str) -> NoReturn:
        place = "" if self._index is None else f"message {self._index}"
        place = ", ".join(name for name in (place, where) if name) or "the message"
        raise InvalidRequestError(f"{place}: {words}", index=self._index)

    def _role(self, role: object) -> Role:
        if role == "function":
            self._refuse("role", f"'function' is an old form; write {_RESULT_SHAPE}")
        if not isinstance(role, str) or role not in tuple(Role):
            self._refuse("role", f"must be one of {_ROLES}, not {role!r}, as in {_SHAPE}")
        return Role(role)

    def _content(self, content: object) -> list[Part]:
        if isinstance(content, str):
            return [TextPart(content)] if content else []
        if not isinstance(content, Sequence) or isinstance(content, (bytes, bytearray)):
            self._refuse(
                "content",
                f"must be a str or a list of parts such as {_PART_SHAPE}, not {type(content).__name__}",
            )
        return [self._part(part, f"content[{place}]") for place, part in enumerate(content)]

    def _part(self, data: object, where: str) -> Part:
        if isinstance(data, PARTS):
            return data
        kind = data.get("type") if isinstance(data, Mapping) else None
        if not isinstance(data, Mapping) or not isinstance(kind, str):
            self._refuse(
                where, f"must be a part, or a dict with a type such as {_PART_SHAPE}, not {data!r:.80}"
            )
        block = cast(JSONObject, dict(data))
        found: Part | None = None
        whole = True
        match kind:
            case "text" | "refusal":
                text = block.get(kind)
                if not isinstance(text, str):
                    self._refuse(where, f"its {kind} must be a str, as in {_PART_SHAPE}")
                extra = rest(block, "type", kind)
                found = TextPart(text, extra=extra) if kind == "text" else RefusalPart(text, extra)
            case "image_url":
                found = _image(block)
                whole = isinstance(found, ImagePart) and found.url != ""
            case "input_audio":
                found = _sound(block)
                whole = _has_texts(block, kind, "data", "format")
            case "file":
                found = _document(block)
                whole = _has_texts(block, kind, "file_id") or _has_texts(block, kind, "file_data")
            case _:
                near = get_close_matches(kind, _BLOCK_SHAPES, 1, _NEAR)
                if near:
                    self._refuse(
                        where,
                        f"the type {kind!r} is unknown; did you mean {near[0]}? "
                        f"Write it as in {_BLOCK_SHAPES[near[0]]}",
                    )
        if not whole:
            self._refuse(where, f"must have the form {_BLOCK_SHAPES[kind]}")
        return UnknownPart(kind, block) if found is None else found

    def _cited(self, content: list[Part], fields: dict[str, object]) -> list[Part]:
        """The content, with the message's annotations as citations of its text."""
        annotations = fields.get("annotations")
        if not isinstance(annotations, list):
            return content
        texts = [place for place, part in enumerate(content) if isinstance(part, TextPart)]
        if annotations and (len(texts) != 1 or not all(isinstance(a, dict) for a in annotations)):
            return content
        del fields["annotations"]
        for place in texts if annotations else ():
            citations = tuple(map(citation_of, annotations))
            content[place] = msgspec.structs.replace(content[place], citations=citations)
        return content

    def _reasoning(self, fields: dict[str, object]) -> list[Part]:
        """The reasoning; a plain field that repeats a text is skipped."""
        details = fields.pop("reasoning_details", ())
        if not isinstance(details, Sequence) or not all(isinstance(detail, Mapping) for detail in details):
            self._refuse("reasoning_details", "must be a list of OpenRouter's details, as they were received")
        parts = [_detail(cast(JSONObject, dict(detail))) for detail in details]
        said = {"", "".join(part.text for part in parts)}
        plain: dict[str, str] = {}
        for name in _REASONING_FIELDS:
            text = fields.get(name)
            if isinstance(text, str):
                del fields[name]
                if text not in said:
                    plain[name] = text
                said.add(text)
        if plain:
            (name, text), *other = plain.items()
            parts.insert(0, ReasoningPart(text, {"field": name, **dict(other)}))
        return [*parts]

    def _call(self, data: object, where: str) -> Part:
        if not isinstance(data, Mapping):
            self._refuse(where, f"must be a dict such as {_CALL_SHAPE}, not {type(data).__name__}")
        kind = data.get("type", "function")
        inner = data.get(kind) if isinstance(kind, str) else None
        call_id = data.get("id")
        if not isinstance(inner, Mapping) or kind not in ("function", "custom"):
            self._refuse(where, f"must have the form {_CALL_SHAPE}")
        name = inner.get("name")
        if not isinstance(call_id, str) or not isinstance(name, str):
            self._refuse(where, f"needs an id and a name, both text, as in {_CALL_SHAPE}")
        extra = rest(cast(JSONObject, dict(data)), "id", "type", kind)
        field = "input" if kind == "custom" else "arguments"
        said = "" if inner.get(field) is None else inner[field]
        if beside := rest(cast(JSONObject, dict(inner)), "name", field, nulls=(field,)):
            extra[kind] = beside
        if kind == "function" and isinstance(said, Mapping):
            return ToolCall(call_id, name, dict(said), extra=extra)
        if not isinstance(said, str):
            self._refuse(where, f"its {field} must be text, as in {_CALL_SHAPE}")
        if kind == "custom":
            return ToolCall(call_id, name, {"input": said}, kind="custom", extra=extra)
        return _function_call(call_id, name, said, extra)


def _function_call(call_id: str, name: str, text: str, extra: JSONObject) -> Part:
    if is_blank(text):
        return ToolCall(call_id, name, extra=extra)
    try:
        arguments = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return InvalidToolCall(call_id, name, text, f"its arguments are not JSON: {error}", extra=extra)
    if not isinstance(arguments, dict):
        return InvalidToolCall(call_id, name, text, "its arguments are not a JSON object", extra=extra)
    # Raw text is kept only if encoding the arguments would not give the same text.
    raw = None if msgspec.json.encode(arguments).decode() == text else text
    return ToolCall(call_id, name, arguments, raw, extra=extra)


def _detail(detail: JSONObject) -> ReasoningPart:
    field = DETAIL_TEXTS.get(str(detail.get("type")))
    text = detail.get(field) if field is not None else None
    if field is None or not isinstance(text, str):
        return ReasoningPart(extra=detail)
    return ReasoningPart(text, rest(detail, field))


def _image(block: JSONObject) -> Part:
    part = image_of(block)
    if not isinstance(part, ImagePart):
        return part
    inner = part.extra.get("image_url")
    if not isinstance(inner, dict) or not isinstance(detail := inner.get("detail"), str):
        return part
    extra = rest(part.extra, "image_url")
    if beside := rest(inner, "detail"):
        extra["image_url"] = beside
    return msgspec.structs.replace(part, detail=detail, extra=extra)


def _sound(block: JSONObject) -> Part | None:
    inner = block.get("input_audio")
    if not isinstance(inner, dict) or inner.keys() != {"data", "format"}:
        return None
    data, kind = base64_bytes(str(inner["data"])), str(inner["format"])
    if data is None:
        return None
    media_type = f"audio/{'mpeg' if kind == 'mp3' else kind}"
    return AudioPart(data=data, media_type=media_type, extra=rest(block, "type", "input_audio"))


def _has_texts(block: JSONObject, field: str, *names: str) -> bool:
    """Whether a block has an object with texts in it."""
    inner = block.get(field)
    return isinstance(inner, dict) and all(isinstance(text := inner.get(n), str) and text for n in names)


def _document(block: JSONObject) -> Part | None:
    inner: Any = block.get("file")  # Any: JSON, whose form is checked here
    if not isinstance(inner, dict) or not all(isinstance(value, str) for value in inner.values()):
        return None
    extra = rest(block, "type", "file")
    if inner.keys() == {"file_id"}:
        return DocumentPart(file_id=inner["file_id"], extra=extra)
    if inner.keys() != {"filename", "file_data"}:
        return None
    if (held := data_in(inner["file_data"])) is None:
        return None
    media_type, data = held
    return DocumentPart(data=data, media_type=media_type, name=inner["filename"], extra=extra)
