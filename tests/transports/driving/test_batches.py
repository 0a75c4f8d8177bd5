"""`provider.batches` over real sockets and in memory, in both loops and without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from sansio import (
    APIConnectionError,
    AuthenticationError,
    BatchRequest,
    BatchState,
    InvalidRequestError,
    Message,
    NotFoundError,
    ProviderConfig,
    Request,
    UnansweredError,
)
from sansio.testing import Answer, BatchScript, Ending, Failure, FakeProvider, FakeResponse, Outcome
from tests.transports.driving.test_records import Log
from tests.transports.scripted import KEY
from transports import (
    Asked,
    MemoryTransport,
    Observation,
    Observer,
    SyncMemoryTransport,
    create_provider,
    create_sync_provider,
)
from transports.testing.loopback import loopback_thread

OPENAI = ProviderConfig(type="openai", model="m", max_attempts=2)
LISTED = [BatchRequest(name, f"Say {name}") for name in ("a", "b", "c")]
SCRIPT: list[Outcome] = [Answer(text="A"), Failure(status=400, message="no"), Answer(text="C")]
EXPECTED = {"a": "A", "b": "BadRequestError", "c": "C"}


def text(outcome: object) -> str:
    return outcome.text if isinstance(outcome, Message) else type(outcome).__name__


@pytest.mark.anyio
@pytest.mark.parametrize("type", ["openai", "anthropic", "openrouter"])
async def test_a_batch_goes_over_a_real_connection(type: str) -> None:
    fake = FakeProvider(type, SCRIPT, key=KEY, batches=BatchScript(looks=1, reverse=True))
    with loopback_thread(fake) as server:
        async with create_provider(server.config(type), api_key=KEY) as provider:
            state = await provider.batches.submit(LISTED)
            state = await provider.batches.status(BatchState.from_json(state.to_json()))
            assert not state.finished
            state = await provider.batches.wait(state, pause=0.01)
            async with provider.batches.results(state) as results:
                found = {result.custom_id: text(result.outcome) async for result in results}
            assert found == EXPECTED
            assert await provider.batches.wait(state) == state


@pytest.mark.parametrize("type", ["openai", "anthropic", "openrouter"])
def test_a_batch_goes_over_a_real_connection_without_a_loop(type: str) -> None:
    fake = FakeProvider(type, SCRIPT, key=KEY, batches=BatchScript(looks=2, reverse=True))
    with (
        loopback_thread(fake) as server,
        create_sync_provider(server.config(type), api_key=KEY) as provider,
    ):
        state = provider.batches.submit(LISTED)
        state = provider.batches.status(BatchState.from_json(state.to_json()))
        assert not state.finished
        state = provider.batches.wait(state, pause=0.01)
        with provider.batches.results(state) as results:
            assert {result.custom_id: text(result.outcome) for result in results} == EXPECTED


@pytest.mark.anyio
async def test_a_batch_is_cancelled() -> None:
    fake = FakeProvider("openai", batches=BatchScript(looks=2, answered=1))
    async with create_provider(OPENAI, transport=MemoryTransport(fake), api_key=KEY) as provider:
        state = await provider.batches.cancel(await provider.batches.submit(LISTED))
        state = await provider.batches.wait(state, pause=0.01)
        outcomes = [result.outcome async for result in provider.batches.results(state)]
    assert [text(outcome) for outcome in outcomes[1:]] == ["UnansweredError", "UnansweredError"]


def test_a_batch_is_cancelled_without_a_loop() -> None:
    fake = FakeProvider("openai", batches=BatchScript(looks=2, answered=0))
    with create_sync_provider(OPENAI, transport=SyncMemoryTransport(fake), api_key=KEY) as provider:
        state = provider.batches.cancel(provider.batches.submit(LISTED))
        state = provider.batches.wait(state, pause=0.01)
        outcomes = [result.outcome for result in provider.batches.results(state)]
    assert all(isinstance(outcome, UnansweredError) for outcome in outcomes)
    assert len(outcomes) == 3


class Server:
    """A fake whose responses to some requests are others."""

    def __init__(self, fake: FakeProvider, end: str, response: FakeResponse) -> None:
        self.fake = fake
        self.end = end
        self.response = response

    def respond(self, request: Request) -> FakeResponse:
        return self.response if request.target.endswith(self.end) else self.fake.respond(request)


ECHO = FakeResponse(status=401, pieces=(f'{{"error": {{"message": "no {KEY}"}}}}'.encode(),))
GONE = FakeResponse(status=404)
HELD = FakeResponse(ending=Ending.HOLD, silent=True)


@pytest.mark.anyio
async def test_an_error_of_a_submission_has_its_key_masked() -> None:
    for server in (
        Server(FakeProvider("openai"), "/files", ECHO),
        Server(FakeProvider("openai"), "/batches", ECHO),
    ):
        provider = create_provider(OPENAI, transport=MemoryTransport(server), api_key=KEY)
        with pytest.raises(AuthenticationError) as caught:
            await provider.batches.submit(LISTED)
        assert KEY not in str(caught.value)
        sync = create_sync_provider(OPENAI, transport=SyncMemoryTransport(server), api_key=KEY)
        with pytest.raises(AuthenticationError) as caught:
            sync.batches.submit(LISTED)
        assert KEY not in str(caught.value)


ECHOING = [Failure(status=400, message=f"no {KEY} here")]
WORDS = f'{{"data": [{{"message": "no {KEY} here"}}]}}'
BROKEN = FakeResponse(pieces=(f'{{"id": "batch_1", "status": "failed", "errors": {WORDS}}}'.encode(),))


@pytest.mark.parametrize("broken", [False, True])
def test_neither_a_state_nor_a_result_has_the_key_that_a_provider_echoes(broken: bool) -> None:
    server = Server(FakeProvider("openai", ECHOING), "/batch_1" if broken else "/nothing", BROKEN)
    states: list[BatchState] = []
    with create_sync_provider(OPENAI, transport=SyncMemoryTransport(server), api_key=KEY) as provider:
        state = provider.batches.submit(LISTED[:1], on_state=states.append)
        state = provider.batches.wait(state, pause=0.01, on_state=states.append)
        (result,) = provider.batches.results(state)
    assert not any(KEY in each.to_json() for each in (*states, state))
    assert ("no [key] here" in state.to_json()) == broken
    assert "no [key] here" in str(result.outcome)
    assert KEY not in repr(result)


@pytest.mark.anyio
async def test_neither_has_it_in_a_loop() -> None:
    fake = FakeProvider("openai", ECHOING)
    async with create_provider(OPENAI, transport=MemoryTransport(fake), api_key=KEY) as provider:
        state = await provider.batches.wait(await provider.batches.submit(LISTED[:1]), pause=0.01)
        (result,) = [result async for result in provider.batches.results(state)]
        assert provider.batches.check(LISTED[0]) == ()
    assert "no [key]" in str(result.outcome)


def finished(**fields: Any) -> tuple[FakeProvider, BatchState]:
    fake = FakeProvider("openai", SCRIPT, batches=BatchScript(**fields))
    with create_sync_provider(OPENAI, transport=SyncMemoryTransport(fake), api_key=KEY) as provider:
        return fake, provider.batches.wait(provider.batches.submit(LISTED), pause=0.01)


@pytest.mark.anyio
async def test_results_end_with_the_error_of_a_file_that_is_gone_and_raise_it_again() -> None:
    fake, state = finished()
    server = Server(fake, f"{state.parts[0].error_file}/content", GONE)
    provider = create_provider(OPENAI, transport=MemoryTransport(server), api_key=KEY)
    results = provider.batches.results(state)
    assert {(await anext(results)).custom_id, (await anext(results)).custom_id} == {"a", "c"}
    for _ in range(2):
        with pytest.raises(NotFoundError):
            await anext(results)
    sync = create_sync_provider(OPENAI, transport=SyncMemoryTransport(server), api_key=KEY)
    blocking = sync.batches.results(state)
    assert {next(blocking).custom_id, next(blocking).custom_id} == {"a", "c"}
    for _ in range(2):
        with pytest.raises(NotFoundError):
            next(blocking)


@pytest.mark.anyio
async def test_results_that_are_closed_give_nothing_more_and_drop_the_download() -> None:
    fake, state = finished()
    transport = MemoryTransport(fake)
    provider = create_provider(OPENAI, transport=transport, api_key=KEY)
    unread = provider.batches.results(state)
    await unread.aclose()
    assert [result async for result in unread] == []
    async with provider.batches.results(state) as results:
        await anext(results)
    assert [result async for result in results] == []
    sync = create_sync_provider(OPENAI, transport=SyncMemoryTransport(fake), api_key=KEY)
    never = sync.batches.results(state)
    never.close()
    assert list(never) == []
    with sync.batches.results(state) as blocking:
        next(blocking)
    assert list(blocking) == []


@pytest.mark.anyio
async def test_a_cancelled_wait_for_results_drops_its_exchange_and_never_ends_silently() -> None:
    fake, state = finished()
    transport = MemoryTransport(Server(fake, "/content", HELD))
    provider = create_provider(OPENAI, transport=transport, api_key=KEY)
    results = provider.batches.results(state)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_when_idle, scope.cancel)
            await anext(results)
    assert transport.aborted == 1
    with pytest.raises(APIConnectionError):
        await anext(results)


async def _cancel_when_idle(cancel: Callable[[], object]) -> None:
    await anyio.wait_all_tasks_blocked()
    cancel()


def test_a_raw_log_gets_every_request_and_an_observer_sees_each_as_an_operation() -> None:
    asked: list[Asked] = []

    class Watcher(Observer):
        def begin(self, what: Asked) -> Observation:
            asked.append(what)
            return Observation()

    log = Log()
    fake = FakeProvider("openai")
    provider = create_sync_provider(
        OPENAI, log, transport=SyncMemoryTransport(fake), api_key=KEY, observer=Watcher()
    )
    state = provider.batches.wait(provider.batches.submit(LISTED, read_timeout=5), pause=0.01)
    assert len(list(provider.batches.results(state))) == 3
    assert [line.split()[0] for line in log.told] == ["request", "response"] * 4
    assert "custom_id" in log.told[0]
    assert KEY not in str(log.told)
    assert [(what.operation, what.model) for what in asked] == [("batches", None)] * 4
    assert asked[0].options == {"read_timeout": 5}


@pytest.mark.anyio
async def test_what_cannot_be_is_refused_before_anything_is_sent() -> None:
    fake = FakeProvider("openai")
    provider = create_provider(OPENAI, transport=MemoryTransport(fake), api_key=KEY)
    with pytest.raises(InvalidRequestError, match="custom_id"):
        await provider.batches.submit([*LISTED, LISTED[0]])
    with pytest.raises(InvalidRequestError, match="model: is not an option of this"):
        await provider.batches.submit(LISTED, model="m")  # type: ignore[call-arg]  # as given
    local = create_sync_provider(ProviderConfig(type="ollama", model="m"))
    with pytest.raises(InvalidRequestError, match="batches: ollama/chat has no endpoint"):
        _ = local.batches
    assert fake.requests == []
