"""Chunked bodies: the exchange understands by them what h11 does, though it shows h11 few of them."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import Body, End, Head, HTTPExchange, Lost, Request
from sansio.http import Input
from sansio.http_fast import FastHTTPExchange
from sansio.testing.strategies import chunkings

REQUEST = Request.post("http://localhost:8000/v1/chat", (), b"{}")
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"

_SIZES = ("%x", "%X", "%05x", "%020x", "%021x", "0x%x", "+%x", "-%x", " %x", "%x ", "%x;a=b", "%x_0", "")
_LINE_ENDS: st.SearchStrategy[bytes] = st.sampled_from(
    (b"\r\n",) * 8 + (b"\n", b"\r", b"", b"\r\r\n", b"\n\r\n", b"x\r\n")
)


@st.composite
def chunks(draw: st.DrawFn) -> bytes:
    """One chunk, mostly plain, or something that looks like one."""
    data: bytes = draw(
        st.binary(min_size=1, max_size=40) | st.sampled_from((b"\r\n", LAST, b"5\r\nhello\r\n"))
    )
    size: str = draw(st.just("%x") | st.sampled_from(_SIZES))
    line: bytes = (size % len(data) if "%" in size else size).encode()
    return line + draw(_LINE_ENDS) + data + draw(_LINE_ENDS)


_WIRES = st.tuples(
    st.sampled_from((HEAD, HEAD, HEAD, HEAD.replace(b"200 OK", b"204 "), HEAD.replace(b"1.1", b"1.0"))),
    st.lists(chunks(), max_size=6).map(b"".join),
    st.sampled_from((LAST, LAST, b"", b"0\r\nX: y\r\n\r\n", b"00\r\n\r\n", LAST + b"5\r\nhello\r\n")),
).map(b"".join)


def by_h11(wire: bytes) -> tuple[bytes, str]:
    """The body that h11 alone finds, and how it ends."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "-"), ("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    body = b""
    try:
        for piece in (wire, b""):
            connection.receive_data(piece)
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.EndOfMessage):
                    return body, "whole"
                if isinstance(event, h11.Data):
                    body += event.data
    except h11.RemoteProtocolError:
        return body, "broken"
    return body, "cut"


def summed_up(inputs: list[Input]) -> tuple[bytes, str]:
    """The same of an exchange's inputs."""
    assert isinstance(inputs[0], Head)
    body = b"".join(value.data for value in inputs if isinstance(value, Body))
    return body, "broken" if isinstance(inputs[-1], Lost) else "whole"


@given(data=st.data(), wire=_WIRES)
def test_a_chunked_body_is_what_h11_takes_it_for(data: st.DataObject, wire: bytes) -> None:
    exchange = HTTPExchange(REQUEST)
    inputs: list[Input] = []
    for piece in data.draw(chunkings(wire)):
        inputs += exchange.receive_data(piece)
    inputs += exchange.receive_eof()
    assert summed_up(inputs) == by_h11(wire)


@pytest.mark.parametrize("make", [HTTPExchange, FastHTTPExchange])
@given(data=st.data(), parts=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8))
def test_a_connection_serves_again_after_plain_chunks(
    make: type[HTTPExchange], data: st.DataObject, parts: list[bytes]
) -> None:
    wire = HEAD + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + LAST
    exchange = make(REQUEST)
    exchange.data_to_send()
    inputs: list[Input] = []
    for piece in data.draw(chunkings(wire)):
        inputs += exchange.receive_data(piece)
        assert exchange.reusable == (End() in inputs)
    assert inputs[-1] == End()
