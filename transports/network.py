"""What the transports share: trust, plain words for what fails, sockets, and inputs one at a time."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from collections import deque
from functools import cached_property
from typing import Protocol

from sansio.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigError,
    LocalProtocolError,
    RemoteProtocolError,
    TransportError,
)
from sansio.http import Body, End, Head, HTTPExchange, Input, Lost
from sansio.retry import RETRYABLE_STATUSES
from transports.idle import Origin

READ_SIZE = 65_536
"""Bytes asked for in one read."""

SETTLE_READS = 4
"""How many reads a kept connection is given to end its response before it is dropped instead."""

ABORTED = "the exchange was dropped by abort()"

_LAST = (End, Lost)  # of an exchange's inputs

_UNKNOWN_CA = "comes from an authority that is not trusted here; a private one is given as ca_file"
# OpenSSL's X509_V_ERR_* numbers, from x509_vfy.h.
_CERTIFICATE_FAULTS = {
    9: "is not valid yet; check this machine's clock",
    10: "has expired",
    18: "is signed by itself; if you trust it, give it as ca_file",
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
)
"""What stands in OpenSSL's reasons where the two sides would never come to terms."""


class Trust:
    """Whose certificates are believed: the system's authorities, and one more where it is given.

    Args:
        ssl_context: used as it is, in place of all that.
        ca_file: certificates in PEM of authorities that are trusted beside the system's.

    Raises:
        ConfigError: `ca_file` cannot be read, or both are given.
    """

    def __init__(self, ssl_context: ssl.SSLContext | None = None, ca_file: str | None = None) -> None:
        if ssl_context is not None and ca_file is not None:
            raise ConfigError("ca_file: load it into ssl_context, or give only one of them", field="ca_file")
        self._given = ssl_context
        self._ca_file = ca_file
        if ca_file is not None:
            _ = self.context  # so that a wrong path is told here

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The TLS context; the system's authorities are loaded when it is first asked for."""
        if self._given is not None:
            return self._given
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        if self._ca_file is not None:
            try:
                context.load_verify_locations(self._ca_file)
            except OSError as error:
                why = _words(_root(error))
                raise ConfigError(
                    f"ca_file: {self._ca_file} holds no certificates that can be read: {why}",
                    field="ca_file",
                ) from error
        return context


class Feed:
    """The inputs of one exchange, as bytes come in, taken one at a time.

    Args:
        http: the exchange's machine.
        reused: whether the connection had served an exchange before this one.

    Attributes:
        inputs: what came and was not taken yet; a `Lost` among them is an error.
    """

    def __init__(self, http: HTTPExchange, *, reused: bool) -> None:
        self.http = http
        self.inputs: deque[Input] = deque()
        self._reused = reused
        self._ended = False  # End or Lost is among the inputs, or was
        self._broken = False

    @property
    def keepable(self) -> bool:
        """Whether the connection can be used again, now or when the rest of the response has come."""
        return not self._broken and (self.http.reusable or not self._ended)

    def next(self) -> Head | Body | End | None:
        """The next input, or `None` when more has to be read for it.

        Raises:
            TransportError: the exchange was lost.
            RemoteProtocolError: the peer's HTTP is malformed.
            LocalProtocolError: the exchange is over, and its end was told.
        """
        ended = self._ended  # looked at first, as `lose` sets it last
        if not self.inputs:
            if ended:
                raise LocalProtocolError("receive() after the exchange has ended")
            return None
        given = self.inputs.popleft()
        if isinstance(given, Lost):
            self.inputs.clear()
            error = given.error
            raise error.on_reused() if self._reused and isinstance(error, TransportError) else error
        return given

    def read(self, data: bytes) -> None:
        """Take what was read; no bytes are the end of the connection."""
        if self._ended:
            if data:
                self.http.receive_data(data)  # which nobody asked for, so that it can carry no other exchange
            return
        inputs = self.http.receive_data(data) if data else self.http.receive_eof()
        if not inputs:
            return
        last = inputs[-1]
        if isinstance(last, _LAST):
            self._ended = True
            self._broken = isinstance(last, Lost)
        self.inputs.extend(inputs)

    def lose(self, error: TransportError | RemoteProtocolError) -> None:
        """End the exchange here: `error` is all that comes next. Any thread may call this."""
        self.inputs.appendleft(Lost(error))  # never empty for a moment, for who takes an input meanwhile
        self._ended = self._broken = True


def connect_failure(
    origin: Origin, error: BaseException, unix_socket: str | None = None
) -> APIConnectionError:
    """No connection could be made, in words that tell why."""
    _, host, port = origin
    where = f"{host}:{port}" if unix_socket is None else f"the Unix socket {unix_socket}"
    return _failure(f"no connection to {where}", error)


def lost_failure(origin: Origin, error: BaseException) -> APIConnectionError:
    """A connection broke."""
    _, host, port = origin
    return _failure(f"the connection to {host}:{port} was lost", error)


def proxy_refusal(error: BaseException) -> APIConnectionError:
    """A proxy would not connect; by an HTTP proxy's status, that may be for now or for good."""
    words = str(error)
    lasting = words[:3].isdecimal() and int(words[:3]) not in RETRYABLE_STATUSES
    return APIConnectionError(f"the proxy refused: {words}", should_retry=False if lasting else None)


def open_timeout(origin: Origin, seconds: float, *, connected: bool = False) -> APITimeoutError:
    """The time to connect and send ran out."""
    _, host, port = origin
    what = f"{host}:{port} did not take the request" if connected else f"no connection to {host}:{port}"
    return APITimeoutError(f"{what} within {seconds:g} s", field="connect_timeout")


def read_timeout(origin: Origin, seconds: float) -> APITimeoutError:
    """Nothing came for too long, or so little that it made no head, or no more of a body."""
    _, host, port = origin
    return APITimeoutError(
        f"nothing came from {host}:{port} for {seconds:g} s, or nothing whole", field="read_timeout"
    )


class HasFileno(Protocol):
    """A socket, or what a loop shows in its place."""

    def fileno(self) -> int: ...


def shut_down(raw: HasFileno) -> None:
    """End a connection in both directions now: the peer sees it, and who reads from it here wakes.

    The socket stays open and its owner closes it. On one that is closed or lost already it does nothing.
    """
    number = raw.fileno()
    if number < 0:
        return
    with contextlib.suppress(OSError):
        # uvloop's sockets have no shutdown(), and an SSLSocket's forgets its TLS under a reader's hands.
        borrowed = socket.socket(fileno=number)
        try:
            borrowed.shutdown(socket.SHUT_RDWR)
        finally:
            borrowed.detach()


def readable(raw: HasFileno) -> bool:
    """Whether a read would not have to wait: bytes are there, or the end, or the socket is closed."""
    number = raw.fileno()
    if number < 0:
        return True
    if not hasattr(select, "poll"):  # as on Windows, whose select() takes sockets of any number
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


def _root(error: BaseException) -> BaseException:
    """The error below: loops and pools wrap what the system said, each in their own way."""
    inner: object = None
    if isinstance(error, BaseExceptionGroup):
        inner = error.exceptions[0]
    elif not isinstance(error, OSError) or error.errno is None:
        inner = next((part for part in error.args if isinstance(part, BaseException)), error.__cause__)
    return _root(inner) if isinstance(inner, BaseException) else error


def _failure(what: str, error: BaseException) -> APIConnectionError:
    error = _root(error)
    failure = APIConnectionError(
        f"{what}: {_words(error)}", should_retry=False if _is_lasting(error) else None
    )
    failure.__cause__ = error
    return failure


def _is_lasting(error: BaseException) -> bool:
    """Whether somebody has to change something first: the address, a certificate, or who is trusted."""
    match error:
        case ssl.SSLCertVerificationError() | UnicodeError():
            return True
        case ssl.SSLError(reason=str() as reason):
            return reason in _NOT_TLS or any(part in reason for part in _DISAGREEMENTS)
        case _:
            return False


def _words(error: BaseException) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            fault = _CERTIFICATE_FAULTS.get(error.verify_code)
            return f"its certificate {fault}" if fault else f"its certificate: {error.verify_message}"
        case ssl.SSLEOFError():
            return "the peer closed it"
        case ssl.SSLError(reason=reason) if reason in _NOT_TLS:
            return "what answers there does not speak TLS; is it an http:// address?"
        case ssl.SSLError(reason=reason) if reason == _WANTS_CERTIFICATE:
            return "it wants a client's certificate; load one into ssl_context"
        case ssl.SSLError(reason=reason):
            return f"TLS failed ({reason})"
        case socket.gaierror():
            return f"the name cannot be resolved ({error.strerror})"
        case ConnectionRefusedError():
            return "nothing listens there"
        case ConnectionResetError() | ConnectionAbortedError() | BrokenPipeError():
            return "the peer reset it"
        case TimeoutError():
            return "no answer came"
        case UnicodeError():
            return "that is no host name"
        case OSError(strerror=str() as text):
            return text
        case _:
            return "the peer closed it"
