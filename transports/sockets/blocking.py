"""The blocking transport: plain sockets, without an event loop."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

from sansio.errors import TransportError
from sansio.http import Body, End, Head, HTTPExchange, Request
from sansio.limits import DEFAULT_LIMITS
from transports.failures import aborted, connect_failure, lost_failure, open_timeout, read_timeout
from transports.interface import Origin, SyncExchange
from transports.sockets.feed import Feed
from transports.sockets.idle import IDLE_TIMEOUT, MAX_IDLE, IdleConnections
from transports.sockets.proxies import OWN_SCHEMES, Proxies
from transports.sockets.raw import READ_SIZE, SETTLE_READS, shut_down
from transports.sockets.secure_socket import SecureSocket
from transports.sockets.tls import TLSClient, Trust
from transports.sockets.tunnels import Proxy

_Socket: TypeAlias = socket.socket | SecureSocket
_Address: TypeAlias = str | tuple[object, ...]
"""An address to connect to: the path of a Unix socket, or an IPv4 or IPv6 address."""


class _OutOfTimeError(Exception):
    """Our deadline has passed. A timeout that the system reports is an `OSError` instead."""


class _Deadline:
    def __init__(self, seconds: float | None) -> None:
        self._at = None if seconds is None else time.monotonic() + seconds

    @contextlib.contextmanager
    def bound(self, sock: _Socket) -> Iterator[None]:
        """Let a call to the socket wait until the deadline at most.

        Raises:
            _OutOfTimeError: the deadline has passed.
        """
        left = None if self._at is None else self._at - time.monotonic()
        if left is not None and left <= 0:
            raise _OutOfTimeError
        sock.settimeout(left)
        try:
            yield
        except TimeoutError as error:
            if error.errno is None:  # raised by settimeout(), and not by a system call
                raise _OutOfTimeError from None
            raise


class _Connection:
    """A socket to one origin, and the machine of its last exchange."""

    def __init__(self, origin: Origin, sock: _Socket) -> None:
        self.origin = origin
        self.http: HTTPExchange | None = None
        self._socket = sock

    def send(self, http: HTTPExchange, deadline: _Deadline) -> None:
        """Begin an exchange. A failure shows at the next read: the server may have answered before it."""
        self.http = http
        rest = memoryview(http.data_to_send())
        with contextlib.suppress(OSError):
            while rest:
                with deadline.bound(self._socket):
                    rest = rest[self._socket.send(rest) :]

    def read(self, deadline: _Deadline, feed: Feed) -> None:
        """Feed the next bytes, or the end."""
        with deadline.bound(self._socket):
            data = self._socket.recv(READ_SIZE)
        feed.read(data, truncated=isinstance(self._socket, SecureSocket) and self._socket.tls.truncated)

    def settle(self) -> bool:
        """Read what has arrived since the last exchange, without waiting for more.

        Returns:
            Whether the connection can carry another exchange.
        """
        assert self.http is not None
        self._socket.settimeout(0)
        for _ in range(SETTLE_READS):
            try:
                data = self._socket.recv(READ_SIZE)
            except BlockingIOError:
                return self.http.reusable
            except OSError:
                return False
            if not data:
                return False
            self.http.receive_data(data)
        return False

    def shut_down(self) -> None:
        shut_down(self._socket)

    def close(self) -> None:
        self._socket.close()


class _Exchange:
    """See `transports.interface.SyncExchange`. Any thread may call `abort()`, which wakes a reader."""

    def __init__(self, transport: SocketTransport, connection: _Connection, feed: Feed) -> None:
        self._transport = transport
        self._connection = connection
        self._feed = feed
        self._lock = threading.Lock()
        self._reading = False
        self._released = False  # inside a read it can only have been aborted

    def receive(self, timeout: float | None) -> Head | Body | End:
        deadline = _Deadline(timeout)  # for the whole input, since a server may send it byte by byte
        feed = self._feed
        while not (feed.inputs or feed.ended):
            self._read(timeout, deadline)
        return feed.take()

    def _read(self, timeout: float | None, deadline: _Deadline) -> None:
        with self._lock:
            released = self._released
            self._reading = not released
            if released and not self._feed.ended:  # receive() after close(): another exchange may be on it
                self._feed.lose(aborted())
        if released:
            return
        try:
            self._connection.read(deadline, self._feed)
        except _OutOfTimeError:
            assert timeout is not None
            self._lose(read_timeout(self._connection.origin, timeout))
        except OSError as error:
            self._lose(lost_failure(self._connection.origin, error))
        finally:
            with self._lock:
                self._reading = False
                # abort() left the socket open: the system could have reused its number during this read.
                if self._released:
                    self._connection.close()

    def _lose(self, error: TransportError) -> None:
        with self._lock:
            if not self._released:
                self._feed.lose(error)

    def close(self) -> None:
        with self._lock:
            keep = self._feed.keepable and not self._released
            self._released = self._released or keep
        if keep:
            self._transport._put(self._connection)
        else:
            self.abort()

    def abort(self) -> None:
        with self._lock:
            if self._released:
                return
            self._released = True
            self._feed.lose(aborted())
            if not self._reading:
                self._connection.close()
            else:
                self._connection.shut_down()


class SocketTransport:
    """HTTP/1.1 over blocking sockets. No redirects. Any thread may use it.

    After an exchange its connection is kept for the next one to the same origin. The time to connect does
    not bound the lookup of the host's name, which the system cannot interrupt.

    Args:
        ssl_context: for TLS. Default: one that trusts the system's authorities.
        ca_file: path of a PEM file with authorities to trust in addition to the system's.
        unix_socket: path of a Unix socket to connect to, whatever host a request names.
        proxy: URL of an HTTP or SOCKS5 proxy (`http://`, `socks5://`), with user and password if it needs
            them. It resolves names; loopback is reached without it.
        no_proxy: hosts to reach without the proxy, in the format of the variable `NO_PROXY`: names separated
            by commas, with or without a port. A name includes its subdomains.
        environment_proxies: take the proxies from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`,
            read once, now.
        max_idle: how many idle connections to keep.
        idle_timeout: how many seconds to keep each.
        max_header_bytes: largest size of a response's head, and of one chunk's size line.

    Raises:
        ConfigError: `ca_file` cannot be read, or `ssl_context` is given too; or the proxy cannot be used.
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
    ) -> None:
        self._idle: IdleConnections[_Connection] = IdleConnections(max_idle, idle_timeout)
        self._lock = threading.Lock()  # held for bookkeeping only, never during a call to a socket
        self._trust = Trust(ssl_context, ca_file)
        self._proxies = Proxies.from_arguments(
            proxy,
            no_proxy,
            environment_proxies=environment_proxies,
            unix_socket=unix_socket,
            schemes=OWN_SCHEMES,
        )
        self._unix_socket = unix_socket
        self._max_header_bytes = max_header_bytes

    def open(self, request: Request, timeout: float | None, *, fresh: bool = False) -> SyncExchange:
        """See `Transport.open`.

        Raises:
            APIConnectionError: no connection could be made; the message says why.
            APITimeoutError: connecting, or sending the request, took too long.
            LocalProtocolError: the request cannot be written as HTTP/1.1.
        """
        proxy = self._proxies.find(request.origin)
        sent_as = request if proxy is None else proxy.forwarded(request)
        http = HTTPExchange(sent_as, max_header_bytes=self._max_header_bytes)
        deadline = _Deadline(timeout)
        self._tidy(request.origin if fresh else None)
        connection = None if fresh else self._take(request.origin)
        reused = connection is not None
        sent = False
        try:
            if connection is None:
                connection = self._connect(request.origin, proxy, deadline)
            connection.send(http, deadline)
            sent = True
        except _OutOfTimeError:
            assert timeout is not None
            late = open_timeout(request.origin, timeout, connected=connection is not None)
        finally:
            if connection is not None and not sent:
                connection.close()
        if connection is None or not sent:
            raise late
        return _Exchange(self, connection, Feed(http, reused=reused))

    def close(self) -> None:
        """Close the idle connections. A later exchange works, but its connection is not kept."""
        with self._lock:
            unwanted = self._idle.close()
        _close(unwanted)

    def __del__(self) -> None:
        if hasattr(self, "_lock"):  # not where the constructor refused its arguments
            self.close()

    def _tidy(self, unwanted_origin: Origin | None) -> None:
        """Close connections that were idle for too long, and all idle ones to `unwanted_origin`."""
        with self._lock:
            unwanted = self._idle.expire(time.monotonic())
            if unwanted_origin is not None:
                unwanted += self._idle.clear(unwanted_origin)
        _close(unwanted)

    def _take(self, origin: Origin) -> _Connection | None:
        """An idle connection that can carry another exchange, judged by what has arrived on it."""
        while True:
            with self._lock:
                connection = self._idle.take(origin)
            if connection is None or connection.settle():
                return connection
            connection.close()

    def _put(self, connection: _Connection) -> None:
        """Keep a connection. The end of its response may still be on the way."""
        with self._lock:
            unwanted = self._idle.put(connection.origin, connection, time.monotonic())
        _close(unwanted)

    def _addresses(self, origin: Origin) -> list[tuple[int, _Address]]:
        if self._unix_socket is not None:
            return [(socket.AF_UNIX, self._unix_socket)]
        _, host, port = origin
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [(family, address) for family, _, _, _, address in found]

    def _connect(self, origin: Origin, proxy: Proxy | None, deadline: _Deadline) -> _Connection:
        scheme, host, _ = origin
        try:
            tls = self._trust.client(host) if scheme == "https" else None
            if proxy is None:
                plain = _dial(self._addresses(origin), deadline)
            else:
                plain = _connect_through(proxy, self._addresses, origin, deadline)
            sock = plain if tls is None else _secure(plain, tls, deadline)
        except (OSError, UnicodeError) as error:
            failure = connect_failure(origin, error, self._unix_socket)
        else:
            return _Connection(origin, sock)
        raise failure


def _connect_through(
    proxy: Proxy,
    addresses: Callable[[Origin], list[tuple[int, _Address]]],
    origin: Origin,
    deadline: _Deadline,
) -> socket.socket:
    """Connect to an origin by way of a proxy.

    Raises:
        APIConnectionError: the proxy cannot be reached, or it refused.
        OSError: the connection was lost as the way was opened.
    """
    failure = None
    with contextlib.ExitStack() as unless_open:
        try:
            sock = unless_open.enter_context(_dial(addresses(proxy.origin), deadline))
            tunnel = proxy.tunnel(origin)
            while tunnel is not None and not tunnel.open:
                with deadline.bound(sock):
                    # A view: a frame would show the password in bytes to a traceback with locals.
                    sock.sendall(memoryview(tunnel.data_to_send()))
                with deadline.bound(sock):
                    tunnel.receive_data(sock.recv(READ_SIZE))
        except (OSError, UnicodeError) as error:
            failure = connect_failure(proxy.origin, error)
        else:
            unless_open.pop_all()
            return sock
    raise failure


def _dial(addresses: list[tuple[int, _Address]], deadline: _Deadline) -> socket.socket:
    """Connect to the first of the addresses, each with its family, that accepts."""
    failures = []
    for family, address in addresses:
        with contextlib.ExitStack() as unless_connected:
            sock = unless_connected.enter_context(socket.socket(family, socket.SOCK_STREAM))
            try:
                with deadline.bound(sock):
                    sock.connect(address)
            except OSError as error:
                failures.append(error)
                continue
            if not isinstance(address, str):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            unless_connected.pop_all()
            return sock
    raise failures[0]


def _secure(sock: socket.socket, tls: TLSClient, deadline: _Deadline) -> SecureSocket:
    """Do the TLS handshake; if it fails, the socket is closed."""
    with contextlib.ExitStack() as unless_secured:
        secured = SecureSocket(unless_secured.enter_context(sock), tls)
        finished = False
        while not finished:
            with deadline.bound(secured):
                finished = secured.shake_hands()
        unless_secured.pop_all()
    return secured


def _close(connections: list[_Connection]) -> None:
    for connection in connections:
        connection.close()
