"""An error object's code, status, type and message, of any JSON type, at the edges of what they mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sansio import FinishReason
from sansio.dialects import dialect_named
from tests.sansio.wires import TYPES


def inside(**error: Any) -> Any:
    """An error object in a 200, as OpenAI's dialect reads it."""
    found = dialect_named("openai").error_in({"error": error})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (399, 200), (400, 400), (599, 599), (600, 200), ("429", 429), ("0429", 200), ("foo", 200),
        ("٤٢٩", 200), ("²²²", 200), (True, 200), (4.5, 200), (None, 200), ("rate_limit_exceeded", 429),
    ],
)  # fmt: skip
def test_a_code_is_the_status_it_amounts_to_where_it_is_one(code: object, status: int) -> None:
    assert inside(code=code, message="no").status == status


def test_a_status_code_goes_before_a_code_and_a_code_before_a_type() -> None:
    assert inside(status_code=503, code=429, type="not_found_error").status == 503
    assert inside(code=429, type="not_found_error").status == 429
    assert inside(code="unheard_of", type="not_found_error").status == 404


@pytest.mark.parametrize(
    ("error", "name"),
    [
        ({"code": 404}, None),
        ({"code": "model_not_found"}, "model_not_found"),
        ({"type": "not_found_error", "code": "model_not_found"}, "not_found_error"),
        ({"type": "", "code": "x"}, "x"),
        ({"type": 7}, "7"),
    ],
)
def test_an_error_is_named_by_its_type_or_else_by_a_code_that_is_text(
    error: dict[str, Any], name: str | None
) -> None:
    assert inside(message="no", **error).error_type == name


@pytest.mark.parametrize(("message", "said"), [(5, "5"), ("no", "no"), ("", None), ([], None), (None, None)])
def test_a_message_is_text_or_a_number(message: object, said: str | None) -> None:
    assert inside(message=message).provider_message == (said or "the provider gave no message")


def test_an_error_body_is_read_as_deep_as_the_config_allows() -> None:
    body = json.dumps({"error": {"message": "no", "detail": [[[]]]}})
    read = dialect_named("openai", limits={"max_json_depth": 5}).parse_error(500, (), body)
    assert read.provider_message == "no"
    plain = dialect_named("openai", limits={"max_json_depth": 4}).parse_error(500, (), body)
    assert plain.provider_message == body


def test_an_excerpt_of_a_plain_body_is_500_characters_of_its_first_2000() -> None:
    parse = dialect_named("openai").parse_error
    assert parse(500, (), "y" * 501).provider_message == "y" * 500
    assert parse(500, (), " " * 1_999 + "yz").provider_message == "y"


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "apim-request-id", "x-generation-id"])
def test_a_request_id_may_come_under_each_of_these_names(name: str) -> None:
    assert dialect_named("openai").request_id(((name, "req_1"),)) == "req_1"


def test_the_first_request_id_that_is_not_blank_counts() -> None:
    headers = (("x-generation-id", "d"), ("apim-request-id", "c"), ("request-id", "b"), ("x-request-id", ""))
    for skipped in range(3):
        assert dialect_named("openai").request_id(headers[: 3 - skipped]) == "bcd"[skipped]
    assert dialect_named("openai").request_id(headers) == "b"
    assert dialect_named("openai").request_id(()) is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [(None, None), ("", None), ("stop", FinishReason.STOP), ("unheard_of", FinishReason.OTHER)],
)
def test_nothing_said_is_no_finish_reason_and_an_unknown_word_is_another(
    said: str | None, reason: FinishReason | None
) -> None:
    assert dialect_named("openai").finish_reason(said) is reason


@pytest.mark.parametrize("kind", TYPES)
def test_a_stream_has_made_no_progress_before_it_begins(kind: str) -> None:
    assert dialect_named(kind).open_stream().progress == 0
