"""Requests through an httpcore pool: for proxies, for HTTP/2, and for people who share a pool.

It works with httpcore and with httpcore2, which goes on where httpcore ended and has the same API.
"""

from __future__ import annotations

import importlib
import ssl
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Literal, TypeAlias, cast
from urllib.parse import unquote, urlsplit
from weakref import WeakKeyDictionary

from sansio.errors import ConfigError
from sansio.http import HTTPExchange, Request
from transports.httpcore.backend import WatchedBackend
from transports.httpcore.exchange import HttpcoreExchange, close_idle
from transports.interface import Exchange, Origin
from transports.loops import LoopKeeper
from transports.sockets.idle import IDLE_TIMEOUT, MAX_IDLE
from transports.sockets.proxies import Proxies
from transports.sockets.tls import Trust

if TYPE_CHECKING:
    import httpcore
    import httpcore2

    Pool: TypeAlias = httpcore.AsyncConnectionPool | httpcore2.AsyncConnectionPool

_Way: TypeAlias = tuple[str | None, bool]
"""A proxy's URL or none, and whether TLS goes to the origin: what a pool is for."""

ModuleName: TypeAlias = Literal["httpcore", "httpcore2"]


class HttpcoreTransport:
    """Sends requests through an httpcore pool, under asyncio and trio. No redirect.

    Without `pool` it makes one for each event loop, which is closed with the loop at the latest.
    Over HTTP/2 an exchange that is dropped leaves the connection to the others on it.

    Args:
        pool: the user's own, and closed by the user; all other arguments then belong to the pool.
        module: `"httpcore"` or `"httpcore2"`; where left out, the pool's, or httpcore2 if it is installed.
        http2: offer HTTP/2 to servers over TLS; needs the extra `http2`.
        proxy: URL of an HTTP or SOCKS proxy, with its user and password, that requests go through.
        no_proxy: hosts that are asked without it, as in the variable `NO_PROXY`: names, which stand for
            all below them too, with or without a port, between commas.
        environment_proxies: take both from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, which are
            read once, here.
        unix_socket: path of a Unix socket that is connected to, whatever host a request names.
        ssl_context: for TLS; where left out, the system's authorities are trusted.
        ca_file: certificates in PEM of authorities that are trusted beside the system's.
        max_idle: how many connections are kept for each loop, of those over TLS and of those without.
        idle_timeout: for how many seconds each is kept.

    Raises:
        ConfigError: the arguments cannot work; it names the one to change.
    """

    def __init__(
        self,
        pool: Pool | None = None,
        *,
        module: ModuleName | None = None,
        http2: bool = False,
        proxy: str | None = None,
        no_proxy: str = "",
        environment_proxies: bool = False,
        unix_socket: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        ca_file: str | None = None,
        max_idle: int = MAX_IDLE,
        idle_timeout: float = IDLE_TIMEOUT,
    ) -> None:
        self._pools: WeakKeyDictionary[LoopKeeper, dict[_Way, httpcore.AsyncConnectionPool]] = (
            WeakKeyDictionary()
        )
        self._given = cast("httpcore.AsyncConnectionPool | None", pool)  # httpcore2 has the same API
        self.keeps = True  # False after aclose()
        self.core = _find_module(module, pool)
        self._trust = Trust(ssl_context, ca_file)
        if http2 and find_spec("h2") is None:
            raise ConfigError("http2: needs the package h2; install 'sansio-llm[http2]'", field="http2")
        self._http2 = http2
        if environment_proxies and proxy is not None:
            raise ConfigError("proxy: give it, or take the environment's, not both", field="proxy")
        if unix_socket is not None and (environment_proxies or proxy is not None):
            raise ConfigError("unix_socket: there is no proxy before it; leave one out", field="unix_socket")
        given = {} if proxy is None else {"all": proxy, "no": no_proxy}
        self._proxies = Proxies.from_environment() if environment_proxies else Proxies(given)
        self._unix_socket = unix_socket
        self._max_idle = max_idle
        self._idle_timeout = idle_timeout

    async def open(self, request: Request, timeout: float | None, *, fresh: bool = False) -> Exchange:
        """See `Transport.open`. Nothing is sent yet, so that what fails is raised by the first `receive`.

        Raises:
            LocalProtocolError: the request cannot be written as HTTP/1.1.
        """
        HTTPExchange(request)  # refuses what cannot be written, in words that quote no header
        keeper = await LoopKeeper.here()
        await keeper.tidy()
        return HttpcoreExchange(self, keeper, request, timeout, fresh=fresh)

    async def aclose(self) -> None:
        """Close what idles in this loop's pool, unless that is the user's own.

        The transport is not used afterwards.
        """
        keeper = await LoopKeeper.here()
        await keeper.tidy()
        self.keeps = self._given is not None
        for pool in self._pools.get(keeper, {}).values():
            await close_idle(pool)

    def __del__(self) -> None:
        for keeper, pools in list(self._pools.items()):
            for pool in pools.values():
                keeper.drop(pool)

    def pool(self, keeper: LoopKeeper, origin: Origin) -> httpcore.AsyncConnectionPool:
        """The pool that serves the keeper's loop, by the way to `origin`."""
        if self._given is not None:
            return self._given
        pools = self._pools.setdefault(keeper, {})
        proxy = self._proxies.choose(origin)
        secure = origin[0] == "https"
        pool = pools.get((proxy, secure))
        if pool is None:
            pool = pools[proxy, secure] = self.core.AsyncConnectionPool(
                # The system's authorities take the time of many requests to load, while the loop waits.
                ssl_context=self._trust.context if secure else None,
                proxy=None if proxy is None else _open_proxy(self.core, self._trust, proxy),
                uds=self._unix_socket,
                max_connections=None,
                max_keepalive_connections=self._max_idle,
                keepalive_expiry=self._idle_timeout,
                http2=self._http2,
                network_backend=WatchedBackend(self.core.AnyIOBackend()),
            )
            keeper.hold(pool)
        return pool


def _find_module(name: ModuleName | None, pool: Pool | None) -> ModuleType:
    if name is not None:
        if find_spec(name) is None:
            raise ConfigError(
                f"module: {name} is not installed: pip install 'sansio-llm[httpcore2]'", field="module"
            )
        return importlib.import_module(name)
    if pool is not None:
        for known in ("httpcore2", "httpcore"):
            module = sys.modules.get(known)
            if module is not None and isinstance(pool, module.AsyncConnectionPool):
                return module
        raise ConfigError(
            "pool: it is no AsyncConnectionPool; give its module, 'httpcore' or 'httpcore2', too",
            field="pool",
        )
    return importlib.import_module("httpcore" if find_spec("httpcore2") is None else "httpcore2")


def _open_proxy(core: ModuleType, trust: Trust, proxy: str) -> httpcore.Proxy:
    parts = urlsplit(proxy)
    url = core.URL(scheme=parts.scheme, host=parts.hostname, port=parts.port, target="/")
    auth = None
    if parts.username is not None:
        auth = (unquote(parts.username), unquote(parts.password or ""))
    made: httpcore.Proxy = core.Proxy(
        url, auth=auth, ssl_context=trust.context if parts.scheme == "https" else None
    )
    return made
