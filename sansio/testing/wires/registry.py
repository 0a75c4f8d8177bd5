"""Which encoder and which request checks belong to a wire family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec
from msgspec import Struct

from sansio.config import PROVIDER_DEFAULTS
from sansio.content import Message
from sansio.http import Headers, Request
from sansio.jsontext import JSONObject
from sansio.testing.failures import encode_failure
from sansio.testing.prompt import Prompt
from sansio.testing.routes import Route
from sansio.testing.script import (
    PROVIDER_TYPES,
    Answer,
    Delta,
    Failure,
    FakeResponse,
    ProviderType,
    default_api,
)
from sansio.testing.wires import cohere, gemini, invoke, ollama, runtime, runtime_beside
from sansio.testing.wires.chat import encode_chunks, encode_completion
from sansio.testing.wires.chat_requests import read_chat_request
from sansio.testing.wires.cohere_requests import read_cohere_request
from sansio.testing.wires.converse import encode_converse, encode_converse_events
from sansio.testing.wires.converse_requests import read_converse_request
from sansio.testing.wires.gemini_requests import answer_beside, read_gemini_request
from sansio.testing.wires.messages import encode_message, encode_message_events
from sansio.testing.wires.messages_requests import read_messages_request
from sansio.testing.wires.ollama_requests import read_ollama_request
from sansio.testing.wires.responses import encode_response, encode_response_events
from sansio.testing.wires.responses_requests import fit_response, read_responses_request
from sansio.testing.wires.responses_shelf import ResponsesShelf

EncodeStream: TypeAlias = Callable[
    [str, Sequence[Delta], Message, Message | Failure | None, bool], tuple[bytes, ...]
]
"""Writes a stream, frame by frame. Arguments: the provider type; the events; a message with the answer's id
and model, and with the events' parts if these are known; the end: the whole message, an error inside the
stream, or `None` for a truncated stream; and whether the request asked for usage."""

EncodeWhole: TypeAlias = Callable[[str, Message], bytes]
"""Writes a whole answer: provider type and message."""

ReadRequest: TypeAlias = Callable[[Route, Request, JSONObject], Prompt]
"""Reads a request's JSON body, or raises `Refused` with the provider's answer to a malformed one."""

FitAnswer: TypeAlias = Callable[[Answer, JSONObject], Answer]
"""Adds the fields of an answer that depend on its request's body, such as repeated ones."""


class Shelf(Protocol):
    """The interface of a server's memory between requests. Each `FakeProvider` has its own shelf."""

    def recall(self, route: Route, body: JSONObject) -> JSONObject:
        """Complete a request's body with the conversation that the server has kept.

        Args:
            route: where the request goes.
            body: the request's body.

        Returns:
            The complete body.

        Raises:
            Refused: the body names an answer that the server does not have.
        """
        ...

    def keep(
        self, route: Route, body: JSONObject, pieces: tuple[bytes, ...], response: FakeResponse
    ) -> FakeResponse:
        """Keep an answer, if the request asks for that.

        Args:
            route: where the request goes.
            body: the body that `recall` returned.
            pieces: the answer as a stream, also if it breaks off on its way to the client.
            response: the response to this request.

        Returns:
            The response to send.
        """
        ...

    def serve(self, route: Route, request: Request) -> FakeResponse:
        """Answer a request for a kept answer, or for its cancellation or deletion.

        Args:
            route: has the answer's id.
            request: the request.

        Raises:
            Refused: there is no answer with that id.
        """
        ...


EncodeError: TypeAlias = Callable[[Failure, str], JSONObject]
"""Writes the body of an error status. Arguments: the failure, and the request's id."""

AnswerBeside: TypeAlias = Callable[[str, str, JSONObject, Sequence[str]], JSONObject]
"""Responds at the endpoints beside answers. Arguments: the endpoint, as in `Route.asked`; the request's
target; its body, which is empty for a GET; and the models that the server knows. It raises `Refused`."""


ErrorHeaders: TypeAlias = Callable[[Failure, str], Headers]
"""Gives the headers of an error status beside its type. Arguments: the failure, and the request's id."""


class Wire(Struct, frozen=True):
    """A wire family from the server's side.

    Args:
        encode_stream: writes a streamed answer.
        encode_whole: writes a whole answer.
        read_request: reads and checks a request.
        fit_answer: adapts an answer to its request; `None` if no answer depends on the request's fields.
        make_shelf: makes the server's memory for answers; `None` if it keeps nothing.
        content_type: the content type of a streamed answer.
        encode_error: writes errors; `None` if they have the form of the type's other wires.
        error_headers: gives the headers of an error that `encode_error` writes; `None` if there are none.
        answer_beside: answers the endpoints beside answers; `None` if they are those of the type.
        key_headers: the headers that may hold the key, in lower case; if empty, those of the type.
    """

    encode_stream: EncodeStream
    encode_whole: EncodeWhole
    read_request: ReadRequest
    fit_answer: FitAnswer | None = None
    make_shelf: Callable[[], Shelf] | None = None
    content_type: str = "text/event-stream; charset=utf-8"
    encode_error: EncodeError | None = None
    error_headers: ErrorHeaders | None = None
    answer_beside: AnswerBeside | None = None
    key_headers: tuple[str, ...] = ()


_WIRES: dict[str, Wire] = {
    "chat": Wire(encode_chunks, encode_completion, read_chat_request),
    "messages": Wire(encode_message_events, encode_message, read_messages_request),
    "responses": Wire(
        encode_response_events, encode_response, read_responses_request, fit_response, ResponsesShelf
    ),
    "ollama": Wire(
        ollama.encode_lines,
        ollama.encode_answer,
        read_ollama_request,
        content_type="application/x-ndjson",
        encode_error=ollama.encode_error,
        answer_beside=ollama.answer_beside,
    ),
    "converse": Wire(
        encode_converse_events,
        encode_converse,
        read_converse_request,
        content_type="application/vnd.amazon.eventstream",
        encode_error=runtime.encode_error,
        error_headers=runtime.error_headers,
        answer_beside=runtime_beside.answer_beside,
        key_headers=("authorization",),
    ),
    "invoke": Wire(
        invoke.encode_chunks,
        encode_message,
        invoke.read_invoke_request,
        content_type="application/vnd.amazon.eventstream",
        encode_error=runtime.encode_error,
        error_headers=runtime.error_headers,
        answer_beside=runtime_beside.answer_beside,
        key_headers=("authorization",),
    ),
    "cohere": Wire(
        cohere.encode_chat_events,
        cohere.encode_response,
        read_cohere_request,
        encode_error=cohere.encode_error,
        answer_beside=cohere.answer_beside,
    ),
    "gemini": Wire(
        gemini.encode_chunks,
        gemini.encode_answer,
        read_gemini_request,
        encode_error=gemini.encode_error,
        answer_beside=answer_beside,
        key_headers=("x-goog-api-key", "authorization"),
    ),
}
_BUILT_IN = frozenset(_WIRES)


def register_wire(api: str, wire: Wire) -> None:
    """Register a wire family: `encode_stream`, `encode_whole` and `FakeProvider` then find it by name.

    Registering a name again replaces the family, except for the built-in ones.

    Args:
        api: the family's name, as in a dialect's `API`.
        wire: its encoders and checks.

    Raises:
        ValueError: the name is blank or built in.
    """
    if not api or "/" in api or api in _BUILT_IN:
        raise ValueError(f"api: {api!r} cannot be registered; choose another name")
    _WIRES[api] = wire


def wire_names() -> tuple[str, ...]:
    """The names of the wire families that there are encoders for."""
    return tuple(_WIRES)


def wire_for(name: str) -> Wire:
    """The wire family of a provider.

    Args:
        name: a registered provider type, such as `"anthropic"`, or type and api, such as `"my_type/my_api"`.

    Raises:
        ValueError: there is no such type, or no fake for its family.
    """
    type_, _, api = name.partition("/")
    if type_ in PROVIDER_DEFAULTS:
        wire = _WIRES.get(api or default_api(type_))
        if wire is not None:
            return wire
    raise ValueError(f"{name!r}: no fake provider of this type; use one of {', '.join(PROVIDER_TYPES)}")


def failed(name: str, voice: ProviderType, request_id: str, failure: Failure) -> FakeResponse:
    """A failure as a response with its status.

    Args:
        name: type and api, as for `wire_for`.
        voice: whose errors it has, if the wire family has no form for them.
    """
    wire = wire_for(name)
    if wire.encode_error is None:
        return encode_failure(voice, failure, request_id)
    body = msgspec.json.encode(wire.encode_error(failure, request_id))
    more = () if wire.error_headers is None else wire.error_headers(failure, request_id)
    headers = (("content-type", "application/json"), *more, *failure.headers)
    return FakeResponse(status=failure.status, headers=headers, pieces=(body,))
