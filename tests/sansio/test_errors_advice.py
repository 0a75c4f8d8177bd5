"""The remedy that each kind of error names."""

from __future__ import annotations

import pytest

from sansio import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    ConfigError,
    InvalidRequestError,
    LimitExceededError,
    LocalProtocolError,
    RemoteProtocolError,
    StreamTruncatedError,
    TransportError,
)
from sansio.errors import status_error_kind

REMEDIES = {
    302: "base_url",
    400: "message names",
    401: "API key",
    402: "credit",
    403: "permissions",
    404: "model",
    407: "password",
    408: "again",
    413: "fit_context",
    418: "documentation",
    422: "message names",
    429: "higher limit",
    500: "request id",
    502: "again",
    503: "another model",
    504: "shorter answer",
    529: "another model",
}
"""A word of the remedy, for each status that has its own advice, and for one without."""


def advice_at(status: int) -> str:
    return status_error_kind(status)("no", status=status).advice()


@pytest.mark.parametrize("status", REMEDIES)
def test_each_status_names_its_remedy(status: int) -> None:
    assert REMEDIES[status] in advice_at(status)


def test_each_status_has_advice_of_a_full_sentence_and_no_two_have_the_same() -> None:
    advice = [advice_at(status) for status in REMEDIES]
    assert len(set(advice)) == len(advice)
    assert all(text[0].isupper() and text.endswith(".") for text in advice)


def test_a_status_without_advice_takes_that_of_its_kind() -> None:
    assert advice_at(299) == advice_at(418)
    assert advice_at(300) == advice_at(399) == advice_at(302)
    for status in (400, 401, 403, 404, 429, 500):
        assert status_error_kind(status)("of an unknown status").advice() == advice_at(status)
    assert APIStatusError("of an unknown status").advice() == advice_at(418)


def test_an_error_whose_class_says_more_than_its_status_has_the_advice_of_its_class() -> None:
    assert AuthenticationError("no", status=403).advice() == advice_at(401)


def test_the_remedy_of_an_error_without_a_status() -> None:
    assert "base_url" in RemoteProtocolError("no").advice()
    assert "again" in StreamTruncatedError("no").advice()
    for lost in (TransportError("no"), APIConnectionError("no")):
        assert "network" in lost.advice()
    assert "read_timeout" in APITimeoutError("no", field="read_timeout").advice()
    assert "limits.max_tool_calls" in LimitExceededError("no", field="max_tool_calls").advice()


def test_what_needs_no_advice_beside_its_message() -> None:
    for kind in (ConfigError, InvalidRequestError, LocalProtocolError, LimitExceededError, APITimeoutError):
        assert kind("no").advice() == ""
    for other in (TransportError, LimitExceededError):
        assert other("no", field="f", hint="Start the server first.").advice() == "Start the server first."
