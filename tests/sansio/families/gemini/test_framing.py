"""The framings of Gemini's streams."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    Body,
    ContentDelta,
    End,
    Head,
    LimitExceededError,
    Message,
    ProviderConfig,
    StreamComplete,
    StreamFailed,
    StreamParser,
    StreamTruncatedError,
)
from sansio.http import Input
from sansio.provider import Provider
from sansio.testing.tape import play
from tests.sansio.families.gemini.chunks import chunk, parse, sse, text
from tests.sansio.wires import comparable, failure
from tests.support import chunkings, every_split

HEAD = Head(200, (("content-type", "application/json"),))
CHUNKS = [chunk([text('Tw"}\\n{')]), chunk([text("o")], "STOP")]
FORMS = {
    "events": sse(*CHUNKS),
    "list": json.dumps(CHUNKS, indent=2).encode(),
    "lines": b"\n".join(json.dumps(each).encode() for each in CHUNKS),
    "late": b"\r\n \n" + json.dumps(CHUNKS).encode(),
}

WANTED = parse(FORMS["events"])


@given(form=st.sampled_from(sorted(FORMS)), data=st.data())
def test_a_list_is_read_as_events_are_however_it_is_cut(form: str, data: st.DataObject) -> None:
    whole = FORMS[form]
    wanted = comparable(WANTED)
    parser = StreamParser("google")
    pieces = data.draw(chunkings(whole))
    found = [event for each in pieces for event in parser.receive_data(each)] + parser.receive_eof()
    assert comparable(found) == wanted


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_may_be_cut_at_every_byte(form: str) -> None:
    for pieces in every_split(FORMS[form]):
        parser = StreamParser("google")
        found = [event for each in pieces for event in parser.receive_data(each)] + parser.receive_eof()
        assert comparable(found) == comparable(WANTED), pieces


@pytest.mark.parametrize("before", [b"", b" ", b"\r\n \n", b"\n\n\n", b"\t \r\n  "])
def test_the_place_of_a_fault_does_not_depend_on_the_cuts(before: bytes) -> None:
    list_of_one = json.dumps([chunk([text("a")])]).encode()
    for pieces in every_split(before + list_of_one + b"}"):
        parser = StreamParser("google")
        found = [event for each in pieces for event in parser.receive_data(each)] + parser.receive_eof()
        assert failure(found).offset == len(before) + len(list_of_one), pieces


@pytest.mark.parametrize("stream", [True, False])
def test_a_call_that_gets_a_list_reads_it(stream: bool) -> None:
    provider = Provider(ProviderConfig(type="google", model="gemini-2.5-flash"))
    tape: list[Input] = [
        HEAD,
        Body(b"\n"),
        Body(FORMS["list"]),
        End(),
    ]
    events = play(provider.call([Message("user", "2?")], stream=stream), tape)
    assert isinstance(events[-1], StreamComplete)
    assert events[-1].message.text == 'Tw"}\\n{o'
    assert (ContentDelta("o") in events) is stream


def test_a_whole_answer_is_no_list() -> None:
    provider = Provider(ProviderConfig(type="google", model="gemini-2.5-flash"))
    tape: list[Input] = [
        HEAD,
        Body(json.dumps(CHUNKS[1]).encode()),
        End(),
    ]
    last = play(provider.call([Message("user", "2?")]), tape)[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.text == "o"


@pytest.mark.parametrize("form", ["list", "late"])
def test_a_list_that_is_too_long_or_cut_says_where(form: str) -> None:
    error = failure(parse(FORMS[form], max_event_bytes=60))
    assert isinstance(error, LimitExceededError)
    assert error.offset == FORMS[form].index(b"{")
    cut = failure(parse(FORMS[form][: FORMS[form].index(b"Tw")]))
    assert cut.partial is not None


def test_an_event_behind_a_list_is_none() -> None:
    assert failure(parse(b"[]\ndata: {}\n\n")).offset == 3


@pytest.mark.parametrize("before", [b"", b"\r\n \n", b"\n\n\n"])
def test_the_place_of_a_fault_in_a_list_is_counted_from_the_body_s_beginning(before: bytes) -> None:
    begun = json.dumps([chunk([text("a")])]).encode()[:-1] + b", "
    places = [failure(parse(each + begun + b"]}{")).offset for each in (b"", before)]
    assert places[1] == (places[0] or 0) + len(before)


SAID = b'{"candidates":[{"content":{"parts":[{"text":"%b"}]},"finishReason":"STOP"}]}'
MORE = SAID % b"world"


@pytest.mark.parametrize("cut", [1, len(MORE) // 2, len(MORE) - 1])
def test_a_body_that_ends_inside_an_event_is_truncated_also_after_a_finish_reason(cut: int) -> None:
    said = SAID % b"Hello, "
    for body in (b"data: %b\r\n\r\ndata: %b" % (said, MORE[:cut]), b"[%b,\n%b" % (said, MORE[:cut])):
        last = parse(body)[-1]
        assert isinstance(last, StreamFailed)
        assert isinstance(last.error, StreamTruncatedError)
        assert last.error.partial is not None
        assert last.error.partial.text == "Hello, "


@pytest.mark.parametrize("end", [b"", b",", b",\r\n"])
def test_a_list_without_its_end_is_truncated(end: bytes) -> None:
    last = parse(b"[%b%b" % (SAID % b"Hello", end))[-1]
    assert isinstance(last, StreamFailed)
    assert isinstance(last.error, StreamTruncatedError)
    assert isinstance(parse(b"[%b%b]" % (SAID % b"Hello", end))[-1], StreamComplete)
