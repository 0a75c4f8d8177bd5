"""Requests through an httpcore pool: for proxies, and for applications that share a pool.

It works with httpcore and with httpcore2, its maintained continuation, which has the same API.
"""

from __future__ import annotations

import importlib
import ssl
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Literal, TypeAlias, cast
from urllib.parse import unquote, urlsplit
from weakref import WeakKeyDictionary, ref

from sansio.config import is_loopback
from sansio.errors import ConfigError
from sansio.http import HTTPExchange, Request
from sansio.limits import DEFAULT_LIMITS
from transports.httpcore.backend import PooledBackend
from transports.httpcore.exchange import open_pooled
from transports.httpcore.plain import PlainExchange
from transports.httpcore.requests import close_idle
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
"""What a pool is for: the URL of a proxy, or `None`, and whether the origin speaks TLS."""

ModuleName: TypeAlias = Literal["httpcore", "httpcore2"]


class _Pools(dict[_Way, "httpcore.AsyncConnectionPool"]):
    """The pools of one loop. Its keeper holds them: their connections refer to the loop."""


class _Leftover:
    """A pool whose transport is gone, and whose idle connections are to be closed."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def aclose(self) -> None:
        await self._pool.aclose()

    def abandon(self) -> None:
        """Do nothing: the keeper holds each connection, too."""


class HttpcoreTransport:
    """Sends requests through an httpcore pool, under asyncio and trio. HTTP/1.1; no redirects.

    Without `pool` it makes pools for each event loop, and closes them when the loop ends at the latest. These
    pools only make and keep connections; what is sent and received is handled as by `AnyioTransport`. A pool
    of your own does everything itself, and so has httpcore's limits.

    Args:
        pool: your own pool, which you close. All other arguments except `module` then have no effect. The
            pool may use HTTP/2; dropping an exchange then leaves the connection open for the other exchanges
            on it. If the pool has a proxy, requests to loopback go there directly, without the proxy.
        module: `"httpcore"` or `"httpcore2"`. Default: the pool's, or httpcore2 if it is installed.
        proxy: URL of an HTTP or SOCKS proxy, with user and password if it needs them.
        no_proxy: hosts to reach without the proxy, in the format of the variable `NO_PROXY`: names separated
            by commas, with or without a port. A name includes its subdomains.
        environment_proxies: take the proxies from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`,
            read once, when the transport is made.
        unix_socket: path of a Unix socket to connect to, in place of the host that a request names.
        ssl_context: the context for TLS. Default: one that trusts the system's authorities.
        ca_file: path of a PEM file with authorities to trust in addition to the system's.
        max_idle: how many idle connections to keep for each loop, with and without TLS counted separately.
        idle_timeout: for how many seconds to keep each idle connection.
        max_header_bytes: the largest size of a response's head, and of one chunk's size line.

    Raises:
        ConfigError: the arguments are invalid. The error's `field` names the argument to change.
    """

    def __init__(
        self,
        pool: Pool | None = None,
        *,
        module: ModuleName | None = None,
        proxy: str | None = None,
        no_proxy: str = "",
        environment_proxies: bool = False,
        unix_socket: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        ca_file: str | None = None,
        max_idle: int = MAX_IDLE,
        idle_timeout: float = IDLE_TIMEOUT,
        max_header_bytes: int = DEFAULT_LIMITS.max_header_bytes,
    ) -> None:
        self._pools: WeakKeyDictionary[LoopKeeper, ref[_Pools]] = WeakKeyDictionary()
        self._given = cast("httpcore.AsyncConnectionPool | None", pool)  # httpcore2 has the same API
        self.keeps = True  # False after aclose()
        # How an application's own pool behaves when it is cancelled is unknown.
        self.resumable = pool is None
        self.core = _find_module(module, pool)
        self._given_has_proxy = pool is not None and _has_proxy(self.core, pool)
        self._trust = Trust(ssl_context, ca_file)
        self._proxies = Proxies.from_arguments(
            proxy, no_proxy, environment_proxies=environment_proxies, unix_socket=unix_socket
        )
        if self._proxies.need_socks and find_spec("socksio") is None:
            raise ConfigError(
                "proxy: SOCKS needs the package socksio here: pip install 'sansio-llm[socks]'", field="proxy"
            )
        self._unix_socket = unix_socket
        self._max_idle = max_idle
        self._idle_timeout = idle_timeout
        self._max_header_bytes = max_header_bytes

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        """See `Transport.open`. With your own pool the first `receive` connects and sends.

        Raises:
            APIConnectionError: no connection could be made; the message says why.
            APITimeoutError: connecting took too long, or the server took nothing of the request for too long.
            LocalProtocolError: the request cannot be written as HTTP/1.1.
        """
        # Refuses an invalid request here: httpcore's own error would quote a header.
        http = HTTPExchange(request, max_header_bytes=self._max_header_bytes)
        keeper = await LoopKeeper.here()
        await keeper.tidy()
        if self._given is not None and not (self._given_has_proxy and is_loopback(request.host)):
            return PlainExchange(self.core, self._given, keeper, request, timeout, write_timeout, fresh=fresh)
        pool = self._pool(keeper, request.origin)
        return await open_pooled(self, pool, keeper, http, request, timeout, write_timeout, fresh=fresh)

    async def aclose(self) -> None:
        """Close the idle connections of this loop's pools, but not those of a pool that was passed in.

        A later exchange works, but its connection is not kept, except in a pool that was passed in.
        """
        keeper = await LoopKeeper.here()
        await keeper.tidy()
        self.keeps = False
        for pool in self._in(keeper).values():
            await close_idle(pool)

    def __del__(self) -> None:
        # There are none where the constructor refused its arguments.
        for keeper in list(self.__dict__.get("_pools", {})):
            pools = self._in(keeper)
            keeper.forget(pools)
            for pool in pools.values():
                keeper.drop(_Leftover(pool))

    def _in(self, keeper: LoopKeeper) -> _Pools:
        """The pools of the keeper's loop."""
        known = self._pools.get(keeper)
        pools = None if known is None else known()
        if pools is None:
            pools = _Pools()
            keeper.keep(pools)
            self._pools[keeper] = ref(pools)
        return pools

    def _pool(self, keeper: LoopKeeper, origin: Origin) -> httpcore.AsyncConnectionPool:
        """The pool of the keeper's loop for requests to `origin`."""
        pools = self._in(keeper)
        proxy = self._proxies.choose(origin)
        secure = origin[0] == "https"
        pool = pools.get((proxy, secure))
        if pool is None:
            pool = pools[proxy, secure] = self.core.AsyncConnectionPool(
                # Only where TLS is used: loading the system's authorities blocks the loop for milliseconds.
                ssl_context=self._trust.context if secure else None,
                proxy=None if proxy is None else _open_proxy(self.core, self._trust, proxy),
                uds=self._unix_socket,
                max_connections=None,
                max_keepalive_connections=self._max_idle,
                keepalive_expiry=self._idle_timeout,
                network_backend=PooledBackend(
                    self.core,
                    keeper,
                    self._trust,
                    nested=proxy is not None and proxy.startswith("https:"),
                ),
            )
        return pool

    def url(self, request: Request) -> httpcore.URL:
        """The address of a request, as the pool takes it."""
        url: httpcore.URL = self.core.URL(request.url)
        own = self._given is None and ":" in request.host
        proxy = self._proxies.find(request.origin) if own else None
        if proxy is not None and not proxy.scheme.startswith("socks"):
            # httpcore sends the host to an HTTP proxy as it is, where IPv6 needs brackets.
            url.host = f"[{request.host}]".encode()
        return url


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
            "pool: is not an AsyncConnectionPool; pass its module, 'httpcore' or 'httpcore2', too",
            field="pool",
        )
    return importlib.import_module("httpcore" if find_spec("httpcore2") is None else "httpcore2")


def _has_proxy(core: ModuleType, pool: Pool) -> bool:
    # A pool does not say whether it was made with `proxy=`, except in this attribute.
    return (
        isinstance(pool, (core.AsyncHTTPProxy, core.AsyncSOCKSProxy))
        or getattr(pool, "_proxy", None) is not None
    )


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
