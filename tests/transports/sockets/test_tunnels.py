"""The handshakes with proxies, at every cut of what the proxy sends."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio.errors import APIConnectionError
from sansio.http import Request
from tests.support import chunkings, every_split
from transports.sockets.tunnels import Proxy, Tunnel

SECURE = ("https", "api.example", 443)
PLAIN = ("http", "api.example", 8000)
OPENED = b"HTTP/1.1 200 Go on\r\n\r\n"
BOUND = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38"


def tunnel(url: str, origin: tuple[str, str, int] = SECURE) -> Tunnel:
    made = Proxy(url).tunnel(origin)
    assert made is not None
    return made


def talk(subject: Tunnel, pieces: list[bytes]) -> list[bytes]:
    """What the client sends, when the proxy sends these pieces; the tunnel is open then."""
    sent = [subject.data_to_send()]
    for piece in pieces:
        assert not subject.open
        subject.receive_data(piece)
        sent.append(subject.data_to_send())
    assert subject.open
    return [data for data in sent if data]


def feed(subject: Tunnel, pieces: list[bytes]) -> None:
    for piece in pieces:
        subject.receive_data(piece)


def refusal(url: str, answer: bytes, origin: tuple[str, str, int] = SECURE) -> APIConnectionError:
    """The error for an answer of the proxy; the same at every cut."""
    errors = []
    for pieces in every_split(answer):
        subject = tunnel(url, origin)
        with pytest.raises(APIConnectionError) as caught:
            feed(subject, [*pieces, b""])
        errors.append(caught.value)
        assert not (subject.open and caught.value.should_retry is None)
    assert len({(error.message, error.should_retry) for error in errors}) == 1
    return errors[0]


# HTTP


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        (SECURE, b"api.example:443"),
        (("https", "::1", 443), b"[::1]:443"),
        (("https", "fd00::5", 8443), b"[fd00::5]:8443"),
        (("https", "10.0.0.1", 443), b"10.0.0.1:443"),
    ],
)
def test_connect_names_the_origin_and_ipv6_in_brackets(origin: tuple[str, str, int], name: bytes) -> None:
    assert talk(tunnel("http://proxy:3128", origin), [OPENED]) == [
        b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (name, name)
    ]


def test_user_and_password_of_the_url_are_sent_decoded() -> None:
    (sent,) = talk(tunnel("http://us%65r:p%40ss@proxy"), [OPENED])
    basic = base64.b64encode(b"user:p@ss")
    assert b"\r\nProxy-Authorization: Basic %b\r\n" % basic in sent


@pytest.mark.parametrize(
    "answer",
    [
        OPENED,
        b"HTTP/1.0 200 Connection established\n\n",
        b"HTTP/1.1 299 \r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nLink: x\r\n\r\n" + OPENED,
    ],
)
def test_connect_is_open_after_a_status_of_success(answer: bytes) -> None:
    """Framing headers mean nothing in it: RFC 9110, section 9.3.6."""
    for pieces in every_split(answer):
        talk(tunnel("http://proxy"), pieces)


@pytest.mark.parametrize(
    ("answer", "words", "retry"),
    [
        (b"HTTP/1.1 407 Who Are You\r\n\r\n", "the proxy refused: 407 Who Are You", False),
        (b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", "the proxy refused: 503 Busy", None),
        (b"HTTP/1.1 502\r\n\r\n", "the proxy refused: 502", None),
        (b"SSH-2.0-x\r\n", "it does not speak HTTP/1.x", False),
        (b"\x05\x00", "it does not speak HTTP/1.x", False),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "malformed HTTP", False),
        (b"HTTP/1.1 101 Switching\r\n\r\n", "switched protocols", False),
        (OPENED[:-2], "closed the connection", None),
        (b"", "closed the connection", None),
    ],
)
def test_an_answer_that_opens_nothing_says_why(answer: bytes, words: str, retry: bool | None) -> None:
    error = refusal("http://proxy", answer)
    assert words in error.message
    assert error.should_retry is retry


def test_bytes_behind_the_answer_are_not_taken_for_the_origins() -> None:
    subject = tunnel("http://proxy")
    with pytest.raises(APIConnectionError, match="more than its answer"):
        subject.receive_data(OPENED + b"x")


@pytest.mark.parametrize("line", [b"x: y\r\n", b"HTTP/1.1 100 \r\n\r\n"])
def test_an_answer_without_end_is_refused(line: bytes) -> None:
    subject = tunnel("http://proxy")
    subject.receive_data(b"HTTP/1.1 100 \r\n\r\n" if line[:1] == b"H" else b"HTTP/1.1 200 \r\n")
    with pytest.raises(APIConnectionError, match="longer than"):
        feed(subject, [line] * 100_000)


def test_plain_http_is_forwarded_and_names_the_origin_in_its_target() -> None:
    proxy = Proxy("http://user:pass@proxy")
    assert proxy.tunnel(PLAIN) is None
    request = Request.post("http://[fd00::5]:8000/v1?a=b", (("authorization", "Bearer k"),), b"{}")
    sent = proxy.forwarded(request)
    assert sent.target == "http://[fd00::5]:8000/v1?a=b"
    assert sent.headers == (*request.headers, ("Proxy-Authorization", "Basic dXNlcjpwYXNz"))
    assert (sent.body, sent.origin) == (request.body, request.origin)
    secure = Request.post("https://api.example/v1", (), b"{}")
    assert proxy.forwarded(secure) == secure
    assert Proxy("socks5://proxy").forwarded(request) == request


# SOCKS5


@pytest.mark.parametrize(
    ("origin", "address"),
    [
        (SECURE, b"\x03\x0bapi.example\x01\xbb"),
        (PLAIN, b"\x03\x0bapi.example\x1f\x40"),
        (("https", "10.0.0.1", 443), b"\x01\x0a\x00\x00\x01\x01\xbb"),
        (("https", "fd00::5", 443), b"\x04\xfd\x00" + bytes(13) + b"\x05\x01\xbb"),
    ],
)
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_socks_sends_a_name_or_an_address(scheme: str, origin: tuple[str, str, int], address: bytes) -> None:
    for bound in (BOUND, b"\x05\x00\x00\x04" + bytes(18), b"\x05\x00\x00\x03\x02ab\x00\x50"):
        for pieces in every_split(b"\x05\x00" + bound):
            sent = talk(tunnel(f"{scheme}://proxy", origin), pieces)
            assert b"".join(sent) == b"\x05\x01\x00" + b"\x05\x01\x00" + address


def test_socks_logs_in_where_the_proxy_asks_for_it() -> None:
    for pieces in every_split(b"\x05\x02" + b"\x01\x00" + BOUND):
        sent = b"".join(talk(tunnel("socks5://us%65r:p%40ss@proxy"), pieces))
        login, connect = b"\x01\x04user\x04p@ss", b"\x05\x01\x00\x03\x0bapi.example\x01\xbb"
        assert sent == b"\x05\x02\x00\x02" + login + connect
    assert b"user" not in b"".join(talk(tunnel("socks5://user:pass@proxy"), [b"\x05\x00", BOUND]))


@pytest.mark.parametrize(
    ("answer", "words", "retry"),
    [
        (b"\x05\xff", "another method to log in", False),
        (b"\x05\x02\x01\x01", "password is wrong", False),
        (b"\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", "nothing listens there", None),
        (b"\x05\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", "rules do not allow it", False),
        (b"\x05\x00\x05\x99\x00\x01\x00\x00\x00\x00\x00\x00", "the code 153", None),
        (b"\x05\x00\x05\x00\x00\x07\x00\x00\x00\x00\x00\x00", "does not speak SOCKS5", False),
        (b"\x05\x00\x04\x00\x00\x01\x00\x00\x00\x00\x00\x00", "does not speak SOCKS5", False),
        (b"\x04\x00", "does not speak SOCKS5", False),
        (b"\x05\x07", "does not speak SOCKS5", False),
        (b"HTTP/1.1 400 \r\n\r\n", "does not speak SOCKS5", False),
        (b"\x05\x00\x05\x00\x00", "closed the connection", None),
        (b"\x05", "closed the connection", None),
    ],
)
def test_a_refusal_of_socks_says_why(answer: bytes, words: str, retry: bool | None) -> None:
    error = refusal("socks5://user:pass@proxy", answer)
    assert words in error.message
    assert error.should_retry is retry
    assert "pass@" not in str(error)


def test_a_login_that_was_not_offered_is_refused() -> None:
    assert "SOCKS5" in refusal("socks5://proxy", b"\x05\x02").message


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        (f"socks5://{'u' * 256}:p@proxy", SECURE),
        (f"socks5://u:{'p' * 256}@proxy", SECURE),
        ("socks5://proxy", ("https", "x" * 256, 443)),
    ],
)
def test_what_socks_has_no_room_for_is_refused(url: str, origin: tuple[str, str, int]) -> None:
    with pytest.raises(APIConnectionError, match="255 bytes") as caught:
        tunnel(url, origin)
    assert caught.value.should_retry is False


@given(data=st.data(), url=st.sampled_from(["http://proxy", "socks5://user:pass@proxy"]))
def test_any_bytes_open_or_are_an_error_and_the_cut_does_not_matter(data: st.DataObject, url: str) -> None:
    starts = [b"", OPENED[:-2], b"HTTP/1.", b"\x05\x02\x01\x00", b"\x05\x00\x05\x00\x00"]
    wire = data.draw(st.sampled_from(starts)) + data.draw(st.binary(max_size=40))

    def outcome(pieces: list[bytes]) -> tuple[bool, str]:
        subject = tunnel(url)
        try:
            for piece in filter(None, pieces):
                subject.receive_data(piece)
        except APIConnectionError as error:
            return False, error.message
        return subject.open, ""

    whole = outcome([wire])
    opened, words = outcome(data.draw(chunkings(wire)))
    # A driver reads no further once the way is open, so only a cut at that place differs.
    assert (opened, words) == whole or "more than its answer" in whole[1]


def test_a_proxy_shows_no_password_and_knows_its_usual_port() -> None:
    proxy = Proxy("socks5://user:s3cret@[::1]")
    assert (repr(proxy), proxy.origin) == ("<Proxy socks5://::1:1080>", ("socks5", "::1", 1080))
    assert Proxy("http://proxy").port == 80
