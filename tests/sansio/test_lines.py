"""A file of lines, each given as it arrives."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    Body,
    ContentDelta,
    End,
    Head,
    LimitExceededError,
    Limits,
    LineFetch,
    Lost,
    NotFoundError,
    Provider,
    ProviderError,
    RemoteProtocolError,
    Send,
    StreamEvent,
    StreamFailed,
    StreamTruncatedError,
)
from sansio.steps import RequestRecord, ResponseRecord
from tests.sansio.exchanges import RESET, Input
from tests.sansio.wires import config
from tests.support import chunkings

URL = "https://api.openai.com/v1/files/f/content"
FILE = Head(200, (("content-type", "application/octet-stream"),))
LINE = st.text(min_size=1, max_size=5).filter(lambda text: not set(text) & set(" \t\n\r"))
LINES = st.lists(LINE, max_size=6)


def fetch(record: bool = False, **fields: Any) -> LineFetch:
    return Provider(config("openai", **fields)).fetch_lines(URL, record=record)


def run(call: LineFetch, *exchanges: list[Input]) -> list[StreamEvent]:
    """Drive the call through exchanges; a wait takes no time."""
    events: list[StreamEvent] = []
    script = iter(exchanges)
    while (step := call.next_step()) is not None:
        if isinstance(step, Send):
            for value in next(script):
                events += call.receive(value)
    return events


def texts(events: list[StreamEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, ContentDelta)]


def failure(call: LineFetch) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        call.result()
    return caught.value


@given(lines=LINES, ended=st.booleans(), zipped=st.booleans(), data=st.data())
def test_each_line_is_given_once_and_in_order_however_the_bytes_are_cut(
    lines: list[str], ended: bool, zipped: bool, data: st.DataObject
) -> None:
    body = "\n".join(lines).encode() + (b"\n" if ended else b"")
    head = Head(200, (("content-encoding", "gzip"),)) if zipped else FILE
    pieces = data.draw(chunkings(gzip.compress(body) if zipped else body))
    call = fetch()
    assert texts(run(call, [head, *map(Body, pieces), End()])) == lines
    assert call.result() == len(lines)


def test_it_is_a_get_at_the_address_that_takes_any_type() -> None:
    step = fetch().next_step()
    assert isinstance(step, Send)
    assert (step.request.method, step.request.url, step.request.body) == ("GET", URL, b"")
    assert ("accept", "*/*") in step.request.headers


def test_a_download_that_breaks_off_begins_again_from_the_first_line() -> None:
    call = fetch()
    events = run(call, [FILE, Body(b"1\n2\n3"), Lost(RESET)], [FILE, Body(b"1\n2\n3\n"), End()])
    assert texts(events) == ["1", "2", "1", "2", "3"]
    assert (call.result(), call.attempts) == (3, 2)


def test_it_fails_when_every_attempt_breaks_off() -> None:
    call = fetch(max_attempts=2)
    broken: list[Input] = [FILE, Body(b"1\n"), Lost(RESET)]
    events = run(call, broken, broken)
    assert isinstance(events[-1], StreamFailed)
    assert isinstance(failure(call), StreamTruncatedError)


@pytest.mark.parametrize("end", ["\n", ""])
def test_a_line_that_is_too_long_ends_it_after_the_lines_before(end: str) -> None:
    call = fetch(limits=Limits(max_event_bytes=4))
    events = run(call, [FILE, Body(b"1\n"), Body(f"12345{end}".encode()), End()])
    assert texts(events) == ["1"]
    error = failure(call)
    assert isinstance(error, LimitExceededError)
    assert error.field == "max_event_bytes"


def test_a_cr_at_the_end_is_not_part_of_the_last_line() -> None:
    call = fetch(limits=Limits(max_event_bytes=4))
    run(call, [FILE, Body(b"1234\r"), End()])
    assert call.result() == 1


def test_a_compressed_file_that_is_cut_is_truncated() -> None:
    call = fetch(max_attempts=1)
    run(call, [Head(200, (("content-encoding", "gzip"),)), Body(gzip.compress(b"1\n2\n")[:-9]), End()])
    assert isinstance(failure(call), StreamTruncatedError)


def test_a_file_that_is_not_there_is_the_error_of_its_status() -> None:
    call = fetch()
    run(call, [Head(404), Body(b'{"error": {"message": "no such file"}}'), End()])
    error = failure(call)
    assert isinstance(error, NotFoundError)
    assert "no such file" in error.message


def test_a_web_page_is_no_file() -> None:
    call = fetch()
    run(call, [Head(200, (("content-type", "text/html"),)), Body(b"<p>"), End()])
    assert isinstance(failure(call), RemoteProtocolError)


def test_the_size_of_the_whole_has_no_limit() -> None:
    call = fetch(limits=Limits(max_answer_bytes=10))
    assert len(texts(run(call, [FILE, Body(b"12345\n" * 100), End()]))) == 100


def test_a_raw_log_gets_the_request_and_the_status_alone() -> None:
    call = fetch(record=True)
    run(call, [FILE, Body(b"1\n"), End()])
    assert call.take_records() == [RequestRecord(URL, {}), ResponseRecord(200, {})]


def test_a_file_of_lines_is_counted_anew_in_each_attempt_and_nothing_is_recorded_unasked() -> None:
    call = fetch()
    events = run(call, [FILE, Body(b"a\nb\n"), Lost(RESET)], [FILE, Body(b"a\nb\nc"), End()])
    assert texts(events) == ["a", "b", "a", "b", "c"]
    assert call.result() == 3
    assert not call.take_records()
    empty = fetch()
    assert run(empty, [FILE, End()])[:-1] == []
    assert empty.result() == 0
    assert LineFetch.REPEATS


def test_a_line_of_the_limit_passes_and_a_longer_one_ends_the_attempt() -> None:
    for size, passes in ((8, True), (9, False)):
        call = fetch(limits={"max_event_bytes": 8})
        events = run(call, [FILE, Body(b"ab\n"), Body(b"x" * size), Body(b"\nmore\n"), End()])
        assert texts(events) == (["ab", "x" * 8, "more"] if passes else ["ab"])
        if not passes:
            error = failure(call)
            assert isinstance(error, LimitExceededError)
            assert error.field == "max_event_bytes"


def test_bytes_of_a_line_that_are_not_utf_8_are_replaced() -> None:
    events = run(fetch(), [Head(200), Body(b"a\xff\nb\n"), End()])
    assert texts(events) == ["a\ufffd", "b"]
