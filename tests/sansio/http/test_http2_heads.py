"""The heads of HTTP/2, without frames."""

from __future__ import annotations

import pytest
from msgspec import structs

from sansio import Head, Request
from sansio.http.http2_heads import read_head, write_head
from tests.support import for_each

OF_ONE_CONNECTION = ("connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade")
"""What HTTP/2 forbids: RFC 9113, section 8.2.2."""


@pytest.mark.parametrize("name", OF_ONE_CONNECTION)
def test_headers_of_one_connection_are_neither_sent_nor_taken(name: str) -> None:
    request = Request.post("http://localhost/v1", ((name, "x"), ("x-kept", "y")), b"{}")
    written = [field for field, _ in write_head(request) or ()]
    assert name.encode() not in written
    assert b"x-kept" in written
    assert read_head([(b":status", b"200"), (name.encode(), b"x")]) is None


def test_another_header_is_taken() -> None:
    found = read_head([(b":status", b"200"), (b"x-kept", b" y ")])
    assert found is not None
    assert (found.status, found.headers) == (200, (("x-kept", "y"),))


STATUS = (b":status", b"200")


def test_a_final_status_has_three_digits_and_is_first() -> None:
    for status in range(200, 1_000):
        assert read_head([(b":status", b"%d" % status), (b"x", b"y")]) == Head(status, (("x", "y"),))
    assert read_head([STATUS, (b"set-cookie", b"a"), (b"set-cookie", b"\t b\xe9 ")]) == Head(
        200, (("set-cookie", "a"), ("set-cookie", "bé"))
    )


@for_each(
    [
        [],
        [(b"x", b"y")],
        [STATUS, STATUS],
        [(b"x", b"y"), STATUS],
        [(b":status", b"000"), STATUS, STATUS],
        [(b":status", b"100")],
        [(b":status", b"199")],
        [(b":status", b"20")],
        [(b":status", b"2000")],
        [(b":status", b"0200")],
        [(b":status", b"2x0")],
        [(b":status", b"+20")],
        [(b":status", "²00".encode("latin-1"))],
        [(b":status", b"")],
        [STATUS, (b":path", b"/")],
        [STATUS, (b"X", b"y")],
        [STATUS, (b"", b"y")],
        [STATUS, (b"x y", b"z")],
        [STATUS, (b"x:", b"z")],
        [STATUS, ("é".encode("latin-1"), b"z")],
        [STATUS, (b"x", b"a\nb")],
        [STATUS, (b"x", b"a\0")],
        [STATUS, (b"x", b"a\x7f")],
    ]
)
def test_malformed_fields_are_not_a_head(fields: list[tuple[bytes, bytes]]) -> None:
    assert read_head(fields) is None


REQUEST = Request(
    "POST", "https", "h", 8443, "/v1?a=b", (("Host", "h:8443"), ("Content-Length", "2"), ("X", "é")), b"{}"
)


def test_a_request_has_its_method_scheme_authority_and_path_first() -> None:
    assert write_head(REQUEST) == [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", b"h:8443"),
        (b":path", b"/v1?a=b"),
        (b"content-length", b"2"),
        (b"x", b"\xe9"),
    ]
    bare = structs.replace(REQUEST, method="GET", scheme="http", headers=(), body=b"")
    assert write_head(bare) == [
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":authority", b""),
        (b":path", b"/v1?a=b"),
    ]


@for_each(
    [
        structs.replace(REQUEST, method="PO ST"),
        structs.replace(REQUEST, method=""),
        structs.replace(REQUEST, target="/a b"),
        structs.replace(REQUEST, target=""),
        structs.replace(REQUEST, target="/é"),
        structs.replace(REQUEST, body=b"{ }"),
        structs.replace(REQUEST, headers=REQUEST.headers[:1]),
        structs.replace(REQUEST, headers=(*REQUEST.headers, ("x y", "z"))),
        structs.replace(REQUEST, headers=(*REQUEST.headers, ("x", " z"))),
        structs.replace(REQUEST, headers=(("x", "a\r\nb"), *REQUEST.headers)),
        structs.replace(REQUEST, headers=(*REQUEST.headers, ("x", "☃"))),
    ]
)
def test_a_request_that_cannot_be_written_has_no_fields(request: Request) -> None:
    assert write_head(request) is None
