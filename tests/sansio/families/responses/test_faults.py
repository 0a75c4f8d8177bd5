"""Errors of responses: in bodies, in events and in responses that failed."""

from __future__ import annotations

import json

import pytest

from sansio import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ContentDelta,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RetrySchedule,
    Usage,
)
from tests.sansio.families.responses.frames import created, parse, reading, response, text
from tests.sansio.wires import Record, failure
from tests.support import for_all
from tests.wire_types import fields, needs_types, words

FAULT: Record = {"type": "server_error", "code": "server_error", "message": "Sorry.", "param": None}


def fault(record: Record) -> APIStatusError:
    error = failure(parse([created(), record]))
    assert isinstance(error, APIStatusError)
    return error


@pytest.mark.parametrize(
    "record",
    [
        {"type": "error", "error": FAULT, "sequence_number": 3},
        {"type": "error", "code": "server_error", "message": "Sorry.", "param": None, "sequence_number": 3},
        {"type": "error", "error": "Sorry.", "code": "server_error"},
        {"type": "response.failed", "response": response(status="failed", error=FAULT)},
        {"error": FAULT},
    ],
)
def test_an_error_inside_a_stream_is_read_in_each_form(record: Record) -> None:
    error = fault(record)
    assert isinstance(error, InternalServerError)
    assert (error.status, error.code, error.provider_message) == (500, "server_error", "Sorry.")
    assert error.error_type == "server_error"
    assert RetrySchedule().wait(error, 0, lambda: 0.0) == 1.0


@for_all(
    (
        ("code", "kind", "again"),
        [
            ("rate_limit_exceeded", RateLimitError, True),
            ("insufficient_quota", RateLimitError, False),
            ("invalid_prompt", BadRequestError, False),
            ("image_too_large", BadRequestError, False),
            ("context_length_exceeded", BadRequestError, False),
            ("previous_response_not_found", BadRequestError, False),
            ("invalid_request_error", BadRequestError, False),
            ("invalid_api_key", AuthenticationError, False),
            ("authentication_error", AuthenticationError, False),
            ("permission_error", PermissionDeniedError, False),
            ("not_found_error", NotFoundError, False),
            ("model_not_found", NotFoundError, False),
            ("rate_limit_error", RateLimitError, True),
            ("tokens", RateLimitError, True),
            ("requests", RateLimitError, True),
            ("api_error", InternalServerError, True),
            ("internal_error", InternalServerError, True),
            ("internal_server_error", InternalServerError, True),
            ("overloaded_error", InternalServerError, True),
            ("service_unavailable", InternalServerError, True),
            ("timeout", InternalServerError, True),
            ("vector_store_timeout", InternalServerError, True),
            ("something_new", APIStatusError, False),
        ],
    )
)
def test_the_code_says_what_an_error_is(code: str, kind: type[APIStatusError], again: bool) -> None:
    error = fault({"type": "response.failed", "response": response(error={"code": code, "message": "no"})})
    assert type(error) is kind
    assert (RetrySchedule().wait(error, 0, lambda: 0.0) is not None) is again


@needs_types
def test_each_code_of_openais_types_is_the_requests_fault_or_one_that_may_pass() -> None:
    passing = {"server_error": 500, "rate_limit_exceeded": 429, "vector_store_timeout": 504}
    for code in words(fields("openai-responses", "ResponseError")["code"]):
        error = fault({"type": "response.failed", "response": response(error={"code": code})})
        assert error.status == passing.pop(code, 400), code
    assert not passing


def test_an_event_may_name_the_status() -> None:
    error = fault({"type": "error", "error": {"type": "x", "message": "no"}, "status": 429})
    assert isinstance(error, RateLimitError)


def test_a_failure_without_an_explanation_is_the_providers() -> None:
    failed = response(status="failed", error=None)
    for error in (
        fault({"type": "response.failed", "response": failed}),
        fault({"type": "response.failed"}),
    ):
        assert isinstance(error, InternalServerError)
    with pytest.raises(InternalServerError):
        reading().parse_response(failed)
    with pytest.raises(InternalServerError, match="Sorry"):
        reading().parse_response({**failed, "error": FAULT})
    found = reading().error_in({**failed, "error": FAULT})
    assert isinstance(found, InternalServerError)


def test_what_arrived_before_an_error_is_kept() -> None:
    record = {"type": "response.failed", "response": response(error=FAULT, usage={"input_tokens": 3})}
    events = parse([created(), text("Hi"), record])
    assert events[:-1] == [ContentDelta("Hi")]
    partial = failure(events).partial
    assert partial is not None
    assert (partial.text, partial.usage) == ("Hi", Usage(input_tokens=3))


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ({"error": {"message": "no", "type": "x", "param": "p", "code": "c"}}, "no", "c"),
        ({"error": {"message": "no", "code": "c"}, "status": 401}, "no", "c"),
        ({"code": "c", "error": "no"}, "no", "c"),  # xAI
        ({"detail": "no"}, "no", None),  # Codex
    ],
)
def test_an_error_body_is_read_in_each_form(body: Record, message: str, code: str | None) -> None:
    error = reading().parse_error(401, (), json.dumps(body))
    assert isinstance(error, AuthenticationError)
    assert (error.provider_message, error.code) == (message, code)
