"""Each provider's error for a status, from its API and from its gateway."""

from __future__ import annotations

from typing import Any

import pytest

from sansio.testing import Failure
from sansio.testing.failures import (
    REQUEST_ID_HEADERS,
    encode_failure,
    failure_object,
    refuse,
    refuse_at_gateway,
)
from sansio.testing.script import ProviderType
from tests.sansio.testing.asking import said
from tests.support import for_all

STATUSES = (400, 401, 402, 403, 404, 405, 413, 422, 428, 429, 430, 499, 500, 502, 503, 504, 529)
INVALID = "invalid_request_error"
TYPES: dict[ProviderType, dict[int, str]] = {
    "openai": {**dict.fromkeys(STATUSES[:12], INVALID), 429: "requests"},
    "anthropic": {
        **dict.fromkeys(STATUSES[:12], INVALID),
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        504: "timeout_error",
        529: "overloaded_error",
    },
    "ollama": {400: INVALID, 404: "not_found_error"},
    "vllm": {
        **dict.fromkeys(STATUSES[:12], "BadRequestError"),
        401: "AuthenticationError",
        404: "NotFoundError",
        429: "RateLimitError",
    },
}
OTHERWISE = {
    "openai": "server_error",
    "anthropic": "api_error",
    "ollama": "api_error",
    "vllm": "InternalServerError",
}


def error_of(type: ProviderType, failure: Failure) -> dict[str, Any]:
    body = failure_object(type, failure, "req_1")
    error = body.get("error", body)
    assert isinstance(error, dict)
    return error


@for_all(("type", TYPES), ("status", STATUSES))
def test_an_error_s_type_follows_from_its_status(type: ProviderType, status: int) -> None:
    expected = TYPES[type].get(status, OTHERWISE[type])
    assert error_of(type, Failure(status=status))["type"] == expected
    assert error_of(type, Failure(status=status, error_type="own"))["type"] == "own"


@pytest.mark.parametrize("status", STATUSES)
def test_openai_has_a_code_for_a_wrong_key_and_for_too_many_requests(status: int) -> None:
    codes = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
    assert error_of("openai", Failure(status=status))["code"] == codes.get(status)


@pytest.mark.parametrize("status", STATUSES)
def test_azure_s_front_and_its_api_have_two_shapes(status: int) -> None:
    plain = {"code": str(status), "message": "No."}
    failure = Failure(status=status, message="No.")
    assert (error_of("azure", failure) == plain) == (status in (401, 403, 404, 429))
    assert error_of("azure", Failure(status=status, message="No.", gateway=True)) == plain


@pytest.mark.parametrize(
    ("status", "ollama", "vllm"),
    [
        (401, None, {"error": "Unauthorized"}),
        (404, b"404 page not found", {"detail": "Not Found"}),
        (405, b"405 method not allowed", {"detail": "Method Not Allowed"}),
        (415, None, None),
        (500, None, None),
    ],
)
def test_what_stands_in_front_of_local_servers_has_words_of_its_own(
    status: int, ollama: bytes | None, vllm: object
) -> None:
    front, api = Failure(status=status, gateway=True), Failure(status=status)
    response = encode_failure("ollama", front, "req_1")
    assert response.body == (ollama or encode_failure("ollama", api, "req_1").body)
    content_type = "text/plain" if ollama else "application/json"
    assert response.headers == (("content-type", content_type),)
    assert said(encode_failure("vllm", front, "req_1")) == (vllm or failure_object("vllm", api, "req_1"))


def test_four_providers_send_the_request_s_id_each_in_its_own_header() -> None:
    assert REQUEST_ID_HEADERS == {
        "openrouter": "x-generation-id",
        "openai": "x-request-id",
        "azure": "apim-request-id",
        "anthropic": "request-id",
    }


def test_a_refusal_is_a_400_by_default() -> None:
    assert refuse("No.").failure == Failure(status=400, message="No.")
    assert refuse("No.", status=415).failure.status == 415
    assert refuse_at_gateway(405, "No.").failure == Failure(status=405, message="No.", gateway=True)
    assert str(refuse("No.")) == "No."
