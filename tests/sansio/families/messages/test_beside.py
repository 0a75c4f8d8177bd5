"""The endpoints beside Anthropic's messages: models with their dates."""

from __future__ import annotations

from sansio import ModelInfo
from sansio.endpoints import read_models
from sansio.families.messages.beside import read_model
from sansio.jsontext import JSONObject


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
