"""The state of a submission: one small JSON, and when to look again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import BatchPart, BatchState, InvalidRequestError

PART = BatchPart(id="b", count=3, digest="d", answered=1, failed=1)
STATE = BatchState(origin="openai/chat", submitted=100.0, parts=(PART, PART))

PARTS = st.builds(
    BatchPart,
    id=st.text(max_size=5),
    count=st.integers(0, 10**6),
    digest=st.text(max_size=16),
    status=st.sampled_from(["running", "cancelling", "completed", "failed", "expired", "cancelled"]),
    said=st.text(max_size=5),
    model=st.none() | st.text(max_size=5),
    input_file=st.none() | st.just("file-1"),
    error=st.none() | st.text(max_size=5),
)


@given(
    st.lists(PARTS, max_size=2),
    st.none() | PARTS,
    st.integers(0, 9),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_state_is_the_same_when_it_was_json(
    parts: list[BatchPart], making: BatchPart | None, left: int, submitted: float
) -> None:
    state = BatchState(
        origin="openai/chat", submitted=submitted, parts=tuple(parts), making=making, left=left
    )
    assert BatchState.from_json(state.to_json()) == state
    assert state.finished == (making is None and all(part.finished for part in parts))
    assert state.whole == (making is None and left == 0)


def test_a_state_is_small_and_names_its_version() -> None:
    assert json.loads(STATE.to_json())["version"] == 1
    assert len(STATE.to_json()) < 300
    assert (STATE.count, STATE.answered, STATE.failed, STATE.finished) == (6, 2, 2, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        b"\xff",
        STATE.to_json()[:-1],
        STATE.to_json().replace('"version":1', '"version":2'),
        STATE.to_json().replace('"version":1', '"version":1,"more":0'),
        STATE.to_json().replace('"count":3', '"count":"3"'),
    ],
)
def test_what_is_no_state_of_this_version_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidRequestError, match="state: is not a BatchState of version 1"):
        BatchState.from_json(text)


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
def test_the_pause_grows_with_the_age_and_stays_between_15_seconds_and_10_minutes(
    now: float, later: float
) -> None:
    assert 15 <= STATE.pause(now) <= STATE.pause(now + later) <= 600


def test_an_hour_old_batch_is_looked_at_after_six_minutes() -> None:
    assert STATE.pause(STATE.submitted + 3_600) == pytest.approx(360)
