"""A connection as a protocol of asyncio's own: what the loop reads goes straight to the exchange's machine.

A stream of anyio's costs a scope, two calls of the kernel's and several turns through the loop for each read;
here a read costs one wake-up of whoever waits for it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio import AbstractEventLoop, Future, TimerHandle
from math import inf

from sansio.http import HTTPExchange
from transports.failures import connect_failure, lost_failure
from transports.interface import Origin
from transports.sockets.addresses import connect_socket, connect_tcp
from transports.sockets.feed import Feed
from transports.sockets.raw import READ_SIZE, SETTLE_READS, readable, shut_down
from transports.sockets.tls import TLSClient, Trust


class AsyncioConnection(asyncio.Protocol):
    """See `transports.sockets.transport.Connection`."""

    def __init__(self, origin: Origin, loop: AbstractEventLoop) -> None:
        self.origin = origin
        self._loop = loop
        self._tls: TLSClient | None = None
        self._handshaking = False
        self._http: HTTPExchange | None = None  # of the exchange under way, or the last one
        self._feed: Feed | None = None  # of the exchange under way
        self._early = b""  # what came before the first exchange began
        self._spare = 0  # bytes that may come while no exchange is under way
        self._closed = False  # nothing more comes
        self._error: Exception | None = None  # that ended it; None at an orderly end
        self._gone = True  # the transport has closed its socket, or has none yet
        self._reader: Future[None] | None = None  # who waits until something comes, or the end, or the timer
        self._reading = True
        self._writer: Future[None] | None = None  # who waits until the request has left
        self._deadline = inf  # of the reader
        self._timer: TimerHandle | None = None  # which stays between two exchanges, for the next one
        self._timer_at = inf

    @classmethod
    async def connect(cls, origin: Origin, trust: Trust, unix_socket: str | None) -> AsyncioConnection:
        """Connect to an origin.

        Raises:
            APIConnectionError: that failed; the message says why.
        """
        loop = asyncio.get_running_loop()
        try:
            return await cls._connect(origin, trust, unix_socket, loop)
        except (OSError, UnicodeError) as error:
            failure = connect_failure(origin, error, unix_socket)
        raise failure

    @classmethod
    async def _connect(
        cls, origin: Origin, trust: Trust, unix_socket: str | None, loop: AbstractEventLoop
    ) -> AsyncioConnection:
        scheme, host, port = origin
        if unix_socket is not None:
            raw = await connect_socket(loop, socket.AF_UNIX, unix_socket)
        else:
            raw = await connect_tcp(loop, host, port)
        connection = cls(origin, loop)
        done = False
        try:
            await loop.create_connection(lambda: connection, sock=raw)
            if scheme == "https":
                await connection._secure(TLSClient(trust.context, host))
            done = True
        finally:
            if not done:
                await connection.aclose()
                raw.close()
        return connection

    async def _secure(self, tls: TLSClient) -> None:
        """Shake hands, for as long as it takes.

        Raises:
            OSError: the peer would not, or is not who it should be.
        """
        self._tls = tls
        self._handshaking = True
        while self._handshaking:
            try:
                self._handshaking = not tls.shake()
            finally:
                self._transport.write(tls.data_to_send())  # which may be why not
            if self._handshaking:
                if self._closed:
                    raise self._error or ssl.SSLEOFError()
                self._reader = self._loop.create_future()
                await self._reader
        data = tls.read()  # it may have arrived in the same read as the end of the handshake
        if data:
            self._receive_unasked(data)
        self._answer_tls(tls)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._gone = False
        transport.set_write_buffer_limits(0)  # so that `send` is told when all has left
        self._transport = transport
        self._socket = transport.get_extra_info("socket")

    def data_received(self, data: bytes) -> None:
        tls = self._tls
        if tls is not None:
            tls.take(data)
            if self._handshaking:
                self._wake_reader()
                return
            data = tls.read()
        feed = self._feed
        if feed is None:
            self._receive_unasked(data)
        elif data:  # a TLS record may hold none
            unread = bool(feed.inputs)
            feed.read(data)
            if self._reader is not None:
                if feed.inputs:
                    self._wake_reader()
            elif unread:  # the reader is behind: the server waits until it has caught up
                self._reading = False
                self._transport.pause_reading()
        if tls is not None:
            self._answer_tls(tls)

    def _answer_tls(self, tls: TLSClient) -> None:
        """Send what the TLS layer itself has to say, and close where it has ended."""
        reply = tls.data_to_send()
        if reply:
            self._transport.write(reply)
        if tls.ended:
            self._lose(tls.error)
            self._transport.close()

    def _receive_unasked(self, data: bytes) -> None:
        """Take what comes while no exchange is under way."""
        if self._http is None:  # behind a handshake, or from a server that does not wait to be asked
            self._early += data
            return
        self._spare -= len(data)
        if self._spare >= 0:
            self._http.receive_data(data)
        else:  # nobody would stop it but the next exchange, and there may be none
            self._closed = True
            self._transport.abort()

    def eof_received(self) -> None:
        self._lose(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._gone = True
        self._lose(error)

    def _lose(self, error: Exception | None) -> None:
        """Take the end of the connection, the first time that it is told."""
        if not self._closed:
            self._closed = True
            self._error = error
            if self._feed is not None:
                self._end(self._feed)
        self._disarm()
        self._wake_reader()
        self._wake_writer()

    def _end(self, feed: Feed) -> None:
        """Tell an exchange that nothing more comes: of an error only when all that came before is taken."""
        if self._error is None:
            feed.read(b"")
        elif not feed.inputs:
            feed.lose(lost_failure(self.origin, self._error))

    def pause_writing(self) -> None:
        self._writer = self._loop.create_future()

    def resume_writing(self) -> None:
        self._wake_writer()

    def _wake_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)

    def _wake_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None and not writer.done():
            writer.set_result(None)

    def begin(self, feed: Feed) -> bool:
        self._feed = feed
        self._http = feed.http
        if self._early:
            feed.read(self._early)
            self._early = b""
        if self._closed:
            self._end(feed)
        else:
            self._write(feed.http.data_to_send())
        return self._writer is None

    def _write(self, data: bytes) -> None:
        if self._tls is not None:
            try:
                self._tls.write(data)
            except ssl.SSLError as error:  # it would first hear from the peer, who begins anew; so do we
                self._lose(error)
                self._transport.close()
                return
            data = self._tls.data_to_send()
        self._transport.write(data)

    async def send(self) -> None:
        if self._writer is not None:
            await self._writer

    def fill(self, timeout: float | None) -> Future[None]:
        self._reader = waiting = self._loop.create_future()
        if self._closed:
            assert self._feed is not None
            self._end(self._feed)
            self._wake_reader()
            return waiting
        if not self._reading:
            self._reading = True
            self._transport.resume_reading()
        self._deadline = inf if timeout is None else self._loop.time() + timeout
        if self._deadline < self._timer_at:  # or else the timer rings before, and is then set anew
            self._disarm()
            self._arm()
        return waiting

    def _arm(self) -> None:
        self._timer_at = self._deadline
        self._timer = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        rang_at = self._timer_at
        self._disarm()
        if self._reader is None:
            return
        if self._deadline <= rang_at:
            self._wake_reader()
        elif self._deadline < inf:
            self._arm()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = inf

    def rest(self) -> None:
        self._feed = None
        self._spare = SETTLE_READS * READ_SIZE
        if not self._reading and not self._closed:
            self._reading = True
            self._transport.resume_reading()

    async def settle(self) -> bool:
        assert self._http is not None
        # In one turn the loop sees that there is something to read, in the next it reads.
        for _ in range(2 * SETTLE_READS):
            if self._closed or not readable(self._socket):
                break
            await asyncio.sleep(0)
        return self._http.reusable and not self._closed

    def shut_down(self) -> None:
        shut_down(self._socket)

    async def aclose(self) -> None:
        self._disarm()
        if not self._gone:  # asyncio's own fails where it has closed after the last of a request had left
            self._transport.abort()
