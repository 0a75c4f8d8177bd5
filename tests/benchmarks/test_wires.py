"""The streams for contenders have the text that they declare, however they are cut."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.wires import FEEDS, GEMINI, RESPONSES, WIRES, whole_answer, wire
from benchmarks.yardstick import Dialect, text_of, yardstick
from sansio import ServerSentEvent, SSEDecoder, StreamComplete, StreamParser
from tests.support import chunkings

EVENTS = st.integers(0, 100)
EVERY = (*WIRES, *RESPONSES, *GEMINI)


@pytest.mark.parametrize("name", EVERY)
@given(data=st.data(), events=EVENTS)
def test_the_parser_reads_the_text_whatever_the_cut(name: str, data: st.DataObject, events: int) -> None:
    stream = wire(name)
    parser = StreamParser("openai/responses" if name in RESPONSES else stream.dialect)
    cut = data.draw(chunkings(b"".join(stream.pieces(events))))
    events_given = [event for piece in cut for event in parser.receive_data(piece)]
    *_, last = events_given if parser.finished else parser.receive_eof()
    assert isinstance(last, StreamComplete)
    message = last.message
    assert stream.text(events) == (
        message.tool_calls[0].raw_arguments if message.tool_calls else message.text
    )


@pytest.mark.parametrize("name", EVERY)
@given(data=st.data(), events=EVENTS)
def test_the_yardstick_reads_the_text_whatever_the_cut(name: str, data: st.DataObject, events: int) -> None:
    stream = wire(name)
    decoder = yardstick(stream.dialect)
    cut = data.draw(chunkings(b"".join(stream.pieces(events))))
    assert "".join(delta.text for piece in cut for delta in decoder.feed(piece)) == stream.text(events)


@pytest.mark.parametrize("name", EVERY)
@given(events=EVENTS)
def test_the_events_are_counted_as_they_are_framed(name: str, events: int) -> None:
    stream = wire(name)
    framed = SSEDecoder().receive_data(b"".join(stream.pieces(events)))
    assert all(isinstance(event, ServerSentEvent) for event in framed)
    assert len(framed) == stream.count(events) == len(list(stream.pieces(events)))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("feed", FEEDS)
def test_all_feeds_hold_the_same_bytes(name: str, feed: str) -> None:
    stream = wire(name)
    feeds = stream.feeds(1_000, feed)
    assert b"".join(feeds) == b"".join(stream.pieces(1_000))
    assert len(feeds) == {"one event": stream.count(1_000), "64 KiB": len(feeds), "all": 1}[feed]
    assert all(len(data) == 65_536 for data in feeds[:-1]) or feed == "one event"


@pytest.mark.parametrize("name", [name for name in EVERY if "arguments" in name])
def test_the_arguments_are_json(name: str) -> None:
    assert set(msgspec.json.decode(wire(name).text(1_000))) == {"path", "text"}


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_whole_answer_says_its_text(dialect: Dialect) -> None:
    body, text = whole_answer(dialect)
    assert text_of(dialect, body) == text
    assert len(text) > 300
