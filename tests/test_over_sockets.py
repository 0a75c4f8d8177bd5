"""Retries and the raw log over real sockets, by every transport."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from sansio import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    InternalServerError,
    Message,
    Provider,
    ProviderConfig,
    ProviderError,
    RateLimitError,
    Role,
)
from sansio.jsontext import JSONObject
from sansio.retry import RETRYABLE_STATUSES
from sansio.testing import Answer, Failure, FakeProvider
from tests.adapters import TRANSPORTS
from tests.test_main_job import KEY
from transports import EventStream, SocketTransport, SyncEventStream, create_provider, create_sync_provider
from transports.driving.keys import KeySource
from transports.testing.loopback import LoopbackThread, loopback_thread

QUESTION = [Message(Role.USER, "Hello")]
KIND = "openai"


class Log:
    """A raw log that keeps all records."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object, JSONObject]] = []

    def on_request(self, endpoint: str, payload: JSONObject) -> None:
        self.told.append(("request", endpoint, payload))

    def on_response(self, status: int, body: JSONObject) -> None:
        self.told.append(("response", status, body))

    def on_chunk(self, chunk: JSONObject) -> None:
        self.told.append(("chunk", None, chunk))


@pytest.fixture
def server() -> Iterator[LoopbackThread]:
    with loopback_thread(FakeProvider(KIND, key=KEY)) as server:
        yield server


def half() -> float:
    return 0.5


@pytest.mark.anyio
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("status", [*sorted(RETRYABLE_STATUSES), 400, 401, 403, 404, 422])
async def test_a_status_is_tried_as_often_as_it_may_pass(
    server: LoopbackThread, status: int, transport: str
) -> None:
    server.provider.script.extend([Failure(status=status)] * 3)
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    provider = Provider(server.config(KIND))
    chosen = TRANSPORTS[transport]()
    stream = EventStream(
        provider,
        provider.call(QUESTION, random=half),
        chosen,
        KeySource(provider.config, KEY),
        sleep=wait,
    )
    with pytest.raises(APIStatusError) as caught:
        await anext(stream)
    await chosen.aclose()

    tried = 3 if status in RETRYABLE_STATUSES else 1
    assert caught.value.status == status
    assert caught.value.attempts == tried
    assert len(server.provider.requests) == tried
    assert waits == pytest.approx([1.5, 2.5][: tried - 1])


@pytest.mark.anyio
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_refused_connection_is_tried_three_times(transport: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    provider = Provider(ProviderConfig(type="ollama", model="m", base_url=f"http://127.0.0.1:{port}/v1"))
    chosen = TRANSPORTS[transport]()
    stream = EventStream(
        provider, provider.call(QUESTION), chosen, KeySource(provider.config, None), sleep=wait
    )
    with pytest.raises(APIConnectionError, match=str(port)) as caught:
        await anext(stream)
    await chosen.aclose()

    assert caught.value.attempts == 3
    assert waits == [1.0, 2.0]


@pytest.mark.anyio
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_timeout_is_tried_three_times(transport: str) -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts connections, and sends nothing
        port = silent.getsockname()[1]
        provider = Provider(
            ProviderConfig(
                type="ollama", model="m", base_url=f"http://127.0.0.1:{port}/v1", read_timeout=0.05
            )
        )
        chosen = TRANSPORTS[transport]()
        stream = EventStream(
            provider, provider.call(QUESTION), chosen, KeySource(provider.config, None), sleep=wait
        )
        with pytest.raises(APITimeoutError, match="read_timeout") as caught:
            await anext(stream)
        await chosen.aclose()

    assert caught.value.attempts == 3
    assert waits == [1.0, 2.0]


@pytest.mark.parametrize("status", [*sorted(RETRYABLE_STATUSES), 400, 401, 403, 404, 422])
def test_blocking_a_status_is_tried_as_often_as_it_may_pass(server: LoopbackThread, status: int) -> None:
    server.provider.script.extend([Failure(status=status)] * 3)

    error, waits = blocking_error(server.config(KIND))

    tried = 3 if status in RETRYABLE_STATUSES else 1
    assert isinstance(error, APIStatusError)
    assert error.status == status
    assert error.attempts == tried
    assert len(server.provider.requests) == tried
    assert waits == pytest.approx([1.5, 2.5][: tried - 1])


def test_blocking_a_refused_connection_is_tried_three_times() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    error, waits = blocking_error(
        ProviderConfig(type="openai", model="m", base_url=f"http://127.0.0.1:{port}/v1")
    )

    assert isinstance(error, APIConnectionError)
    assert error.attempts == 3
    assert waits == [1.5, 2.5]


def test_blocking_a_timeout_is_tried_three_times() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base_url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        error, waits = blocking_error(
            ProviderConfig(type="openai", model="m", base_url=base_url, read_timeout=0.05)
        )

    assert isinstance(error, APITimeoutError)
    assert error.attempts == 3
    assert waits == [1.5, 2.5]


def blocking_error(config: ProviderConfig) -> tuple[ProviderError, list[float]]:
    """What a call fails with, and how long it waited between its attempts."""
    waits: list[float] = []

    def wait(_: threading.Event, seconds: float) -> None:
        waits.append(seconds)

    provider = Provider(config)
    transport = SocketTransport()
    call = provider.call(QUESTION, random=half)
    stream = SyncEventStream(provider, call, transport, KeySource(config, KEY), sleep=wait)
    with pytest.raises(ProviderError) as caught:
        next(stream)
    transport.close()
    return caught.value, waits


@pytest.mark.anyio
async def test_a_503_then_an_answer_is_an_answer_after_a_second(server: LoopbackThread) -> None:
    server.provider.script.extend([Failure(status=503), Answer(text="Here I am.")])

    async with create_provider(server.config(KIND), api_key=KEY) as provider:
        answer = await provider.complete(QUESTION)

    assert answer.text == "Here I am."
    assert len(server.provider.requests) == 2


@pytest.mark.anyio
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_raw_log_has_everything_but_the_key(server: LoopbackThread, transport: str) -> None:
    server.provider.script.extend(
        [
            Answer(text="Whole."),
            Answer(text="In chunks."),
            Failure(status=429, message=f"Too many requests for {KEY}.", headers=(("retry-after", "3600"),)),
        ]
    )
    log = Log()
    chosen = TRANSPORTS[transport]()
    async with create_provider(server.config(KIND), log, transport=chosen, api_key=KEY) as provider:
        await provider.complete(QUESTION)
        async with provider.stream(QUESTION) as stream:
            events = [event async for event in stream]
        with pytest.raises(RateLimitError) as caught:
            await provider.complete(QUESTION)
        provider.set_raw_log_callback(None)
        await provider.complete(QUESTION)
    await chosen.aclose()

    check_log(server, log, len(events))
    assert KEY not in str(caught.value)


def test_the_blocking_raw_log_has_everything_but_the_key(server: LoopbackThread) -> None:
    server.provider.script.extend(
        [
            Answer(text="Whole."),
            Answer(text="In chunks."),
            Failure(status=500, message=f"No more of {KEY}."),
        ]
    )
    log = Log()
    with create_sync_provider(server.config(KIND, max_attempts=1), log, api_key=KEY) as provider:
        provider.complete(QUESTION)
        events = list(provider.stream(QUESTION))
        with pytest.raises(InternalServerError) as caught:
            provider.complete(QUESTION)
        provider.set_raw_log_callback(None)
        provider.complete(QUESTION)

    check_log(server, log, len(events))
    assert KEY not in str(caught.value)


def check_log(server: LoopbackThread, log: Log, events: int) -> None:
    """One whole answer, one stream, one error; then nothing more."""
    kinds = [kind for kind, _, _ in log.told]
    chunks = kinds.count("chunk")
    assert chunks >= events
    assert kinds == ["request", "response", "request", *["chunk"] * chunks, "request", "response"]
    assert KEY not in repr(log.told)
    for kind, detail, body in log.told:
        assert type(body) is dict
        if kind == "request":
            assert detail == f"{server.base_url(KIND)}/chat/completions"
            assert body["model"] == "fake-model"
    assert log.told[1][1] == 200
    assert "choices" in log.told[1][2]
    assert log.told[-1][1] in (429, 500)
    assert "[key]" in repr(log.told[-1][2])
