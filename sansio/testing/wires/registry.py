"""Which encoder and which request checks belong to a wire family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from sansio.config import PROVIDER_DEFAULTS
from sansio.content import Message
from sansio.http import Request
from sansio.jsontext import JSONObject
from sansio.testing.prompt import Prompt
from sansio.testing.routes import Route
from sansio.testing.script import PROVIDER_TYPES, Answer, Delta, Failure, FakeResponse, default_api
from sansio.testing.wires.chat import encode_chunks, encode_completion
from sansio.testing.wires.chat_requests import read_chat_request
from sansio.testing.wires.converse import encode_converse, encode_converse_events
from sansio.testing.wires.converse_requests import read_converse_request
from sansio.testing.wires.messages import encode_message, encode_message_events
from sansio.testing.wires.messages_requests import read_messages_request
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
"""Gives an answer what it owes to its request's body, such as fields that it repeats."""


class Shelf(Protocol):
    """What one server keeps between requests. Each `FakeProvider` has its own."""

    def recall(self, route: Route, body: JSONObject) -> JSONObject:
        """A request's body, with what the server knows of its conversation.

        Raises:
            Refused: it names an answer that the server does not have.
        """
        ...

    def keep(
        self, route: Route, body: JSONObject, pieces: tuple[bytes, ...], response: FakeResponse
    ) -> FakeResponse:
        """Keep an answer, if the request asks for that.

        Args:
            body: as `recall` gave it.
            pieces: the answer as a stream, also if it breaks off on its way to the client.
            response: the response to this request.

        Returns:
            The response to send.
        """
        ...

    def serve(self, route: Route, request: Request) -> FakeResponse:
        """Answer a request for what was kept, whose id is the route's.

        Raises:
            Refused: there is none of that id.
        """
        ...


class Wire(Struct, frozen=True):
    """A wire family from the server's side.

    Args:
        encode_stream: writes a streamed answer.
        encode_whole: writes a whole answer.
        read_request: reads and checks a request.
        fit_answer: fits an answer to its request; `None`: no answer depends on its request's form.
        make_shelf: makes what a server keeps its answers in; `None`: it keeps nothing.
        content_type: of a streamed answer.
    """

    encode_stream: EncodeStream
    encode_whole: EncodeWhole
    read_request: ReadRequest
    fit_answer: FitAnswer | None = None
    make_shelf: Callable[[], Shelf] | None = None
    content_type: str = "text/event-stream; charset=utf-8"


_WIRES: dict[str, Wire] = {
    "converse": Wire(
        encode_converse_events,
        encode_converse,
        read_converse_request,
        content_type="application/vnd.amazon.eventstream",
    ),
    "chat": Wire(encode_chunks, encode_completion, read_chat_request),
    "messages": Wire(encode_message_events, encode_message, read_messages_request),
    "responses": Wire(
        encode_response_events, encode_response, read_responses_request, fit_response, ResponsesShelf
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
