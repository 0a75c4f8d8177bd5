"""The laws of the kit over HTTP/2: behind a gateway, since the kit's server speaks HTTP/1.1."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.transports.testing.conformance.gateway import gateway
from transports import AnyioTransport, SocketTransport
from transports.testing.conformance import LAWS, check_sync_transport, check_transport

NOT_SO = {
    "abort-closes": "the connection outlives an exchange; test_sharing.py tests that the exchange is reset",
    "early-answer": "the gateway passes a whole request on; test_sharing.py tests early answers",
    "unasked-response": "an answer has the number of its request; the gateway's own connections do not",
    "unknown-host": "the gateway is a Unix socket, whatever host a request names",
}
"""Laws that do not hold here, and why."""

CONNECTING = ("connect-timeout", "untrusted-certificate", "no-plain-text", "cancelled-open", "unknown-host")
"""Laws about what comes before the choice of HTTP/2, which the gateway does not show."""


@pytest.fixture
def path() -> Iterator[str]:
    with gateway() as path:
        yield path


def test_tasks(anyio_backend: str, path: str) -> None:
    make = partial(AnyioTransport, http2="only", unix_socket=path)
    report = check_transport(make, backend=anyio_backend, laws=LAWS.keys() - NOT_SO.keys())
    assert report.ok, str(report)


def test_threads(path: str) -> None:
    make = partial(SocketTransport, http2="only", unix_socket=path)
    report = check_sync_transport(make, laws=LAWS.keys() - NOT_SO.keys())
    assert report.ok, str(report)


def test_connecting(anyio_backend: str) -> None:
    report = check_transport(partial(AnyioTransport, http2=True), backend=anyio_backend, laws=CONNECTING)
    assert report.ok, str(report)


def test_connecting_in_threads() -> None:
    report = check_sync_transport(partial(SocketTransport, http2=True), laws=CONNECTING)
    assert report.ok, str(report)
