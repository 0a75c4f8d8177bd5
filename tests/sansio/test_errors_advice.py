"""What a person is advised to do next, word for word."""

from __future__ import annotations

import pytest

from sansio import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ConfigError,
    InvalidRequestError,
    LimitExceededError,
    LocalProtocolError,
    RemoteProtocolError,
    StreamTruncatedError,
    TransportError,
)
from sansio.errors import status_error_kind

ADVICE = {
    302: "Redirects are never followed: put the final address in base_url.",
    400: "Mend what the provider's message names: a message, a tool or an option.",
    401: "Check that the API key is right, belongs to this provider and has not expired.",
    402: "Add credit or a payment method to the provider's account.",
    403: "The key is known but not allowed to do this: check its permissions, the model and the region.",
    404: "Check the model or deployment name, base_url and, on Azure, api_version.",
    407: "A proxy on the way wants a user and password: give them in its URL.",
    408: "The provider gave up waiting: send the request again.",
    413: "The request is too large: send fewer or smaller messages (see fit_context).",
    418: "Read the provider's message; its documentation explains the error type.",
    422: "Mend what the provider's message names: a field has a value that it does not take.",
    429: "Slow down, or ask the provider for a higher limit; the quota may also be used up.",
    500: "The fault is the provider's: try again later, and quote the request id if it stays.",
    502: "The provider's gateway could not reach its backend: try again in a while.",
    503: "The provider is not available right now: try again later or use another model.",
    504: "The provider's backend did not answer in time: try again, or ask for a shorter answer.",
    529: "The provider is overloaded: try again later or use another model.",
}


@pytest.mark.parametrize("status", ADVICE)
def test_what_a_person_is_advised_at_each_status(status: int) -> None:
    assert status_error_kind(status)("no", status=status).advice() == ADVICE[status]
    assert (300 <= status < 400) is ("Redirects" in ADVICE[status])


def test_what_a_person_is_advised_where_the_status_tells_nothing() -> None:
    for status, advised in ((299, 418), (300, 302), (399, 302)):
        assert status_error_kind(status)("no", status=status).advice() == ADVICE[advised]
    for status in (400, 401, 403, 404, 429, 500):
        assert status_error_kind(status)("of an unknown status").advice() == ADVICE[status]
    assert APIStatusError("of an unknown status").advice() == ADVICE[418]


def test_what_a_person_is_advised_where_there_was_no_status() -> None:
    assert RemoteProtocolError("no").advice() == (
        "Check that base_url names this kind of provider and that no proxy rewrites its answers."
    )
    assert StreamTruncatedError("no").advice() == (
        "The answer is incomplete: send the request again, or go on from what arrived."
    )
    for lost in (TransportError("no"), APIConnectionError("no")):
        assert lost.advice() == "Check the network, base_url and any proxy between."
    assert APITimeoutError("no", field="read_timeout").advice() == (
        "If such waits are expected, raise read_timeout in the config."
    )
    assert LimitExceededError("no", field="max_tool_calls").advice() == (
        "If such answers are expected, raise limits.max_tool_calls in the config."
    )


def test_what_needs_no_advice_beside_its_message() -> None:
    for kind in (ConfigError, InvalidRequestError, LocalProtocolError, LimitExceededError, APITimeoutError):
        assert kind("no").advice() == ""
    for other in (TransportError, LimitExceededError):
        assert other("no", field="f", hint="Start the server first.").advice() == "Start the server first."
