"""Operations on a socket itself, for every transport, whichever loop or library wraps the socket."""

from __future__ import annotations

import contextlib
import select
import socket
from math import ceil
from typing import Protocol

READ_SIZE = 65_536
"""Bytes requested by one read."""

SETTLE_READS = 4
"""How many reads may finish the response of a kept connection; after them the connection is dropped. And how
many may take an early answer while a request is still being sent; after them the rest is not sent."""


class HasFileno(Protocol):
    """A socket, or an event loop's substitute for one."""

    def fileno(self) -> int: ...


def _duplicate(number: int) -> socket.socket:
    """Another socket object for a connection, since uvloop's own have neither `shutdown` nor `send`.

    It has its own descriptor: an object that shared the owner's would close it if an interrupt dropped the
    object, and the owner would then close another file that has got the same number.
    """
    return socket.fromfd(number, -1, -1)


def shut_down(raw: HasFileno) -> None:
    """End a connection in both directions now: the peer sees it, and a blocked reader here wakes.

    The socket stays open; its owner closes it. A closed or lost socket is left alone.
    """
    number = raw.fileno()
    if number < 0:
        return
    with contextlib.suppress(OSError), _duplicate(number) as twin:
        twin.shutdown(socket.SHUT_RDWR)


def send_now(raw: HasFileno, data: bytes) -> None:
    """Send as much as the system accepts without waiting, before the connection is closed. Does not raise."""
    number = raw.fileno()
    if number < 0 or not data:
        return
    with contextlib.suppress(OSError), _duplicate(number) as twin:
        twin.setblocking(False)
        twin.send(data)


def read_rest(raw: HasFileno) -> bytes:
    """The bytes that have arrived on a broken connection, from which nothing more can arrive."""
    number = raw.fileno()
    pieces: list[bytes] = []
    if number >= 0:
        with contextlib.suppress(OSError), _duplicate(number) as twin:  # at the end; it does not block
            while piece := twin.recv(READ_SIZE):
                pieces.append(piece)
    return b"".join(pieces)


def readable(raw: HasFileno) -> bool:
    """Whether a read would return at once: with bytes, at the end, or because the socket is closed."""
    return wait_ready(raw, 0)


def wait_ready(raw: HasFileno, timeout: float | None, *, writing: bool = False) -> bool:
    """Wait until a read would return at once.

    Args:
        timeout: seconds; `None` waits indefinitely.
        writing: wait until a read or a write would.

    Returns:
        Whether one would.
    """
    number = raw.fileno()
    if number < 0:
        return True
    if not hasattr(select, "poll"):  # as on Windows, whose select() takes sockets with any number
        ready = select.select([number], [number] if writing else [], [], timeout)
        return bool(ready[0] or ready[1])
    poll = select.poll()
    poll.register(number, select.POLLIN | select.POLLOUT if writing else select.POLLIN)
    return bool(poll.poll(None if timeout is None else ceil(timeout * 1000)))
