"""Words for what fails, sockets that are shut under a reader's hands, and inputs one at a time."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections import deque
from pathlib import Path

import anyio
import pytest
import trustme
from hypothesis import given

from sansio.errors import APIConnectionError, ConfigError, LocalProtocolError, RemoteProtocolError
from sansio.http import Body, End, Head, HTTPExchange, Input, Request
from tests.support import chunkings
from tests.transports.raw_server import OK, PATIENCE
from transports.failures import connect_failure, lost_failure
from transports.sockets.feed import Feed
from transports.sockets.raw import readable, shut_down
from transports.sockets.tls import Trust

ORIGIN = ("https", "api.example", 443)
REQUEST = Request.post("http://localhost/v1", (), b"{}")


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason.lower())
    error.reason = reason
    return error


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "failed")
    error.verify_code, error.verify_message = 23, "certificate revoked"
    return error


REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (REFUSED, "nothing listens there"),
        (caused(OSError("All connection attempts failed"), REFUSED), "nothing listens there"),
        (
            caused(OSError("All connection attempts failed"), ExceptionGroup("", [REFUSED, OSError("x")])),
            "nothing listens there",
        ),
        (Exception(REFUSED), "nothing listens there"),  # as httpcore wraps it
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "the peer reset it"),
        (caused(anyio.BrokenResourceError(), BrokenPipeError(errno.EPIPE, "")), "the peer reset it"),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), "the system's own timeout ran out"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "Network is unreachable"),
        (socket.gaierror(-2, "Name or service not known"), "the name cannot be resolved (Name or "),
        (UnicodeError("label too long"), "invalid host name"),
        (ssl.SSLEOFError(8, "EOF occurred"), "the peer closed it"),
        (alert("TLSV1_ALERT_PROTOCOL_VERSION"), "TLS failed (TLSV1_ALERT_PROTOCOL_VERSION)"),
        (alert("WRONG_VERSION_NUMBER"), "the server there does not speak TLS"),
        (anyio.EndOfStream(), "the peer closed it"),
        (anyio.ClosedResourceError(), "the peer closed it"),
    ],
)
def test_words_for_what_fails(error: BaseException, words: str) -> None:
    failure = connect_failure(ORIGIN, error)
    assert isinstance(failure, APIConnectionError)
    assert failure.message.startswith(f"no connection to api.example:443: {words}")
    assert lost_failure(ORIGIN, error).message.startswith(
        f"the connection to api.example:443 was lost: {words}"
    )


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (REFUSED, None),
        (socket.gaierror(-2, "Name or service not known"), None),
        (ssl.SSLEOFError(8, "EOF occurred"), None),
        (alert("TLSV1_ALERT_INTERNAL_ERROR"), None),
        (alert("WRONG_VERSION_NUMBER"), False),
        (alert("TLSV13_ALERT_CERTIFICATE_REQUIRED"), False),
        (alert("TLSV1_ALERT_PROTOCOL_VERSION"), False),
        (alert("SSLV3_ALERT_HANDSHAKE_FAILURE"), False),
        (alert("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), None),
        (untrusted(), False),
        (caused(anyio.BrokenResourceError(), untrusted()), False),
        (UnicodeError("label too long"), False),
    ],
)
def test_what_no_wait_can_mend_says_so(error: BaseException, advice: bool | None) -> None:
    assert connect_failure(ORIGIN, error).should_retry is advice
    assert lost_failure(ORIGIN, error).should_retry is advice


def test_the_cause_is_what_the_system_said() -> None:
    wrapped = caused(OSError("All connection attempts failed"), ExceptionGroup("", [REFUSED]))
    assert connect_failure(ORIGIN, wrapped).__cause__ is REFUSED


def test_certificate_fault_without_a_word_of_ours() -> None:
    assert connect_failure(ORIGIN, untrusted()).message.endswith("its certificate: certificate revoked")


def test_trust_takes_a_context_or_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="only one of them") as caught:
        Trust(ssl.create_default_context(), str(tmp_path / "ca.pem"))
    assert caught.value.field == "ca_file"


def test_trust_names_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(ConfigError, match=name) as caught:
            Trust(None, str(tmp_path / name))
        assert caught.value.field == "ca_file"


def test_trust_adds_the_file_to_the_authorities_of_the_system(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    own, system = Trust(None, str(tmp_path / "ca.pem")).context, Trust().context
    assert own.cert_store_stats()["x509_ca"] == system.cert_store_stats()["x509_ca"] + 1
    for context in (own, system):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


def test_trust_makes_its_context_once() -> None:
    trust = Trust()
    assert trust.context is trust.context


def test_shut_down_wakes_a_reader_and_leaves_the_socket_open() -> None:
    near, far = socket.socketpair()
    with near, far:
        got: list[bytes] = []
        reader = threading.Thread(target=lambda: got.append(near.recv(1)))
        reader.start()
        shut_down(near)
        reader.join(PATIENCE)
        assert got == [b""]
        assert far.recv(1) == b""
        assert near.fileno() >= 0
        shut_down(near)
    shut_down(near)


def test_readable_is_bytes_or_the_end() -> None:
    near, far = socket.socketpair()
    with near, far:
        assert not readable(near)
        far.send(b"x")
        assert readable(near)
        near.recv(1)
        assert not readable(near)
        far.close()
        assert readable(near)
    assert readable(near)


@given(chunkings(OK))
def test_feed_gives_what_the_machine_gives_one_at_a_time(pieces: list[bytes]) -> None:
    feed = Feed(HTTPExchange(REQUEST), reused=False)
    given: list[Head | Body | End] = []
    for piece in pieces:
        if piece:
            feed.read(piece)
        while feed.inputs:
            given.append(feed.take())
    assert given[0] == Head(200, (("content-length", "2"),))
    assert b"".join(one.data for one in given if isinstance(one, Body)) == b"ok"
    assert given[-1] == End()
    assert feed.keepable
    with pytest.raises(LocalProtocolError):
        feed.take()


@pytest.mark.parametrize("reused", [True, False])
def test_feed_says_whether_the_lost_connection_had_served(reused: bool) -> None:
    feed = Feed(HTTPExchange(REQUEST), reused=reused)
    assert feed.keepable
    feed.read(b"")
    with pytest.raises(APIConnectionError) as caught:
        feed.take()
    assert caught.value.reused is reused
    assert not feed.keepable


def test_feed_raises_bad_http_as_it_is() -> None:
    feed = Feed(HTTPExchange(REQUEST), reused=True)
    feed.read(b"no HTTP")
    with pytest.raises(RemoteProtocolError):
        feed.take()


def test_feed_that_was_lost_tells_nothing_else() -> None:
    feed = Feed(HTTPExchange(REQUEST), reused=False)
    feed.read(OK)
    feed.lose(APIConnectionError("dropped"))
    feed.read(OK)
    with pytest.raises(APIConnectionError, match="dropped"):
        feed.take()
    with pytest.raises(LocalProtocolError):
        feed.take()
    assert not feed.keepable


def test_feed_with_bytes_after_the_end_is_not_kept() -> None:
    feed = Feed(HTTPExchange(REQUEST), reused=False)
    feed.read(OK)
    assert feed.keepable
    feed.read(OK)
    assert not feed.keepable


class _Interrupted(deque[Input]):
    """Inputs of a feed that another thread loses while the reader looks whether there is one."""

    feed: Feed | None = None

    def __len__(self) -> int:
        feed, self.feed = self.feed, None
        length = super().__len__()
        if feed is not None:
            feed.lose(APIConnectionError("dropped"))
        return length


@pytest.mark.parametrize("before", [b"", OK])
def test_feed_that_another_thread_loses_meanwhile(monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    feed = Feed(HTTPExchange(REQUEST), reused=False)
    if before:
        feed.read(before)
    inputs = _Interrupted(feed.inputs)
    inputs.feed = feed
    monkeypatch.setattr(feed, "inputs", inputs)
    assert bool(before) is bool(feed.inputs)
    with pytest.raises(APIConnectionError, match="dropped"):
        feed.take()
