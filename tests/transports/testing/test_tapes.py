"""Transports that record what another sends and receives, and those that answer from the tape."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import anyio
import pytest
from anyio.lowlevel import checkpoint

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    End,
    Head,
    LocalProtocolError,
    Message,
    ProviderConfig,
    ProviderError,
    Request,
    StreamTruncatedError,
)
from sansio.http import Input
from sansio.testing import Answer, Broken, Ending, FakeProvider, FakeResponse, Responder
from sansio.testing.tape import Cuts, ExchangeLog, Tape, TapeMismatchError, encode_session, read_tape
from tests.support import for_each
from tests.transports.scripted import ASK, KEY
from tests.transports.testing.conformance.wrapping import Wrapper
from transports import (
    AnyioTransport,
    Exchange,
    MemoryTransport,
    RecordingTransport,
    ReplayTransport,
    SyncExchange,
    SyncMemoryTransport,
    SyncRecordingTransport,
    SyncReplayTransport,
    SyncTransport,
    Transport,
    create_provider,
    create_sync_provider,
)
from transports.interface import is_resumable
from transports.testing.conformance import check_sync_transport, check_transport

CONFIG = ProviderConfig(type="openai", model="m")
REQUEST = Request.post("http://localhost/v1", (("authorization", f"Bearer {KEY}"),), b"{}")
LAWS = (
    "open-returns",
    "inputs-in-order",
    "request-as-given",
    "lost-in-body",
    "read-timeout",
    "abort-wakes",
    "abort-again",
)
"""Some of those that do not need connections; all of them were tried."""
NEVER = 1e6  # seconds


def tape_of(request: Request, response: FakeResponse) -> Tape:
    """A tape with one response. A server that goes silent sends its end much later."""
    log = ExchangeLog(1, request)
    lines = [encode_session(), log.begin()]
    headers = tuple((name.lower(), value) for name, value in response.headers)
    answer: list[Input] = [Head(response.status, headers), *map(Body, response.pieces)]
    lines += [log.take(value, 0.0) for value in answer if not response.silent]
    if response.ending is Ending.HOLD:
        lines.append(log.take(End(), NEVER))
    elif response.ending is Ending.FINISH and not response.silent:
        lines.append(log.take(End(), 0.0))
    return read_tape(b"".join(lines))


class Taped:
    """A server of the kit, each of whose answers is put on a tape and replayed from there, in real time."""

    resumable = True

    def __init__(self, server: Responder) -> None:
        self.server = server

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        await checkpoint()
        tape = tape_of(request, self.server.respond(request))
        with anyio.CancelScope(shield=True):  # this server has the request already
            exchange = await ReplayTransport(tape, speed=1.0).open(request, timeout)
        return exchange  # noqa: RET504 - for mypy, a scope may swallow what is raised in it

    async def aclose(self) -> None:
        pass


class SyncTaped:
    """The same without an event loop."""

    def __init__(self, server: Responder) -> None:
        self.server = server

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> SyncExchange:
        tape = tape_of(request, self.server.respond(request))
        return SyncReplayTransport(tape, speed=1.0).open(request, timeout)

    def close(self) -> None:
        pass


def test_replays_keep_the_laws_of_transports(anyio_backend: str) -> None:
    report = check_transport(Taped, backend=anyio_backend, in_memory=True, laws=LAWS)
    assert report.ok, str(report)


def test_replays_keep_the_laws_without_a_loop() -> None:
    report = check_sync_transport(SyncTaped, in_memory=True, laws=LAWS)
    assert report.ok, str(report)


def test_a_recorder_keeps_the_laws_that_its_transport_keeps(tmp_path: Path) -> None:
    path = tmp_path / "laws.jsonl"

    def recorder(server: Responder) -> RecordingTransport:
        return RecordingTransport(MemoryTransport(server), path)

    def sync_recorder(server: Responder) -> SyncRecordingTransport:
        return SyncRecordingTransport(SyncMemoryTransport(server), path)

    report = check_transport(recorder, in_memory=True, laws=LAWS)
    assert report.ok, str(report)
    report = check_sync_transport(sync_recorder, in_memory=True, laws=LAWS)
    assert report.ok, str(report)
    tape = read_tape(path.read_bytes())  # every law has its own recorder, and they all wrote to this tape
    assert tape.torn == 0
    assert len(tape.exchanges) > len(LAWS)
    assert b"sk-conformance" not in path.read_bytes()


SCRIPT = (Answer(text="Hello there, you."), Broken(answer=Answer(text="One two three."), after=2))


async def ask(transport: Transport, key: str = KEY) -> list[Message | ProviderError]:
    """A whole answer, then a stream, in which the server may fail."""
    found: list[Message | ProviderError] = []
    async with create_provider(CONFIG, transport=transport, api_key=key) as provider:
        found.append(await provider.complete(ASK))
        try:
            async with provider.stream(ASK, seed=1) as stream:
                async for _ in stream:
                    pass
            found.append(stream.result())
        except ProviderError as error:
            found.append(error)
    return found


def ask_blocking(transport: SyncTransport, key: str = KEY) -> list[Message | ProviderError]:
    found: list[Message | ProviderError] = []
    with create_sync_provider(CONFIG, transport=transport, api_key=key) as provider:
        found.append(provider.complete(ASK))
        try:
            with provider.stream(ASK, seed=1) as stream:
                for _ in stream:
                    pass
            found.append(stream.result())
        except ProviderError as error:
            found.append(error)
    return found


def said(found: list[Message | ProviderError]) -> list[object]:
    """What can be compared of answers and errors."""
    return [(str(each), each.partial) if isinstance(each, ProviderError) else each for each in found]


@pytest.mark.anyio
@pytest.mark.parametrize("cuts", ["recorded", "event", "byte"])
async def test_a_replay_gives_the_same_answers_and_errors(tmp_path: Path, cuts: Cuts) -> None:
    path = tmp_path / "calls.jsonl"
    recorder = RecordingTransport(MemoryTransport(FakeProvider("openai", SCRIPT)), path)
    recorded = await ask(recorder)
    await recorder.aclose()
    assert KEY.encode() not in path.read_bytes()
    replay = ReplayTransport(path, cuts=cuts)
    assert said(await ask(replay, "another-key-than-then")) == said(recorded)
    assert isinstance(recorded[-1], StreamTruncatedError)
    assert replay.remaining == ()
    await replay.aclose()
    # What was recorded with an event loop is replayed without one.
    sync_replay = SyncReplayTransport(path, cuts=cuts)
    assert said(ask_blocking(sync_replay)) == said(recorded)
    sync_replay.close()


def test_the_blocking_recorder_writes_the_same_tape(tmp_path: Path) -> None:
    paths = tmp_path / "async.jsonl", tmp_path / "sync.jsonl"
    servers = FakeProvider("openai", SCRIPT), FakeProvider("openai", SCRIPT)
    recorder = RecordingTransport(MemoryTransport(servers[0]), paths[0], now=lambda: 0.0)
    anyio.run(ask, recorder)
    sync_recorder = SyncRecordingTransport(SyncMemoryTransport(servers[1]), paths[1], now=lambda: 0.0)
    ask_blocking(sync_recorder)
    sync_recorder.close()
    recorder.close_tape()
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert recorder.path == paths[0]


@pytest.mark.anyio
async def test_a_request_that_is_not_on_the_tape_is_an_error_that_names_the_field() -> None:
    replay = ReplayTransport(Tape())
    provider = create_provider(CONFIG, transport=replay, api_key=KEY)
    with pytest.raises(TapeMismatchError, match="the tape has no answer to POST") as caught:
        await provider.complete(ASK)
    assert caught.value.attempts == 1
    with pytest.raises(TapeMismatchError):
        SyncReplayTransport(Tape()).open(REQUEST, 1.0)


class Failing(MemoryTransport):
    """A transport that fails to open."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(FakeProvider())
        self.error = error

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> NoReturn:
        raise self.error


class SyncFailing(SyncMemoryTransport):
    """The same without an event loop."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(FakeProvider())
        self.error = error

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> NoReturn:
        raise self.error


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (APIConnectionError("no connection to localhost:80"), "no connection to localhost:80"),
        (RuntimeError("something else"), "the caller stopped reading here"),
    ],
)
async def test_what_fails_to_open_is_on_the_tape(tmp_path: Path, error: BaseException, words: str) -> None:
    path = tmp_path / "a.jsonl"
    with pytest.raises(type(error)):
        await RecordingTransport(Failing(error), path).open(REQUEST, 1.0)
    with pytest.raises(type(error)):
        SyncRecordingTransport(SyncFailing(error), path).open(REQUEST, 1.0)
    replay = ReplayTransport(path)
    for _ in range(2):
        exchange = await replay.open(REQUEST, 1.0)
        with pytest.raises(APIConnectionError, match=words):
            await exchange.receive(1.0)
        with pytest.raises(LocalProtocolError, match="after the end"):
            await exchange.receive(1.0)


def test_a_recorder_goes_on_behind_a_line_that_a_crash_tore(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    server = FakeProvider("openai", [Answer(text="One"), Answer(text="Two")])
    recorder = SyncRecordingTransport(SyncMemoryTransport(server), path)
    with create_sync_provider(CONFIG, transport=recorder, api_key=KEY) as provider:
        provider.complete(ASK)
        recorder.close_tape()  # the next exchange opens the file again, and the session goes on
        written = path.read_bytes()
        path.write_bytes(written[:-9])
        again = SyncRecordingTransport(SyncMemoryTransport(server), path)
        with create_sync_provider(CONFIG, transport=again, api_key=KEY) as other:
            other.complete(ASK)
        again.close()
    tape = read_tape(path.read_bytes())
    assert path.read_bytes().startswith(written[:-9] + b"\n")
    assert tape.torn == 1
    assert [exchange.complete for exchange in tape.exchanges] == [False, True]


def test_what_was_written_is_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    response = FakeResponse(headers=(("content-type", "text/event-stream"),), pieces=(b"data: 1\n\n",))
    exchange = SyncRecordingTransport(SyncMemoryTransport(Fixed(response)), path).open(REQUEST, 1.0)
    sizes = [path.stat().st_size]
    for _ in range(3):
        exchange.receive(1.0)
        sizes.append(path.stat().st_size)
    assert sizes == sorted(set(sizes))


class Fixed:
    """A server with one response."""

    def __init__(self, response: FakeResponse) -> None:
        self.response = response

    def respond(self, request: Request) -> FakeResponse:
        return self.response


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_a_tape_that_cannot_be_written_is_an_error_and_the_exchange_is_still_dropped() -> None:
    memory = SyncMemoryTransport(Fixed(FakeResponse()))
    with pytest.raises(OSError, match="No space left"):
        SyncRecordingTransport(memory, "/dev/full").open(REQUEST, 1.0)
    assert memory.opened == 0


@pytest.mark.anyio
async def test_in_real_time_an_input_waits_for_its_time_and_no_longer_than_is_allowed() -> None:
    tape = tape_of(REQUEST, FakeResponse(ending=Ending.HOLD))
    exchange = await ReplayTransport(tape, speed=1.0).open(REQUEST, 1.0)
    assert await exchange.receive(None) == Head(200)
    with pytest.raises(APITimeoutError) as caught:
        await exchange.receive(0.01)
    assert caught.value.field == "read_timeout"
    # A thousand million times as fast, the million seconds are a millisecond.
    fast = await ReplayTransport(tape, speed=1e9).open(REQUEST, 1.0)
    assert [await fast.receive(None), await fast.receive(60.0)] == [Head(200), End()]
    blocking = SyncReplayTransport(tape, speed=1e9).open(REQUEST, 1.0)
    assert [blocking.receive(None), blocking.receive(60.0)] == [Head(200), End()]


INVALID: list[dict[str, Any]] = [{"cuts": "word"}, {"speed": 0.0}, {"speed": float("inf")}]


@for_each(INVALID)
def test_an_invalid_argument_is_named(arguments: dict[str, Any]) -> None:
    for kind in (ReplayTransport, SyncReplayTransport):
        with pytest.raises(ValueError, match=f"{next(iter(arguments))}: must be"):
            kind(Tape(), **arguments)


def test_a_recorder_is_resumable_where_its_transport_is(tmp_path: Path) -> None:
    assert is_resumable(RecordingTransport(AnyioTransport(), tmp_path / "a"))
    assert not is_resumable(RecordingTransport(Wrapper(), tmp_path / "a"))
    assert is_resumable(ReplayTransport(Tape()))
    assert not (tmp_path / "a").exists()  # nothing was sent
