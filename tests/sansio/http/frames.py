"""The server's side of HTTP/2, frame by frame: what h2 as a server would not send is written here too."""

from __future__ import annotations

from sansio import Request
from sansio.http.http2 import HTTP2Connection, HTTP2Exchange

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = range(5)
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(5, 10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITIZED = 0x20

REQUEST = Request.post("https://localhost/v1", (("authorization", "Bearer sk-secret"),), b"{}")


def frame(kind: int, flags: int = 0, number: int = 0, payload: bytes = b"") -> bytes:
    """A frame (RFC 9113, section 4.1)."""
    return len(payload).to_bytes(3) + bytes((kind, flags)) + number.to_bytes(4) + payload


def block(*headers: tuple[str, str]) -> bytes:
    """A header block whose headers are literals that no table keeps (RFC 7541, section 6.2.3)."""
    coded = b""
    for name, value in headers:
        for text in (name, value):
            raw = text.encode("latin-1")
            coded += (b"\x10" if text is name else b"") + _integer(len(raw)) + raw
    return coded


def _integer(number: int) -> bytes:
    """A length with a prefix of seven bits (RFC 7541, section 5.1)."""
    if number < 127:
        return bytes((number,))
    coded, number = b"\x7f", number - 127
    while number >= 128:
        coded += bytes((number % 128 + 128,))
        number //= 128
    return coded + bytes((number,))


def head(number: int, status: int = 200, *headers: tuple[str, str], end: bool = False) -> bytes:
    """A response's head."""
    flags = END_HEADERS | (END_STREAM if end else 0)
    return frame(HEADERS, flags, number, block((":status", str(status)), *headers))


def data(number: int, payload: bytes, *, end: bool = False) -> bytes:
    """A part of a body."""
    return frame(DATA, END_STREAM if end else 0, number, payload)


def settings(**values: int) -> bytes:
    """Settings by name; the others keep their defaults."""
    names = {"header_table_size": 1, "enable_push": 2, "max_streams": 3, "window": 4, "max_frame_size": 5}
    payload = b"".join(names[name].to_bytes(2) + value.to_bytes(4) for name, value in values.items())
    return frame(SETTINGS, payload=payload)


def reset(number: int, code: int) -> bytes:
    """The end of an exchange."""
    return frame(RST_STREAM, number=number, payload=code.to_bytes(4))


def goaway(last: int, code: int = 0) -> bytes:
    """The server takes no exchange after `last`."""
    return frame(GOAWAY, payload=last.to_bytes(4) + code.to_bytes(4))


def window(size: int, number: int = 0) -> bytes:
    """The client may send as much again."""
    return frame(WINDOW_UPDATE, number=number, payload=size.to_bytes(4))


def begun(
    count: int = 1, *, greeting: bytes = settings(), request: Request = REQUEST, limit: int = 65_536
) -> tuple[HTTP2Connection, list[HTTP2Exchange]]:
    """A connection whose server has greeted, with exchanges that were sent."""
    connection = HTTP2Connection(max_header_bytes=limit)
    connection.receive_data(greeting)
    exchanges = [connection.open(request) for _ in range(count)]
    sent(connection)
    return connection, exchanges


def sent(connection: HTTP2Connection) -> bytes:
    """All that is to be sent now."""
    out = b""
    while data := connection.data_to_send():
        out += data
    return out


def frames_in(wire: bytes) -> list[tuple[int, int, int, bytes]]:
    """Kind, flags, number and payload of each frame; the client's preface is left out."""
    wire = wire.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    found = []
    while wire:
        size = int.from_bytes(wire[:3])
        found.append((wire[3], wire[4], int.from_bytes(wire[5:9]), wire[9 : 9 + size]))
        wire = wire[9 + size :]
    return found
