"""The client's side of TLS without I/O: one machine for every event loop, for threads and for httpcore.

The TLS layers of asyncio and of anyio do not fit. asyncio's keeps 256 KiB for each connection, reports a full
buffer that is not full, and reports the request as sent when it is only in the transport's buffer. anyio's
returns one TLS record at a time, each at the price of an exception. Neither resumes sessions.
"""

from __future__ import annotations

import contextlib
import ssl
import sys
from collections.abc import Collection, Sequence
from functools import cached_property

from sansio.errors import ConfigError
from transports.failures import explain, root_cause

_RECORD = 16_384
"""The largest content of a TLS record (RFC 8446, section 5.1). OpenSSL gives one record a read at most."""

_HOSTS = 64
"""For how many hosts a session is kept. One takes some 10 KB, since it holds the server's certificate."""


class Sessions:
    """A TLS session for each host, which makes the next handshake cheaper: no certificates, no signatures.

    One session serves all new connections, until the server refuses it. RFC 8446, appendix C.4, advises a new
    ticket for each, so that an observer cannot link them; but a client of an API is known by its address,
    and Python takes a third of a millisecond to copy a session out of a connection. It also means that the
    certificate is checked again when the ticket's lifetime ends, after a week at most.

    There is no lock, which a process forked at a bad moment would find locked: each method needs one step of
    the dictionary.
    """

    def __init__(self) -> None:
        self._kept: dict[str, ssl.SSLSession] = {}

    def find(self, host: str) -> ssl.SSLSession | None:
        """The session with this host; `None` if there is none."""
        return self._kept.get(host)

    def put(self, host: str, session: ssl.SSLSession) -> None:
        """Keep the session of a connection to a host that has proved its name."""
        if len(self._kept) >= _HOSTS:
            self._kept.clear()  # costs each host one full handshake, and needs no order of use
        self._kept[host] = session

    def forget(self, host: str) -> None:
        """Keep no session with this host."""
        self._kept.pop(host, None)


class Trust:
    """The trusted certificates: those of the system's authorities, and of further ones if a file is given.

    OpenSSL finds the system's authorities at its own place, or where the variables `SSL_CERT_FILE` and
    `SSL_CERT_DIR` point. `SSLKEYLOGFILE` has no effect: a variable alone must not make the program write down
    the secrets that decrypt keys and conversations. To see them, give an `ssl_context` with a
    `keylog_filename`.

    Args:
        ssl_context: used unchanged, except for `alpn`, in place of the system's authorities.
        ca_file: path of a PEM file with authorities to trust in addition to the system's.
        alpn: the protocols to offer (RFC 7301), the preferred one first. Default: `"http/1.1"`, or the
            protocols that `ssl_context` offers.

    Attributes:
        sessions: the sessions that `client` resumes.

    Raises:
        ConfigError: `ca_file` cannot be read, or both are given.
    """

    def __init__(
        self,
        ssl_context: ssl.SSLContext | None = None,
        ca_file: str | None = None,
        alpn: Sequence[str] | None = None,
    ) -> None:
        if ssl_context is not None and ca_file is not None:
            raise ConfigError("ca_file: load it into ssl_context, or give only one of them", field="ca_file")
        self.sessions = Sessions()
        self._given = ssl_context
        self._ca_file = ca_file
        self._alpn = ["http/1.1"] if alpn is None else list(alpn)
        if ssl_context is not None and alpn is not None:
            # Once, before there is a connection: OpenSSL reads the list without a lock for each new one.
            ssl_context.set_alpn_protocols(self._alpn)
        if ca_file is not None:
            _ = self.context  # a wrong path is an error here, and not in the first call

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The TLS context. The system's authorities are loaded on first use, which takes milliseconds."""
        if self._given is not None:
            return self._given
        # As ssl.create_default_context() does, which would also open the file that SSLKEYLOGFILE names.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if sys.version_info >= (3, 13):
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
        context.load_default_certs()
        context.set_alpn_protocols(self._alpn)
        if self._ca_file is not None:
            try:
                context.load_verify_locations(self._ca_file)
            except OSError as error:
                why = explain(root_cause(error))
                raise ConfigError(
                    f"ca_file: {self._ca_file} has no certificates that can be read: {why}", field="ca_file"
                ) from error
        return context

    def client(self, host: str) -> TLSClient:
        """The machine for a new connection to this host. It resumes a session if one is kept."""
        return TLSClient(self.context, host, alpn=self._alpn, sessions=self.sessions)


class TLSClient:
    """Turns the peer's bytes into the application's, and the application's into the peer's.

    Like the machines of `sansio`, it never raises because of the peer: `error` then says what is wrong. After
    the constructor and after each other step, `data_to_send` may have bytes for the peer, also after an
    error: the alert explains it.

    Args:
        context: has the trusted certificates and the protocols to offer.
        host: the name or address for which the peer's certificate must be valid.
        alpn: the protocols that the caller speaks. It is an error if the server chooses another one.
            Default: any.
        sessions: finds a session to resume, and keeps a new one. Default: none is resumed.

    Attributes:
        ready: the handshake is finished: the peer is who it should be, and `send` may be called.
        ended: nothing more can be read, because the peer closed or because of `error`.
        error: why the received bytes are not acceptable; `None` if they are.
        truncated: the connection ended without the peer's close_notify, so bytes may be missing.

    Raises:
        UnicodeError: the host is not a valid name.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        host: str,
        *,
        alpn: Collection[str] | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        self.ready = False
        self.ended = False
        self.error: ssl.SSLError | None = None
        self.truncated = False
        self._host = host
        self._alpn = alpn
        self._sessions = sessions  # None when there is nothing more to do for them
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tried = None if sessions is None else sessions.find(host)
        self.ssl_object = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=host, session=self._tried
        )
        self._shake_hands()

    @property
    def selected_alpn(self) -> str | None:
        """The protocol that the server chose, such as `"h2"`; `None` if it chose none."""
        return self.ssl_object.selected_alpn_protocol()

    @property
    def session_reused(self) -> bool:
        """Whether the handshake resumed an earlier session."""
        return bool(self.ssl_object.session_reused)

    @property
    def wants_send(self) -> bool:
        """Whether `data_to_send` has something."""
        return self._outgoing.pending > 0

    def receive_data(self, data: bytes) -> bytes:
        """Take bytes from the peer.

        Returns:
            The decrypted bytes, perhaps none. The end of the handshake may come with some, too.
        """
        if self.ended:
            return b""
        self._incoming.write(data)
        if not self.ready:
            self._shake_hands()
            if not self.ready:
                return b""
        return self._read()

    def receive_eof(self) -> None:
        """Take the end of the connection. If close_notify is missing, an attacker may have caused the end."""
        if self.ended:
            return
        self.ended = True
        self.truncated = self.ready
        if not self.ready:
            self.error = ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the peer closed inside the TLS handshake")

    def send(self, data: bytes | memoryview) -> None:
        """Encrypt bytes for the peer; `data_to_send` then has them."""
        try:
            self.ssl_object.write(data)
        except ssl.SSLError as error:  # the peer asked for a new handshake, or closed
            self._fail(error)

    def close(self) -> None:
        """Send close_notify: nothing more will be sent, and nothing was cut off (RFC 8446, section 6.1)."""
        if self.ready and self.error is None:
            with contextlib.suppress(ssl.SSLError):  # wants the peer's close_notify too, which nobody awaits
                self.ssl_object.unwrap()

    def data_to_send(self) -> bytes:
        """The bytes to send to the peer; each is returned once."""
        return self._outgoing.read()

    def _shake_hands(self) -> None:
        try:
            self.ssl_object.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            self._fail(error)
            return
        if self._alpn is None or self.selected_alpn is None or self.selected_alpn in self._alpn:
            self.ready = True
            return
        unwanted = ssl.SSLError(
            ssl.SSL_ERROR_SSL, "the server chose a protocol that the caller does not speak"
        )
        unwanted.reason = f"NO_APPLICATION_PROTOCOL, it chose {self.selected_alpn}"
        self._fail(unwanted)

    def _read(self) -> bytes:
        tls, incoming = self.ssl_object, self._incoming
        pieces: list[bytes] = []
        try:
            # Stop before a read that would find nothing: it raises, which costs as much as a read with data.
            while incoming.pending or tls.pending():
                piece = tls.read(_RECORD)
                if not piece:
                    self.ended = True
                    self.close()
                    break
                pieces.append(piece)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # the peer closed, after `close`
            self.ended = True
        except ssl.SSLError as error:
            self._fail(error)
        if self._sessions is not None and pieces:
            self._keep_session(self._sessions)
        return b"".join(pieces)

    def _keep_session(self, sessions: Sessions) -> None:
        """Keep a new session, once. Under TLS 1.3 the server sends it right before its first data."""
        self._sessions = None
        if self.session_reused or sessions.find(self._host) is not self._tried:
            return  # the one that is kept still serves, or another connection has replaced it
        session = self.ssl_object.session
        if session is not None and session.id:  # without an id it cannot be resumed
            sessions.put(self._host, session)

    def _fail(self, error: ssl.SSLError) -> None:
        self.ended = True
        self.error = error.with_traceback(None)  # its frames would hold the connection
        if not self.ready and self._sessions is not None:
            self._sessions.forget(self._host)  # in case it was the session that the server could not take
