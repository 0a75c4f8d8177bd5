"""HTTP/2 for `SocketTransport`: connections that threads share."""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from math import ceil, inf

from sansio.errors import APIConnectionError, ProviderError, TransportError
from sansio.http import Body, End, Head, Request
from sansio.http.http2 import HTTP2Exchange, check_request
from transports.failures import (
    aborted,
    connect_failure,
    connect_timeout,
    left_behind,
    read_timeout,
    stalled_upload,
)
from transports.interface import Origin, SyncExchange
from transports.sockets.sharing import (
    PING_AFTER,
    Choice,
    SharedConnection,
    declined,
    offers,
    take,
)
from transports.sockets.tls import Trust
from transports.sockets.wire import Wire


class _Connection(SharedConnection):
    """Waits in threads.

    The machine belongs to the thread whose turn it is. A turn never waits. An interrupt inside one may leave
    the machine in disorder, and then ends the connection.
    """

    def __init__(self, origin: Origin, wire: Wire, max_header_bytes: int) -> None:
        self._bell, self._ear = socket.socketpair()  # wakes the thread that reads
        super().__init__(origin, wire, max_header_bytes)
        self._turn = threading.Lock()
        self._bell.setblocking(False)
        self._ear.setblocking(False)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Use the machine. Exchanges that other threads dropped meanwhile are reset afterwards."""
        with self._turn:
            whole = False
            try:
                yield
                whole = True
            except ProviderError:
                whole = True
                raise
            finally:
                if not whole:
                    self.lose(APIConnectionError("the connection was lost by an interrupt", reused=True))
                    self.shut_down()
        self.reset_dropped()

    def reset_dropped(self) -> None:
        """Reset the exchanges that were dropped. If another thread has its turn, that one does it."""
        # It never waits for its turn: abort() may be called by a signal handler inside of a turn.
        while self._dropped and self._turn.acquire(blocking=False):
            try:
                self.take_drops()
                self.flush()
            finally:
                self._turn.release()

    def wait(self, exchange: HTTP2Exchange, done: Callable[[], bool], timeout: float | None) -> None:
        """Wait until `done` or until the timeout, reading for all exchanges if no other thread does."""
        ends = inf if timeout is None else time.monotonic() + timeout
        woken = threading.Event()
        try:
            while not done() and time.monotonic() < ends:
                with self.turn():
                    reads = self.reader is None
                    if reads:
                        self.reader = exchange
                    woken.clear()
                    self.waiting[exchange] = self._ring if reads else woken.set
                if reads:
                    self._read(done, ends)
                elif not done():
                    woken.wait(None if ends == inf else max(0.0, ends - time.monotonic()))
        finally:
            with self.turn():
                self.waiting.pop(exchange, None)
                if self.reader is exchange:
                    self.reader = None
                self.hand_over()

    def _read(self, done: Callable[[], bool], ends: float) -> None:
        quiet = 0.0
        while True:
            with self.turn():
                if quiet >= PING_AFTER:
                    self.keep_alive()
                    quiet = 0.0
                self.step()
                writing = self.unsent
            begun = time.monotonic()
            left = min(ends - begun, PING_AFTER)
            if done() or left <= 0:
                return
            quiet = 0.0 if self._ready(writing, left) else quiet + time.monotonic() - begun

    def _ready(self, writing: bool, timeout: float) -> bool:
        """Wait until there is something to read or, if `writing`, until something can be sent."""
        sock, ear = self.wire.socket, self._ear
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(sock, select.POLLIN | select.POLLOUT if writing else select.POLLIN)
            poll.register(ear, select.POLLIN)
            ready = bool(poll.poll(ceil(timeout * 1_000)))
        else:  # as on Windows, whose select() takes sockets with any number
            ready = any(select.select([sock, ear], [sock] if writing else [], [], timeout))
        with contextlib.suppress(BlockingIOError):
            ear.recv(1_024)
        return ready

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # it rings already
            self._bell.send(b"\0")

    def abandon(self) -> None:
        super().abandon()
        self._bell.close()
        self._ear.close()

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):  # an interrupt ended the constructor
            self.abandon()

    def close(self) -> None:
        """Close it. No exchange is on it."""
        with self.turn():
            self.say_goodbye()
        self.abandon()


class _Exchange:
    """See `transports.interface.SyncExchange`."""

    def __init__(self, owner: SyncSharing, connection: _Connection, http: HTTP2Exchange) -> None:
        self._owner = owner
        self._connection = connection
        self._http = http
        self._aborted = False
        self._unreleased = [True]  # the one who takes this out releases the exchange

    def receive(self, timeout: float | None) -> Head | Body | End:
        http, connection = self._http, self._connection
        if connection.inherited:
            raise left_behind(connection.origin)
        if not self.done():
            connection.wait(http, self.done, timeout)
        if self._aborted:
            raise aborted()
        with connection.turn():
            given = take(http)
            connection.flush()  # the window of what was taken
        if given is None:
            self.abort()
            assert timeout is not None
            error = read_timeout(connection.origin, timeout)
            raise error.on_reused() if http.reused else error
        return given

    def done(self) -> bool:
        """Whether there is nothing to wait for."""
        return self._http.ready or self._http.ended or self._aborted

    def close(self) -> None:
        if self._release() and not self._connection.inherited:
            with self._connection.turn():
                self._connection.release(self._http)
            self._owner.rest(self._connection)

    def abort(self) -> None:
        if self._release():
            self._aborted = True
            if not self._connection.inherited:
                self._connection.drop(self._http)
                self._connection.reset_dropped()
                self._owner.rest(self._connection)

    def _release(self) -> bool:
        try:
            return self._unreleased.pop()
        except IndexError:
            return False


class SyncSharing:
    """HTTP/2 for `SocketTransport`. The arguments are those of the transport.

    Args:
        connect: connects a socket to an origin within some seconds, without TLS; raises as `open`.
    """

    def __init__(
        self,
        choice: Choice,
        connect: Callable[[Origin, float | None], socket.socket],
        ssl_context: ssl.SSLContext | None,
        ca_file: str | None,
        idle_timeout: float,
        max_header_bytes: int,
    ) -> None:
        self._only = choice == "only"
        self._dial = connect
        self._trust = Trust(ssl_context, ca_file, offers(choice))
        self._idle_timeout = idle_timeout
        self._max_header_bytes = max_header_bytes
        self._declined: set[Origin] = set()  # that speak HTTP/1.1
        self._open = True
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._connections: list[_Connection] = []
        self._connecting: dict[Origin, threading.Lock] = {}

    def open(
        self, request: Request, timeout: float | None, write_timeout: float | None, *, fresh: bool
    ) -> SyncExchange | None:
        """Begin an exchange; `None` if the server speaks HTTP/1.1.

        Raises:
            As `SocketTransport.open`.
        """
        origin = request.origin
        if origin in self._declined or (origin[0] == "http" and not self._only):
            return None
        if self._process != os.getpid():  # this is a fork
            inherited = self._connections
            self._begin()
            for connection in inherited:
                connection.abandon()
        self._expire()
        begun = self._join(request, fresh=fresh)
        if begun is None:
            ends = inf if timeout is None else time.monotonic() + timeout
            # The others wait for the thread that connects, and share its connection.
            with _held(self._connecting.setdefault(origin, threading.Lock()), timeout) as mine:
                if mine:
                    begun = self._join(request, fresh=fresh)
                if mine and begun is None and origin not in self._declined:
                    begun = self._connect(request, ends)
        if begun is None and origin in self._declined:
            return None
        if begun is None:
            assert timeout is not None
            raise connect_timeout(origin, timeout)
        return self._send(*begun, write_timeout)

    def _join(self, request: Request, *, fresh: bool) -> tuple[_Connection, HTTP2Exchange] | None:
        """Begin an exchange on a connection that has room for it."""
        for connection in [each for each in self._connections if each.origin == request.origin]:
            with connection.turn():
                stale = fresh and connection.http.answered
                usable = connection.settle() and not (stale and connection.idle)
                if usable and not stale and connection.http.room:
                    return connection, connection.begin(request)
            if not usable:
                self._remove(connection)
        return None

    def _send(self, connection: _Connection, http: HTTP2Exchange, timeout: float | None) -> SyncExchange:
        exchange = _Exchange(self, connection, http)
        sent = False
        try:
            unsent = http.unsent + 1
            while not sent and http.unsent < unsent:
                unsent = http.unsent
                connection.wait(http, lambda: http.sent or exchange.done(), timeout)
                sent = http.sent or exchange.done()
        finally:
            if not sent:
                exchange.abort()
        if not sent:
            assert timeout is not None
            raise stalled_upload(connection.origin, timeout)
        return exchange

    def rest(self, connection: _Connection) -> None:
        """An exchange of this connection was released."""
        connection.since = time.monotonic()
        if connection.http.over or not self._open:
            self._remove(connection)

    def close(self) -> None:
        """Close the connections now that carry no exchange, and the others when they carry none."""
        self._open = False
        if self._process == os.getpid():
            for connection in list(self._connections):
                self._remove(connection)

    def _expire(self) -> None:
        oldest = time.monotonic() - self._idle_timeout
        for connection in list(self._connections):
            if connection.idle and connection.since <= oldest:
                self._remove(connection)

    def _remove(self, connection: _Connection) -> None:
        """Forget a connection and close it, unless it carries an exchange."""
        with contextlib.suppress(ValueError):
            self._connections.remove(connection)
        with connection.turn():
            unused = connection.reader is None and (connection.idle or connection.http.over)
        if unused:
            connection.close()

    def _connect(self, request: Request, ends: float) -> tuple[_Connection, HTTP2Exchange] | None:
        check_request(request)
        origin = request.origin
        begun = time.monotonic()
        timeout = None if ends == inf else max(0.0, ends - begun)
        sock = self._dial(origin, timeout)
        failure: TransportError | None = None
        done = False
        try:
            wire = self._secure(origin, sock, ends)
            if wire is None:
                assert timeout is not None
                failure = connect_timeout(origin, timeout)
            elif wire.protocol == "h2" or origin[0] == "http":
                connection = _Connection(origin, wire, self._max_header_bytes)
                connection.since = begun
                http = connection.begin(request)
                self._connections.append(connection)
                done = True
                return connection, http
            elif not self._only:
                self._declined.add(origin)
            else:
                failure = declined(origin)
        except (OSError, UnicodeError) as error:
            failure = connect_failure(origin, error)
        finally:
            if not done:
                sock.close()
        if failure is not None:
            raise failure
        return None

    def _secure(self, origin: Origin, sock: socket.socket, ends: float) -> Wire | None:
        """Do the TLS handshake, if there is to be one; `None` if the time ran out."""
        wire = Wire(sock, self._trust.client(origin[1]) if origin[0] == "https" else None)
        while not wire.handshake():
            left = ends - time.monotonic()
            if left <= 0:
                return None
            wait_readable(sock, None if ends == inf else left)
        return wire


@contextlib.contextmanager
def _held(lock: threading.Lock, timeout: float | None) -> Iterator[bool]:
    """Hold a lock, unless another thread has it for longer than the timeout."""
    mine = lock.acquire(timeout=-1 if timeout is None else timeout)
    try:
        yield mine
    finally:
        if mine:
            lock.release()


def wait_readable(sock: socket.socket, timeout: float | None) -> None:
    """Wait until a read would return at once, or until the timeout."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        selector.select(timeout)
