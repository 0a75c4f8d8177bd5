"""Answers of Gemini as Google writes them, whole and as chunks.

Sources: the Gemini API's reference (`GenerateContentResponse`), Google's page "Thought signatures", and
recorded streams.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import assert_never

import msgspec

from sansio.content import (
    Citation,
    FinishReason,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    Usage,
)
from sansio.events import (
    ContentDelta,
    PartComplete,
    ReasoningDelta,
    RefusalDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.families.fields import rest
from sansio.families.gemini.faults import FINISH_REASONS, STATUS_BY_ERROR
from sansio.families.gemini.grounding import CITATIONS, FIELDS, GROUNDING
from sansio.families.gemini.parts import CALL, SIGNATURE, wire_of
from sansio.jsontext import JSON, JSONObject
from sansio.testing.script import Delta, Failure

_REASONS: dict[FinishReason, str] = {
    FinishReason.STOP: "STOP",
    FinishReason.TOOL_CALLS: "STOP",
    FinishReason.LENGTH: "MAX_TOKENS",
    FinishReason.CONTENT_FILTER: "SAFETY",
    FinishReason.PAUSE: "CONTINUATION",
    FinishReason.ERROR: "OTHER",
}
_TOP = ("promptFeedback", "modelStatus")
"""Fields of a message's `extra` that are beside the candidates."""
_SOURCES = "citationSources"
_NUMBER = "groundingChunkIndex"
"""The field of a citation's `extra` that names one of the sources of an answer's `groundingMetadata`."""
_STATUSES = {**{status: word for word, status in reversed([*STATUS_BY_ERROR.items()])}, 500: "INTERNAL"}


def sign(name: str, arguments: JSONObject) -> str:
    """The signature that the fake gives the first call of a turn, and requires back from newer models."""
    said = json.dumps([name, arguments], sort_keys=True).encode()
    return base64.b64encode(b"fake" + hashlib.sha256(said).digest()).decode()


def encode_chunks(
    type: str, deltas: Sequence[Delta], head: Message, end: Message | Failure | None, usage: bool
) -> tuple[bytes, ...]:
    """A stream as server-sent events; an error inside it is plain JSON, as Google writes it.

    Calls are sent whole, so a truncated stream lacks a call whose arguments are cut.

    Args:
        head: has the answer's id and model; its parts, if known, have what the events lack.
        end: the whole message, an error inside the stream, or `None` for a truncated stream.
        usage: ignored, since Google always sends usage.

    Raises:
        ValueError: Google has no word for the finish reason, or no place for a part.
    """
    stream = _Stream(head)
    pieces = [piece for delta in deltas for piece in stream.encode(delta)]
    match end:
        case Message():
            pieces += [*stream.calls(), _event(_finished(head, end, [], stream.grounds))]
        case Failure():
            pieces.append(json.dumps(encode_error(end, ""), indent=2).encode() + b"\n")
        case None:
            pass
        case _:
            assert_never(end)
    return tuple(pieces)


def encode_answer(type: str, message: Message) -> bytes:
    """The message as a whole response.

    Raises:
        ValueError: a tool call's arguments are not an object; or Google has no word for the finish reason, or
            no place for a part.
    """
    grounds: JSONObject = {}
    parts: list[JSON] = []
    said = 0
    for part in message.parts:
        if isinstance(part, ServerToolPart) and part.kind in FIELDS:
            _ground(grounds, part)
            continue
        signed = not any(CALL in each for each in parts if isinstance(each, dict))
        parts.append(_part(part, signed))
        if isinstance(part, TextPart):
            _cite(grounds, part.citations, said)
            said += len(part.text.encode())
    return msgspec.json.encode(_finished(message, message, parts, grounds))


def encode_error(failure: Failure, request_id: str) -> JSONObject:
    """The failure as Google's JSON object, which has no id of the request."""
    word = failure.error_type or _STATUSES.get(failure.status, "UNKNOWN")
    error: JSONObject = {"code": failure.status, "message": failure.message, "status": word}
    if failure.code is not None:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        error["details"] = [{"@type": kind, "reason": failure.code, "domain": "googleapis.com"}]
    return {"error": error}


class _Stream:
    """The parts of an answer that were sent, and the calls that are not complete yet."""

    def __init__(self, head: Message) -> None:
        self._head = head
        self._sent: set[int] = set()  # parts that go in one piece, since they are signed
        self._calls: dict[int, tuple[ToolCallStarted, list[str]]] = {}
        self._signed = False
        self._said: dict[int, int] = {}  # the bytes of each text
        self.grounds: JSONObject = {}

    def encode(self, delta: Delta) -> list[bytes]:
        """The chunks of one event, after those of the calls before it."""
        match delta:
            case ToolCallStarted():
                _check_kind(delta.kind)
                self._calls[delta.index] = (delta, [])
                return []
            case ToolCallDelta(index=index, arguments=arguments):
                if index not in self._calls:
                    raise ValueError("google's calls are sent whole: a piece follows the end of its call")
                self._calls[index][1].append(arguments)
                return []
            case ContentDelta(text=text, part=part):
                self._said[part] = self._said.get(part, 0) + len(text.encode())
                return [*self.calls(), *self._text(part, {"text": text})]
            case ReasoningDelta(text=text, part=part):
                return [*self.calls(), *self._text(part, {"text": text, "thought": True})]
            case PartComplete(index=index, part=TextPart() as part) if part.text:
                _cite(self.grounds, part.citations, sum(self._said[at] for at in self._said if at < index))
                return []
            case PartComplete(part=ServerToolPart() as part) if part.kind in FIELDS:
                _ground(self.grounds, part)
                return []
            case PartComplete(part=part):
                return [*self.calls(), self._chunk(_part(part, signed=False))]
            case RefusalDelta():
                raise ValueError("google's answers have no place for a refusal")
            case _:
                assert_never(delta)

    def calls(self) -> list[bytes]:
        """The calls that have ended by now."""
        pieces: list[bytes] = []
        for started, arguments in self._calls.values():
            known = self._known(started.part)
            extra = known.extra if known is not None else {}
            call = ToolCall(started.id, started.name, _object("".join(arguments)), extra=extra)
            pieces.append(self._chunk(_part(call, signed=not self._signed)))
            self._signed = True
        self._calls.clear()
        return pieces

    def _text(self, part: int, wire: JSONObject) -> list[bytes]:
        known = self._known(part)
        if isinstance(known, (TextPart, ReasoningPart)) and known.extra:
            if part in self._sent:
                return []
            self._sent.add(part)
            wire = {**wire, "text": known.text, **known.extra}
        return [self._chunk(wire)]

    def _known(self, part: int) -> Part | None:
        return self._head.parts[part] if part < len(self._head.parts) else None

    def _chunk(self, wire: JSONObject) -> bytes:
        return _event(_envelope(self._head, {"content": {"parts": [wire], "role": "model"}, "index": 0}))


def _part(part: Part, signed: bool) -> JSONObject:
    """A part of an answer.

    Args:
        part: the part.
        signed: whether the part, if it is a call, is the first call of the answer, which the fake signs.
    """
    if isinstance(part, InvalidToolCall):  # one that Google withdrew, though it is whole
        arguments = _object(part.raw_arguments)
        part = ToolCall(part.id, part.name, arguments, kind=part.kind, extra=part.extra)
    if isinstance(part, ToolCall):
        _check_kind(part.kind)
    wire = None if isinstance(part, RefusalPart) else wire_of(part)
    if wire is None:
        raise ValueError(f"google's answers have no place for this {part.__class__.__name__}")
    if signed and isinstance(part, ToolCall):
        wire.setdefault(SIGNATURE, sign(part.name, part.arguments))
    return wire


def _check_kind(kind: str) -> None:
    if kind != "function":
        raise ValueError(f"google's answers have no place for a tool call of the kind {kind!r}")


def _object(text: str) -> JSONObject:
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, JSON])
    except ValueError:
        raise ValueError("google's answers hold arguments as objects, whole ones only") from None


def _ground(grounds: JSONObject, part: ServerToolPart) -> None:
    """Add a part that is made of a candidate's field to that field."""
    names = {
        "groundingMetadata": {"webSearchQueries": part.input, "groundingChunks": part.output},
        "urlContextMetadata": {"urlMetadata": part.output},
        "citationMetadata": {"citationSources": part.output},
    }[part.kind]
    known = grounds.setdefault(part.kind, {})
    assert isinstance(known, dict)
    known |= {name: value for name, value in names.items() if value is not None}
    known |= part.extra


def _cite(grounds: JSONObject, citations: Sequence[Citation], before: int) -> None:
    """Add the citations of a text to those of the answer.

    Args:
        before: the bytes of the texts before it.
    """
    if not citations:
        return
    sources: list[JSON] = [
        {
            **{
                name: value for name, value in (("uri", each.url), ("title", each.title)) if value is not None
            },
            "startIndex": (each.start or 0) + before,
            **({} if each.end is None else {"endIndex": each.end + before}),
            **each.extra,
        }
        for each in citations
    ]
    known = grounds.setdefault("citationMetadata", {})
    assert isinstance(known, dict)
    listed = known.setdefault(_SOURCES, [])
    assert isinstance(listed, list)
    listed += sources


def _envelope(message: Message, *candidates: JSON) -> JSONObject:
    return {
        **({"candidates": list[JSON](candidates)} if candidates else {}),
        "modelVersion": message.model or "fake-model",
        "responseId": message.response_id or "fake-response",
    }


def _finished(head: Message, end: Message, parts: list[JSON], grounds: JSONObject) -> JSONObject:
    """The end of an answer: parts, its finish reason, its counts and its own fields."""
    extra = dict(end.extra)
    top = {name: extra.pop(name) for name in _TOP if name in extra}
    counts: JSONObject = {} if end.usage is None else {"usageMetadata": _usage(end.usage)}
    reason = raw_finish_reason(end)
    if _is_blocked(end):
        feedback = top.pop("promptFeedback", None)
        said: JSONObject = {**(feedback if isinstance(feedback, dict) else {}), "blockReason": reason}
        return {**_envelope(head), "promptFeedback": said, **counts, **top, **extra}
    _support(grounds)
    candidate: JSONObject = {
        "content": {"parts": parts, "role": "model"},
        "finishReason": reason,
        "index": 0,
        **grounds,
        **extra,
    }
    return {**_envelope(head, candidate), **counts, **top}


def _is_blocked(end: Message) -> bool:
    """Whether the prompt was blocked, so that there is no answer: its reason is not one of a filter's."""
    filtered = end.finish_reason is FinishReason.CONTENT_FILTER
    word = end.raw_finish_reason
    return filtered and word is not None and FINISH_REASONS.get(word) is not FinishReason.CONTENT_FILTER


def _support(grounds: JSONObject) -> None:
    """Write the citations that name one of the sources as Google does: as passages that it supports."""
    metadata, cited = grounds.get(GROUNDING), grounds.get(CITATIONS)
    if not isinstance(metadata, dict) or not isinstance(cited, dict):
        return
    chunks, sources = metadata.get("groundingChunks"), cited.get(_SOURCES)
    if not isinstance(chunks, list) or not isinstance(sources, list):
        return
    kept: list[JSON] = []
    supports: list[JSON] = []
    for source in sources:
        assert isinstance(source, dict)  # as `_cite` writes it
        number = source.get(_NUMBER)
        if isinstance(number, int) and 0 <= number < len(chunks):
            supports.append(_support_of(source, number))
        else:
            kept.append(source)
    if supports:
        metadata["groundingSupports"] = supports
        cited[_SOURCES] = kept


def _support_of(source: JSONObject, number: int) -> JSONObject:
    """A citation as a passage; its address and title are those of the source that it names."""
    words = source.get("segment")
    places: JSONObject = {name: source[name] for name in ("startIndex", "endIndex") if name in source}
    support: JSONObject = rest(
        source, "uri", "title", "startIndex", "endIndex", "segment", _NUMBER, "confidenceScore"
    )
    if "confidenceScore" in source:
        support["confidenceScores"] = [source["confidenceScore"]]
    segment: JSONObject = {**places, **(words if isinstance(words, dict) else {})}
    return {**support, "segment": segment, "groundingChunkIndices": [number]}


def raw_finish_reason(message: Message) -> str | None:
    """Google's word for how the message ended.

    Raises:
        ValueError: it has none for that reason.
    """
    reason = message.finish_reason
    if message.raw_finish_reason is not None or reason is None:
        return message.raw_finish_reason
    if reason not in _REASONS:
        raise ValueError(f"google has no word for the finish reason {reason.value!r}: give raw_finish_reason")
    return _REASONS[reason]


def _usage(usage: Usage) -> JSONObject:
    tools = usage.extra.get("toolUsePromptTokenCount")
    beside = tools if isinstance(tools, int) else 0
    return {
        "promptTokenCount": usage.input_tokens - beside,
        "candidatesTokenCount": usage.output_tokens - usage.reasoning_tokens,
        "thoughtsTokenCount": usage.reasoning_tokens,
        "cachedContentTokenCount": usage.cached_tokens,
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
        **usage.extra,
    }


def _event(data: JSONObject) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\r\n\r\n"
