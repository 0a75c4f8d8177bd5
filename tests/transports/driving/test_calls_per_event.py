"""How many Python functions run for each event of a stream over a socket. Calls are counted, not time."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import pytest
from msgspec import json

from sansio import ContentDelta, Message, ProviderConfig, Role
from transports import Observer, create_provider
from transports.observing.otel import OpenTelemetryObserver

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[3]
OURS = (str(ROOT / "sansio"), str(ROOT / "transports"))

COUNTED = 100
MOST = 30
"""Frames of this project, calls and resumptions, for each event: from the socket to the consumer's loop."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def event(number: int) -> bytes:
    """A chunk of the body with one event, with the fields that servers send."""
    choice = {"index": 0, "delta": {"content": f"word {number} "}, "finish_reason": None}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    data = b"data: " + json.encode({**chunk, "choices": [choice]}) + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_an_event_that_arrives_alone_takes_few_calls() -> None:
    calls = await count_calls(None)
    assert calls.total() / COUNTED <= MOST, calls.most_common()


async def test_an_observer_that_does_not_look_at_events_costs_no_call() -> None:
    assert (await count_calls(OpenTelemetryObserver())).total() == (await count_calls(None)).total()


async def count_calls(observer: Observer | None) -> Counter[str]:
    """The calls that `COUNTED` events take."""
    writers: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writers.append(writer)
        writer.write(HEAD + event(0))

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    config = ProviderConfig(type="vllm", model="m", base_url=f"http://127.0.0.1:{port}/v1")
    loop = asyncio.get_running_loop()
    calls: Counter[str] = Counter()

    def count(frame: FrameType, what: str, _: object) -> None:
        code = frame.f_code
        if what == "call" and code.co_filename.startswith(OURS):
            calls[code.co_qualname] += 1

    provider = create_provider(config, observer=observer)
    async with provider, provider.stream([Message(Role.USER, "Hello")]) as stream:
        await anext(stream)
        for number in range(1, 10 + COUNTED):
            if number == 10:  # by then the connection and the parser are in their steady state
                before = sys.getprofile()
                sys.setprofile(count)
            loop.call_soon(writers[0].write, event(number))
            given = await anext(stream)
            assert given == ContentDelta(f"word {number} ")
        sys.setprofile(before)
    writers[0].close()
    server.close()
    return calls
