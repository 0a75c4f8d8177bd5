"""Anthropic's error objects: the code under `details`, and what it means for another attempt."""

from __future__ import annotations

import json

import pytest

from sansio import APIStatusError, JSONObject, RateLimitError, RetrySchedule
from sansio.providers import dialect_named
from tests.sansio.wires import claude, failure, parse

DIALECT = dialect_named("anthropic")


def body_with(details: object, type: str = "rate_limit_error") -> JSONObject:
    error = {"type": type, "message": "no", "details": details}
    return {"type": "error", "error": error, "request_id": "req_1"}  # type: ignore[dict-item]  # JSON of any kind


def errors_of(details: object) -> list[APIStatusError]:
    """The error of a response, and the same inside a stream."""
    body = body_with(details)
    streamed = failure(parse("anthropic", [claude(body)]))
    assert isinstance(streamed, APIStatusError)
    return [DIALECT.parse_error(429, (), json.dumps(body)), streamed]


@pytest.mark.parametrize("code", ["contract_spend_limit_reached", "enforced_spend_limit_reached"])
def test_a_spend_limit_that_is_reached_is_not_asked_again(code: str) -> None:
    for error in errors_of({"error_code": code}):
        assert isinstance(error, RateLimitError)
        assert (error.status, error.code, error.error_type) == (429, code, "rate_limit_error")
        assert RetrySchedule().wait(error, 0, lambda: 0.0) is None


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"error_code": "ramp_limit_exceeded"}, "ramp_limit_exceeded"),
        ({"error_code": None}, None),
        ({"other": 1}, None),
        ({}, None),
        ("enforced_spend_limit_reached", None),
        (None, None),
    ],
)
def test_every_other_429_is_tried_again(details: object, code: str | None) -> None:
    for error in errors_of(details):
        assert error.code == code
        assert RetrySchedule().wait(error, 0, lambda: 0.0) == 1.0
