"""Every transport over sockets that an event loop runs, for tests and for the programs that they start."""

from __future__ import annotations

from collections.abc import Callable

from transports import AnyioTransport, HttpcoreTransport, Transport

TRANSPORTS: dict[str, Callable[[], Transport]] = {
    "anyio": AnyioTransport,
    "httpcore": lambda: HttpcoreTransport(module="httpcore"),
    "httpcore2": lambda: HttpcoreTransport(module="httpcore2"),
}
