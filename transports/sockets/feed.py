"""The inputs of one exchange, one at a time: between the socket's reads and the driver's `receive`."""

from __future__ import annotations

from collections import deque

from sansio.errors import LocalProtocolError, RemoteProtocolError, TransportError
from sansio.http import Body, End, Head, HTTPExchange, Input, Lost
from transports.failures import cut_off

_LAST = (End, Lost)  # of an exchange's inputs


class Feed:
    """The inputs of one exchange. A connection puts in bytes with `read`; an exchange takes inputs out.

    Args:
        http: the exchange's machine.
        reused: whether the connection had served an exchange before this one.
        request: the bytes to send in place of the machine's, where another library wrote them.

    Attributes:
        inputs: received and not taken yet; a `Lost` among them is an error.
        ended: the last input, `End` or `Lost`, was received. Nothing follows it.
        cut: part of the request was never sent, because the server answered early or is gone.
    """

    def __init__(self, http: HTTPExchange, *, reused: bool, request: memoryview | None = None) -> None:
        self.inputs: deque[Input] = deque()
        self.ended = False
        self.cut = False
        self._http = http
        self._reused = reused
        self._request = request

    @property
    def keepable(self) -> bool:
        """Whether the connection can be used again, at once or when the rest of the response has arrived."""
        return not self.cut and (self._http.reusable or not self.ended)

    @property
    def reusable(self) -> bool:
        """Whether the connection can be used again at once."""
        return not self.cut and self._http.reusable

    def data_to_send(self) -> bytes | memoryview:
        """The request's bytes, once."""
        data, self._request = self._request, memoryview(b"")
        return self._http.data_to_send() if data is None else data

    def take(self) -> Head | Body | End:
        """The next input. Call it when there is one, or when the feed has ended.

        Raises:
            TransportError: the exchange was lost.
            RemoteProtocolError: the peer's HTTP is malformed.
            LocalProtocolError: the exchange is over, and its end was taken.
        """
        if not self.inputs:
            raise LocalProtocolError("receive() after the exchange has ended")
        given = self.inputs.popleft()
        if isinstance(given, Lost):
            self.inputs.clear()
            error = given.error
            if self._reused and isinstance(error, TransportError):
                error.reused = True
            raise error
        return given

    def read(self, data: bytes, *, truncated: bool = False) -> None:
        """Take what was read; no bytes mean the end of the connection.

        Args:
            data: what was read.
            truncated: TLS did not confirm the end. A body that only the end of the connection delimits is
                then incomplete (RFC 9112, section 9.8): anyone on the way could have cut it.
        """
        if self.ended:
            if data:
                self.finish(data)
            return
        inputs = self._http.receive_data(data) if data else self._http.receive_eof()
        if truncated and inputs and isinstance(inputs[-1], End):
            inputs = [*inputs[:-1], Lost(cut_off())]
        if inputs:
            self.inputs.extend(inputs)
            if isinstance(inputs[-1], _LAST):  # never set back: another thread may have set it meanwhile
                self.ended = True

    def finish(self, data: bytes) -> None:
        """Take what was read after the exchange was released, or after its end.

        It may be the end of the response. No exchange asked for anything behind that: the machine notes it,
        and the connection is then not reusable.
        """
        self._http.receive_data(data)

    def lose(self, error: TransportError | RemoteProtocolError) -> None:
        """End the exchange here: `error` is the only input left. Any thread may call this."""
        # The error is put in front before `ended` is set: a thread in `take` never finds an ended feed empty.
        self.inputs.appendleft(Lost(error))
        self.ended = True


class RawFeed:
    """Bytes that are exchanged before a connection carries HTTP, such as a proxy's handshake.

    It serves a connection like a `Feed`, with bytes as its inputs. An empty one is the end.
    """

    def __init__(self, data: bytes) -> None:
        self.inputs: deque[bytes] = deque()
        self.ended = False
        self.cut = False
        self.error: TransportError | RemoteProtocolError | None = None
        self.reusable = True
        self._data = data

    def data_to_send(self) -> bytes:
        """See `Feed`."""
        data, self._data = self._data, b""
        return data

    def read(self, data: bytes, *, truncated: bool = False) -> None:
        """See `Feed`."""
        self.inputs.append(data)
        self.ended = self.ended or not data

    def finish(self, data: bytes) -> None:
        """See `Feed`."""
        self.reusable = False

    def lose(self, error: TransportError | RemoteProtocolError) -> None:
        """See `Feed`."""
        self.error = error
        self.ended = True
