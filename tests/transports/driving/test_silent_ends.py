"""No stream ends silently: what would end its consumer's loop as if the answer were whole is an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from sansio import APIConnectionError, BadRequestError, ContentDelta, End, Head
from tests.transports.scripted import (
    ASK,
    STREAMING,
    Attempt,
    Clock,
    Kind,
    Refuse,
    ScriptedSyncTransport,
    ScriptedTransport,
    answer,
    delta,
    error_body,
    openai,
)
from transports import AsyncProvider, SyncProvider

KINDS: list[Kind] = ["asyncio", "trio", "blocking"]
STOPS: list[type[Exception]] = [StopIteration, StopAsyncIteration]
PLACES = ["open", "receive", "release", "key", "on_request", "on_response", "on_chunk"]


class Source:
    """A key callable, a raw log and a transport's script, of which one raises at its place."""

    def __init__(self, place: str, stop: type[Exception]) -> None:
        self.place = place
        self.stop = stop

    def key(self) -> str:
        self.raise_in("key")
        return "a-key-for-the-test"

    def on_request(self, endpoint: str, payload: dict[str, Any]) -> None:
        self.raise_in("on_request")

    def on_response(self, status: int, body: dict[str, Any]) -> None:
        self.raise_in("on_response")

    def on_chunk(self, chunk: dict[str, Any]) -> None:
        self.raise_in("on_chunk")

    def attempt(self) -> Attempt:
        match self.place:
            case "open":
                return Refuse(self.stop())
            case "receive":
                return [STREAMING, delta("Hel"), self.stop()]
            case "abort":
                return [STREAMING, delta("Hel"), APIConnectionError("reset")]
            case "on_response":
                return [Head(400), error_body("no"), End()]
            case _:
                return answer("Hel")

    def raise_in(self, place: str) -> None:
        if place == self.place:
            raise self.stop


def consume(kind: Kind, source: Source) -> tuple[list[str], list[Exception | None]]:
    """Read a stream twice to its end, and ask for its result.

    Returns:
        The texts received, and what each of the three raised.
    """
    texts: list[str] = []
    raised: list[Exception | None] = []

    def note(deed: Callable[[], object]) -> None:
        try:
            deed()
            raised.append(None)
        except Exception as error:
            raised.append(error)

    if kind == "blocking":
        sync_transport = ScriptedSyncTransport([source.attempt()], Clock())
        sync_transport.ends = source.raise_in
        blocking = SyncProvider(openai(), sync_transport, source, source.key).stream(ASK)
        for _ in range(2):
            note(lambda: texts.extend(event.text for event in blocking if isinstance(event, ContentDelta)))
        note(blocking.result)
        return texts, raised

    transport = ScriptedTransport([source.attempt()], Clock())
    transport.ends = source.raise_in
    stream = AsyncProvider(openai(), transport, source, source.key).stream(ASK)

    async def read() -> None:
        async for event in stream:
            texts.extend([event.text] if isinstance(event, ContentDelta) else [])

    for _ in range(2):
        note(lambda: anyio.run(read, backend=kind))
    note(stream.result)
    return texts, raised


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("place", PLACES)
def test_a_foreign_stop_is_an_error_and_not_the_end_of_the_stream(
    kind: Kind, stop: type[Exception], place: str
) -> None:
    texts, (first, second, result) = consume(kind, Source(place, stop))
    assert texts == (["Hel"] if place in ("receive", "release") else [])
    assert isinstance(first, RuntimeError)
    assert stop.__name__ in str(first)
    assert isinstance(second, BadRequestError if place == "on_response" else APIConnectionError)
    assert str(second) == str(result)
    partial = second.partial.text if second.partial is not None else ""
    assert partial == ("Hel" if place in ("receive", "release", "on_chunk") else "")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stop", [*STOPS, OSError])
def test_an_abort_that_raises_ends_the_stream_with_an_error_too(kind: Kind, stop: type[Exception]) -> None:
    """It is what drops the exchange after an error."""
    texts, (first, second, result) = consume(kind, Source("abort", stop))
    assert texts == ["Hel"]
    assert isinstance(first, RuntimeError if stop in STOPS else stop)
    assert stop.__name__ in repr(first)
    assert isinstance(second, APIConnectionError)
    assert str(second) == str(result)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stop", STOPS)
def test_a_foreign_stop_is_an_error_of_a_whole_call_too(kind: Kind, stop: type[Exception]) -> None:
    source = Source("key", stop)
    if kind == "blocking":
        sync = SyncProvider(openai(), ScriptedSyncTransport([], Clock()), None, source.key)
        with pytest.raises(RuntimeError, match=stop.__name__):
            sync.complete(ASK)
        return
    provider = AsyncProvider(openai(), ScriptedTransport([], Clock()), None, source.key)

    async def complete() -> None:
        await provider.complete(ASK)

    with pytest.raises(RuntimeError, match=stop.__name__):
        anyio.run(complete, backend=kind)


@pytest.mark.parametrize("kind", KINDS[:2])
def test_a_foreign_stop_of_an_async_key_callable_is_an_error(kind: Kind) -> None:
    async def key() -> str:
        await anyio.lowlevel.checkpoint()
        raise StopAsyncIteration

    provider = AsyncProvider(openai(), ScriptedTransport([], Clock()), None, key)

    async def read() -> None:
        async for _ in provider.stream(ASK):
            pass

    with pytest.raises(RuntimeError, match="StopAsyncIteration"):
        anyio.run(read, backend=kind)
