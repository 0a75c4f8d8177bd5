"""The table of a call's states: complete, reachable, and with no way out of its final states."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sansio import (
    Body,
    End,
    Head,
    LocalProtocolError,
    Lost,
    ProviderError,
    Send,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    Wait,
)
from sansio.states import TRANSITIONS, WANTS_INPUT, CallState, Trigger
from tests.sansio.exchanges import (
    HI,
    JSON_HEAD,
    MALFORMED,
    REFUSED,
    SSE_HEAD,
    STALE,
    STOP,
    TIMEOUT,
    Input,
    call,
)

FINAL = (CallState.COMPLETE, CallState.FAILED)


def test_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(CallState)


def test_a_call_ends_in_two_states_and_can_fail_in_every_other() -> None:
    for state, ways in TRANSITIONS.items():
        if state in FINAL:
            assert ways == {}
        else:
            assert ways[Trigger.FAIL] is CallState.FAILED


def test_only_an_exchange_under_way_wants_input() -> None:
    taking = {CallState.READY: Trigger.SEND, CallState.BACKOFF: Trigger.WAIT}
    for state in CallState:
        assert (state in WANTS_INPUT) is (state not in FINAL and taking.get(state) not in TRANSITIONS[state])


def test_every_state_can_be_reached_from_the_first_and_can_reach_an_end() -> None:
    reached = {CallState.READY}
    for _ in CallState:
        reached |= {after for state in reached for after in TRANSITIONS[state].values()}
    assert reached == set(CallState)
    ending = set(FINAL)
    for _ in CallState:
        ending |= {state for state in CallState if ending & set(TRANSITIONS[state].values())}
    assert ending == set(CallState)


def test_nothing_leads_back_to_an_exchange_but_a_new_request() -> None:
    for ways in TRANSITIONS.values():
        assert all((after is CallState.HEAD) == (trigger is Trigger.SEND) for trigger, after in ways.items())


def test_every_trigger_is_used() -> None:
    assert {trigger for ways in TRANSITIONS.values() for trigger in ways} == set(Trigger)


INPUTS: list[Input] = [
    SSE_HEAD,
    JSON_HEAD,
    Head(100),
    Head(401),
    Head(503),
    Body(HI),
    Body(STOP),
    Body(b"data: [DONE]\n\n"),
    Body(b"{}"),
    End(),
    *(Lost(error) for error in (REFUSED, STALE, TIMEOUT, MALFORMED)),
]


class Calls(RuleBasedStateMachine):
    """Any input and any step in any state moves a call along the table, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.call = call("openai")
        self.was = self.call.state
        self.lasts = 0

    @rule(value=st.sampled_from(INPUTS))
    def receive(self, value: Input) -> None:
        wanted = self.call.wants_input
        try:
            events = self.call.receive(value)
        except LocalProtocolError:
            assert self.call.state is self.was
            return
        assert wanted or events == []
        self.count(events)

    @rule()
    def step(self) -> None:
        before = self.call.state
        try:
            step = self.call.next_step()
        except LocalProtocolError:
            assert before in WANTS_INPUT
            return
        expected = {CallState.READY: Send, CallState.BACKOFF: Wait}.get(before, type(None))
        assert type(step) is expected

    @rule()
    @precondition(lambda self: self.call.attempts > 1)
    def fail(self) -> None:
        self.count(self.call.fail(ProviderError("enough")))

    def count(self, events: list[StreamEvent]) -> None:
        self.lasts += sum(isinstance(event, (StreamComplete, StreamFailed)) for event in events)

    @invariant()
    def along_the_table(self) -> None:
        now = self.call.state
        # A head that ends the call immediately passes through the state that it begins.
        beyond = {
            after for middle in TRANSITIONS[self.was].values() for after in TRANSITIONS[middle].values()
        }
        assert now is self.was or now in TRANSITIONS[self.was].values() or now in beyond
        self.was = now

    @invariant()
    def one_last_event_at_the_end_and_none_before(self) -> None:
        assert self.lasts == (self.call.state in FINAL)
        assert self.call.wants_input is (self.call.state in WANTS_INPUT)


Calls.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestCalls = Calls.TestCase


@pytest.mark.parametrize("state", CallState)
def test_a_state_has_a_name_for_people(state: CallState) -> None:
    assert state.value == state.name.lower().replace("_", " ")


DIAGRAM = Path(__file__).parents[2] / "docs" / "retries.md"


def test_the_diagram_in_the_documentation_is_the_table() -> None:
    drawn = re.findall(r"^    (\w+) --> (\w+): (.*)$", DIAGRAM.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(drawn) == sorted(
        (state.name, after.name, trigger.value)
        for state, ways in TRANSITIONS.items()
        for trigger, after in ways.items()
    )
