"""Gemini's errors and finish reasons, by what Google's own lists say of them."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest

from sansio import APIStatusError, AuthenticationError, FinishReason
from sansio.providers import dialect_named
from tests.sansio.families.gemini.chunks import JSON, call, text, whole
from tests.support import for_all
from tests.wire_types import google_words, needs_types

MAPPED: dict[HTTPStatus | int, str] = {
    HTTPStatus.BAD_REQUEST: "INVALID_ARGUMENT FAILED_PRECONDITION OUT_OF_RANGE",
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.FORBIDDEN: "PERMISSION_DENIED",
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.CONFLICT: "ABORTED ALREADY_EXISTS",
    HTTPStatus.TOO_MANY_REQUESTS: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL UNKNOWN DATA_LOSS",
    HTTPStatus.NOT_IMPLEMENTED: "UNIMPLEMENTED",
    HTTPStatus.SERVICE_UNAVAILABLE: "UNAVAILABLE",
    HTTPStatus.GATEWAY_TIMEOUT: "DEADLINE_EXCEEDED",
}
"""The status that `google.rpc.Code` names beside each of its words."""


def error_of(**error: Any) -> APIStatusError:
    """An error as it arrives inside an answer."""
    found = dialect_named("google").error_in({"error": error})
    assert found is not None
    return found


@for_all(("status", MAPPED))
def test_an_error_inside_an_answer_has_the_status_that_google_maps_its_word_to(status: int) -> None:
    for word in MAPPED[status].split():
        error = error_of(status=word, message="no")
        assert (error.status, error.error_type) == (status, word)


@for_all(
    (
        ("details", "message", "wait"),
        [
            ([{"retryDelay": "39s"}], "no", 39),
            ([{"retryDelay": "0.5s"}], "Please retry in 7s.", 0.5),
            ([7, {"retryDelay": 7}, {"retryDelay": "12.25s"}], "no", 12.25),
            ([{"retryDelay": "39"}], "no", None),
            ([{"retryDelay": "1m39s"}], "no", None),
            ([{"retryDelay": "39sec"}], "no", None),
            ([{"retryDelay": "39.s"}], "no", None),
            ("39s", "Please retry in 7s.", 7),
            (None, "Please retry in 48.9s, or later.", 48.9),
            (None, "retry in a while", None),
            (None, None, None),
        ],
    )
)
def test_the_wait_is_in_the_details_or_else_in_the_text(
    details: object, message: str | None, wait: float | None
) -> None:
    assert error_of(code=429, message=message, details=details).retry_after == wait


def test_an_error_of_a_new_word_has_the_status_that_its_code_says() -> None:
    error = error_of(code=418, status="SOMETHING_NEW", message="no")
    assert (error.status, error.error_type, error.code) == (418, "SOMETHING_NEW", None)
    assert error.provider_message == "no"


def test_the_first_reason_that_the_details_name_is_the_code() -> None:
    details: list[JSON] = [{"@type": "x"}, {"reason": ""}, {"reason": "A"}, {"reason": "B"}]
    assert error_of(code=400, details=details).code == "A"
    assert error_of(code=400, details=[{"reason": 7}]).code is None


@pytest.mark.parametrize("type", ["google", "vertex"])
def test_a_400_about_the_key_is_an_authentication_error(type: str) -> None:
    details: list[JSON] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    body = {"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT", "details": details}}
    error = dialect_named(type).parse_error(400, (), json.dumps(body))
    assert isinstance(error, AuthenticationError)
    assert (error.status, error.error_type, error.code) == (400, "INVALID_ARGUMENT", "API_KEY_INVALID")
    assert "key" in error.advice()


UNREAD = {"ESCALATION", "PUP_LIMITED_DISABLED"}
"""Finish reasons of which Google's pages say nothing."""


@needs_types
def test_each_finish_reason_that_google_lists_is_known_by_its_meaning() -> None:
    listed = google_words("FinishReason")
    meant = {word: whole(text("Hi"), reason=word).finish_reason for word in listed}
    assert meant == {word: dialect_named("google").finish_reason(word) for word in listed}
    assert {word for word, reason in meant.items() if reason is FinishReason.OTHER} == UNREAD
    # A prompt is blocked by the same filters as an answer; "OTHER" says nothing of a filter.
    filters = google_words("BlockedReason") & listed - {"OTHER"}
    assert len(filters) > 3
    assert {meant[word] for word in filters} == {FinishReason.CONTENT_FILTER}
    for word in listed:
        if word.startswith("IMAGE_"):
            assert meant[word] is meant[word.removeprefix("IMAGE_")], word
        if "MALFORMED" in word or "CALL" in word or word.startswith("NO_"):
            assert meant[word] is FinishReason.ERROR, word
    assert {word for word, reason in meant.items() if reason is FinishReason.CONTENT_FILTER} >= {
        "LANGUAGE",
        "SPII",
        "RECITATION",
    }


@needs_types
def test_the_calls_of_an_answer_that_failed_by_its_calls_are_invalid() -> None:
    for word in google_words("FinishReason"):
        message = whole(call("f", args={"a": 1}), reason=word)
        failed = "TOOL_CALL" in word or "FUNCTION_CALL" in word or word == "MISSING_THOUGHT_SIGNATURE"
        assert bool(message.invalid_tool_calls) is failed, word
        if failed:
            assert message.finish_reason is FinishReason.ERROR
            assert word in message.invalid_tool_calls[0].reason
            assert (message.origin, message.raw_finish_reason) == ("google/gemini", word)


@pytest.mark.parametrize("reason", ["STOP", "MAX_TOKENS"])
def test_an_answer_that_ended_in_another_way_keeps_its_calls(reason: str) -> None:
    assert whole(call("f", args={"a": 1}), reason=reason).tool_calls
