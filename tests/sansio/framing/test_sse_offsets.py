"""Where an event begins, and where a stream failed: bytes of the stream, counted from 0."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import LimitExceededError, ServerSentEvent, SSEDecoder
from sansio.framing import SSEFailed
from tests.support import every_split, for_all

BOM = b"\xef\xbb\xbf"


def fault(data: bytes, limit: int) -> list[tuple[int | None, str | None]]:
    """The offset and the limit of the failure, of every cut the same."""
    found = set()
    for pieces in every_split(data):
        decoder = SSEDecoder(max_event_bytes=limit)
        *before, last = [item for piece in pieces for item in decoder.receive_data(piece)]
        assert isinstance(last, SSEFailed)
        assert isinstance(last.error, LimitExceededError)
        assert all(isinstance(item, ServerSentEvent) for item in before)
        found.add((last.error.offset, last.error.field))
    return list(found)


@for_all(
    ("before", [b"", BOM, b"\n\r\n\r", b"data: a\n\n", BOM + b": ping\n\n"]),
    (
        "faulty",
        [
            b"data: 0123456789\n",
            b": 0123456789abcdef\n",
            b"event: a\ndata: 0123456789\n",
            b"data: 0\ndata: 1\ndata: 2\ndata: 3\ndata: 4\ndata: 5\ndata: 6\n",
        ],
    ),
)
def test_a_passed_limit_is_reported_at_the_first_line_of_the_event(before: bytes, faulty: bytes) -> None:
    assert fault(before + faulty, 12) == [(len(before), "max_event_bytes")]


@pytest.mark.parametrize("before", [b"", BOM, b"\n\r\n\r", b": ping\n\n", BOM + b"id: 1\r\n\r\n"])
def test_an_event_begins_at_its_first_line(before: bytes) -> None:
    for pieces in every_split(before + b"event: a\ndata: x\n\ndata: y\n\n"):
        decoder = SSEDecoder()
        items = [item for piece in pieces for item in decoder.receive_data(piece)]
        offsets = [item.offset for item in items if isinstance(item, ServerSentEvent)]
        assert offsets == [len(before), len(before) + 18]


def test_a_line_and_an_event_of_just_the_limit_pass() -> None:
    assert len(SSEDecoder(max_event_bytes=12).receive_data(b"data: 012345\n\n")) == 1
    (failed,) = SSEDecoder(max_event_bytes=11).receive_data(b"data: 012345\n\n")
    assert isinstance(failed, SSEFailed)
    lines = b"data:a\n" * 4 + b"\n"  # seven bytes of data, with the line feeds between, in lines of six
    for limit, kind in ((7, ServerSentEvent), (6, SSEFailed)):
        (item,) = SSEDecoder(max_event_bytes=limit).receive_data(lines)
        assert type(item) is kind


@pytest.mark.parametrize("digits", [15, 16])
def test_a_reconnection_time_has_fifteen_digits_at_most(digits: int) -> None:
    decoder = SSEDecoder()
    decoder.receive_data(b"retry: 00" + b"9" * digits + b"\n\n")
    assert decoder.reconnection_time == (10**15 - 1 if digits == 15 else None)


@pytest.mark.parametrize(
    ("value", "time"), [(b"0", 0), (b"000", 0), (b"0250", 250), (b"", None), (b"-1", None)]
)
def test_a_reconnection_time_is_digits_alone(value: bytes, time: int | None) -> None:
    (event,) = SSEDecoder().receive_data(b"retry: " + value + b"\ndata: x\n\n")
    assert isinstance(event, ServerSentEvent)
    assert event.retry == time


def test_bad_utf_8_is_the_replacement_character_in_every_field() -> None:
    (event,) = SSEDecoder().receive_data(b"id: \xff\nevent: a\xc3\ndata: \xe4\xb8b\n\n")
    assert event == ServerSentEvent("a\ufffd", "\ufffdb", "\ufffd")


def test_a_line_feed_that_comes_first_is_a_blank_line() -> None:
    for pieces in every_split(b"\ndata: x\n\n"):
        decoder = SSEDecoder()
        (event,) = [item for piece in pieces for item in decoder.receive_data(piece)]
        assert event == ServerSentEvent("message", "x", offset=1)


def test_a_line_ends_at_no_other_byte_than_cr_and_lf() -> None:
    for byte in range(256):
        if byte in b"\r\n":
            continue
        decoder = SSEDecoder()
        assert decoder.receive_data(b"data: x\ndata: y" + bytes([byte])) == []
        (event,) = decoder.receive_data(b"z\n\n")
        assert isinstance(event, ServerSentEvent)
        assert len(event.data.split("\n")) == 2
        assert event.data.startswith("x\ny")
        assert event.data.endswith("z")


def test_an_event_of_the_wire_cannot_be_changed() -> None:
    event: Any = ServerSentEvent("message", "x")
    failed: Any = SSEFailed(LimitExceededError("too long"))
    for value, name in ((event, "data"), (failed, "error")):
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_an_event_without_its_blank_line_is_dropped_unless_it_was_asked_for() -> None:
    for asked, events in ((None, 0), (False, 0), (True, 1)):
        decoder = SSEDecoder() if asked is None else SSEDecoder(dispatch_at_eof=asked)
        assert decoder.receive_data(b"data: x") == []
        assert len(decoder.receive_eof()) == events
