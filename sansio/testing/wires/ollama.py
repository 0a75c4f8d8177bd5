"""Answers as Ollama's own API writes them: lines of JSON, or one object; and Ollama's other endpoints.

Sources: Ollama's repository, `api/types.go` and `server/routes.go`, and recorded streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import msgspec

from sansio.content import (
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCall,
    UnknownPart,
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
from sansio.families.fields import base64_text, with_extra
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import refuse
from sansio.testing.prompt import as_object, as_text, count_tokens
from sansio.testing.script import Delta, Failure, arguments_text
from sansio.testing.wires.vectors import vector

CREATED = "2026-01-01T00:00:00Z"
_REASONS = {FinishReason.STOP: "stop", FinishReason.TOOL_CALLS: "stop", FinishReason.LENGTH: "length"}


def encode_lines(
    type: str, deltas: Sequence[Delta], head: Message, end: Message | Failure | None, usage: bool
) -> tuple[bytes, ...]:
    """A stream as lines of JSON. A tool call is sent whole, when its arguments are.

    A refusal has no place on this wire, and is left out.

    Args:
        head: has the answer's model; its parts, if known, have what the events lack.
        end: the whole message, an error inside the stream, or `None` for a truncated stream.
        usage: ignored, since Ollama always sends its counts.

    Raises:
        ValueError: there is no word for the finish reason, or no place for a part.
    """
    lines = _Lines(head)
    pieces = [piece for delta in deltas for piece in lines.encode(delta)]
    match end:
        case Message():
            pieces += [*lines.close(), lines.write({"content": ""}, _end(end))]
        case Failure():
            pieces.append(msgspec.json.encode(encode_error(end, "")) + b"\n")
        case None:
            pass
        case _:
            assert_never(end)
    return tuple(pieces)


def encode_answer(type: str, message: Message) -> bytes:
    """The message as a whole response.

    Raises:
        ValueError: as `encode_lines`; or a tool call's arguments are not an object.
    """
    for part in message.parts:
        _check_place(part)
    said: JSONObject = {"content": message.text}
    if message.reasoning:
        said["thinking"] = message.reasoning
    images: list[JSON] = [_image(part) for part in message.parts if isinstance(part, ImagePart | UnknownPart)]
    calls: list[JSON] = [_call(call, place) for place, call in enumerate(message.all_tool_calls)]
    said |= {name: listed for name, listed in (("images", images), ("tool_calls", calls)) if listed}
    return _Lines(message).write(said, _end(message)).rstrip(b"\n")


def encode_error(failure: Failure, request_id: str) -> JSONObject:
    """An error as the body of a status, and as a line inside a stream: a text alone."""
    return {"error": failure.message}


def answer_beside(asked: str, request_target: str, body: JSONObject, models: Sequence[str]) -> JSONObject:
    """The list of models, or embeddings.

    Raises:
        Refused: the request is invalid.
    """
    if asked == "models":
        rows: list[JSON] = [
            {
                "name": model,
                "model": model,
                "modified_at": CREATED,
                "size": 1,
                "digest": "fa4e",
                "details": {"family": "fake", "parameter_size": "1"},
            }
            for model in models
        ]
        return {"models": rows}
    texts = [body["input"]] if isinstance(body.get("input"), str) else body.get("input")
    if not as_text(body.get("model")):
        raise refuse("model is required")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise refuse("invalid input type")
    size = body.get("dimensions")
    vectors: list[JSON] = [vector(str(text), size if type(size) is int else 8) for text in texts]
    return {"model": body["model"], "embeddings": vectors, "prompt_eval_count": count_tokens(texts)}


class _Lines:
    """The lines of one answer, and the call whose arguments are not whole yet."""

    def __init__(self, head: Message) -> None:
        self._head = head
        self._calls = 0
        self._open: tuple[ToolCallStarted, list[str]] | None = None

    def write(self, message: JSONObject, end: JSONObject | None = None) -> bytes:
        """One line.

        Args:
            end: the last line's fields.
        """
        line: JSONObject = {
            "model": self._head.model or "fake-model",
            "created_at": CREATED,
            "message": {"role": "assistant", **message},
            "done": end is not None,
            **(end or {}),
        }
        return msgspec.json.encode(line) + b"\n"

    def encode(self, delta: Delta) -> list[bytes]:
        match delta:
            case ToolCallDelta(index=index, arguments=arguments):
                if self._open is None or self._open[0].index != index:
                    raise ValueError("ollama's tool calls are sent one after the other, never interleaved")
                self._open[1].append(arguments)
                return []
            case ToolCallStarted():
                pieces = self.close()
                _check_kind(delta)
                self._open = delta, []
                return pieces
            case ContentDelta():
                return [*self.close(), self.write({"content": delta.text})]
            case ReasoningDelta():
                return [*self.close(), self.write({"content": "", "thinking": delta.text})]
            case RefusalDelta():
                return []
            case PartComplete(part=part):
                return [*self.close(), *self._whole(part)]
            case _:
                assert_never(delta)

    def close(self) -> list[bytes]:
        """Send the open call."""
        if self._open is None:
            return []
        (started, pieces), self._open = self._open, None
        known = self._head.parts[started.part] if started.part < len(self._head.parts) else None
        extra = known.extra if isinstance(known, ToolCall | InvalidToolCall) else {}
        call = InvalidToolCall(started.id, started.name, "".join(pieces), "", extra=extra)
        place, self._calls = self._calls, self._calls + 1
        return [self.write({"content": "", "tool_calls": [_call(call, place)]})]

    def _whole(self, part: Part) -> list[bytes]:
        match part:
            case ImagePart() | UnknownPart():
                return [self.write({"content": "", "images": [_image(part)]})]
            case _:
                _check_place(part)
                return []  # its deltas said it; of the rest, nothing has a place


def _check_place(part: Part) -> None:
    """Refuse a part that has no place. A refusal is left out."""
    match part:
        case ToolCall() | InvalidToolCall():
            _check_kind(part)
        case TextPart() | ReasoningPart() | RefusalPart() | ImagePart() | UnknownPart():
            pass
        case _:
            raise ValueError(f"ollama's answers have no place for this {part.__class__.__name__}")


def _check_kind(call: ToolCall | InvalidToolCall | ToolCallStarted) -> None:
    if call.kind != "function":
        raise ValueError(f"ollama has no place for a tool call of the kind {call.kind!r}")


def _call(call: ToolCall | InvalidToolCall, place: int) -> JSONObject:
    try:
        arguments = msgspec.json.decode(arguments_text(call) or "{}", type=dict[str, JSON])
    except ValueError:
        raise ValueError("ollama's tool calls have arguments that are objects") from None
    function: JSONObject = {"index": place, "name": call.name, "arguments": arguments}
    return with_extra({"id": call.id, "function": function}, call.extra)


def _image(part: ImagePart | UnknownPart) -> JSON:
    if isinstance(part, UnknownPart):
        return part.extra.get("image")
    if part.data is None:
        raise ValueError("ollama's answers have images as bytes only")
    return base64_text(part.data)


def _end(message: Message) -> JSONObject:
    """What the last line says beside the message."""
    reason = message.raw_finish_reason
    if reason is None and message.finish_reason is not None:
        if message.finish_reason not in _REASONS:
            raise ValueError(
                f"ollama has no word for the finish reason {message.finish_reason.value!r}: give "
                "raw_finish_reason"
            )
        reason = _REASONS[message.finish_reason]
    usage = message.usage or Usage()
    counts: JSONObject = {}
    if message.usage is not None:
        counts = {"prompt_eval_count": usage.input_tokens, "eval_count": usage.output_tokens, **usage.extra}
    extra = {name: value for name, value in message.extra.items() if name != "logprobs"}
    logprobs = as_object(message.extra.get("logprobs")).get("content")
    if logprobs:
        extra["logprobs"] = logprobs
    return {**({} if reason is None else {"done_reason": reason}), **counts, **extra}
