"""The words of OpenAI and of compatible servers in the library's own: every error, finish reason and role."""

from __future__ import annotations

import pytest

from sansio import FinishReason, Role
from sansio.dialects import dialect_named
from sansio.content import JSONObject
from tests.sansio.wires import COMPATIBLE

STATUSES = {
    400: ["invalid_request_error"],
    401: ["authentication_error", "invalid_api_key"],
    403: ["permission_error"],
    404: ["not_found_error", "model_not_found"],
    429: ["insufficient_quota", "rate_limit_exceeded", "rate_limit_error", "tokens", "requests"],
    500: ["api_error", "internal_error", "internal_server_error", "server_error"],
    503: ["overloaded_error", "service_unavailable"],
    504: ["timeout"],
}


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_each_error_inside_a_200_amounts_to_its_status(kind: str) -> None:
    dialect = dialect_named(kind)
    for status, names in STATUSES.items():
        for name in names:
            named: JSONObject = {"type": name, "message": "no"}
            coded: JSONObject = {"type": "other", "code": name, "message": "no"}
            for error in (named, coded):
                found = dialect.error_in({"error": error})
                assert found is not None
                assert (found.status, found.error_type) == (status, error["type"])


def test_no_other_word_is_known() -> None:
    words = [name for names in STATUSES.values() for name in names]
    assert sorted(dialect_named("openai").STATUS_BY_ERROR) == sorted(words)


def test_each_finish_reason_said_is_one_of_ours() -> None:
    said = {
        "stop": FinishReason.STOP,
        "eos": FinishReason.STOP,
        "length": FinishReason.LENGTH,
        "max_tokens": FinishReason.LENGTH,
        "tool_calls": FinishReason.TOOL_CALLS,
        "function_call": FinishReason.TOOL_CALLS,
        "content_filter": FinishReason.CONTENT_FILTER,
        "abort": FinishReason.ERROR,
    }
    dialect = dialect_named("openai")
    assert {word: dialect.finish_reason(word) for word in dialect.FINISH_REASONS} == said


def test_the_tool_turn_ends_of_anthropic_are_ours_too() -> None:
    assert dialect_named("anthropic").finish_reason("tool_use") is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_each_role_goes_by_its_name_but_for_developers_where_none_is_known(kind: str) -> None:
    roles = {role: role.value for role in Role}
    if kind in ("ollama", "vllm"):
        roles[Role.DEVELOPER] = "system"
    dialect = dialect_named(kind)
    assert getattr(dialect, "ROLES", None) == roles
    assert getattr(dialect, "PARSES_ARGUMENTS", None) is (kind in ("ollama", "vllm"))
