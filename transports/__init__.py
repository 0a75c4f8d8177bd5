"""Moves the bytes for `sansio`: drivers, transports, and the facades that an application calls."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transports.anyio_sockets import AnyioTransport
    from transports.blocking import SocketTransport
    from transports.driver import EventStream
    from transports.facade import AsyncProvider, create_provider
    from transports.httpcore_pool import HttpcoreTransport
    from transports.interface import Exchange, RawLog, SyncExchange, SyncTransport, Transport
    from transports.memory import MemoryTransport, SyncMemoryTransport
    from transports.sync_driver import SyncEventStream
    from transports.sync_facade import SyncProvider, create_sync_provider

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

# Each is loaded when it is first asked for: nobody needs them all, some weigh, and the command line must be
# ready for Ctrl-C before it loads any.
_ROOMS = {
    "AnyioTransport": "anyio_sockets",
    "AsyncProvider": "facade",
    "EventStream": "driver",
    "Exchange": "interface",
    "HttpcoreTransport": "httpcore_pool",
    "MemoryTransport": "memory",
    "RawLog": "interface",
    "SocketTransport": "blocking",
    "SyncEventStream": "sync_driver",
    "SyncExchange": "interface",
    "SyncMemoryTransport": "memory",
    "SyncProvider": "sync_facade",
    "SyncTransport": "interface",
    "Transport": "interface",
    "create_provider": "facade",
    "create_sync_provider": "sync_facade",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
