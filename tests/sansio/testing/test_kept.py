"""A server whose kept stream is cut, and gone on with from any event."""

from __future__ import annotations

import json

import pytest

from sansio import JSONObject
from sansio.http import Request
from sansio.testing import Ending, FakeResponse
from sansio.testing.kept import KeptStream

RECORDS: list[JSONObject] = [{"type": f"event_{number}"} for number in range(4)]
FRAMES = [
    b"data: %b\n\n" % json.dumps({**record, "sequence_number": at}, separators=(",", ":")).encode()
    for at, record in enumerate(RECORDS)
]


def ask(server: KeptStream, after: int | None = None) -> FakeResponse:
    query = "" if after is None else f"?stream=true&starting_after={after}&more=1"
    return server.respond(Request.get(f"http://localhost/v1/responses/r{query}", ()))


def test_the_stream_is_whole_and_numbered() -> None:
    server = KeptStream(RECORDS)
    response = ask(server)
    assert (response.status, response.pieces, response.ending) == (200, tuple(FRAMES), Ending.FINISH)
    assert response.headers == (("content-type", "text/event-stream"),)
    assert server.size == sum(map(len, FRAMES))
    assert [request.target for request in server.requests] == ["/v1/responses/r"]


@pytest.mark.parametrize(
    ("after", "overlap", "first"), [(-1, 0, 0), (0, 0, 1), (2, 0, 3), (2, 2, 1), (0, 3, 0)]
)
def test_the_rest_is_behind_an_event_or_repeats_some_before_it(after: int, overlap: int, first: int) -> None:
    assert ask(KeptStream(RECORDS, overlaps=(overlap,)), after).pieces == tuple(FRAMES[first:])


def test_nothing_is_repeated_unless_it_is_asked_for() -> None:
    server = KeptStream(RECORDS, overlaps=(1,))
    for first in (0, 1, 1):
        assert ask(server, 0).pieces == tuple(FRAMES[first:])


@pytest.mark.parametrize("ending", [Ending.DROP, Ending.FINISH])
@pytest.mark.parametrize("size", [0, 1, len(FRAMES[0]), len(FRAMES[0]) + 5])
def test_a_cut_response_has_so_many_bytes_and_the_next_is_whole(size: int, ending: Ending) -> None:
    server = KeptStream(RECORDS, cuts=(size,), ending=ending)
    cut = ask(server)
    assert cut.body == b"".join(FRAMES)[:size]
    assert all(cut.pieces)
    assert (cut.ending, cut.headers) == (ending, ask(server).headers)
    assert ask(server).ending is Ending.FINISH
    assert ask(KeptStream(RECORDS, cuts=(1,))).ending is Ending.DROP
