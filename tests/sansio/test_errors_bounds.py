"""Which statuses are the provider's fault, at the edges of their range, and what an error's text counts."""

from __future__ import annotations

import pytest

from sansio.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ErrorContext,
    InternalServerError,
    LimitExceededError,
    ProviderError,
    status_error_kind,
)


@pytest.mark.parametrize(("status", "internal"), [(499, False), (500, True), (599, True), (600, False)])
def test_all_of_5xx_is_the_providers_fault(status: int, internal: bool) -> None:
    assert (status_error_kind(status) is InternalServerError) is internal


@pytest.mark.parametrize(("attempts", "shown"), [(0, False), (1, False), (2, True), (3, True)])
def test_more_than_one_attempt_is_reported(attempts: int, shown: bool) -> None:
    assert ("attempts)" in str(ProviderError("no", attempts=attempts))) is shown


def test_the_advice_is_a_separate_sentence() -> None:
    assert str(APIConnectionError("lost")).startswith("lost. Check ")
    for ended in ("lost.", "lost?", "lost!"):
        assert str(APIConnectionError(ended)).startswith(f"{ended} Check ")


def test_details_are_in_one_pair_of_brackets() -> None:
    error = ProviderError(
        "no", provider="p", model="m", request_id="r", offset=0, attempts=2, retry_after=0.5
    )
    assert str(error) == "p m: no (request id r, at byte 0, 2 attempts, asked to wait 0.5 s)"


@pytest.mark.parametrize("name", sorted(set(ErrorContext.__annotations__) - {"hint", "resumes"}))
def test_unknown_context_of_an_error_is_none(name: str) -> None:
    assert getattr(ProviderError("no"), name) is None


@pytest.mark.parametrize("kind", [ProviderError, LimitExceededError, APITimeoutError, APIStatusError])
def test_the_hint_is_the_advice_but_for_limits_and_clocks_whose_advice_names_a_field(
    kind: type[ProviderError],
) -> None:
    error = kind("no", field="max_event_bytes")
    if kind in (LimitExceededError, APITimeoutError):
        assert (error.hint, "max_event_bytes" in error.advice()) == ("", True)
    else:
        assert error.hint == error.advice()
