"""The endpoints beside Anthropic's messages: models with their dates."""

from __future__ import annotations

from sansio import ModelInfo
from sansio.endpoints import NextPage, read_models
from sansio.families.messages.beside import read_model
from sansio.jsontext import JSONObject
from sansio.providers import dialect_for
from tests.sansio.wires import config
from tests.wire_types import fields, needs_types


def test_a_model_has_its_limits_lifecycle_and_dates() -> None:
    row: JSONObject = {
        "type": "model",
        "id": "claude-old",
        "display_name": "Claude Old",
        "created_at": "1970-01-01T00:00:01Z",
        "lifecycle": "deprecated",
        "deprecated_at": "1970-01-01T00:00:02Z",
        "retires_at": "1970-01-01T00:00:03+00:00",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
        "line": "opus",
        "capabilities": {"batch": {"supported": True}},
    }
    assert read_models({"data": [row], "has_more": False}, read_model, "after_id") == (
        ModelInfo(
            id="claude-old",
            name="Claude Old",
            created=1.0,
            context_window=200_000,
            max_output=64_000,
            lifecycle="deprecated",
            deprecated=2.0,
            retires=3.0,
            extra={"line": "opus", "capabilities": {"batch": {"supported": True}}},
        ),
    )


BETA = "anthropic-beta"


@needs_types
def test_what_is_counted_has_the_fields_that_the_endpoint_knows() -> None:
    counted = fields(BETA, "MessageCountTokensParams")
    asked = {**fields(BETA, "MessageCreateParamsBase"), "stream": "bool", "top_k": "int", "own": "int"}
    asked |= {"temperature": "float", "top_p": "float"}  # which models before 2026 take
    body: JSONObject = dict.fromkeys(asked, 1)
    endpoint = dialect_for(config("anthropic")).count_tokens(body)
    assert endpoint.url.endswith("/v1/messages/count_tokens")
    assert isinstance(endpoint.body, dict)
    assert endpoint.body.keys() == {name for name in asked if name in counted or name == "own"}


def test_the_list_of_models_has_long_pages() -> None:
    endpoint = dialect_for(config("anthropic")).list_models()
    assert endpoint.url.endswith("/v1/models?limit=1000")
    page = endpoint.read({"data": [{"id": "a", "max_tokens": 5}], "has_more": True, "last_id": "a"})
    assert isinstance(page, NextPage)
    assert page.query == "after_id=a"
    assert page.read({"data": [], "has_more": False}) == (ModelInfo(id="a", max_output=5),)
