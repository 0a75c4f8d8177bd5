"""The states of a stream: what its table promises, and what any order of calls finds of it."""

from __future__ import annotations

from typing import assert_never

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import APIConnectionError, LocalProtocolError, Message, Provider, ProviderError, StreamComplete
from tests.transports.scripted import (
    ASK,
    KEY,
    STREAMING,
    Attempt,
    Clock,
    Kind,
    ScriptedSyncTransport,
    ScriptedTransport,
    answer,
    delta,
    openai,
)
from transports import EventStream, SyncEventStream
from transports.driving.endings import STREAM_TRANSITIONS, StreamState, StreamTrigger
from transports.driving.keys import KeySource

UNDONE = {StreamTrigger.CUT, StreamTrigger.RETURN}
"""What undoes an ending: the last event did not reach the consumer."""
FINAL = {state for state, row in STREAM_TRANSITIONS.items() if row.keys() <= UNDONE}


def test_every_state_has_a_row_and_can_be_reached() -> None:
    assert set(STREAM_TRANSITIONS) == set(StreamState)
    reached = {StreamState.OPEN}
    for _ in StreamState:
        reached |= {state for known in reached for state in STREAM_TRANSITIONS[known].values()}
    assert reached == set(StreamState)


def test_every_trigger_is_used_and_leads_to_one_state() -> None:
    leads: dict[StreamTrigger, set[StreamState]] = {trigger: set() for trigger in StreamTrigger}
    for row in STREAM_TRANSITIONS.values():
        for trigger, state in row.items():
            leads[trigger].add(state)
    assert all(len(states) == 1 for states in leads.values())


def test_an_ending_is_final_unless_the_last_event_does_not_reach_the_consumer() -> None:
    assert {StreamState.ENDED, StreamState.CLOSED, StreamState.CUT, StreamState.ABORTED} == FINAL
    assert [state for state in FINAL if STREAM_TRANSITIONS[state]] == [StreamState.ENDED]


@pytest.mark.parametrize("state", [state for state in StreamState if state in FINAL])
def test_every_ending_can_be_reached_from_a_stream_at_rest(state: StreamState) -> None:
    """Directly, or by the reader that it lets in."""
    at_rest = STREAM_TRANSITIONS[StreamState.OPEN]
    assert state in {*at_rest.values(), *STREAM_TRANSITIONS[at_rest[StreamTrigger.READ]].values()}


class Blocking:
    """A scripted stream that can be asked in any order, without an event loop."""

    def __init__(self, *attempts: Attempt) -> None:
        clock = Clock()
        self.script = ScriptedSyncTransport(attempts, clock)
        provider = Provider(openai(max_attempts=1))
        self._stream = SyncEventStream(
            provider,
            provider.call(ASK),
            self.script,
            KeySource(provider.config, KEY),
            now=clock.now,
            sleep=clock.wait,
        )
        self.result, self.abort = self._stream.result, self._stream.abort

    def read(self) -> object:
        return next(self._stream, None)

    def close(self) -> None:
        self._stream.close()


class Async:
    """The same for an async stream, each step in its own event loop."""

    def __init__(self, kind: str, *attempts: Attempt) -> None:
        clock = Clock()
        self.script = ScriptedTransport(attempts, clock)
        provider = Provider(openai(max_attempts=1))
        self._stream = EventStream(
            provider,
            provider.call(ASK),
            self.script,
            KeySource(provider.config, KEY),
            now=clock.now,
            sleep=clock.sleep,
        )
        self._kind = kind
        self.result, self.abort = self._stream.result, self._stream.abort

    def read(self) -> object:
        async def read() -> object:
            return await anext(self._stream, None)

        return anyio.run(read, backend=self._kind)

    def close(self) -> None:
        anyio.run(self._stream.aclose, backend=self._kind)


def made(kind: Kind, attempt: Attempt) -> Blocking | Async:
    match kind:
        case "blocking":
            return Blocking(attempt)
        case "asyncio" | "trio":
            return Async(kind, attempt)
        case _:
            assert_never(kind)


def outcome(stream: Blocking | Async) -> Message | str:
    try:
        return stream.result()
    except ProviderError as error:
        return str(error)


KINDS: list[Kind] = ["asyncio", "trio", "blocking"]
DEEDS = st.lists(st.sampled_from(["read", "close", "abort", "result"]), max_size=8)
ATTEMPTS: dict[str, Attempt] = {
    "an answer": answer("Hel", "lo"),
    "a cut answer": [STREAMING, delta("Hel"), APIConnectionError("reset")],
    "a lost connection": [APIConnectionError("reset")],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attempt", ATTEMPTS)
@given(deeds=DEEDS)
def test_the_first_ending_counts_whatever_is_called(kind: Kind, attempt: str, deeds: list[str]) -> None:
    stream = made(kind, ATTEMPTS[attempt])
    raised: list[str] = []
    whole = False
    ending: Message | str | None = None  # what result() gives from the first ending on
    for deed in deeds:
        match deed:
            case "read":
                try:
                    event = stream.read()
                except ProviderError as error:
                    raised.append(str(error))
                else:
                    assert event is None or ending is None, "an event after the end"
                    whole = whole or isinstance(event, StreamComplete)
            case "close":
                stream.close()
            case "abort":
                stream.abort()
        try:
            found: Message | str | None = stream.result()
        except LocalProtocolError:
            found = None
        except ProviderError as error:
            found = str(error)
        assert ending is None or found == ending
        ending = found
    assert len(raised) <= 1
    assert isinstance(ending, Message) == whole, "only an answer that was read to its end is one"
    assert not raised or outcome(stream) == raised[0]
    log = stream.script.log
    if ending is not None and "open" in log:
        assert log[-1] in ("release", "abort"), "an exchange outlives its stream"
