"""aiohttp's exceptions as the library's errors."""

from __future__ import annotations

import re

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from sansio.errors import APIConnectionError, LimitExceededError, RemoteProtocolError, TransportError
from transports.failures import connect_failure, connect_timeout, lost_failure, proxy_refusal, root_cause
from transports.interface import Origin

FAULTS = (aiohttp.ClientError, OSError, UnicodeError)
"""The exceptions of aiohttp that the network or the peer causes. A resolver raises `UnicodeError`."""


def as_error(
    fault: Exception, origin: Origin, seconds: float | None, where: str
) -> TransportError | RemoteProtocolError:
    """The error for one of the `FAULTS`.

    Args:
        fault: the exception that aiohttp raised.
        origin: the request's origin.
        seconds: the connect timeout.
        where: for a lost connection: `"before it answered"` or `"inside its answer"`.
    """
    match fault:
        case aiohttp.ConnectionTimeoutError():
            return connect_timeout(origin, seconds)
        case aiohttp.ClientHttpProxyError():
            return proxy_refusal(f"{fault.status} {fault.message}")
        case aiohttp.ClientConnectorCertificateError():
            return connect_failure(origin, fault.certificate_error)
        case aiohttp.ClientConnectorError():
            return connect_failure(origin, fault.os_error)
        case aiohttp.InvalidURL() | UnicodeError():
            return connect_failure(origin, UnicodeError())
        case aiohttp.ServerFingerprintMismatch():
            return APIConnectionError(
                f"no connection to {fault.host}:{fault.port}: its certificate has another fingerprint",
                should_retry=False,
            )
        case aiohttp.ServerDisconnectedError():
            return APIConnectionError(f"the server closed the connection {where}")
        case aiohttp.ClientPayloadError() if "not completed" in str(fault):
            return APIConnectionError(f"the server closed the connection {where}")
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return blame_answer(fault.__cause__)
        case _:
            return lost_failure(origin, root_cause(fault))


def blame_answer(malformed: BaseException | None) -> RemoteProtocolError:
    """The error for a malformed answer, without aiohttp's quotation of it, which may hold a key.

    Args:
        malformed: the exception of aiohttp's parser, or a copy whose cause it is.
    """
    if isinstance(malformed, HttpProcessingError) and malformed.__cause__ is not None:
        malformed = malformed.__cause__
    if isinstance(malformed, LineTooLong):
        return LimitExceededError(
            "a line of the response's head is longer than max_header_bytes", field="max_header_bytes"
        )
    words = malformed.message if isinstance(malformed, HttpProcessingError) else ""
    if words.startswith("Too many headers"):
        return LimitExceededError(
            "the response has more headers than aiohttp allows",
            field="max_header_bytes",
            hint="aiohttp's limit is fixed; other transports use max_header_bytes of the config.",
        )
    words = re.split("[:'\"]", words)[0].strip()
    return RemoteProtocolError(f"malformed HTTP: {words or 'aiohttp cannot read it'}")
