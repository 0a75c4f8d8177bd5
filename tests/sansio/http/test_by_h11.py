"""The exchange reads every response as h11 does, though it passes few of them to h11."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import End, Head, HTTPExchange, LocalProtocolError, Request
from sansio.http import Input
from sansio.testing.by_h11 import by_h11
from sansio.testing.strategies import chunkings
from tests.laws.mutated import REQUEST, by_exchange, known_difference

CHUNKED = b"Transfer-Encoding: chunked\r\n"
LAST = b"0\r\n\r\n"


_LINE_ENDS: st.SearchStrategy[bytes] = st.sampled_from(
    (b"\r\n",) * 12 + (b"\n", b"\r", b"", b"\r\r\n", b"x\r\n")
)


def lines(*choices: bytes) -> st.SearchStrategy[bytes]:
    return st.tuples(st.sampled_from(choices), _LINE_ENDS).map(b"".join)


_STATUS_LINES = lines(
    *(b"HTTP/1.1 200 OK",) * 8,
    b"HTTP/1.1 200",
    b"HTTP/1.1 200 ",
    b"HTTP/1.1 999 ",
    b"HTTP/1.1 429 Slow\tdown",
    b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 304 ",
    b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK",
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 20 OK",
    b"HTTP/1.1  200 OK",
    b"HTTP/1.1 200 \x00",
    b"HTTP/2 200",
)
_EVERY_LETTER = b"!#$%&'*+-.^_`|~09AZaz: a"  # that a name may have: RFC 9110, section 5.6.2
_FIELDS = lines(
    _EVERY_LETTER,
    b"Content-Length: 5",
    b"content-length:5",
    b"Content-Length: 05",
    b"Content-Length: \xb2",
    b"Content-Length: 5, 5",
    b"Content-Length: 5, 6",
    b"Content-Length: 99999999999999999999999",
    b"Content-Length: -5",
    b"Content-Length:",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: Chunked \t",
    b"Transfer-Encoding: gzip, chunked",
    b"Connection: keep-alive",
    b"Connection: Keep-Alive",
    b"Connection: close",
    b"Connection: x, close",
    b"X-Y: \ta  b\xff\t ",
    b"X-Y:",
    b"X-Y: http://h:80/: ",
    b"X-Y: a\x01b",
    b"X-Y: a\x00b",
    b"X-Y : a",
    b" folded",
    b"X Y: a",
    b"no colon",
    b": no name",
)
_ODD_SIZES = (b"0x5", b"+5", b" 5", b"5 ", b"5_0", b"5;a=b", b"5;", b"", b"a", b"A", b"-5")
_SIZES = st.sampled_from((b"5",) * 8 + (b"05", b"%020x" % 5, b"%021x" % 5) + _ODD_SIZES)
_DATA = st.sampled_from((b"hello", b"\r\n\r\n\n", b"0\r\n\r\n", b"0123456789", b""))
_CHUNKS = st.tuples(_SIZES, _LINE_ENDS, _DATA, _LINE_ENDS).map(b"".join)
_TRAILERS = lines(
    _EVERY_LETTER,
    b"X-Y: a",
    b"X-Y:",
    b"X-Y:\ta \t b ",
    b" folded",
    b"\t",
    b"X-Y : a",
    b"X-Y: a\x0bb",
    b"X\x00: a",
    b"X",
)
_CHUNKED_BODIES = st.tuples(
    st.lists(_CHUNKS, max_size=5).map(b"".join),
    st.sampled_from((b"0\r\n", b"0\r\n", b"00\r\n", b"")),
    st.lists(_TRAILERS, max_size=2).map(b"".join),
    st.sampled_from((b"\r\n", b"\r\n", b"\n", b"", b"\r\n5\r\nhello\r\n")),
).map(b"".join)
_BODIES = st.sampled_from((b"hello", b"hello, and more", b"hell", b"")) | _CHUNKED_BODIES
_HEADS = st.tuples(_STATUS_LINES, st.lists(_FIELDS, max_size=4).map(b"".join), lines(b"")).map(b"".join)


def with_cuts(wires: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[bytes, list[bytes]]]:
    return wires.flatmap(lambda wire: st.tuples(st.just(wire), chunkings(wire).map(list)))


@given(with_cuts(st.tuples(_HEADS, _BODIES).map(b"".join)))
def test_a_response_is_what_h11_takes_it_for(given: tuple[bytes, list[bytes]]) -> None:
    wire, pieces = given
    theirs, ours = by_h11(wire), by_exchange(pieces)
    assert ours == theirs or known_difference(wire, theirs, ours)


@given(
    with_cuts(
        st.tuples(
            st.sampled_from((b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 500 \r\n")),
            st.just(CHUNKED + b"\r\n"),
            _CHUNKED_BODIES,
        ).map(b"".join)
    )
)
def test_a_chunked_body_is_what_h11_takes_it_for(given: tuple[bytes, list[bytes]]) -> None:
    wire, pieces = given
    theirs, ours = by_h11(wire), by_exchange(pieces)
    assert ours == theirs or known_difference(wire, theirs, ours)


@given(data=st.data(), parts=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8))
def test_a_connection_serves_again_after_plain_chunks(data: st.DataObject, parts: list[bytes]) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    wire = b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n" + chunks + LAST
    exchange = HTTPExchange(REQUEST)
    exchange.data_to_send()
    inputs: list[Input] = []
    for piece in data.draw(chunkings(wire)):
        inputs += exchange.receive_data(piece)
        assert exchange.reusable == (End() in inputs)
    assert inputs[-1] == End()


@pytest.mark.parametrize("framing", [b"Content-Length: 5\r\n", b"Content-Length: 5\n", CHUNKED])
def test_an_answer_to_a_head_request_has_no_body(framing: bytes) -> None:
    exchange = HTTPExchange(
        Request("HEAD", "http", "h", 80, "/", (("host", "h"), ("content-length", "0")), b"")
    )
    assert exchange.receive_data(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n")[1:] == [End()]
    assert exchange.reusable


def test_bytes_behind_trailers_that_were_cut_belong_to_no_exchange() -> None:
    for behind in (b"", b"HTTP/1.1 200 OK\r\n"):
        exchange = HTTPExchange(REQUEST)
        exchange.receive_data(b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n0\r\nX-Y: a long one\r\n")
        assert exchange.receive_data(b"\r\n" + behind) == [End()]
        assert exchange.reusable == (not behind)


def test_a_value_may_have_colons() -> None:
    wire = b"HTTP/1.1 200 OK\r\nLocation: http://h:80/:\r\nContent-Length: 0\r\n\r\n"
    head = HTTPExchange(REQUEST).receive_data(wire)[0]
    assert head == Head(200, (("location", "http://h:80/:"), ("content-length", "0")))


@pytest.mark.parametrize("value", [b"a", b"a ", b"a \t", b" \ta", b"\t a b\t ", b"", b"  ", b"a\xff"])
def test_white_space_around_a_value_is_no_part_of_it(value: bytes) -> None:
    wire = b"HTTP/1.1 200 OK\r\nX:" + value + b"\r\nContent-Length: 0\r\n\r\n"
    understood = by_exchange([wire])
    assert understood == by_h11(wire)
    assert understood.headers[0] == ("x", value.decode("latin-1").strip())


def written(request: Request) -> bytes | None:
    """The request's bytes, if it can be written."""
    try:
        return HTTPExchange(request).data_to_send()
    except LocalProtocolError:
        return None


def written_by_h11(request: Request) -> bytes | None:
    """The same by h11, which puts the header `host` first."""
    connection = h11.Connection(h11.CLIENT)
    try:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
        head = h11.Request(method=request.method, target=request.target, headers=headers)
        sent = connection.send(head) or b""
        return sent + (connection.send(h11.Data(data=request.body)) or b"")
    except (h11.LocalProtocolError, UnicodeEncodeError):
        return None


@pytest.mark.parametrize("place", ["{0}", "a{0}", "a{0}b", "a{0}{0}b", "a b{0}c", "{0}b", ""])
def test_a_request_is_written_or_refused_as_by_h11(place: str) -> None:
    """Except control characters in a header's value, which h11 accepts."""
    for char in map(chr, range(0x101)):
        text = place.format(char)
        for request in (
            Request(text, "http", "h", 80, "/", REQUEST.headers, b"{}"),
            Request("POST", "http", "h", 80, f"/{text}", REQUEST.headers, b"{}"),
            Request("POST", "http", "h", 80, "/", (*REQUEST.headers, (text, "value")), b"{}"),
        ):
            assert written(request) == written_by_h11(request), request
        request = Request("POST", "http", "h", 80, "/", (*REQUEST.headers, ("name", text)), b"{}")
        if written(request) != written_by_h11(request):
            assert written(request) is None
            assert text != "\t"
            assert char < " " or char == "\x7f"
