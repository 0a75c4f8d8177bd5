"""HTTP/2: many exchanges on one connection, as a pure machine over h2 (RFC 9113). Needs the extra `http2`.

h2 keeps HPACK, the settings, the windows of requests and each stream's state. It gets only some of the
frames, one at a time, for five reasons:

- Nearly all frames of a stream are DATA, and would cost most of the time if h2 read them. Their windows are
  kept here, and h2 learns that a response has ended as if the server had reset it.
- What it read before a fault in the same bytes would be lost, so the result would depend on the cuts.
- After a GOAWAY it reads nothing more, but the exchanges that the server accepted continue (section 6.8).
- It ends the whole connection for a response that is malformed, which concerns one exchange only.
- It answers each frame of a dropped exchange with another RST_STREAM. Since the rapid resets of 2023
  (CVE-2023-44487) servers count those, and close the connection.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress

from sansio.errors import (
    APIConnectionError,
    ConfigError,
    LimitExceededError,
    LocalProtocolError,
    RemoteProtocolError,
    TransportError,
)
from sansio.http.http2_frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADER,
    HEADERS,
    NAMES,
    NUMBER,
    PADDED,
    PING,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW,
    FrameReader,
    HeaderBlock,
    frame_header,
    malformed,
    unpadded,
)
from sansio.http.http2_heads import read_head, write_head
from sansio.http.messages import Body, End, Head, Input, Lost, Request, header
from sansio.limits import DEFAULT_LIMITS

try:
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.errors import ErrorCodes
    from h2.events import (
        Event,
        InformationalResponseReceived,
        ResponseReceived,
        StreamEnded,
        StreamReset,
    )
    from h2.exceptions import DenialOfServiceError, H2Error, StreamClosedError
    from h2.settings import SettingCodes, Settings
    from hpack.exceptions import HPACKError, OversizedHeaderListError
    from hpack.struct import HeaderTuple, NeverIndexedHeaderTuple
except ImportError as error:
    raise ConfigError("http2: needs the package h2; install 'sansio-llm[http2]'", field="http2") from error

STREAM_WINDOW = 1_048_576
"""How many bytes of one body the server may send before they are taken: a bound for slow readers."""
CONNECTION_WINDOW = 16_777_216
"""How many bytes of all bodies may be in transit. It is given back as they arrive, so that a slow reader
holds up only its own exchange."""
MAX_CONTROL_FRAMES = 1_000
"""How many frames in a row may carry no part of any response. Honest servers send a few; floods of pings,
settings, resets and empty frames (CVE-2019-9512 to 9518) would cost unlimited time and answers."""
MAX_EXCHANGES = 100_000
"""How many exchanges a connection carries. h2 remembers how each of them ended, up to 65,536."""
_UNTIL_SETTINGS = 100
"""How many exchanges to begin before the server says how many it accepts; it should accept that many
(section 6.5.2)."""
_SEND_SIZE = 65_536
"""About how many bytes of bodies `data_to_send` returns at a time."""

_RST_STREAM_SIZE = HEADER + 4

_BODILESS = (204, 304)
_INDEXED = frozenset((b":method", b":scheme", b":authority", b"content-type", b"accept-encoding"))
"""Headers that HPACK may remember. Any other may be a key, or differs each time."""


class HTTP2Exchange:
    """One request and its response. `HTTP2Connection.open` makes it.

    Attributes:
        reused: whether the connection had answered an exchange before this one began.
        sent: whether `data_to_send` has returned the whole request.
        ended: whether nothing more will arrive: `End` or `Lost` is the last input, or it was dropped.
    """

    def __init__(self, connection: HTTP2Connection, number: int, request: Request, *, reused: bool) -> None:
        self.reused = reused
        self.sent = not request.body
        self.ended = False
        self._connection = connection
        self._number = number
        self._method = request.method
        self._body = memoryview(request.body)  # what is still to be sent
        self._answered = False  # the head has arrived
        self._heads_size = 0
        self._left: int | None = None  # bytes of the body that must still arrive, if it said how many
        self._head: Head | None = None  # these three have arrived and were not taken
        self._pieces: list[bytes] = []
        self._last: End | Lost | None = None
        # The window: the sum of these two is what the server has used of it.
        self._held = 0  # bytes that the pieces fill
        self._owed = 0  # bytes that were taken, and not given back

    @property
    def unsent(self) -> int:
        """How many bytes of the body are still to be sent."""
        return len(self._body)

    @property
    def ready(self) -> bool:
        """Whether there is an input to take."""
        return bool(self._head or self._pieces or self._last)

    def next_input(self) -> Input | None:
        """Take the next input; `None` if there is none. The server may then send as much again.

        All pieces of the body that have arrived make one `Body`. Nothing follows `End` or `Lost`.
        """
        if self._head is not None:
            head, self._head = self._head, None
            return head
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            self._owed += self._held
            self._held = 0
            if self._owed >= STREAM_WINDOW // 2 and not self.ended:
                self._connection._open_window(self._owed, self._number)
                self._owed = 0
            return Body(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        last, self._last = self._last, None
        return last

    def drop(self) -> None:
        """End the exchange here: the server is asked to stop, and no input follows. Idempotent."""
        self._head = self._last = None
        self._pieces.clear()
        if not self.ended:
            self._connection._reset(self, ErrorCodes.CANCEL)


class HTTP2Connection:
    """The client's side of one HTTP/2 connection: bytes out, bytes in, inputs for `Call`s out. No I/O.

    The connection's windows are given back as data arrives, those of an exchange as its inputs are taken.
    A malformed response ends its exchange, and a frame that breaks the protocol ends all of them.

    Args:
        max_header_bytes: the largest size of a response's heads: encoded, and decoded plus 32 bytes a header.
        max_exchanges: how many exchanges the connection carries.

    Attributes:
        over: whether nothing more can be sent or received.
        answered: whether an exchange was answered.

    Raises:
        ConfigError: the package h2 is missing; importing this module raises it.

    Example:
        >>> connection = HTTP2Connection()
        >>> exchange = connection.open(Request.post("http://localhost/v1", (), b"{}"))
        >>> connection.data_to_send()[:14]
        b'PRI * HTTP/2.0'
        >>> connection.receive_eof() == [exchange]
        True
        >>> exchange.next_input().error.message
        'the server closed the connection before it answered'
    """

    def __init__(
        self,
        *,
        max_header_bytes: int = DEFAULT_LIMITS.max_header_bytes,
        max_exchanges: int = MAX_EXCHANGES,
    ) -> None:
        self.over = False
        self.answered = False
        self._limit = max_header_bytes
        self._left = max_exchanges
        self._opened: dict[int, HTTP2Exchange] = {}  # the exchanges that have not ended, by number
        self._uploads: deque[HTTP2Exchange] = deque()  # the exchanges whose bodies are not fully sent
        self._highest = 0  # the last exchange's number
        self._reader = FrameReader()
        self._headers = HeaderBlock()
        self._leaving = False  # the server takes no more exchanges
        self._eof = False
        self._pinged = False
        self._idle_frames = 0  # in a row
        self._late = 0  # bytes that may still arrive for exchanges that were reset
        self._returned = 0  # bytes of the connection's window that were not given back
        self._changed: dict[HTTP2Exchange, None] = {}  # by the bytes that are being received
        self._outgoing = b""
        self._h2 = self._begin()

    def _begin(self) -> H2Connection:
        # Both validations are left to this module: h2's of a response would end the whole connection.
        config = H2Configuration(
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
        )
        connection = H2Connection(config)
        connection.local_settings = Settings(
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: self._limit,
            }
        )
        del connection.local_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL]  # only a server sends it
        connection.decoder.max_header_list_size = self._limit
        connection.max_inbound_frame_size = 2**24 - 1  # frames have passed this module's limits
        connection.initiate_connection()
        connection.increment_flow_control_window(CONNECTION_WINDOW - connection.inbound_flow_control_window)
        return connection

    @property
    def room(self) -> int:
        """How many exchanges can be opened at this moment."""
        if self.over or self._leaving:
            return 0
        most = self._h2.remote_settings.max_concurrent_streams if self._reader.greeted else _UNTIL_SETTINGS
        return max(0, min(most - len(self._opened), self._left))

    @property
    def busy(self) -> int:
        """How many exchanges are under way."""
        return len(self._opened)

    def open(self, request: Request) -> HTTP2Exchange:
        """Begin an exchange; `data_to_send` then has its request.

        Raises:
            LocalProtocolError: the request cannot be written as HTTP/2, or there is no room.
        """
        if not self.room:
            raise LocalProtocolError(
                "the connection takes no more exchanges: check its room, or open another"
            )
        fields = write_head(request)
        if fields is None:
            raise _unwritable(request)
        headers = [
            HeaderTuple(name, value) if name in _INDEXED else NeverIndexedHeaderTuple(name, value)
            for name, value in fields
        ]
        self._left -= 1
        number = self._highest = self._h2.get_next_available_stream_id()
        exchange = HTTP2Exchange(self, number, request, reused=self.answered)
        self._h2.send_headers(number, headers, end_stream=exchange.sent)
        self._opened[number] = exchange
        if not exchange.sent:
            self._uploads.append(exchange)
        return exchange

    def data_to_send(self) -> bytes:
        """The next bytes for the server. Call it until there are none, and send them in this order."""
        self._send_bodies()
        data, self._outgoing = self._outgoing, b""
        return data + self._h2.data_to_send()

    def _send_bodies(self) -> None:
        """Write as much of the bodies as the server's windows allow, a frame of each in turn."""
        budget = _SEND_SIZE
        blocked = 0  # in a row
        while budget > 0 and blocked < len(self._uploads):
            exchange = self._uploads[0]
            rest = exchange._body
            size = min(
                len(rest),
                self._h2.local_flow_control_window(exchange._number),
                self._h2.max_outbound_frame_size,
            )
            if size <= 0:
                blocked += 1
                self._uploads.rotate(-1)
                continue
            blocked = 0
            budget -= size
            self._idle_frames = 0  # a server whose windows are used does not flood
            exchange._body = rest[size:]
            exchange.sent = size == len(rest)
            self._h2.send_data(exchange._number, rest[:size], end_stream=exchange.sent)
            self._uploads.popleft()
            if not exchange.sent:
                self._uploads.append(exchange)

    def ping(self) -> bool:
        """Ask the server for a sign of life; `data_to_send` then has the ping.

        Returns:
            Whether a ping is sent; False if nothing has arrived since the last one.
        """
        if self._pinged or self.over:
            return False
        self._pinged = True
        self._h2.ping(b"alive?\r\n")
        return True

    def close(self) -> None:
        """Say that the connection ends here; `data_to_send` then has it. Open exchanges are dropped."""
        if not self.over:
            for exchange in list(self._opened.values()):
                exchange.drop()
            self._h2.close_connection()
            self.over = True

    def lose(self, error: TransportError) -> list[HTTP2Exchange]:
        """End all exchanges, because the connection broke.

        Args:
            error: how it broke.

        Returns:
            The exchanges that have a new input.
        """
        self._lose_all(error)
        return self._take_changed()

    def receive_eof(self) -> list[HTTP2Exchange]:
        """Take the end of the connection.

        Returns:
            The exchanges that have a new input.

        Raises:
            LocalProtocolError: `receive_eof()` was called before.
        """
        if self._eof:
            raise LocalProtocolError("receive_eof() twice")
        self._eof = True
        self.over = True
        for exchange in list(self._opened.values()):
            where = "inside its answer" if exchange._answered else "before it answered"
            self._lose(exchange, APIConnectionError(f"the server closed the connection {where}"))
        return self._take_changed()

    def receive_data(self, data: bytes) -> list[HTTP2Exchange]:
        """Take the next bytes from the server. The inputs do not depend on the cut, once bodies are joined.

        Returns:
            The exchanges that have a new input.

        Raises:
            LocalProtocolError: after `receive_eof()`.
        """
        if self._eof:
            raise LocalProtocolError("receive_data() after receive_eof()")
        self._pinged = self._pinged and not data
        frames, fault = ((), None) if self.over else self._reader.read(data)
        for frame in frames:
            self._receive_frame(frame)
            if self.over:
                break
        else:
            if fault is not None:
                self._fail(fault)
        # As _take_changed() does, without a call for each read.
        changed, self._changed = list(self._changed), {}
        return changed

    def _take_changed(self) -> list[HTTP2Exchange]:
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def _receive_frame(self, frame: bytes) -> None:
        kind = frame[3]
        number = int.from_bytes(frame[5:9]) & NUMBER
        exchange = self._opened.get(number)
        self._idle_frames += 1
        if (kind == CONTINUATION or self._headers.number) and not self._headers.goes_on(kind, number):
            self._fail(malformed("headers that are not continued by the next frame"))
        elif kind == DATA:
            self._receive_body(number, exchange, frame)
        elif kind in (HEADERS, CONTINUATION):
            self._receive_headers(number, frame)
        elif kind == GOAWAY:
            self._receive_goaway(number, frame[HEADER:])
        elif kind in (RST_STREAM, SETTINGS, PING, WINDOW):
            for event in self._pass_on(frame):
                if isinstance(event, StreamReset) and exchange is not None:
                    self._receive_reset(exchange, event)
        elif kind == PUSH_PROMISE:
            self._fail(malformed("a push, which was switched off"))
        # All other kinds, known or not, may be ignored (section 5.5), and are not worth h2's time.
        if self._idle_frames > MAX_CONTROL_FRAMES and not self.over:
            self._fail(
                RemoteProtocolError(
                    f"the server sent {MAX_CONTROL_FRAMES:,} frames of HTTP/2 in a row "
                    "without any part of an answer"
                )
            )

    def _pass_on(self, frame: bytes, *, silent: bool = False) -> list[Event]:
        """Let h2 read a frame; if h2 refuses it, the connection is over.

        Args:
            silent: whether the frame belongs to an exchange that is over; h2's reset is then not sent.
        """
        if silent:
            self._outgoing += self._h2.data_to_send()
        kind = frame[3]
        fault: RemoteProtocolError | None = None
        events: list[Event] = []
        try:
            events = self._h2.receive_data(frame)
        except DenialOfServiceError:
            fault = self._too_long()
        except H2Error:
            fault = malformed(f"an invalid {NAMES[kind]} frame")
        if fault is not None:  # not raised inside h2, whose stack frames hold the peer's bytes
            self._lose_all(fault)
        elif silent:
            answer = self._h2.data_to_send()
            if answer[-_RST_STREAM_SIZE:][3:4] == bytes((RST_STREAM,)):
                answer = answer[:-_RST_STREAM_SIZE]
            self._outgoing += answer
        return events

    def _receive_body(self, number: int, exchange: HTTP2Exchange | None, frame: bytes) -> None:
        flags = frame[4]
        body = unpadded(frame) if flags & PADDED else frame[HEADER:]
        if body is None:
            self._fail(malformed("an invalid DATA frame"))
            return
        used = len(frame) - HEADER  # of the windows, padding included
        self._returned += used
        if self._returned >= CONNECTION_WINDOW // 2:
            self._open_window(self._returned)
            self._returned = 0
        if exchange is None:
            self._receive_late(number, used)
            return
        exchange._held += used
        if exchange._held + exchange._owed > STREAM_WINDOW:
            self._fail(malformed("more DATA than its window allows"), ErrorCodes.FLOW_CONTROL_ERROR)
            return
        ends = flags & END_STREAM
        wrong = None
        if not exchange._answered:
            wrong = "a body without a head"
        elif exchange._left is not None:
            exchange._left -= len(body)
            if exchange._left < 0 or (ends and exchange._left):
                wrong = "a body that is not as long as it said"
        if wrong is not None:
            self._reset(exchange, ErrorCodes.PROTOCOL_ERROR)
            self._lose(exchange, malformed(wrong))
            return
        if body:
            self._idle_frames = 0
            exchange._pieces.append(body)
            self._changed[exchange] = None
        if ends:
            self._end(exchange)

    def _receive_late(self, number: int, size: int) -> None:
        """Take DATA of an exchange that is over, or that never existed."""
        if number % 2 and number <= self._highest and 0 < size <= self._late:
            self._idle_frames -= 1
            self._late -= size
        else:  # h2 knows which of the two; it counts no windows for an empty frame
            self._pass_on(frame_header(0, DATA, 0, number), silent=True)

    def _open_window(self, size: int, number: int = 0) -> None:
        """Give back a part of the window of an exchange, or of the connection."""
        update = frame_header(4, WINDOW, 0, number) + size.to_bytes(4)
        self._outgoing += self._h2.data_to_send() + update  # after what h2 wants to send

    def _receive_headers(self, number: int, frame: bytes) -> None:
        """Collect the headers of one or more frames; once whole, they are one frame for h2."""
        headers = self._headers
        # h2 would take the headers of another number for a request.
        if not number % 2 or number > self._highest or not headers.add(number, frame):
            self._fail(malformed("an invalid HEADERS frame"))
        elif headers.size > self._limit + HEADER:
            self._fail(self._too_long(), ErrorCodes.ENHANCE_YOUR_CALM)
        elif not headers.number:
            self._receive_block(self._opened.get(number), number, headers.take())

    def _receive_block(self, exchange: HTTP2Exchange | None, number: int, block: bytes) -> None:
        if exchange is None:
            fault: RemoteProtocolError | None = None
            try:  # it changes the compression of the headers that follow
                self._h2.decoder.decode(block, raw=True)
            except OversizedHeaderListError:
                fault = self._too_long()
            except (HPACKError, IndexError):
                fault = malformed("an invalid HEADERS frame")
            if fault is not None:
                self._fail(fault)
            return
        flags = END_HEADERS | self._headers.ends
        for event in self._pass_on(frame_header(len(block), HEADERS, flags, number) + block):
            if isinstance(event, InformationalResponseReceived | ResponseReceived):
                self._receive_head(exchange, event)
            elif isinstance(event, StreamEnded) and not exchange.ended:
                if exchange._left:
                    self._lose(exchange, malformed("a body that is not as long as it said"))
                else:
                    self._end(exchange)

    def _receive_head(
        self, exchange: HTTP2Exchange, event: InformationalResponseReceived | ResponseReceived
    ) -> None:
        exchange._heads_size += self._headers.size
        if exchange._heads_size > self._limit + HEADER:
            self._reset(exchange, ErrorCodes.ENHANCE_YOUR_CALM)
            self._lose(exchange, self._too_long())
            return
        if isinstance(event, InformationalResponseReceived):
            return
        head = read_head(event.headers)
        if head is None:
            self._reset(exchange, ErrorCodes.PROTOCOL_ERROR)
            self._lose(exchange, malformed("an invalid head"))
            return
        self.answered = True
        self._idle_frames = 0
        exchange._answered = True
        exchange._head = head
        self._changed[exchange] = None
        length = header(head.headers, "content-length")
        if exchange._method == "HEAD" or head.status in _BODILESS:
            exchange._left = 0
        elif length is not None:
            exchange._left = int(length)  # h2 has refused a length that is not a number

    def _receive_reset(self, exchange: HTTP2Exchange, event: StreamReset) -> None:
        code = event.error_code or 0
        if not event.remote_reset:
            error: TransportError | RemoteProtocolError = malformed("a window that is too large")
        elif code == ErrorCodes.REFUSED_STREAM and not exchange._answered:
            error = _unsent("the server refused the exchange before it began")
        elif code == ErrorCodes.HTTP_1_1_REQUIRED:
            error = APIConnectionError(
                "the server answers this request over HTTP/1.1 only",
                should_retry=False,
                hint="Leave out http2.",
            )
        else:
            where = "inside its answer" if exchange._answered else "before it answered"
            error = APIConnectionError(f"the server reset the exchange {where} ({_name(code)})")
        self._lose(exchange, error)

    def _receive_goaway(self, number: int, payload: bytes) -> None:
        if number or len(payload) < 8:
            self._fail(malformed("an invalid GOAWAY frame"))
            return
        self._leaving = True
        last = int.from_bytes(payload[:4]) & NUMBER
        code = _name(int.from_bytes(payload[4:8]))
        for number, exchange in list(self._opened.items()):
            if number > last:
                self._lose(
                    exchange, _unsent(f"the server left the connection before the exchange began ({code})")
                )

    def _end(self, exchange: HTTP2Exchange) -> None:
        if exchange.sent:  # h2 has not seen the body, and would find it too short at an end in order
            self._pass_on(frame_header(4, RST_STREAM, 0, exchange._number) + bytes(4))
        else:  # an early answer: the server wants no more of the request
            self._reset(exchange, ErrorCodes.NO_ERROR)
        self._close(exchange)
        exchange._last = End()
        self._changed[exchange] = None

    def _reset(self, exchange: HTTP2Exchange, code: ErrorCodes) -> None:
        self._close(exchange)
        with suppress(StreamClosedError):  # it was closed by the very frame that is refused
            self._h2.reset_stream(exchange._number, code)
            self._late += STREAM_WINDOW

    def _close(self, exchange: HTTP2Exchange) -> None:
        """Forget an exchange. Its inputs can still be taken."""
        exchange.ended = True
        self._opened.pop(exchange._number, None)
        if not exchange.sent and exchange in self._uploads:
            self._uploads.remove(exchange)
        exchange._body = memoryview(b"")

    def _lose(self, exchange: HTTP2Exchange, error: TransportError | RemoteProtocolError) -> None:
        self._close(exchange)
        if exchange.reused and isinstance(error, TransportError):
            error.reused = True
        exchange._last = Lost(error)
        self._changed[exchange] = None

    def _fail(self, error: RemoteProtocolError, code: ErrorCodes = ErrorCodes.PROTOCOL_ERROR) -> None:
        """End the connection for what the server sent."""
        self._h2.close_connection(code)
        self._lose_all(error)

    def _lose_all(self, error: TransportError | RemoteProtocolError) -> None:
        self.over = True
        self._reader.clear()
        for exchange in list(self._opened.values()):
            # A copy for each: an error that several tasks raise would collect the frames of all.
            self._lose(exchange, error.with_context())

    def _too_long(self) -> LimitExceededError:
        return LimitExceededError(
            f"the heads of the response are longer than {self._limit} bytes", field="max_header_bytes"
        )


def check_request(request: Request) -> None:
    """Check a request before there is a connection for it.

    Raises:
        LocalProtocolError: the request cannot be written as HTTP/2.
    """
    if write_head(request) is None:
        raise _unwritable(request)


def _unwritable(request: Request) -> LocalProtocolError:
    return LocalProtocolError(f"{request!r} cannot be written as HTTP/2: check its path and headers")


def _unsent(words: str) -> APIConnectionError:
    """The error for a request that was not processed: it can be sent again at once."""
    return APIConnectionError(words, reused=True, hint="")


def _name(code: int) -> str:
    try:
        return ErrorCodes(code).name
    except ValueError:
        return f"code {code}"
