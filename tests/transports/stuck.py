"""A transport that stops at one await of a stream, and short cuts to streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import anyio
import anyio.lowlevel
import pytest

from sansio import (
    APIConnectionError,
    Body,
    End,
    Head,
    LocalProtocolError,
    Provider,
    ProviderConfig,
    Request,
)
from tests.transports.scripted import (
    ASK,
    KEY,
    STREAMING,
    Clock,
    Item,
    ScriptedTransport,
    delta,
    finish,
    openai,
)
from transports import AsyncProvider, EventStream
from transports.driving.keys import KeySource

Place = Literal["key", "open", "receive", "release", "wait"]
PLACES: tuple[Place, ...] = ("key", "open", "receive", "release", "wait")


class Stuck:
    """A transport, a key and a sleep that answer until one place, where they wait indefinitely.

    It is its own exchange, and keeps what an exchange owes: `abort()` ends the wait.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.reached = anyio.Event()
        self.dropped = anyio.Event()
        self.log: list[str] = []
        first = Head(503) if place == "wait" else STREAMING
        self.inputs: Iterator[Head | Body | End] = iter([first, delta("Hel"), finish(), End()])
        if place == "wait":
            self.inputs = iter([first, End()])

    async def halt(self, place: Place) -> None:
        await anyio.lowlevel.checkpoint()
        if place == self.place:
            self.reached.set()
            await self.dropped.wait()

    async def key(self) -> str:
        await self.halt("key")
        return KEY

    async def sleep(self, seconds: float) -> None:
        self.log.append("sleep")
        await self.halt("wait")

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Stuck:
        self.log.append("open")
        await self.halt("open")
        return self

    async def receive(self, timeout: float | None) -> Head | Body | End:
        await anyio.lowlevel.checkpoint()
        value = next(self.inputs)
        if value == finish():
            await self.halt("receive")
        if self.dropped.is_set():
            raise APIConnectionError("dropped")
        return value

    async def aclose(self) -> None:
        await self.halt("release")
        if not self.dropped.is_set():
            self.log.append("release")

    def abort(self) -> None:
        self.log.append("abort")
        self.dropped.set()


HELD = {
    "key": [],
    "open": ["open"],
    "receive": ["open", "abort"],
    "release": ["open", "abort"],
    "wait": ["open", "release", "sleep"],
}
"""What the transport has seen when a reader was stopped at the place, and then released."""


def stuck_stream(stuck: Stuck) -> EventStream:
    provider = Provider(openai())
    keys = KeySource(provider.config, stuck.key)
    return EventStream(provider, provider.call(ASK), stuck, keys, sleep=stuck.sleep)


def scripted(*inputs: Item, config: ProviderConfig | None = None) -> tuple[AsyncProvider, ScriptedTransport]:
    transport = ScriptedTransport([list(inputs)], Clock())
    return AsyncProvider(config or openai(), transport, api_key=KEY), transport


async def read(stream: EventStream, errors: list[Exception]) -> None:
    """Read until the end, keeping the error that comes."""
    try:
        async for _ in stream:
            pass
    except (APIConnectionError, LocalProtocolError) as error:
        errors.append(error)


def partial_text(stream: EventStream) -> str:
    """What `result()` says had come."""
    with pytest.raises(APIConnectionError) as caught:
        stream.result()
    return "" if caught.value.partial is None else caught.value.partial.text
