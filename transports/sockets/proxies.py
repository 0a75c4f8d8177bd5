"""Chooses the proxy for an origin: a given one, or those that the environment names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sansio.config import is_loopback
from sansio.errors import ConfigError

if TYPE_CHECKING:
    from transports.interface import Origin

SCHEMES = ("http", "https", "socks5", "socks5h")


class Proxies:
    """The proxies of one transport. Their URLs may hold passwords, and are never shown.

    Args:
        by_scheme: proxy URLs by the scheme of the request, `"http"` or `"https"`, or `"all"`; `"no"` names
            the hosts to reach without a proxy.

    Raises:
        ConfigError: a URL is not a proxy's.

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
    def from_environment(cls) -> Proxies:
        """Those of `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in lower case too."""
        from urllib.request import (
            getproxies_environment,
        )  # lazily: it imports http.client, which few programs need here

        return cls(getproxies_environment())

    def choose(self, origin: Origin) -> str | None:
        """The URL of the proxy for requests to `origin`; `None` if they go there directly.

        Loopback is always reached directly: plain http to it may carry a key, which a proxy would read.
        """
        scheme, host, port = origin
        if is_loopback(host):
            return None
        url = self._by_scheme.get(scheme) or self._by_scheme.get("all")
        if not url:
            return None
        from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed

        return None if proxy_bypass_environment(f"{host}:{port}", self._by_scheme) else url

    def __repr__(self) -> str:
        return f"<Proxies for {', '.join(self._by_scheme) or 'nothing'}>"


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # its message would quote the URL
        sound = False
    if not sound:
        raise ConfigError(f"proxy: give a URL, its scheme one of {', '.join(SCHEMES)}", field="proxy")
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ConfigError(
            "proxy: SOCKS needs the package socksio: pip install 'sansio-llm[socks]'", field="proxy"
        )
