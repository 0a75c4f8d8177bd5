"""What every wire family is: a request body out, an answer in, and its errors, for one provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from typing import ClassVar, Self, TypeVar

import msgspec

from sansio import jsontext
from sansio.answers import Answer
from sansio.config import ProviderConfig
from sansio.content import (
    AudioPart,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    Tool,
    ToolCall,
)
from sansio.credentials import Credentials, Key
from sansio.defaults import AuthMethod
from sansio.endpoints import Embeddings, Endpoint, ModelInfo
from sansio.errors import (
    APIStatusError,
    ConfigError,
    InvalidRequestError,
    ProviderError,
    RemoteProtocolError,
    status_error_kind,
)
from sansio.events import StreamEvent
from sansio.families.faults import flat_error
from sansio.families.fields import clash
from sansio.framing.base import Framer
from sansio.framing.ndjson import NDJSONFramer
from sansio.framing.sse import SSEFramer
from sansio.http.messages import Headers, Request, header
from sansio.http.syntax import is_header_value
from sansio.jsontext import JSON, JSONObject
from sansio.limits import DEFAULT_LIMITS, Limits
from sansio.options import Option
from sansio.response import find_request_id
from sansio.retry import parse_retry_after

_T = TypeVar("_T")

_OBJECTS = msgspec.json.Decoder(list[JSONObject])

_EXCERPT = 500
"""How many characters of an error body that is not JSON an error message quotes."""


_REMEDIES: dict[type[Part], str] = {
    ImagePart: "put it into a user's message",
    DocumentPart: "put it into a user's message, or give its text as a TextPart",
    AudioPart: "give what is said as a TextPart",
    RefusalPart: "leave it out, or give its words as a TextPart",
    ReasoningPart: "leave it out, or append the answer that it is from, unchanged",
    ServerToolPart: "leave it out, or give what the tool found as a TextPart",
    ToolCall: "put it into an assistant's message",
    InvalidToolCall: "put it into an assistant's message",
}
"""What to do about a part that has no place where it is."""


class AnswerReader(ABC):
    """The state of one answer: frames of the wire in, `StreamEvent`s out.

    A subclass reads its family's frames and adds what they hold to `self._answer`.

    Args:
        dialect: for its limits, and its words for finish reasons and errors.
    """

    progress: int = 0
    """How many frames meant something; pings and blank ones do not."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._max_depth = dialect.limits.max_json_depth
        # Each level of nesting takes two bytes, so a shorter JSON text cannot nest too deep.
        self._shallow = 2 * self._max_depth
        self._answer = Answer(dialect.limits, dialect.output_tool)

    @abstractmethod
    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        """Read one frame.

        Args:
            data: the frame's payload; nothing about it has been checked.
            events: receives what the frame gives.
            name: the frame's own name, if the framing has names and they say more than the payload.

        Returns:
            True at the family's end marker: `message()` is then the whole answer.

        Raises:
            ProviderError: the frame is malformed, or is an error. What it gave before stays in `events`.
        """

    @abstractmethod
    def receive_whole(self, data: JSONObject) -> None:
        """Read a whole answer, which was not streamed.

        Raises:
            RemoteProtocolError: it is malformed.
        """

    def receive_eof(self, events: list[StreamEvent]) -> bool:
        """Handle the end of the body. Returns True if a finish reason was seen: the answer is then whole.

        Raises:
            ProviderError: what is still open is malformed. What it gave before stays in `events`.
        """
        if not self._answer.raw_finish_reason:
            return False
        self._flush(events)
        return True

    def resume(self, request: Request) -> Request | None:
        """Ask for the rest of the answer: its stream was cut, and another one may go on with it.

        The frames of that stream are passed to `receive` like those of the first. What was read before is
        not read again, wherever that stream begins. A rest that belongs to another answer, or has a gap, is
        a `RemoteProtocolError`: the answer is never mixed.

        Args:
            request: the answer's own, without a key.

        Returns:
            The request for the rest, which is signed like the other. The same one as the last time if
            nothing was read since then. `None` if the server cannot go on with this answer: the default.
        """
        return None

    def _flush(self, events: list[StreamEvent]) -> None:
        """End what is open: nothing more arrives. A family whose parts arrive in pieces ends those too."""
        self._answer.end(events)
        self._answer.calls.flush(events)

    def fold(self) -> None:
        """Join the small pieces of a long answer. Called now and then, so that its memory stays small."""
        self._answer.fold()

    def _settle(self) -> None:  # noqa: B027, a family whose frames all count at once needs none
        """Read what counts at the end only, such as the last of many token counts."""

    def message(self) -> Message:
        """The whole answer."""
        self._settle()
        dialect = self._dialect
        return self._answer.message(dialect.finish_reason(self._answer.raw_finish_reason), dialect.origin)

    def partial(self) -> Message:
        """The answer so far, when the stream broke off: none of its tool calls counts as complete.

        What is open is kept as it is. It gives no events, which would say that it is whole.
        """
        with suppress(ProviderError):  # what is open may be cut where its family refuses it
            self._flush([])
        self._settle()
        return self._answer.partial(self._dialect.origin)


class Dialect(ABC):
    """One provider type speaking one wire family: a (type, api) pair. Holds no state between calls.

    A new provider subclasses a family's dialect, or this, and is registered with `register_provider`.

    Args:
        config: the provider. Not needed to read answers.
        limits: how much an answer may cost; the config's, if there is one.
    """

    TYPE: ClassVar[str] = ""
    """The provider type that this is registered as."""
    API: ClassVar[str] = ""
    """The wire family's name, such as `"chat"`."""
    ORIGINS: ClassVar[frozenset[str]] = frozenset()
    """Other origins whose `extra`s this endpoint accepts."""
    REASONING_ORIGINS: ClassVar[frozenset[str]] = frozenset()
    """Other origins whose reasoning this endpoint accepts as it is, since their signatures are valid here."""
    SENDS: ClassVar[frozenset[type[Part]]] = frozenset((TextPart, ToolCall, InvalidToolCall))
    """The parts that an assistant's message may have here, whatever gave it. Others are left out of answers
    of another origin, and reported (`port`)."""
    SENDS_EMPTY: ClassVar[bool] = True
    """Whether an assistant's message may be empty. If not, an empty answer is left out and reported."""
    SENDS_CITATIONS: ClassVar[bool] = False
    """Whether citations go back with the text that has them. If not, they are left out and reported."""
    SENDS_DETAIL: ClassVar[bool] = False
    """Whether a request says in which detail an image is to be seen."""
    SENDS_TOOL_ERRORS: ClassVar[bool] = False
    """Whether a tool's message can say that the tool failed (`is_error`)."""
    OPTIONS: ClassVar[Mapping[str, Option]] = {}
    """The options that a call may have."""
    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = {}
    """The provider's error types and codes, as the HTTP status that they amount to."""
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {}
    """The provider's finish reasons in the library's words."""
    FLAT_ERRORS: ClassVar[bool] = False
    """Whether an object in a 200 may be an error in the form of a gateway (`flat_error`)."""
    EVENT_NAMES: ClassVar[bool] = False
    """Whether the name of a server-sent event says what its data may not: `SSEFramer`'s `names`."""
    output_tool: str = ""
    """The tool whose call is the answer's text, in a call made by `with_output_tool`; else empty."""

    def __init__(self, config: ProviderConfig | None = None, limits: Limits = DEFAULT_LIMITS) -> None:
        self._config = config
        self.limits = limits if config is None else config.limits

    @property
    def config(self) -> ProviderConfig:
        """The provider's configuration.

        Raises:
            ConfigError: the dialect was made without one, to read answers only.
        """
        if self._config is None:
            raise ConfigError(f"{self.origin}: building a request needs a ProviderConfig")
        return self._config

    @property
    def origin(self) -> str:
        """Provider type and api, such as `"anthropic/messages"`: what a message's `origin` says."""
        return f"{self.TYPE}/{self.API}"

    def with_model(self, model: str) -> Self:
        """The same dialect for another model, which then is in address, body and errors alike."""
        return type(self)(self.config.replace(model=model))

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """The same dialect for a call with more request headers: itself, unless one decides about the body.

        Args:
            headers: the call's `extra_headers`, checked.
        """
        return self

    def with_output_tool(self, name: str) -> Self:
        """The same dialect for one call, whose answer's text is the call of a tool.

        Args:
            name: the tool. Its calls are in no event and no message: their arguments are text.
        """
        other = copy(self)
        other.output_tool = name
        return other

    def options(self) -> Mapping[str, Option]:
        """The options that a call may have with this config: `OPTIONS`, or a narrower form of them."""
        return self.OPTIONS

    def takes_schema(self) -> bool:
        """Whether `response_format` may be a JSON schema here. If not, it is sent as a forced tool."""
        return True

    def refuses(self, part: Part) -> str | None:
        """Why this endpoint would refuse a part of an answer, which is then left out; else `None`."""
        return None

    def misplaced(self, parts: Sequence[Part]) -> Mapping[int, str]:
        """Parts of an answer that this endpoint would refuse where they are: `port` leaves them out.

        Args:
            parts: those that are left of the answer, in order.

        Returns:
            The reason, by the part's place.
        """
        return {}

    def write_parts(
        self, message: Message, index: int, write: Callable[[Part], JSONObject | None]
    ) -> list[JSONObject]:
        """The parts of one message of a request as the wire has them.

        Args:
            message: the message.
            index: its place in the conversation.
            write: one part's block of the wire; `None` if the wire has no place for it.

        Raises:
            InvalidRequestError: `write` gave `None`. It names the part.
        """
        blocks: list[JSONObject] = []
        for number, part in enumerate(message.parts):
            if (block := write(part)) is None:
                raise self.cannot_send(part, index, number)
            blocks.append(block)
        return blocks

    def cannot_send(self, part: Part, index: int, number: int, what: str = "") -> InvalidRequestError:
        """The error for a part of a request that the wire has no place for.

        Args:
            part: the part.
            index: its message's place in the conversation.
            number: its own place in the message.
            what: what about it is refused, and what to do, such as `"of image/bmp; use image/png"`. Without
                it, the error advises to give a file's data in place of its address or id.
        """
        if not what and isinstance(part, (ImagePart, AudioPart, DocumentPart)) and (part.url or part.file_id):
            what = f"by {'url' if part.url else 'file_id'} here; give its data instead"
        what = what or "here"
        if what == "here" and (remedy := _REMEDIES.get(type(part))) is not None:
            what = f"here; {remedy}"
        return InvalidRequestError(
            f"message {index}, part {number}: {self.origin} takes no {type(part).__name__} {what}",
            index=index,
        )

    @staticmethod
    def check_extra(
        typed: Mapping[str, object] | None, extra: JSONObject, index: int, number: int | None = None
    ) -> None:
        """Refuse an `extra` of the application's that would replace what typed fields say.

        Args:
            typed: the wire object without the `extra`; `None` if the wire has no place for it.
            extra: of the message, or of a part of it.
            index: the message's place in the conversation.
            number: the part's place in the message; `None` for the message's own `extra`.

        Raises:
            InvalidRequestError: it names the field.
        """
        if not extra or (name := clash(typed or {}, extra)) is None:
            return
        where = "" if number is None else f", part {number}"
        raise InvalidRequestError(
            f"message {index}{where}: {name} is in its extra, and would replace what a typed field says; "
            "set the typed field, and leave it out of extra",
            index=index,
        )

    def takes_strict(self) -> bool:
        """Whether a function may have `strict`, and its parameters `$schema`. If not, `port_tools` removes
        them."""
        return True

    def takes_call_id(self, call_id: str) -> bool:
        """Whether a tool call may have such an id here. If not, `port` replaces it, in its result too."""
        return True

    def takes_call_kind(self, kind: str) -> bool:
        """Whether a tool call may be of such a kind here. If not, `port` makes it a function's call.

        Args:
            kind: as in `ToolCall`.
        """
        return kind == "function"

    def takes_tool_error(self, kind: str) -> bool:
        """Whether the result of a call of such a kind can say that the tool failed, where some kinds can.

        Args:
            kind: as in `ToolCall`.
        """
        return self.SENDS_TOOL_ERRORS

    def continues(self, options: Mapping[str, object]) -> bool:
        """Whether a call's messages go on with a conversation that the server has.

        They may then begin with the results of calls that are in it.

        Args:
            options: the call's, before they are checked.
        """
        return False

    @abstractmethod
    def build_endpoint(self, stream: bool = False) -> str:
        """The absolute URL to post to."""

    def build_headers(self) -> dict[str, str]:
        """Headers beside those that frame the request and sign it."""
        return dict(self.config.extra_headers)

    @abstractmethod
    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        """The request's JSON body.

        Args:
            messages: a conversation that has been checked and ported to this dialect.
            tools: in OpenAI's function format.
            stream: ask for a stream.
            **options: the call's options, which `OPTIONS` knows.

        Raises:
            InvalidRequestError: this provider cannot be asked that.
        """

    @abstractmethod
    def open_stream(self) -> AnswerReader:
        """A reader for one answer."""

    def count_tokens(self, body: JSONObject) -> Endpoint[int]:
        """How many tokens a request has, counted by the provider.

        Args:
            body: the request's body, as `build_request_body` makes it for a whole answer.

        Raises:
            InvalidRequestError: the provider counts no tokens.
        """
        raise self.has_no("count_tokens", "anthropic")

    def list_models(self) -> Endpoint[tuple[ModelInfo, ...]]:
        """The provider's models.

        Raises:
            InvalidRequestError: the provider lists none.
        """
        raise self.has_no("list_models", "openai")

    def embed(self, texts: Sequence[str], dimensions: int | None = None) -> Endpoint[Embeddings]:
        """Texts as vectors.

        Args:
            texts: at least one.
            dimensions: the length of the vectors, where the model can shorten them.

        Raises:
            InvalidRequestError: the provider has no embeddings.
        """
        raise self.has_no("embed", "openai")

    def has_no(self, method: str, other: str) -> InvalidRequestError:
        """The error for a method of `Provider` that this type and api have no endpoint for.

        Args:
            method: its name.
            other: a provider type that has one.
        """
        return InvalidRequestError(
            f"{method}: {self.origin} has no endpoint for it; ask a provider of another type, such as {other}"
        )

    def parse_response(self, data: JSONObject) -> Message:
        """The answer in a whole response that is not an error (`error_in`).

        Raises:
            RemoteProtocolError: the response is malformed.
        """
        reader = self.open_stream()
        reader.receive_whole(data)
        return reader.message()

    def framer(self, content_type: str) -> Framer:
        """The framing of a streamed answer.

        Args:
            content_type: the response's media type in lower case, without parameters.
        """
        if content_type in ("application/x-ndjson", "application/jsonl", "application/x-jsonl"):
            return NDJSONFramer(self.limits.max_event_bytes)
        return SSEFramer(self.limits.max_event_bytes, names=self.EVENT_NAMES)

    def authorize(self, request: Request, key: Key | None, *, now: float = 0.0) -> Request:
        """Sign a request: the one place where a key enters. By default with the header of the auth method.

        Args:
            key: unchanged; `None` if the auth method is `none`.
            now: wall-clock seconds since the epoch, for signatures that hold the time.

        Raises:
            ConfigError: a key is needed and there is none, or it cannot be sent in a header.
        """
        method = self.config.auth_method
        name = method.header
        if name is None:
            return request
        try:
            value = self.usable_key(key)
        finally:
            del key  # a traceback that shows locals must not show it
        if method is AuthMethod.BEARER:
            value = f"Bearer {value}"
        return msgspec.structs.replace(request, headers=(*request.headers, (name, value)))

    @staticmethod
    def usable_key(key: Key | None) -> str:
        """The key, checked: for dialects that send it in their own header, or sign with it.

        Raises:
            ConfigError: there is none, or no header can hold it; or it is AWS credentials.
        """
        if not key:
            raise ConfigError("there is no API key", field="api_key_env")
        if isinstance(key, Credentials):
            del key  # a traceback that shows locals must not show it
            raise ConfigError("AWS credentials are for AWS only; this provider takes a key", field="api_key")
        usable = is_header_value(key)
        if not usable:
            del key  # a traceback that shows locals must not show it
            raise ConfigError("the API key has characters that no header can hold", field="api_key_env")
        return key

    def parse_error(self, status: int, headers: Headers, body: str) -> APIStatusError:
        """The error that a response with an error status means.

        Args:
            body: as much of it as was read.
        """
        data = _error_record(body, self.limits.max_json_depth)
        error = self.error_in(data, status) or _plain_error(status, body)
        advice = header(headers, "x-should-retry")
        asked = parse_retry_after(headers)
        return error.with_context(
            request_id=self.request_id(headers) or error.request_id,
            retry_after=error.retry_after if asked is None else asked,
            should_retry={"true": True, "false": False}.get(advice or ""),
        )

    def error_in(self, data: JSON, status: int = 200) -> APIStatusError | None:
        """The error that a JSON value is, or `None` if it is not an error.

        Knows `{"error": {...}}` and `{"error": "text"}`, a list that begins with such an object, and the
        forms of gateways (`flat_error`). Inside a 200, the error's own type and code say which status it
        amounts to.

        Args:
            data: a decoded body or frame. What is neither an object nor a list of them is no error.
            status: the response's.
        """
        if isinstance(data, list) and data:
            data = data[0]
        if not isinstance(data, dict):
            return None
        error = data.get("error")
        if isinstance(error, str):
            # An empty text reports no error; xAI puts the code beside the text.
            error = {"message": error, "code": data.get("code")}
        found = error if isinstance(error, dict) else None
        if found is None and (status >= 400 or self.FLAT_ERRORS):
            found = flat_error(data)
        return None if found is None else self.build_error(found, status, data)

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> APIStatusError:
        """An error from the provider's own error object and the body that holds it."""
        code = error.get("code")
        name = _text(error.get("type")) or (code if isinstance(code, str) else None)
        where = f"HTTP {status}"
        if status < 300:
            status = self._implied_status(error) or status
            where = (
                f"an error inside the answer, as HTTP {status}"
                if status >= 300
                else "an error inside the answer"
            )
        message = self.error_message(error) or "the provider gave no message"
        return status_error_kind(status)(
            f"{where}, {name}: {message}" if name else f"{where}: {message}",
            status=status,
            error_type=name,
            code=_text(code),
            param=_text(error.get("param")),
            provider_message=message,
            request_id=_text(data.get("request_id")),
        )

    def error_message(self, error: JSONObject) -> str | None:
        """The provider's own words in its error object."""
        return _text(error.get("message"))

    def _implied_status(self, error: JSONObject) -> int | None:
        for key in ("status_code", "code", "type"):
            value = error.get(key)
            if isinstance(value, str):
                value = int(value) if value.isascii() and value.isdecimal() and len(value) == 3 else value
            if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
                return value
            if isinstance(value, str) and value in self.STATUS_BY_ERROR:
                return self.STATUS_BY_ERROR[value]
        return None

    def finish_reason(self, said: str | None) -> FinishReason | None:
        """The finish reason in the library's words; `None` if the provider gave none."""
        return self.FINISH_REASONS.get(said, FinishReason.OTHER) if said else None

    def request_id(self, headers: Headers) -> str | None:
        """The provider's name for the request, to quote to its support."""
        return find_request_id(headers)


def _error_record(body: str, max_depth: int) -> JSONObject:
    """The object of an error body; Google's servers put it into a list."""
    if body.lstrip().startswith("["):
        try:
            listed = jsontext.decode(body, _OBJECTS, max_depth)
        except RemoteProtocolError:
            listed = []
        if listed:
            return listed[0]
    return jsontext.as_record(body, max_depth)


def _text(value: JSON) -> str | None:
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) else None


def _plain_error(status: int, body: str) -> APIStatusError:
    excerpt = " ".join(body[: 4 * _EXCERPT].split())[:_EXCERPT]
    said = f": {excerpt}" if excerpt else " with an empty body"
    return status_error_kind(status)(f"HTTP {status}{said}", status=status, provider_message=excerpt or None)
