"""Strategies without a provider: events, lines of JSON and HTTP, with what they mean; and all switches."""

from __future__ import annotations

import json
import runpy
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio import Message, NDJSONFramer, SSEDecoder, StreamComplete
from sansio.testing import strategies
from sansio.testing.by_h11 import by_h11
from sansio.testing.strategies import (
    NDJSONStream,
    NearlyHTTP,
    SSEStream,
    chunkings,
    hostile_streams,
    http_responses,
    ndjson_streams,
    sse_streams,
    streams,
)
from tests.laws.mutated import by_exchange, known_difference

BOM = b"\xef\xbb\xbf"


@settings(max_examples=25)
@given(stream=sse_streams(), data=st.data())
def test_events_are_what_the_decoder_reads(stream: SSEStream, data: st.DataObject) -> None:
    decoder = SSEDecoder()
    pieces = data.draw(chunkings(stream.data))
    assert [item for piece in pieces for item in decoder.receive_data(piece)] == stream.events


PLAIN = sse_streams(
    bom=False,
    line_ends=False,
    spaces=False,
    comments=False,
    data_lines=False,
    names=False,
    ids=False,
    retries=False,
    unknown=False,
    unfinished=False,
)


@settings(max_examples=10)
@given(stream=PLAIN)
def test_events_without_any_hostility_are_the_plainest_there_are(stream: SSEStream) -> None:
    assert stream.data == b"".join(f"data: {event.data}\n\n".encode() for event in stream.events)


@settings(max_examples=20)
@given(stream=ndjson_streams() | ndjson_streams(blank=False, line_ends=False), data=st.data())
def test_lines_of_json_are_what_the_framer_reads(stream: NDJSONStream, data: st.DataObject) -> None:
    framer = NDJSONFramer()
    values: list[object] = []

    def read(payload: bytes, events: list[object], name: str) -> bool:
        values.append(json.loads(payload))
        return False

    for piece in data.draw(chunkings(stream.data)):
        framer.feed(piece, read, [])  # type: ignore[arg-type]  # the events are not used
    framer.feed_eof(read, [])  # type: ignore[arg-type]  # the same
    assert values == stream.values


@settings(max_examples=25)
@given(response=http_responses())
def test_http_is_read_as_h11_reads_it_or_differs_in_a_known_way(response: NearlyHTTP) -> None:
    assert b"".join(response.pieces) == response.data
    assert response.by_h11 == by_h11(response.data)
    ours = by_exchange(response.pieces)
    assert ours == response.by_h11 or known_difference(response.data, response.by_h11, ours)


@settings(max_examples=8)
@given(data=st.data())
def test_a_stream_has_its_chunks_and_none_of_what_is_switched_off(data: st.DataObject) -> None:
    stream = data.draw(
        streams("openai", bom=False, line_ends=False, spaces=False, comments=False, data_lines=False)
    )
    records = [record for record in stream.data.split(b"\n\n") if record]
    assert all(record.startswith((b"data: ", b": ")) for record in records)
    read = [json.loads(record[6:]) for record in records if record.startswith(b"data: {")]
    assert read == stream.chunks


OFF = {
    "wrong_types": False,
    "bad_json": False,
    "strangers": False,
    "reordered": False,
    "bad_bytes": False,
}


@settings(max_examples=8)
@given(data=st.data())
def test_a_hostile_stream_has_nothing_that_is_switched_off(data: st.DataObject) -> None:
    stream = data.draw(hostile_streams("openai", bom=False, line_ends=False, bad_utf8=False))
    assert not stream.startswith(BOM)
    assert b"\r" not in stream
    stream.decode()

    stream = data.draw(hostile_streams("openai", **OFF, line_ends=False))
    for record in stream.split(b"\n\n"):
        lines = [line.partition(b":")[2] for line in record.split(b"\n")]
        if lines[0].strip().startswith(b"{"):
            json.loads(b"\n".join(lines))

    stream = data.draw(hostile_streams("anthropic", **{**OFF, "bad_json": True}))
    assert stream.startswith(b"event:")


def test_hypothesis_finds_the_strategies_of_types_by_its_entry_point() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))["project"]
    [(name, value)] = project["entry-points"]["hypothesis"].items()
    EntryPoint(name, value, "hypothesis").load()()

    @settings(max_examples=5)
    @given(message=st.from_type(Message), end=st.from_type(StreamComplete))
    def both(message: Message, end: StreamComplete) -> None:
        assert message.role == end.message.role == "assistant"

    both()


def test_the_strategies_name_their_extra_where_hypothesis_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)

    with pytest.raises(ImportError, match=r"pip install 'sansio-llm\[testing\]'"):
        runpy.run_path(str(strategies.__file__))
