"""The transports over foreign HTTP libraries keep the laws, with their own client and with one of yours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any

import pytest

from sansio import Request
from tests.judges.sdks import package
from transports import Exchange, Transport
from transports.testing.conformance import LAWS, Report, Verdict, check_transport

pytestmark = pytest.mark.judges

GIVEN: Mapping[str, str] = {
    "second-loop": "a client belongs to one event loop",
    "loop-closed-by-hand": "a client belongs to one event loop",
    "forked": "a client belongs to one process",
}
"""What a transport with the application's own client leaves to the application."""

HTTPX2: Mapping[str, str] = {"early-answer": "httpx2 reads nothing before the whole request is sent"}

FRESH: Mapping[str, str] = {
    "fresh": "aiohttp's session chooses the connection",
    "stale": "aiohttp's session chooses the connection",
}

NOT_RESUMABLE = {"resumable-receive", "resumable-open"}


def not_applicable(report: Report) -> set[str]:
    return {result.law for result in report.results if result.verdict is Verdict.NOT_APPLICABLE}


def adapter(library: str, name: str) -> Callable[..., Transport]:
    package(library)
    made: Callable[..., Transport] = getattr(import_module(f"transports.adapters.{library}"), name)
    return made


class Application:
    """A transport, and the client that it was passed: the application closes both."""

    def __init__(self, inner: Transport, close: Callable[[], Awaitable[None]]) -> None:
        self._inner = inner
        self._close = close

    async def open(self, request: Request, timeout: float | None, **options: Any) -> Exchange:
        return await self._inner.open(request, timeout, **options)

    async def aclose(self) -> None:
        await self._inner.aclose()
        await self._close()


def test_httpx2(anyio_backend: str) -> None:
    report = check_transport(
        adapter("httpx2", "Httpx2Transport"), backend=anyio_backend, without=HTTPX2, patience=30
    )
    assert report.ok, str(report)
    other = set() if anyio_backend == "asyncio" else {"loop-closed-by-hand"}
    assert not_applicable(report) == NOT_RESUMABLE | other
    assert [result.law for result in report.results] == list(LAWS)


def test_httpx2_with_a_client_of_yours(anyio_backend: str) -> None:
    make, httpx2 = adapter("httpx2", "Httpx2Transport"), package("httpx2")

    def application() -> Transport:
        client = httpx2.AsyncClient(trust_env=False)
        return Application(make(client), client.aclose)

    report = check_transport(application, backend=anyio_backend, without={**HTTPX2, **GIVEN}, patience=30)
    assert report.ok, str(report)
    assert not_applicable(report) == NOT_RESUMABLE


def test_aiohttp() -> None:
    report = check_transport(adapter("aiohttp", "AiohttpTransport"), patience=30)
    assert report.ok, str(report)
    assert not_applicable(report) == NOT_RESUMABLE


def test_aiohttp_with_a_session_of_yours() -> None:
    make, aiohttp = adapter("aiohttp", "AiohttpTransport"), package("aiohttp")

    def application() -> Transport:
        session = aiohttp.ClientSession()
        return Application(make(session), session.close)

    report = check_transport(application, without={**FRESH, **GIVEN}, patience=30)
    assert report.ok, str(report)
    assert not_applicable(report) == NOT_RESUMABLE
