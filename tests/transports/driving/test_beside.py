"""Token counts, models and embeddings through the facades, in both loops and without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import anyio
import pytest

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    Embeddings,
    End,
    Head,
    InternalServerError,
    InvalidRequestError,
    ModelInfo,
    Provider,
    ProviderConfig,
    Request,
)
from sansio.testing import Ending, FakeProvider, FakeResponse
from tests.adapters import TRANSPORTS
from tests.transports.driving.test_records import Log
from tests.transports.driving.test_sync_driver import SOON, Stuck, in_thread
from tests.transports.scripted import (
    ASK,
    KEY,
    WHOLE,
    Attempt,
    Clock,
    Kind,
    Late,
    OpenLate,
    Refuse,
    Script,
    ScriptedAsyncExchange,
    ScriptedSyncTransport,
    ScriptedTransport,
    error_body,
    openai,
)
from transports import EventStream, MemoryTransport, SyncEventStream, create_provider, create_sync_provider
from transports.driving.keys import KeySource
from transports.testing.loopback import loopback_thread

OPENAI = ProviderConfig(type="openai", model="text-embedding-3-small", max_attempts=2)
HELD = FakeResponse(ending=Ending.HOLD, silent=True)


@dataclass(frozen=True)
class Method:
    """A method of a provider, a response to it, and the value of that."""

    name: str
    type: str
    arguments: tuple[Any, ...]
    response: Body
    value: object

    def __repr__(self) -> str:
        return self.name


METHODS = [
    Method("list_models", "openai", (), Body(b'{"data": [{"id": "m"}]}'), [ModelInfo(id="m")]),
    Method(
        "embed", "openai", ("a",), Body(b'{"data": [{"embedding": [0.5]}]}'), Embeddings(vectors=((0.5,),))
    ),
    Method("count_tokens", "anthropic", (ASK,), Body(b'{"input_tokens": 3}'), 3),
]
KINDS: list[Kind] = ["asyncio", "trio", "blocking"]

each_method = pytest.mark.parametrize("method", METHODS, ids=repr)
in_each_way = pytest.mark.parametrize("kind", KINDS)


def config_for(method: Method) -> ProviderConfig:
    return ProviderConfig(type=method.type, model="m")


def ask(kind: Kind, method: Method, *attempts: Attempt, **options: Any) -> object:
    """Call a method of a facade, which gets a response for each attempt."""
    config, clock = config_for(method), Clock()
    if kind == "blocking":
        with create_sync_provider(
            config, transport=ScriptedSyncTransport(attempts, clock), api_key=KEY
        ) as sync:
            return getattr(sync, method.name)(*method.arguments, **options)

    async def run() -> object:
        transport = ScriptedTransport(attempts, clock)
        async with create_provider(config, transport=transport, api_key=KEY) as provider:
            return await getattr(provider, method.name)(*method.arguments, **options)

    return anyio.run(run, backend=kind)


def drive(kind: Kind, method: Method, log: Log, *attempts: Attempt) -> tuple[Script, object]:
    """Drive a call of the method by a clock that is wound by hand; returns its value too."""
    clock = Clock()
    provider = Provider(config_for(method))
    call = getattr(provider, method.name)(*method.arguments, record=True)
    keys = KeySource(provider.config, KEY)
    if kind == "blocking":
        sync = ScriptedSyncTransport(attempts, clock)
        assert [*SyncEventStream(provider, call, sync, keys, log, now=clock.now, sleep=clock.wait)] == []
        return sync, call.result()

    async def run() -> tuple[Script, object]:
        transport = ScriptedTransport(attempts, clock)
        stream = EventStream(provider, call, transport, keys, log, now=clock.now, sleep=clock.sleep)
        assert [event async for event in stream] == []
        return transport, call.result()

    return anyio.run(run, backend=kind)


@each_method
@in_each_way
def test_each_gives_its_value(kind: Kind, method: Method) -> None:
    assert ask(kind, method, [WHOLE, method.response, End()]) == method.value


@each_method
@in_each_way
def test_it_is_tried_again_and_a_raw_log_gets_every_attempt_without_the_key(
    kind: Kind, method: Method
) -> None:
    log = Log()
    script, value = drive(
        kind,
        method,
        log,
        [Head(500), error_body(f"no {KEY}"), End()],
        Refuse(APIConnectionError("refused")),
        [WHOLE, method.response, End()],
    )
    assert (list(value) if isinstance(value, tuple) else value) == method.value
    assert [said.split()[0] for said in log.told] == ["request", "response", "request", "request", "response"]
    assert [said.split()[1] for said in log.told if said.startswith("response")] == ["500", "200"]
    assert KEY not in str(log.told)
    assert script.log == ["open", "release", "open", "open", "release"]
    first, second = script.clock.slept
    assert 1 <= first < 2 <= second < 3


@each_method
@in_each_way
def test_a_retry_that_would_pass_the_calls_own_timeout_fails_at_once(kind: Kind, method: Method) -> None:
    with pytest.raises(APITimeoutError) as caught:
        ask(kind, method, [Head(503), End()], timeout=0.5)
    assert caught.value.field == "timeout"


@each_method
@in_each_way
def test_the_clocks_can_be_given_with_a_call(kind: Kind, method: Method) -> None:
    clocks = {
        "connect_timeout": 1,
        "write_timeout": 2,
        "read_timeout": 3,
        "event_timeout": None,
        "timeout": 4,
    }
    assert ask(kind, method, [WHOLE, method.response, End()], **clocks) == method.value
    with pytest.raises(InvalidRequestError, match="read_timeout"):
        ask(kind, method, read_timeout=0)


@each_method
@in_each_way
def test_the_last_error_is_raised_with_the_key_masked(kind: Kind, method: Method) -> None:
    with pytest.raises(InternalServerError) as caught:
        ask(kind, method, [Head(500), error_body(f"no {KEY}"), End()], max_attempts=1)
    assert KEY not in str(caught.value)
    assert (caught.value.provider, caught.value.attempts) == (method.type, 1)
    assert caught.value.response is not None


@each_method
@in_each_way
def test_the_clocks_run_as_for_every_call(kind: Kind, method: Method) -> None:
    with pytest.raises(APITimeoutError) as caught:
        ask(kind, method, [WHOLE, Late()], max_attempts=1)
    assert caught.value.field == "read_timeout"
    with pytest.raises(APITimeoutError) as caught:
        ask(kind, method, OpenLate(), max_attempts=1)
    assert caught.value.field == "connect_timeout"


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
async def test_a_type_without_the_endpoint_sends_nothing() -> None:
    fake = FakeProvider("openai")
    provider = create_provider(OPENAI, transport=MemoryTransport(fake), api_key=KEY)
    with pytest.raises(InvalidRequestError, match="count_tokens: openai/chat"):
        await provider.count_tokens(ASK)
    assert fake.requests == []


async def cancel_when_idle(scope: anyio.CancelScope) -> None:
    await anyio.wait_all_tasks_blocked()
    scope.cancel()


@pytest.mark.anyio
async def test_a_cancelled_call_drops_its_exchange() -> None:
    transport = MemoryTransport(FakeProvider("openai", [HELD]))
    provider = create_provider(OPENAI, transport=transport, api_key=KEY)
    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            group.start_soon(cancel_when_idle, scope)
            await provider.list_models()
    assert scope.cancelled_caught
    assert transport.aborted == 1


@pytest.mark.anyio
async def test_every_page_goes_over_the_same_connection() -> None:
    ids = [f"model-{index}" for index in range(2_500)]
    with loopback_thread(FakeProvider("anthropic", key=KEY, models=ids)) as server:
        async with create_provider(server.config("anthropic"), api_key=KEY) as provider:
            assert [model.id for model in await provider.list_models()] == ids
        assert server.accepted == 1


def test_every_page_goes_over_the_same_connection_without_a_loop() -> None:
    ids = [f"model-{index}" for index in range(2_500)]
    with loopback_thread(FakeProvider("anthropic", key=KEY, models=ids)) as server:
        with create_sync_provider(server.config("anthropic"), api_key=KEY) as provider:
            assert [model.id for model in provider.list_models()] == ids
        assert server.accepted == 1


@each_method
@pytest.mark.anyio
async def test_another_task_aborts_it(method: Method) -> None:
    transport = MemoryTransport(FakeProvider(method.type, [HELD]))
    provider = Provider(config_for(method))
    call = getattr(provider, method.name)(*method.arguments)
    stream = EventStream(provider, call, transport, KeySource(provider.config, KEY))
    async with anyio.create_task_group() as group:

        async def stop() -> None:
            await anyio.wait_all_tasks_blocked()
            stream.abort()

        group.start_soon(stop)
        with pytest.raises(APIConnectionError, match="aborted"):
            await anext(stream)
    assert transport.aborted == 1
    with pytest.raises(APIConnectionError, match="aborted"):
        call.result()


@each_method
@pytest.mark.parametrize("place", ["receive", "wait"])
def test_another_thread_aborts_it(place: Literal["receive", "wait"], method: Method) -> None:
    stuck = Stuck(place)
    if place == "receive":
        stuck.inputs = iter([WHOLE])
    provider = Provider(config_for(method))
    call = getattr(provider, method.name)(*method.arguments)
    stream = SyncEventStream(provider, call, stuck, KeySource(provider.config, KEY), sleep=stuck.sleep)
    reading = in_thread(lambda: list(stream))
    assert stuck.reached.wait(SOON)
    stream.abort()
    with pytest.raises(APIConnectionError, match="aborted"):
        reading.result(SOON)
    with pytest.raises(APIConnectionError, match="aborted"):
        call.result()


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
