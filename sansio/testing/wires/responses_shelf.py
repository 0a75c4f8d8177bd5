"""The responses that a server keeps, so that requests can continue them or fetch them.

Sources: OpenAI's API reference ("Responses", "Conversation state", "Background mode") and recorded errors.
"""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from sansio.http import Headers, Request
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import Refused, refuse
from sansio.testing.prompt import as_object, as_objects, as_text
from sansio.testing.routes import Route, split_target
from sansio.testing.script import Ending, FakeResponse

_KEEPING = ("openai", "azure", "vllm")
_SEALING = ("openai", "azure")
"""Types that refuse reasoning unless they have it, or the request has it in encrypted form."""
_JSON: Headers = (("content-type", "application/json"),)
_EVENT_STREAM: Headers = (("content-type", "text/event-stream; charset=utf-8"),)


class _Kept(Struct):
    """A response on the shelf.

    Args:
        items: the items of the conversation, up to and including this response.
        response: the finished response.
        pieces: its stream.
        background: whether it was made in the background.
        streamed: whether its request asked for a stream.
        waiting: whether the client has not seen its end yet.
    """

    items: list[JSON]
    response: JSONObject
    pieces: tuple[bytes, ...]
    background: bool
    streamed: bool
    waiting: bool


class ResponsesShelf:
    """Keeps the responses of one fake server. A `Shelf` of `sansio.testing.wires`."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def recall(self, route: Route, body: JSONObject) -> JSONObject:
        """See `Shelf.recall`: the items of the response before it, and items given by their ids."""
        if route.type not in _KEEPING:
            return body
        previous = body.get("previous_response_id")
        before: list[JSON] = []
        if isinstance(previous, str):
            kept = self._kept.get(previous)
            if kept is None:
                raise refuse(
                    f"Previous response with id {previous!r} not found.",
                    param="previous_response_id",
                    code="previous_response_not_found",
                )
            before = kept.items
        items = _items_of(body)
        if not before and items is not body.get("input"):
            return body
        known = self._items()
        return {**body, "input": [*before, *(_recalled(route, item, known) for item in items)]}

    def keep(
        self, route: Route, body: JSONObject, pieces: tuple[bytes, ...], response: FakeResponse
    ) -> FakeResponse:
        """See `Shelf.keep`."""
        background = body.get("background") is True
        if route.type not in _KEEPING or body.get("store") is False:
            return response
        finished = _response_in(pieces)
        streamed = body.get("stream") is True
        items = [*_items_of(body), *as_objects(finished.get("output"))]
        cut = response.pieces != pieces or response.ending is not Ending.FINISH
        self._kept[as_text(finished.get("id"))] = _Kept(
            items, finished, pieces, background, streamed, background and (cut or not streamed)
        )
        if not background or streamed:
            return response
        queued = msgspec.json.encode(_unfinished(finished, "queued"))
        return FakeResponse(headers=response.headers, pieces=(queued,))

    def serve(self, route: Route, request: Request) -> FakeResponse:
        """See `Shelf.serve`: the response, the rest of its stream, its cancellation, its deletion."""
        response_id = route.id or ""
        kept = self._kept.get(response_id)
        if kept is None:
            raise refuse(f"Response with id {response_id!r} not found.", status=404)
        if request.method == "DELETE":
            del self._kept[response_id]
            return _json({"id": response_id, "object": "response", "deleted": True})
        if route.asked == "cancelled":
            return _json(_cancelled(kept))
        query = parse_qs(split_target(request)[1])
        if query.get("stream") == ["true"]:
            return _rest(kept, query.get("starting_after", ["-1"])[0])
        kept.waiting = False
        return _json(kept.response)

    def _items(self) -> dict[str, JSONObject]:
        """The items of all responses, by their ids."""
        return {
            as_text(item.get("id")): item for kept in self._kept.values() for item in as_objects(kept.items)
        }


def _items_of(body: JSONObject) -> list[JSON]:
    """The items of a request's input; none if it is neither a text nor a list, which is refused later."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return given if isinstance(given, list) else []


def _recalled(route: Route, item: JSON, known: dict[str, JSONObject]) -> JSON:
    """The item itself; or, if it only names an item, that one.

    Raises:
        Refused: the server does not have it.
    """
    given = as_object(item)
    kind, item_id = given.get("type"), as_text(given.get("id"))
    if kind == "item_reference":
        if item_id not in known:
            raise _no_item(item_id)
        return known[item_id]
    needed = kind == "reasoning" and route.type in _SEALING and not given.get("encrypted_content")
    if needed and item_id not in known:
        raise _no_item(item_id)
    return item


def _no_item(item_id: str) -> Refused:
    return refuse(
        f"Item with id {item_id!r} not found. Items are not persisted when `store` is set to false.",
        param="input",
        status=404,
    )


def _cancelled(kept: _Kept) -> JSONObject:
    """The response after a request to cancel it; one that is finished stays as it is.

    Raises:
        Refused: it was not made in the background.
    """
    if not kept.background:
        raise refuse("A response that is not made in the background cannot be cancelled.")
    if kept.waiting:
        kept.waiting = False
        kept.response = _unfinished(kept.response, "cancelled")
    return kept.response


def _unfinished(response: JSONObject, status: str) -> JSONObject:
    """A response of which the client has seen nothing."""
    return {**response, "status": status, "output": [], "usage": None, "completed_at": None}


def _rest(kept: _Kept, after: str) -> FakeResponse:
    """The events of a stream after the one with that number.

    Raises:
        Refused: `after` is not a number, or the response has no stream that can be resumed.
    """
    if not (kept.background and kept.streamed) or kept.response.get("status") == "cancelled":
        raise refuse(
            "Only a response that was streamed from the background can be streamed again.", param="stream"
        )
    if not after.removeprefix("-").isdecimal() or not after.isascii():
        raise refuse("The starting_after must be a number.", param="starting_after", code="invalid_type")
    kept.waiting = False
    pieces = tuple(piece for piece in kept.pieces if _number_of(piece) > int(after))
    return FakeResponse(headers=_EVENT_STREAM, pieces=pieces)


def _record(piece: bytes) -> JSONObject:
    """The JSON of an event. Servers that keep responses send no comments and no marker."""
    return msgspec.json.decode(piece.partition(b"data: ")[2], type=dict[str, JSON])


def _number_of(piece: bytes) -> int:
    number = _record(piece)["sequence_number"]
    assert isinstance(number, int)
    return number


def _response_in(pieces: tuple[bytes, ...]) -> JSONObject:
    """The whole response, from the last event that has one."""
    return next(found for piece in reversed(pieces) if (found := as_object(_record(piece).get("response"))))


def _json(value: JSONObject) -> FakeResponse:
    return FakeResponse(headers=_JSON, pieces=(msgspec.json.encode(value),))
