"""A gateway from HTTP/2 to the HTTP/1.1 server that a law is tested with, as a Unix socket.

Each exchange has its own connection behind the gateway, so that what a law sees of the server's
connections are the exchanges: a reset of the one closes the other, and the reverse. A request is passed on
as it arrives, as fast as the server takes it.

As a program it prints the path, and serves until its standard input ends.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from sansio import Body, End, Head, HTTPExchange, Lost, RemoteProtocolError, Request
from sansio.http import Input


@contextlib.contextmanager
def gateway() -> Iterator[str]:
    """The path of the socket, while the context lasts."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = str(Path(folder, "gateway"))
        listener.bind(path)
        listener.listen(64)
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=_Client(sock).serve, daemon=True).start()


class _Client:
    """A connection of the transport under test."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.lock = threading.Lock()
        config = h2.config.H2Configuration(client_side=False, header_encoding="latin-1")
        self.h2 = h2.connection.H2Connection(config)
        self.window = threading.Condition(self.lock)
        self._behind: dict[int, _Behind] = {}
        self._kept: list[socket.socket] = []
        self._outgoing: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def serve(self) -> None:
        threading.Thread(target=self._send, daemon=True).start()
        self.h2.initiate_connection()
        self.flush()
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError), self.socket:
            while data := self.socket.recv(65_536):
                with self.lock:
                    for event in self.h2.receive_data(data):
                        self._handle(event)
                    self.flush()
                    self.window.notify_all()
        with self.lock:
            for behind in self._behind.values():
                behind.close()
            for kept in self._kept:
                kept.close()
        self._outgoing.put(b"")

    def flush(self, more: bytes = b"") -> None:
        """Send what is to be sent. It does not wait for a client that does not read."""
        data = self.h2.data_to_send() + more
        if data:
            self._outgoing.put(data)

    def _send(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._outgoing.get():
                self.socket.sendall(data)
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def lose(self, number: int, *, malformed: bool) -> None:
        """An exchange broke off: say so, as far as HTTP/2 can without an end of the other exchanges."""
        if malformed:
            self.flush(b"\0\0\5\6\0\0\0\0\0short")  # no ping has five bytes
        elif any(behind.runs for other, behind in self._behind.items() if other != number):
            self.h2.reset_stream(number, h2.errors.ErrorCodes.INTERNAL_ERROR)
        else:
            self._outgoing.put(b"")

    def _handle(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived(stream_id=int(number), headers=list(headers)):
                fields = {str(name): str(value) for name, value in headers}
                behind = self._behind[number] = _Behind(self, number, fields)
                behind.kept = self._kept.pop() if self._kept else None
                threading.Thread(target=behind.run, daemon=True).start()
            case h2.events.DataReceived(stream_id=int(number), data=bytes(data)):
                self._behind[number].body.put((data, event.flow_controlled_length or 0))
            case h2.events.StreamReset(stream_id=int(number)):
                self._behind[number].close()
            case _:
                pass

    def keep(self, sock: socket.socket) -> None:
        with self.lock:
            self._kept.append(sock)

    def give_back(self, number: int, size: int) -> None:
        """The server behind has taken a part of a request: the client may send as much again."""
        with self.lock, contextlib.suppress(h2.exceptions.ProtocolError):
            if size:
                self.h2.acknowledge_received_data(size, number)
                self.flush()


class _Behind:
    """An exchange, and its connection to the server."""

    def __init__(self, client: _Client, number: int, headers: dict[str, str]) -> None:
        self.body: queue.SimpleQueue[tuple[bytes, int]] = queue.SimpleQueue()
        self.kept: socket.socket | None = None
        self.runs = True
        self._client = client
        self._number = number
        self._headers = headers
        self._socket: socket.socket | None = None
        self._closed = False
        self._uploaded = headers.get("content-length", "0") == "0"

    def close(self) -> None:
        self._closed = True
        self.body.put((b"", 0))
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def run(self) -> None:
        headers = tuple((name, value) for name, value in self._headers.items() if not name.startswith(":"))
        host, _, port = self._headers[":authority"].rpartition(":")
        url = f"http://{host}:{port}{self._headers[':path']}"
        size = int(self._headers.get("content-length", 0))
        sent = Request.post(url, (), bytes(size))
        names = {name for name, _ in sent.headers}
        http = HTTPExchange(
            Request.post(url, tuple(field for field in headers if field[0] not in names), sent.body),
            max_header_bytes=1 << 20,
        )
        kept = False
        try:
            sock = self.kept or socket.create_connection((host, int(port)))
            self._socket = sock
            if self._closed:
                self.close()
            whole = http.data_to_send()
            sock.sendall(whole[: len(whole) - size])  # the body follows
            uploading = threading.Thread(target=self._upload, args=(sock, size), daemon=True)
            uploading.start()
            over = False
            while not over:
                try:
                    data = sock.recv(65_536)
                except OSError:
                    data = b""
                inputs = http.receive_data(data) if data else http.receive_eof()
                for given in inputs:
                    if isinstance(given, End) and http.reusable and self._uploaded and not self._closed:
                        self._client.keep(sock)  # first, since the next request may follow at once
                        kept = True
                    over = self._pass_on(given)
        except OSError:
            self._pass_on(None)
        if self._socket is not None and not kept:
            self._socket.close()
        self.runs = False

    def _upload(self, sock: socket.socket, left: int) -> None:
        with contextlib.suppress(OSError):
            while left and not self._closed:
                data, size = self.body.get()
                left -= len(data)
                self._uploaded = not left  # first, since the answer may be here before sendall() returns
                sock.sendall(data)
                self._client.give_back(self._number, size)

    def _pass_on(self, given: Input | None) -> bool:
        """Send an input over HTTP/2; whether it was the last."""
        client, number = self._client, self._number
        with client.lock, contextlib.suppress(h2.exceptions.ProtocolError):
            match given:
                case Head(status=status, headers=headers):
                    fields = [(b":status", b"%d" % status)]
                    fields += [
                        (name.lower().encode("latin-1"), value.encode("latin-1"))
                        for name, value in headers
                        if name.lower() not in ("transfer-encoding", "connection", "keep-alive")
                    ]
                    client.h2.send_headers(number, fields)
                case Body(data=data):
                    while data and not self._closed:
                        room = min(client.h2.local_flow_control_window(number), 16_384)
                        if room <= 0:
                            client.window.wait(0.1)
                            continue
                        client.h2.send_data(number, data[:room])
                        client.flush()
                        data = data[room:]
                case End():
                    client.h2.end_stream(number)
                case Lost(error=error) if not self._closed:
                    client.lose(number, malformed=isinstance(error, RemoteProtocolError))
                case None if not self._closed:
                    client.lose(number, malformed=False)
                case _:
                    pass
            client.flush()
        return not isinstance(given, Head | Body)


if __name__ == "__main__":
    with gateway() as served:
        print(served, flush=True)
        sys.stdin.read()
