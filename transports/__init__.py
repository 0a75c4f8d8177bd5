"""Moves the bytes for `sansio`: drivers, transports, and the facades that an application calls."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from transports.driver import EventStream
from transports.facade import AsyncProvider, create_provider
from transports.interface import Exchange, RawLog, SyncExchange, SyncTransport, Transport
from transports.sync_driver import SyncEventStream
from transports.sync_facade import SyncProvider, create_sync_provider

if TYPE_CHECKING:
    from transports.anyio_sockets import AnyioTransport
    from transports.blocking import SocketTransport
    from transports.httpcore_pool import HttpcoreTransport
    from transports.memory import MemoryTransport, SyncMemoryTransport

__all__ = [
    "AnyioTransport",
    "AsyncProvider",
    "EventStream",
    "Exchange",
    "HttpcoreTransport",
    "MemoryTransport",
    "RawLog",
    "SocketTransport",
    "SyncEventStream",
    "SyncExchange",
    "SyncMemoryTransport",
    "SyncProvider",
    "SyncTransport",
    "Transport",
    "create_provider",
    "create_sync_provider",
]

# Each is loaded when it is first asked for: nobody needs them all, and some weigh.
_TRANSPORTS = {
    "AnyioTransport": "transports.anyio_sockets",
    "HttpcoreTransport": "transports.httpcore_pool",
    "MemoryTransport": "transports.memory",
    "SocketTransport": "transports.blocking",
    "SyncMemoryTransport": "transports.memory",
}


def __getattr__(name: str) -> object:
    if name not in _TRANSPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_TRANSPORTS[name]), name)
