"""Heads of responses as h11 reads them: all that are not plain. It is loaded when the first of them comes."""

from __future__ import annotations

import h11

from sansio.errors import RemoteProtocolError
from sansio.http_heads import ResponseHead


def read_head(data: bytes, method: str) -> ResponseHead | None:
    """Read a whole head; `None` where it is an informational one.

    Args:
        method: the request's.

    Raises:
        RemoteProtocolError: it is malformed, or switches protocols.
    """
    connection = h11.Connection(h11.CLIENT)
    connection.send(_SENT if method == "POST" else _sent(method))
    connection.send(_ALL_SENT)
    fault = None
    try:
        connection.receive_data(data)
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        fault = _malformed(error)
    if fault is not None:
        raise fault  # without h11's error as its context, which quotes what came
    if isinstance(event, h11.InformationalResponse):
        return None
    assert isinstance(event, h11.Response)  # the head is whole, and a 101 was refused above
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers)
    return ResponseHead(event.status_code, headers, keeps=connection.our_state is h11.DONE)


def _sent(method: str) -> h11.Request:
    """All that h11 has to know of the request, which it takes long to write."""
    return h11.Request(method=method, target="/", headers=[("host", "-"), ("content-length", "0")])


_SENT = _sent("POST")
_ALL_SENT = h11.EndOfMessage()


def _malformed(error: h11.RemoteProtocolError) -> RemoteProtocolError:
    """h11's words without the bytes that it quotes: they may hold a key, and depend on the cut."""
    error.__traceback__ = (
        None  # one of its frames holds the error, in turn, and all below it, the driver's too
    )
    words = str(error).partition(": bytearray(")[0]
    if "_SWITCH_UPGRADE" in words:  # of a 101 that nobody has asked for
        words = "the server switched protocols"
    return RemoteProtocolError(f"malformed HTTP: {words}")
