"""The server's side of one HTTP/1.1 connection as a pure machine over h11."""

from __future__ import annotations

from typing import assert_never
from urllib.parse import urlsplit

import h11
import msgspec

from sansio.http import Headers, Request, header
from sansio.testing.script import Ending, FakeResponse, Responder

_PORTS = {"http": 80, "https": 443}


class FakeConnection:
    """Serves a fake provider on one connection: bytes from a client in, bytes for the client out.

    Supports keep-alive and pipelining.

    Args:
        provider: answers the requests.
        scheme: `"https"` if the connection is wrapped in TLS.

    Attributes:
        closed: whether the caller must close the connection, after sending the bytes that it received.

    Example:
        >>> from sansio.testing import FakeProvider
        >>> connection = FakeConnection(FakeProvider())
        >>> connection.receive_data(b"nonsense\\r\\n\\r\\n")[0][:12], connection.closed
        (b'HTTP/1.1 400', True)
    """

    def __init__(self, provider: Responder, *, scheme: str = "http") -> None:
        self.closed = False
        self._provider = provider
        self._scheme = scheme
        self._h11 = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._held = False

    def receive_data(self, data: bytes) -> list[bytes]:
        """Take the next bytes from the client.

        Args:
            data: any number of bytes, cut anywhere.

        Returns:
            The bytes to send, in order. The head of a response and each piece of its body are separate items,
            so that a caller can send a stream event by event.
        """
        if self.closed or self._held or not data:
            return []
        self._h11.receive_data(data)
        pieces: list[bytes] = []
        while not self.closed and not self._held and self._advance(pieces):
            pass
        return [piece for piece in pieces if piece]

    def receive_eof(self) -> None:
        """Take the end of the client's bytes: the connection is over, even if a response is still held."""
        self.closed = True

    def _advance(self, pieces: list[bytes]) -> bool:
        """Take one event from h11; False if it needs more bytes."""
        try:
            event = self._h11.next_event()
        except h11.RemoteProtocolError as error:
            self._refuse(error, pieces)
            return False
        match event:
            case h11.Request():
                self._head = event
                self._body.clear()
                if self._h11.they_are_waiting_for_100_continue:
                    pieces.append(self._send(h11.InformationalResponse(status_code=100, headers=[])))
            case h11.Data():
                self._body += event.data
            case h11.EndOfMessage():
                self._respond(pieces)
            case _:
                return False
        return True

    def _respond(self, pieces: list[bytes]) -> None:
        assert self._head is not None  # h11 gives the head before the end
        response = self._provider.respond(_request(self._head, bytes(self._body), self._scheme))
        if not response.silent:
            headers = _framed(response)
            pieces.append(self._send(h11.Response(status_code=response.status, headers=list(headers))))
            if self._head.method != b"HEAD":
                pieces += [self._send(h11.Data(data=piece)) for piece in response.pieces]
        match response.ending:
            case Ending.DROP:
                self.closed = True
            case Ending.HOLD:
                self._held = True  # h11 would read more, and refuse it, after `Connection: close`
            case Ending.FINISH if response.silent:
                self.closed = True
            case Ending.FINISH:
                pieces.append(self._send(h11.EndOfMessage()))
                if self._h11.our_state is h11.DONE:
                    self._h11.start_next_cycle()
                else:
                    self.closed = True
            case _:
                assert_never(response.ending)

    def _refuse(self, error: h11.RemoteProtocolError, pieces: list[bytes]) -> None:
        """Answer malformed HTTP with an error, and close."""
        self.closed = True
        body = msgspec.json.encode({"error": {"message": f"The request is malformed HTTP: {error}"}})
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        pieces.append(self._send(h11.Response(status_code=error.error_status_hint, headers=headers)))
        pieces.append(self._send(h11.Data(data=body)))
        pieces.append(self._send(h11.EndOfMessage()))

    def _send(self, event: h11.Event) -> bytes:
        return self._h11.send(event) or b""


def _request(head: h11.Request, body: bytes, scheme: str) -> Request:
    headers: Headers = tuple((_text(name), _text(value)) for name, value in head.headers)
    host, port = "", _PORTS[scheme]
    try:
        parts = urlsplit("//" + (header(headers, "host") or ""))
        host, port = parts.hostname or "", parts.port or port
    except ValueError:
        pass  # the header is not a valid host; the provider looks only at the path
    return Request(_text(head.method), scheme, host, port, _text(head.target), headers, body)


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _framed(response: FakeResponse) -> Headers:
    """The headers, with the length of a body that is whole; h11 sends any other in chunks."""
    streamed = (header(response.headers, "content-type") or "").startswith("text/event-stream")
    framed = any(
        header(response.headers, name) is not None for name in ("content-length", "transfer-encoding")
    )
    if streamed or framed or response.ending is not Ending.FINISH:
        return response.headers
    return (*response.headers, ("content-length", str(len(response.body))))
