"""The async stream: who may read it and when, its keys, and its clock."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trio.testing

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    ContentDelta,
    End,
    Head,
    LocalProtocolError,
    Provider,
    Request,
    StreamComplete,
)
from tests.transports.scripted import (
    ASK,
    KEY,
    STREAMING,
    Clock,
    ScriptedTransport,
    answer,
    delta,
    error_body,
    openai,
)
from tests.transports.stuck import Stuck, read, scripted, stuck_stream
from transports import AsyncProvider, EventStream
from transports.driving.keys import KeySource

pytestmark = pytest.mark.anyio


# Reading


async def test_a_concurrent_read_is_refused_and_does_no_harm() -> None:
    stuck = Stuck("receive")
    stream = stuck_stream(stuck)
    errors: list[Exception] = []
    async with anyio.create_task_group() as group:
        group.start_soon(read, stream, errors)
        await stuck.reached.wait()
        with pytest.raises(LocalProtocolError, match="being read already"):
            await anext(stream)
        with pytest.raises(LocalProtocolError, match="before the end"):
            stream.result()
        assert errors == []
        stream.abort()
    assert [type(error) for error in errors] == [APIConnectionError]


async def test_events_that_are_there_are_handed_out_without_a_suspension() -> None:
    everything = Body(delta("a").data + delta("b").data + delta("c").data)
    provider, _ = scripted(STREAMING, everything)
    async with provider.stream(ASK) as stream:
        await anext(stream)
        for text in ("b", "c"):
            step = stream.__anext__()
            with pytest.raises(StopIteration) as caught:
                step.send(None)
            assert caught.value.value == ContentDelta(text)


async def test_each_event_may_be_read_in_a_task_of_its_own() -> None:
    provider, _ = scripted(*answer("a", "b"))
    stream = provider.stream(ASK)
    events: list[object] = []

    async def one() -> None:
        with anyio.CancelScope():
            events.append(await anext(stream))

    for _ in range(3):
        async with anyio.create_task_group() as group:
            group.start_soon(one)
    assert events[:2] == [ContentDelta("a"), ContentDelta("b")]
    assert isinstance(events[2], StreamComplete)


async def test_a_stream_is_lazy() -> None:
    provider, transport = scripted(*answer("Hi"))
    stream = provider.stream(ASK)
    with pytest.raises(LocalProtocolError):
        stream.result()
    assert transport.log == []


async def test_no_event_comes_after_an_error() -> None:
    provider, _ = scripted(Head(401), error_body("no"), End())
    stream = provider.stream(ASK)
    with pytest.raises(Exception, match="no"):
        await anext(stream)
    assert [event async for event in stream] == []


# Keys and time


class Slow:
    """A transport that never answers, and keeps the time that it is allowed, as real ones do."""

    def __init__(self) -> None:
        self.opened = 0

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Slow:
        self.opened += 1
        return self

    async def receive(self, timeout: float | None) -> Head | Body | End:
        with anyio.move_on_after(timeout):
            await anyio.sleep_forever()
        raise APITimeoutError("nothing arrived", field="read_timeout")

    async def aclose(self) -> None:
        raise AssertionError("a failed exchange is aborted")

    def abort(self) -> None:
        pass


MOCK_CLOCK = pytest.param(
    ("trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}), id="trio with a mock clock"
)


@pytest.mark.parametrize("anyio_backend", [MOCK_CLOCK])
async def test_retries_wait_on_the_loops_own_clock() -> None:
    slow = Slow()
    provider = AsyncProvider(openai(), slow, api_key=KEY)
    began = anyio.current_time()
    with pytest.raises(APITimeoutError) as caught:
        await provider.complete(ASK)
    assert slow.opened == 3
    assert caught.value.attempts == 3
    assert 1800 + 1 + 2 <= anyio.current_time() - began <= 1800 + 2 + 3


async def test_the_total_stops_a_silent_server_under_a_real_clock() -> None:
    provider = AsyncProvider(openai(total_timeout=0.02), Slow(), api_key=KEY)
    with pytest.raises(APITimeoutError) as caught:
        await provider.complete(ASK)
    assert caught.value.field == "total_timeout"


async def test_the_total_stops_a_key_that_does_not_come() -> None:
    slow = Slow()

    async def key() -> str:
        await anyio.sleep_forever()
        raise AssertionError

    provider = AsyncProvider(openai(total_timeout=0.02), slow, api_key=key)
    with pytest.raises(APITimeoutError) as caught:
        await provider.complete(ASK)
    assert caught.value.field == "total_timeout"
    assert slow.opened == 0


async def test_an_async_callable_is_asked_once_per_attempt() -> None:
    tokens = iter(["first-token", "second-token"])

    async def key() -> str:
        await anyio.lowlevel.checkpoint()
        return next(tokens)

    clock = Clock()
    transport = ScriptedTransport([[APIConnectionError("reset")], answer("Hi")], clock)
    provider = Provider(openai())
    stream = EventStream(
        provider,
        provider.call(ASK),
        transport,
        KeySource(provider.config, key),
        now=clock.now,
        sleep=clock.sleep,
    )
    await read(stream, [])
    signed = [dict(request.headers)["authorization"] for request in transport.requests]
    assert signed == ["Bearer first-token", "Bearer second-token"]


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_exception_of_the_key_callable_passes_and_ends_the_call(is_async: bool) -> None:
    def key() -> Any:
        raise OSError("no token service")

    async def async_key() -> str:
        await anyio.lowlevel.checkpoint()
        return str(key())

    transport = ScriptedTransport([answer("Hi")], Clock())
    given: Any = async_key if is_async else key
    stream = AsyncProvider(openai(), transport, api_key=given).stream(ASK)
    with pytest.raises(OSError, match="no token service"):
        await anext(stream)
    with pytest.raises(APIConnectionError):
        stream.result()
    assert transport.log == []


async def test_a_stream_cannot_be_read_from_within_its_own_key_callable() -> None:
    streams: list[EventStream] = []

    def key() -> Awaitable[str]:
        async def within() -> str:
            return str(await anext(streams[0]))

        return within()

    transport = ScriptedTransport([answer("Hi")], Clock())
    streams.append(AsyncProvider(openai(), transport, api_key=key).stream(ASK))
    with pytest.raises(LocalProtocolError, match="being read already"):
        await anext(streams[0])
