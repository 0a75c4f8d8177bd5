"""Our own transports keep every law, under each loop and without one."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import cache, partial

import pytest

from transports import (
    AnyioTransport,
    HttpcoreTransport,
    MemoryTransport,
    SocketTransport,
    SyncMemoryTransport,
    Transport,
)
from transports.httpcore.pool import ModuleName
from transports.testing.conformance import LAWS, Report, Verdict, check_sync_transport, check_transport

PATIENCE = 30.0
"""Seconds; only a fault uses them up, or a machine that is busy with other things."""


@cache
def system_trust() -> ssl.SSLContext:
    """The system's authorities, loaded once: an httpcore pool loads them whether it needs them or not."""
    return ssl.create_default_context()


def not_applicable(report: Report) -> set[str]:
    return {result.law for result in report.results if result.verdict is Verdict.NOT_APPLICABLE}


def test_anyio(anyio_backend: str) -> None:
    report = check_transport(AnyioTransport, backend=anyio_backend, patience=PATIENCE)
    assert report.ok, str(report)
    assert not_applicable(report) == (set() if anyio_backend == "asyncio" else {"loop-closed-by-hand"})
    assert [result.law for result in report.results] == list(LAWS)


@pytest.mark.parametrize("module", ["httpcore", "httpcore2"])
def test_httpcore(anyio_backend: str, module: ModuleName) -> None:
    make = partial(HttpcoreTransport, module=module, ssl_context=system_trust())
    report = check_transport(make, backend=anyio_backend, patience=PATIENCE)
    assert report.ok, str(report)
    assert not_applicable(report) == (set() if anyio_backend == "asyncio" else {"loop-closed-by-hand"})


def test_sockets() -> None:
    report = check_sync_transport(SocketTransport, patience=PATIENCE)
    assert report.ok, str(report)
    assert not_applicable(report) == {law.name for law in LAWS.values() if law.tasks}


def test_memory(anyio_backend: str) -> None:
    report = check_transport(MemoryTransport, backend=anyio_backend, in_memory=True, patience=PATIENCE)
    assert report.ok, str(report)
    assert not_applicable(report) == {law.name for law in LAWS.values() if law.wire}


def test_memory_without_a_loop() -> None:
    report = check_sync_transport(SyncMemoryTransport, in_memory=True, patience=PATIENCE)
    assert report.ok, str(report)
    assert not_applicable(report) == {law.name for law in LAWS.values() if law.wire or law.tasks}


@pytest.mark.parametrize("make", [partial(AnyioTransport, max_idle=0)])
def test_a_transport_that_keeps_no_connection(make: Callable[[], Transport]) -> None:
    report = check_transport(make, patience=PATIENCE)
    assert report.ok, str(report)
    assert not_applicable(report) == {"reuse", "fresh", "stale"}
