"""The SSE decoder against the standard's algorithm, written out slowly, and against its own limits."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio.errors import LimitExceededError, LocalProtocolError
from sansio.framing.sse import ServerSentEvent, SSEDecoder, SSEFailed, SSEItem, is_event_stream
from tests.support import CORPUS, every_split, for_all, with_chunkings

FRAMINGS = CORPUS / "sse_framing.json"

Dispatched = tuple[str, str, str, int | None]
"""Type, data, last event id and the retry that the event's own lines set."""


class Reference:
    """The algorithm of the HTML standard, section 9.2.6, a sentence at a time, on decoded text.

    Its one deviation is ours: a retry of more than 15 significant digits is passed over.
    """

    def __init__(self) -> None:
        self.dispatched: list[Dispatched] = []
        self.last_event_id = ""
        self.reconnection_time: int | None = None
        self._data = ""
        self._type = ""
        self._id = ""
        self._retry: int | None = None

    def run(self, stream: bytes, *, dispatch_at_eof: bool = False) -> Reference:
        text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
        line = ""
        at = 0
        while at < len(text):
            if text[at] in "\r\n":
                at += 2 if text[at : at + 2] == "\r\n" else 1
                self._line(line)
                line = ""
            else:
                line += text[at]
                at += 1
        if dispatch_at_eof:
            if line:
                self._line(line)
            self._line("")
        return self

    def _line(self, line: str) -> None:
        if line == "":
            self._dispatch()
        elif line.startswith(":"):
            pass
        elif ":" in line:
            field, value = line.split(":", 1)
            self._field(field, value.removeprefix(" "))
        else:
            self._field(line, "")

    def _field(self, field: str, value: str) -> None:
        match field:
            case "event":
                self._type = value
            case "data":
                self._data += value + "\n"
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value and all(char in "0123456789" for char in value):
                if len(value.lstrip("0")) <= 15:
                    self._retry = self.reconnection_time = int(value)

    def _dispatch(self) -> None:
        self.last_event_id = self._id
        if self._data:
            event = (self._type or "message", self._data[:-1], self.last_event_id, self._retry)
            self.dispatched.append(event)
        self._data = self._type = ""
        self._retry = None


def decode(
    pieces: list[bytes], *, limit: int = 1 << 24, dispatch_at_eof: bool = False
) -> tuple[list[SSEItem], SSEDecoder]:
    decoder = SSEDecoder(max_event_bytes=limit, dispatch_at_eof=dispatch_at_eof)
    items = [item for piece in pieces for item in decoder.receive_data(piece)]
    return items + decoder.receive_eof(), decoder


def plain(items: list[SSEItem]) -> list[object]:
    """Items that compare equal when they say the same."""
    return [
        (str(item.error), item.error.field, item.error.offset) if isinstance(item, SSEFailed) else item
        for item in items
    ]


def dispatched(items: list[SSEItem]) -> list[Dispatched]:
    events = [item for item in items if isinstance(item, ServerSentEvent)]
    assert len(events) == len(items)
    return [(event.event, event.data, event.id, event.retry) for event in events]


PIECES = [
    b"data", b"data:", b"data: ", b"event: ", b"id:", b"id: 7", b"retry: ", b"retry:12", b"0" * 20, b"9" * 16,
    b":", b" ", b"\r", b"\n", b"\r\n", b"\n\n", b"\r\r", b"\n\r", b"x", b"\0", b"-5", b"{}", b"[DONE]",
    b"\xef\xbb\xbf", b"\xef\xbb", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b"\x0c", b"\x1c", b"\xff",
    b"\xf0\x9f", b"\x98\x80", b"\xed\xa0\x80", b"\xd9\xa3",
]  # fmt: skip

STREAMS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join), st.binary(max_size=60))


@given(case=with_chunkings(STREAMS), dispatch_at_eof=st.booleans())
def test_any_bytes_however_cut_decode_as_the_standard_says(
    case: tuple[bytes, list[bytes]], dispatch_at_eof: bool
) -> None:
    stream, pieces = case
    reference = Reference().run(stream, dispatch_at_eof=dispatch_at_eof)
    items, decoder = decode(pieces, dispatch_at_eof=dispatch_at_eof)
    assert dispatched(items) == reference.dispatched
    assert decoder.last_event_id == reference.last_event_id
    assert decoder.reconnection_time == reference.reconnection_time


@given(case=with_chunkings(STREAMS), limit=st.integers(1, 30), dispatch_at_eof=st.booleans())
def test_the_cut_changes_nothing_under_any_limit(
    case: tuple[bytes, list[bytes]], limit: int, dispatch_at_eof: bool
) -> None:
    stream, pieces = case
    whole, one = decode([stream], limit=limit, dispatch_at_eof=dispatch_at_eof)
    cut, other = decode(pieces, limit=limit, dispatch_at_eof=dispatch_at_eof)
    assert plain(cut) == plain(whole)
    assert all(isinstance(item, ServerSentEvent) for item in whole[:-1])
    assert other.last_event_id == one.last_event_id
    assert other.reconnection_time == one.reconnection_time


@given(stream=STREAMS)
def test_an_offset_names_the_byte_where_the_event_begins(stream: bytes) -> None:
    items, _ = decode([stream])
    for item in items:
        assert isinstance(item, ServerSentEvent)
        # Behind a comment, so that a byte order mark at the offset is not taken for the stream's own.
        again, _ = decode([b":\n" + stream[item.offset :]])
        first = again[0]
        assert isinstance(first, ServerSentEvent)
        assert (first.event, first.data, first.retry, first.offset) == (item.event, item.data, item.retry, 2)


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_what_was_never_ended_is_never_dispatched(pieces: list[bytes]) -> None:
    stream = b"".join(pieces).translate(None, b"\r\n")
    assert decode([stream])[0] == []


def framings() -> list[Any]:
    if not FRAMINGS.exists():
        absent = pytest.mark.skip(reason=f"the corpus of framings, {FRAMINGS}, is not on this machine")
        return [pytest.param({}, marks=absent, id="corpus")]
    return [pytest.param(case, id=case["name"]) for case in json.loads(FRAMINGS.read_bytes())]


def expected(events: list[dict[str, Any]]) -> list[Dispatched]:
    return [(event["event"], event["data"], event["id"], event["retry"]) for event in events]


@pytest.mark.parametrize("case", framings())
def test_each_framing_of_the_corpus_at_every_cut(case: dict[str, Any]) -> None:
    stream = base64.b64decode(case["input_b64"])
    splits = list(every_split(stream)) if len(stream) < 2_000 else [[stream]]
    if "chunks_b64" in case:
        splits.append([base64.b64decode(piece) for piece in case["chunks_b64"]])
    for pieces in splits:
        items, decoder = decode(pieces)
        assert dispatched(items) == expected(case["events"]), pieces
        assert decoder.last_event_id == case["last_event_id"]
        assert decoder.reconnection_time == case["reconnection_time"]
        if "events_if_eof_flushes" in case:
            items, _ = decode(pieces, dispatch_at_eof=True)
            assert dispatched(items) == expected(case["events_if_eof_flushes"]), pieces


@pytest.mark.parametrize("control", [b"retry: 3000\n\n", b"id: 4\n\n", b"event: ping\n\n", b": ping\n\n"])
def test_a_control_record_dispatches_nothing_and_leaves_the_next_event_alone(control: bytes) -> None:
    items, decoder = decode([control + b"data: x\n\n"])
    assert len(items) == 1
    event = items[0]
    assert isinstance(event, ServerSentEvent)
    assert (event.event, event.data, event.retry) == ("message", "x", None)
    assert event.id == decoder.last_event_id == ("4" if control.startswith(b"id") else "")
    assert decoder.reconnection_time == (3000 if control.startswith(b"retry") else None)


@pytest.mark.parametrize("char", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_no_other_character_ends_a_line(char: str) -> None:
    stream = f"data: a{char}b\n\n".encode()
    for pieces in every_split(stream):
        assert dispatched(decode(pieces)[0]) == [("message", f"a{char}b", "", None)]


def test_a_character_cut_in_two_by_the_network_arrives_whole() -> None:
    for pieces in every_split("data: naïve 😀\r\n\r\n".encode()):
        assert dispatched(decode(pieces)[0]) == [("message", "naïve 😀", "", None)]


def test_a_retry_too_long_to_be_a_time_is_passed_over() -> None:
    _, decoder = decode([b"retry: 5\nretry: " + b"9" * 16 + b"\n\n"])
    assert decoder.reconnection_time == 5
    _, decoder = decode([b"retry: " + b"0" * 5_000 + b"9" * 15 + b"\n\n"])
    assert decoder.reconnection_time == 10**15 - 1


def test_a_line_of_just_the_limit_passes_and_one_byte_more_fails() -> None:
    for pieces in every_split(b"data: 0123456789\n\n"):
        assert dispatched(decode(pieces, limit=16)[0]) == [("message", "0123456789", "", None)]
        (failed,) = decode(pieces, limit=15)[0]
        assert isinstance(failed, SSEFailed)
        assert isinstance(failed.error, LimitExceededError)
        assert (failed.error.field, failed.error.offset) == ("max_event_bytes", 0)


def test_a_line_that_never_ends_fails_at_the_limit_even_in_a_comment() -> None:
    decoder = SSEDecoder(max_event_bytes=100)
    assert decoder.receive_data(b":" * 100) == []
    (failed,) = decoder.receive_data(b":")
    assert isinstance(failed, SSEFailed)
    assert "max_event_bytes" in str(failed.error)


def test_an_event_of_many_short_lines_is_counted_whole() -> None:
    stream = b"data: first\n\n" + b"data:\n" * 101 + b"data:\n\n"
    for pieces in ([stream], [stream[at : at + 1] for at in range(len(stream))]):
        first, failed = decode(pieces, limit=100)[0]
        assert first == ServerSentEvent("message", "first")
        assert isinstance(failed, SSEFailed)
        assert failed.error.offset == len(b"data: first\n\n")


def test_a_last_line_without_its_end_counts_too() -> None:
    stream = b"data: 12345\ndata: 67890"
    assert len(decode([stream], limit=11, dispatch_at_eof=True)[0]) == 1
    (failed,) = decode([b"data: 12345\n" + stream], limit=11, dispatch_at_eof=True)[0]
    assert isinstance(failed, SSEFailed)


def test_nothing_follows_a_failure() -> None:
    decoder = SSEDecoder(max_event_bytes=4, dispatch_at_eof=True)
    assert len(decoder.receive_data(b"data: too long\n\ndata: x\n\n")) == 1
    assert decoder.receive_data(b"data\n\n") == []
    assert decoder.receive_eof() == []


def test_an_unfinished_event_is_dropped_unless_it_is_asked_for() -> None:
    assert decode([b"data: x\n"])[0] == []
    assert dispatched(decode([b"data: x"], dispatch_at_eof=True)[0]) == [("message", "x", "", None)]


def test_bytes_after_the_end_are_refused_and_change_nothing() -> None:
    decoder = SSEDecoder()
    decoder.receive_data(b"id: 1\n\n")
    assert decoder.receive_eof() == []
    with pytest.raises(LocalProtocolError):
        decoder.receive_data(b"id: 2\n\n")
    with pytest.raises(LocalProtocolError):
        decoder.receive_eof()
    assert decoder.last_event_id == "1"


@for_all(
    ("line", [b"data: x", b"event: x", b": comment", b"id: 1", b"retry: 1"]),
    ("before", [b"", b"\xef\xbb\xbf", b"\r\n", b"\xef\xbb\xbf\n"]),
)
def test_a_stream_is_known_by_its_first_field_at_every_cut(line: bytes, before: bytes) -> None:
    start = before + line
    field = len(before) + line.index(b":") + 1
    for at in range(len(start) + 1):
        assert is_event_stream(start[:at]) is (True if at >= field else None), start[:at]


@pytest.mark.parametrize("body", [b"{", b"[", b"<html>", b"dat ", b"\xef\xbb{", b"iden", b"id\n"])
def test_what_begins_otherwise_is_no_stream(body: bytes) -> None:
    assert is_event_stream(body) is False
