"""The law of resuming: whatever cuts a stream, and whatever its server sends again, nothing of it shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    Call,
    End,
    Head,
    Lost,
    Provider,
    ProviderConfig,
    Send,
    StreamComplete,
    StreamEvent,
    StreamFailed,
)
from sansio.http import Input
from sansio.testing.kept import KeptStream
from sansio.testing.strategies import response_streams
from tests.laws.oracle import assert_nothing_lost, assert_one_end, in_pieces
from tests.sansio.test_corpus_responses import names
from tests.sansio.wires import ASK, Record
from tests.support import RESPONSES_CORPUS

PROVIDER = Provider(ProviderConfig(type="openai", api="responses", model="m"))
LOST = Lost(APIConnectionError("reset"))
ENDS: st.SearchStrategy[Input] = st.sampled_from(
    (End(), LOST, Lost(APITimeoutError("no byte", field="read_timeout")))
)


def asking(*, stream: bool = True) -> Call:
    # As many attempts as there are cuts at most: that they are bounded is a law of `test_call_model.py`.
    return PROVIDER.call(ASK, stream=stream, background=True, max_attempts=100)


@st.composite
def kept_responses(draw: st.DrawFn) -> list[Record]:
    """The events of a response in the background."""
    records = [*in_background(draw(response_streams()).records)]
    if draw(st.integers(0, 4)) == 0:
        error = {"code": "server_error", "message": "m"}
        records[-1] = {"type": "response.failed", "response": {"status": "failed", "error": error}}
    for at in draw(st.lists(st.integers(1, len(records) - 1), max_size=2)):
        records.insert(at, {"type": "keepalive"})
    return records


def in_background(records: Iterable[Record]) -> Iterator[Record]:
    """The same events, from a server that keeps them."""
    for record in records:
        response = record.get("response")
        if isinstance(response, dict):
            record = {**record, "response": {**response, "background": True, "store": True}}
        yield record


def play(subject: Call, server: KeptStream, size: int = 100, end: Input = LOST) -> list[StreamEvent]:
    """Drive a call to its end, with bodies in pieces of one size that all end in the same way."""
    events: list[StreamEvent] = []
    while (step := subject.next_step()) is not None:
        if isinstance(step, Send):
            sent = server.respond(step.request)
            for value in (Head(200, sent.headers), *map(Body, in_pieces(sent.body, size)), end):
                events += subject.receive(value)
    return events


def plain(events: list[StreamEvent]) -> list[object]:
    return [
        (type(each.error), each.error.status, each.error.partial) if isinstance(each, StreamFailed) else each
        for each in events
    ]


@given(data=st.data(), records=kept_responses(), stream=st.booleans(), piece=st.integers(50, 2_000), end=ENDS)
def test_nothing_shows_of_any_cuts_and_resumes(
    data: st.DataObject, records: list[Record], stream: bool, piece: int, end: Input
) -> None:
    uncut = play(asking(stream=stream), KeptStream(records))
    size = KeptStream(records).size
    cuts = data.draw(st.lists(st.integers(0, size), max_size=5))
    overlaps = data.draw(st.lists(st.integers(0, 20), max_size=6))
    server = KeptStream(records, cuts=cuts, overlaps=overlaps)
    subject = asking(stream=stream)
    events = play(subject, server, piece, end)
    assert_one_end(events)
    if stream:
        assert_nothing_lost(events)
    assert plain(events) == plain(uncut)
    assert subject.attempts == len(server.requests)
    assert subject.resumes == sum(request.method == "GET" for request in server.requests)


@pytest.mark.skipif(names("stream") == ["none"], reason=f"there is no corpus at {RESPONSES_CORPUS}")
def test_nothing_shows_in_recorded_streams() -> None:
    """Each is cut in several places, another number of bytes each time, and made as if in the background."""
    steps = count(97, 61)
    for name in names("stream")[::4]:
        records = recorded(name)
        uncut = play(asking(), KeptStream(records))
        size = KeptStream(records).size
        cuts = [(next(steps) * 53) % size for _ in range(3)]
        events = play(asking(), KeptStream(records, cuts=cuts, overlaps=(0, 0, 3, 1)))
        assert isinstance(events[-1], StreamComplete | StreamFailed)
        assert plain(events) == plain(uncut), name


def recorded(name: str) -> list[Record]:
    """The events of a recorded stream, without numbers, up to its end."""
    records: list[Record] = []
    for line in (RESPONSES_CORPUS / f"{name}.sse").read_text("utf-8", "replace").splitlines():
        text = line.removeprefix("data:").strip()
        if not line.startswith("data:") or not text.startswith("{"):
            continue
        try:
            record = json.loads(text)
        except ValueError:
            break  # the recording was cut
        records.append(record)
    return [*in_background(records)]
