"""What fails, and with which error; the conformance kit tests the rest that transports owe."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
from pathlib import Path

import pytest

from sansio.errors import (
    APIConnectionError,
    APITimeoutError,
    LocalProtocolError,
)
from sansio.http import Body, Head, Request
from tests.transports.contracts.support import (
    CHUNKED,
    LAST,
    Make,
    ca_and_server,
    chunk,
    failure,
    fetch,
    free_port,
    read,
    silent,
    trusting,
)
from tests.transports.raw_server import OK, PATIENCE, Peer, RawServer, answering, happens
from transports.interface import Transport


@pytest.mark.anyio
class FaultContract:
    """A loss is a `TransportError`, bad HTTP is none, and each says what happened."""

    async def test_nothing_listens(self, make: Make) -> None:
        port = free_port()
        async with contextlib.aclosing(make()) as transport:
            error = await failure(transport, Request.post(f"http://127.0.0.1:{port}/v1", (), b""))
        assert isinstance(error, APIConnectionError)
        assert error.message == f"no connection to 127.0.0.1:{port}: nothing listens there"
        assert isinstance(error.__cause__, ConnectionRefusedError)
        assert not error.reused

    async def test_name_that_does_not_exist(self, make: Make) -> None:
        async with contextlib.aclosing(make()) as transport:
            error = await failure(transport, Request.post("http://nowhere.invalid/v1", (), b""))
        assert isinstance(error, APIConnectionError)
        assert "no connection to nowhere.invalid:80: the name cannot be resolved" in error.message

    async def test_name_that_cannot_be(self, make: Make) -> None:
        async with contextlib.aclosing(make()) as transport:
            error = await failure(transport, Request.post(f"http://{'x' * 70}..y/v1", (), b""))
        assert isinstance(error, APIConnectionError)
        assert "no connection to " in error.message

    async def test_no_connection_in_time(self, make: Make) -> None:
        with RawServer(silent) as server:  # takes the connection, but not the TLS handshake
            request = Request.post(server.url.replace("http:", "https:"), (), b"")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading authorities would take of the time
            async with contextlib.aclosing(make(ssl_context=context)) as transport:
                error = await failure(transport, request, opening=0.3)
                assert isinstance(error, APITimeoutError)
                assert error.field == "connect_timeout"
                assert "no connection to 127.0.0.1:" in error.message
                assert "within 0.3 s" in error.message
                assert not error.reused
                assert await happens(server.closed)

    async def test_request_that_is_not_taken_in_time(self, make: Make) -> None:
        done = threading.Event()

        def script(peer: Peer) -> None:
            assert done.wait(PATIENCE)

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                error = await failure(transport, server.post(bytes(30_000_000)), sending=0.2)
            done.set()
        assert isinstance(error, APITimeoutError)
        assert error.field == "write_timeout"
        assert "took nothing more of the request for 0.2 s" in error.message

    async def test_time_to_connect_does_not_bound_the_upload(self, make: Make) -> None:
        """A request that the server takes slowly, and as a rule on a connection that is there already."""
        begun = threading.Event()

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(OK)
            assert begun.wait(PATIENCE)
            assert len(peer.request() or b"") > 8_000_000
            peer.send(OK)

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                await fetch(transport, server.post())
                timer = threading.Timer(1.2, begun.set)
                timer.start()
                exchange = await transport.open(server.post(bytes(8_000_000)), 1.0, write_timeout=PATIENCE)
                assert await read(exchange) == (Head(200, (("content-length", "2"),)), b"ok")
                exchange.abort()
                timer.join()

    @pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\n", CHUNKED, CHUNKED + chunk(b"data")])
    async def test_silence(self, make: Make, sent: bytes) -> None:
        def script(peer: Peer) -> None:
            peer.request()
            peer.send(sent)
            peer.wait_for_close()

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                error = await failure(transport, server.post(), reading=0.05)
                assert await happens(server.closed)
        assert isinstance(error, APITimeoutError)
        assert error.field == "read_timeout"
        assert "127.0.0.1:" in error.message
        assert "0.05 s" in error.message

    async def test_no_time_at_all(self, make: Make) -> None:
        with RawServer(silent) as server:
            async with contextlib.aclosing(make()) as transport:
                for times in ({"opening": 0.0}, {"reading": 0.0}):
                    error = await failure(transport, server.post(), **times)
                    assert isinstance(error, APITimeoutError)

    @pytest.mark.parametrize(
        ("sent", "where"),
        [
            (b"", "before it answered"),
            (b"HTTP/1.1 200 OK\r\ncontent-", "before it answered"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "inside its answer"),
            (CHUNKED + chunk(b"data")[:-4], "inside its answer"),
            (CHUNKED + chunk(b"data"), "inside its answer"),
        ],
    )
    async def test_end_of_the_connection_is_a_loss_and_not_bad_http(
        self, make: Make, sent: bytes, where: str
    ) -> None:
        def script(peer: Peer) -> None:
            peer.request()
            peer.send(sent)

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                error = await failure(transport, server.post())
        assert isinstance(error, APIConnectionError)
        assert error.message == f"the server closed the connection {where}"
        assert not error.reused

    @pytest.mark.parametrize("sent", [b"", CHUNKED + chunk(b"data")])
    async def test_reset(self, make: Make, sent: bytes) -> None:
        taken = threading.Event()

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(sent)
            if sent:
                assert taken.wait(PATIENCE)
            peer.reset()

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                exchange = await transport.open(server.post(), PATIENCE)
                if sent:
                    await read(exchange, Body)
                taken.set()
                with pytest.raises(APIConnectionError) as caught:
                    await exchange.receive(PATIENCE)
                exchange.abort()
        assert "lost: the peer reset it" in caught.value.message

    @pytest.mark.parametrize("then", ["reads on", "reads nothing", "closes"])
    @pytest.mark.parametrize("reused", [True, False])
    @pytest.mark.parametrize("pieces", [1, 4])
    async def test_answer_before_the_request_was_taken(
        self, make: Make, then: str, reused: bool, pieces: int
    ) -> None:
        """A server that refuses a large request answers early: its answer counts, not our broken write."""
        done = threading.Event()
        body = b"too large" * pieces
        # A server that reads fast enough gets the whole request, and the connection could then be kept.
        ends = b"connection: close\r\n" if then == "reads on" else b""
        head = b"HTTP/1.1 413 Too Large\r\n%scontent-length: %d\r\n\r\n" % (ends, len(body))

        def script(peer: Peer) -> None:
            if reused:
                peer.request()
                peer.send(OK)
            peer.receive()
            peer.send(head, *[b"too large"] * pieces)
            if then == "reads on":
                peer.wait_for_close()
            elif then == "reads nothing":
                assert done.wait(PATIENCE)

        with RawServer(script) as server:
            async with contextlib.aclosing(make()) as transport:
                for _ in range(5):
                    done.clear()
                    if reused:
                        await fetch(transport, server.post())
                    assert await fetch(transport, server.post(bytes(8_000_000))) == (413, body)
                    done.set()
            assert server.connections == 5

    async def test_request_that_cannot_be_written_quotes_no_header(self, make: Make) -> None:
        request = Request.post("http://127.0.0.1:1/", (("authorization", "Bearer secret\r\nx: y"),), b"")
        async with contextlib.aclosing(make()) as transport:
            with pytest.raises(LocalProtocolError) as caught:
                await transport.open(request, PATIENCE)
        error: BaseException | None = caught.value
        while error is not None:
            assert "secret" not in f"{error} {error!r}"
            error = error.__cause__


@pytest.mark.anyio
class TLSContract:
    """Certificates are checked, and a refusal says why."""

    async def test_tls(self, make: Make) -> None:
        ca, context = ca_and_server("localhost")
        with RawServer(answering(OK), context, "localhost") as server:
            async with contextlib.aclosing(make(ssl_context=trusting(ca))) as transport:
                answers = [await fetch(transport, server.post()) for _ in range(3)]
            assert answers == [(200, b"ok")] * 3
            assert server.connections == 1

    async def test_tls_with_an_authority_of_ones_own(self, make: Make, tmp_path: Path) -> None:
        ca, context = ca_and_server("127.0.0.1")
        ca.cert_pem.write_to_path(tmp_path / "ca.pem")
        with RawServer(answering(OK), context) as server:
            async with contextlib.aclosing(make(ca_file=str(tmp_path / "ca.pem"))) as transport:
                assert await fetch(transport, server.post()) == (200, b"ok")

    @pytest.mark.parametrize("early", [True, False])
    async def test_tls_stream_that_ends_after_its_marker(self, make: Make, early: bool) -> None:
        """The end is in a separate record: in the TLS layer when the exchange is released, or later."""
        ca, context = ca_and_server("localhost")
        sent = threading.Event()

        def script(peer: Peer) -> None:
            while peer.request() is not None:
                peer.send(CHUNKED + chunk(b"data: [DONE]\n\n"), LAST)
                sent.set()

        with RawServer(script, context, "localhost") as server:
            async with contextlib.aclosing(make(ssl_context=trusting(ca))) as transport:
                for _ in range(3):
                    sent.clear()
                    exchange = await transport.open(server.post(), PATIENCE)
                    head = await exchange.receive(PATIENCE)
                    if early:
                        assert await happens(sent)
                    body = await exchange.receive(PATIENCE)
                    await exchange.aclose()
                    exchange.abort()
                    assert isinstance(head, Head)
                    assert body == Body(b"data: [DONE]\n\n")
                    assert await happens(sent)
            assert server.connections == 1

    async def test_tls_connection_that_the_server_closed_is_not_used(self, make: Make) -> None:
        ca, context = ca_and_server("localhost")
        gone = threading.Event()

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(OK)
            peer.close()
            gone.set()

        with RawServer(script, context, "localhost") as server:
            async with contextlib.aclosing(make(ssl_context=trusting(ca))) as transport:
                await fetch(transport, server.post())
                assert await happens(gone)
                assert await fetch(transport, server.post()) == (200, b"ok")
            assert server.connections == 2

    async def test_tls_sessions_are_resumed(self, make: Make) -> None:
        ca, context = ca_and_server("localhost")
        reused = []

        def script(peer: Peer) -> None:
            assert isinstance(peer.socket, ssl.SSLSocket)
            reused.append(peer.socket.session_reused)
            peer.request()
            peer.send(OK)

        with RawServer(script, context, "localhost") as server:
            async with contextlib.aclosing(make(ssl_context=trusting(ca))) as transport:
                for _ in range(3):
                    assert await fetch(transport, server.post(), fresh=True) == (200, b"ok")
        assert reused == [False, True, True]

    async def test_tls_is_ended_before_the_connection(self, make: Make) -> None:
        """A server that gets no close_notify must take the end for an attack, and logs it."""
        ca, context = ca_and_server("localhost")
        ends: list[bytes | ssl.SSLError] = []

        def script(peer: Peer) -> None:
            assert isinstance(peer.socket, ssl.SSLSocket)
            peer.socket.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # not in typeshed
            peer.request()
            peer.send(OK)
            try:
                ends.append(peer.socket.recv(1))
            except ssl.SSLError as error:
                ends.append(error)

        with RawServer(script, context, "localhost") as server:
            async with contextlib.aclosing(make(ssl_context=trusting(ca))) as transport:
                assert await fetch(transport, server.post()) == (200, b"ok")
        assert ends == [b""]

    @pytest.mark.parametrize("orderly", [True, False])
    async def test_tls_answer_that_the_end_of_the_connection_delimits(
        self, make: Make, orderly: bool
    ) -> None:
        """Without close_notify it may be incomplete: anyone can end a connection (RFC 9112, section 9.8)."""
        ca, context = ca_and_server("localhost")

        def script(peer: Peer) -> None:
            assert isinstance(peer.socket, ssl.SSLSocket)
            peer.request()
            peer.send(b"HTTP/1.1 200 OK\r\n\r\nhalf or whole")
            if orderly:
                with contextlib.suppress(OSError):
                    peer.socket.unwrap()

        with RawServer(script, context, "localhost") as server:
            async with contextlib.aclosing(make(ssl_context=trusting(ca))) as transport:
                if orderly:
                    assert await fetch(transport, server.post()) == (200, b"half or whole")
                    return
                error = await failure(transport, server.post())
        assert isinstance(error, APIConnectionError)
        assert "without ending TLS" in error.message

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    async def test_tls_large_bodies_both_ways(self, make: Make, version: ssl.TLSVersion) -> None:
        ca, context = ca_and_server("localhost")
        context.maximum_version = version
        question, answer = bytes(range(256)) * 4_000, bytes(range(255, -1, -1)) * 8_000
        asked = []

        def script(peer: Peer) -> None:
            while (request := peer.request()) is not None:
                asked.append(request.partition(b"\r\n\r\n")[2])
                peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(answer), answer)

        with RawServer(script, context, "localhost") as server:
            async with contextlib.aclosing(make(ssl_context=trusting(ca))) as transport:
                for _ in range(2):
                    assert await fetch(transport, server.post(question)) == (200, answer)
            assert server.connections == 1
        assert asked == [question] * 2

    async def test_tls_invalid_record(self, make: Make) -> None:
        """What does not decrypt ends the exchange, after all that was received before it."""
        ca, context = ca_and_server("localhost")
        taken = threading.Event()

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(CHUNKED + chunk(b"data"))
            assert taken.wait(PATIENCE)
            socket.socket.sendall(peer.socket, b"\x17\x03\x03\x00\x20" + bytes(32))  # past the TLS layer
            peer.wait_for_close()

        with RawServer(script, context, "localhost") as server:
            async with contextlib.aclosing(make(ssl_context=trusting(ca))) as transport:
                exchange = await transport.open(server.post(), PATIENCE)
                assert (await read(exchange, Body))[1] == b"data"
                taken.set()
                with pytest.raises(APIConnectionError, match="was lost: TLS failed"):
                    await exchange.receive(PATIENCE)
                exchange.abort()

    async def test_tls_answer_right_behind_the_handshake(self, make: Make) -> None:
        """An overloaded server may refuse immediately, in the same packet as the end of the handshake."""
        ca, context = ca_and_server("localhost")
        context.maximum_version = ssl.TLSVersion.TLSv1_2

        def script(peer: Peer) -> None:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_side=True)
            finished = False
            while not finished:
                with contextlib.suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                    finished = True
                if not finished:
                    peer.send(outgoing.read())
                    incoming.write(peer.receive())
            tls.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy")
            peer.send(outgoing.read())
            peer.wait_for_close()

        with RawServer(script, host="localhost") as server:
            request = Request.post(server.url.replace("http:", "https:"), (), b"{}")
            async with contextlib.aclosing(make(ssl_context=trusting(ca))) as transport:
                assert await fetch(transport, request) == (503, b"busy")

    async def test_tls_authority_that_nobody_trusts(self, make: Make) -> None:
        _, context = ca_and_server("localhost")
        await self._refuses_tls(make(), context, "ca_file")

    async def test_tls_name_of_another(self, make: Make) -> None:
        ca, context = ca_and_server("other.example")
        await self._refuses_tls(
            make(ssl_context=trusting(ca)), context, "its certificate is for another name"
        )

    async def test_tls_certificate_of_yesterday(self, make: Make) -> None:
        day = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        ca, context = ca_and_server("localhost", ends=day)
        await self._refuses_tls(make(ssl_context=trusting(ca)), context, "its certificate has expired")

    async def _refuses_tls(self, transport: Transport, context: ssl.SSLContext, why: str) -> None:
        with RawServer(answering(OK), context, "localhost") as server:
            async with contextlib.aclosing(transport):
                error = await failure(transport, server.post())
        assert isinstance(error, APIConnectionError)
        assert error.message.startswith("no connection to localhost:")
        assert why in error.message

    async def test_tls_to_a_server_without(self, make: Make) -> None:
        def script(peer: Peer) -> None:
            peer.send(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            peer.wait_for_close()

        with RawServer(script) as server:
            request = Request.post(server.url.replace("http:", "https:"), (), b"")
            async with contextlib.aclosing(make()) as transport:
                error = await failure(transport, request)
        assert isinstance(error, APIConnectionError)
        assert "does not speak TLS" in error.message

    async def test_tls_handshake_that_the_server_breaks_off(self, make: Make) -> None:
        with RawServer(lambda peer: None) as server:
            request = Request.post(server.url.replace("http:", "https:"), (), b"")
            async with contextlib.aclosing(make()) as transport:
                error = await failure(transport, request)
        assert isinstance(error, APIConnectionError)
        assert "no connection to 127.0.0.1:" in error.message
