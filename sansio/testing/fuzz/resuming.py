"""A stream of Responses that is cut and resumed: the inputs of the target `resume`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sansio import (
    APIConnectionError,
    Body,
    Call,
    End,
    Head,
    Limits,
    Lost,
    Message,
    Provider,
    ProviderConfig,
    ProviderError,
    Role,
    Send,
    SSEFramer,
    StreamEvent,
)
from sansio.jsontext import JSONObject
from sansio.testing.kept import KeptStream
from sansio.testing.script import Ending

# The size of the answer is that of all its streams, so its limit must be out of reach; all others are small.
_LIMITS = Limits(max_event_bytes=2_000, max_tool_calls=8, max_json_depth=16, max_error_bytes=500)
_PROVIDER = Provider(
    ProviderConfig.from_dict(
        {"type": "openai", "api": "responses", "model": "m", "limits": msgspec.structs.asdict(_LIMITS)}
    )
)
_CREATED: JSONObject = {"type": "response.created", "response": {"id": "resp_1", "background": True}}
_MOST_CUTS = 15


def uncut_and_resumed(data: bytes) -> tuple[list[StreamEvent], list[StreamEvent]]:
    """The events of a stream, and of the same stream when it is cut and resumed.

    Args:
        data: a byte for the number of cuts, two bytes for each cut, and the stream's frames. The first of the
            two says where the cut is, in 256ths of the response, and the second how many events are sent
            again after it.
    """
    count = data[0] % (_MOST_CUTS + 1) if data else 0
    places, body = data[1 : 1 + 2 * count], data[1 + 2 * count :]
    records = [_CREATED, *_records(body)]
    cuts = [KeptStream(records).size * place // 256 for place in places[::2]]
    overlaps = [0, *(number % 8 for number in places[1::2])]
    ending = Ending.FINISH if len(data) % 2 else Ending.DROP
    resumed = KeptStream(records, cuts=cuts, overlaps=overlaps, ending=ending)
    return drive(_call(), KeptStream(records)), drive(_call(), resumed)


def drive(call: Call, server: KeptStream) -> list[StreamEvent]:
    """All events of a call that the server answers."""
    events: list[StreamEvent] = []
    while (step := call.next_step()) is not None:
        if not isinstance(step, Send):
            continue
        response = server.respond(step.request)
        lost = Lost(APIConnectionError("cut"))
        end = End() if response.ending is Ending.FINISH else lost
        for value in (Head(response.status, response.headers), *map(Body, response.pieces), end):
            events += call.receive(value)
    return events


def _records(body: bytes) -> Sequence[JSONObject]:
    """The objects in the frames of a stream, each of the same response."""
    records: list[JSONObject] = []

    def read(payload: bytes, events: list[StreamEvent], name: str) -> bool:
        try:
            record = msgspec.json.decode(payload, type=JSONObject)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return False
        response = record.get("response")
        if isinstance(response, dict):
            record["response"] = {**response, "id": "resp_1", "background": True, "store": True}
        records.append(record)
        return False

    framer = SSEFramer(_LIMITS.max_event_bytes)
    try:
        framer.feed(body, read, [])
        framer.feed_eof(read, [])
    except ProviderError:
        pass  # a frame that is too long; those before it are enough
    return records


def _call() -> Call:
    asked = [Message(Role.USER, "x")]
    return _PROVIDER.call(asked, background=True, max_attempts=2 * _MOST_CUTS)
