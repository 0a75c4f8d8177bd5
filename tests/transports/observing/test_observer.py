"""What an observer sees of each call, whatever drives it."""

from __future__ import annotations

import gc
import logging
from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from sansio import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    ContentDelta,
    Embeddings,
    InternalServerError,
    Message,
    ProviderConfig,
    ProviderError,
    ResponseInfo,
    StreamComplete,
    StreamEvent,
    StreamTruncatedError,
)
from sansio.testing import Answer, Broken, Failure, FakeProvider
from sansio.testing.script import Outcome
from tests.transports.scripted import (
    ASK,
    DONE,
    KEY,
    STREAMING,
    Attempt,
    Clock,
    Kind,
    ScriptedSyncTransport,
    ScriptedTransport,
    delta,
    finish,
    openai,
)
from transports import (
    Asked,
    MemoryTransport,
    Observation,
    Observer,
    SyncMemoryTransport,
    create_provider,
    create_sync_provider,
)

HELLO = Answer(text="Hello")


class Watching(Observation):
    def __init__(self, log: list[Any]) -> None:
        self.log = log
        self.firsts = 0
        self.seen = False

    def on_retry(self, error: ProviderError, seconds: float) -> None:
        self.log.append(("retry", type(error), error.attempts, seconds > 0))

    def on_first_event(self) -> None:
        self.firsts += 1

    def on_events(self, events: Sequence[StreamEvent]) -> None:
        assert self.firsts == 1
        self.seen = True
        self.log += events

    def on_end(self, outcome: object, response: ResponseInfo | None, *, stopped: bool) -> None:
        assert self.firsts == self.seen
        self.log.append(("end", outcome, response.status if response else None, stopped))


class Watcher(Observer):
    """Keeps what it sees."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.log: list[Any] = []

    def begin(self, asked: Asked) -> Observation:
        self.asked.append(asked)
        return Watching(self.log)

    @property
    def ends(self) -> list[Any]:
        return [entry for entry in self.log if isinstance(entry, tuple) and entry[0] == "end"]


@pytest.fixture(params=["asyncio", "trio", "blocking"])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def run(kind: Kind, watcher: Observer, script: list[Outcome], method: str, *args: Any, **options: Any) -> Any:
    """Call a method of a provider that is watched; what it gives, or what it raises."""
    fake = FakeProvider("openai", script)
    if kind == "blocking":
        sync = create_sync_provider(
            openai(), transport=SyncMemoryTransport(fake), api_key=KEY, observer=watcher
        )
        found = getattr(sync, method)(*args, **options)
        return [*found] if method == "stream" else found
    provider = create_provider(openai(), transport=MemoryTransport(fake), api_key=KEY, observer=watcher)

    async def main() -> Any:
        found = getattr(provider, method)(*args, **options)
        return [event async for event in found] if method == "stream" else await found

    return anyio.run(main, backend=kind)


def test_a_stream_shows_its_events_and_its_end(kind: Kind) -> None:
    watcher = Watcher()
    events = run(kind, watcher, [HELLO], "stream", iter(ASK), temperature=0, model="other")
    assert watcher.log[:-1] == events
    assert watcher.ends == [("end", events[-1].message, 200, False)]
    (asked,) = watcher.asked
    assert (asked.operation, asked.stream, asked.model) == ("chat", True, "other")
    assert (asked.address, asked.port) == ("api.openai.com", 443)
    assert asked.messages == ASK
    assert asked.options == {"temperature": 0, "model": "other"}


def test_other_calls_show_what_they_give(kind: Kind) -> None:
    watcher = Watcher()
    answer = run(kind, watcher, [HELLO], "complete", ASK)
    vectors = run(kind, watcher, [], "embed", ["a"], model="e")
    models = run(kind, watcher, [], "list_models")
    assert isinstance(answer, Message)
    assert isinstance(vectors, Embeddings)
    assert [end[1] for end in watcher.ends] == [answer, vectors, tuple(models)]
    assert [(asked.operation, asked.model, asked.stream) for asked in watcher.asked] == [
        ("chat", "gpt-x", False),
        ("embeddings", "e", False),
        ("list_models", None, False),
    ]


def test_a_count_of_tokens_is_watched(kind: Kind) -> None:
    watcher = Watcher()
    config = ProviderConfig(type="anthropic", model="claude-x")
    if kind == "blocking":
        memory = SyncMemoryTransport(FakeProvider("anthropic"))
        sync = create_sync_provider(config, transport=memory, api_key=KEY, observer=watcher)
        count = sync.count_tokens(iter(ASK))
    else:
        fake = MemoryTransport(FakeProvider("anthropic"))
        provider = create_provider(config, transport=fake, api_key=KEY, observer=watcher)
        count = anyio.run(provider.count_tokens, iter(ASK), backend=kind)
    assert watcher.ends == [("end", count, 200, False)]
    assert watcher.asked[0].operation == "count_tokens"


def test_a_retry_is_seen_and_logged(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "transports")
    watcher, clock = Watcher(), Clock()
    attempts: list[Attempt] = [
        [STREAMING, APIConnectionError(f"reset, and {KEY} was sent")],
        [STREAMING, delta("Hel"), finish(), DONE],
    ]
    if kind == "blocking":
        sync = create_sync_provider(
            openai(), transport=ScriptedSyncTransport(attempts, clock), api_key=KEY, observer=watcher
        )
        stream = sync.stream(ASK)
        stream._sleep = clock.wait
        assert [*stream][-1] == StreamComplete(stream.result())
    else:

        async def main() -> None:
            provider = create_provider(
                openai(), transport=ScriptedTransport(attempts, clock), api_key=KEY, observer=watcher
            )
            stream = provider.stream(ASK)
            stream._sleep = clock.sleep
            assert [event async for event in stream][-1] == StreamComplete(stream.result())

        anyio.run(main, backend=kind)
    assert watcher.log[:2] == [("retry", StreamTruncatedError, 1, True), ContentDelta("Hel")]
    assert len(watcher.ends) == 1
    (record,) = caplog.records
    assert record.levelname == "INFO"
    assert record.name == "transports"
    assert "attempt 1 failed with StreamTruncatedError of openai gpt-x" in caplog.text
    assert KEY not in caplog.text


def test_a_failure_ends_it_once_with_its_key_masked(kind: Kind) -> None:
    cases: list[tuple[Outcome, type[ProviderError]]] = [
        (Failure(status=401, message=f"no such key: {KEY}"), AuthenticationError),
        (Broken(answer=Answer(text="one two three"), after=2), StreamTruncatedError),
        (Failure(status=400), BadRequestError),
    ]
    for outcome, error in cases:
        watcher = Watcher()
        with pytest.raises(error):
            run(kind, watcher, [outcome], "stream", ASK)
        (end,) = watcher.ends
        assert type(end[1]) is error
        assert KEY not in str(end[1])
        assert end[3] is False


def test_a_missing_key_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    watcher = Watcher()
    memory = SyncMemoryTransport(FakeProvider("openai"))
    with pytest.raises(ConfigError):
        create_sync_provider(openai(), transport=memory, observer=watcher).complete(ASK)
    assert isinstance(watcher.ends[0][1], ConfigError)


def test_a_stream_that_its_consumer_leaves_has_stopped() -> None:
    watcher = Watcher()
    fake = FakeProvider("openai", [Answer(text="one two three")] * 3)
    provider = create_sync_provider(
        openai(), transport=SyncMemoryTransport(fake), api_key=KEY, observer=watcher
    )
    with provider.stream(ASK) as stream:
        next(stream)
    stream = provider.stream(ASK)
    next(stream)
    stream.abort()
    with pytest.raises(APIConnectionError):
        next(stream)
    for _ in provider.stream(ASK):
        break
    del stream
    gc.collect()
    assert [(type(end[1]), end[3]) for end in watcher.ends] == [(APIConnectionError, True)] * 3


def test_a_call_that_is_never_begun_is_not_seen() -> None:
    watcher = Watcher()
    provider = create_sync_provider(
        openai(), transport=SyncMemoryTransport(FakeProvider("openai")), api_key=KEY, observer=watcher
    )
    provider.stream(ASK).close()
    assert (watcher.asked, watcher.log) == ([], [])


def test_an_observer_needs_no_methods() -> None:
    fake = FakeProvider("openai", [HELLO, Failure(status=503)])
    provider = create_sync_provider(
        openai(max_attempts=1), transport=SyncMemoryTransport(fake), api_key=KEY, observer=Observer()
    )
    assert provider.complete(ASK).text == "Hello"
    with pytest.raises(InternalServerError):
        provider.complete(ASK)
