"""The transports of this package by name, for `create_provider(transport="aiohttp")`.

See `transports.driving.named`. Each is imported only when it is made, since each needs other packages.
"""

from __future__ import annotations

from sansio import ProviderConfig
from transports.interface import SyncTransport, Transport


def anyio(config: ProviderConfig) -> Transport:
    """The default: sockets under asyncio and trio."""
    from transports.sockets.transport import AnyioTransport

    return AnyioTransport(max_header_bytes=config.limits.max_header_bytes)


def httpcore(config: ProviderConfig) -> Transport:
    """httpcore's pools, under asyncio and trio."""
    from transports.httpcore.pool import HttpcoreTransport

    return HttpcoreTransport(max_header_bytes=config.limits.max_header_bytes)


def httpx2(config: ProviderConfig) -> Transport:
    """httpx2's client, under asyncio and trio."""
    from transports.adapters.httpx2 import Httpx2Transport

    return Httpx2Transport()


def aiohttp(config: ProviderConfig) -> Transport:
    """aiohttp's session, under asyncio."""
    from transports.adapters.aiohttp import AiohttpTransport

    return AiohttpTransport(max_header_bytes=config.limits.max_header_bytes)


def pyodide(config: ProviderConfig) -> Transport:
    """The browser's `fetch`, in Pyodide."""
    from transports.adapters.pyodide import PyodideTransport

    return PyodideTransport()


def socket(config: ProviderConfig) -> SyncTransport:
    """The default without an event loop: blocking sockets."""
    from transports.sockets.blocking import SocketTransport

    return SocketTransport(max_header_bytes=config.limits.max_header_bytes)
