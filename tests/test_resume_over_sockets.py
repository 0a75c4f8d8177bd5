"""A stream from the background that the fake cuts goes on, over real sockets, on both loops and blocking."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sansio import ContentDelta, StreamEvent
from sansio.testing import Answer, Broken, Ending, FakeProvider
from transports import create_provider, create_sync_provider
from transports.testing.loopback import LoopbackThread, loopback_thread

ANSWER = Answer(reasoning="one two", text="three four five six seven")


@pytest.fixture(params=[1, 5])
def server(request: pytest.FixtureRequest) -> Iterator[LoopbackThread]:
    broken = Broken(answer=ANSWER, after=request.param, ending=Ending.DROP)
    with loopback_thread(FakeProvider("openai", [broken])) as server:
        yield server


def check(events: list[StreamEvent], resumes: int | None) -> None:
    said = "".join(event.text for event in events if isinstance(event, ContentDelta))
    assert said == ANSWER.text
    assert resumes == 1


@pytest.mark.anyio
async def test_an_async_stream_goes_on(server: LoopbackThread) -> None:
    config = server.config("openai", api="responses")
    async with create_provider(config, api_key="sk") as provider:
        async with provider.stream("Hello", background=True, store=True) as stream:
            events = [event async for event in stream]
        assert stream.response is not None
        check(events, stream.response.resumes)
        assert stream.result().text == ANSWER.text


def test_a_blocking_stream_goes_on(server: LoopbackThread) -> None:
    config = server.config("openai", api="responses")
    with create_sync_provider(config, api_key="sk") as provider:
        with provider.stream("Hello", background=True, store=True) as stream:
            events = list(stream)
        assert stream.response is not None
        check(events, stream.response.resumes)
        assert stream.result().text == ANSWER.text
