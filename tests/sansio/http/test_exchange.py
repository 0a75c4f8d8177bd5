"""The HTTP/1.1 exchange: any cut of any answer gives the same inputs, and the last says how it ended."""

from __future__ import annotations

from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio.errors import (
    APIConnectionError,
    LimitExceededError,
    LocalProtocolError,
    ProviderError,
    RemoteProtocolError,
)
from sansio.http import Body, End, Head, Headers, HTTPExchange, Input, Lost, Request, header
from tests.support import every_split, with_chunkings

REQUEST = Request.post("http://localhost/v1", (), b"{}")

Seen: TypeAlias = tuple[list[object], bool]
"""Inputs with their adjacent bodies joined and their errors as plain values; and whether it is reusable."""


def exchange_of(pieces: list[bytes], *, eof: bool, limit: int = 65_536) -> Seen:
    exchange = HTTPExchange(REQUEST, max_header_bytes=limit)
    inputs = [item for piece in pieces for item in exchange.receive_data(piece)]
    reusable = exchange.reusable
    if eof:
        inputs += exchange.receive_eof()
        assert not exchange.reusable
    return joined(inputs), reusable


def joined(inputs: list[Input]) -> list[object]:
    seen: list[object] = []
    for item in inputs:
        if isinstance(item, Body) and seen and isinstance(seen[-1], Body):
            seen[-1] = Body(seen[-1].data + item.data)
        elif isinstance(item, Lost):
            seen.append((type(item.error), str(item.error), item.error.field))
        else:
            seen.append(item)
    return seen


def lost(seen: list[object]) -> type[ProviderError]:
    kind: type[ProviderError] = seen[-1][0]  # type: ignore[index]  # it is a Lost as `joined` writes it
    return kind


def chunked(*chunks: bytes, trailers: bytes = b"") -> bytes:
    sizes = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return sizes + b"0\r\n" + trailers + b"\r\n"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
UNFRAMED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

PARTS = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 204 No Content\n", b"HTTP/1.1 103 Early\r\n",
    b"HTTP/1.1 101 Switching\r\n", b"HTTP/2 200\r\n", b"HTTP/1.1 099 X\r\n", b"Content-Length: 5\r\n",
    b"Content-Length: 5, 6\r\n", b"transfer-encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n",
    b"connection: close\r\n", b"X: y\r\n", b" folded\r\n", b"broken\r\n", b"\r\n", b"\n", b"\r", b"0\r\n",
    b"5\r\nhello\r\n", b"5;" + b"e" * 20 + b"\r\nhello\r\n", b"5\n", b"zz\r\n", b"-1\r\n", b"5 \r\n",
    b"hello", b"T: t\r\n", b"f" * 20 + b"\r\n", b"\xff\x00", b"A" * 30,
]  # fmt: skip

ANSWERS = st.one_of(
    st.lists(st.sampled_from(PARTS), max_size=12).map(b"".join),
    st.lists(st.sampled_from(PARTS), max_size=12).map(lambda parts: CHUNKED + b"".join(parts)),
    st.lists(st.sampled_from(PARTS), max_size=12).map(lambda parts: PARTS[0] + b"".join(parts)),
    st.binary(max_size=40).map(lambda data: CHUNKED + data),
    st.binary(max_size=40),
)


@given(case=with_chunkings(ANSWERS), limit=st.integers(1, 80), eof=st.booleans())
def test_the_cut_changes_nothing_whatever_comes(
    case: tuple[bytes, list[bytes]], limit: int, eof: bool
) -> None:
    data, pieces = case
    assert exchange_of(pieces, eof=eof, limit=limit) == exchange_of([data], eof=eof, limit=limit)


@given(case=with_chunkings(ANSWERS), limit=st.integers(40, 200))
def test_any_bytes_end_in_exactly_one_terminal_value(case: tuple[bytes, list[bytes]], limit: int) -> None:
    seen, _ = exchange_of(case[1], eof=True, limit=limit)
    terminal = [item for item in seen if not isinstance(item, (Head, Body))]
    assert terminal == seen[-1:]
    assert [isinstance(item, Head) for item in seen].count(True) <= 1
    assert not any(isinstance(item, Head) for item in seen[1:])


@pytest.mark.parametrize("form", [b"%x\r\n", b"%X\r\n", b"%06x\r\n", b"%x;a=b\r\n"])
def test_chunks_of_every_size_and_form_of_line_are_read(form: bytes) -> None:
    sizes = [*range(1, 1_100), 4_095, 4_096, 65_536]
    body = b"".join(form % size + b"x" * size + b"\r\n" for size in sizes)
    seen, reusable = exchange_of([CHUNKED, body + chunked()], eof=False)
    assert seen[1:] == [Body(b"x" * sum(sizes)), End()]
    assert reusable


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=6), st.data())
def test_a_chunked_body_comes_out_as_it_went_in(chunks: list[bytes], data: st.DataObject) -> None:
    wire = CHUNKED + chunked(*chunks)
    pieces = data.draw(with_chunkings(st.just(wire)))[1]
    body: list[object] = [Body(b"".join(chunks))] if chunks else []
    head = Head(200, (("transfer-encoding", "chunked"),))
    assert exchange_of(pieces, eof=False) == ([head, *body, End()], True)


ENDINGS: dict[str, tuple[bytes, list[object], bool]] = {
    "content-length": (LENGTH + b"hello", [Body(b"hello"), End()], True),
    "empty": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", [End()], True),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", [End()], True),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", [End()], True),
    "see other": (b"HTTP/1.1 303 See Other\r\nContent-Length: 2\r\n\r\nhi", [Body(b"hi"), End()], True),
    "chunked": (CHUNKED + chunked(b"hel", b"lo"), [Body(b"hello"), End()], True),
    "chunk extensions": (CHUNKED + b"5;a=b\r\nhello\r\n0\r\n\r\n", [Body(b"hello"), End()], True),
    "trailers": (CHUNKED + chunked(b"hello", trailers=b"X: y\r\n"), [Body(b"hello"), End()], True),
    "closing": (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        [Body(b"hello"), End()],
        False,
    ),
    "version 1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", [Body(b"hello"), End()], False),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", [Body(b"hello"), End()], True),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", [Body(b"hello"), End()], True),
    "more than the body": (LENGTH + b"hello, and more", [Body(b"hello"), End()], False),
    "204 that says chunked": (
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n" + b"a" * 500,
        [End()],
        False,
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_each_framing_ends_at_every_cut_and_says_whether_the_connection_can_be_kept(name: str) -> None:
    wire, rest, reusable = ENDINGS[name]
    for pieces in every_split(wire):
        seen, keeps = exchange_of(pieces, eof=False, limit=128)
        assert isinstance(seen[0], Head)
        assert (seen[1:], keeps) == (rest, reusable), pieces


def test_adjacent_bodies_of_one_feed_are_one_body() -> None:
    exchange = HTTPExchange(REQUEST)
    assert len(exchange.receive_data(CHUNKED + b"1\r\na\r\n1\r\nb\r\n")) == 2
    assert exchange.receive_data(b"1\r\nc\r\n1\r\nd\r\n0\r\n\r\n") == [Body(b"cd"), End()]


def test_an_unframed_body_ends_with_the_connection() -> None:
    for pieces in every_split(UNFRAMED + b"data: x"):
        seen, reusable = exchange_of(pieces, eof=True)
        assert seen[1:] == [Body(b"data: x"), End()]
        assert not reusable


def test_names_come_in_lower_case_and_values_as_latin_1_in_the_order_of_the_wire() -> None:
    seen, _ = exchange_of(
        [b"HTTP/1.1 429 X\r\nX-B: \xe9\r\nRetry-After:  3 \r\nx-a: 1\r\nx-b: 2\r\n\r\n"], eof=False
    )
    (head,) = seen
    assert isinstance(head, Head)
    assert head.status == 429
    assert head.headers == (("x-b", "é"), ("retry-after", "3"), ("x-a", "1"), ("x-b", "2"))
    assert header(head.headers, "x-b") == "é"
    assert header(head.headers, "absent") is None


def test_informational_responses_are_passed_over() -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    for pieces in every_split(early + LENGTH + b"hello"):
        seen, reusable = exchange_of(pieces, eof=False)
        assert seen == [Head(200, (("content-length", "5"),)), Body(b"hello"), End()]
        assert reusable


@pytest.mark.parametrize("upgrade", [(), (("upgrade", "websocket"),)])
def test_a_server_that_switches_protocols_is_lost(upgrade: Headers) -> None:
    exchange = HTTPExchange(Request.post("http://localhost/v1", upgrade, b"{}"))
    (item,) = exchange.receive_data(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
    assert isinstance(item, Lost)
    assert isinstance(item.error, RemoteProtocolError)
    assert "switch" in str(item.error).lower()


@pytest.mark.parametrize(
    "wire",
    [
        b"\x15\x03\x01\x00\x02",
        b"HTTP/2 200\r\n\r\n",
        b"SSH-2.0-OpenSSH",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"<html>",
    ],
)
def test_malformed_http_fails_at_its_first_wrong_byte(wire: bytes) -> None:
    for pieces in every_split(wire):
        seen, reusable = exchange_of(pieces, eof=True)
        assert lost(seen) is RemoteProtocolError
        assert len(seen) == 1
        assert not reusable
    wrong = next(n for n in range(1, len(wire) + 1) if not b"HTTP/1.".startswith(wire[:n]))
    assert exchange_of([wire[:wrong]], eof=False)[0] != []


EOFS: dict[str, tuple[bytes, int]] = {
    "before any byte": (b"", 0),
    "inside the head": (LENGTH[:-1], 0),
    "after an informational response": (b"HTTP/1.1 100 Continue\r\n\r\n", 0),
    "before the body": (LENGTH, 1),
    "inside a counted body": (LENGTH + b"hell", 2),
    "before the first chunk": (CHUNKED, 1),
    "inside a chunk's size": (CHUNKED + b"5", 1),
    "inside a chunk": (CHUNKED + b"5\r\nhel", 2),
    "after a chunk": (CHUNKED + b"5\r\nhello\r\n", 2),
    "inside the last chunk": (CHUNKED + b"5\r\nhello\r\n0\r\n", 2),
    "inside the trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nX: y\r\n", 2),
}


@pytest.mark.parametrize("where", EOFS)
def test_the_end_of_the_connection_loses_an_unfinished_answer_after_what_arrived(where: str) -> None:
    wire, before = EOFS[where]
    for pieces in every_split(wire):
        seen, _ = exchange_of(pieces, eof=True)
        assert len(seen) == before + 1
        assert lost(seen) is APIConnectionError


def test_the_end_of_the_connection_after_the_answer_says_nothing() -> None:
    exchange = HTTPExchange(REQUEST)
    exchange.receive_data(LENGTH + b"hello")
    assert exchange.receive_eof() == []


MALFORMED = {
    "status": b"HTTP/1.1 2x0 OK\r\n\r\n",
    "status below 100": b"HTTP/1.1 099 X\r\n\r\n",
    "header line": b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "folding at once": b"HTTP/1.1 200 OK\r\n folded\r\n\r\n",
    "conflicting lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
    "transfer coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
}

MALFORMED_BODIES = {
    "no size": b"zz\r\n",
    "sign": b"-5\r\n",
    "prefix": b"0x5\r\nhello\r\n",
    "underscore": b"1_0\r\n",
    "too many digits": b"1" * 21 + b"\r\n",
    "bare line feed": b"5\nhello\r\n",
    "no end": b"5\r\nhelloXX",
    "half an end": b"5\r\nhello\rX",
    "trailer": b"0\r\nno colon\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_head_is_lost_at_every_cut(name: str) -> None:
    for pieces in every_split(MALFORMED[name]):
        seen, reusable = exchange_of(pieces, eof=False)
        assert len(seen) == 1
        assert lost(seen) is RemoteProtocolError
        assert not reusable


@pytest.mark.parametrize("name", MALFORMED_BODIES)
def test_bodies_before_a_fault_in_the_same_feed_are_delivered(name: str) -> None:
    wire = CHUNKED + b"6\r\nbefore\r\n" + MALFORMED_BODIES[name]
    first = exchange_of([wire], eof=False)
    for pieces in every_split(wire):
        seen, reusable = exchange_of(pieces, eof=False)
        assert seen == first[0]
        assert isinstance(seen[1], Body)
        assert seen[1].data.startswith(b"before")
        assert lost(seen) is RemoteProtocolError
        assert not reusable


def test_malformed_http_is_never_quoted_since_a_server_may_echo_the_key() -> None:
    for wire in (
        b"HTTP/1.1 200 OK\r\nAuthorization Bearer sk-secret\r\n\r\n",
        CHUNKED + b"sk-secret\r\n",
        CHUNKED + b"2\r\nokXsk-secret",
    ):
        seen, _ = exchange_of([wire], eof=False)
        assert lost(seen) is RemoteProtocolError
        assert "secret" not in str(seen[-1])
        assert "malformed HTTP" in str(seen[-1])


LIMITED: dict[str, tuple[bytes, bytes]] = {
    "the head": (b"", b"HTTP/1.1 200 OK\r\nX: %b\r\n\r\n"),
    "all heads": (b"", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX: %b\r\n\r\n"),
    "a chunk's size line": (CHUNKED + b"2\r\nok\r\n", b"5;%b\r\nhello\r\n0\r\n\r\n"),
    "a chunk's size line of HTTP/1.0": (
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        b"5;%b\r\nhello\r\n0\r\n\r\n",
    ),
    "the trailers": (CHUNKED + b"2\r\nok\r\n0\r\n", b"X: %b\r\n\r\n"),
}


@pytest.mark.parametrize("what", LIMITED)
def test_each_limit_holds_to_the_byte_and_does_not_depend_on_the_cut(what: str) -> None:
    before, pattern = LIMITED[what]
    counted = pattern.index(b"hello") if b"hello" in pattern else len(pattern)
    limit = 200
    fill = limit - (counted - len(b"%b"))
    for size, passes in ((fill, True), (fill + 1, False)):
        wire = before + pattern % (b"a" * size)
        for pieces in every_split(wire):
            seen, _ = exchange_of(pieces, eof=False, limit=limit)
            if passes:
                assert not isinstance(seen[-1], tuple), pieces
            else:
                assert lost(seen) is LimitExceededError, pieces
                assert "max_header_bytes" in str(seen[-1])
                assert (Body(b"ok") in seen) is bool(before)


@pytest.mark.parametrize("endless", [b"HTTP/1.1 200 OK\r\n", CHUNKED, CHUNKED + b"0\r\n", CHUNKED + b"5\n"])
def test_a_line_that_never_ends_fails_soon_after_the_limit(endless: bytes) -> None:
    exchange = HTTPExchange(REQUEST, max_header_bytes=100)
    inputs = exchange.receive_data(endless)
    fed = 0
    while not any(isinstance(item, Lost) for item in inputs):
        inputs += exchange.receive_data(b"a")
        fed += 1
        assert fed <= 101
    assert joined(inputs)[-1] == joined(HTTPExchange(REQUEST, max_header_bytes=100).receive_data(
        endless + b"a" * 5_000
    ))[-1]  # fmt: skip


def test_nothing_follows_the_end_or_a_loss() -> None:
    for wire in (LENGTH + b"hello", b"not HTTP", CHUNKED + b"zz\r\n"):
        exchange = HTTPExchange(REQUEST)
        assert exchange.receive_data(wire)
        assert exchange.receive_data(b"HTTP/1.1 200 OK\r\n\r\n") == []
        assert not exchange.reusable
        assert exchange.receive_eof() == []


def test_an_empty_read_is_no_end() -> None:
    exchange = HTTPExchange(REQUEST)
    assert exchange.receive_data(b"") == []
    exchange.receive_data(UNFRAMED)
    assert exchange.receive_data(b"") == []
    exchange.receive_data(b"x")
    assert exchange.receive_data(b"") == []
    assert exchange.receive_eof() == [End()]


def test_bytes_after_the_end_are_refused_and_change_nothing() -> None:
    exchange = HTTPExchange(REQUEST)
    exchange.receive_data(LENGTH)
    exchange.receive_eof()
    with pytest.raises(LocalProtocolError):
        exchange.receive_data(b"hello")
    with pytest.raises(LocalProtocolError):
        exchange.receive_eof()
