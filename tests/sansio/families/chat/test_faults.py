"""Errors of chat completions in all the shapes that servers and gateways send, and what is known of each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import APIStatusError, BadRequestError, RateLimitError
from sansio.providers import dialect_named
from sansio.retry import RetrySchedule
from tests.sansio.wires import failure, parse, sse
from tests.support import for_all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 999) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("error", "errors", "detail", "message", "msg", "loc", "code", "type", "param")),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


def error_of(status: int, body: object, kind: str = "openai") -> APIStatusError:
    return dialect_named(kind).parse_error(status, (), json.dumps(body))


@given(body=JSON, status=st.sampled_from((400, 429, 500)))
def test_any_body_is_an_error_of_its_status(body: object, status: int) -> None:
    error = error_of(status, body)
    assert error.status == status
    assert str(error)
    assert error.code is None or isinstance(error.code, str)
    assert error.param is None or isinstance(error.param, str)


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        ({"error": {"message": "no", "param": "top_p", "code": "c"}}, "no", "top_p"),
        ([{"error": {"message": "no", "code": 400}}], "no", None),
        ({"detail": "Not Found"}, "Not Found", None),
        ({"detail": {"message": "no"}}, "no", None),
        ({"detail": {"error": {"message": "no"}}}, "no", None),
        (
            {
                "detail": [
                    {"loc": ["body", "messages", 0, "role"], "msg": "Field required", "type": "missing"}
                ]
            },
            "messages[0].role: Field required",
            "messages[0].role",
        ),
        ({"detail": [{"loc": ["query", "a"], "msg": "x"}, {"msg": "y"}]}, "query.a: x; y", "query.a"),
        ({"errors": [{"message": "no such model", "code": 7003}]}, "no such model", None),
        ({"errors": ["a", "b", "", 5]}, "a; b", None),
        ({"errors": "a"}, "a", None),
        ({"message": "denied"}, "denied", None),
    ],
)
def test_each_shape_of_an_error_body_is_read(body: object, message: str, param: str | None) -> None:
    error = error_of(422, body)
    assert isinstance(error, BadRequestError)
    assert (error.provider_message, error.param) == (message, param)


@pytest.mark.parametrize(
    "body", [[], [5], [[]], {"errors": [{}]}, {"detail": []}, {"detail": [{"msg": 5}]}, {}]
)
def test_a_body_that_says_nothing_is_quoted(body: object) -> None:
    assert error_of(400, body).provider_message == json.dumps(body)


def test_a_code_beside_the_detail_says_what_an_error_inside_an_answer_is() -> None:
    error = failure(parse("openai", [sse({"detail": "boom", "code": 429})]))
    assert isinstance(error, RateLimitError)
    assert error.code == "429"


def test_a_list_that_was_cut_is_quoted() -> None:
    error = dialect_named("openai").parse_error(400, (), '[{"error": {"mess')
    assert error.provider_message == '[{"error": {"mess'


@pytest.mark.parametrize(
    ("code", "kept"), [("context_length_exceeded", "context_length_exceeded"), (404, "404")]
)
def test_the_providers_code_is_an_attribute(code: object, kept: str) -> None:
    assert error_of(400, {"error": {"message": "no", "code": code}}).code == kept


@pytest.mark.parametrize("kind", ["openai", "azure", "openrouter"])
@pytest.mark.parametrize(
    "code", ["insufficient_quota", "contract_spend_limit_reached", "enforced_spend_limit_reached"]
)
@pytest.mark.parametrize("field", ["code", "type"])
def test_a_quota_that_is_used_up_is_not_asked_again(kind: str, code: str, field: str) -> None:
    error = error_of(429, {"error": {"message": "no", field: code}}, kind)
    assert isinstance(error, RateLimitError)
    assert RetrySchedule().wait(error, 0, lambda: 0.0) is None


@given(code=st.none() | st.integers() | st.sampled_from(("rate_limit_exceeded", "requests", "tokens")))
def test_every_other_429_is_tried_again(code: object) -> None:
    error = error_of(429, {"error": {"message": "no", "code": code, "type": code}})
    assert RetrySchedule().wait(error, 0, lambda: 0.0) == 1.0


def test_the_code_alone_does_not_stop_the_retry_of_another_status() -> None:
    error = error_of(500, {"error": {"message": "no", "code": "insufficient_quota"}})
    assert RetrySchedule().wait(error, 0, lambda: 0.0) is not None


FOUND = {"hate": {"filtered": True, "severity": "high"}}


@pytest.mark.parametrize(
    ("inner", "found"),
    [
        ({"code": "ResponsibleAIPolicyViolation", "content_filter_result": FOUND}, FOUND),
        ({"content_filter_results": FOUND}, FOUND),
        ({"content_filter_result": 5}, None),
        ({}, None),
        ("text", None),
        (None, None),
    ],
)
def test_what_azures_filter_found_in_a_prompt_is_on_the_error(inner: object, found: object) -> None:
    body = {"error": {"message": "filtered", "code": "content_filter", "innererror": inner}}
    error = error_of(400, body, "azure")
    assert (error.code, error.content_filter) == ("content_filter", found)


@pytest.mark.parametrize(
    "record",
    [
        {"object": "error", "message": "no such model", "type": "NotFoundError", "code": 404},
        {"error": {"message": "no such model", "type": "NotFoundError", "param": None, "code": 404}},
    ],
)
def test_an_error_of_vllm_says_that_it_has_a_type(record: dict[str, Any]) -> None:
    for error in (error_of(404, record), failure(parse("openai", [sse(record)]))):
        assert "type='vllm'" in str(error)
        assert "base_url" in str(error)  # beside the advice for its status
    assert "type='vllm'" not in str(error_of(404, record, "vllm"))


def test_openais_own_error_has_no_such_hint() -> None:
    record = {"error": {"message": "no", "type": "invalid_request_error", "code": 404}}
    assert "vllm" not in str(error_of(404, record))


@for_all(
    (
        ("word", "status"),
        [
            ("invalid_request_error", 400),
            ("authentication_error", 401),
            ("invalid_api_key", 401),
            ("permission_error", 403),
            ("not_found_error", 404),
            ("model_not_found", 404),
            ("insufficient_quota", 429),
            ("rate_limit_exceeded", 429),
            ("rate_limit_error", 429),
            ("tokens", 429),
            ("requests", 429),
            ("api_error", 500),
            ("internal_error", 500),
            ("internal_server_error", 500),
            ("server_error", 500),
            ("overloaded_error", 503),
            ("service_unavailable", 503),
            ("timeout", 504),
        ],
    ),
    ("field", ["type", "code"]),
)
def test_an_error_in_a_stream_has_the_status_that_its_word_has_by_itself(
    word: str, status: int, field: str
) -> None:
    """The words of OpenAI's list of errors and of servers like it: 200 was sent before the error."""
    error = failure(parse("openai", [sse({"error": {"message": "no", field: word}})]))
    assert isinstance(error, APIStatusError)
    assert error.status == status
