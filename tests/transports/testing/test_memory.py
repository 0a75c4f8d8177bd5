"""The in-process transports, and whole calls through them."""

from __future__ import annotations

import threading

import anyio
import pytest

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    End,
    Head,
    LocalProtocolError,
    Message,
    ProviderConfig,
    Request,
    Role,
    StreamComplete,
    StreamTruncatedError,
)
from sansio.testing import PROVIDER_TYPES, Answer, Ending, FakeProvider, FakeResponse, ProviderType
from tests.transports.scripted import ASK, KEY
from transports import MemoryTransport, SyncMemoryTransport, create_provider, create_sync_provider

REQUEST = Request.post("http://localhost/v1", (("authorization", f"Bearer {KEY}"),), b"{}")


class Fixed:
    """A server with one response."""

    def __init__(self, response: FakeResponse) -> None:
        self.response = response

    def respond(self, request: Request) -> FakeResponse:
        return self.response


def fixed(ending: Ending = Ending.FINISH, *, silent: bool = False) -> Fixed:
    return Fixed(
        FakeResponse(
            status=200, headers=(("X-Name", "v"),), pieces=(b"a", b"b"), ending=ending, silent=silent
        )
    )


def config_of(kind: ProviderType) -> ProviderConfig:
    """A config of each type."""
    if kind == "azure":
        return ProviderConfig(
            type=kind, base_url="https://x.openai.azure.com", deployment="d", api_version="2024-10-21"
        )
    return ProviderConfig(type=kind, model="some-model")


@pytest.mark.anyio
async def test_a_response_comes_piece_by_piece_with_lower_case_names() -> None:
    transport = MemoryTransport(fixed())
    exchange = await transport.open(REQUEST, 1.0)
    inputs = [await exchange.receive(1.0) for _ in range(4)]
    assert inputs == [Head(200, (("x-name", "v"),)), Body(b"a"), Body(b"b"), End()]
    with pytest.raises(LocalProtocolError, match="after the end"):
        await exchange.receive(1.0)
    await exchange.aclose()
    exchange.abort()
    assert (transport.opened, transport.closed, transport.aborted) == (1, 1, 0)
    assert transport.requests == [REQUEST]
    assert KEY not in repr(transport.requests)
    await transport.aclose()


def test_the_blocking_twin_gives_the_same() -> None:
    transport = SyncMemoryTransport(fixed())
    exchange = transport.open(REQUEST, 1.0)
    inputs = [exchange.receive(1.0) for _ in range(4)]
    assert inputs == [Head(200, (("x-name", "v"),)), Body(b"a"), Body(b"b"), End()]
    exchange.close()
    exchange.abort()
    assert (transport.opened, transport.closed, transport.aborted) == (1, 1, 0)
    transport.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("server", "words"),
    [
        (fixed(Ending.DROP), "inside its answer"),
        (fixed(Ending.DROP, silent=True), "before it answered"),
        (fixed(silent=True), "before it answered"),
    ],
)
async def test_a_dropped_response_is_lost(server: Fixed, words: str) -> None:
    exchange = await MemoryTransport(server).open(REQUEST, 1.0)
    blocking = SyncMemoryTransport(server).open(REQUEST, 1.0)
    for _ in range(0 if server.response.silent else 3):
        assert await exchange.receive(1.0) == blocking.receive(1.0) != End()
    with pytest.raises(APIConnectionError, match=words):
        await exchange.receive(1.0)
    with pytest.raises(APIConnectionError, match=words):
        blocking.receive(1.0)


@pytest.mark.anyio
async def test_a_held_response_is_waited_for_as_long_as_is_allowed() -> None:
    server = fixed(Ending.HOLD, silent=True)
    exchange = await MemoryTransport(server).open(REQUEST, 1.0)
    with pytest.raises(APITimeoutError) as caught:
        await exchange.receive(0.01)
    assert caught.value.field == "read_timeout"
    with pytest.raises(APITimeoutError):
        SyncMemoryTransport(server).open(REQUEST, 1.0).receive(0.01)


@pytest.mark.anyio
async def test_abort_wakes_a_reader_of_a_held_response() -> None:
    transport = MemoryTransport(fixed(Ending.HOLD, silent=True))
    exchange = await transport.open(REQUEST, 1.0)

    async def reader() -> None:
        with pytest.raises(APIConnectionError, match="dropped"):
            await exchange.receive(None)

    async with anyio.create_task_group() as group:
        group.start_soon(reader)
        await anyio.wait_all_tasks_blocked()
        exchange.abort()
    with pytest.raises(APIConnectionError, match="dropped"):
        await exchange.receive(None)
    exchange.abort()
    assert transport.aborted == 1


def test_abort_from_another_thread_wakes_a_blocking_reader() -> None:
    transport = SyncMemoryTransport(fixed(Ending.HOLD, silent=True))
    exchange = transport.open(REQUEST, 1.0)
    threading.Timer(0.01, exchange.abort).start()
    with pytest.raises(APIConnectionError, match="dropped"):
        exchange.receive(None)
    assert transport.aborted == 1


@pytest.mark.anyio
@pytest.mark.parametrize("kind", PROVIDER_TYPES)
async def test_each_type_answers_whole_and_streamed(kind: ProviderType) -> None:
    answer = Answer(text="Hello there, you.")
    transport = MemoryTransport(FakeProvider(kind, [answer, answer]))
    async with create_provider(config_of(kind), transport=transport, api_key=KEY) as provider:
        whole = await provider.complete(ASK)
        async with provider.stream(ASK) as stream:
            events = [event async for event in stream]
    assert whole.content == stream.result().content == "Hello there, you."
    assert isinstance(events[-1], StreamComplete)
    assert (transport.opened, transport.closed, transport.aborted) == (2, 2, 0)


@pytest.mark.parametrize("kind", PROVIDER_TYPES)
def test_each_type_answers_without_an_event_loop(kind: ProviderType) -> None:
    answer = Answer(text="Hello there, you.")
    transport = SyncMemoryTransport(FakeProvider(kind, [answer, answer]))
    with create_sync_provider(config_of(kind), transport=transport, api_key=KEY) as provider:
        whole = provider.complete(ASK)
        with provider.stream(ASK) as stream:
            events = list(stream)
    assert whole.content == stream.result().content == "Hello there, you."
    assert isinstance(events[-1], StreamComplete)
    assert (transport.opened, transport.closed, transport.aborted) == (2, 2, 0)


@pytest.mark.anyio
async def test_a_stream_that_the_server_drops_is_truncated() -> None:
    pieces = (b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n',)
    response = FakeResponse(
        headers=(("content-type", "text/event-stream"),), pieces=pieces, ending=Ending.DROP
    )
    provider = create_provider(config_of("openai"), transport=MemoryTransport(Fixed(response)), api_key=KEY)
    with pytest.raises(StreamTruncatedError) as caught:
        async for _ in provider.stream([Message(Role.USER, "Hi")]):
            pass
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hel"
