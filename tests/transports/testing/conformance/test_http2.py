"""The laws of the kit over HTTP/2: behind a gateway, since the kit's server speaks HTTP/1.1."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.transports.testing.conformance.gateway import gateway
from transports import AnyioTransport, SocketTransport
from transports.sockets.sharing import Choice
from transports.testing.conformance import check_sync_transport, check_transport

PATIENCE = 30.0
"""Seconds; only a fault uses them up, or a machine that is busy with other things."""

NOT_SO = {
    "abort-after-end": "the connection carries other exchanges, and this one is over",
    "unasked-response": "an answer has the number of its request; test_sharing.py sends unasked ones",
    "unknown-host": "the gateway is a Unix socket, whatever host a request names; see test_connecting",
}
"""Laws that do not hold here, and why."""

CONNECTING: tuple[tuple[Choice, tuple[str, ...]], ...] = (
    (True, ("connect-timeout", "untrusted-certificate", "no-plain-text", "cancelled-open")),
    ("only", ("refused", "unknown-host", "connect-timeout")),
)
"""Laws about what comes before the first frame, which the gateway does not show, and the choice for them."""


@pytest.fixture
def path() -> Iterator[str]:
    with gateway() as path:
        yield path


def test_tasks(anyio_backend: str, path: str) -> None:
    make = partial(AnyioTransport, http2="only", unix_socket=path)
    report = check_transport(make, backend=anyio_backend, without=NOT_SO, patience=PATIENCE)
    assert report.ok, str(report)


def test_threads(path: str) -> None:
    make = partial(SocketTransport, http2="only", unix_socket=path)
    report = check_sync_transport(make, without=NOT_SO, patience=PATIENCE)
    assert report.ok, str(report)


def test_connecting(anyio_backend: str) -> None:
    for choice, laws in CONNECTING:
        make = partial(AnyioTransport, http2=choice)
        report = check_transport(make, backend=anyio_backend, laws=laws, patience=PATIENCE)
        assert report.ok, str(report)


def test_connecting_in_threads() -> None:
    for choice, laws in CONNECTING:
        report = check_sync_transport(partial(SocketTransport, http2=choice), laws=laws, patience=PATIENCE)
        assert report.ok, str(report)
