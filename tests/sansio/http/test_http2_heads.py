"""The heads of HTTP/2, without frames."""

from __future__ import annotations

import pytest

from sansio import Request
from sansio.http.http2_heads import read_head, write_head

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
