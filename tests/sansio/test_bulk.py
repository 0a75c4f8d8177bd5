"""Many calls as one piece of work: which errors end it, how often a call is tried, and the results' order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    CallResult,
    ConfigError,
    FallbackError,
    InvalidRequestError,
    Message,
    NotFoundError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    RetrySchedule,
    Role,
    no_call_can_succeed,
)
from sansio.bulk import MAX_REFUSALS, Attempts, Shelf

BUSY = RateLimitError("busy", status=429)
SPENT = RateLimitError("spent", status=429, code="insufficient_quota")
REFUSED = AuthenticationError("no such key", status=401)
LOST = APIConnectionError("lost")


@pytest.mark.parametrize(
    ("error", "stops"),
    [
        (REFUSED, True),
        (ConfigError("no key"), True),
        (APIStatusError("pay", status=402), True),
        (SPENT, True),
        (BUSY, False),
        (PermissionDeniedError("not this prompt", status=403), False),
        (NotFoundError("no such model", status=404), False),
        (InvalidRequestError("this one"), False),
        (LOST, False),
        (FallbackError.of((REFUSED, SPENT)), True),
        (FallbackError.of((REFUSED, LOST)), False),
    ],
)
def test_which_errors_are_those_of_every_other_call_too(error: ProviderError, stops: bool) -> None:
    assert no_call_can_succeed(error) is stops


def test_a_refusal_is_no_failed_attempt_and_does_not_wait_here() -> None:
    attempts = Attempts(RetrySchedule(max_attempts=2))
    for _ in range(MAX_REFUSALS):
        assert attempts.next(BUSY, lambda: 0.0) == 0.0
    assert attempts.next(LOST, lambda: 0.0) == 1.0
    assert attempts.next(LOST, lambda: 0.0) is None
    assert attempts.next(BUSY, lambda: 0.0) is None


def test_of_several_providers_the_first_that_may_answer_counts() -> None:
    attempts = Attempts(RetrySchedule())
    assert attempts.next(FallbackError.of((REFUSED, LOST)), lambda: 0.0) == 1.0
    assert attempts.next(FallbackError.of((REFUSED, BUSY)), lambda: 0.0) == 0.0
    assert attempts.next(FallbackError.of((REFUSED, SPENT)), lambda: 0.0) is None


def test_a_result_gives_its_answer_or_raises_its_error() -> None:
    answer = Message(Role.ASSISTANT, "x")
    assert CallResult[str, None](index=0, input="a", answer=answer).get() is answer
    with pytest.raises(APIConnectionError) as caught:
        CallResult[str, None](index=0, input="a", error=LOST).get()
    assert caught.value is not LOST


@given(order=st.permutations(range(6)), ordered=st.booleans())
def test_results_are_handed_out_as_they_complete_or_in_order(order: list[int], ordered: bool) -> None:
    shelf: Shelf[int, None] = Shelf(ordered=ordered)
    handed_out = []
    for index in order:
        shelf.put(CallResult(index=index, input=index))
        while (result := shelf.take()) is not None:
            handed_out.append(result.index)
    assert handed_out == (sorted(order) if ordered else order)
