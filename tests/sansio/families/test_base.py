"""What a dialect makes of an error's status, headers and body."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import BadRequestError, InternalServerError
from sansio.dialects import dialect_named
from tests.sansio.wires import COMPATIBLE

HEADERS = (("x-request-id", "req_1"), ("retry-after", "7"))


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_an_error_body_is_read_for_its_type_message_and_id(kind: str) -> None:
    body = json.dumps({"error": {"message": "No such model", "type": "invalid_request_error", "code": "x"}})
    error = dialect_named(kind).parse_error(400, HEADERS, body)
    assert isinstance(error, BadRequestError)
    assert (error.status, error.error_type, error.provider_message) == (
        400,
        "invalid_request_error",
        "No such model",
    )
    assert (error.request_id, error.retry_after) == ("req_1", 7.0)
    assert str(error).startswith("HTTP 400, invalid_request_error: No such model")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "HTTP 502 with an empty body"),
        ("<html>\n <h1>Bad  gateway</h1>", "HTTP 502: <html> <h1>Bad gateway</h1>"),
        ('{"detail": "Not Found"}', 'HTTP 502: {"detail": "Not Found"}'),
        ('{"object": "error", "message": {"detail": "odd"}}', 'HTTP 502: {"object"'),
        ("x" * 10_000, "HTTP 502: " + "x" * 500),
        ('{"error": {}}', "HTTP 502: the provider gave no message"),
        ('{"error": "upstream"}', "HTTP 502: upstream"),
        ("[" * 10_000, "HTTP 502: [[["),
    ],
)
def test_an_error_body_of_any_form_is_quoted(body: str, words: str) -> None:
    error = dialect_named("openai").parse_error(502, (), body)
    assert isinstance(error, InternalServerError)
    assert str(error).startswith(words)
    assert len(str(error)) < 700


@given(
    st.integers(300, 999),
    st.text(max_size=60) | st.sampled_from(['{"error":[]}', '{"error":{"code":1e999}}']),
)
def test_any_error_body_is_an_error_with_that_status(status: int, body: str) -> None:
    error = dialect_named("openai").parse_error(status, (), body)
    assert error.status == status
    assert str(status) in str(error)


@pytest.mark.parametrize(("advice", "heard"), [("true", True), ("false", False), ("maybe", None)])
def test_the_providers_advice_on_retries_is_kept(advice: str, heard: bool | None) -> None:
    assert dialect_named("openai").parse_error(500, (("x-should-retry", advice),), "").should_retry is heard


def test_a_request_id_in_the_body_counts_where_no_header_has_one() -> None:
    body = json.dumps({"error": {"message": "no"}, "request_id": "req_body"})
    assert dialect_named("anthropic").parse_error(400, (), body).request_id == "req_body"
    headers = (("apim-request-id", "req_head"),)
    assert dialect_named("azure").parse_error(400, headers, body).request_id == "req_head"
