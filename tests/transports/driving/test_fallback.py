"""Several providers as one: who is asked when, what is reported, and what is raised if all fail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

import anyio
import pytest

from sansio import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    Embeddings,
    FallbackError,
    InternalServerError,
    InvalidRequestError,
    LimitExceededError,
    Message,
    NotFoundError,
    OutputFormatError,
    PermissionDeniedError,
    ProviderConfig,
    ProviderError,
    RateLimitError,
    ReasoningPart,
    Role,
    StreamTruncatedError,
    TextPart,
)
from sansio.testing import Answer, Broken, Failure, FakeProvider
from sansio.testing.script import Outcome
from tests.support import for_each
from tests.transports.scripted import ASK, KEY
from transports import (
    AsyncProvider,
    Fallback,
    FallbackProvider,
    MemoryTransport,
    SyncFallbackProvider,
    SyncMemoryTransport,
    SyncProvider,
    create_provider,
    create_sync_provider,
)
from transports.driving.fallback import another_may_answer

Kind: TypeAlias = Literal["asyncio", "trio", "blocking"]
KINDS: list[Kind] = ["asyncio", "trio", "blocking"]
HELLO = Answer(text="Hello")


class Log:
    """A raw log that keeps where requests went and what statuses and chunks arrived."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def on_request(self, endpoint: str, payload: Mapping[str, Any]) -> None:
        self.told.append(f"request {payload['model']}")

    def on_response(self, status: int, body: Mapping[str, Any]) -> None:
        self.told.append(f"response {status}")

    def on_chunk(self, chunk: Mapping[str, Any]) -> None:
        self.told.append("chunk")


class Bench:
    """A list of fake providers, asked as one, through each driver.

    Args:
        kind: the event loop, or none.
        scripts: what each provider does; its model is `m0`, `m1` and so on.
    """

    def __init__(
        self, kind: Kind, *scripts: list[Outcome], types: tuple[str, ...] = (), **given: Any
    ) -> None:
        self.kind = kind
        self.events: list[Fallback] = []
        self.log = Log()
        names = types or ("openai",) * len(scripts)
        self.fakes = [FakeProvider(type, script) for type, script in zip(names, scripts, strict=True)]
        configs = [
            ProviderConfig(type=type, model=f"m{number}", max_attempts=1) for number, type in enumerate(names)
        ]
        self.sync: list[SyncProvider] = []
        self.providers: list[AsyncProvider] = []
        given.setdefault("on_fallback", self.events.append)
        if kind == "blocking":
            self.sync = [
                create_sync_provider(config, transport=SyncMemoryTransport(fake), api_key=KEY)
                for config, fake in zip(configs, self.fakes, strict=True)
            ]
            self.one: Any = SyncFallbackProvider(self.sync, **given)
        else:
            self.providers = [
                create_provider(config, transport=MemoryTransport(fake), api_key=KEY)
                for config, fake in zip(configs, self.fakes, strict=True)
            ]
            self.one = FallbackProvider(self.providers, **given)

    @property
    def asked(self) -> list[int]:
        """How many requests each provider received."""
        return [len(fake.requests) for fake in self.fakes]

    def stream(self, messages: Any = ASK, **options: Any) -> Any:
        """Read a stream; the stream, afterwards."""
        stream = self.one.stream(messages, **options)
        if self.kind == "blocking":
            for _ in stream:
                pass
            return stream

        async def read() -> None:
            async for _ in stream:
                pass

        anyio.run(read, backend=self.kind)
        return stream

    def run(self, method: str, *args: Any, **options: Any) -> Any:
        """Call a method of the provider."""
        asked = getattr(self.one, method)
        if self.kind == "blocking":
            return asked(*args, **options)

        async def run() -> Any:
            return await asked(*args, **options)

        return anyio.run(run, backend=self.kind)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def test_the_next_provider_answers_and_says_who_failed(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "transports")
    bench = Bench(kind, [Failure(status=503)], [Failure(status=429)], [HELLO])
    bench.one.set_raw_log_callback(bench.log)
    stream = bench.stream(iter(ASK))
    assert stream.result().text == "Hello"
    assert stream.config.model == "m2"
    assert [type(error) for error in stream.failures] == [InternalServerError, RateLimitError]
    assert stream.response is not None
    assert stream.response.status == 200
    assert bench.asked == [1, 1, 1]
    assert [(event.config.model, event.next.model) for event in bench.events] == [("m0", "m1"), ("m1", "m2")]
    assert [event.error for event in bench.events] == list(stream.failures)
    assert bench.log.told[:5] == ["request m0", "response 503", "request m1", "response 429", "request m2"]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "InternalServerError, status 503" in caplog.text
    assert "asking openai m1" in caplog.text
    assert KEY not in caplog.text


def test_a_whole_answer_comes_from_the_next_one_too(kind: Kind) -> None:
    bench = Bench(kind, [Failure(status=500)], [HELLO], types=("anthropic", "openai"))
    answer = bench.run("complete", ASK)
    assert answer.text == "Hello"
    assert answer.origin == "openai/chat"


def test_nothing_is_asked_after_the_first_event(kind: Kind) -> None:
    bench = Bench(kind, [Broken(answer=Answer(text="one two three"), after=2)], [HELLO])
    with pytest.raises(StreamTruncatedError) as caught:
        bench.stream()
    assert caught.value.partial is not None
    assert bench.asked == [1, 0]


def test_all_failures_are_in_one_error(kind: Kind) -> None:
    bench = Bench(kind, [Failure(status=503)], [Failure(status=401)])
    with pytest.raises(FallbackError) as caught:
        bench.stream()
    error = caught.value
    assert isinstance(error, ProviderError)
    assert [type(failure) for failure in error.failures] == [InternalServerError, AuthenticationError]
    assert "m0" in str(error)
    assert "m1" in str(error)
    assert error.with_context(model="m").failures == error.failures
    assert KEY not in str(error)


def test_an_error_of_the_request_is_not_passed_on(kind: Kind) -> None:
    bench = Bench(kind, [Failure(status=400)], [HELLO])
    with pytest.raises(BadRequestError):
        bench.stream()
    assert bench.asked == [1, 0]
    bench = Bench(kind, [HELLO], [HELLO])
    with pytest.raises(InvalidRequestError):
        bench.stream(ASK, temperature="hot")
    assert bench.asked == [0, 0]
    bench = Bench(kind, [Failure(status=503)], [Failure(status=400)], [HELLO])
    with pytest.raises(FallbackError) as caught:
        bench.stream()
    assert [type(failure) for failure in caught.value.failures] == [InternalServerError, BadRequestError]
    assert bench.asked == [1, 1, 0]


def test_a_provider_that_cannot_take_the_request_counts_as_failed(kind: Kind) -> None:
    bench = Bench(kind, [Failure(status=503)], [HELLO], [HELLO], types=("openai", "anthropic", "openai"))
    stream = bench.stream(ASK, seed=1)  # which Anthropic does not have
    assert stream.config.model == "m2"
    assert [type(error) for error in stream.failures] == [InternalServerError, InvalidRequestError]
    bench = Bench(kind, [Failure(status=503)], [HELLO], types=("openai", "anthropic"))
    with pytest.raises(FallbackError) as caught:
        bench.stream(ASK, seed=1)
    assert len(caught.value.failures) == 2
    assert bench.asked == [1, 0]


def test_the_report_says_what_the_history_lost(kind: Kind) -> None:
    thought = Message(Role.ASSISTANT, (ReasoningPart("hm"), TextPart("4")), origin="openai/chat")
    history = [Message(Role.USER, "2 + 2?"), thought, Message(Role.USER, "Sure?")]
    bench = Bench(kind, [Failure(status=503)], [HELLO], types=("openai", "anthropic"))
    stream = bench.stream(history)
    assert "ReasoningPart" in {left.what for left in stream.left_out}
    assert bench.events[0].left_out == stream.left_out


def test_the_application_decides_which_errors_move_on(kind: Kind) -> None:
    bench = Bench(kind, [Failure(status=400)], [HELLO], moves_on=lambda error: error.status == 400)
    assert bench.stream().config.model == "m1"
    bench = Bench(kind, [Failure(status=503)], [HELLO], moves_on=lambda error: False)
    with pytest.raises(InternalServerError):
        bench.stream()


def test_a_time_for_all_is_for_all_together(kind: Kind) -> None:
    """A provider that asks to wait longer than there is time has failed; there is time for the next."""
    limited = Failure(status=429, headers=(("retry-after", "50"),))
    bench = Bench(kind, [limited], [HELLO])
    stream = bench.stream(ASK, timeout=30, max_attempts=2)
    assert stream.config.model == "m1"
    assert [type(error) for error in stream.failures] == [RateLimitError]


def test_what_is_about_one_model_asks_the_first_alone(kind: Kind) -> None:
    bench = Bench(kind, [HELLO], [HELLO])
    assert isinstance(bench.run("embed", ["a"]), Embeddings)
    assert bench.run("list_models")
    assert bench.asked == [2, 0]


def test_a_list_of_one_raises_its_own_error_and_an_empty_one_is_refused(kind: Kind) -> None:
    with pytest.raises(InternalServerError):
        Bench(kind, [Failure(status=503)]).stream()
    with pytest.raises(ConfigError, match="providers"):
        Bench(kind)


def test_closing_closes_all(kind: Kind) -> None:
    closed: list[int] = []
    bench = Bench(kind, [HELLO], [HELLO])
    for number, provider in enumerate([*bench.providers, *bench.sync]):
        patch(provider, partial(closed.append, number))
    if kind == "blocking":
        with bench.one:
            pass
    else:

        async def run() -> None:
            async with bench.one:
                pass

        anyio.run(run, backend=kind)
    assert closed == [0, 1]


def patch(provider: Any, closing: Callable[[], object]) -> None:
    """Note the closing of a provider's transport, which it owns from now on."""

    async def aclose() -> None:
        closing()

    provider._close_transport = True
    if isinstance(provider, AsyncProvider):
        provider._transport.aclose = aclose  # type: ignore[method-assign]
    else:
        provider._transport.close = closing


@for_each(
    [
        (APIConnectionError("x"), True),
        (APITimeoutError("x", field="read_timeout"), True),
        (APITimeoutError("x", field="total_timeout"), False),
        (APITimeoutError("x", field="timeout"), False),
        (StreamTruncatedError("x"), True),
        (LimitExceededError("x"), True),
        (RateLimitError("x"), True),
        (AuthenticationError("x"), True),
        (PermissionDeniedError("x"), True),
        (NotFoundError("x"), True),
        (InternalServerError("x"), True),
        (BadRequestError("x"), False),
        (InvalidRequestError("x"), False),
        (ConfigError("x"), False),
        (OutputFormatError("x"), False),
    ]
)
def test_which_errors_move_on(case: tuple[ProviderError, bool]) -> None:
    error, expected = case
    assert another_may_answer(error) is expected


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_stream_that_is_aborted_asks_nobody_else(backend: str) -> None:
    class Stuck(MemoryTransport):
        async def open(self, *args: Any, **options: Any) -> Any:
            raise APIConnectionError("aborted")

    async def main() -> None:
        second = FakeProvider("openai", [HELLO])
        config = ProviderConfig(type="openai", model="m", max_attempts=1)
        stuck = create_provider(config, transport=Stuck(FakeProvider("openai")), api_key=KEY)
        other = create_provider(config, transport=MemoryTransport(second), api_key=KEY)
        async with FallbackProvider([stuck, other]).stream(ASK) as stream:
            stream.abort()
            with pytest.raises(APIConnectionError):
                await anext(stream)
        assert second.requests == []
        assert stream.failures == ()

    anyio.run(main, backend=backend)
