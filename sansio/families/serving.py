"""A wire family from the server's side: requests in, answers out. What every family's half is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec import Struct, structs

from sansio.content import (
    FinishReason,
    InvalidToolCall,
    Message,
    Part,
    Role,
    TextPart,
    Tool,
    UnknownPart,
    Usage,
)
from sansio.errors import APIStatusError, APITimeoutError, InvalidRequestError, ProviderError, TransportError
from sansio.events import StreamComplete, StreamEvent, StreamFailed
from sansio.jsontext import JSON, JSONObject


class Lost(Struct, frozen=True):
    """Something that has no place in another form.

    Args:
        what: a kind of part, a field, or an option.
        why: the reason.
        message: which message of a request, counted from 0.
        part: which part of it.
        option: whether it is an option.
    """

    what: str
    why: str
    message: int | None = None
    part: int | None = None
    option: bool = False


class WireRequest(Struct, frozen=True, kw_only=True):
    """A request of a wire in this library's terms.

    Args:
        messages: the conversation.
        tools: in OpenAI's function format, or a provider's own.
        options: under portable names where there is one.
        model: as the request names it.
        stream: a stream is asked for.
        include_usage: a stream is to report its usage.
        lost: what has no place in these terms.
    """

    messages: list[Message]
    tools: list[Tool]
    options: dict[str, object]
    model: str | None
    stream: bool
    include_usage: bool = True
    lost: list[Lost] = []


class AnswerHead(Struct, frozen=True, kw_only=True):
    """What an answer says of itself before its first word.

    Args:
        model: the model that the client is to see.
        response_id: the answer's id.
        created: seconds since the epoch; a pure machine has no clock.
        include_usage: whether a stream reports its usage, where the wire leaves that to the request.
    """

    model: str = "unknown"
    response_id: str = "translated"
    created: int = 0
    include_usage: bool = True


class StreamWriter(ABC):
    """Writes one answer's events as a stream of its wire, each as soon as it can be said.

    Args:
        head: what the answer says of itself.
    """

    SAYS: ClassVar[frozenset[type[Part]]]
    """The parts that an answer may have on this wire."""
    FINISH_REASONS: ClassVar[dict[FinishReason, str]]
    """The wire's words. A reason without one is sent as an error: it would be taken for a success."""
    SENT_AS_CUT: ClassVar[str | None] = None
    """The word for an answer that is to go on (`pause`), where the wire has that of a cut one only."""

    def __init__(self, head: AnswerHead) -> None:
        self._head = head
        self._begun = False
        self.lost: list[Lost] = []
        """What the answer had and the wire has no place for; whole at the end."""

    def write(self, event: StreamEvent) -> bytes:
        """The bytes of one event; there may be none."""
        begin = b"" if self._begun else self._begin()
        self._begun = True
        match event:
            case StreamComplete(message=message):
                self.lost += self.lost_of(message)
                if (error := self.unsaid(message)) is not None:
                    return begin + self._fail(error)
                return begin + self._finish(message)
            case StreamFailed(error=error):
                return begin + self._fail(error)
            case _:
                return begin + self._delta(event)

    @abstractmethod
    def _begin(self) -> bytes:
        """What precedes the first event."""

    @abstractmethod
    def _delta(self, event: StreamEvent) -> bytes:
        """An event that is not the last one."""

    @abstractmethod
    def _finish(self, message: Message) -> bytes:
        """The end of a whole answer."""

    @abstractmethod
    def _fail(self, error: ProviderError) -> bytes:
        """The wire's own error, inside the stream."""

    @classmethod
    def unsaid(cls, message: Message) -> ProviderError | None:
        """The error to send for an answer that ended in a way that the wire has no word for."""
        reason = message.finish_reason
        if reason in cls.FINISH_REASONS:
            return None
        said = message.raw_finish_reason or "no reason"
        return ProviderError(f"the provider's answer ended with {said!r}, which is not a success")

    @classmethod
    def lost_of(cls, message: Message) -> list[Lost]:
        """What a message has and this wire has no place for."""
        lost: list[Lost] = []
        for number, part in enumerate(message.parts):
            if type(part) not in cls.SAYS:
                lost.append(Lost(type(part).__name__, "the wire has no place for it", part=number))
                continue
            if part.extra:
                lost.append(
                    Lost(f"extra: {', '.join(part.extra)}", "only its provider knows it", part=number)
                )
            if isinstance(part, InvalidToolCall) and not part.name:
                lost.append(Lost("InvalidToolCall", "it has no name", part=number))
            if isinstance(part, TextPart):
                lost += [structs.replace(each, part=number) for each in cls.lost_of_citations(part)]
        if message.extra:
            lost.append(Lost(f"extra: {', '.join(message.extra)}", "only its provider knows it"))
        usage = message.usage or Usage()
        if counts := [*usage.extra, *(("cost",) if usage.cost is not None else ())]:
            lost.append(Lost(f"usage: {', '.join(counts)}", "the wire has no such count"))
        if message.finish_reason is FinishReason.PAUSE and cls.SENT_AS_CUT and not message.tool_calls:
            why = f"sent as {cls.SENT_AS_CUT}: the answer is not finished"
            lost.append(Lost("finish_reason: pause", why))
        return lost

    @classmethod
    def lost_of_citations(cls, part: TextPart) -> list[Lost]:
        """What a text's citations have and this wire has no place for."""
        lost: list[Lost] = []
        if not all(citation.url is not None for citation in part.citations):
            lost.append(Lost("citations", "the wire cites addresses only"))
        if extra := dict.fromkeys(name for each in part.citations if each.url for name in each.extra):
            lost.append(Lost(f"citations: {', '.join(extra)}", "only its provider knows it"))
        return lost


class Serving(ABC):
    """A wire family's half for a server that speaks it."""

    @abstractmethod
    def read_request(self, body: JSONObject, same: bool) -> WireRequest:
        """A request in this library's terms.

        Args:
            body: its JSON.
            same: it goes to the same family, so that fields without a portable name stay as they are.

        Raises:
            InvalidRequestError: it is malformed.
        """

    @abstractmethod
    def writer(self, head: AnswerHead) -> StreamWriter:
        """A writer for one streamed answer."""

    @abstractmethod
    def whole(self, head: AnswerHead, message: Message) -> JSONObject:
        """A whole answer."""

    def lost_in_whole(self, message: Message) -> list[Lost]:
        """What a stream can say of an answer, and its whole form cannot."""
        return []

    @abstractmethod
    def error(self, status: int, error: ProviderError) -> JSONObject:
        """The body of an error status."""


def status_of(error: ProviderError) -> int:
    """The HTTP status that says what an error is."""
    match error:
        case APIStatusError() if error.status is not None:
            return error.status if error.status >= 400 else 502
        case InvalidRequestError():
            return 400
        case APITimeoutError():
            return 504
        case TransportError():
            return 502
        case _:
            return 500


_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
_TYPES = {429: "requests"}


def openai_error(
    status: int, message: str, error_type: str | None, param: str | None, code: str | None
) -> JSONObject:
    """An error in OpenAI's form, with its usual type and code for the status (OpenAI, "Error codes").

    Its chat completions and its Responses share it.
    """
    usual = "server_error" if status >= 500 else "invalid_request_error"
    inner: JSONObject = {
        "message": message,
        "type": error_type or _TYPES.get(status, usual),
        "param": param,
        "code": code or _CODES.get(status),
    }
    return {"error": inner}


def words_of(error: ProviderError) -> str:
    """An error's message for the client."""
    return error.provider_message or error.message


def as_openai_error(status: int, error: ProviderError) -> JSONObject:
    """An error in OpenAI's form, as far as it says its type and code itself."""
    return openai_error(status, words_of(error), error.error_type, error.param, error.code)


def openai_ending(words: Mapping[FinishReason, str], message: Message) -> str:
    """OpenAI's word for how an answer ended. One that is a refusal has stopped, and calls can be answered.

    A call that was cut keeps a word for an answer that broke off: blank arguments show it by nothing else.
    Chat completions and Responses share the rules.

    Args:
        words: `StreamWriter.FINISH_REASONS`.
    """
    reason = message.finish_reason or FinishReason.STOP
    if reason is FinishReason.REFUSAL and message.refusal and not message.invalid_tool_calls:
        reason = FinishReason.STOP
    elif reason is FinishReason.PAUSE and message.tool_calls:
        reason = FinishReason.TOOL_CALLS
    return words[reason]


def objects_in(value: JSON) -> list[JSONObject]:
    """The objects of a list, such as a request's tools; none if it is not a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def without_extra(messages: Sequence[Message], api: str, lost: list[Lost]) -> list[Message]:
    """A client's messages for another family: what only their own family knows is left out.

    An assistant's messages get an origin, so that `port` treats them like the answers that they are.

    Args:
        api: the family that they are from.
        lost: receives what is left out.

    Raises:
        InvalidRequestError: a part is of a kind that only their own family knows.
    """
    cleaned: list[Message] = []
    for index, message in enumerate(messages):
        if message.role is Role.ASSISTANT:
            cleaned.append(structs.replace(message, origin=f"client/{api}"))
            continue
        parts: list[Part] = []
        for number, part in enumerate(message.parts):
            if isinstance(part, UnknownPart):
                raise InvalidRequestError(
                    f"message {index}, part {number}: a part of the type {part.kind!r} is known to {api} "
                    "only; leave it out, or write it as text",
                    index=index,
                )
            if part.extra:
                lost.append(
                    Lost(f"extra: {', '.join(part.extra)}", f"it is known to {api} only", index, number)
                )
            parts.append(structs.replace(part, extra={}))
        if message.extra:
            lost.append(Lost(f"extra: {', '.join(message.extra)}", f"it is known to {api} only", index))
        cleaned.append(structs.replace(message, content=tuple(parts), extra={}))
    return cleaned
