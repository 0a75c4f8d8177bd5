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

    Attributes:
        inputs: received and not taken yet; a `Lost` among them is an error.
        ended: the last input, `End` or `Lost`, was received. Nothing follows it.
    """

    def __init__(self, http: HTTPExchange, *, reused: bool) -> None:
        self.http = http
        self.inputs: deque[Input] = deque()
        self.ended = False
        self._reused = reused

    @property
    def keepable(self) -> bool:
        """Whether the connection can be used again, at once or when the rest of the response has arrived."""
        return self.http.reusable or not self.ended

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
            raise error.on_reused() if self._reused and isinstance(error, TransportError) else error
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
                # No exchange asked for these bytes. The machine notes them, and is then not reusable.
                self.http.receive_data(data)
            return
        inputs = self.http.receive_data(data) if data else self.http.receive_eof()
        if truncated and inputs and isinstance(inputs[-1], End):
            inputs = [*inputs[:-1], Lost(cut_off())]
        if inputs:
            self.inputs.extend(inputs)
            if isinstance(inputs[-1], _LAST):  # never set back: another thread may have set it meanwhile
                self.ended = True

    def lose(self, error: TransportError | RemoteProtocolError) -> None:
        """End the exchange here: `error` is the only input left. Any thread may call this."""
        # The error is put in front before `ended` is set: a thread in `take` never finds an ended feed empty.
        self.inputs.appendleft(Lost(error))
        self.ended = True
