"""Cancellation and `abort()` at every checkpoint of a call: all of them in memory, and some over sockets."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from sansio import (
    APIConnectionError,
    BadRequestError,
    Message,
    Provider,
    ProviderConfig,
    ProviderError,
    Role,
    StreamTruncatedError,
)
from sansio.testing import Answer, Broken, Ending, Failure, FakeProvider, FakeResponse
from sansio.testing.script import Outcome
from tests.adapters import TRANSPORTS
from tests.transports.raw_server import PATIENCE
from transports import AsyncProvider, EventStream, MemoryTransport, create_provider
from transports.driving.keys import KeySource
from transports.testing.loopback import loopback_thread

pytestmark = pytest.mark.anyio

T = TypeVar("T")

QUESTION = [Message(Role.USER, "Hello")]
CONFIG = ProviderConfig(type="openai", model="m")
ANSWER = Answer(text="one two three", reasoning="well then")
SILENT = FakeResponse(pieces=(), silent=True, ending=Ending.HOLD)
HELD = Broken(answer=ANSWER, after=1, ending=Ending.HOLD)


class CancelAt(Generic[T]):
    """Awaits something, and calls `cancel` when that waits for the nth time, from 1."""

    def __init__(self, awaited: Awaitable[T], number: int, cancel: Callable[[], object]) -> None:
        self.waits = 0
        self._awaited = awaited
        self._number = number
        self._cancel = cancel

    def __await__(self) -> Generator[Any, Any, T]:  # Any: what a loop's tasks give and take
        return _Counted(self, self._awaited.__await__())

    def waiting(self) -> None:
        self.waits += 1
        if self.waits == self._number:
            self._cancel()


class _Counted(Generator[Any, Any, T]):
    def __init__(self, owner: CancelAt[T], inner: Generator[Any, Any, T]) -> None:
        self._owner = owner
        self._inner = inner

    def send(self, value: Any) -> Any:
        given = self._inner.send(value)
        self._owner.waiting()
        return given

    def throw(self, *error: Any) -> Any:
        given = self._inner.throw(*error)
        self._owner.waiting()
        return given

    def close(self) -> None:
        self._inner.close()


async def read_all(stream: EventStream) -> None:
    async for _ in stream:
        pass


async def failure_of(reading: Awaitable[None]) -> ProviderError | None:
    try:
        await reading
    except ProviderError as error:
        return error
    return None


SCRIPTS: dict[str, list[Outcome]] = {
    "an answer": [ANSWER],
    "a failure": [Failure(status=400)],
    "a stream that breaks": [Broken(answer=ANSWER, after=2)],
    "an answer at the third attempt": [Failure(status=503), Broken(answer=ANSWER, after=0), ANSWER],
}


async def _give_key() -> str:
    await checkpoint()
    return "key"


async def _wait(seconds: float) -> None:
    await checkpoint()


def call_by(transport: MemoryTransport, *, stream: bool) -> EventStream:
    """A call that waits wherever one can: for its key, to be opened, for each input, and between attempts."""
    provider = Provider(CONFIG)
    call = provider.call(QUESTION, stream=stream)
    return EventStream(provider, call, transport, KeySource(CONFIG, _give_key), sleep=_wait)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("script", SCRIPTS)
async def test_cancellation_at_each_checkpoint_leaves_nothing_behind(script: str, stream: bool) -> None:
    number = 0
    ended = False
    while not ended:
        number += 1
        fake = FakeProvider("openai", SCRIPTS[script])
        transport = MemoryTransport(fake)
        events = call_by(transport, stream=stream)
        gone = weakref.ref(events)
        with anyio.CancelScope() as scope:
            reading = CancelAt(read_all(events), number, scope.cancel)
            try:
                await reading
            except ProviderError as error:
                assert isinstance(error, (BadRequestError, StreamTruncatedError))  # noqa: PT017, of two scripts
            ended = reading.waits < number
        assert scope.cancelled_caught != ended
        assert transport.opened == transport.closed + transport.aborted
        del events, reading
        fake.script.clear()
        await read_all(call_by(transport, stream=stream))
        for generation in (1, 2):  # the oldest holds all that the tests keep
            if gone() is not None:
                gc.collect(generation)
        assert gone() is None
    assert number > 4


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("script", SCRIPTS)
async def test_abort_at_each_checkpoint_wakes_the_reader(script: str, stream: bool) -> None:
    number = 0
    ended = False
    while not ended:
        number += 1
        transport = MemoryTransport(FakeProvider("openai", SCRIPTS[script]))
        events = call_by(transport, stream=stream)
        reading = CancelAt(read_all(events), number, events.abort)
        with anyio.fail_after(PATIENCE):
            error = await failure_of(reading)
        ended = reading.waits < number
        assert transport.opened == transport.closed + transport.aborted
        if not ended:
            assert isinstance(error, APIConnectionError), number
            assert "aborted" in str(error)
    assert number > 4


@pytest.mark.parametrize("outcome", [SILENT, HELD], ids=["before the head", "inside the answer"])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_abort_wakes_a_reader_that_waits_for_a_silent_server(transport: str, outcome: Outcome) -> None:
    fake = FakeProvider("openai", [outcome])
    chosen = TRANSPORTS[transport]()
    with loopback_thread(fake) as server:
        provider = create_provider(server.config("openai", max_attempts=1), transport=chosen, api_key="key")
        stream = provider.stream(QUESTION)
        if outcome is HELD:
            await anext(stream)
        errors: list[ProviderError | None] = []

        async def read() -> None:
            errors.append(await failure_of(read_all(stream)))

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read)
                while not fake.requests:
                    await checkpoint()
                await anyio.wait_all_tasks_blocked()
                stream.abort()
        assert isinstance(errors[0], APIConnectionError)
        assert "aborted" in str(errors[0])
        await anyio.to_thread.run_sync(server.wait_client_closes, 1)
        await chosen.aclose()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_cancellation_at_moments_of_chance_over_sockets(transport: str) -> None:
    chance = random.Random(transport)
    fake = FakeProvider("openai")
    with loopback_thread(fake, delay=0.001) as server:
        chosen = TRANSPORTS[transport]()
        provider = create_provider(server.config("openai"), transport=chosen, api_key="key")
        waits = await _count(provider)
        for _ in range(30):
            with anyio.CancelScope() as scope:
                await CancelAt(read_all(provider.stream(QUESTION)), chance.randint(1, waits), scope.cancel)
        assert (await provider.complete(QUESTION)).text
        await chosen.aclose()
        await anyio.to_thread.run_sync(server.wait_closed, server.accepted)


async def _count(provider: AsyncProvider) -> int:
    """How many times a call waits here."""
    counting = CancelAt(read_all(provider.stream(QUESTION)), 0, lambda: None)
    await counting
    return counting.waits
