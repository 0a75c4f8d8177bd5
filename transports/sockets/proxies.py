"""Chooses the proxy for an origin: a given one, or those that the environment names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sansio.config import is_loopback
from sansio.errors import ConfigError
from transports.sockets.tunnels import Proxy

if TYPE_CHECKING:
    import ssl

    from transports.interface import Origin

SCHEMES = ("http", "https", "socks5", "socks5h")


class Proxies:
    """The proxies of one transport. Their URLs may hold passwords, and are never shown.

    Args:
        by_scheme: proxy URLs by the scheme of the request, `"http"` or `"https"`, or `"all"`; `"no"` names
            the hosts to reach without a proxy.

    Raises:
        ConfigError: a URL is not that of a proxy.

    Example:
        >>> proxies = Proxies({"all": "http://proxy:3128", "no": ".internal"})
        >>> proxies.choose(("https", "api.example", 443))
        'http://proxy:3128'
        >>> proxies.choose(("http", "vllm.internal", 8000)) is None
        True
    """

    def __init__(self, by_scheme: Mapping[str, str]) -> None:
        self._by_scheme = dict(by_scheme)
        for scheme in ("http", "https", "all"):
            if scheme in self._by_scheme:
                _check(self._by_scheme[scheme])

    @classmethod
    def from_arguments(
        cls,
        proxy: str | None,
        no_proxy: str,
        *,
        environment_proxies: bool,
        unix_socket: str | None,
    ) -> Proxies:
        """The proxies for the arguments of a transport, which have the same names.

        Raises:
            ConfigError: the arguments exclude each other, or a URL is not that of a usable proxy.
        """
        if environment_proxies and proxy is not None:
            raise ConfigError("proxy: pass a URL, or set environment_proxies, but not both", field="proxy")
        if unix_socket is not None and (environment_proxies or proxy is not None):
            raise ConfigError(
                "unix_socket: cannot be reached through a proxy; remove one of the two",
                field="unix_socket",
            )
        if environment_proxies:
            return cls.from_environment()
        return cls({} if proxy is None else {"all": proxy, "no": no_proxy})

    @classmethod
    def from_environment(cls) -> Proxies:
        """The proxies of `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in lower case too."""
        from urllib.request import (
            getproxies_environment,
        )  # lazily: it imports http.client, which few programs need here

        return cls(getproxies_environment())

    def choose(self, origin: Origin) -> str | None:
        """The URL of the proxy for requests to `origin`; `None` if they go there directly.

        Loopback is always reached directly: plain http to it may carry a key, which a proxy would read.
        """
        scheme, host, port = origin
        url = self._by_scheme.get(scheme) or self._by_scheme.get("all")
        if not url or is_loopback(host):
            return None
        from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed

        return None if proxy_bypass_environment(f"{host}:{port}", self._by_scheme) else url

    def check_http2(self, ssl_context: ssl.SSLContext | None) -> None:
        """Refuse a context that would offer HTTP/2 through a proxy, since HTTP/1.1 is used there.

        A context has one list of protocols for all its connections, and cannot be copied.

        Raises:
            ConfigError: there is a proxy, and a context.
        """
        if ssl_context is not None and any(self._by_scheme.get(name) for name in ("http", "https", "all")):
            raise ConfigError(
                "ssl_context: with http2 it would offer HTTP/2 through the proxy too, where this transport "
                "speaks HTTP/1.1; give ca_file in its place, or leave http2 out",
                field="ssl_context",
            )

    @property
    def need_socks(self) -> bool:
        """Whether one of them speaks SOCKS."""
        return any(self._by_scheme.get(name, "").startswith("socks") for name in ("http", "https", "all"))

    def find(self, origin: Origin) -> Proxy | None:
        """The proxy for requests to `origin`; `None` if they go there directly."""
        url = self.choose(origin)
        return None if url is None else Proxy(url)

    def __repr__(self) -> str:
        return f"<Proxies for {', '.join(self._by_scheme) or 'nothing'}>"


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # its message would quote the URL
        sound = False
    if not sound:
        raise ConfigError(f"proxy: give a URL whose scheme is one of {', '.join(SCHEMES)}", field="proxy")
