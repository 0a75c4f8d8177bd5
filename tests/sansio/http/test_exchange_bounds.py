"""What an exchange's limit counts, and the details of a loss."""

from __future__ import annotations

from typing import Any

import pytest
import rich.pretty
from msgspec import structs

from sansio import HTTPExchange, Lost, ProviderError, Request
from sansio.errors import APIConnectionError, LimitExceededError, LocalProtocolError, RemoteProtocolError
from sansio.http import Body, End, Head
from tests.laws.oracle import calls_made
from tests.support import every_split

REQUEST = Request.post("http://localhost/v1", (), b"{}")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def lost(pieces: list[bytes], *, limit: int = 100, eof: bool = False) -> ProviderError:
    """The error of an exchange that is lost."""
    exchange = HTTPExchange(REQUEST, max_header_bytes=limit)
    inputs = [item for piece in pieces for item in exchange.receive_data(piece)]
    if eof:
        inputs += exchange.receive_eof()
    assert isinstance(inputs[-1], Lost)
    return inputs[-1].error


LOSSES: dict[str, tuple[bytes, bool, type[ProviderError]]] = {
    "no answer": (b"", True, APIConnectionError),
    "half an answer": (CHUNKED, True, APIConnectionError),
    "another protocol": (b"SSH-2.0", False, RemoteProtocolError),
    "a switch": (b"HTTP/1.1 101 X\r\n\r\n", False, RemoteProtocolError),
    "a long head": (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100, False, LimitExceededError),
    "a long line": (CHUNKED + b"5;" + b"a" * 100, False, LimitExceededError),
    "no size": (CHUNKED + b"zz\r\n", False, RemoteProtocolError),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_of_its_kind_and_names_the_limit_where_one_was_passed(name: str) -> None:
    wire, eof, kind = LOSSES[name]
    error = lost([wire], eof=eof)
    assert type(error) is kind
    assert error.field == ("max_header_bytes" if kind is LimitExceededError else None)


@pytest.mark.parametrize("wire", [b"", b"HTTP/1.1 200 OK\r\n", CONTINUE, CHUNKED, CHUNKED + b"1\r\na"])
def test_a_close_is_before_an_answer_or_inside_it(wire: bytes) -> None:
    error = str(lost([wire], eof=True))
    assert ("inside its answer" in error) == wire.startswith(CHUNKED)
    assert ("before it answered" in error) != wire.startswith(CHUNKED)


@pytest.mark.parametrize("wire", [b"HT", b"HTTP/1.1 200 OK\r\n", b"SSH"])
@pytest.mark.parametrize("room", [1, 2, 3, 4, 6, 7])
def test_what_a_head_began_with_does_not_count_beyond_the_limit(wire: bytes, room: int) -> None:
    limit = len(CONTINUE) + room
    whole = CONTINUE + wire + b"?" * 20
    kinds = {type(lost(pieces, limit=limit)) for pieces in every_split(whole)}
    wrong = not b"HTTP/1.".startswith((wire + b"?" * 20)[: min(room, 7)])
    assert kinds == {RemoteProtocolError if wrong else LimitExceededError}


@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"0\r\nT: t\r\n\r\n"])
def test_bytes_behind_the_last_chunk_do_not_count_as_trailers(end: bytes) -> None:
    exchange = HTTPExchange(REQUEST, max_header_bytes=100)
    inputs = exchange.receive_data(CHUNKED + b"2\r\nok\r\n" + end + b"x" * 200 + b"\n")
    assert inputs[1:] == [Body(b"ok"), End()]
    assert not exchange.reusable


def test_a_chunk_size_counts_in_hexadecimal_digits_of_either_case() -> None:
    data = b"a" * 0x1F
    for size in (b"1f", b"1F", b"01f"):
        exchange = HTTPExchange(REQUEST, max_header_bytes=64)
        head, *rest = exchange.receive_data(CHUNKED + size + b"\r\n" + data + b"\r\n0\r\n\r\n")
        assert isinstance(head, Head)
        assert rest == [Body(data), End()]
        assert exchange.reusable


def test_rich_is_shown_the_address_the_headers_names_and_the_size() -> None:
    shown: Any = rich.pretty.traverse(REQUEST)
    assert [(child.key_repr, child.value_repr) for child in shown.children if not child.children] == [
        ("url", "'http://localhost/v1'"),
        ("size", "2"),
    ]
    (headers,) = (child for child in shown.children if child.children)
    assert headers.key_repr == "headers"
    assert [name.value_repr for name in headers.children] == [repr(name) for name, _ in REQUEST.headers]


@pytest.mark.parametrize("value", [REQUEST, Head(200), Body(b""), Lost(APIConnectionError("lost"))], ids=repr)
def test_what_went_over_the_wire_cannot_be_changed(value: Any) -> None:
    for name in value.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_an_end_is_equal_to_an_end_and_can_be_kept_in_a_set() -> None:
    assert {End(), End()} == {End()}


def test_ordinary_chunks_take_few_steps_each() -> None:
    chunks = b"5\r\nhello\r\n" * 100
    exchange = HTTPExchange(REQUEST)
    exchange.receive_data(CHUNKED)
    taken = calls_made(lambda: exchange.receive_data(chunks))
    other = HTTPExchange(REQUEST)
    other.receive_data(CHUNKED)
    assert taken < 550 < calls_made(lambda: other.receive_data(chunks.replace(b"5\r", b"5;\r")))


@pytest.mark.parametrize(
    ("wire", "words"),
    [
        (b"", "the server closed the connection before it answered"),
        (CHUNKED, "the server closed the connection inside its answer"),
        (b"SSH-2.0", "the server's answer is not HTTP/1.x"),
        (CHUNKED + b"zz\r\n", "malformed HTTP: invalid chunk size"),
        (CHUNKED + b"5;" + b"a" * 99, "a chunk's size line, or the trailers, are longer than 100 bytes"),
        (
            CHUNKED + b"0\r\nX: " + b"a" * 99,
            "a chunk's size line, or the trailers, are longer than 100 bytes",
        ),
        (CHUNKED + b"0\r\nX\r\n\r\n", "malformed HTTP: invalid trailer"),
        (CHUNKED + b"2\r\nokX", "malformed HTTP: a chunk that is longer than its size"),
        (CHUNKED + b"2\n", "malformed HTTP: a line between chunks that ends without CRLF"),
        (b"HTTP/1.1 200 OK\r\n" + b"a" * 99, "the heads of the response are longer than 100 bytes"),
    ],
)
def test_a_loss_says_what_the_server_did(wire: bytes, words: str) -> None:
    exchange = HTTPExchange(REQUEST, max_header_bytes=100)
    *_, last = [*exchange.receive_data(wire), *exchange.receive_eof()]
    assert isinstance(last, Lost)
    assert last.error.message == words


@pytest.mark.parametrize(
    "trailers",
    [
        b"",
        b"X: y\r\n",
        b"X:\n",
        b"x-y: a\x01b\xff\t\r\nz: 1\n",
        b"X: a\r\n b\r\n\tc\r\n",
        b"!#$%&'*+-.^_`|~09AZaz: 1\r\n",
    ],
)
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_trailers_that_h11_takes_end_a_body(trailers: bytes, end: bytes) -> None:
    for pieces in every_split(CHUNKED + b"1\r\na\r\n0\r\n" + trailers + end):
        exchange = HTTPExchange(REQUEST)
        inputs = [item for piece in pieces for item in exchange.receive_data(piece)]
        assert inputs[1:] == [Body(b"a"), End()]
        assert exchange.reusable


@pytest.mark.parametrize(
    "trailers",
    [
        b"X y: z\r\n",
        b"X : z\r\n",
        b": z\r\n",
        b" X: z\r\n",
        b"X: a\0b\r\n",
        b"X: a\x0bb\n",
        b"X: a\x0cb\n",
        b"X: a\rb\n",
        b"X: a\r\n b\0\r\n",
    ],
)
def test_trailers_that_h11_refuses_are_malformed(trailers: bytes) -> None:
    error = lost([CHUNKED + b"0\r\n" + trailers + b"\r\n"])
    assert type(error) is RemoteProtocolError


def test_a_chunks_size_is_hexadecimal() -> None:
    for digit in b"0123456789abcdefABCDEF":
        for extra in (b"", b";a=b", b" ", b"\t "):
            size = bytes((digit, digit))
            exchange = HTTPExchange(REQUEST)
            inputs = exchange.receive_data(CHUNKED + size + extra + b"\r\n" + b"x" * 300)
            assert sum(len(item.data) for item in inputs if isinstance(item, Body)) == min(int(size, 16), 300)
    for wrong in (
        b"g",
        b"-1",
        b"+1",
        b"0x1",
        b"1_1",
        b" 1",
        b"",
        b";a",
        b"1" * 21,
        b"1 a",
        b"/",
        b":",
        b"@",
        b"G",
        b"`",
    ):
        assert type(lost([CHUNKED + wrong + b"\r\n"])) is RemoteProtocolError


def test_a_body_without_bytes_has_none() -> None:
    for method, status, headers in (
        ("HEAD", 200, b"Content-Length: 5\r\n"),
        ("POST", 204, b""),
        ("POST", 304, b""),
    ):
        exchange = HTTPExchange(structs.replace(REQUEST, method=method))
        inputs = exchange.receive_data(b"HTTP/1.1 %d X\r\n%b\r\n" % (status, headers))
        assert isinstance(inputs[0], Head)
        assert (inputs[0].status, inputs[1:]) == (status, [End()])
        assert exchange.reusable
    for status in (200, 203, 205, 206, 303, 305):
        exchange = HTTPExchange(REQUEST)
        assert exchange.receive_data(b"HTTP/1.1 %d X\r\nContent-Length: 1\r\n\r\na" % status)[1:] == [
            Body(b"a"),
            End(),
        ]


def test_input_after_the_end_of_the_connection_is_refused_by_name() -> None:
    exchange = HTTPExchange(REQUEST)
    exchange.receive_eof()
    with pytest.raises(LocalProtocolError, match=r"^receive_eof\(\) twice$"):
        exchange.receive_eof()
    with pytest.raises(LocalProtocolError, match=r"^receive_data\(\) after receive_eof\(\)$"):
        exchange.receive_data(b"")
