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
from functools import partial
from math import ceil, inf
from typing import TypeVar

from sansio.errors import APIConnectionError, ProviderError, TransportError
from sansio.http import Body, End, Head, Request
from sansio.http.http2 import HTTP2Exchange, check_request
from transports.failures import (
    aborted,
    connect_failure,
    connect_timeout,
    late_upload,
    left_behind,
    read_timeout,
    stalled_upload,
)
from transports.interface import Origin, SyncExchange
from transports.sockets.dialing import Deadline, OutOfTimeError
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

ResultT = TypeVar("ResultT")


class _Connection(SharedConnection):
    """Waits in threads.

    The machine belongs to the thread whose turn it is. A turn never waits. An interrupt inside one may leave
    the machine in disorder, and then ends the connection.
    """

    def __init__(self, origin: Origin, wire: Wire, max_header_bytes: int) -> None:
        self._bell, self._ear = socket.socketpair()  # wakes the thread that reads
        super().__init__(origin, wire, max_header_bytes)
        self._lock = threading.RLock()  # a plain one cannot tell whether this thread has it
        self._busy = False  # it is somebody's turn
        self._bell.setblocking(False)
        self._ear.setblocking(False)

    def take_turn(self, deed: Callable[[], ResultT]) -> ResultT:
        """Use the machine, then do what other threads have left to do.

        Not a context manager: an interrupt could end it with the lock, but before its block.
        """
        with self._lock:
            whole = False
            try:
                self._busy = True
                done = deed()
                whole = True
            except ProviderError:
                whole = True
                raise
            finally:
                self._busy = False
                if not whole:
                    self.lose(APIConnectionError("the connection was lost by an interrupt", reused=True))
                    self.shut_down()
        self.catch_up()
        return done

    def catch_up(self) -> None:
        """Reset the exchanges that were dropped, and close the connection if it is retired and unused.

        It never waits for its turn, since a signal handler or a finaliser may call it inside of one. If it is
        the turn of another thread, or of this one, that does it afterwards.
        """
        while self._dropped or (self.retired and self.unused):
            try:
                if not self._lock.acquire(blocking=False) or self._busy:
                    return
                self.take_drops()
                self.flush()
                if self.retired and self.unused:
                    self.say_goodbye()
                    self.abandon()
                    self.retired = False
            finally:
                # Whatever interrupts this, the lock itself knows whose it is.
                with contextlib.suppress(RuntimeError):
                    self._lock.release()

    def retire(self) -> None:
        """Close it once no exchange needs it. It never waits."""
        self.retired = True
        self.catch_up()

    def wait(self, exchange: HTTP2Exchange, done: Callable[[], bool], timeout: float | None) -> None:
        """Wait until `done` or until the timeout, reading for all exchanges if no other thread does."""
        ends = inf if timeout is None else time.monotonic() + timeout
        woken = threading.Event()
        leave = partial(self._leave, exchange)
        try:
            try:
                while not done() and time.monotonic() < ends:
                    if self.take_turn(partial(self._enter, exchange, woken)):
                        self._read(done, ends)
                    elif not done():
                        woken.wait(None if ends == inf else max(0.0, ends - time.monotonic()))
            finally:
                self.take_turn(leave)
        finally:
            # Again if an interrupt ended that: without a reader, all other threads would wait in vain.
            if exchange in self.waiting or self.reader is exchange:
                self.take_turn(leave)

    def _enter(self, exchange: HTTP2Exchange, woken: threading.Event) -> bool:
        """Begin to wait; whether this exchange is the one that reads."""
        reads = self.reader is None
        if reads:
            self.reader = exchange
        woken.clear()
        self.waiting[exchange] = self._ring if reads else woken.set
        return reads

    def _leave(self, exchange: HTTP2Exchange) -> None:
        self.waiting.pop(exchange, None)
        if self.reader is exchange:
            self.reader = None
        self.hand_over()

    def _read(self, done: Callable[[], bool], ends: float) -> None:
        quiet = 0.0
        while True:
            if quiet >= PING_AFTER:
                self.take_turn(self.keep_alive)
                quiet = 0.0
            writing = self.take_turn(self._work)
            begun = time.monotonic()
            left = min(ends - begun, PING_AFTER)
            if done() or left <= 0:
                return
            quiet = 0.0 if self._ready(writing, left) else quiet + time.monotonic() - begun

    def _work(self) -> bool:
        """Read and send; whether something is left to send."""
        self.step()
        return self.unsent

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


class _Exchange:
    """See `transports.interface.SyncExchange`. Dropped without a release, it aborts."""

    def __init__(self, owner: SyncSharing, connection: _Connection, http: HTTP2Exchange) -> None:
        self._owner = owner
        self._connection = connection
        self.http = http
        self._aborted = False
        self._released = False  # and nothing is left to do
        self._unreleased = [True]  # the one who takes this out releases the exchange

    def receive(self, timeout: float | None) -> Head | Body | End:
        http, connection = self.http, self._connection
        if connection.inherited:
            raise left_behind(connection.origin)
        if not self.done():
            connection.wait(http, self.done, timeout)
        if self._aborted:
            raise aborted()
        given = connection.take_turn(self._take)
        if given is None:
            self.abort()
            assert timeout is not None
            error = read_timeout(connection.origin, timeout)
            error.reused = http.reused
            raise error
        return given

    def _take(self) -> Head | Body | End | None:
        given = take(self.http)
        self._connection.flush()  # the window of what was taken
        return given

    def done(self) -> bool:
        """Whether there is nothing to wait for."""
        return self.http.ready or self.http.ended or self._aborted

    def send(self, timeout: float | None, deadline: Deadline) -> None:
        """Send the rest of the request, which takes as long as the server goes on taking something.

        Args:
            timeout: seconds in which the server must take something; `None` waits indefinitely.
            deadline: for the whole request.

        Raises:
            APITimeoutError: it took nothing for this long.
            OutOfTimeError: the deadline has passed.
        """
        http = self.http
        sent = http.sent or self.done()
        try:
            unsent, last = http.unsent + 1, False
            while not sent and (last or http.unsent < unsent):
                unsent = http.unsent
                left = deadline.left()
                last = left is not None and (timeout is None or left < timeout)
                self._connection.wait(http, lambda: http.sent or self.done(), left if last else timeout)
                sent = http.sent or self.done()
        finally:
            if not sent:
                # The connection's window may be used up, so that other requests would wait in vain, too.
                self._owner.remove(self._connection)
                self.abort()
        if not sent:
            assert timeout is not None
            raise stalled_upload(self._connection.origin, timeout)

    def close(self) -> None:
        if self._release():
            if not self._connection.inherited:
                self._connection.take_turn(partial(self._connection.release, self.http))
                self._owner.rest(self._connection)
            self._released = True

    def abort(self) -> None:
        if self._release():
            self._aborted = True
            self._drop()

    def _drop(self) -> None:
        if not self._connection.inherited:
            self._connection.drop(self.http)
            self._connection.catch_up()
            self._owner.rest(self._connection)
        self._released = True

    def _release(self) -> bool:
        try:
            return self._unreleased.pop()
        except IndexError:
            return False

    def __del__(self) -> None:
        if not vars(self).get("_released", True):  # an interrupt may have ended __init__
            self._drop()


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
        self._connecting: dict[Origin, threading.RLock] = {}

    def open(
        self,
        request: Request,
        timeout: float | None,
        write_timeout: float | None,
        total_timeout: float | None,
        *,
        fresh: bool,
    ) -> SyncExchange | None:
        """Begin an exchange; `None` if the server speaks HTTP/1.1.

        Raises:
            As `SocketTransport.open`.
        """
        deadline = Deadline(total_timeout)
        origin = request.origin
        if origin in self._declined or (origin[0] == "http" and not self._only):
            return None
        if self._process != os.getpid():  # this is a fork
            inherited = self._connections
            self._begin()
            for connection in inherited:
                connection.abandon()
        self._expire()
        exchange = self._join(request, fresh=fresh)
        if exchange is None:
            ends = inf if timeout is None else time.monotonic() + timeout
            # The others wait for the thread that connects, and share its connection.
            with _held(self._connecting.setdefault(origin, threading.RLock()), timeout) as mine:
                if mine:
                    exchange = self._join(request, fresh=fresh)
                if mine and exchange is None and origin not in self._declined:
                    exchange = self._connect(request, ends)
        if exchange is None and origin in self._declined:
            return None
        if exchange is None:
            assert timeout is not None
            raise connect_timeout(origin, timeout)
        try:
            exchange.send(write_timeout, deadline)
        except OutOfTimeError:
            pass
        else:
            return exchange
        raise late_upload(origin, total_timeout)

    def _join(self, request: Request, *, fresh: bool) -> _Exchange | None:
        """Begin an exchange on a connection that has room for it."""
        for connection in [each for each in self._connections if each.origin == request.origin]:
            usable, exchange = connection.take_turn(partial(self._begin_on, connection, request, fresh))
            if exchange is not None:
                return exchange
            if not usable:
                self.remove(connection)
        return None

    def _begin_on(
        self, connection: _Connection, request: Request, fresh: bool
    ) -> tuple[bool, _Exchange | None]:
        """Begin an exchange if there is room; and whether the connection can be used at all."""
        stale = fresh and connection.http.answered
        usable = connection.settle() and not (stale and connection.idle)
        if usable and not stale and connection.http.room:
            return True, _Exchange(self, connection, connection.begin(request))
        return usable, None

    def rest(self, connection: _Connection) -> None:
        """An exchange of this connection was released."""
        connection.since = time.monotonic()
        if connection.http.over or not self._open:
            self.remove(connection)

    def close(self) -> None:
        """Close the connections now that carry no exchange, and the others when they carry none."""
        self._open = False
        if self._process == os.getpid():
            for connection in list(self._connections):
                self.remove(connection)

    def _expire(self) -> None:
        oldest = time.monotonic() - self._idle_timeout
        for connection in list(self._connections):
            if connection.idle and connection.since <= oldest:
                self.remove(connection)

    def remove(self, connection: _Connection) -> None:
        """Forget a connection, and close it as soon as it carries no exchange."""
        with contextlib.suppress(ValueError):
            self._connections.remove(connection)
        connection.retire()

    def _connect(self, request: Request, ends: float) -> _Exchange | None:
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
                exchange = _Exchange(self, connection, connection.begin(request))
                self._connections.append(connection)
                done = True
                return exchange
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
def _held(lock: threading.RLock, timeout: float | None) -> Iterator[bool]:
    """Hold a lock, unless another thread has it for longer than the timeout."""
    try:
        yield lock.acquire(timeout=-1 if timeout is None else timeout)
    finally:
        # Only the lock knows for sure: an interrupt may have ended `acquire` after it had got it.
        with contextlib.suppress(RuntimeError):  # this thread does not have it
            lock.release()


def wait_readable(sock: socket.socket, timeout: float | None) -> None:
    """Wait until a read would return at once, or until the timeout."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        selector.select(timeout)
