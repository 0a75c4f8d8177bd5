"""A connection as an asyncio protocol: the loop passes what it reads directly to the exchange's machine.

For each read, one of anyio's streams costs a cancel scope, two system calls and several loop turns. Here it
costs one wake-up of the reader.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from asyncio import AbstractEventLoop, Future, TimerHandle
from math import inf
from typing import cast

from transports.failures import connect_failure, left_behind, lost_failure
from transports.interface import Origin
from transports.sockets.addresses import connect_socket, connect_tcp, connect_through
from transports.sockets.feed import Feed, RawFeed
from transports.sockets.raw import READ_SIZE, SETTLE_READS, read_rest, readable, shut_down
from transports.sockets.tls import TLSClient, Trust
from transports.sockets.tunnels import Proxy

_SENT = memoryview(b"")


class AsyncioConnection(asyncio.Protocol):
    """See `transports.sockets.transport.Connection`."""

    def __init__(self, origin: Origin, loop: AbstractEventLoop) -> None:
        self.origin = origin
        self._loop = loop
        self._process = os.getpid()
        self._raw: socket.socket | None = None  # what the loop's transport has, to close it without the loop
        self._tls: TLSClient | None = None
        self._feed: Feed | RawFeed | None = None  # of the current exchange
        self._last: Feed | RawFeed | None = None  # of the current exchange, or the last one
        self._early = b""  # received before the first exchange began
        self._spare = 0  # bytes that may still arrive while there is no exchange
        self._closed = False  # nothing more can be received
        self._error: Exception | None = None  # that ended it; None after an orderly end
        self._gone = True  # the transport has closed its socket, or there is none yet
        self._reader: Future[None] | None = None  # done at an input, the end or the timer
        self._reading = True
        self._sending = False
        self._unsent = _SENT  # of the request
        self._early_reads = 0  # while the request was being sent
        self._writer: Future[None] | None = None  # done when the system has taken all that was written
        self._deadline = inf  # of the reader
        self._timer: TimerHandle | None = None  # kept between two exchanges, for the next one
        self._timer_at = inf

    @classmethod
    async def connect(
        cls, origin: Origin, unix_socket: str | None, proxy: Proxy | None = None
    ) -> AsyncioConnection:
        """Connect to an origin, through the proxy if there is one. TLS is not included.

        Raises:
            APIConnectionError: no connection could be made; the message says why.
        """
        loop = asyncio.get_running_loop()
        try:
            return await cls._connect(origin, unix_socket, proxy, loop)
        except (OSError, UnicodeError) as error:
            failure = connect_failure(origin, error, unix_socket)
        raise failure

    @classmethod
    async def _connect(
        cls, origin: Origin, unix_socket: str | None, proxy: Proxy | None, loop: AbstractEventLoop
    ) -> AsyncioConnection:
        _, host, port = origin
        if unix_socket is not None:
            raw = await connect_socket(loop, socket.AF_UNIX, unix_socket)
        elif proxy is not None:
            raw = await connect_through(loop, proxy, origin)
        else:
            raw = await connect_tcp(loop, host, port)
        connection = cls(origin, loop)
        connection._raw = raw
        done = False
        try:
            await loop.create_connection(lambda: connection, sock=raw)
            done = True
        finally:
            if not done:
                await connection.aclose()
                raw.close()
        return connection

    async def secure(self, trust: Trust, host: str) -> None:
        self._feed = self._last = None  # of a proxy's handshake
        try:
            await self._shake_hands(trust.client(host))
        except (OSError, UnicodeError) as error:
            failure = connect_failure(self.origin, error)
        else:
            return
        raise failure

    async def _shake_hands(self, tls: TLSClient) -> None:
        """Do the TLS handshake. It sets no timeout.

        Raises:
            OSError: the peer refused, or its certificate is not trusted.
        """
        self._tls = tls
        self._answer_tls(tls)
        early, self._early = self._early, b""
        if early:  # from a server that sends first, and so does not speak TLS
            self.data_received(early)
        while not tls.ready:
            if self._closed:
                raise self._error or ssl.SSLEOFError()
            self._reader = self._loop.create_future()
            await self._reader

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._gone = False
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has its methods, and not its class
        self._transport.set_write_buffer_limits(0)  # so that `send` waits until the whole request was sent
        self._socket = transport.get_extra_info("socket")

    def data_received(self, data: bytes) -> None:
        tls = self._tls
        if tls is not None:
            data = tls.receive_data(data)
        feed = self._feed
        if not data:  # a part of the handshake or of a record
            pass
        elif feed is None:
            self._receive_unasked(data)
        else:
            unread = bool(feed.inputs)
            feed.read(data)
            if self._reader is not None:
                if feed.inputs:
                    self._wake_reader()
            elif self._sending:
                self._take_early(feed)
            elif unread:  # the reader is behind: the server waits until it has caught up
                self._reading = False
                self._transport.pause_reading()
        if tls is not None:
            self._answer_tls(tls)
            if feed is None and tls.ready:
                self._wake_reader()  # which waits for the end of the handshake

    def _take_early(self, feed: Feed | RawFeed) -> None:
        """Send no more of the request if its answer has ended, or is a long one."""
        self._early_reads += 1
        if feed.ended or self._early_reads >= SETTLE_READS:
            self._stop_sending(feed)

    def _answer_tls(self, tls: TLSClient) -> None:
        """Send what the TLS layer has to send, and close if it has ended."""
        reply = tls.data_to_send()
        if reply:
            self._transport.write(reply)
        if tls.ended:
            self._lose(tls.error)
            self._transport.close()

    def _receive_unasked(self, data: bytes) -> None:
        """Take bytes that arrive while there is no exchange."""
        if self._last is None:  # right after the handshake, or from a server that sends first
            self._early += data
            return
        self._spare -= len(data)
        if self._spare >= 0:
            self._last.finish(data)
        else:  # No exchange is reading, so nothing else would stop an idle server from sending.
            self._closed = True
            self._transport.abort()

    def eof_received(self) -> None:
        self._end_tls()
        self._lose(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._gone = True
        if error is not None and self._feed is not None and not self._closed:
            # asyncio stops to read when it fails to send, but the server may have answered before.
            rest = read_rest(self._socket)
            if rest:
                self.data_received(rest)
        self._end_tls()
        self._lose(error)

    def _end_tls(self) -> None:
        if self._tls is not None:
            self._tls.receive_eof()

    def _lose(self, error: Exception | None) -> None:
        """Take the end of the connection; later reports of it change nothing."""
        if not self._closed:
            self._closed = True
            self._error = error
            if self._feed is not None:
                self._end(self._feed)
                if self._sending:
                    self._stop_sending(self._feed)
        self._disarm()
        self._wake_reader()
        self._wake_writer()

    def _end(self, feed: Feed | RawFeed) -> None:
        """End an exchange's feed. An error is put in only after everything before it was taken."""
        if self._error is None:
            feed.read(b"", truncated=self._tls is not None and self._tls.truncated)
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

    def begin(self, feed: Feed | RawFeed) -> bool:
        self._feed = feed
        self._last = feed
        if self._early:
            feed.read(self._early)
            self._early = b""
        if self._closed:
            self._end(feed)
            return True
        self._sending = True
        self._unsent = memoryview(feed.data_to_send())
        self._early_reads = 0
        return self._send_more(feed)

    def _send_more(self, feed: Feed | RawFeed) -> bool:
        """Write until the system takes no more for now; whether nothing is left to send."""
        while self._writer is None and self._unsent:
            piece, self._unsent = self._unsent[:READ_SIZE], self._unsent[READ_SIZE:]
            self._write(piece)
        if self._writer is None:
            self._sending = False
        return not self._sending

    def _stop_sending(self, feed: Feed | RawFeed) -> None:
        feed.cut = feed.cut or self._writer is not None or bool(self._unsent)
        self._sending = False
        self._unsent = _SENT
        self._wake_writer()

    def _write(self, data: bytes | memoryview) -> None:
        tls = self._tls
        if tls is None:
            self._transport.write(data)
        else:
            tls.send(data)
            self._answer_tls(tls)

    async def send(self, timeout: float | None) -> bool:
        feed = self._feed
        assert feed is not None
        while not self._send_more(feed):
            assert self._writer is not None
            # A piece that is taken ends the wait. If a slow line takes a part of one, the rest shows that.
            left = self._transport.get_write_buffer_size()
            await asyncio.wait([self._writer], timeout=timeout)
            if self._writer is not None and self._transport.get_write_buffer_size() == left:
                self._stop_sending(feed)
                return bool(feed.inputs)
        return True

    def fill(self, timeout: float | None) -> Future[None]:
        self._reader = waiting = self._loop.create_future()
        if self._process != os.getpid():
            assert self._feed is not None
            self._feed.lose(left_behind(self.origin))
            self._wake_reader()
            return waiting
        if self._closed:
            assert self._feed is not None
            self._end(self._feed)
            self._wake_reader()
            return waiting
        if not self._reading:
            self._reading = True
            self._transport.resume_reading()
        self._deadline = inf if timeout is None else self._loop.time() + timeout
        if self._deadline < self._timer_at:  # otherwise the timer fires earlier, and is set again then
            self._disarm()
            self._arm()
        return waiting

    def _arm(self) -> None:
        self._timer_at = self._deadline
        self._timer = self._loop.call_at(self._deadline, self._timer_fired)

    def _timer_fired(self) -> None:
        fired_at = self._timer_at
        self._disarm()
        if self._reader is None:
            return
        if self._deadline <= fired_at:
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
        assert self._last is not None
        # The loop sees in one turn that there is something to read, and reads it in the next.
        for _ in range(2 * SETTLE_READS):
            if self._closed or not readable(self._socket):
                break
            await asyncio.sleep(0)
        return self._last.reusable and not self._closed

    def shut_down(self) -> None:
        if self._process == os.getpid():
            shut_down(self._socket)

    async def aclose(self) -> None:
        if self._process != os.getpid():  # the loop is the parent's, down to the system's list of its sockets
            self.abandon()
            return
        self._disarm()
        if not self._gone:  # asyncio's abort() fails after the socket was closed
            if self._tls is not None and not self._transport.get_write_buffer_size():
                self._tls.close()
                self._transport.write(self._tls.data_to_send())  # at once, as nothing is before it
            self._transport.abort()

    def abandon(self) -> None:
        if self._raw is not None:
            self._raw.close()
