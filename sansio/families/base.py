"""The base classes of every wire family: they write request bodies, and read answers and errors."""

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
    Citation,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
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
from sansio.framing.sse import SSEFramer, is_event_stream
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
"""What to do about a part that may not be in its message."""


class AnswerReader(ABC):
    """The state of one answer: frames of the wire in, `StreamEvent`s out.

    A subclass reads its family's frames and adds what they hold to `self._answer`, an `Answer`. It finds its
    dialect as `self._dialect`, and how deep JSON may nest as `self._max_depth`.

    Args:
        dialect: has the limits, and the provider's words for finish reasons and errors.
    """

    progress: int = 0
    """How many frames with content were read; pings and blank frames do not count."""
    ENDS_WITH_BODY: ClassVar[bool] = False
    """Whether more of the answer may follow its finish reason, so that only the end of the body ends it. A
    body that ends inside a frame is then truncated, also after a finish reason.

    Default: False. A finish reason is then the last content, and what follows it, such as counts, may be
    cut."""

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
            data: the frame's payload, unchecked.
            events: the frame's events are added to it.
            name: the frame's own name, if the framing has names and they say more than the payload.

        Returns:
            True at the family's end marker: `message()` is then the whole answer.

        Raises:
            ProviderError: the frame is malformed, or is an error. Events before the fault stay in `events`.
        """

    @abstractmethod
    def receive_whole(self, data: JSONObject) -> None:
        """Read a whole answer, which was not streamed.

        Args:
            data: the decoded body, which is not an error.

        Raises:
            RemoteProtocolError: the body is malformed.
        """

    def receive_eof(self, events: list[StreamEvent]) -> bool:
        """Handle the end of the body.

        Args:
            events: the last events are added to it.

        Returns:
            Whether a finish reason was seen, so that the answer is complete.

        Raises:
            ProviderError: a part that was still open is malformed. Events before the fault stay in `events`.
        """
        if not self._answer.raw_finish_reason:
            return False
        self._flush(events)
        return True

    def resume(self, request: Request) -> Request | None:
        """Make the request for the rest of an answer whose stream was cut.

        The frames of the new stream are passed to `receive` like those of the first. Frames that were read
        before are skipped, wherever the new stream begins. A rest that belongs to another answer, or has a
        gap, raises a `RemoteProtocolError`: two answers are never mixed.

        Args:
            request: the request for the whole answer, without a key.

        Returns:
            The request for the rest, to be signed like the first one. If nothing was read since the last
            call, it is the same request again. `None`, the default, if the server cannot continue an answer.
        """
        return None

    def _flush(self, events: list[StreamEvent]) -> None:
        """End the open parts: nothing more arrives. A family with further open parts overrides it."""
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
        """The answer so far, after the stream broke off: none of its tool calls counts as complete.

        Open parts are kept as they are, without events, which would mean that they are complete.
        """
        with suppress(ProviderError):  # an open part may be cut at a place where its family refuses it
            self._flush([])
        self._settle()
        return self._answer.partial(self._dialect.origin)


class Dialect(ABC):
    """One provider type speaking one wire family: a (type, api) pair. Holds no state between calls.

    For a new provider, subclass a family's dialect or this class, and register it with `register_provider`.

    Args:
        config: the provider's config. Not needed to read answers.
        limits: how large an answer may be. Default: the limits of the config, if there is one.
    """

    TYPE: ClassVar[str] = ""
    """The provider type that this is registered as."""
    API: ClassVar[str] = ""
    """The wire family's name, such as `"chat"`."""
    FAMILY: ClassVar[str] = ""
    """The wire family whose messages and options this one shares, if that has another name: `translate` keeps
    what only that family knows."""
    ORIGINS: ClassVar[frozenset[str]] = frozenset()
    """Other origins whose `extra`s this endpoint accepts."""
    REASONING_ORIGINS: ClassVar[frozenset[str]] = frozenset()
    """Other origins whose reasoning this endpoint accepts unchanged: its signatures are valid here."""
    SENDS: ClassVar[frozenset[type[Part]]] = frozenset((TextPart, ToolCall, InvalidToolCall))
    """The parts that an assistant's message of any origin may have here. Other parts are left out of answers
    of another origin, and reported (`port`)."""
    SENDS_EMPTY: ClassVar[bool] = True
    """Whether an assistant's message may be empty. If not, an empty answer is left out and reported."""
    SENDS_CITATIONS: ClassVar[bool] = False
    """Whether citations are sent back with their text. If not, they are left out and reported."""
    CITATION_FIELDS: ClassVar[frozenset[str]] = frozenset(Citation.__struct_fields__)
    """The fields of a citation that are sent back with it. Others, but not `extra`, are left out and
    reported."""
    SENDS_DETAIL: ClassVar[bool] = False
    """Whether a request can have an image's `detail`."""
    SENDS_TOOL_ERRORS: ClassVar[bool] = False
    """Whether a tool's message can say that the tool failed (`is_error`)."""
    OPTIONS: ClassVar[Mapping[str, Option]] = {}
    """The options that a call may have."""
    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = {}
    """The HTTP status that each of the provider's error types and codes corresponds to."""
    KEY_ERRORS: ClassVar[Mapping[str, str]] = {}
    """The provider's error types and codes that are about a wrong key, though their status is not 401, each
    with what a person can do. Such an error is an `AuthenticationError`, with the status as sent."""
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {}
    """The provider's finish reasons in the library's words."""
    FLAT_ERRORS: ClassVar[bool] = False
    """Whether an object in a 200 may be an error in the form of a gateway (`flat_error`)."""
    EVENT_NAMES: ClassVar[bool] = False
    """Whether the name of a server-sent event may say more than its data; see `names` of `SSEFramer`."""
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
        """Provider type and api, such as `"anthropic/messages"`: the `origin` of its messages."""
        return f"{self.TYPE}/{self.API}"

    def with_model(self, model: str) -> Self:
        """The same dialect for another model, which is then used in the address, the body and errors.

        Args:
            model: the model's id.
        """
        return type(self)(self.config.replace(model=model))

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """The dialect for a call with further request headers: itself, unless a header changes the body.

        Args:
            headers: the call's `extra_headers`, checked.
        """
        return self

    def with_output_tool(self, name: str) -> Self:
        """The same dialect for one call, whose answer's text is the arguments of a tool call.

        Args:
            name: the tool's name. Its calls become text: no event and no message has them as tool calls.
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
        """The reason why this endpoint would refuse a part of an answer; `None` if it would not.

        Args:
            part: the part. With a reason, it is left out.
        """
        return None

    def unsent(self, part: Part, role: Role) -> Sequence[str]:
        """The fields of a part that this endpoint has no field for, though it takes the part.

        `port` leaves them out and reports them, in messages of any origin. Default: an answer's citations
        and an image's detail, unless they are sent (`SENDS_CITATIONS`, `SENDS_DETAIL`); and the transcript
        of audio that is sent.

        Args:
            part: the part.
            role: the role of its message.

        Returns:
            The names of fields, all of which may be `None` or are `citations`. Each may be empty in this
            part.
        """
        match part:
            case TextPart() if not self.SENDS_CITATIONS:
                return ("citations",)
            case ImagePart() if not self.SENDS_DETAIL:
                return ("detail",)
            case AudioPart() if (part.data, part.url, part.file_id) != (None, None, None):
                return ("transcript",)
            case _:
                return ()

    def unsent_extra(self, part: Part, role: Role) -> Sequence[str]:
        """The fields of a part's `extra` that this endpoint has no place for, though it takes the part.

        `port` leaves them out and reports them, in messages of any origin. Default: none.

        Args:
            part: the part, whose `extra` is not empty.
            role: the role of its message.
        """
        return ()

    def misplaced(self, parts: Sequence[Part]) -> Mapping[int, str]:
        """Parts of an answer that this endpoint would refuse where they are: `port` leaves them out.

        Args:
            parts: the remaining parts of the answer, in order.

        Returns:
            The reasons, by the parts' indexes.
        """
        return {}

    def write_parts(
        self, message: Message, index: int, write: Callable[[Part], JSONObject | None]
    ) -> list[JSONObject]:
        """Write the parts of one message in the wire's form.

        Args:
            message: the message.
            index: the index of the message in the conversation.
            write: writes one part; returns `None` if the wire has no form for it.

        Raises:
            InvalidRequestError: `write` returned `None`. The message names the part.
        """
        blocks: list[JSONObject] = []
        for number, part in enumerate(message.parts):
            if (block := write(part)) is None:
                raise self.cannot_send(part, index, number)
            blocks.append(block)
        return blocks

    def cannot_send(self, part: Part, index: int, number: int, what: str = "") -> InvalidRequestError:
        """Make the error for a part of a request that this endpoint does not accept.

        Args:
            part: the part.
            index: the index of its message in the conversation.
            number: the index of the part in the message.
            what: the reason and the remedy, such as `"of image/bmp; use image/png"`. If empty, the error
                advises to give a file's data in place of its address or id.
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
        """Refuse an `extra` of the application that would replace the value of a typed field.

        Args:
            typed: the wire object without the `extra`; `None` if the wire has none.
            extra: the `extra` of the message, or of a part of it.
            index: the index of the message in the conversation.
            number: the index of the part in the message; `None` for the message's own `extra`.

        Raises:
            InvalidRequestError: `extra` would replace a value. The message names the field.
        """
        if not extra or (name := clash(typed or {}, extra)) is None:
            return
        where = "" if number is None else f", part {number}"
        raise InvalidRequestError(
            f"message {index}{where}: {name} is in its extra, and would replace the value of a typed field; "
            "set the typed field, and leave it out of extra",
            index=index,
        )

    def takes_strict(self) -> bool:
        """Whether a function may have `strict`, and its parameters `$schema`. If not, `port_tools` removes
        them."""
        return True

    def takes_call_id(self, call_id: str) -> bool:
        """Whether a tool call may have an id here. If not, `port` replaces it, also in the call's result.

        Args:
            call_id: the id.
        """
        return True

    def takes_call_kind(self, kind: str) -> bool:
        """Whether a tool call may be of a kind here. If not, `port` makes it a function's call.

        Args:
            kind: as in `ToolCall`.
        """
        return kind == "function"

    def takes_tool_error(self, kind: str) -> bool:
        """Whether the result of a call of a kind can say that the tool failed, if `SENDS_TOOL_ERRORS`.

        Args:
            kind: as in `ToolCall`.
        """
        return self.SENDS_TOOL_ERRORS

    def continues(self, options: Mapping[str, object]) -> bool:
        """Whether a call's messages continue a conversation that the server has kept.

        They may then begin with the results of calls in that conversation.

        Args:
            options: the call's options, before they are checked.
        """
        return False

    @abstractmethod
    def build_endpoint(self, stream: bool = False) -> str:
        """The absolute URL to post to.

        Args:
            stream: whether the request asks for a stream.
        """

    def build_headers(self) -> dict[str, str]:
        """The request's headers, without those that frame the request and sign it."""
        return dict(self.config.extra_headers)

    @abstractmethod
    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        """The request's JSON body.

        Args:
            messages: a conversation that has been checked and ported to this dialect.
            tools: in OpenAI's function format.
            stream: whether to ask for a stream.
            **options: the call's options, all of them in `OPTIONS`.

        Raises:
            InvalidRequestError: the request is not valid for this provider.
        """

    def check_body(self, body: JSONObject) -> None:  # noqa: B027, most families check nothing here
        """Check a whole request, with the fields of `extra_body`.

        Args:
            body: the request's body. `extra_body` is not checked, so any field may have any value.

        Raises:
            InvalidRequestError: the provider would refuse the request.
        """

    @abstractmethod
    def open_stream(self) -> AnswerReader:
        """Make a reader for one answer, streamed or whole."""

    def count_tokens(self, body: JSONObject) -> Endpoint[int]:
        """The endpoint that counts a request's tokens.

        Args:
            body: the request's body, as `build_request_body` makes it for a whole answer.

        Raises:
            InvalidRequestError: the provider cannot count tokens.
        """
        raise self.has_no("count_tokens", "anthropic")

    def list_models(self) -> Endpoint[tuple[ModelInfo, ...]]:
        """The endpoint that lists the provider's models.

        Raises:
            InvalidRequestError: the provider has no such list.
        """
        raise self.has_no("list_models", "openai")

    def embed(self, texts: Sequence[str], dimensions: int | None = None) -> Endpoint[Embeddings]:
        """The endpoint that returns the embedding vectors of texts.

        Args:
            texts: at least one text.
            dimensions: the length of the vectors, if the model can shorten them.

        Raises:
            InvalidRequestError: the provider has no embeddings.
        """
        raise self.has_no("embed", "openai")

    def has_no(self, method: str, other: str) -> InvalidRequestError:
        """Make the error for a method of `Provider` for which this type and api have no endpoint.

        Args:
            method: the method's name.
            other: a provider type that has such an endpoint.
        """
        return InvalidRequestError(
            f"{method}: {self.origin} has no endpoint for it; ask a provider of another type, such as {other}"
        )

    def parse_response(self, data: JSONObject) -> Message:
        """Read the answer in a whole response.

        Args:
            data: the decoded body, which is not an error (`error_in`).

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

    def begins_stream(self, start: bytes) -> bool | None:
        """Whether a body is a stream, judged by its first bytes and not by its media type.

        True for server-sent events, and for other streams that a server may send under a wrong type.

        Args:
            start: the body so far.

        Returns:
            `None` if more bytes are needed to decide.
        """
        return is_event_stream(start)

    def authorize(self, request: Request, key: Key | None, *, now: float = 0.0) -> Request:
        """Sign a request, by default with the header of the auth method.

        Args:
            request: the request without its key.
            key: the key, sent unchanged; `None` if the auth method is `none`.
            now: wall-clock seconds since the epoch, for signatures that include the time.

        Raises:
            ConfigError: a key is needed but missing, or it cannot be sent in a header.
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
        """Check a key and return it, for dialects that send it in their own header, or sign with it.

        Args:
            key: the key, or `None`.

        Raises:
            ConfigError: there is no key, or no header can hold it; or it is AWS credentials.
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
        """The error for a response with an error status.

        Args:
            status: the HTTP status.
            headers: the response's headers.
            body: as much of the body as was read.
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
        """The error in a body or frame; `None` if it is not an error.

        Knows `{"error": {...}}` and `{"error": "text"}`, a list that begins with such an object, and the
        forms of gateways (`flat_error`). In a response with status 200, the error's own type and code
        determine the status that the exception has.

        Args:
            data: a decoded body or frame. Only an object or a list of objects can be an error.
            status: the status of the response.
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
        """Make an error from the provider's own error object.

        Args:
            error: the error object.
            status: the status of the response.
            data: the body or frame that holds the error object.
        """
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
        return self.as_key_error(
            status_error_kind(status)(
                f"{where}, {name}: {message}" if name else f"{where}: {message}",
                status=status,
                error_type=name,
                code=_text(code),
                param=_text(error.get("param")),
                provider_message=message,
                request_id=_text(data.get("request_id")),
            )
        )

    def as_key_error(self, error: APIStatusError) -> APIStatusError:
        """The error as an `AuthenticationError` if its type or code is one of `KEY_ERRORS`; else unchanged.

        Args:
            error: the error, with its type and code.
        """
        named = (name for name in (error.code, error.error_type) if name is not None)
        hint = next((self.KEY_ERRORS[name] for name in named if name in self.KEY_ERRORS), None)
        return error if hint is None else error.about_the_key(hint)

    def error_message(self, error: JSONObject) -> str | None:
        """The provider's own words in its error object; `None` if there are none.

        Args:
            error: the error object.
        """
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
        """The finish reason in the library's words; `None` if the provider gave none.

        Args:
            said: the provider's own word.
        """
        return self.FINISH_REASONS.get(said, FinishReason.OTHER) if said else None

    def request_id(self, headers: Headers) -> str | None:
        """The provider's name for the request, to quote to its support; `None` if there is none.

        Args:
            headers: the response's headers.
        """
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


def excerpt_of(text: str) -> str:
    """The beginning of an error's text that is not JSON, on one line."""
    return " ".join(text[: 4 * _EXCERPT].split())[:_EXCERPT]


def _plain_error(status: int, body: str) -> APIStatusError:
    excerpt = excerpt_of(body)
    said = f": {excerpt}" if excerpt else " with an empty body"
    return status_error_kind(status)(f"HTTP {status}{said}", status=status, provider_message=excerpt or None)
