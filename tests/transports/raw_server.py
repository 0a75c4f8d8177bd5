"""A TCP server of bytes in its own thread, so that it outlives event loops and serves blocking code."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeAlias

import anyio.to_thread

from sansio.http import Request

PATIENCE = 30.0
"""Seconds after which a test that waits has failed."""

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Peer:
    """A connection, as the server sees it.

    Attributes:
        number: how many connections arrived before it.
        socket: the connection.
    """

    def __init__(self, sock: socket.socket, number: int, closed: threading.Event) -> None:
        self.number = number
        self.socket = sock
        self._closed = closed
        self._unread = b""

    def request(self) -> bytes | None:
        """The next request, whole; `None` when the client closes instead."""
        while (end := self._unread.find(b"\r\n\r\n")) < 0:
            if not self._read():
                return None
        head = self._unread[: end + 4]
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        while len(self._unread) < len(head) + size:
            if not self._read():
                return None
        request, self._unread = self._unread[: len(head) + size], self._unread[len(head) + size :]
        return request

    def receive(self) -> bytes:
        """The next bytes, whatever they mean; none at the end."""
        self._read()
        data, self._unread = self._unread, b""
        return data

    def send(self, *pieces: bytes) -> None:
        """Send the pieces one by one; what the client no longer takes is lost."""
        with contextlib.suppress(OSError):
            for piece in pieces:
                self.socket.sendall(piece)

    def wait_for_close(self) -> None:
        """Take what the client sends, until it closes."""
        while self._read():
            pass

    def close(self) -> None:
        """Close in an orderly way."""
        self.socket.close()

    def reset(self) -> None:
        """Close with a reset in place of an orderly end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()

    def _read(self) -> bool:
        try:
            data = self.socket.recv(65_536)
        except OSError:
            data = b""
        if not data:
            self._closed.set()
        self._unread += data
        return bool(data)


Script: TypeAlias = Callable[[Peer], None]


class RawServer:
    """Runs a script for each connection, each in a thread; the connection closes when the script ends.

    Args:
        script: what a connection is given.
        tls: how the server shows itself, where it speaks TLS.
        host: the name that requests use.

    Attributes:
        connections: how many were accepted.
        closed: set when a client has closed a connection, as far as its script looks.
    """

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.connections = 0
        self.closed = threading.Event()
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://{host}:{self._listener.getsockname()[1]}/v1"

    def post(self, body: bytes = b"{}") -> Request:
        """A request to this server."""
        return Request.post(self.url, (("authorization", "Bearer secret"),), body)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(PATIENCE)
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(sock, self.connections))
            self.connections += 1
            self._sockets.append(sock)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        with sock:
            if self._tls is None:
                with contextlib.suppress(OSError):  # the client has gone
                    self._script(Peer(sock, number, self.closed))
                return
            # Known before it shakes hands, so that the server's end ends that too.
            secured = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            self._sockets.append(secured)
            with contextlib.suppress(OSError), secured:
                secured.do_handshake()
                self._script(Peer(secured, number, self.closed))


def answering(*responses: bytes) -> Script:
    """Each request of a connection gets the next response, then the first again."""

    def script(peer: Peer) -> None:
        count = 0
        while peer.request() is not None:
            peer.send(responses[count % len(responses)])
            count += 1

    return script


async def happens(event: threading.Event) -> bool:
    """Whether the event comes, as it should soon."""
    return await anyio.to_thread.run_sync(event.wait, PATIENCE)


def eventually(condition: Callable[[], object]) -> bool:
    """Whether something that another thread does becomes true, as it should soon."""
    ends = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < ends:
        time.sleep(0.001)
    return bool(condition())
