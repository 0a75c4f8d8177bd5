"""Connects a blocking socket to one of a host's addresses."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from math import inf

from transports.sockets import racing
from transports.sockets.racing import Address, alternate
from transports.sockets.raw import READ_SIZE
from transports.sockets.secure_socket import SecureSocket
from transports.sockets.tls import TLSClient
from transports.sockets.tunnels import Tunnel

_UNDER_WAY = (0, errno.EINPROGRESS, getattr(errno, "WSAEWOULDBLOCK", 0))
"""The results of a non-blocking `connect_ex` for an attempt that has not failed; the last is for Windows.
`EAGAIN` is not among them: a Unix socket returns it if its server accepts no more connections."""


class OutOfTimeError(Exception):
    """The caller's deadline has passed. A timeout that the system reports is an `OSError` instead."""


class Deadline:
    """A limit for several steps together.

    Args:
        seconds: from now; `None` has no limit.
    """

    def __init__(self, seconds: float | None) -> None:
        self._at = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Seconds until the deadline; `None` has no limit.

        Raises:
            OutOfTimeError: it has passed.
        """
        left = None if self._at is None else self._at - time.monotonic()
        if left is not None and left <= 0:
            raise OutOfTimeError
        return left

    @contextlib.contextmanager
    def bound(self, sock: socket.socket | SecureSocket) -> Iterator[None]:
        """Let a call to the socket wait until the deadline at most.

        Raises:
            OutOfTimeError: the deadline has passed.
        """
        sock.settimeout(self.left())
        try:
            yield
        except TimeoutError as error:
            if error.errno is None:  # raised by settimeout(), and not by a system call
                raise OutOfTimeError from None
            raise


def dial(
    addresses: list[Address],
    tls: TLSClient | None,
    deadline: Deadline,
    tunnel: Tunnel | None = None,
    outer: TLSClient | None = None,
) -> socket.socket | SecureSocket:
    """Connect to the first of a host's addresses that answers, and do the TLS handshake.

    Args:
        addresses: at least one.
        tls: the client's side of TLS; `None` for a plain connection.
        deadline: for everything.
        tunnel: the handshake with a proxy at these addresses, which comes before TLS.
        outer: the client's side of TLS to the proxy itself, which comes before all of that.

    Raises:
        APIConnectionError: the proxy refused.
        OSError: none answers, or TLS fails; the error is that of the first address that failed.
        OutOfTimeError: the deadline has passed.
    """
    race = _Race(deadline)
    with contextlib.closing(race):
        sock = race.run(deque(alternate(addresses)))
        connected = sock if outer is None else _secured(sock, outer, deadline)
        while tunnel is not None and not tunnel.open:
            with deadline.bound(connected):
                # A view: a frame would show the password in bytes to a traceback with locals.
                connected.sendall(memoryview(tunnel.data_to_send()))
            with deadline.bound(connected):
                tunnel.receive_data(connected.recv(READ_SIZE))
        if tls is not None:
            connected = _secured(connected, tls, deadline)
        race.keep(sock)
    return connected


def _secured(sock: socket.socket | SecureSocket, tls: TLSClient, deadline: Deadline) -> SecureSocket:
    """Do the TLS handshake."""
    secured, finished = SecureSocket(sock, tls), False
    while not finished:
        with deadline.bound(secured):
            finished = secured.shake_hands()
    return secured


class _Race:
    """Attempts to connect that run side by side (RFC 8305), in one thread.

    An unreachable address then costs no more than `STAGGER`. Tried one after the other, it would cost the
    whole deadline.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._sockets: list[socket.socket] = []  # all that were made and are not closed
        self._failures: list[OSError] = []

    def run(self, waiting: deque[Address]) -> socket.socket:
        with selectors.DefaultSelector() as selector:
            while True:
                self._begin(waiting, selector)
                if not selector.get_map():
                    raise self._failures[0]
                stagger = racing.STAGGER if waiting else inf
                left = self._deadline.left()
                wait = min(stagger, inf if left is None else left)
                for key, _ in selector.select(None if wait == inf else wait):
                    sock = key.fileobj
                    assert isinstance(sock, socket.socket)
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        return sock
                    selector.unregister(sock)
                    self._fail(sock, code)

    def _begin(self, waiting: deque[Address], selector: selectors.BaseSelector) -> None:
        """Begin the next attempt, and further ones while they fail at once."""
        while waiting:
            family, address = waiting.popleft()
            sock = self._make(family)
            code = sock.connect_ex(address)
            if code in _UNDER_WAY:
                selector.register(sock, selectors.EVENT_WRITE)
                return
            self._fail(sock, code)

    def _make(self, family: int) -> socket.socket:
        # Each socket is in the list before the next line, where an interrupt may end all this.
        self._sockets.append(socket.socket(family, socket.SOCK_STREAM))
        sock = self._sockets[-1]
        if family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(0)
        return sock

    def _fail(self, sock: socket.socket, code: int) -> None:
        self._failures.append(OSError(code, os.strerror(code)))
        sock.close()

    def keep(self, sock: socket.socket) -> None:
        """Leave this one open."""
        self._sockets.remove(sock)

    def close(self) -> None:
        """Close all sockets but the one that is kept."""
        for sock in self._sockets:
            sock.close()
