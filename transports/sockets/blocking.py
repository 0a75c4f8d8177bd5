"""The blocking transport: plain sockets, without an event loop.

Nothing here holds a lock. A transport stays usable after an interrupt at any line (KeyboardInterrupt, or
another exception from a signal handler), after a signal handler that calls `abort()`, and after a fork: each
change that others depend on is one step of the interpreter, and a connection that is lost closes itself.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from functools import partial
from typing import TYPE_CHECKING

from sansio.errors import TransportError
from sansio.http import Body, End, Head, HTTPExchange, Request
from sansio.limits import DEFAULT_LIMITS
from transports.failures import (
    aborted,
    connect_failure,
    connect_timeout,
    late_upload,
    left_behind,
    lost_failure,
    read_timeout,
    stalled_upload,
)
from transports.interface import Origin, SyncExchange
from transports.sockets.dialing import Deadline, OutOfTimeError, dial
from transports.sockets.feed import Feed
from transports.sockets.idle import IDLE_TIMEOUT, MAX_IDLE, IdleConnections
from transports.sockets.proxies import Proxies
from transports.sockets.racing import Address
from transports.sockets.raw import READ_SIZE, SETTLE_READS, shut_down, wait_ready
from transports.sockets.secure_socket import SecureSocket
from transports.sockets.tls import Trust
from transports.sockets.tunnels import Proxy

if TYPE_CHECKING:
    from transports.sockets.sharing import Choice
    from transports.sockets.sync_sharing import SyncSharing


class _Connection:
    """A socket to one origin, and the feed of its exchange, or of its last one.

    It belongs to the process that made it. A fork of that process closes it, which the peer does not see, and
    neither reads it nor shuts it down.
    """

    def __init__(self, origin: Origin, sock: socket.socket | SecureSocket) -> None:
        self._socket = sock
        self.origin = origin
        self._feed: Feed | None = None
        self._process = os.getpid()

    @property
    def inherited(self) -> bool:
        """Whether it belongs to a process that this one was forked from."""
        return self._process != os.getpid()

    def send(self, feed: Feed, timeout: float | None, deadline: Deadline) -> bool:
        """Begin an exchange: send its request, and read what arrives meanwhile.

        A server that refuses a large request may answer, and close, before it has read everything. When its
        answer has ended, or is a long one, the rest of the request is not sent. A failure to send shows at
        the next read, after the answer.

        Args:
            timeout: seconds in which the server must take something; `None` waits indefinitely.
            deadline: for the whole request.

        Returns:
            False if the server took nothing for that long, and has not begun to answer either.

        Raises:
            OutOfTimeError: the deadline has passed.
        """
        self._feed = feed
        rest = memoryview(feed.data_to_send())
        reads = 0
        waited = True
        with contextlib.suppress(OSError):
            self._socket.settimeout(0)
            while rest and waited and not feed.ended and reads < SETTLE_READS:
                left = deadline.left()
                # In pieces: that the rest gets shorter shows that the server reads.
                sent = self._send(rest[:READ_SIZE])
                rest = rest[sent:]
                if not sent:
                    stall = timeout if left is None or (timeout is not None and timeout <= left) else left
                    waited = wait_ready(self._socket, stall, writing=True)
                    waited = waited or stall is left  # then the deadline has passed
                    reads += self._glance(feed)
        feed.cut = bool(rest)
        return waited or bool(feed.inputs)

    def _send(self, data: memoryview) -> int:
        """Send without waiting; how many bytes the system took."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def _glance(self, feed: Feed) -> bool:
        """Feed the bytes that can be read without waiting; whether there were any, or the end."""
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return False
        feed.read(data, truncated=self._truncated)
        return True

    def read(self, deadline: Deadline) -> None:
        """Feed the next bytes, or the end."""
        assert self._feed is not None
        with deadline.bound(self._socket):
            data = self._socket.recv(READ_SIZE)
        self._feed.read(data, truncated=self._truncated)

    @property
    def _truncated(self) -> bool:
        return isinstance(self._socket, SecureSocket) and self._socket.tls.truncated

    def settle(self) -> bool:
        """Read what has arrived since the last exchange, without waiting for more.

        Returns:
            Whether the connection can carry another exchange.
        """
        if self.inherited:
            return False
        feed = self._feed
        assert feed is not None
        with contextlib.suppress(OSError):
            self._socket.settimeout(0)
            for _ in range(SETTLE_READS):
                try:
                    data = self._socket.recv(READ_SIZE)
                except BlockingIOError:
                    return feed.reusable
                if not data:
                    break
                feed.finish(data)
        return False

    def shut_down(self) -> None:
        """End it in both directions; the peer and a reader see it at once. Any thread may call this."""
        if not self.inherited:
            shut_down(self._socket)

    def close(self) -> None:
        self._socket.close()

    def __del__(self) -> None:
        sock = vars(self).get("_socket")  # an interrupt may have ended __init__
        if sock is not None:
            sock.close()


class _Exchange:
    """See `transports.interface.SyncExchange`. Any thread may call `abort()`, which wakes a reader."""

    def __init__(self, idle: IdleConnections[_Connection], connection: _Connection, feed: Feed) -> None:
        self._idle = idle
        self._connection = connection
        self._feed = feed
        self._unreleased = [True]  # the one who takes this out releases the connection
        self._reading = False
        self._aborted = False

    def receive(self, timeout: float | None) -> Head | Body | End:
        deadline = Deadline(timeout)  # for the whole input, since a server may send it byte by byte
        feed = self._feed
        while not (feed.inputs or feed.ended):
            self._read(timeout, deadline)
        return feed.take()

    def _read(self, timeout: float | None, deadline: Deadline) -> None:
        connection = self._connection
        # Before the look at `_unreleased`: abort() empties that first and then looks here. So either it sees
        # this reader, which then closes the socket, or this reader sees that there is nothing to read.
        self._reading = True
        try:
            if not self._unreleased:  # after close(), when another exchange may be on the connection
                self._lose(aborted())
            elif connection.inherited:
                self._lose(left_behind(connection.origin))
            else:
                connection.read(deadline)
        except OutOfTimeError:
            self._lose(read_timeout(connection.origin, timeout))
        except OSError as error:
            self._lose(lost_failure(connection.origin, error))
        finally:
            self._reading = False
            # abort() left the socket open: the system could have reused its number during this read.
            if self._aborted:
                connection.close()

    def _lose(self, error: TransportError) -> None:
        if not self._feed.ended:  # by abort(), whose error is the one to raise
            self._feed.lose(error)

    def close(self) -> None:
        if not self._feed.keepable:
            self.abort()
        elif self._release():
            _close(self._idle.put(self._connection.origin, self._connection, time.monotonic()))

    def abort(self) -> None:
        if self._release():
            self._aborted = True
            self._feed.lose(aborted())
            if not self._reading:
                self._connection.close()  # it can still end TLS in order
            self._connection.shut_down()

    def _release(self) -> bool:
        """Whether the caller must release the connection. True only once."""
        try:
            return self._unreleased.pop()
        except IndexError:
            return False


class SocketTransport:
    """The default transport without an event loop: HTTP/1.1 over blocking sockets. No redirects.

    Any thread and any forked process may use it. After an exchange, its connection is kept for the next one
    to the same origin. The time to connect does not bound the lookup of the host's name, which the system
    cannot interrupt. A forked process makes its own connections, and does not use those of its parent.

    Args:
        ssl_context: the context for TLS. Default: one that trusts the system's authorities.
        ca_file: path of a PEM file with authorities to trust in addition to the system's.
        unix_socket: path of a Unix socket to connect to, in place of the host that a request names.
        proxy: URL of an HTTP or SOCKS5 proxy (`http://`, `socks5://`, or `https://` for TLS to the proxy
            itself), with user and password if it needs them. The proxy resolves names. Requests to loopback
            go there directly, without the proxy.
        no_proxy: hosts to reach without the proxy, in the format of the variable `NO_PROXY`: names separated
            by commas, with or without a port. A name includes its subdomains.
        environment_proxies: take the proxies from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`,
            read once, when the transport is made.
        max_idle: how many idle connections to keep.
        idle_timeout: for how many seconds to keep each idle connection.
        max_header_bytes: the largest size of a response's head, and of one chunk's size line.
        http2: `True` uses HTTP/2 if the server of an https address chooses it; `"only"` uses it always, also
            without TLS. Threads that call one server then share a connection. It needs the extra `http2`. It
            changes `ssl_context` to offer HTTP/2, so pass a context that no HTTP/1.1 client uses. Requests
            through a proxy use HTTP/1.1, and `ssl_context` cannot be given then.

    Raises:
        ConfigError: `ca_file` cannot be read, or `ssl_context` is given too; or the proxy cannot be used, or
            the package h2 is missing.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        ca_file: str | None = None,
        unix_socket: str | None = None,
        proxy: str | None = None,
        no_proxy: str = "",
        environment_proxies: bool = False,
        max_idle: int = MAX_IDLE,
        idle_timeout: float = IDLE_TIMEOUT,
        max_header_bytes: int = DEFAULT_LIMITS.max_header_bytes,
        http2: Choice = False,
    ) -> None:
        self._sharing: SyncSharing | None = None
        self._idle: IdleConnections[_Connection] = IdleConnections(max_idle, idle_timeout)
        self._trust = Trust(ssl_context, ca_file)
        self._proxies = Proxies.from_arguments(
            proxy,
            no_proxy,
            environment_proxies=environment_proxies,
            unix_socket=unix_socket,
        )
        self._unix_socket = unix_socket
        self._max_header_bytes = max_header_bytes
        if http2:
            self._proxies.check_http2(ssl_context)
            from transports.sockets.sync_sharing import SyncSharing  # lazily: it needs the package h2

            self._sharing = SyncSharing(
                http2, partial(_dial, unix_socket), ssl_context, ca_file, idle_timeout, max_header_bytes
            )

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> SyncExchange:
        """See `Transport.open`.

        Raises:
            APIConnectionError: no connection could be made; the message says why.
            APITimeoutError: connecting took too long, or the server took nothing of the request for too long,
                or not all of it within `total_timeout`.
            LocalProtocolError: the request cannot be written as HTTP/1.1.
        """
        deadline = Deadline(total_timeout)
        proxy = self._proxies.find(request.origin)
        if proxy is None and self._sharing is not None:
            shared = self._sharing.open(request, timeout, write_timeout, total_timeout, fresh=fresh)
            if shared is not None:
                return shared
        sent_as = request if proxy is None else proxy.forwarded(request)
        http = HTTPExchange(sent_as, max_header_bytes=self._max_header_bytes)
        _close(self._idle.expire(time.monotonic()))
        if fresh:
            _close(self._idle.clear(request.origin))
        connection = None if fresh else self._take(request.origin)
        feed = Feed(http, reused=connection is not None)
        if connection is None:
            connection = self._connect(request.origin, proxy, timeout)
        failure: TransportError | None = None
        sent = False
        try:
            sent = connection.send(feed, write_timeout, deadline)
        except OutOfTimeError:
            failure = late_upload(request.origin, total_timeout)
        finally:
            if not sent:
                connection.close()
        if sent:
            return _Exchange(self._idle, connection, feed)
        raise failure or stalled_upload(request.origin, write_timeout)

    def close(self) -> None:
        """Close the idle connections. A later exchange works, but its connection is not kept."""
        _close(self._idle.close())
        if self._sharing is not None:
            self._sharing.close()

    def __del__(self) -> None:
        sharing = vars(self).get("_sharing")  # the constructor may have been interrupted
        if sharing is not None:
            sharing.close()

    def _take(self, origin: Origin) -> _Connection | None:
        """An idle connection that can carry another exchange, judged by what has arrived on it."""
        while (connection := self._idle.take(origin)) is not None:
            if connection.settle():
                return connection
            connection.close()
        return None

    def _connect(self, origin: Origin, proxy: Proxy | None, timeout: float | None) -> _Connection:
        scheme, host, _ = origin
        peer = origin if proxy is None else proxy.origin
        tunnel = None if proxy is None else proxy.tunnel(origin)
        deadline = Deadline(timeout)
        failure: TransportError
        try:
            tls = self._trust.client(host) if scheme == "https" else None
            outer = self._trust.client(proxy.host) if proxy is not None and proxy.secure else None
            addresses = _addresses(peer, self._unix_socket)
            return _Connection(origin, dial(addresses, tls, deadline, tunnel, outer))
        except OutOfTimeError:
            failure = connect_timeout(origin, timeout)
        except (OSError, UnicodeError) as error:
            beyond = tunnel is not None and tunnel.open  # what followed was between us and the origin
            failure = connect_failure(origin if beyond else peer, error, self._unix_socket)
        raise failure


def _addresses(origin: Origin, unix_socket: str | None) -> list[Address]:
    if unix_socket is not None:
        return [(socket.AF_UNIX, unix_socket)]
    _, host, port = origin
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


def _dial(unix_socket: str | None, origin: Origin, timeout: float | None) -> socket.socket:
    """Connect to an origin without TLS; raises as `open`.

    Not a method of the transport: that would be a cycle, and a dropped transport has to close its connections
    before the collector finds their sockets open.
    """
    failure: TransportError
    try:
        sock = dial(_addresses(origin, unix_socket), None, Deadline(timeout))
    except OutOfTimeError:
        assert timeout is not None
        failure = connect_timeout(origin, timeout)
    except (OSError, UnicodeError) as error:
        failure = connect_failure(origin, error, unix_socket)
    else:
        assert isinstance(sock, socket.socket)
        return sock
    raise failure


def _close(connections: list[_Connection]) -> None:
    for connection in connections:
        connection.close()
