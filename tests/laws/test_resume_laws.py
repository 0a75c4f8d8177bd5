"""The law of resuming: whatever cuts a stream, and whatever its server sends again, nothing of it shows."""

from __future__ import annotations

import json
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
from tests.laws.oracle import assert_nothing_lost, assert_one_end, in_pieces
from tests.sansio.families.responses.frames import (
    added,
    call,
    completed,
    created,
    done,
    event,
    message,
    reasoning,
    response,
)
from tests.sansio.test_corpus_responses import names
from tests.sansio.wires import ASK, Record
from tests.support import RESPONSES_CORPUS

PROVIDER = Provider(ProviderConfig(type="openai", api="responses", model="m"))
LOST = Lost(APIConnectionError("reset"))
ENDS: st.SearchStrategy[Input] = st.sampled_from(
    (End(), LOST, Lost(APITimeoutError("no byte", field="read_timeout")))
)
QUEUED: Record = {"type": "response.queued", "response": response(status="queued", background=True)}
SEARCH: Record = {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"query": "x"}}


def asking(*, stream: bool = True) -> Call:
    # As many attempts as there are cuts at most: that they are bounded is a law of `test_call_model.py`.
    return PROVIDER.call(ASK, stream=stream, background=True, max_attempts=100)


TEXTS = st.lists(st.text(min_size=1, max_size=6), max_size=4)


@st.composite
def items(draw: st.DrawFn, at: int) -> list[Record]:
    """The events of one item."""
    kind = draw(st.sampled_from(("message", "reasoning", "call", "search")))
    said = draw(TEXTS)
    match kind:
        case "message":
            begin, end = message(id=f"msg_{at}"), message("".join(said), id=f"msg_{at}")
            name, field = "output_text.delta", {"content_index": 0}
        case "reasoning":
            begin, end = reasoning(id=f"rs_{at}"), reasoning("".join(said), id=f"rs_{at}")
            name, field = "reasoning_summary_text.delta", {"summary_index": 0}
        case "call":
            whole = json.dumps({"".join(said): at})
            place = draw(st.integers(0, len(whole)))
            said = [piece for piece in (whole[:place], whole[place:]) if piece]
            begin, end = call(call_id=f"call_{at}"), call(whole, call_id=f"call_{at}")
            name, field = "function_call_arguments.delta", {}
        case _:
            return [
                added({**SEARCH, "action": None}, at),
                event("web_search_call.searching", at),
                done(SEARCH, at),
            ]
    deltas = [event(name, at, delta=piece, **field) for piece in said]
    ending = draw(st.sampled_from((True, True, False)))
    return [added(begin, at), *deltas, *([done(end, at)] if ending else [])]


@st.composite
def responses(draw: st.DrawFn) -> list[Record]:
    """The events of a response in the background."""
    records = [created(background=True), QUEUED]
    for at in range(draw(st.integers(0, 3))):
        records += draw(items(at))
        if draw(st.booleans()):
            records.append({"type": "keepalive"})
    output = [record["item"] for record in records if record["type"] == "response.output_item.done"]
    last = completed(*(output if draw(st.booleans()) else []))
    failed = {
        "type": "response.failed",
        "response": response(status="failed", error={"code": "server_error"}),
    }
    return [*records, draw(st.sampled_from((last, last, last, failed)))]


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


@given(data=st.data(), records=responses(), stream=st.booleans(), piece=st.integers(1, 300), end=ENDS)
def test_nothing_shows_of_any_cuts_and_resumes(
    data: st.DataObject, records: list[Record], stream: bool, piece: int, end: Input
) -> None:
    uncut = play(asking(stream=stream), KeptStream(records))
    size = KeptStream(records).size
    cuts = data.draw(st.lists(st.integers(0, size), max_size=8))
    overlaps = data.draw(st.lists(st.integers(0, 20), max_size=9))
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
        if isinstance(record.get("response"), dict):
            record["response"] |= {"background": True, "store": True}
        records.append(record)
    return records
