"""Servers that want the client's certificate, on every transport."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator

import pytest
import trustme

from sansio import APIConnectionError, Message, ProviderConfig, Role
from sansio.testing import FakeProvider
from transports import (
    AnyioTransport,
    HttpcoreTransport,
    SocketTransport,
    Transport,
    create_provider,
    create_sync_provider,
)
from transports.testing.loopback import LoopbackThread, loopback_thread

QUESTION = [Message(Role.USER, "What is 6 * 7?")]
TRANSPORTS = ["anyio", "httpcore", "httpcore2"]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> Iterator[LoopbackThread]:
    """A provider behind TLS, which talks to nobody without a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with loopback_thread(FakeProvider(), ssl_context=context) as served:
        yield served


def client(authority: trustme.CA, *, certified: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if certified:
        authority.issue_cert("client@example.com").configure_cert(context)
    return context


def make(name: str, context: ssl.SSLContext) -> Transport:
    if name == "anyio":
        return AnyioTransport(ssl_context=context)
    return HttpcoreTransport(module="httpcore" if name == "httpcore" else "httpcore2", ssl_context=context)


def config(server: LoopbackThread) -> ProviderConfig:
    return server.config("openai", max_attempts=1)


@pytest.mark.anyio
@pytest.mark.parametrize("name", TRANSPORTS)
async def test_a_client_with_its_certificate_is_answered(
    name: str, server: LoopbackThread, authority: trustme.CA
) -> None:
    transport = make(name, client(authority, certified=True))
    async with create_provider(config(server), transport=transport, api_key="key") as provider:
        assert "42" in (await provider.complete(QUESTION)).text
    await transport.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize("name", TRANSPORTS)
async def test_a_client_without_one_is_refused_with_a_reason(
    name: str, server: LoopbackThread, authority: trustme.CA
) -> None:
    transport = make(name, client(authority, certified=False))
    async with create_provider(config(server), transport=transport, api_key="key") as provider:
        with pytest.raises(APIConnectionError) as caught:
            await provider.complete(QUESTION)
    await transport.aclose()
    assert tells_of_the_certificate(caught.value)


def test_blocking_a_client_with_its_certificate_is_answered(
    server: LoopbackThread, authority: trustme.CA
) -> None:
    with contextlib.closing(SocketTransport(ssl_context=client(authority, certified=True))) as transport:
        provider = create_sync_provider(config(server), transport=transport, api_key="key")
        assert "42" in provider.complete(QUESTION).text


def test_blocking_a_client_without_one_is_refused(server: LoopbackThread, authority: trustme.CA) -> None:
    with contextlib.closing(SocketTransport(ssl_context=client(authority, certified=False))) as transport:
        provider = create_sync_provider(config(server), transport=transport, api_key="key")
        with pytest.raises(APIConnectionError) as caught:
            provider.complete(QUESTION)
    assert tells_of_the_certificate(caught.value)


def tells_of_the_certificate(error: APIConnectionError) -> bool:
    """Under TLS 1.3 the server refuses after the handshake, and its alert may be lost to a reset."""
    return any(words in str(error) for words in ("ssl_context", "reset", "closed"))
