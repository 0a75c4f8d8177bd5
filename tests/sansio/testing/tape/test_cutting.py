"""Recorded bodies, cut anew: the same bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import APIConnectionError, Body, End, Head, Lost
from sansio.http import Input
from sansio.testing.tape import Cuts, Timed, recut
from tests.sansio.testing.tape.samples import STREAM
from tests.support import with_chunkings

STREAMED = b"data: 1\n\n: ping\r\n\r\ndata: 2\r\rdata: 3\n\nrest"
LINES = Head(200, (("Content-Type", "application/x-ndjson; charset=utf-8"),))


def timed(*inputs: Input) -> list[Timed]:
    return [Timed(float(at), value) for at, value in enumerate(inputs)]


def pieces(head: Head, cut: list[bytes], cuts: Cuts) -> list[bytes]:
    given = list(recut(timed(head, *map(Body, cut), End()), cuts))
    assert given[0].value == head
    assert given[-1].value == End()
    return [each.value.data for each in given[1:-1] if isinstance(each.value, Body)]


@given(with_chunkings(st.just(STREAMED)))
def test_the_cuts_do_not_depend_on_those_of_the_network(case: tuple[bytes, list[bytes]]) -> None:
    data, cut = case
    assert pieces(STREAM, cut, "recorded") == cut
    assert pieces(STREAM, cut, "byte") == [data[at : at + 1] for at in range(len(data))]
    assert pieces(STREAM, cut, "event")[-1] == b"rest"
    assert b"".join(pieces(STREAM, cut, "event")) == data
    assert pieces(LINES, cut, "event") == data.splitlines(True)[:0] + [
        line + b"\n" for line in data.split(b"\n")[:-1]
    ] + [b"rest"]
    assert pieces(Head(200), cut, "event") == [data]


@pytest.mark.parametrize(
    ("content_type", "found"),
    [
        ("application/jsonl", [b"a\n", b"\n", b"b"]),
        ("application/x-jsonl", [b"a\n", b"\n", b"b"]),
        ("Application/X-NDJSON ; charset=utf-8", [b"a\n", b"\n", b"b"]),
        ("text/event-stream; charset=utf-8", [b"a\n\n", b"b"]),
        ("application/json", [b"a\n\nb"]),
        ("", [b"a\n\nb"]),
    ],
)
def test_the_media_type_says_what_ends_an_event(content_type: str, found: list[bytes]) -> None:
    assert pieces(Head(200, (("content-type", content_type),)), [b"a\n\nb"], "event") == found


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\r\r"])
def test_an_event_ends_with_a_blank_line_of_any_line_end(end: bytes) -> None:
    events = [b"data: 1" + end, b"data: 2" + end, b"data: r" + end, b"data: n"]
    assert pieces(STREAM, [b"".join(events)], "event") == events
    for single in (b"\r\n", b"\n", b"\r", b"\n\r"):
        assert pieces(STREAM, [b"a" + single + b"b"], "event") == [b"a" + single + b"b"]


def test_each_event_is_a_piece_and_arrives_with_its_last_byte() -> None:
    inputs = timed(STREAM, Body(b"data: 1\n"), Body(b"\ndata: 2\n\nda"), Body(b"ta: 3\r\r"), End())
    assert list(recut(inputs, "event")) == [
        Timed(0, STREAM),
        Timed(2, Body(b"data: 1\n\n")),
        Timed(2, Body(b"data: 2\n\n")),
        Timed(3, Body(b"data: 3\r\r")),
        Timed(4, End()),
    ]


def test_each_byte_arrives_with_its_piece() -> None:
    given = list(recut(timed(STREAM, Body(b"ab"), Body(b"c"), End()), "byte"))
    assert [each.at for each in given] == [0, 1, 1, 2, 3]


@pytest.mark.parametrize("cuts", ["recorded", "event", "byte"])
def test_a_loss_stays_behind_what_arrived(cuts: Cuts) -> None:
    lost = Lost(APIConnectionError("gone"))
    given = list(recut(timed(STREAM, Body(b"x"), lost), cuts))
    assert [each.value for each in given] == [STREAM, Body(b"x"), lost]
