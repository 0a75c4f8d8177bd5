"""The words of providers: why an answer ended, and which status an error amounts to."""

from __future__ import annotations

import re

import pytest

from sansio import AuthenticationError, FinishReason
from sansio.providers import dialect_named
from tests.support import for_each

ENDS: list[tuple[str, str, FinishReason]] = [
    ("mistral", "model_length", FinishReason.LENGTH),  # Mistral's SDK, `FinishReason`
    ("vllm", "abort", FinishReason.ERROR),  # vLLM's source, `RequestStatus`
    ("deepseek", "insufficient_system_resource", FinishReason.ERROR),  # DeepSeek's API reference
    ("zai", "sensitive", FinishReason.CONTENT_FILTER),  # Z.AI's API reference
    ("zai", "network_error", FinishReason.ERROR),
    ("together", "eos", FinishReason.STOP),  # Together's API reference
    ("vllm/responses", "max_messages", FinishReason.LENGTH),  # a recorded answer
]


@pytest.mark.parametrize(("kind", "word", "reason"), ENDS)
def test_a_providers_word_for_the_end_has_its_meaning(kind: str, word: str, reason: FinishReason) -> None:
    assert dialect_named(kind).finish_reason(word) is reason


CHATS = ("openai", "vllm", "openai/responses")
MEANINGS = [
    (r"rate_?limit|throttling", {429}),
    (r"permission|access_?denied", {403}),
    (r"authentication|unauthenticated|api_?key", {401}),
    (r"overloaded|unavailable", {503, 529}),
    (r"time_?d?_?out|deadline", {408, 504}),
    (r"internal|server_error|api_error", {500}),
    (r"not_?found", {404, 400}),  # 400 if it is something that the request names, such as an image
    (r"invalid|validation|too_(large|small)", {400, 413}),
]
"""What words in an error's type mean in HTTP (RFC 9110, section 15; 529 is Anthropic's for overload)."""
WORDS = [
    (kind, word) for kind in (*CHATS, "anthropic", "bedrock") for word in dialect_named(kind).STATUS_BY_ERROR
]


def status_of(kind: str, word: str, field: str = "type") -> int | None:
    """The status of an error inside an answer."""
    error = dialect_named(kind).error_in({"error": {field: word, "message": "No."}})
    assert error is not None
    return error.status


@for_each(WORDS)
def test_the_status_of_an_error_inside_an_answer_is_what_its_type_says(case: tuple[str, str]) -> None:
    kind, word = case
    status = status_of(kind, word)
    means = next((found for words, found in MEANINGS if re.search(words, word, re.IGNORECASE)), None)
    assert status in means if means else 400 <= (status or 0) < 600


@pytest.mark.parametrize("kind", CHATS)
def test_the_code_of_an_error_inside_an_answer_says_as_much_as_its_type(kind: str) -> None:
    assert status_of(kind, "rate_limit_exceeded", "code") == status_of(kind, "rate_limit_exceeded") == 429


@pytest.mark.parametrize(
    ("word", "hint"),
    [  # AWS, "Common error types"
        ("UnrecognizedClientException", "does not know this key"),
        ("SignatureDoesNotMatch", "secret access key"),
        ("ExpiredTokenException", "expired"),
    ],
)
def test_an_error_of_aws_about_a_key_says_what_to_check(word: str, hint: str) -> None:
    error = dialect_named("bedrock").parse_error(403, (("x-amzn-errortype", f"{word}:http://aws"),), "{}")
    assert isinstance(error, AuthenticationError)
    assert (error.status, error.error_type) == (403, word)
    assert hint in str(error)


@pytest.mark.parametrize("kind", [*CHATS, "anthropic"])
def test_an_unknown_error_inside_an_answer_has_the_answers_status(kind: str) -> None:
    assert status_of(kind, "own_error") == 200
