"""The heads of responses: ordinary ones are read without h11, and all others as h11 reads them."""

from __future__ import annotations

import re
import sys

import pytest

from sansio import RemoteProtocolError
from sansio.http import header
from sansio.http.heads import ResponseHead, head_end, is_framed_twice, read_head
from tests.support import for_all, for_each

LENGTH = b"content-length: 5\r\n"
TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""The characters of a name: RFC 9110, section 5.6.2."""
VALUE = bytes((9, *range(0x20, 0x7F), *range(0x80, 0x100)))
"""The bytes of a value: RFC 9110, section 5.5."""


@pytest.fixture
def no_h11(monkeypatch: pytest.MonkeyPatch) -> None:
    """h11 cannot be imported, as in most programs it never is."""
    monkeypatch.setitem(sys.modules, "h11", None)


def read(data: bytes, method: str = "POST") -> ResponseHead:
    head = read_head(data, method)
    assert head is not None
    return head


@pytest.mark.usefixtures("no_h11")
def test_a_final_status_with_any_reason_is_read_here() -> None:
    for status in range(200, 1_000):
        for reason in (b"", b" ", b" OK", b" " + bytes((9, *range(0x20, 0x7F)))):
            head = read(b"HTTP/1.1 %d%b\r\n%b\r\n" % (status, reason, LENGTH))
            assert head == ResponseHead(status, (("content-length", "5"),), keeps=True)


@pytest.mark.usefixtures("no_h11")
def test_a_name_and_a_value_of_every_character_are_read_here() -> None:
    for char in TOKEN:
        head = read(f"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n{char}x{char}: 1\r\n\r\n".encode())
        assert head.headers == (("content-length", "5"), (f"{char}x{char}".lower(), "1"))
    for byte in VALUE:
        value = bytes((byte, 0x78, byte))
        head = read(b"HTTP/1.1 200 OK\r\nX-Y:%b\r\nContent-Length: 5\r\n\r\n" % value)
        assert head.headers[0] == ("x-y", value.decode("latin-1").strip(" \t"))


@pytest.mark.usefixtures("no_h11")
@for_all(
    (
        ("framing", "headers"),
        [
            (b"Content-Length: 0", (("content-length", "0"),)),
            (b"content-length:5", (("content-length", "5"),)),
            (b"CONTENT-LENGTH: \t123456789012345 \t", (("content-length", "123456789012345"),)),
            (b"Transfer-Encoding: chunked", (("transfer-encoding", "chunked"),)),
            (b"Content-Length: 5\r\nConnection: keep-alive", None),
            (b"Connection: Keep-Alive\r\nTransfer-Encoding: chunked", None),
        ],
    ),
    ("more", [b"", b"X-Empty:\r\n", b"Set-Cookie: a\r\nSet-Cookie: b\r\n", b"X-Colon: http://h:80/: \r\n"]),
)
def test_a_body_with_one_framing_leaves_the_connection_open(
    framing: bytes, headers: tuple[tuple[str, str], ...] | None, more: bytes
) -> None:
    head = read(b"HTTP/1.1 200 OK\r\n" + more + framing + b"\r\n\r\n")
    assert (head.status, head.keeps) == (200, True)
    assert headers is None or head.headers[more.count(b"\n") :] == headers
    assert (
        head.headers[: more.count(b"\n")]
        == {
            b"": (),
            b"X-Empty:\r\n": (("x-empty", ""),),
            b"Set-Cookie: a\r\nSet-Cookie: b\r\n": (("set-cookie", "a"), ("set-cookie", "b")),
            b"X-Colon: http://h:80/: \r\n": (("x-colon", "http://h:80/:"),),
        }[more]
    )


@for_all(
    (
        ("head", "keeps"),
        [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", False),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", False),
            (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nTransfer-Encoding: chunked\r\n\r\n", False),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x, close\r\n\r\n", False),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", False),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", False),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", True),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x\r\n\r\n", True),
            (b"HTTP/1.1 200 OK\nContent-Length: 5\n\n", True),
            (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nTransfer-Encoding: Chunked\r\n\r\n", True),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1234567890123456\r\n\r\n", True),
        ],
    )
)
def test_other_heads_say_too_whether_the_connection_stays_open(head: bytes, keeps: bool) -> None:
    """RFC 9112, sections 6.3 and 9.3."""
    assert (read(head).status, read(head).keeps) == (200, keeps)


def test_a_value_of_latin_1_and_a_folded_one_are_read_by_h11_too() -> None:
    head = read(b"HTTP/1.0 200 OK\r\nX-Y: \xe9\xff\r\nX-Z: a\r\n  b\r\n\r\n")
    assert (header(head.headers, "x-y"), header(head.headers, "x-z")) == ("éÿ", "a b")


def test_an_informational_head_is_passed_over() -> None:
    for status in (100, 102, 103, 199):
        assert read_head(b"HTTP/1.1 %d X\r\n\r\n" % status, "POST") is None
        assert read_head(b"HTTP/1.1 %d X\r\n%b\r\n" % (status, LENGTH), "POST") is None


@for_each(
    [
        b"HTTP/1.1 099 X\r\n" + LENGTH,
        b"HTTP/1.1 20 X\r\n" + LENGTH,
        b"HTTP/1.1 2000 X\r\n" + LENGTH,
        b"HTTP/1.1 2a0 X\r\n" + LENGTH,
        b"HTTP/1x1 200 OK\r\n" + LENGTH,
        b"XHTTP/1.1 200 OK\r\n" + LENGTH,
        b"HTTP/1.1 200 O\0K\r\n" + LENGTH,
        b"HTTP/1.1 200 OK\r\nX Y: z\r\n" + LENGTH,
        b"HTTP/1.1 200 OK\r\nX : z\r\n" + LENGTH,
        b"HTTP/1.1 200 OK\r\nno colon\r\n" + LENGTH,
        b"HTTP/1.1 200 OK\r\n: no name\r\n" + LENGTH,
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\n" + LENGTH,
        b"HTTP/1.1 200 OK\r\n folded\r\n" + LENGTH,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length:\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 123456789012345678901\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ]
)
def test_a_malformed_head_is_refused_without_its_bytes(head: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_head(head + b"\r\n", "POST")
    assert re.match("malformed HTTP: [A-Za-z]", caught.value.message), caught.value.message
    assert "bytearray" not in caught.value.message
    assert caught.value.__context__ is None


def test_a_switch_of_protocols_is_named() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_head(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "POST")
    assert caught.value.message == "malformed HTTP: the server switched protocols"


@pytest.mark.parametrize(
    ("names", "twice"),
    [
        (("content-length", "transfer-encoding"), True),
        (("x", "transfer-encoding", "y", "content-length"), True),
        (("content-length", "content-length"), False),
        (("transfer-encoding", "x"), False),
        ((), False),
    ],
)
def test_a_body_is_framed_twice_by_a_length_beside_a_coding(names: tuple[str, ...], twice: bool) -> None:
    assert is_framed_twice(tuple((name, "5") for name in names)) is twice


@for_each(
    [b"\n", b"\r\n", b"a\n\n", b"a\n\r\n", b"a\r\n\n", b"a\r\n\r\n", b"a: b\r\nc: d\r\n\r\n", b"\r\r\n\r\n"]
)
def test_a_head_ends_with_its_first_blank_line_wherever_the_search_goes_on(head: bytes) -> None:
    for searched in range(len(head)):
        if searched == 0 or not head.startswith((b"\n", b"\r\n")):
            assert head_end(bytearray(head + b"\n\n\r\n\r\n"), searched) == len(head)
            assert head_end(bytearray(head[:-1]), searched) is None
