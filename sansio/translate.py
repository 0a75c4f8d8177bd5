"""Translates requests, streams, whole answers and errors from one wire family to another.

A server may speak one family to its clients and ask a provider of another. It reads a request with
`read_request`, asks the provider, and writes the answer with an `AnswerTranslator` or `write_answer`, and
errors with `write_error`. If only bytes are at hand, `translate_request` and `StreamTranslator` do the same
in one step. Everything that cannot be translated is reported as `LeftOut`. All of it is pure, and reads with
the families' usual parsers.
"""

from __future__ import annotations

from importlib import import_module

import msgspec
from msgspec import Struct

from sansio import jsontext
from sansio.content import Message, Tool
from sansio.errors import ConfigError, InvalidRequestError, ProviderError, RemoteProtocolError
from sansio.events import StreamEvent
from sansio.families.base import Dialect
from sansio.families.serving import (
    AnswerHead,
    Lost,
    Serving,
    StreamWriter,
    WireRequest,
    status_of,
    without_extra,
)
from sansio.jsontext import JSONObject
from sansio.limits import DEFAULT_LIMITS, Limits
from sansio.options import PORTABLE
from sansio.parser import StreamParser
from sansio.porting import LeftOut
from sansio.provider import Prepared, Provider

__all__ = [
    "AnswerHead",
    "AnswerTranslator",
    "Asked",
    "Lost",
    "Serving",
    "StreamTranslator",
    "StreamWriter",
    "Translated",
    "WireRequest",
    "Written",
    "read_request",
    "register_serving",
    "serving_of",
    "translate_request",
    "write_answer",
    "write_error",
]

# By module and name, and loaded when asked for, as the families' other halves are.
_BUILT_IN: dict[str, tuple[str, str]] = {
    "chat": ("sansio.families.chat.serving", "ChatServing"),
    "messages": ("sansio.families.messages.serving", "MessagesServing"),
    "responses": ("sansio.families.responses.serving", "ResponsesServing"),
}
_REGISTERED: dict[str, Serving] = {}


def register_serving(api: str, serving: Serving) -> None:
    """Register a family's half for servers: translation then finds it by the family's name.

    Args:
        api: as in a dialect's `API`.
        serving: the half. Registering a name again replaces it, except for the built-in ones.

    Raises:
        ConfigError: the name is blank or built in.
    """
    if not api or "/" in api or api in _BUILT_IN:
        raise ConfigError(f"api: {api!r} cannot be registered; choose another name", field="api")
    _REGISTERED[api] = serving


def serving_of(api: str) -> Serving:
    """A family's half for servers.

    Args:
        api: the family's name, such as `"chat"`.

    Raises:
        ConfigError: the family has no half for servers.
    """
    if api in _REGISTERED:
        return _REGISTERED[api]
    if api not in _BUILT_IN:
        known = ", ".join((*_BUILT_IN, *_REGISTERED))
        raise ConfigError(f"api: there is no translation for {api!r}; use one of {known}", field="api")
    module, name = _BUILT_IN[api]
    made: Serving = getattr(import_module(module), name)()
    return made


class Asked(Struct, frozen=True):
    """A client's request, as a provider's call takes it.

    Args:
        messages: the conversation.
        tools: the tools.
        options: the options for the provider. Pass them as `provider.stream(..., unsupported="drop",
            options=asked.options)`.
        model: the model that the client names.
        stream: whether the client asks for a stream.
        include_usage: whether the stream is to report its usage.
        left_out: what was lost when the request was read. `Prepared.left_out` and `Call.left_out` have what
            is lost when it is sent.
    """

    messages: list[Message]
    tools: list[Tool]
    options: dict[str, object]
    model: str | None
    stream: bool
    include_usage: bool
    left_out: tuple[LeftOut, ...]

    def head(self, response_id: str, created: int = 0) -> AnswerHead:
        """What the answer to this request says about itself.

        Args:
            response_id: the answer's id.
            created: when it began, in seconds since the epoch.
        """
        return AnswerHead(
            model=self.model or "unknown",
            response_id=response_id,
            created=created,
            include_usage=self.include_usage,
        )


class Translated(Struct, frozen=True):
    """A request of another family.

    Args:
        asked: the client's request.
        prepared: the request for the provider, without its key. Its `left_out` has every loss.
    """

    asked: Asked
    prepared: Prepared


class Written(Struct, frozen=True):
    """The whole body of a response.

    Args:
        status: the HTTP status.
        body: the JSON, encoded.
        left_out: the parts of the answer that cannot be translated.
    """

    status: int
    body: bytes
    left_out: tuple[LeftOut, ...] = ()


def read_request(
    api: str, body: bytes | JSONObject, target: Provider, limits: Limits = DEFAULT_LIMITS
) -> Asked:
    """Read a client's request into this library's terms, so that the provider can be asked.

    Args:
        api: the family that the client speaks, such as `"chat"`.
        body: the request's body.
        target: the provider that is to answer.
        limits: how deep the JSON may nest.

    Returns:
        The request, and what was lost.

    Raises:
        InvalidRequestError: the request is malformed.
        ConfigError: there is no such family.
    """
    serving = serving_of(api)
    if isinstance(body, bytes):
        try:
            body = jsontext.decode_object(body.decode("utf-8", "replace"), limits.max_json_depth)
        except RemoteProtocolError as error:
            raise InvalidRequestError(f"the request's body: {error.message}") from None
    dialect = target.dialect
    same = api in (dialect.API, dialect.FAMILY)
    given: WireRequest = serving.read_request(body, same)
    lost = [*given.lost]
    messages = given.messages if same else without_extra(given.messages, api, lost)
    options: dict[str, object] = {}
    for name, value in given.options.items():
        if same or name in dialect.options() or name in PORTABLE:
            options[name] = value
        else:
            lost.append(Lost(name, f"{dialect.origin} has no such option", option=True))
    return Asked(
        messages=messages,
        tools=given.tools,
        options=options,
        model=given.model,
        stream=given.stream,
        include_usage=given.include_usage,
        left_out=_left_out(lost),
    )


def translate_request(
    api: str, body: bytes | JSONObject, target: Provider, *, model: str | None = None
) -> Translated:
    """Translate a client's request into one for the provider.

    Args:
        api: the family that the client speaks.
        body: the request's body.
        target: the provider that is to answer.
        model: the model to ask for. Default: the config's model, whatever the client names.

    Returns:
        The client's request, and the request for the provider.

    Raises:
        InvalidRequestError: the request is malformed, or the provider does not accept it.
        ConfigError: there is no such family.
    """
    asked = read_request(api, body, target)
    options = dict(asked.options) if model is None else {**asked.options, "model": model}
    prepared = target.prepare(
        asked.messages, asked.tools, stream=asked.stream, unsupported="drop", options=options
    )
    left_out = (*asked.left_out, *prepared.left_out)
    return Translated(asked, msgspec.structs.replace(prepared, left_out=left_out))


class AnswerTranslator:
    """Writes the events of one streamed answer as bytes of a family.

    Args:
        api: the family that the client speaks.
        head: what the answer says about itself, such as `asked.head("id-1")`.

    Example:
        >>> from sansio import ContentDelta
        >>> AnswerTranslator("messages", AnswerHead()).write(ContentDelta("Hi")).count(b"event: ")
        3
    """

    def __init__(self, api: str, head: AnswerHead) -> None:
        self._writer: StreamWriter = serving_of(api).writer(head)

    def write(self, event: StreamEvent) -> bytes:
        """The bytes of one event. `StreamComplete` gives the stream's end, `StreamFailed` its error."""
        return self._writer.write(event)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The parts of the answer that cannot be translated; complete after the last event."""
        return _left_out(self._writer.lost)


class StreamTranslator:
    """Translates the bytes of one family's stream into those of another's.

    Args:
        source: who answers: a provider type, a type and api, or a `Dialect`.
        api: the family that the client speaks.
        head: what the answer says about itself.
        content_type: the content type of the response, which selects the framing.

    Example:
        >>> translator = StreamTranslator("openai", "messages", AnswerHead())
        >>> chunk = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\\n\\n'
        >>> b'"text":"Hi"' in translator.receive_data(chunk)
        True
        >>> translator.receive_eof().endswith(b'data: {"type":"message_stop"}\\n\\n')
        True
    """

    def __init__(self, source: str | Dialect, api: str, head: AnswerHead, *, content_type: str = "") -> None:
        self._parser = StreamParser(source, content_type=content_type)
        self._answer = AnswerTranslator(api, head)

    def receive_data(self, data: bytes) -> bytes:
        """Translate the next bytes, cut anywhere."""
        return b"".join(map(self._answer.write, self._parser.receive_data(data)))

    def receive_eof(self) -> bytes:
        """Write the end of the stream. A stream that was cut ends in an error."""
        return b"".join(map(self._answer.write, self._parser.receive_eof()))

    @property
    def finished(self) -> bool:
        """Whether all of the answer has been given."""
        return self._parser.finished

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The parts of the answer that cannot be translated; complete once `finished` is True."""
        return self._answer.left_out


def write_answer(api: str, message: Message, head: AnswerHead) -> Written:
    """Write a whole answer in a family's form; an error if that family has no word for how it ended.

    Args:
        api: the family that the client speaks.
        message: the answer.
        head: what it says about itself.

    Returns:
        The body, its status, and what was lost.
    """
    serving = serving_of(api)
    writer = type(serving.writer(head))
    if (error := writer.unsaid(message)) is not None:
        return write_error(api, error)
    body = msgspec.json.encode(serving.whole(head, message))
    return Written(200, body, _left_out([*writer.lost_of(message), *serving.lost_in_whole(message)]))


def write_error(api: str, error: ProviderError) -> Written:
    """Write an error in a family's form.

    Args:
        api: the family that the client speaks.
        error: the error from reading the request or from the provider.

    Returns:
        The body and its status.
    """
    status = status_of(error)
    return Written(status, msgspec.json.encode(serving_of(api).error(status, error)))


def _left_out(lost: list[Lost]) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut("option", one.why, option=one.what)
        if one.option
        else LeftOut(one.what, one.why, one.message, one.part)
        for one in lost
    )
