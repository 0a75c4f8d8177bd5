"""An interrupt at any line of a blocking call leaves its stream, its provider and its transport in order."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from sansio import (
    APIConnectionError,
    Body,
    ContentDelta,
    End,
    Head,
    LocalProtocolError,
    Message,
    Provider,
    ProviderError,
    StreamComplete,
)
from tests.transports.interrupts import interrupt, lines_of, moments
from tests.transports.scripted import (
    ASK,
    STREAMING,
    WHOLE,
    Attempt,
    Clock,
    ScriptedSyncTransport,
    answer,
    delta,
    error_body,
    openai,
    whole,
)
from transports.driving.keys import KeySource
from transports.driving.sync_driver import SyncEventStream

ROOMS = ("sansio/call.py", "sansio/fetch.py", "sansio/parser.py", "transports/driving")

ONE_READ = Body(b"".join(item.data for item in answer("Hel", "lo") if isinstance(item, Body)))


def attempts(name: str) -> list[Attempt]:
    """New ones each time: an error that was raised holds the frames that it went through."""
    match name:
        case "an answer in one read":
            return [[STREAMING, ONE_READ]]
        case "a whole answer":
            return [[WHOLE, whole("Hello"), End()]]
        case "a retry and a stale connection":
            stale = APIConnectionError("closed", reused=True)
            return [[Head(503), error_body("busy"), End()], [stale], answer("Hello")]
        case "a cut answer":
            return [[STREAMING, delta("Hel"), APIConnectionError("reset")]]
        case _:
            raise AssertionError(name)


PROVIDER = Provider(openai())  # one for all, so that an interrupt which breaks it shows in what follows
KEYS = KeySource(PROVIDER.config, "a-key-for-the-test")

NAMES = (
    "an answer in one read",
    "a whole answer",
    "a retry and a stale connection",
    "a cut answer",
)


@pytest.fixture(autouse=True)
def _collect_nothing() -> Iterator[None]:
    """The end of an earlier test's stream would be traced, too, and shift the lines."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Log:
    """A raw log that keeps nothing."""

    def on_request(self, endpoint: str, payload: dict[str, Any]) -> None: ...

    def on_response(self, status: int, body: dict[str, Any]) -> None: ...

    def on_chunk(self, chunk: dict[str, Any]) -> None: ...


class Bench:
    """A provider by a script, and one stream of it."""

    def __init__(self, given: list[Attempt]) -> None:
        self.clock = Clock()
        self.transport = ScriptedSyncTransport([*given, answer("again")], self.clock)
        self.texts: list[str] = []
        self.complete = False
        self.stream = self.open()

    def open(self) -> SyncEventStream:
        call = PROVIDER.call(ASK, record=True)
        return SyncEventStream(
            PROVIDER, call, self.transport, KEYS, Log(), now=self.clock.now, sleep=self.clock.wait
        )

    def read(self) -> None:
        """Read on to the end. What was received stays here, also where it does not end."""
        for event in self.stream:
            if isinstance(event, ContentDelta):
                self.texts.append(event.text)
            self.complete = isinstance(event, StreamComplete)

    def outcome(self) -> Message | str:
        """What `result()` gives or raises, which is final."""
        try:
            return self.stream.result()
        except LocalProtocolError:
            raise
        except ProviderError as error:
            return str(error)

    def check(self) -> None:
        """What holds after every ending: nothing is open, and the provider serves the next call."""
        opened = sum(entry.startswith("open") for entry in self.transport.log)
        released = sum(entry in ("release", "abort") for entry in self.transport.log)
        assert opened <= released
        self.transport.attempts = iter([answer("again")])
        again = self.open()
        assert [event.text for event in again if isinstance(event, ContentDelta)] == ["again"]
        assert again.result().text == "again"


def each_moment(
    deed: Callable[[Bench], object], name: str, rooms: tuple[str, ...] = ROOMS
) -> Iterator[Bench]:
    """Benches on which `deed` was interrupted, each before another line. A failed assertion says which."""
    deed(Bench(attempts(name)))  # what is done once in a process is done now
    plain = Bench(attempts(name))
    lines = lines_of(lambda: deed(plain), rooms)
    for moment in moments(lines):
        bench = Bench(attempts(name))
        assert interrupt(partial(deed, bench), rooms, moment)
        try:
            yield bench
        except AssertionError as error:
            error.add_note(f"interrupted before {lines[moment]}")
            raise


def read(bench: Bench) -> ProviderError | None:
    """Read on to the end, and return the error that it ends with."""
    try:
        bench.read()
    except ProviderError as error:
        return error
    return None


def leave(bench: Bench) -> None:
    """Read one event, and leave the block."""
    with bench.stream:
        next(bench.stream)


def ask(bench: Bench) -> None:
    read(bench)
    bench.outcome()


@pytest.mark.parametrize("name", NAMES)
def test_a_read_that_is_interrupted_at_any_line_goes_on_or_says_that_it_was_cut(name: str) -> None:
    plain = Bench(attempts(name))
    read(plain)
    due = plain.outcome()
    # The call is tried in the short scenarios; a retry takes the driver through more of its states.
    for bench in each_moment(read, name, ROOMS[-1:] if "retry" in name else ROOMS):
        error = read(bench)
        assert bench.complete == (error is None), "it ended silently"
        if error is None:
            assert bench.texts == plain.texts
        outcome = bench.outcome()
        assert outcome == (due if error is None else str(error))
        assert read(bench) is None, "it raised twice"
        bench.check()


def test_a_block_that_is_interrupted_at_any_line_can_be_left_again() -> None:
    for bench in each_moment(leave, "an answer in one read", ROOMS[-1:]):
        bench.stream.close()
        assert isinstance(bench.outcome(), str), "a stream that was left is no whole answer"
        bench.check()


def test_a_block_that_is_interrupted_at_any_line_releases_its_connection_with_its_stream() -> None:
    """Before the first line of `close()` an interrupt leaves that to the stream's own end."""
    for bench in each_moment(leave, "an answer in one read", ROOMS[-1:]):
        del bench.stream
        bench.check()


def test_a_result_that_is_interrupted_at_any_line_can_be_asked_for_again() -> None:
    for bench in each_moment(ask, "a whole answer", ROOMS[-1:]):
        read(bench)
        bench.outcome()
        bench.check()
