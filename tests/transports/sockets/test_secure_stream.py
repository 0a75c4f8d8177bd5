"""TLS over anyio's streams: what cancellation leaves, and what the caller's sizes are."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Iterator

import anyio
import pytest
from anyio.streams.tls import TLSAttribute

from tests.transports.contracts.support import ca_and_server, trusting
from tests.transports.raw_server import OK, PATIENCE, Peer, RawServer, Script, answering
from transports.sockets.secure_stream import SecureStream
from transports.sockets.tls import TLSClient

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def connected(script: Script) -> AsyncIterator[SecureStream]:
    """A stream to a server that runs this script."""
    ca, context = ca_and_server("localhost")
    with RawServer(script, context, "localhost") as server:
        raw = await anyio.connect_tcp("127.0.0.1", server.post().port)
        async with await SecureStream.wrap(raw, TLSClient(trusting(ca), "localhost")) as stream:
            yield stream


async def test_a_cancelled_receive_loses_nothing() -> None:
    """Half a record has arrived by then."""
    cancelled = threading.Event()
    ca, context = ca_and_server("localhost")

    def script(peer: Peer) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        for _ in handshake(tls):
            peer.send(outgoing.read())
            incoming.write(peer.receive())
        tls.write(b"one and two")
        sent = outgoing.read()
        peer.send(sent[:-10])
        assert cancelled.wait(PATIENCE)
        peer.send(sent[-10:])
        peer.wait_for_close()

    with RawServer(script) as server:
        raw = await anyio.connect_tcp("127.0.0.1", server.post().port)
        async with await SecureStream.wrap(raw, TLSClient(trusting(ca), "localhost")) as stream:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stream.receive)
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
            cancelled.set()
            with anyio.fail_after(PATIENCE):
                assert await stream.receive() == b"one and two"


def handshake(tls: ssl.SSLObject) -> Iterator[None]:
    """Do the handshake; each time that it takes more from the peer, yield."""
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            yield
        else:
            return


async def test_a_cancelled_send_breaks_the_stream() -> None:
    """Half a record may have been sent, and what follows it would be garbage to the peer."""
    done = threading.Event()

    def script(peer: Peer) -> None:
        assert done.wait(PATIENCE)

    async with connected(script) as stream:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stream.send, bytes(20_000_000))
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        with pytest.raises(anyio.BrokenResourceError):
            await stream.send(b"more")
        done.set()


async def test_no_more_bytes_are_given_than_were_asked_for() -> None:
    async with connected(lambda peer: peer.send(b"0123456789")) as stream:
        with anyio.fail_after(PATIENCE):
            assert await stream.receive(1) == b"0"
            assert await stream.receive(4) == b"1234"
            assert await stream.receive() == b"56789"
            for _ in range(2):
                with pytest.raises(anyio.EndOfStream):
                    await stream.receive()
        assert stream.tls.truncated


async def test_one_task_receives_while_another_sends() -> None:
    async with connected(lambda peer: peer.send(peer.receive())) as stream:
        given = []

        async def receive() -> None:
            given.append(await stream.receive())

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(receive)
                await anyio.wait_all_tasks_blocked()
                await stream.send(b"echo")
        assert given == [b"echo"]


async def test_the_end_of_sending_is_seen_by_the_peer() -> None:
    def script(peer: Peer) -> None:
        peer.wait_for_close()
        peer.send(b"bye")

    async with connected(script) as stream:
        await stream.send_eof()
        with anyio.fail_after(PATIENCE):
            assert await stream.receive() == b"bye"
        with pytest.raises(ssl.SSLError):
            await stream.send(b"more")


async def test_attributes_of_both_layers() -> None:
    async with connected(lambda peer: peer.wait_for_close()) as stream:
        assert stream.extra(TLSAttribute.ssl_object) is stream.tls.ssl_object
        assert stream.extra(TLSAttribute.alpn_protocol) is None
        assert stream.extra(anyio.abc.SocketAttribute.raw_socket).fileno() > 0


async def test_a_failed_handshake_closes_the_stream() -> None:
    _, context = ca_and_server("localhost")
    with RawServer(answering(OK), context, "localhost") as server:
        raw = await anyio.connect_tcp("127.0.0.1", server.post().port)
        with pytest.raises(ssl.SSLCertVerificationError):
            await SecureStream.wrap(raw, TLSClient(ssl.create_default_context(), "localhost"))
        with pytest.raises(anyio.ClosedResourceError):
            await raw.send(b"x")
