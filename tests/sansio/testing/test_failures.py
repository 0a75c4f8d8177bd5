"""Errors have each provider's own shape, and a client understands each of them."""

from __future__ import annotations

import pytest

from sansio import Message, Provider, ProviderConfig, ProviderError, Role
from sansio.errors import status_error_kind
from sansio.http import header
from sansio.testing import PROVIDER_TYPES, Failure, FakeProvider
from sansio.testing.failures import encode_failure, failure_event, failure_object, refuse
from sansio.testing.script import ProviderType
from tests.sansio.testing.asking import chunks, inputs_of, message_in, request_for, said, told

TYPES = pytest.mark.parametrize("type", PROVIDER_TYPES)


@pytest.mark.parametrize(
    ("type", "failure", "expected"),
    [
        (
            "openai",
            Failure(status=401, message="No.", gateway=True),
            {
                "error": {
                    "message": "No.",
                    "type": "invalid_request_error",
                    "param": None,
                    "code": "invalid_api_key",
                }
            },
        ),
        (
            "openai",
            Failure(status=429, message="No."),
            {"error": {"message": "No.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}},
        ),
        (
            "openai",
            Failure(status=500, message="No."),
            {"error": {"message": "No.", "type": "server_error", "param": None, "code": None}},
        ),
        (
            "azure",
            Failure(status=400, message="No.", param="messages", code="content_filter"),
            {
                "error": {
                    "message": "No.",
                    "type": "invalid_request_error",
                    "param": "messages",
                    "code": "content_filter",
                }
            },
        ),
        (
            "azure",
            Failure(status=404, message="No.", gateway=True),
            {"error": {"code": "404", "message": "No."}},
        ),
        (
            "azure",
            Failure(status=404, message="No.", code="DeploymentNotFound"),
            {"error": {"code": "DeploymentNotFound", "message": "No."}},
        ),
        (
            "openrouter",
            Failure(status=402, message="No."),
            {"error": {"message": "No.", "code": 402}, "user_id": "user_fake"},
        ),
        (
            "openrouter",
            Failure(status=502, message="No.", error_type="upstream words"),
            {
                "error": {
                    "message": "No.",
                    "code": 502,
                    "metadata": {"provider_name": "Fake", "raw": "upstream words"},
                },
                "user_id": "user_fake",
            },
        ),
        (
            "anthropic",
            Failure(status=529, message="No."),
            {
                "type": "error",
                "error": {"type": "overloaded_error", "message": "No."},
                "request_id": "req_1",
            },
        ),
        (
            "ollama",
            Failure(status=404, message="No."),
            {"error": {"message": "No.", "type": "not_found_error", "param": None, "code": None}},
        ),
        (
            "vllm",
            Failure(status=400, message="No.", param="model"),
            {"object": "error", "message": "No.", "type": "BadRequestError", "param": "model", "code": 400},
        ),
        ("vllm", Failure(status=401, gateway=True), {"error": "Unauthorized"}),
        ("vllm", Failure(status=405, gateway=True), {"detail": "Method Not Allowed"}),
    ],
)
def test_each_provider_s_error_object(type: ProviderType, failure: Failure, expected: object) -> None:
    assert failure_object(type, failure, "req_1") == expected


@pytest.mark.parametrize(("status", "text"), [(404, b"404 page not found"), (405, b"405 method not allowed")])
def test_ollama_s_front_answers_in_plain_text(status: int, text: bytes) -> None:
    response = encode_failure("ollama", Failure(status=status, gateway=True), "req_1")
    assert (response.status, response.body) == (status, text)
    assert told(response, "content-type") == "text/plain"


@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_anthropic_s_error_types_follow_from_the_status(status: int, error_type: str) -> None:
    body = said(encode_failure("anthropic", Failure(status=status), "req_1"))
    assert body["error"]["type"] == error_type


@TYPES
def test_a_scripted_failure_has_its_status_words_and_headers(type: str) -> None:
    failure = Failure(status=503, message="Come back later.", headers=(("retry-after", "2"),))
    response = FakeProvider(type, [failure]).respond(request_for(type))
    assert response.status == 503
    assert told(response, "retry-after") == "2"
    assert told(response, "content-type") == "application/json"
    assert message_in(type, said(response)) == "Come back later."


@TYPES
def test_the_request_id_is_in_the_provider_s_own_header(type: str) -> None:
    response = FakeProvider(type, [Failure(status=500)]).respond(request_for(type))
    names = {
        "openrouter": "x-generation-id",
        "openai": "x-request-id",
        "azure": "apim-request-id",
        "anthropic": "request-id",
    }
    if type in names:
        assert told(response, names[type]).startswith("req_")
    else:
        assert not any(header(response.headers, name) for name in names.values())


@TYPES
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 504, 529])
def test_a_client_reads_each_error_for_what_it_is(type: str, status: int) -> None:
    response = FakeProvider(type, [Failure(status=status, message="The words.")]).respond(request_for(type))
    azure = {"base_url": "https://a.test", "deployment": "d", "api_version": "v"}
    fields = azure if type == "azure" else {"model": "m"}
    call = Provider(ProviderConfig.from_dict({"type": type, "max_attempts": 1, **fields})).call(
        [Message(Role.USER, "Hi")]
    )
    assert call.next_step() is not None
    for received in inputs_of(response):
        if call.wants_input:
            call.receive(received)
    assert call.next_step() is None
    with pytest.raises(ProviderError) as caught:
        call.result()
    assert type_of(caught.value) is status_error_kind(status)
    assert caught.value.provider_message == "The words."


def type_of(value: object) -> object:
    return value.__class__


@TYPES
def test_an_error_inside_a_stream_ends_with_a_blank_line_or_is_nothing(type: ProviderType) -> None:
    event = failure_event(type, Failure(status=500, message="Broken."), "req_1", {"choices": []})
    assert (event == b"") == (type == "ollama")
    assert event == b"" or event.endswith(b"\n\n")


def test_vllm_s_stream_says_done_after_an_error() -> None:
    assert failure_event("vllm", Failure(status=500), "", {}).endswith(b"data: [DONE]\n\n")


def test_a_check_that_fails_is_a_400_that_names_its_field() -> None:
    failure = refuse("No.", param="model", code="missing").failure
    assert failure == Failure(status=400, message="No.", param="model", code="missing")


def test_an_error_of_anthropic_names_its_request_inside_a_stream_too() -> None:
    event = failure_event("anthropic", Failure(status=500, message="No."), "req_1", {})
    assert event.startswith(b"event: error\ndata: {")
    assert b'"request_id":"req_1"' in event


OPENAI_ERROR = {"message": "No.", "type": "server_error", "param": None, "code": None}
INSIDE: dict[ProviderType, list[object]] = {
    "openai": [{"error": OPENAI_ERROR}],
    "azure": [{"error": OPENAI_ERROR}],
    "openrouter": [{"id": "gen-1", "choices": [], "error": {"message": "No.", "code": 500}}],
    "anthropic": [
        {"type": "error", "error": {"type": "api_error", "message": "No."}, "request_id": "req_1"},
    ],
    "ollama": [],
    "vllm": [
        {"object": "error", "message": "No.", "type": "InternalServerError", "param": None, "code": 500},
    ],
}


@pytest.mark.parametrize("type", INSIDE)
def test_an_error_inside_a_stream_has_the_provider_s_form(type: ProviderType) -> None:
    failure = Failure(status=500, message="No.", gateway=False)
    event = failure_event(type, failure, "req_1", {"id": "gen-1", "choices": []})
    assert chunks((event,)) == INSIDE[type]
    assert event.count(b"\n\n") == {"ollama": 0, "vllm": 2}.get(type, 1)


def test_a_scripted_failure_has_its_headers_and_the_request_s_id_behind_the_type_s_own() -> None:
    own = (("retry-after", "2"), ("x-own", "1"))
    plain = encode_failure("ollama", Failure(status=404, gateway=True, headers=own), "req_1")
    assert plain.headers == (("content-type", "text/plain"), *own)
    response = encode_failure("anthropic", Failure(status=500, headers=own), "req_1")
    assert response.headers == (("content-type", "application/json"), ("request-id", "req_1"), *own)
    assert said(response)["request_id"] == "req_1"
