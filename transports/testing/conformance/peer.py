"""A server of bytes, for laws about what no correct server does. A thread serves each connection."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TypeAlias

from sansio import Request

Script: TypeAlias = Callable[[socket.socket], None]

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def read_request(sock: socket.socket) -> bytes | None:
    """The next complete request; `None` if the client has closed."""
    data = b""
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        if found:
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            if len(body) >= size:
                return data
        piece = sock.recv(65_536)
        if not piece:
            return None
        data += piece


@contextlib.contextmanager
def raw_peer(script: Script) -> Iterator[Request]:
    """Serve while the context lasts.

    Args:
        script: called with each connection, which is closed afterwards.

    Yields:
        A small request to the server.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    open_now: list[socket.socket] = []

    def serve(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            script(sock)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                open_now.append(sock)
                threads.append(threading.Thread(target=serve, args=(sock,), daemon=True))
                threads[-1].start()

    threads = [threading.Thread(target=accept, daemon=True)]
    threads[0].start()
    try:
        yield Request.post(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", (), b"{}")
    finally:
        for sock in (listener, *open_now):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        threads[0].join()
        listener.close()
        for thread in threads:
            thread.join()
