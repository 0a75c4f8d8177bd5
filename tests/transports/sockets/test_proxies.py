"""Which proxy leads to an origin."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest

from sansio import ConfigError
from transports import AnyioTransport, HttpcoreTransport, SocketTransport
from transports.sockets.proxies import Proxies

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_each_scheme_has_its_proxy_and_all_is_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://secure:1")
    monkeypatch.setenv("ALL_PROXY", "http://rest:3")
    proxies = Proxies.from_environment()
    assert proxies.choose(("https", "api.example", 443)) == "http://secure:1"
    assert proxies.choose(("http", "api.example", 80)) == "http://rest:3"


def test_an_environment_without_proxies_has_none() -> None:
    assert Proxies.from_environment().choose(("https", "api.example", 443)) is None


@pytest.mark.parametrize(
    ("no", "host", "port", "direct"),
    [
        ("example.com", "example.com", 443, True),
        ("example.com", "api.example.com", 443, True),
        (".example.com", "api.example.com", 443, True),
        ("example.com", "badexample.com", 443, False),
        ("a.test, b.test", "b.test", 443, True),
        ("example.com:8443", "example.com", 8443, True),
        ("example.com:8443", "example.com", 443, False),
        ("EXAMPLE.com", "example.COM", 443, True),
        ("*", "anything.test", 80, True),
        ("10.0.0.1", "10.0.0.1", 8000, True),
        ("fd00::1", "fd00::1", 8000, True),
        ("", "example.com", 443, False),
    ],
)
def test_no_proxy_names_hosts_and_all_below_them(no: str, host: str, port: int, direct: bool) -> None:
    proxies = Proxies({"all": "http://proxy:3128", "no": no})
    assert (proxies.choose(("https", host, port)) is None) == direct


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("host", "direct"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True),
     ("api.localhost", False), ("localhost.example", False), ("10.0.0.1", False)],
)  # fmt: skip
def test_loopback_is_reached_without_a_proxy(
    scheme: str, host: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key may go to loopback over plain http, and a proxy on the way would read it."""
    monkeypatch.setenv("ALL_PROXY", "http://proxy:3128")
    for proxies in (Proxies.from_environment(), Proxies({"all": "http://proxy:3128"})):
        assert (proxies.choose((scheme, host, 8000)) is None) == direct


@pytest.mark.parametrize("name", ["http", "https", "all"])
def test_a_wrong_url_in_the_environment_is_refused_without_being_shown(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{name.upper()}_PROXY", "user:s3cret@host:80")
    with pytest.raises(ConfigError, match="scheme is one of http, https, socks5, socks5h") as caught:
        HttpcoreTransport(environment_proxies=True)
    assert caught.value.field == "proxy"
    assert "s3cret" not in str(caught.value)


def test_passwords_are_not_shown() -> None:
    assert repr(Proxies({"all": "http://user:s3cret@host"})) == "<Proxies for all>"
    assert repr(Proxies({})) == "<Proxies for nothing>"


@pytest.mark.parametrize("kind", [AnyioTransport, SocketTransport])
def test_a_context_does_not_offer_http2_behind_a_proxy(
    kind: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    kind(ssl_context=context, http2=True, environment_proxies=True)
    kind(http2=True, proxy="http://proxy:1")
    with pytest.raises(ConfigError, match="ca_file") as caught:
        kind(ssl_context=context, http2=True, proxy="http://proxy:1")
    assert caught.value.field == "ssl_context"
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    with pytest.raises(ConfigError, match="ca_file"):
        kind(ssl_context=context, http2=True, environment_proxies=True)


@pytest.mark.parametrize("kind", [AnyioTransport, SocketTransport, HttpcoreTransport])
def test_arguments_that_exclude_each_other_are_refused(kind: Callable[..., object]) -> None:
    with pytest.raises(ConfigError, match="not both"):
        kind(proxy="http://proxy:1", environment_proxies=True)
    with pytest.raises(ConfigError, match="unix_socket"):
        kind(unix_socket="/run/llm.sock", proxy="http://proxy:1")
    with pytest.raises(ConfigError, match="unix_socket"):
        kind(unix_socket="/run/llm.sock", environment_proxies=True)
