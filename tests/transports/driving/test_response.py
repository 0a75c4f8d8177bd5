"""What a response says of itself, as the facades show it: to a stream, an error and a callback."""

from __future__ import annotations

import pytest
from msgspec import json

from sansio import (
    Body,
    End,
    Head,
    Message,
    Provider,
    RateLimitError,
    RefusalPart,
    ResponseInfo,
    Role,
)
from tests.transports.scripted import (
    ASK,
    DONE,
    KEY,
    Clock,
    Item,
    Pass,
    ScriptedSyncTransport,
    ScriptedTransport,
    delta,
    finish,
    openai,
    whole,
)
from transports import create_provider, create_sync_provider
from transports.driving.driver import EventStream
from transports.driving.keys import KeySource

HEADERS = (("x-request-id", "req-1"), ("x-ratelimit-remaining-requests", "7"), ("set-cookie", "secret"))
STREAM = Head(200, (("content-type", "text/event-stream"), *HEADERS))
WHOLE: list[Item] = [Head(200, (("content-type", "application/json"), *HEADERS)), whole("Hello"), End()]
LIMITED: list[Item] = [
    Head(429, (("content-type", "application/json"), ("retry-after", "120"), *HEADERS)),
    Body(json.encode({"error": {"message": "slow down"}})),
    End(),
]


@pytest.mark.anyio
async def test_a_stream_shows_its_response_from_the_first_event_on() -> None:
    transport = ScriptedTransport([[STREAM, delta("Hi"), finish(), DONE, End()]], Clock())
    provider = create_provider(openai(), transport=transport, api_key=KEY)
    async with provider.stream(ASK) as stream:
        before = stream.response
        await anext(stream)
        response = stream.response
        assert before is None
        assert response is not None
        assert (response.status, response.request_id, response.attempts) == (200, "req-1", 1)
        assert response.rate_limits["requests"].remaining == 7
        assert "set-cookie" not in dict(response.headers)


@pytest.mark.anyio
async def test_the_time_to_the_first_event_counts_from_the_first_step() -> None:
    clock = Clock()
    script: list[list[Item]] = [[Pass(2.0), STREAM, Pass(1.5), delta("Hi"), Pass(9.0), finish(), DONE, End()]]
    provider = Provider(openai())
    stream = EventStream(
        provider,
        provider.call(ASK),
        ScriptedTransport(script, clock),
        KeySource(provider.config, KEY),
        now=clock.now,
        sleep=clock.sleep,
    )
    async for _ in stream:
        pass
    assert stream.response is not None
    assert stream.response.first_event_after == 3.5


@pytest.mark.anyio
async def test_a_whole_answer_passes_its_response_to_a_callback() -> None:
    seen: list[ResponseInfo] = []
    provider = create_provider(openai(), transport=ScriptedTransport([WHOLE], Clock()), api_key=KEY)
    message = await provider.complete(ASK, on_response=seen.append)
    assert (message.text, [info.request_id for info in seen]) == ("Hello", ["req-1"])


@pytest.mark.anyio
async def test_a_failed_call_passes_its_response_to_the_callback_and_has_it_on_the_error() -> None:
    seen: list[ResponseInfo] = []
    provider = create_provider(openai(), transport=ScriptedTransport([LIMITED], Clock()), api_key=KEY)
    with pytest.raises(RateLimitError) as caught:
        await provider.complete(ASK, on_response=seen.append)
    assert [info.status for info in seen] == [429]
    assert caught.value.response is not None
    assert caught.value.response.rate_limits == seen[0].rate_limits


def test_the_blocking_provider_does_the_same() -> None:
    seen: list[ResponseInfo] = []
    script = ScriptedSyncTransport([WHOLE, [STREAM, delta("Hi"), finish(), DONE, End()]], Clock())
    provider = create_sync_provider(openai(), transport=script, api_key=KEY)
    provider.complete(ASK, on_response=seen.append)
    with provider.stream(ASK) as stream:
        next(stream)
        assert stream.response is not None
        assert [seen[0].request_id, stream.response.request_id] == ["req-1", "req-1"]


@pytest.mark.anyio
async def test_a_key_that_a_server_echoes_is_masked_in_the_response() -> None:
    echo = Head(200, (("content-type", "application/json"), ("x-request-id", f"for {KEY}")))
    transport = ScriptedTransport([[echo, whole("Hi"), End()]], Clock())
    seen: list[ResponseInfo] = []
    await create_provider(openai(), transport=transport, api_key=KEY).complete(ASK, on_response=seen.append)
    assert KEY not in repr(seen)


@pytest.mark.anyio
async def test_a_stream_says_what_of_the_history_is_left_out() -> None:
    refused = Message(Role.ASSISTANT, (RefusalPart("No.", extra={"x": 1}),), origin="anthropic/messages")
    transport = ScriptedTransport([[STREAM, finish(), DONE, End()]], Clock())
    provider = create_provider(openai(), transport=transport, api_key=KEY)
    async with provider.stream([*ASK, refused, *ASK]) as stream:
        assert [(loss.what, loss.message, loss.part) for loss in stream.left_out] == [("extra: x", 1, 0)]
