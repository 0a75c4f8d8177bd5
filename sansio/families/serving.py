"""What every wire family needs on a server's side: reading requests and writing answers."""

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
    """Something in a request or an answer that another wire family cannot express.

    Args:
        what: the kind of part, the field, or the option.
        why: the reason.
        message: the index of the message in a request, from 0; `None` if it is not about a message.
        part: the index of the part in its message, from 0; `None` if it is not about a part.
        option: whether `what` names an option.
    """

    what: str
    why: str
    message: int | None = None
    part: int | None = None
    option: bool = False


class WireRequest(Struct, frozen=True, kw_only=True):
    """A client's request, converted to messages, tools and options of this library.

    Args:
        messages: the conversation.
        tools: tools in OpenAI's function format, or a provider's own tools.
        options: the options, under their portable names if they have one.
        model: the model that the request names; `None` if it names none.
        stream: whether the client asks for a stream.
        include_usage: whether a stream must report its usage.
        lost: everything that cannot be converted.
    """

    messages: list[Message]
    tools: list[Tool]
    options: dict[str, object]
    model: str | None
    stream: bool
    include_usage: bool = True
    lost: list[Lost] = []


class AnswerHead(Struct, frozen=True, kw_only=True):
    """The facts about an answer that are sent before its content.

    Args:
        model: the name of the model that the client sees.
        response_id: the answer's id.
        created: the time of the answer, in seconds since the epoch. Pass it, since this code has no clock.
        include_usage: whether a stream reports its usage, if the API lets the request decide that.
    """

    model: str = "unknown"
    response_id: str = "translated"
    created: int = 0
    include_usage: bool = True


class StreamWriter(ABC):
    """Writes the events of one answer as a stream of a wire family, each as early as possible.

    Args:
        head: the facts about the answer that are sent before its content.
    """

    SAYS: ClassVar[frozenset[type[Part]]]
    """The kinds of parts that an answer may have in this API."""
    FINISH_REASONS: ClassVar[dict[FinishReason, str]]
    """The API's word for each finish reason. A reason without a word is sent as an error, so that the client
    does not take the answer for a success."""
    SENT_AS_CUT: ClassVar[str | None] = None
    """The word for an answer that should be continued (`pause`), if that is the word for a cut answer."""

    def __init__(self, head: AnswerHead) -> None:
        self._head = head
        self._begun = False
        self.lost: list[Lost] = []
        """What the answer had and the API cannot express; complete when the answer has ended."""

    def write(self, event: StreamEvent) -> bytes:
        """The bytes for one event, possibly none.

        Args:
            event: the next event of the answer.
        """
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
        """The bytes before the first event."""

    @abstractmethod
    def _delta(self, event: StreamEvent) -> bytes:
        """The bytes for an event that is not the last one."""

    @abstractmethod
    def _finish(self, message: Message) -> bytes:
        """The bytes that end a complete answer."""

    @abstractmethod
    def _fail(self, error: ProviderError) -> bytes:
        """The bytes for an error inside the stream, in the API's own form."""

    @classmethod
    def unsaid(cls, message: Message) -> ProviderError | None:
        """The error to send for an answer whose finish reason has no word in this API; `None` if it has one.

        Args:
            message: the answer.
        """
        reason = message.finish_reason
        if reason in cls.FINISH_REASONS:
            return None
        said = message.raw_finish_reason or "no reason"
        return ProviderError(f"the provider's answer ended with {said!r}, which is not a success")

    @classmethod
    def lost_of(cls, message: Message) -> list[Lost]:
        """What an answer has and this API cannot express.

        Args:
            message: the answer.
        """
        lost: list[Lost] = []
        for number, part in enumerate(message.parts):
            if type(part) not in cls.SAYS:
                lost.append(Lost(type(part).__name__, "this API has no place for it", part=number))
                continue
            if part.extra:
                lost.append(
                    Lost(f"extra: {', '.join(part.extra)}", "only its provider understands it", part=number)
                )
            if isinstance(part, InvalidToolCall) and not part.name:
                lost.append(Lost("InvalidToolCall", "it has no name", part=number))
            if isinstance(part, TextPart):
                lost += [structs.replace(each, part=number) for each in cls.lost_of_citations(part)]
        if message.extra:
            lost.append(Lost(f"extra: {', '.join(message.extra)}", "only its provider understands it"))
        usage = message.usage or Usage()
        if counts := [*usage.extra, *(("cost",) if usage.cost is not None else ())]:
            lost.append(Lost(f"usage: {', '.join(counts)}", "this API has no field for it"))
        if message.finish_reason is FinishReason.PAUSE and cls.SENT_AS_CUT and not message.tool_calls:
            why = f"sent as {cls.SENT_AS_CUT}, because the answer is not finished"
            lost.append(Lost("finish_reason: pause", why))
        return lost

    @classmethod
    def lost_of_citations(cls, part: TextPart) -> list[Lost]:
        """What a text's citations have and this API cannot express.

        Args:
            part: the text.
        """
        lost: list[Lost] = []
        if not all(citation.url is not None for citation in part.citations):
            lost.append(Lost("citations", "this API has only citations of URLs"))
        if extra := dict.fromkeys(name for each in part.citations if each.url for name in each.extra):
            lost.append(Lost(f"citations: {', '.join(extra)}", "only its provider understands it"))
        return lost


class Serving(ABC):
    """Reads the requests and writes the answers of one wire family, for a server that speaks it."""

    @abstractmethod
    def read_request(self, body: JSONObject, same: bool) -> WireRequest:
        """Convert a request to messages, tools and options of this library.

        Args:
            body: the request's JSON.
            same: whether the provider speaks the same family, so that fields without a portable name can stay
                as they are.

        Raises:
            InvalidRequestError: the request is malformed.
        """

    @abstractmethod
    def writer(self, head: AnswerHead) -> StreamWriter:
        """Make a writer for one streamed answer.

        Args:
            head: the facts about the answer that are sent before its content.
        """

    @abstractmethod
    def whole(self, head: AnswerHead, message: Message) -> JSONObject:
        """The body of an answer that is not streamed.

        Args:
            head: the facts about the answer besides its content.
            message: the answer.
        """

    def lost_in_whole(self, message: Message) -> list[Lost]:
        """What a stream of this API can express of an answer, and a whole body cannot.

        Args:
            message: the answer.
        """
        return []

    @abstractmethod
    def error(self, status: int, error: ProviderError) -> JSONObject:
        """The body of a response with an error status.

        Args:
            status: the HTTP status.
            error: the error.
        """


def status_of(error: ProviderError) -> int:
    """The HTTP status that fits an error."""
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
    """An error in OpenAI's form, with the usual type and code for its status (OpenAI, "Error codes").

    Chat completions and Responses share this form.
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
    """An error in OpenAI's form, with its own type and code if it has them."""
    return openai_error(status, words_of(error), error.error_type, error.param, error.code)


def openai_ending(words: Mapping[FinishReason, str], message: Message) -> str:
    """OpenAI's word for how an answer ended. Chat completions and Responses share these rules.

    A refusal has the word for an answer that stopped normally, unless the answer has a call that was cut: the
    client sees only by the finish reason that a call with blank arguments was cut. A pause with tool calls
    has the word for tool calls, since the client can answer them.

    Args:
        words: `StreamWriter.FINISH_REASONS`.
        message: the answer.
    """
    reason = message.finish_reason or FinishReason.STOP
    if reason is FinishReason.REFUSAL and message.refusal and not message.invalid_tool_calls:
        reason = FinishReason.STOP
    elif reason is FinishReason.PAUSE and message.tool_calls:
        reason = FinishReason.TOOL_CALLS
    return words[reason]


def objects_in(value: JSON) -> list[JSONObject]:
    """The objects in a list, such as a request's tools; an empty list if the value is not a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def without_extra(messages: Sequence[Message], api: str, lost: list[Lost]) -> list[Message]:
    """A client's messages for another family, without what only the client's family knows.

    Assistant messages get an origin, so that `port` treats them as answers.

    Args:
        messages: the client's messages.
        api: the client's family.
        lost: receives what is left out.

    Raises:
        InvalidRequestError: a part is of a kind that only the client's family knows.
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
                    f"message {index}, part {number}: only {api} knows parts of the type {part.kind!r}; "
                    "leave it out, or write it as text",
                    index=index,
                )
            if part.extra:
                lost.append(Lost(f"extra: {', '.join(part.extra)}", f"only {api} knows it", index, number))
            parts.append(structs.replace(part, extra={}))
        if message.extra:
            lost.append(Lost(f"extra: {', '.join(message.extra)}", f"only {api} knows it", index))
        cleaned.append(structs.replace(message, content=tuple(parts), extra={}))
    return cleaned
