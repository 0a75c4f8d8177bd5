"""The client's side of TLS as a machine, and which certificates a transport trusts."""

from __future__ import annotations

import contextlib
import datetime
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from sansio.errors import ConfigError
from tests.transports.contracts.support import ca_and_server, trusting
from transports.failures import connect_failure
from transports.sockets.tls import Sessions, TLSClient, Trust

ORIGIN = ("https", "localhost", 443)
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
GARBAGE = b"HTTP/1.1 400 Bad Request\r\n\r\n"


@cache
def contexts(version: ssl.TLSVersion, name: str = "localhost") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context, and a client's that trusts it."""
    ca, server = ca_and_server(name)
    server.maximum_version = version
    return server, trusting(ca)


class Server:
    """The other side, in memory."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.ready = False

    def take(self, data: bytes) -> None:
        self._incoming.write(data)
        if not self.ready:
            with contextlib.suppress(ssl.SSLWantReadError):
                self._tls.do_handshake()
                self.ready = True

    def read(self) -> bytes:
        try:
            return self._tls.read(65_536)
        except ssl.SSLZeroReturnError:  # as b"", if it has closed itself
            return b""

    def say(self, *pieces: bytes) -> bytes:
        for piece in pieces:
            self._tls.write(piece)
        return self._outgoing.read()

    def close(self) -> bytes:
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        return self._outgoing.read()


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def connect(client: TLSClient, server: Server, size: int = 65_536) -> bytes:
    """The handshake, with what each side sends cut into pieces; what the application receives by then."""
    given = b""
    while not (client.ready and server.ready) and not client.ended:
        for piece in cut(client.data_to_send(), size):
            server.take(piece)
        for piece in cut(server.say(), size):
            given += client.receive_data(piece)
    return given


def connected(version: ssl.TLSVersion, sessions: Sessions | None = None) -> tuple[TLSClient, Server]:
    server, trusted = contexts(version)
    client, peer = TLSClient(trusted, "localhost", sessions=sessions), Server(server)
    connect(client, peer)
    assert client.ready
    return client, peer


def fault(client: TLSClient) -> str:
    """What the user reads of it."""
    assert client.error is not None
    return connect_failure(ORIGIN, client.error).message


# Cuts.


@pytest.mark.parametrize("version", VERSIONS)
def test_the_handshake_does_not_depend_on_how_its_bytes_are_cut(version: ssl.TLSVersion) -> None:
    """Byte by byte, it is cut everywhere, and at each of these places the client only waits for more."""
    server, trusted = contexts(version)
    client, peer = TLSClient(trusted, "localhost"), Server(server)
    assert connect(client, peer, size=1) == b""
    assert (client.ready, client.ended, client.error) == (True, False, None)
    assert b"".join(map(client.receive_data, cut(peer.say(b"hello", b"world"), 1))) == b"helloworld"


@given(
    version=st.sampled_from(VERSIONS),
    handshake=st.integers(1, 3_000),
    size=st.integers(50, 50_000),
    said=st.lists(st.one_of(st.binary(min_size=1), st.just(bytes(20_000))), min_size=1, max_size=4),
)
def test_what_is_read_does_not_depend_on_how_the_bytes_are_cut(
    version: ssl.TLSVersion, handshake: int, size: int, said: list[bytes]
) -> None:
    """Records of all sizes, in pieces and many at once, and the peer's end of TLS after them."""
    server, trusted = contexts(version)
    client, peer = TLSClient(trusted, "localhost"), Server(server)
    connect(client, peer, handshake)
    sent = peer.say(*said) + peer.close()
    heard = []
    ended = []
    for piece in cut(sent, size):
        ended.append(client.ended)
        heard.append(client.receive_data(piece))
    client.receive_eof()
    assert b"".join(heard) == b"".join(said)
    assert not any(ended), "only the last piece ends it"
    assert (client.ended, client.error, client.truncated) == (True, None, False)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_sent_is_what_the_peer_reads(version: ssl.TLSVersion) -> None:
    client, peer = connected(version)
    for data in (b"x", memoryview(b"view")):
        client.send(data)
        peer.take(client.data_to_send())
        assert client.data_to_send() == b""
        assert peer.read() == bytes(data)


def test_an_answer_right_behind_the_handshake_is_not_lost() -> None:
    """An overloaded server may refuse immediately, in the same packet as the end of the handshake."""
    server, trusted = contexts(ssl.TLSVersion.TLSv1_2)
    client, peer = TLSClient(trusted, "localhost"), Server(server)
    while not peer.ready:
        peer.take(client.data_to_send())
        data = peer.say(b"busy") if peer.ready else peer.say()
        said = client.receive_data(data)
    assert said == b"busy"


# Ends.


@pytest.mark.parametrize("version", VERSIONS)
def test_an_end_at_any_place_in_the_handshake_is_an_error(version: ssl.TLSVersion) -> None:
    server, trusted = contexts(version)
    for taken in (0, 1, 5, 100, 700):
        client, peer = TLSClient(trusted, "localhost"), Server(server)
        peer.take(client.data_to_send())
        client.receive_data(peer.say()[:taken])
        client.receive_eof()
        assert (client.ready, client.ended, client.truncated) == (False, True, False)
        assert fault(client) == "no connection to localhost:443: the peer closed it"


@pytest.mark.parametrize("version", VERSIONS)
def test_an_end_without_close_notify_is_a_truncation_wherever_it_is(version: ssl.TLSVersion) -> None:
    client, peer = connected(version)
    record = peer.say(b"data")
    assert client.receive_data(record) == b"data"
    assert client.receive_data(peer.say(b"more")[:-1]) == b""
    for _ in range(2):
        client.receive_eof()
        assert (client.ended, client.truncated, client.error) == (True, True, None)
    assert client.receive_data(record) == b""


@pytest.mark.parametrize("version", VERSIONS)
def test_each_side_says_that_it_closes(version: ssl.TLSVersion) -> None:
    client, peer = connected(version)
    client.close()
    client.close()
    peer.take(client.data_to_send())
    assert peer.read() == b"", "the end of TLS, not only of the connection"

    client, peer = connected(version)
    client.data_to_send()
    assert client.receive_data(peer.say(b"last") + peer.close()) == b"last"
    assert client.wants_send, "the answer to the peer's close_notify"
    assert (client.ended, client.truncated, client.error) == (True, False, None)
    peer.take(client.data_to_send())
    assert peer.read() == b""

    client, peer = connected(version)
    client.close()
    assert client.receive_data(peer.say(b"last") + peer.close()) == b"last", "it can be closed on one side"
    assert (client.ended, client.truncated, client.error) == (True, False, None)


def test_closing_says_nothing_before_the_handshake_or_after_an_error() -> None:
    _, trusted = contexts(ssl.TLSVersion.TLSv1_3)
    client = TLSClient(trusted, "localhost")
    client.data_to_send()
    client.close()
    assert client.data_to_send() == b""

    client, _ = connected(ssl.TLSVersion.TLSv1_3)
    client.data_to_send()
    client.receive_data(b"\x17\x03\x03\x00\x20" + bytes(32))
    assert client.data_to_send(), "the alert"
    client.close()
    assert client.data_to_send() == b""


# Errors.


def test_an_untrusted_certificate_is_an_error_and_the_peer_hears_why() -> None:
    server, _ = contexts(ssl.TLSVersion.TLSv1_3)
    client, peer = TLSClient(ssl.create_default_context(), "localhost"), Server(server)
    connect(client, peer)
    assert "its certificate is from an authority that is not trusted here" in fault(client)
    with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
        peer.take(client.data_to_send())
    assert client.error is not None
    assert client.error.__traceback__ is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_for_something_else_is_an_error(host: str) -> None:
    server, trusted = contexts(ssl.TLSVersion.TLSv1_3, "other.example")
    client = TLSClient(trusted, host)
    connect(client, Server(server))
    assert "its certificate is for another " in fault(client)


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_a_peer_that_does_not_speak_tls_is_an_error(size: int) -> None:
    _, trusted = contexts(ssl.TLSVersion.TLSv1_3)
    client = TLSClient(trusted, "localhost")
    for piece in cut(GARBAGE, size):
        assert client.receive_data(piece) == b""
    assert fault(client).endswith("the server there does not speak TLS; is it an http:// address?")


def test_data_before_an_invalid_record_is_not_lost() -> None:
    client, peer = connected(ssl.TLSVersion.TLSv1_3)
    assert client.receive_data(peer.say(b"data") + b"\x17\x03\x03\x00\x20" + bytes(32)) == b"data"
    assert client.ended
    assert "TLS failed" in fault(client)


def test_sending_after_the_end_is_an_error() -> None:
    client, _ = connected(ssl.TLSVersion.TLSv1_3)
    client.close()
    client.send(b"more")
    assert client.ended
    assert client.error is not None


@given(st.binary(min_size=1, max_size=300), st.booleans())
def test_any_bytes_end_in_data_or_in_an_error(data: bytes, ready: bool) -> None:
    if ready:
        client, _ = connected(ssl.TLSVersion.TLSv1_3)
    else:
        client = TLSClient(contexts(ssl.TLSVersion.TLSv1_3)[1], "localhost")
    assert client.receive_data(data) == b""
    client.receive_eof()
    assert client.ended
    assert client.error is not None or client.truncated


# Sessions.


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_is_resumed_by_each_later_connection(version: ssl.TLSVersion) -> None:
    sessions = Sessions()
    reused = []
    for _ in range(4):
        client, peer = connected(version, sessions)
        client.receive_data(peer.say(b"data"))
        reused.append(client.session_reused)
    assert reused == [False, True, True, True]


def test_a_connection_without_data_leaves_no_session() -> None:
    sessions = Sessions()
    connected(ssl.TLSVersion.TLSv1_3, sessions)
    assert sessions.find("localhost") is None


def test_a_session_is_only_for_the_host_that_proved_its_name() -> None:
    sessions = Sessions()
    client, peer = connected(ssl.TLSVersion.TLSv1_3, sessions)
    client.receive_data(peer.say(b"data"))
    server, _ = contexts(ssl.TLSVersion.TLSv1_3)
    other = TLSClient(client.ssl_object.context, "other.example", sessions=sessions)
    connect(other, Server(server))
    assert "for another name" in fault(other), "a resumed session would not look at the certificate"
    assert sessions.find("localhost") is not None


def test_a_session_that_the_server_refuses_is_replaced() -> None:
    """As after the server's keys have changed."""
    ca = trustme.CA()
    servers = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2)]
    for each in servers:
        ca.issue_cert("localhost").configure_cert(each)
    trusted, sessions = trusting(ca), Sessions()
    reused = []
    for each in (servers[0], servers[1], servers[1]):
        client, peer = TLSClient(trusted, "localhost", sessions=sessions), Server(each)
        connect(client, peer)
        client.receive_data(peer.say(b"data"))
        reused.append(client.session_reused)
    assert reused == [False, False, True]


def test_a_failed_handshake_forgets_the_session() -> None:
    sessions = Sessions()
    client, peer = connected(ssl.TLSVersion.TLSv1_3, sessions)
    client.receive_data(peer.say(b"data"))
    TLSClient(client.ssl_object.context, "localhost", sessions=sessions).receive_data(GARBAGE)
    assert sessions.find("localhost") is None


def test_the_sessions_of_many_hosts_are_bounded() -> None:
    client, _ = connected(ssl.TLSVersion.TLSv1_2)
    session = client.ssl_object.session
    assert session is not None
    sessions = Sessions()
    hosts = [f"host-{number}" for number in range(1_000)]
    for host in hosts:
        sessions.put(host, session)
    assert sum(sessions.find(host) is not None for host in hosts) <= 64
    assert sessions.find(hosts[-1]) is session


# What is trusted, and which protocols are offered.


def test_trust_takes_a_context_or_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="only one of them") as caught:
        Trust(ssl.create_default_context(), str(tmp_path / "ca.pem"))
    assert caught.value.field == "ca_file"


def test_trust_names_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(ConfigError, match=name) as caught:
            Trust(None, str(tmp_path / name))
        assert caught.value.field == "ca_file"


def test_trust_adds_the_file_to_the_authorities_of_the_system(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    own, system = Trust(None, str(tmp_path / "ca.pem")).context, Trust().context
    assert own.cert_store_stats()["x509_ca"] == system.cert_store_stats()["x509_ca"] + 1


def test_trust_verifies_as_the_standard_library_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)
    own, standard = Trust().context, ssl.create_default_context()
    assert own.verify_mode is ssl.CERT_REQUIRED
    assert own.check_hostname
    assert (own.verify_flags, own.options) == (standard.verify_flags, standard.options)
    assert (own.minimum_version, own.security_level) == (standard.minimum_version, standard.security_level)
    assert own.cert_store_stats() == standard.cert_store_stats()


def test_trust_makes_its_context_once() -> None:
    trust = Trust()
    assert trust.context is trust.context


def test_the_environment_says_where_the_systems_authorities_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SSL_CERT_FILE` works as in every program that uses OpenSSL."""
    ca, server = ca_and_server("localhost")
    ca.cert_pem.write_to_path(tmp_path / "system.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    client = Trust().client("localhost")
    connect(client, Server(server))
    assert client.ready


def test_the_environment_cannot_have_secrets_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SSLKEYLOGFILE` has no effect."""
    log = tmp_path / "secrets"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    ca, server = ca_and_server("localhost")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    client = Trust(None, str(tmp_path / "ca.pem")).client("localhost")
    connect(client, Server(server))
    assert client.ready
    assert not log.exists()


@pytest.mark.parametrize(
    ("offered", "spoken", "selected"),
    [
        (None, ["h2", "http/1.1"], "http/1.1"),
        (["h2", "http/1.1"], ["h2", "http/1.1"], "h2"),
        (["h2", "http/1.1"], ["http/1.1"], "http/1.1"),
        (["h2", "http/1.1"], [], None),
    ],
)
@pytest.mark.parametrize("own", [True, False], ids=["given", "made"])
def test_the_server_chooses_among_the_protocols_offered(
    tmp_path: Path, own: bool, offered: list[str] | None, spoken: list[str], selected: str | None
) -> None:
    ca, server = ca_and_server("localhost")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    if spoken:
        server.set_alpn_protocols(spoken)
    trust = Trust(trusting(ca), alpn=offered) if own else Trust(None, str(tmp_path / "ca.pem"), offered)
    client = trust.client("localhost")
    connect(client, Server(server))
    assert client.ready
    assert client.selected_alpn == (None if own and offered is None else selected)


def test_a_protocol_that_the_caller_does_not_speak_is_an_error() -> None:
    """As when a given context offers HTTP/2 and the transport speaks only HTTP/1.1."""
    ca, server = ca_and_server("localhost")
    server.set_alpn_protocols(["h2"])
    given_context = trusting(ca)
    given_context.set_alpn_protocols(["h2", "http/1.1"])
    client = Trust(given_context).client("localhost")
    connect(client, Server(server))
    assert not client.ready
    assert "none of the protocols that were offered (NO_APPLICATION_PROTOCOL, it chose h2)" in fault(client)
    assert client.error is not None
    assert connect_failure(ORIGIN, client.error).should_retry is False


def test_a_certificate_of_yesterday_is_an_error() -> None:
    ca, server = ca_and_server("localhost", ends=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    client = TLSClient(trusting(ca), "localhost")
    connect(client, Server(server))
    assert fault(client).endswith("its certificate has expired")
