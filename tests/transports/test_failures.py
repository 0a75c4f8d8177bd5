"""Errors of the system, of TLS and of loops, in the library's words and with its advice."""

from __future__ import annotations

import errno
import socket
import ssl

import anyio
import pytest

from sansio.errors import APIConnectionError
from sansio.http import Request
from transports.failures import connect_failure, lost_failure

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
def test_an_error_that_waiting_cannot_fix_says_so(error: BaseException, advice: bool | None) -> None:
    assert connect_failure(ORIGIN, error).should_retry is advice
    assert lost_failure(ORIGIN, error).should_retry is advice


def test_the_cause_is_what_the_system_said() -> None:
    wrapped = caused(OSError("All connection attempts failed"), ExceptionGroup("", [REFUSED]))
    assert connect_failure(ORIGIN, wrapped).__cause__ is REFUSED


def test_certificate_fault_without_our_own_message() -> None:
    assert connect_failure(ORIGIN, untrusted()).message.endswith("its certificate: certificate revoked")
