"""The transport for Pyodide, with a browser's `fetch` that runs over real sockets."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from sansio import APIConnectionError, ConfigError, Message, ProviderConfig, Role
from sansio.http import Request
from sansio.testing import FakeProvider, FakeResponse
from tests.transports.adapters.browser import MODULES, Browser
from transports import create_provider
from transports.adapters.pyodide import PyodideTransport
from transports.testing.conformance import check_transport
from transports.testing.loopback import loopback_thread

QUESTION = [Message(Role.USER, "What is 2 + 3?")]

WITHOUT = {
    "header-names": "a browser joins headers that are repeated",
    "redirects": "a browser does not show a redirect's status",
    "malformed": "a browser does not say why it failed",
    "connect-timeout": "a browser does not show when it is connected; the read timeout covers it",
    "reuse": "the browser keeps the connections",
    "fresh": "the browser chooses the connection",
    "stale": "the browser sends again on a new connection itself",
    "transport-closes": "the browser keeps the connections",
}


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    browser = Browser()
    for name, module in browser.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    return browser


def test_it_keeps_the_laws_that_a_browser_can_keep(browser: Browser) -> None:
    report = check_transport(PyodideTransport, without=WITHOUT, patience=30)
    assert report.ok, str(report)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def provider() -> Iterator[tuple[FakeProvider, ProviderConfig]]:
    with loopback_thread(FakeProvider("openai")) as server:
        yield server.provider, server.config("openai", max_attempts=1)


@pytest.mark.anyio
class TestCalls:
    async def test_a_browser_s_cookies_and_cache_are_not_used(
        self, browser: Browser, provider: tuple[FakeProvider, ProviderConfig]
    ) -> None:
        async with create_provider(provider[1], transport=PyodideTransport(), api_key="any") as asked:
            assert (await asked.complete(QUESTION)).text == "That is 5."
        assert browser.options["credentials"] == "omit"
        assert browser.options["cache"] == "no-store"
        assert browser.options["referrerPolicy"] == "no-referrer"

    async def test_a_gateway_may_know_its_users_by_their_cookies(
        self, browser: Browser, provider: tuple[FakeProvider, ProviderConfig]
    ) -> None:
        transport = PyodideTransport(credentials="include")
        async with create_provider(provider[1], transport=transport, api_key="any") as asked:
            await asked.complete(QUESTION)
        assert browser.options["credentials"] == "include"

    async def test_a_get_has_no_body(
        self, browser: Browser, provider: tuple[FakeProvider, ProviderConfig]
    ) -> None:
        async with create_provider(provider[1], transport=PyodideTransport(), api_key="any") as asked:
            assert await asked.list_models()
        assert browser.options["method"] == "GET"
        assert "body" not in browser.options

    async def test_a_redirect_is_an_error_that_no_retry_fixes(
        self, browser: Browser, provider: tuple[FakeProvider, ProviderConfig]
    ) -> None:
        provider[0].script.append(FakeResponse(status=307, headers=(("location", "/elsewhere"),)))
        async with create_provider(provider[1], transport=PyodideTransport(), api_key="any") as asked:
            with pytest.raises(APIConnectionError, match="base_url") as caught:
                await asked.complete(QUESTION)
        assert caught.value.should_retry is False
        assert len(provider[0].requests) == 1

    async def test_a_failure_names_what_the_browser_keeps_to_itself(self, browser: Browser) -> None:
        exchange = await PyodideTransport().open(Request.post("http://127.0.0.1:1/v1", (), b"{}"), 1.0)
        with pytest.raises(APIConnectionError, match=r"127\.0\.0\.1:1.*CORS"):
            await exchange.receive(30.0)
        exchange.abort()


def test_elsewhere_it_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match="Pyodide") as caught:
        PyodideTransport()
    assert caught.value.field == "transport"
