"""What every transport does with a socket itself, whichever loop or library wraps it."""

from __future__ import annotations

import contextlib
import select
import socket
from typing import Protocol

READ_SIZE = 65_536
"""Bytes requested by one read."""

SETTLE_READS = 4
"""How many reads may finish the response of a kept connection; after them the connection is dropped."""


class HasFileno(Protocol):
    """A socket, or an event loop's substitute for one."""

    def fileno(self) -> int: ...


def shut_down(raw: HasFileno) -> None:
    """End a connection in both directions now: the peer sees it, and a blocked reader here wakes.

    The socket stays open; its owner closes it. A closed or lost socket is left alone.
    """
    number = raw.fileno()
    if number < 0:
        return
    with contextlib.suppress(OSError):
        # Not raw.shutdown(): uvloop's sockets have none, and an SSLSocket's discards the TLS state that a
        # reader in another thread is using.
        borrowed = socket.socket(fileno=number)
        try:
            borrowed.shutdown(socket.SHUT_RDWR)
        finally:
            borrowed.detach()


def send_now(raw: HasFileno, data: bytes) -> None:
    """Send what the system takes without waiting, before the connection is closed. It does not raise."""
    number = raw.fileno()
    if number < 0 or not data:
        return
    with contextlib.suppress(OSError):
        borrowed = socket.socket(fileno=number)
        try:
            borrowed.setblocking(False)
            borrowed.send(data)
        finally:
            borrowed.detach()


def readable(raw: HasFileno) -> bool:
    """Whether a read would return at once: with bytes, at the end, or because the socket is closed."""
    number = raw.fileno()
    if number < 0:
        return True
    if not hasattr(select, "poll"):  # as on Windows, whose select() takes sockets with any number
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))
