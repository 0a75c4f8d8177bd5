"""Errors of the operating system, of TLS and of event loops, as the library's errors.

The message says what failed and what to do about it. `should_retry=False` marks a failure that a retry cannot
fix, because someone first has to change something: an address, a certificate, or what is trusted.
"""

from __future__ import annotations

import socket
import ssl

from sansio.errors import APIConnectionError, APITimeoutError
from sansio.retry import RETRYABLE_STATUSES
from transports.interface import Origin

_UNKNOWN_CA = "is from an authority that is not trusted here; pass a private authority as ca_file"
# OpenSSL's X509_V_ERR_* numbers, from x509_vfy.h.
_CERTIFICATE_FAULTS = {
    9: "is not valid yet; check this machine's clock",
    10: "has expired",
    18: "is self-signed; if you trust it, pass it as ca_file",
    19: _UNKNOWN_CA,
    20: _UNKNOWN_CA,
    21: _UNKNOWN_CA,
    62: "is for another name",
    64: "is for another address",
}
_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")
_WANTS_CERTIFICATE = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
_DISAGREEMENTS = (
    "CERTIFICATE",
    "UNKNOWN_CA",
    "UNRECOGNIZED_NAME",
    "PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "HANDSHAKE_FAILURE",
    "APPLICATION_PROTOCOL",
)
"""Parts of OpenSSL's reasons that mean the two sides can never agree."""


def aborted() -> APIConnectionError:
    """The error of an exchange that `abort()` dropped."""
    return APIConnectionError("the exchange was dropped by abort()", hint="")


def connect_failure(
    origin: Origin, error: BaseException, unix_socket: str | None = None
) -> APIConnectionError:
    """No connection could be made; the message says why.

    Args:
        origin: where the request was going.
        error: what the system, TLS or the event loop raised.
        unix_socket: path of the Unix socket that was tried in place of the origin's host.
    """
    _, host, port = origin
    where = f"{host}:{port}" if unix_socket is None else f"the Unix socket {unix_socket}"
    return _failure(f"no connection to {where}", error)


def lost_failure(origin: Origin, error: BaseException) -> APIConnectionError:
    """A connection broke; the message says how."""
    _, host, port = origin
    return _failure(f"the connection to {host}:{port} was lost", error)


def cut_off() -> APIConnectionError:
    """A TLS connection ended without close_notify, though only its end shows that the answer is complete."""
    return APIConnectionError(
        "the server closed the connection without ending TLS, so the end of its answer may be missing"
    )


def proxy_refusal(words: str, *, lasting: bool = False) -> APIConnectionError:
    """A proxy refused to connect.

    Args:
        words: the proxy's own words. An HTTP status at the beginning decides whether to retry.
        lasting: whether a retry cannot succeed.
    """
    if words[:3].isdecimal():
        lasting = int(words[:3]) not in RETRYABLE_STATUSES
    return APIConnectionError(f"the proxy refused: {words}", should_retry=False if lasting else None)


def left_behind(origin: Origin) -> APIConnectionError:
    """The error of an exchange that a process inherited by `os.fork()`, and must not read."""
    _, host, port = origin
    return APIConnectionError(
        f"the connection to {host}:{port} belongs to the process that opened it",
        hint="After os.fork(), begin the child's calls in the child.",
    )


def connect_timeout(origin: Origin, seconds: float | None) -> APITimeoutError:
    """The time to connect, TLS included, ran out."""
    return _ran_out("connect_timeout", origin, seconds, "no connection to {} within {:g} s")


def stalled_upload(origin: Origin, seconds: float | None) -> APITimeoutError:
    """The server accepted no more bytes of the request for too long."""
    return _ran_out("write_timeout", origin, seconds, "{} took nothing more of the request for {:g} s")


def late_upload(origin: Origin, seconds: float | None) -> APITimeoutError:
    """The time of the whole call ran out while the request was being sent."""
    return _ran_out("total_timeout", origin, seconds, "{} did not take the whole request within {:g} s")


def read_timeout(origin: Origin, seconds: float | None) -> APITimeoutError:
    """No complete head, or no further byte of the body, arrived in time."""
    words = "{} did not send a complete head, or any more of the body, within {:g} s"
    return _ran_out("read_timeout", origin, seconds, words)


def _ran_out(clock: str, origin: Origin, seconds: float | None, words: str) -> APITimeoutError:
    """The error for a clock that ran out, with the same words in every transport.

    It names the request's origin, also if the request goes through a proxy.

    Args:
        seconds: the limit; not `None`, since a clock that is off does not run out.
        words: what happened, with places for the origin and the seconds.
    """
    _, host, port = origin
    return APITimeoutError(words.format(f"{host}:{port}", seconds), field=clock)


def root_cause(error: BaseException) -> BaseException:
    """The system's own error. Event loops and pools wrap it, each in a different way."""
    inner: object = None
    if isinstance(error, BaseExceptionGroup):
        inner = error.exceptions[0]
    elif not isinstance(error, OSError) or error.errno is None:
        inner = next((part for part in error.args if isinstance(part, BaseException)), error.__cause__)
    return root_cause(inner) if isinstance(inner, BaseException) else error


def explain(error: BaseException) -> str:
    """Explain an error of the system or of TLS in a few words."""
    match error:
        case ssl.SSLCertVerificationError():
            fault = _CERTIFICATE_FAULTS.get(error.verify_code)
            return f"its certificate {fault}" if fault else f"its certificate: {error.verify_message}"
        case ssl.SSLEOFError():
            return "the peer closed it"
        case ssl.SSLError(reason=reason) if reason in _NOT_TLS:
            return "the server there does not speak TLS; is it an http:// address?"
        case ssl.SSLError(reason=reason) if reason == _WANTS_CERTIFICATE:
            return "the server requires a client certificate; load one into ssl_context"
        case ssl.SSLError(reason=str() as reason) if "APPLICATION_PROTOCOL" in reason:
            return f"the server speaks none of the protocols that were offered ({reason})"
        case ssl.SSLError(reason=reason):
            return f"TLS failed ({reason})"
        case socket.gaierror():
            return f"the name cannot be resolved ({error.strerror})"
        case ConnectionRefusedError():
            return "nothing listens there"
        case ConnectionResetError() | ConnectionAbortedError() | BrokenPipeError():
            return "the peer reset it"
        case TimeoutError():
            return "the system's own timeout ran out"
        case UnicodeError():
            return "invalid host name"
        case OSError(strerror=str() as text):
            return text
        case _:
            return "the peer closed it"


def _failure(what: str, error: BaseException) -> APIConnectionError:
    error = root_cause(error)
    failure = APIConnectionError(
        f"{what}: {explain(error)}", should_retry=False if _is_lasting(error) else None
    )
    failure.__cause__ = error
    return failure


def _is_lasting(error: BaseException) -> bool:
    """Whether a person must change something before a retry can succeed."""
    match error:
        case ssl.SSLCertVerificationError() | UnicodeError():
            return True
        case ssl.SSLError(reason=str() as reason):
            return reason in _NOT_TLS or any(part in reason for part in _DISAGREEMENTS)
        case _:
            return False
