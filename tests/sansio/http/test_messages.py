"""Requests: their bytes, and the values that their representations hide."""

from __future__ import annotations

from typing import Any

import pytest
import rich.pretty
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sansio.config import ProviderConfig
from sansio.errors import LocalProtocolError
from sansio.http import Headers, HTTPExchange, Request, header
from sansio.http.messages import header_list
from sansio.http.syntax import is_header_value
from tests.support import for_all, frame_locals

REQUEST = Request.post("http://localhost:8000/v1/chat", (("authorization", "Bearer sk-secret"),), b"{}")


def test_a_request_is_these_bytes_once() -> None:
    exchange = HTTPExchange(REQUEST)
    assert exchange.data_to_send() == (
        b"POST /v1/chat HTTP/1.1\r\nhost: localhost:8000\r\ncontent-type: application/json\r\n"
        b"content-length: 2\r\naccept-encoding: identity\r\nauthorization: Bearer sk-secret\r\n\r\n{}"
    )
    assert exchange.data_to_send() == b""


def test_a_get_has_no_body_and_says_nothing_of_one() -> None:
    request = Request.get("http://localhost:8000/v1/models?limit=9", (("accept", "application/json"),))
    assert HTTPExchange(request).data_to_send() == (
        b"GET /v1/models?limit=9 HTTP/1.1\r\nhost: localhost:8000\r\naccept-encoding: identity\r\n"
        b"accept: application/json\r\n\r\n"
    )


def test_a_request_that_cannot_be_written_shows_its_key_in_no_frame() -> None:
    request = structs.replace(REQUEST, headers=(*REQUEST.headers, ("x", "a\nb")))
    with pytest.raises(LocalProtocolError) as caught:
        HTTPExchange(request)
    assert "sk-secret" not in frame_locals(caught.value)


@pytest.mark.parametrize("body", [b"{}", b"x"])
def test_a_body_without_its_length_cannot_be_written(body: bytes) -> None:
    request = structs.replace(Request.get("http://localhost/v1", ()), body=body)
    with pytest.raises(LocalProtocolError, match="cannot be written"):
        HTTPExchange(request)


@pytest.mark.parametrize(
    ("url", "host", "target", "origin"),
    [
        ("https://api.openai.com/v1", "api.openai.com", "/v1", ("https", "api.openai.com", 443)),
        ("https://h", "h", "/", ("https", "h", 443)),
        ("http://h:80/a?b=c", "h", "/a?b=c", ("http", "h", 80)),
        ("https://h:80/a", "h:80", "/a", ("https", "h", 80)),
        ("http://[::1]:8000/v1", "[::1]:8000", "/v1", ("http", "::1", 8000)),
        ("http://[::1]/v1", "[::1]", "/v1", ("http", "::1", 80)),
    ],
)
def test_a_url_becomes_host_target_and_origin(
    url: str, host: str, target: str, origin: tuple[str, str, int]
) -> None:
    request = Request.post(url, (), b"")
    assert (header(request.headers, "host"), request.target, request.origin) == (host, target, origin)
    assert Request.post(request.url, (), b"") == request
    assert b"\r\nhost: " + host.encode() + b"\r\n" in HTTPExchange(request).data_to_send()


@pytest.mark.parametrize(
    "url", ["", "localhost:8000/v1", "/v1", "ftp://h/", "http://", "http://h:99999/", "http://[::1"]
)
def test_a_url_that_is_not_absolute_is_refused(url: str) -> None:
    with pytest.raises(LocalProtocolError, match="not an absolute"):
        Request.post(url, (), b"")


@given(st.binary(max_size=300))
def test_a_body_of_any_bytes_is_sent_as_it_is(body: bytes) -> None:
    sent = HTTPExchange(Request.post("http://h/", (), body)).data_to_send()
    head, _, rest = sent.partition(b"\r\n\r\n")
    assert rest == body
    assert b"content-length: %d" % len(body) in head


@given(st.text(st.characters(max_codepoint=0x17F), max_size=12))
def test_every_header_value_that_the_config_takes_can_be_sent_as_it_is(value: str) -> None:
    request = Request.post("http://h/", (("x-any", value),), b"")
    if is_header_value(value):
        sent = HTTPExchange(request).data_to_send()
        assert b"x-any: " + value.encode("latin-1") + b"\r\n" in sent
        assert ProviderConfig(extra_headers={"X-Any": value}).extra_headers["X-Any"] == value


@pytest.mark.parametrize(
    "broken",
    [
        (("x", "a\r\nb"),),
        (("x", "a\nb"),),
        (("x y", "z"),),
        (("x", "\u20ac"),),
        (("x", " padded "),),
        (("é", "z"),),
    ],
)
def test_an_invalid_request_is_refused_without_showing_its_values(broken: Headers) -> None:
    request = Request.post("http://h/", (*broken, ("authorization", "Bearer sk-secret")), b"")
    with pytest.raises(LocalProtocolError) as caught:
        HTTPExchange(request)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_no_representation_of_a_request_shows_a_value() -> None:
    shown: list[Any] = [REQUEST, (REQUEST,), HTTPExchange(REQUEST)]
    for value in shown:
        for text in (repr(value), str(value), f"{value}", rich.pretty.pretty_repr(value)):
            assert "secret" not in text
    assert repr(REQUEST) == (
        "<Request POST http://localhost:8000/v1/chat headers=(host, content-type, content-length, "
        "accept-encoding, authorization) body=2 bytes>"
    )
    assert "authorization" in rich.pretty.pretty_repr(REQUEST)


def header_line(name: str, value: str) -> bytes:
    """The last header of a request to which this header is added, as it is sent."""
    request = Request.post("http://h/", ((name, value),), b"")
    return HTTPExchange(request).data_to_send().splitlines(keepends=True)[-2]


@for_all(("letter", "!#$%&'*+-.^_`|~0159AMZamz"))
def test_a_name_may_have_every_letter_of_a_token(letter: str) -> None:
    """RFC 9110, section 5.6.2."""
    assert header_line(letter, "x") == letter.encode() + b": x\r\n"


@pytest.mark.parametrize("value", ["", "a", "a b", "a \t  b", "a\tb c", "a 0\\x", "\x80\xff"])
def test_a_value_may_have_blanks_inside(value: str) -> None:
    """RFC 9110, section 5.5."""
    assert header_line("x", value) == b"x: %b\r\n" % value.encode("latin-1")


@pytest.mark.parametrize(
    "value", [" a", "a ", "a\n", "a b\nc: d", "a \x00", "a \x0bb", "\r\n", "Ā", "\x01", "a\x7f"]
)
def test_a_value_that_could_end_its_line_or_begin_with_blanks_is_refused(value: str) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be written"):
        header_line("x", value)


@pytest.mark.parametrize(("url", "target"), [
    ("https://h/v1/responses", "/v1/responses/a%2F..%3Fb?n=1"),
    ("https://h:8443/responses?api-version=x", "/responses/a%2F..%3Fb?api-version=x&n=1"),
])  # fmt: skip
def test_a_get_below_an_address_keeps_server_headers_and_query(url: str, target: str) -> None:
    request = Request.post(url, (("accept", "x"), ("my-header", "y")), b"{}")
    below = request.below("a/..?b", "n=1")
    assert (below.method, below.target, below.body) == ("GET", target, b"")
    assert below.origin == request.origin
    assert below.headers == tuple(
        pair for pair in request.headers if pair[0] not in ("content-type", "content-length")
    )


def test_another_body_has_its_own_length_and_the_rest_stays() -> None:
    request = Request.post("https://e:8443/v1?a=b", (("content-lengths", "1"), ("x", "2")), b"{}")
    longer = request.with_body(b"x" * 12)
    assert longer == Request.post("https://e:8443/v1?a=b", (("content-lengths", "1"), ("x", "2")), b"x" * 12)
    assert header(longer.headers, "content-length") == "12"
    assert longer.with_body(b"{}") == request


def test_the_values_of_one_name_are_one_list() -> None:
    headers = (("A", "1"), ("b", "2"), ("a", "3"))
    assert (header_list(headers, "a"), header_list(headers, "b"), header_list(headers, "c")) == (
        "1, 3",
        "2",
        "",
    )
    assert header(headers, "a") == "1"


def test_each_field_of_a_request_is_taken_from_its_address() -> None:
    request = Request.post("HTTPS://User.Example:8443/a/b?c=d&e", (("x", "y"),), b"body", "text/plain")
    assert structs.asdict(request) == {
        "method": "POST",
        "scheme": "https",
        "host": "user.example",
        "port": 8443,
        "target": "/a/b?c=d&e",
        "headers": (
            ("host", "user.example:8443"),
            ("content-type", "text/plain"),
            ("content-length", "4"),
            ("accept-encoding", "identity"),
            ("x", "y"),
        ),
        "body": b"body",
    }
    assert request.url == "https://user.example:8443/a/b?c=d&e"
    assert Request.post("http://h", (), b"").headers[1] == ("content-type", "application/json")
    assert structs.asdict(Request.get("http://[::1]:80?a", ())) == {
        "method": "GET",
        "scheme": "http",
        "host": "::1",
        "port": 80,
        "target": "/?a",
        "headers": (("host", "[::1]"), ("accept-encoding", "identity")),
        "body": b"",
    }


@pytest.mark.parametrize("lengths", [("2", "2"), ("3",), ("+2",), ("02",), (), ("2 ",)])
def test_a_body_needs_its_exact_length_once(lengths: tuple[str, ...]) -> None:
    headers = (("host", "h"), *(("content-length", length) for length in lengths))
    with pytest.raises(LocalProtocolError, match="POST http://h/"):
        HTTPExchange(Request("POST", "http", "h", 80, "/", headers, b"{}"))
    fine = Request("POST", "http", "h", 80, "/", (("host", "h"), ("content-length", "2")), b"{}")
    assert HTTPExchange(fine).data_to_send().endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize(
    "changes", [{"method": "PO ST"}, {"method": ""}, {"target": "/a b"}, {"target": ""}, {"target": "/é"}]
)
def test_a_request_line_has_a_token_and_visible_characters(changes: dict[str, str]) -> None:
    with pytest.raises(LocalProtocolError, match="check its path and headers"):
        HTTPExchange(structs.replace(REQUEST, **changes))
