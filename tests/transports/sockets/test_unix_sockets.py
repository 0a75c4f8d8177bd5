"""Providers on this machine that listen on a Unix socket."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sansio import APIConnectionError, Message, ProviderConfig, Role
from sansio.testing import FakeConnection, FakeProvider
from tests.transports.contracts.support import ca_and_server, trusting
from tests.transports.raw_server import PATIENCE
from transports import (
    AnyioTransport,
    HttpcoreTransport,
    SocketTransport,
    Transport,
    create_provider,
    create_sync_provider,
)

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets here")

QUESTION = [Message(Role.USER, "What is 6 * 7?")]
HTTP = ProviderConfig(type="ollama", model="m", base_url="http://localhost/v1", max_attempts=1)
HTTPS = ProviderConfig(type="ollama", model="m", base_url="https://localhost/v1", max_attempts=1)

TRANSPORTS: dict[str, Callable[[str], Transport]] = {
    "anyio": lambda path: AnyioTransport(unix_socket=path),
    "httpcore": lambda path: HttpcoreTransport(module="httpcore", unix_socket=path),
    "httpcore2": lambda path: HttpcoreTransport(module="httpcore2", unix_socket=path),
}


@contextlib.contextmanager
def listening(path: Path, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A fake provider on a Unix socket, for one connection at a time."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=_serve, args=(listener, context))
        thread.start()
        try:
            yield str(path)
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # which ends accept()
            thread.join(PATIENCE)


def _serve(listener: socket.socket, context: ssl.SSLContext | None) -> None:
    with contextlib.suppress(OSError):
        while True:
            peer, _ = listener.accept()
            with peer, contextlib.suppress(OSError):
                _answer(peer if context is None else context.wrap_socket(peer, server_side=True))


def _answer(peer: socket.socket) -> None:
    machine = FakeConnection(FakeProvider("ollama"))
    with peer:
        while data := peer.recv(65_536):
            for piece in machine.receive_data(data):
                peer.sendall(piece)


@pytest.mark.anyio
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_provider_on_a_unix_socket_answers(tmp_path: Path, transport: str) -> None:
    with listening(tmp_path / "llm.sock") as path:
        chosen = TRANSPORTS[transport](path)
        async with create_provider(HTTP, transport=chosen) as provider:
            assert "42" in (await provider.complete(QUESTION)).text
            async with provider.stream(QUESTION) as stream:
                assert [event async for event in stream]
            assert "42" in stream.result().text
        await chosen.aclose()


def test_blocking_a_provider_on_a_unix_socket_answers(tmp_path: Path) -> None:
    with (
        listening(tmp_path / "llm.sock") as path,
        contextlib.closing(SocketTransport(unix_socket=path)) as chosen,
    ):
        provider = create_sync_provider(HTTP, transport=chosen)
        assert "42" in provider.complete(QUESTION).text
        assert list(provider.stream(QUESTION))


@pytest.mark.anyio
async def test_tls_over_a_unix_socket(tmp_path: Path) -> None:
    ca, context = ca_and_server("localhost")
    with listening(tmp_path / "llm.sock", context) as path:
        chosen = AnyioTransport(unix_socket=path, ssl_context=trusting(ca))
        assert "42" in (await create_provider(HTTPS, transport=chosen).complete(QUESTION)).text
        await chosen.aclose()
        stranger = AnyioTransport(unix_socket=path)
        with pytest.raises(APIConnectionError, match="authority that is not trusted"):
            await create_provider(HTTPS, transport=stranger).complete(QUESTION)
        await stranger.aclose()


def test_blocking_tls_over_a_unix_socket(tmp_path: Path) -> None:
    ca, context = ca_and_server("localhost")
    with (
        listening(tmp_path / "llm.sock", context) as path,
        contextlib.closing(SocketTransport(unix_socket=path, ssl_context=trusting(ca))) as chosen,
    ):
        assert "42" in create_sync_provider(HTTPS, transport=chosen).complete(QUESTION).text


@pytest.mark.anyio
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_unix_socket_that_is_not_there_is_named(tmp_path: Path, transport: str) -> None:
    path = str(tmp_path / "none.sock")
    chosen = TRANSPORTS[transport](path)
    with pytest.raises(APIConnectionError, match=f"the Unix socket {path}: No such file"):
        await create_provider(HTTP, transport=chosen).complete(QUESTION)
    await chosen.aclose()


def test_blocking_a_unix_socket_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "none.sock")
    with (
        contextlib.closing(SocketTransport(unix_socket=path)) as chosen,
        pytest.raises(APIConnectionError, match=f"the Unix socket {path}: No such file"),
    ):
        create_sync_provider(HTTP, transport=chosen).complete(QUESTION)
