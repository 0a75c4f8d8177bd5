"""A wait that its consumer cancels: in `async with` the next read goes on, elsewhere it raises."""

from __future__ import annotations

import asyncio
import threading
from typing import ClassVar

import anyio
import anyio.lowlevel
import pytest

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    ContentDelta,
    End,
    Head,
    Provider,
    ProviderConfig,
    ProviderError,
    Request,
    StreamComplete,
    StreamEvent,
)
from sansio.testing import Answer, Broken, Failure, FakeProvider
from sansio.testing.script import Outcome
from tests.adapters import TRANSPORTS
from tests.transports.raw_server import PATIENCE, Peer, RawServer, happens
from tests.transports.scripted import ASK, PING, STREAMING, Clock, ScriptedTransport, answer, delta, openai
from tests.transports.test_cancel_everywhere import CancelAt
from transports import AsyncProvider, EventStream, MemoryTransport
from transports.driving.keys import KeySource
from transports.interface import is_resumable

pytestmark = pytest.mark.anyio

ANSWER = Answer(text="one two three", reasoning="well then")
SCRIPTS: dict[str, list[Outcome]] = {
    "an answer": [ANSWER],
    "a failure": [Failure(status=400)],
    "a stream that breaks": [Broken(answer=ANSWER, after=2)],
    "an answer at the third attempt": [Failure(status=503), Broken(answer=ANSWER, after=0), ANSWER],
}


class Bench:
    """A stream that waits wherever one can: for its key, its opening, each input, its release, a retry."""

    def __init__(self, script: list[Outcome]) -> None:
        self.transport = MemoryTransport(FakeProvider("openai", script))
        config = ProviderConfig(type="openai", model="m")
        provider = Provider(config)
        self.asked = 0
        self.events: list[StreamEvent] = []
        self.error: str | None = None
        call = provider.call(ASK)
        self.stream = EventStream(
            provider, call, self.transport, KeySource(config, self.key), sleep=self.sleep
        )

    async def key(self) -> str:
        await anyio.lowlevel.checkpoint()
        self.asked += 1
        return "key"

    async def sleep(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()

    async def read(self) -> None:
        try:
            async for event in self.stream:
                self.events.append(event)
        except ProviderError as error:
            self.error = str(error)


@pytest.mark.parametrize("script", SCRIPTS)
async def test_a_wait_that_is_cancelled_anywhere_loses_nothing(script: str) -> None:
    plain = Bench(SCRIPTS[script])
    await plain.read()
    number, ended = 0, False
    while not ended:
        number += 1
        bench = Bench(SCRIPTS[script])
        async with bench.stream:
            with anyio.CancelScope() as scope:
                reading = CancelAt(bench.read(), number, scope.cancel)
                await reading
            ended = reading.waits < number
            assert scope.cancelled_caught != ended
            await bench.read()
        assert (bench.events, bench.error) == (plain.events, plain.error), number
        assert bench.asked == plain.asked
        transport = bench.transport
        assert transport.opened == plain.transport.opened == transport.closed + transport.aborted
    assert number > 4


@pytest.mark.parametrize("script", SCRIPTS)
async def test_each_wait_may_be_cancelled_once(script: str) -> None:
    plain, bench = Bench(SCRIPTS[script]), Bench(SCRIPTS[script])
    await plain.read()
    async with bench.stream:
        for number in range(1, 200):
            with anyio.CancelScope() as scope:
                await CancelAt(bench.read(), 1 + number % 2, scope.cancel)
            if not scope.cancelled_caught:
                break
    assert (bench.events, bench.error) == (plain.events, plain.error)


class Stalled:
    """A transport whose server sends two events and then nothing; its waits are resumable or not."""

    def __init__(self, resumable: bool) -> None:
        self.resumable = resumable
        self.log: list[str] = []
        self.inputs: list[Head | Body | End] = [STREAMING, delta("Hel"), delta("lo")]
        self.more = anyio.Event()

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Stalled:
        self.log.append("open")
        return self

    async def receive(self, timeout: float | None) -> Head | Body | End:
        await anyio.lowlevel.checkpoint()
        if not self.inputs:
            await self.more.wait()
        return self.inputs.pop(0)

    async def aclose(self) -> None:
        self.log.append("release")

    def abort(self) -> None:
        self.log.append("abort")


def stalled(resumable: bool) -> tuple[Stalled, EventStream]:
    transport = Stalled(resumable)
    return transport, AsyncProvider(openai(), transport, api_key="a-key-for-the-test").stream(ASK)


async def read_two(stream: EventStream) -> None:
    assert [await anext(stream), await anext(stream)] == [ContentDelta("Hel"), ContentDelta("lo")]


async def wait_in_vain(stream: EventStream) -> None:
    """Wait for an event that does not come, with a timeout of the consumer's own."""
    with anyio.move_on_after(0.01) as scope:
        await anext(stream)
    assert scope.cancelled_caught


async def test_after_a_timed_out_wait_the_next_goes_on_and_the_end_of_the_block_releases() -> None:
    transport, stream = stalled(resumable=True)
    async with stream:
        await read_two(stream)
        for _ in range(3):
            await wait_in_vain(stream)
        assert transport.log == ["open"]
        transport.inputs += answer("!")[1:]  # type: ignore[arg-type]  # of an answer only inputs
        transport.more.set()
        assert await anext(stream) == ContentDelta("!")
        await wait_until_complete(stream)
    assert transport.log == ["open", "release"]
    assert stream.result().text == "Hello!"


async def wait_until_complete(stream: EventStream) -> None:
    last = [event async for event in stream][-1]
    assert isinstance(last, StreamComplete)


async def test_the_end_of_the_block_drops_an_exchange_whose_wait_was_cancelled() -> None:
    transport, stream = stalled(resumable=True)
    async with stream:
        await read_two(stream)
        await wait_in_vain(stream)
    assert transport.log == ["open", "abort"]
    with pytest.raises(APIConnectionError, match="closed before its end"):
        stream.result()


async def test_an_abort_between_two_waits_is_raised_by_the_next() -> None:
    transport, stream = stalled(resumable=True)
    async with stream:
        await read_two(stream)
        await wait_in_vain(stream)
        stream.abort()
        assert transport.log == ["open", "abort"]
        with pytest.raises(APIConnectionError, match="aborted"):
            await anext(stream)


@pytest.mark.parametrize(("resumable", "inside"), [(False, True), (True, False), (False, False)])
async def test_elsewhere_a_cancelled_wait_releases_at_once_and_the_next_raises_what_result_raises(
    resumable: bool, inside: bool
) -> None:
    transport, stream = stalled(resumable)
    if inside:
        await stream.__aenter__()
    await read_two(stream)
    await wait_in_vain(stream)
    assert transport.log == ["open", "abort"]
    with pytest.raises(APIConnectionError, match="cancelled") as caught:
        await anext(stream)
    with pytest.raises(APIConnectionError) as again:
        stream.result()
    assert str(caught.value) == str(again.value)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hello"
    assert await anext(stream, None) is None
    await stream.aclose()


async def test_an_exception_that_is_no_cancellation_ends_the_stream_inside_a_block_too() -> None:
    transport = ScriptedTransport([[STREAMING, ValueError("a bug")]], Clock())
    transport.resumable = True
    async with AsyncProvider(openai(), transport, api_key="a-key-for-the-test").stream(ASK) as stream:
        with pytest.raises(ValueError, match="a bug"):
            await anext(stream)
        with pytest.raises(APIConnectionError, match="cut by an exception"):
            await anext(stream)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_coroutine_that_is_dropped_outside_its_loop_ends_the_stream() -> None:
    transport, stream = stalled(resumable=True)
    await stream.__aenter__()
    await read_two(stream)
    reading = stream.__anext__()
    reading.send(None)
    await anyio.to_thread.run_sync(reading.close)
    assert transport.log == ["open", "abort"]
    await stream.aclose()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_keep_alives_of_a_gateway_by_wait_for() -> None:
    """The pattern of those who send their own client a comment whenever the provider is silent."""
    transport, stream = stalled(resumable=True)
    sent: list[str] = []
    async with stream:
        while True:
            try:
                event = await asyncio.wait_for(anext(stream), 0.01)
            except TimeoutError:
                sent.append(": ping")
                transport.inputs += answer("!")[1:]  # type: ignore[arg-type]  # of an answer only inputs
                transport.more.set()
                continue
            except StopAsyncIteration:
                break
            sent.append(type(event).__name__)
    assert sent == ["ContentDelta", "ContentDelta", ": ping", "ContentDelta", "StreamComplete"]


class Timed:
    """A transport in whose waits time passes.

    Args:
        steps: what its waits do. For a number so many seconds pass, and the consumer's own timeout runs out
            unless the wait's does. An input is given.
    """

    resumable: ClassVar = True

    def __init__(self, *steps: float | Head | Body | End) -> None:
        self.clock = Clock()
        self.scope = anyio.CancelScope()  # the consumer's timeout
        self.steps = list(steps)
        self.allowed: list[float | None] = []

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Timed:
        if isinstance(self.steps[0], float):
            await self.step(timeout)
        return self

    async def receive(self, timeout: float | None) -> Head | Body | End:
        return await self.step(timeout)

    async def step(self, timeout: float | None) -> Head | Body | End:
        self.allowed.append(timeout)
        match self.steps.pop(0):
            case float() as seconds if timeout is None or seconds < timeout:
                self.clock.time += seconds
                self.scope.cancel()
                await anyio.sleep_forever()
                raise AssertionError
            case float():
                assert timeout is not None
                self.clock.time += timeout
                raise APITimeoutError("late")
            case given:
                return given

    async def aclose(self) -> None: ...

    def abort(self) -> None: ...


async def read_in_pieces(config: ProviderConfig, timed: Timed, *, away: float = 0.0) -> APITimeoutError:
    """Read until a clock runs out, each time with a new timeout of the consumer's own.

    Args:
        away: seconds that the consumer takes after each.
    """
    provider, clock = Provider(config), timed.clock
    keys = KeySource(config, "a-key-for-the-test")
    async with EventStream(
        provider, provider.call(ASK), timed, keys, now=clock.now, sleep=clock.sleep
    ) as stream:
        while True:
            with anyio.CancelScope() as timed.scope:
                try:
                    await anext(stream)
                except APITimeoutError as error:
                    return error
            clock.time += away


@pytest.mark.parametrize("away", [0.0, 1_000.0])
async def test_waits_in_pieces_add_up_to_the_read_timeout(away: float) -> None:
    timed = Timed(STREAMING, delta("Hel"), 4.0, 4.0, 4.0)
    error = await read_in_pieces(openai(read_timeout=10), timed, away=away)
    assert error.field == "read_timeout"
    assert "8 s before that" in error.message
    assert timed.allowed == [10, 10, 10, 6, 2]


async def test_an_input_between_two_pieces_gives_the_read_all_its_time_again() -> None:
    timed = Timed(STREAMING, 4.0, PING, 4.0, PING, delta("Hel"), 4.0, 11.0)
    await read_in_pieces(openai(read_timeout=10), timed)
    assert timed.allowed == [10, 10, 6, 10, 6, 10, 10, 6]


async def test_waits_in_pieces_add_up_to_the_connect_timeout() -> None:
    timed = Timed(2.0, 2.0, 2.0)
    error = await read_in_pieces(openai(connect_timeout=5, max_attempts=1), timed)
    assert error.field == "connect_timeout"
    assert timed.allowed == [5, 3, 1]


async def test_a_piece_that_ends_with_the_clock_leaves_a_moment_to_take_what_has_arrived() -> None:
    timed = Timed(STREAMING, 9.5, 0.4999, STREAMING)
    timed.steps[-1] = delta("Hel")
    timed.steps += [11.0]
    await read_in_pieces(openai(read_timeout=10), timed, away=60)
    assert timed.allowed[-2] is not None
    assert 0 < timed.allowed[-2] < 0.01


@pytest.mark.parametrize("away", [0.0, 1_000.0])
async def test_waits_in_pieces_add_up_to_the_event_timeout(away: float) -> None:
    timed = Timed(STREAMING, delta("Hel"), 4.0, PING, 4.0, PING, 4.0, PING)
    error = await read_in_pieces(openai(event_timeout=10), timed, away=away)
    assert error.field == "event_timeout"
    assert timed.steps == []


async def test_a_wait_before_another_attempt_goes_on_where_it_was_cancelled() -> None:
    clock = Clock()
    transport = ScriptedTransport([[APIConnectionError("reset")], answer("Hi")], clock)
    transport.resumable = True
    config = openai()
    provider = Provider(config)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            clock.time += 0.25
            scope.cancel()
        await anyio.lowlevel.checkpoint()

    keys = KeySource(config, "a-key-for-the-test")
    stream = EventStream(provider, provider.call(ASK), transport, keys, now=clock.now, sleep=sleep)
    async with stream:
        with anyio.CancelScope() as scope:
            await anext(stream)
        assert await anext(stream) == ContentDelta("Hi")
    assert slept == [1.0, 0.75]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
REST = b"".join(chunk(item.data) for item in answer("lo")[1:] if isinstance(item, Body)) + b"0\r\n\r\n"


async def wait_until(reached: threading.Event, stream: EventStream) -> None:
    """Wait for an event that does not come, until something has happened at the server."""
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_cancel_when, reached, scope)
            await anext(stream)
    assert scope.cancelled_caught


async def _cancel_when(reached: threading.Event, scope: anyio.CancelScope) -> None:
    assert await happens(reached)
    scope.cancel()


@pytest.mark.parametrize("before", [b"", HEAD[:30], HEAD, HEAD + chunk(delta("Hel").data)[:20]])
@pytest.mark.parametrize("name", TRANSPORTS)
async def test_waits_over_sockets_go_on_where_the_transport_declares_it(name: str, before: bytes) -> None:
    """Whatever of the response has arrived when the consumer's own timeout runs out."""
    sent, go_on = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(before)
        sent.set()
        assert go_on.wait(PATIENCE)
        peer.send((HEAD + chunk(delta("Hel").data) + REST)[len(before) :])
        peer.wait_for_close()

    transport = TRANSPORTS[name]()
    with RawServer(script) as server:
        config = ProviderConfig(type="vllm", model="m", base_url=f"{server.url}/v1", max_attempts=1)
        provider = AsyncProvider(config, transport, close_transport=True)
        async with provider, provider.stream(ASK) as stream:
            await wait_until(sent, stream)
            if is_resumable(transport):
                await wait_in_vain(stream)
                go_on.set()
                await wait_until_complete(stream)
                assert stream.result().text == "Hello"
            else:
                go_on.set()
                with pytest.raises(APIConnectionError, match="cancelled"):
                    await anext(stream)


@pytest.mark.parametrize("name", TRANSPORTS)
async def test_the_server_sees_the_end_of_a_block_whose_wait_was_cancelled(name: str) -> None:
    asked = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        asked.set()
        peer.wait_for_close()

    transport = TRANSPORTS[name]()
    with RawServer(script) as server:
        config = ProviderConfig(type="vllm", model="m", base_url=f"{server.url}/v1")
        async with AsyncProvider(config, transport, close_transport=True) as provider:
            async with provider.stream(ASK) as stream:
                await wait_until(asked, stream)
                if is_resumable(transport):
                    assert not server.closed.is_set()
            assert await happens(server.closed)
