"""The words of providers: why an answer ended, and which status an error amounts to."""

from __future__ import annotations

import pytest

from sansio import AuthenticationError, FinishReason
from sansio.providers import dialect_named
from tests.support import for_all

ENDS: list[tuple[str, dict[str, FinishReason]]] = [
    (  # OpenAI's SDK, `Choice.finish_reason`
        "openai",
        {
            "stop": FinishReason.STOP,
            "length": FinishReason.LENGTH,
            "tool_calls": FinishReason.TOOL_CALLS,
            "function_call": FinishReason.TOOL_CALLS,
            "content_filter": FinishReason.CONTENT_FILTER,
        },
    ),
    ("mistral", {"model_length": FinishReason.LENGTH}),  # Mistral's SDK, `FinishReason`
    ("vllm", {"abort": FinishReason.ERROR}),  # vLLM's source, `RequestStatus`
    ("deepseek", {"insufficient_system_resource": FinishReason.ERROR}),  # DeepSeek's API reference
    (  # Z.AI's API reference
        "zai",
        {"sensitive": FinishReason.CONTENT_FILTER, "network_error": FinishReason.ERROR},
    ),
    ("together", {"eos": FinishReason.STOP}),  # Together's API reference
    ("perplexity", {"max_tokens": FinishReason.LENGTH}),
    (  # Anthropic's SDK, `StopReason`
        "anthropic",
        {
            "end_turn": FinishReason.STOP,
            "stop_sequence": FinishReason.STOP,
            "max_tokens": FinishReason.LENGTH,
            "model_context_window_exceeded": FinishReason.LENGTH,
            "tool_use": FinishReason.TOOL_CALLS,
            "pause_turn": FinishReason.PAUSE,
            "compaction": FinishReason.PAUSE,
            "refusal": FinishReason.REFUSAL,
        },
    ),
    (  # OpenAI's SDK, `ResponseStatus` and `IncompleteDetails`
        "openai/responses",
        {
            "completed": FinishReason.STOP,
            "max_output_tokens": FinishReason.LENGTH,
            "content_filter": FinishReason.CONTENT_FILTER,
            "cancelled": FinishReason.ERROR,
        },
    ),
    # Recorded answers of compatible servers.
    ("vllm/responses", {"complete": FinishReason.STOP, "max_messages": FinishReason.LENGTH}),
]


@pytest.mark.parametrize(
    ("kind", "word", "reason"), [(k, w, r) for k, words in ENDS for w, r in words.items()]
)
def test_a_providers_word_for_the_end_has_its_meaning(kind: str, word: str, reason: FinishReason) -> None:
    assert dialect_named(kind).finish_reason(word) is reason


CHATS = ("openai", "vllm", "openai/responses")
ERRORS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "insufficient_quota": 429,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "tokens": 429,
    "requests": 429,
    "api_error": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "server_error": 500,
    "overloaded_error": 503,
    "service_unavailable": 503,
    "timeout": 504,
}
"""Types and codes that OpenAI's page on error codes names, or that recorded errors have with their status."""
OF_RESPONSES = {
    # OpenAI's SDK, `ResponseError.code`: what is wrong with the request, mostly with an image in it.
    **dict.fromkeys((
        "invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url",
        "invalid_image_mode", "image_too_large", "image_too_small", "image_parse_error",
        "image_content_policy_violation", "image_file_too_large", "unsupported_image_media_type",
        "empty_image_file", "failed_to_download_image", "image_file_not_found", "invalid_prompt",
        "data_residency_mismatch", "bio_policy", "misalignment_policy_violation", "context_length_exceeded",
        "previous_response_not_found",
    ), 400),
    "vector_store_timeout": 504,
}  # fmt: skip
OF_ANTHROPIC = {  # Anthropic's API reference, "Errors"
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}

OF_BEDROCK = {  # Amazon Bedrock's reference, "Common errors" of Converse and InvokeModel
    "validationException": 400,
    "serviceQuotaExceededException": 400,
    "accessDeniedException": 403,
    "resourceNotFoundException": 404,
    "modelTimeoutException": 408,
    "modelErrorException": 424,
    "modelStreamErrorException": 424,
    "throttlingException": 429,
    "modelNotReadyException": 429,
    "internalServerException": 500,
    "InternalFailure": 500,
    "serviceUnavailableException": 503,
}
KEYS_OF_AWS = {  # AWS, "Common error types": about a key, with other statuses than 401
    "UnrecognizedClientException": "does not know this key",
    "InvalidClientTokenId": "does not know this key",
    "MissingAuthenticationTokenException": "does not know this key",
    "InvalidSignatureException": "secret access key",
    "IncompleteSignatureException": "secret access key",
    "SignatureDoesNotMatch": "secret access key",
    "ExpiredTokenException": "expired",
}


def status_of(kind: str, word: str, field: str) -> int | None:
    """The status of an error inside an answer."""
    error = dialect_named(kind).error_in({"error": {field: word, "message": "No."}})
    assert error is not None
    return error.status


@for_all(("kind", CHATS), (("word", "status"), [*ERRORS.items()]))
def test_an_error_inside_an_answer_has_the_status_of_its_type(kind: str, word: str, status: int) -> None:
    assert status_of(kind, word, "type") == status_of(kind, word, "code") == status


@for_all((("word", "status"), [*OF_RESPONSES.items()]))
def test_an_error_inside_a_response_has_the_status_of_its_code(word: str, status: int) -> None:
    assert status_of("openai/responses", word, "code") == status


@for_all((("word", "status"), [*OF_ANTHROPIC.items()]))
def test_an_error_inside_a_message_has_the_status_of_its_type(word: str, status: int) -> None:
    assert status_of("anthropic", word, "type") == status


@for_all((("word", "status"), [*OF_BEDROCK.items()]))
def test_an_error_inside_an_answer_of_bedrock_has_the_status_of_its_type(word: str, status: int) -> None:
    assert status_of("bedrock", word, "type") == status


@for_all((("word", "hint"), [*KEYS_OF_AWS.items()]))
def test_an_error_of_aws_about_a_key_says_what_to_check(word: str, hint: str) -> None:
    error = dialect_named("bedrock").parse_error(403, (("x-amzn-errortype", f"{word}:http://aws"),), "{}")
    assert isinstance(error, AuthenticationError)
    assert (error.status, error.error_type) == (403, word)
    assert hint in str(error)


@pytest.mark.parametrize("kind", [*CHATS, "anthropic"])
def test_an_unknown_error_inside_an_answer_has_the_answers_status(kind: str) -> None:
    assert status_of(kind, "own_error", "type") == 200
