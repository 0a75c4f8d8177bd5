"""The whole table of a call's states, written out once more."""

from __future__ import annotations

from sansio.states import TRANSITIONS, WANTS_INPUT

ENDS = {"the answer is whole": "complete", "may be tried again": "backoff", "failed for good": "failed"}
TABLE = {
    "ready": {"send": "head", "failed for good": "failed"},
    "head": {
        "a stream begins": "stream",
        "a whole answer begins": "whole",
        "an error status": "error body",
        "lost on a reused connection": "ready",
        "may be tried again": "backoff",
        "failed for good": "failed",
    },
    "stream": ENDS,
    "whole": ENDS,
    "error body": {"may be tried again": "backoff", "failed for good": "failed"},
    "backoff": {"wait": "ready", "failed for good": "failed"},
    "complete": {},
    "failed": {},
}


def test_the_table_of_states() -> None:
    assert {
        state.value: {trigger.value: to.value for trigger, to in ways.items()}
        for state, ways in TRANSITIONS.items()
    } == TABLE


def test_the_states_of_an_exchange() -> None:
    assert {state.value for state in WANTS_INPUT} == {"head", "stream", "whole", "error body"}
