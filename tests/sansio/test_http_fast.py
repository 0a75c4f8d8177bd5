"""The exchange on httptools: the same as on h11, but where it refuses more. Its laws stand in tests/laws."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import Body, End, Head, HTTPExchange, LimitExceededError, LocalProtocolError, Lost, Request
from sansio.errors import APIConnectionError, RemoteProtocolError
from sansio.http import Headers, Input
from sansio.http_fast import FastHTTPExchange
from tests.laws.test_exchange_laws import HOSTILE, LIMITS, RESPONSES, Answered, plain, receive

REQUEST = Request.post("http://localhost:8000/v1/chat", (("authorization", "Bearer sk-secret"),), b"{}")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def read(wire: bytes, **limit: int) -> list[Input]:
    return receive(FastHTTPExchange(REQUEST, **limit), [wire])


def refusal(wire: bytes) -> str:
    """The words with which a response is refused as malformed."""
    last = read(wire)[-1]
    assert isinstance(last, Lost)
    assert type(last.error) is RemoteProtocolError
    return str(last.error)


@given(response=RESPONSES)
def test_a_sound_response_is_the_same_as_on_h11(response: Answered) -> None:
    fast, slow = FastHTTPExchange(REQUEST), HTTPExchange(REQUEST)
    assert fast.receive_data(response.wire) == slow.receive_data(response.wire)
    assert fast.reusable == slow.reusable
    for exchange in (fast, slow):
        exchange.receive_data(b"x")
    assert fast.reusable == slow.reusable == False  # noqa: E712, three values compared


@given(wire=HOSTILE, limit=LIMITS)
def test_what_passes_here_passes_on_h11(wire: bytes, limit: int) -> None:
    """It may refuse more, but must not understand otherwise."""
    here = plain(receive(FastHTTPExchange(REQUEST, max_header_bytes=limit), [wire]))
    if here[-1] == End():
        assert here == plain(receive(HTTPExchange(REQUEST, max_header_bytes=limit), [wire]))


_TEXT = st.text(st.characters(max_codepoint=0x17F), max_size=8)


@given(method=st.sampled_from(("POST", "GET", "P T", "")), target=_TEXT.map("/".__add__) | _TEXT, name=_TEXT,
       value=_TEXT)  # fmt: skip
def test_a_request_is_written_or_refused_as_on_h11(method: str, target: str, name: str, value: str) -> None:
    headers: Headers = (*REQUEST.headers, (name, value))
    request = Request(method, "http", "h", 80, target, headers, b"{}")
    assert written(FastHTTPExchange, request) == written(HTTPExchange, request)


def written(make: type[HTTPExchange], request: Request) -> bytes | str:
    """The request's bytes, or why there are none."""
    try:
        return make(request).data_to_send()
    except LocalProtocolError as error:
        return str(error)


def test_until_the_end_of_the_connection() -> None:
    exchange = FastHTTPExchange(REQUEST)
    assert exchange.receive_data(b"HTTP/1.0 200 OK\r\n\r\nall ")[1:] == [Body(b"all ")]
    assert exchange.receive_data(b"of it") == [Body(b"of it")]
    assert exchange.receive_eof() == [End()]
    assert not exchange.reusable


@pytest.mark.parametrize(
    "head", [b"Content-Length: 5\r\n\r\nhell", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"]
)
def test_a_body_that_was_cut_is_lost(head: bytes) -> None:
    last = read(b"HTTP/1.1 200 OK\r\n" + head)[-1]
    assert isinstance(last, Lost)
    assert isinstance(last.error, APIConnectionError)


@pytest.mark.parametrize(
    ("wire", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "only the transfer coding 'chunked'",
        ),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "switched protocols"),
        (b"HTTP/1.1 101 Switching\r\n\r\n", "switched protocols"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "malformed HTTP"),
        (CHUNKED + b"0x5\r\nhello\r\n", "a chunk size that is none"),
        (CHUNKED + b"5_0\r\n", "a chunk size that is none"),
        (CHUNKED + b"123456789012345678901\r\n", "a chunk size that is none"),
        (CHUNKED + b"5\nhello", "without CRLF"),
        (CHUNKED + b"5\r\nhello!\r\n", "longer than its size"),
        (CHUNKED + b"0\r\nno trailer\r\n\r\n", "a trailer that is none"),
    ],
)
def test_what_is_malformed_is_refused(wire: bytes, words: str) -> None:
    assert words in refusal(wire)


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(status: int) -> None:
    inputs = read(b"HTTP/1.1 %d Nothing\r\nContent-Length: 5\r\n\r\n" % status)
    assert isinstance(inputs[0], Head)
    assert inputs[1:] == [End()]


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", False),
        (b"HTTP/1.1 304 Same\r\nConnection: close\r\n\r\n", False),
    ],
)
def test_a_connection_is_kept_where_the_server_keeps_it(head: bytes, kept: bool) -> None:
    exchange = FastHTTPExchange(REQUEST)
    assert exchange.receive_data(head)[-1] == End()
    assert exchange.reusable == kept


def test_folded_and_bare_lines_are_read_as_h11_reads_them() -> None:
    wire = b"HTTP/1.1 200 OK\nX: a\n  b\r\nContent-Length: 0\r\n\n"
    assert read(wire) == receive(HTTPExchange(REQUEST), [wire])


@pytest.mark.parametrize(
    ("size", "wire"),
    [
        (48, CHUNKED + b"5;" + b"x" * 44 + b"\r\nhello\r\n0\r\n\r\n"),
        (48, CHUNKED + b"0\r\nX: " + b"x" * 41 + b"\r\n\r\n"),
    ],
)
def test_a_line_between_chunks_as_long_as_the_limit_passes(size: int, wire: bytes) -> None:
    assert read(wire, max_header_bytes=size)[-1] == End()
    last = read(wire, max_header_bytes=size - 1)[-1]
    assert isinstance(last, Lost)
    assert isinstance(last.error, LimitExceededError)
    on_h11 = receive(HTTPExchange(REQUEST, max_header_bytes=size - 1), [wire])[-1]
    assert isinstance(on_h11, Lost)
    assert str(last.error) == str(on_h11.error)


def pieces_of(inputs: Iterable[Input]) -> list[bytes]:
    return [value.data for value in inputs if isinstance(value, Body)]


def test_the_chunks_of_one_feed_are_one_body() -> None:
    exchange = FastHTTPExchange(REQUEST)
    given_inputs = exchange.receive_data(CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n3\r\nand")
    assert pieces_of(given_inputs) == [b"hello worldand"]
    assert exchange.receive_data(b"\r\n0\r\n\r\n") == [End()]
    assert exchange.reusable


@pytest.mark.parametrize("place", ["{0}", "a{0}", "a{0}b", "a{0}{0}b", "a b{0}c", "{0}b", ""])
def test_each_character_in_each_place_of_a_request_is_written_or_refused_as_on_h11(place: str) -> None:
    for code in range(0x101):
        text = place.format(chr(code))
        for request in (
            Request(text, "http", "h", 80, "/", REQUEST.headers, b"{}"),
            Request("POST", "http", "h", 80, f"/{text}", REQUEST.headers, b"{}"),
            Request("POST", "http", "h", 80, "/", (*REQUEST.headers, (text, "value")), b"{}"),
            Request("POST", "http", "h", 80, "/", (*REQUEST.headers, ("name", text)), b"{}"),
        ):
            assert written(FastHTTPExchange, request) == written(HTTPExchange, request), request


@pytest.mark.parametrize("value", [b"a", b"a ", b"a \t", b" \ta", b"\t a b\t ", b"", b"  "])
def test_white_space_around_a_value_is_none_of_it(value: bytes) -> None:
    wire = b"HTTP/1.1 200 OK\r\nX:" + value + b"\r\nContent-Length: 0\r\n\r\n"
    head = read(wire)[0]
    assert isinstance(head, Head)
    assert head.headers[0] == ("x", value.decode().strip())
    assert head == receive(HTTPExchange(REQUEST), [wire])[0]
