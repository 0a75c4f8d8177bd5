"""A transport that follows a script, a clock that is wound by hand, and one reader for all three drivers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import anyio
from msgspec import json

from sansio import (
    APITimeoutError,
    Body,
    ContentDelta,
    End,
    Head,
    Message,
    Options,
    Provider,
    ProviderConfig,
    ProviderError,
    Request,
    Role,
    StreamEvent,
)
from transports.driving.driver import EventStream
from transports.driving.keys import ApiKey, KeySource
from transports.driving.sync_driver import SyncEventStream
from transports.interface import RawLog

KEY = "sk-a-key-that-nobody-may-see"
ASK = [Message(Role.USER, "Hello")]
STREAMING = Head(200, (("content-type", "text/event-stream"),))
WHOLE = Head(200, (("content-type", "application/json"),))
DONE = Body(b"data: [DONE]\n\n")
PING = Body(b": ping\n\n")

Kind: TypeAlias = Literal["asyncio", "trio", "blocking"]


@dataclass(frozen=True)
class Pass:
    """So many seconds pass."""

    seconds: float


@dataclass(frozen=True)
class Late:
    """The time that the driver allowed passes, and nothing comes."""


@dataclass(frozen=True)
class Refuse:
    """Opening raises this."""

    error: Exception


@dataclass(frozen=True)
class OpenLate:
    """The time that the driver allowed for opening passes."""


Item: TypeAlias = Head | Body | End | Pass | Late | Exception
Attempt: TypeAlias = Sequence[Item] | Refuse | OpenLate


def delta(text: str) -> Body:
    """A chunk of the openai dialect with some text."""
    return Body(b"data: " + json.encode({"choices": [{"index": 0, "delta": {"content": text}}]}) + b"\n\n")


def finish(reason: str = "stop") -> Body:
    """The openai dialect's chunk with the finish reason."""
    chunk = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    return Body(b"data: " + json.encode(chunk) + b"\n\n")


def whole(text: str) -> Body:
    """A whole answer of the openai dialect."""
    message = {"role": "assistant", "content": text}
    return Body(json.encode({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}))


def error_body(text: str) -> Body:
    """An error's body in the openai dialect."""
    return Body(json.encode({"error": {"message": text, "type": "some_error"}}))


def answer(*texts: str) -> list[Item]:
    """A whole streamed answer."""
    return [STREAMING, *map(delta, texts), finish(), DONE, End()]


def openai(**fields: Any) -> ProviderConfig:
    """A config whose dialect the helpers here speak."""
    return ProviderConfig(type="openai", model="gpt-x", **fields)


@dataclass
class Clock:
    """Time passes only where a script or a sleep says so."""

    time: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self._sleep(seconds)

    def wait(self, woken: threading.Event, seconds: float) -> None:
        assert not woken.is_set()
        self._sleep(seconds)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class Script:
    """What a transport gives, attempt by attempt, and a log of what was asked of it."""

    def __init__(self, attempts: Iterable[Attempt], clock: Clock) -> None:
        self.attempts = iter(attempts)
        self.resumable = False
        self.clock = clock
        self.log: list[str] = []
        self.ends: Callable[[str], object] = self.log.append  # what an exchange does when it ends
        self.timeouts: list[float | None] = []
        self.requests: list[Request] = []

    def begin(self, request: Request, timeout: float | None, fresh: bool) -> Sequence[Item]:
        self.requests.append(request)
        self.log.append("open fresh" if fresh else "open")
        attempt = next(self.attempts)
        match attempt:
            case Refuse(error=error):
                raise error
            case OpenLate():
                raise self.late(timeout)
            case _:
                return attempt

    def late(self, timeout: float | None) -> APITimeoutError:
        assert timeout is not None
        self.clock.time += timeout
        return APITimeoutError("too late")


class ScriptedExchange:
    def __init__(self, script: Script, items: Sequence[Item]) -> None:
        self.script = script
        self.items = iter(items)
        self.dropped = False

    def next(self, timeout: float | None) -> Head | Body | End:
        assert not self.dropped
        self.script.timeouts.append(timeout)
        while True:
            match next(self.items):
                case Pass(seconds=seconds):
                    self.script.clock.time += seconds
                case Late():
                    raise self.script.late(timeout)
                case Exception() as error:
                    raise error
                case Head() | Body() | End() as value:
                    return value

    def abort(self) -> None:
        self.dropped = True
        self.script.ends("abort")

    def released(self) -> None:
        assert not self.dropped
        self.dropped = True
        self.script.ends("release")


class ScriptedAsyncExchange(ScriptedExchange):
    async def receive(self, timeout: float | None) -> Head | Body | End:
        await anyio.lowlevel.checkpoint()
        return self.next(timeout)

    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.released()


class ScriptedSyncExchange(ScriptedExchange):
    def receive(self, timeout: float | None) -> Head | Body | End:
        return self.next(timeout)

    def close(self) -> None:
        self.released()


class ScriptedTransport(Script):
    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> ScriptedAsyncExchange:
        await anyio.lowlevel.checkpoint()
        return ScriptedAsyncExchange(self, self.begin(request, timeout, fresh))

    async def aclose(self) -> None:
        self.log.append("transport closed")


class ScriptedSyncTransport(Script):
    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> ScriptedSyncExchange:
        return ScriptedSyncExchange(self, self.begin(request, timeout, fresh))

    def close(self) -> None:
        self.log.append("transport closed")


@dataclass
class Outcome:
    """What a reader saw of a whole call."""

    script: Script
    clock: Clock
    events: list[StreamEvent] = field(default_factory=list)
    error: ProviderError | None = None
    """What the iteration raised."""
    answer: Message | ProviderError | None = None
    """What `result()` gave or raised afterwards."""


def texts(outcome: Outcome) -> list[str]:
    """The texts of the deltas that arrived."""
    return [event.text for event in outcome.events if isinstance(event, ContentDelta)]


def partial_text(error: Message | ProviderError | None) -> str | None:
    """The text of an error's partial message."""
    assert isinstance(error, ProviderError)
    return None if error.partial is None else error.partial.text


@dataclass(frozen=True)
class Reader:
    """Reads a scripted call to its end, through one of the drivers.

    Args:
        kind: the event loop, or none.
    """

    kind: Kind

    def read(
        self,
        *attempts: Attempt,
        config: ProviderConfig | None = None,
        key: ApiKey | None = KEY,
        raw_log: RawLog | None = None,
        stream: bool = True,
        options: Options | None = None,
        between: Callable[[Outcome], object] = lambda _: None,
    ) -> Outcome:
        """Read all events.

        Args:
            between: what the consumer does after each event.
        """
        clock = Clock()
        provider = Provider(config or openai())
        call = provider.call(ASK, stream=stream, record=raw_log is not None, **(options or {}))
        keys = KeySource(provider.config, key)
        if self.kind == "blocking":
            sync = ScriptedSyncTransport(attempts, clock)
            outcome = Outcome(sync, clock)
            blocking = SyncEventStream(provider, call, sync, keys, raw_log, now=clock.now, sleep=clock.wait)
            self._blocking(blocking, outcome, between)
            return outcome

        async def run() -> Outcome:
            transport = ScriptedTransport(attempts, clock)
            outcome = Outcome(transport, clock)
            stream_ = EventStream(provider, call, transport, keys, raw_log, now=clock.now, sleep=clock.sleep)
            await self._async(stream_, outcome, between)
            return outcome

        return anyio.run(run, backend=self.kind)

    def _blocking(
        self, stream: SyncEventStream, outcome: Outcome, between: Callable[[Outcome], object]
    ) -> None:
        try:
            for event in stream:
                outcome.script.log.append(type(event).__name__)
                outcome.events.append(event)
                between(outcome)
        except ProviderError as error:
            outcome.error = error
        assert next(stream, None) is None
        try:
            outcome.answer = stream.result()
        except ProviderError as error:
            outcome.answer = error

    async def _async(
        self, stream: EventStream, outcome: Outcome, between: Callable[[Outcome], object]
    ) -> None:
        try:
            async for event in stream:
                outcome.script.log.append(type(event).__name__)
                outcome.events.append(event)
                between(outcome)
        except ProviderError as error:
            outcome.error = error
        assert await anext(stream, None) is None
        try:
            outcome.answer = stream.result()
        except ProviderError as error:
            outcome.answer = error
