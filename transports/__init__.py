"""I/O for `sansio`: transports, drivers, and the facades that applications call."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transports.bulk.gate import CallLimiter, SharedLimiter
    from transports.bulk.mapping import CallMap, map_calls
    from transports.bulk.sync_mapping import SyncCallMap, map_calls_sync
    from transports.driving.batches import AsyncBatches, AsyncResults, SyncBatches, SyncResults
    from transports.driving.driver import EventStream
    from transports.driving.facade import AsyncProvider, create_provider
    from transports.driving.fallback import Fallback, FallbackProvider, SyncFallbackProvider
    from transports.driving.heartbeats import Heartbeat
    from transports.driving.sync_driver import SyncEventStream
    from transports.driving.sync_facade import SyncProvider, create_sync_provider
    from transports.httpcore.pool import HttpcoreTransport
    from transports.interface import Exchange, RawLog, SyncExchange, SyncTransport, Transport
    from transports.observing.base import Asked, Observation, Observer
    from transports.sockets.blocking import SocketTransport
    from transports.sockets.transport import AnyioTransport
    from transports.testing.memory import MemoryTransport, SyncMemoryTransport
    from transports.testing.recording import RecordingTransport, SyncRecordingTransport
    from transports.testing.replaying import ReplayTransport, SyncReplayTransport
    from transports.tools import run_tools, run_tools_sync

__all__ = [
    "AnyioTransport",
    "Asked",
    "AsyncBatches",
    "AsyncProvider",
    "AsyncResults",
    "CallLimiter",
    "CallMap",
    "EventStream",
    "Exchange",
    "Fallback",
    "FallbackProvider",
    "Heartbeat",
    "HttpcoreTransport",
    "MemoryTransport",
    "Observation",
    "Observer",
    "RawLog",
    "RecordingTransport",
    "ReplayTransport",
    "SharedLimiter",
    "SocketTransport",
    "SyncBatches",
    "SyncCallMap",
    "SyncEventStream",
    "SyncExchange",
    "SyncFallbackProvider",
    "SyncMemoryTransport",
    "SyncProvider",
    "SyncRecordingTransport",
    "SyncReplayTransport",
    "SyncResults",
    "SyncTransport",
    "Transport",
    "create_provider",
    "create_sync_provider",
    "map_calls",
    "map_calls_sync",
    "run_tools",
    "run_tools_sync",
]

# Each name is loaded on first use: few programs need all, some are slow to import, and the command line must
# handle Ctrl-C before it imports any.
_ROOMS = {
    "AnyioTransport": "sockets.transport",
    "Asked": "observing.base",
    "AsyncBatches": "driving.batches",
    "AsyncProvider": "driving.facade",
    "AsyncResults": "driving.batches",
    "CallLimiter": "bulk.gate",
    "CallMap": "bulk.mapping",
    "EventStream": "driving.driver",
    "Exchange": "interface",
    "Fallback": "driving.fallback",
    "FallbackProvider": "driving.fallback",
    "Heartbeat": "driving.heartbeats",
    "HttpcoreTransport": "httpcore.pool",
    "MemoryTransport": "testing.memory",
    "Observation": "observing.base",
    "Observer": "observing.base",
    "RawLog": "interface",
    "RecordingTransport": "testing.recording",
    "ReplayTransport": "testing.replaying",
    "SharedLimiter": "bulk.gate",
    "SocketTransport": "sockets.blocking",
    "SyncBatches": "driving.batches",
    "SyncCallMap": "bulk.sync_mapping",
    "SyncEventStream": "driving.sync_driver",
    "SyncExchange": "interface",
    "SyncFallbackProvider": "driving.fallback",
    "SyncMemoryTransport": "testing.memory",
    "SyncProvider": "driving.sync_facade",
    "SyncRecordingTransport": "testing.recording",
    "SyncReplayTransport": "testing.replaying",
    "SyncResults": "driving.batches",
    "SyncTransport": "interface",
    "Transport": "interface",
    "create_provider": "driving.facade",
    "create_sync_provider": "driving.sync_facade",
    "map_calls": "bulk.mapping",
    "map_calls_sync": "bulk.sync_mapping",
    "run_tools": "tools",
    "run_tools_sync": "tools",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
