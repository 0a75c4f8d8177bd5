"""Gemini's parts as ours, and ours as Gemini's: each function beside its inverse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sansio
from sansio import JSONObject, Message, Part

_RUNS: Mapping[str, Mapping[str, str]] = {  # the server's own tools: fields on the wire, and of the part
    "executableCode": {"id": "id", "code": "input"},
    "codeExecutionResult": {"id": "id", "output": "output", "outcome": "status"},
    "toolCall": {"id": "id", "toolType": "name", "args": "input"},
    "toolResponse": {"id": "id", "toolType": "name", "response": "output"},
}


def part_of(wire: dict[str, Any]) -> Part:
    """A part of the wire as one of ours; everything beside its typed fields is kept in `extra`."""
    kind = next((name for name in wire if name not in ("thought", "thoughtSignature")), "")
    inner = wire.get(kind)
    if isinstance(text := wire.get("text"), str):
        if wire.get("thought") is True:
            return sansio.ReasoningPart(text, sansio.rest(wire, "text", "thought"))
        return sansio.TextPart(text, extra=sansio.rest(wire, "text"))
    if kind == "functionCall" and isinstance(inner, dict) and isinstance(inner.get("name"), str):
        call_id, args = inner.get("id") or "", inner.get("args") or {}
        if isinstance(call_id, str) and isinstance(args, dict):
            missing: JSONObject = {} if call_id else {"id": None}  # so that no made-up id is sent back
            extra = _extra(wire, kind, sansio.rest(inner, "id", "name", "args") | missing)
            return sansio.ToolCall(call_id, inner["name"], args, extra=extra)
    if kind == "inlineData" and isinstance(inner, dict) and str(inner.get("mimeType")).startswith("image/"):
        data = sansio.base64_bytes(str(inner.get("data")))
        if data is not None:
            extra = _extra(wire, kind, sansio.rest(inner, "mimeType", "data"))
            return sansio.ImagePart(data=data, media_type=inner["mimeType"], extra=extra)
    if kind in _RUNS and isinstance(inner, dict):
        typed = {ours: inner.get(theirs) for theirs, ours in _RUNS[kind].items()}
        return sansio.ServerToolPart(
            kind, **typed, extra=_extra(wire, kind, sansio.rest(inner, *_RUNS[kind]))
        )
    return sansio.UnknownPart(kind, wire)


def wire_of(part: Part, index: int) -> JSONObject:
    """The inverse of `part_of`."""
    match part:
        case sansio.TextPart():
            return {"text": part.text, **part.extra}
        case sansio.ReasoningPart():
            return {"text": part.text, "thought": True, **part.extra}
        case sansio.ToolCall():
            return _wire(part, "functionCall", id=part.id, name=part.name, args=part.arguments)
        case sansio.InvalidToolCall():
            wrong = {"INVALID_JSON": part.raw_arguments}
            return _wire(part, "functionCall", id=part.id, name=part.name, args=wrong)
        case sansio.ImagePart(data=bytes(data)):
            return _wire(part, "inlineData", mimeType=part.media_type, data=sansio.base64_text(data))
        case sansio.ImagePart():
            return _wire(part, "fileData", mimeType=part.media_type, fileUri=part.url or part.file_id)
        case sansio.ServerToolPart() if part.kind in _RUNS:
            return _wire(
                part, part.kind, **{to: getattr(part, ours) for to, ours in _RUNS[part.kind].items()}
            )
        case sansio.UnknownPart():
            return dict(part.extra)
        case _:
            raise sansio.InvalidRequestError(
                f"message {index}: no place for {type(part).__name__}", index=index
            )


def _extra(wire: JSONObject, kind: str, inner: JSONObject) -> JSONObject:
    return sansio.rest(wire, kind) | ({kind: inner} if inner else {})


def _wire(part: Part, kind: str, **typed: Any) -> JSONObject:
    inner: Any = part.extra.get(kind) or {}
    return {**part.extra, kind: sansio.without_nulls(typed | inner)}


def response_of(message: Message, call: Part, index: int) -> JSONObject:
    """A tool's result, which names the tool; and the call's id, if the server gave it one."""
    if not all(isinstance(part, sansio.TextPart) for part in message.parts):
        raise sansio.InvalidRequestError(f"message {index}: a result is text only", index=index)
    said: JSONObject = {"error" if message.is_error else "output": message.text}
    sent: Any = wire_of(call, index)["functionCall"]
    named = {name: sent[name] for name in ("id", "name") if name in sent}
    return {"functionResponse": {**named, "response": said}}
