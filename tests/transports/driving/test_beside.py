"""Token counts, models and embeddings through the facades, in both loops and without one."""

from __future__ import annotations

import anyio
import pytest

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    End,
    InternalServerError,
    InvalidRequestError,
    Provider,
    ProviderConfig,
    Request,
)
from sansio.testing import Ending, Failure, FakeProvider, FakeResponse
from tests.test_main_job import TRANSPORTS
from tests.transports.driving.test_records import Log
from tests.transports.scripted import (
    ASK,
    KEY,
    WHOLE,
    Clock,
    Late,
    ScriptedAsyncExchange,
    ScriptedTransport,
    openai,
)
from transports import (
    EventStream,
    MemoryTransport,
    SyncMemoryTransport,
    create_provider,
    create_sync_provider,
)
from transports.driving.keys import KeySource
from transports.testing.loopback import loopback_thread

OPENAI = ProviderConfig(type="openai", model="text-embedding-3-small", max_attempts=2)
ANTHROPIC = ProviderConfig(type="anthropic", model="claude-sonnet-5-5")


@pytest.mark.anyio
async def test_each_gives_its_value() -> None:
    async with create_provider(
        OPENAI, transport=MemoryTransport(FakeProvider("openai")), api_key=KEY
    ) as provider:
        assert [model.id for model in await provider.list_models()] == ["fake-model"]
        embedded = await provider.embed(["a", "b"], model="other", dimensions=4)
        assert [len(vector) for vector in embedded.vectors] == [4, 4]
        assert embedded.model == "other"
    async with create_provider(
        ANTHROPIC, transport=MemoryTransport(FakeProvider("anthropic")), api_key=KEY
    ) as provider:
        assert await provider.count_tokens(ASK) == 2


def test_each_gives_its_value_without_a_loop() -> None:
    with create_sync_provider(
        OPENAI, transport=SyncMemoryTransport(FakeProvider("openai")), api_key=KEY
    ) as provider:
        assert [model.id for model in provider.list_models(timeout=5)] == ["fake-model"]
        assert len(provider.embed("a").vectors) == 1
    with create_sync_provider(
        ANTHROPIC, transport=SyncMemoryTransport(FakeProvider("anthropic")), api_key=KEY
    ) as provider:
        assert provider.count_tokens(ASK) == 2


@pytest.mark.anyio
@pytest.mark.parametrize("name", TRANSPORTS)
async def test_a_request_without_a_body_goes_over_a_real_connection_that_is_used_again(name: str) -> None:
    with loopback_thread(FakeProvider("openai", key=KEY)) as server:
        transport = TRANSPORTS[name]()
        provider = create_provider(server.config("openai"), transport=transport, api_key=KEY)
        for _ in range(2):
            assert [model.id for model in await provider.list_models()] == ["fake-model"]
        assert len((await provider.embed("a")).vectors) == 1
        await transport.aclose()


def test_a_request_without_a_body_goes_over_a_real_connection_without_a_loop() -> None:
    with (
        loopback_thread(FakeProvider("openai", key=KEY)) as server,
        create_sync_provider(server.config("openai"), api_key=KEY) as provider,
    ):
        for _ in range(2):
            assert [model.id for model in provider.list_models()] == ["fake-model"]
        assert server.accepted == 1


@pytest.mark.anyio
async def test_a_500_is_tried_again_and_a_raw_log_gets_both_attempts_without_the_key() -> None:
    log = Log()
    fake = FakeProvider("openai", [Failure(status=500, message=f"no {KEY}", headers=(("retry-after", "0"),))])
    provider = create_provider(OPENAI, log, transport=MemoryTransport(fake), api_key=KEY)
    assert len(await provider.list_models()) == 1
    url = "https://api.openai.com/v1/models"
    assert [told.split()[:2] for told in log.told] == [
        ["request", url],
        ["response", "500"],
        ["request", url],
        ["response", "200"],
    ]
    assert KEY not in str(log.told)


@pytest.mark.anyio
async def test_the_last_error_is_raised_with_the_key_masked() -> None:
    fake = FakeProvider("openai", [Failure(status=500, message=f"no {KEY}")])
    provider = create_provider(OPENAI, transport=MemoryTransport(fake), api_key=KEY)
    with pytest.raises(InternalServerError) as caught:
        await provider.embed("a", max_attempts=1)
    assert KEY not in str(caught.value)
    assert caught.value.response is not None


@pytest.mark.anyio
async def test_a_type_without_the_endpoint_sends_nothing() -> None:
    fake = FakeProvider("openai")
    provider = create_provider(OPENAI, transport=MemoryTransport(fake), api_key=KEY)
    with pytest.raises(InvalidRequestError, match="count_tokens: openai/chat"):
        await provider.count_tokens(ASK)
    assert fake.requests == []


@pytest.mark.anyio
async def test_the_clocks_run_as_for_every_call() -> None:
    transport = ScriptedTransport([[WHOLE, Late()]], Clock())
    provider = create_provider(openai(max_attempts=1), transport=transport, api_key=KEY)
    with pytest.raises(APITimeoutError) as caught:
        await provider.list_models()
    assert caught.value.field == "read_timeout"


@pytest.mark.anyio
async def test_a_cancelled_call_drops_its_exchange() -> None:
    held = FakeResponse(ending=Ending.HOLD, silent=True)
    transport = MemoryTransport(FakeProvider("openai", [held]))
    provider = create_provider(OPENAI, transport=transport, api_key=KEY)
    with anyio.move_on_after(0.01) as scope:
        await provider.list_models()
    assert scope.cancelled_caught
    assert transport.aborted == 1


@pytest.mark.anyio
async def test_a_stream_over_such_a_call_ends_without_an_event() -> None:
    provider = Provider(OPENAI)
    call = provider.list_models()
    stream = EventStream(provider, call, MemoryTransport(FakeProvider("openai")), KeySource(OPENAI, KEY))
    assert [event async for event in stream] == []
    assert len(call.result()) == 1
    stream.abort()
    assert len(call.result()) == 1


class _AbortedAtItsEnd(ScriptedTransport):
    """Aborts the stream when the whole response has been received."""

    stream: EventStream

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> ScriptedAsyncExchange:
        exchange = await super().open(request, timeout, fresh=fresh)
        close = exchange.aclose

        async def aclose() -> None:
            await close()
            self.stream.abort()

        exchange.aclose = aclose  # type: ignore[method-assign]  # this exchange alone
        return exchange


@pytest.mark.anyio
async def test_a_stream_that_is_aborted_at_its_end_has_no_answer_to_give() -> None:
    provider = Provider(openai())
    transport = _AbortedAtItsEnd([[WHOLE, Body(b'{"data": []}'), End()]], Clock())
    stream = EventStream(provider, provider.list_models(), transport, KeySource(openai(), KEY))
    transport.stream = stream
    with pytest.raises(APIConnectionError) as caught:
        await anext(stream)
    assert caught.value.partial is None
