"""The loopback server told to go wrong, as raw sockets see it: how connections end, and who closed them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from functools import partial

import anyio
import anyio.to_thread
import pytest

from sansio import HTTPExchange
from sansio.testing import Answer, FakeProvider
from sansio.testing.faults import FAULTS, find_fault
from tests.sansio.testing.asking import body_for, request_for
from tests.transports.contracts.support import ca_and_server, trusting
from transports.testing.loopback import LoopbackServer, loopback_thread, serve_loopback

PATIENCE = 30.0
SILENCE = 0.4
STREAM = HTTPExchange(request_for("openai", body_for("openai", stream=True))).data_to_send()


def provider() -> FakeProvider:
    return FakeProvider("openai", [Answer(text="one two three")] * 3)


def read_all(client: socket.socket, patience: float = PATIENCE) -> tuple[bytes, str]:
    """All that comes, and how it ended."""
    client.settimeout(patience)
    data = b""
    while True:
        try:
            piece = client.recv(65_536)
        except ConnectionResetError:
            return data, "reset"
        except TimeoutError:
            return data, "silent"
        if not piece:
            return data, "closed"
        data += piece


def ask(
    server: LoopbackServer, patience: float = PATIENCE, context: ssl.SSLContext | None = None
) -> tuple[bytes, str]:
    with contextlib.ExitStack() as closing:
        try:  # a reset shows at the first call after it, whichever that is
            client = closing.enter_context(socket.create_connection((server.host, server.port), PATIENCE))
            if context is not None:
                client = closing.enter_context(context.wrap_socket(client, server_hostname=server.host))
            client.sendall(STREAM)
        except (ConnectionResetError, BrokenPipeError):
            return b"", "reset"
        return read_all(client, patience)


async def asking(
    server: LoopbackServer, patience: float = PATIENCE, context: ssl.SSLContext | None = None
) -> tuple[bytes, str]:
    """What one client sees; it closes at the end."""
    return await anyio.to_thread.run_sync(partial(ask, server, patience, context))


ENDINGS = [("close", "closed"), ("half-close", "closed"), ("reset", "reset"), ("stall", "silent")]


@pytest.mark.anyio
@pytest.mark.parametrize(("fault", "seen"), ENDINGS)
async def test_what_was_sent_before_a_cut_arrives_and_then_its_ending(fault: str, seen: str) -> None:
    chosen = find_fault(f"{fault}-at-event:3")
    async with serve_loopback(provider(), fault=chosen) as server:
        data, ending = await asking(server, SILENCE if seen == "silent" else PATIENCE)
        with anyio.fail_after(PATIENCE):
            await server.wait_closed(1)
    assert (data.count(b"\r\ndata: "), ending) == (3, seen)
    assert server.connections == 0


@pytest.mark.anyio
@pytest.mark.parametrize(("fault", "seen"), ENDINGS)
async def test_cuts_over_tls(fault: str, seen: str) -> None:
    ca, serving = ca_and_server("127.0.0.1")
    chosen = find_fault(f"{fault}-at-event:3")
    async with serve_loopback(provider(), fault=chosen, ssl_context=serving) as server:
        data, ending = await asking(server, SILENCE if seen == "silent" else PATIENCE, trusting(ca))
        with anyio.fail_after(PATIENCE):
            await server.wait_closed(1)
    assert data.count(b"\r\ndata: ") == 3
    # Python's TLS sockets tell an early end from a reset only where a record was cut.
    assert ending in (seen, "closed" if seen == "reset" else seen)


@pytest.mark.anyio
@pytest.mark.parametrize(("fault", "first"), [("stall", True), ("half-close", True), ("close", False)])
async def test_the_server_notes_when_a_client_closed_first(fault: str, first: bool) -> None:
    async with serve_loopback(provider(), fault=find_fault(f"{fault}-before-head")) as server:
        begun = time.monotonic()
        await asking(server, SILENCE)
        with anyio.fail_after(PATIENCE):
            await server.wait_closed(1)
            if first:
                await server.wait_client_closes(1)
    assert len(server.client_closes) == first
    assert all(begun < at < time.monotonic() for at in server.client_closes)


@pytest.mark.anyio
async def test_a_port_that_refuses_is_taken_all_the_same() -> None:
    async with serve_loopback(fault=FAULTS["refuse"]) as server:
        with pytest.raises(ConnectionRefusedError):
            await asking(server)
        with pytest.raises(OSError, match=r"(?i)address"):
            async with serve_loopback(port=server.port):
                pytest.fail("two servers on one port")
    assert server.accepted == 0


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "seen"), [("close", ("closed", "reset")), ("reset", ("reset",)), ("stall", ("silent",))]
)
@pytest.mark.parametrize("tls", [False, True])
async def test_connections_end_after_being_accepted(fault: str, seen: tuple[str, ...], tls: bool) -> None:
    serving = ca_and_server("127.0.0.1")[1] if tls else None
    async with serve_loopback(fault=FAULTS[f"accept-{fault}"], ssl_context=serving) as server:
        data, ending = await asking(server, SILENCE if fault == "stall" else PATIENCE)
        with anyio.fail_after(PATIENCE):
            await server.wait_closed(1)
    assert data == b""
    assert ending in seen
    assert (server.accepted, server.connections) == (1, 0)
    assert server.provider.requests == []


@pytest.mark.anyio
async def test_plain_http_at_the_port_for_tls() -> None:
    async with serve_loopback(provider(), fault=FAULTS["tls-plain"]) as server:
        assert server.url.startswith("https://")
        assert server.base_url("openai") == f"{server.url}/v1"
        with pytest.raises(ssl.SSLError):
            await asking(server, context=ssl.create_default_context())


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["tls-wrong-name", "tls-unknown-ca", "tls-expired"])
async def test_a_faulty_certificate_must_be_passed(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: .*ssl_context"):
        async with serve_loopback(fault=FAULTS[name]):
            pytest.fail("no certificate was given")


@pytest.mark.anyio
async def test_a_flood_ends_when_its_reader_leaves() -> None:
    async with serve_loopback(fault=FAULTS["huge-error"]) as server:
        client = await anyio.connect_tcp(server.host, server.port)
        await client.send(STREAM)
        taken = 0
        while taken < 10_000_000:
            taken += len(await client.receive())
        await client.aclose()
        with anyio.fail_after(PATIENCE):
            await server.wait_closed(1)
    assert len(server.client_closes) == 1


@pytest.mark.anyio
async def test_another_fault_counts_from_the_next_answer_on() -> None:
    async with serve_loopback(provider(), fault=FAULTS["reset-before-head"]) as server:
        assert await asking(server) == (b"", "reset")
        server.fault = None
        data, ending = await asking(server, SILENCE)
        assert (data[-5:], ending) == (b"0\r\n\r\n", "silent")
        server.fault = FAULTS["no-content"]
        assert (await asking(server, SILENCE))[0].startswith(b"HTTP/1.1 204 ")
        assert server.fault is FAULTS["no-content"]


@pytest.mark.anyio
async def test_faults_of_the_port_neither_come_nor_go() -> None:
    async with serve_loopback() as server:
        with pytest.raises(ValueError, match="refuse: a fault of the port"):
            server.fault = FAULTS["refuse"]
    async with serve_loopback(fault=FAULTS["tls-plain"]) as server:
        with pytest.raises(ValueError, match="tls-plain: a fault of the port"):
            server.fault = None


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_thread_has_the_same_counts(backend: str) -> None:
    with loopback_thread(provider(), fault=FAULTS["stall-before-head"], backend=backend) as server:
        with socket.create_connection((server.host, server.port)) as client:
            client.sendall(STREAM)
            server.wait_accepted(1)
            with pytest.raises(TimeoutError):
                server.wait_client_closes(1, timeout=SILENCE)
            closed = time.monotonic()
        server.wait_client_closes(1)
        assert server.client_closes[0] >= closed
        assert server.fault is FAULTS["stall-before-head"]
        server.fault = None
        with socket.create_connection((server.host, server.port)) as client:
            client.sendall(STREAM)
            assert read_all(client, 0.5)[0].endswith(b"0\r\n\r\n")
