"""What models of Claude take, by their names as Anthropic, Bedrock, Vertex and OpenRouter write them."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import InvalidRequestError
from sansio.families.claude import check_budget, default_thinking, takes_budget, takes_schema
from tests.support import for_all

OLDEST = (  # Claude 3 and 4.0: a budget, and no schema
    "claude-3-haiku-20240307",
    "claude-3-opus-latest",
    "claude-3-5-sonnet-20241022",
    "claude-3-7-sonnet-latest",
    "claude-sonnet-4-20250514",
    "claude-opus-4-20250514",
    "claude-opus-4-0",
    "claude-sonnet-4-0",
    "claude-sonnet-4@20250514",
    "claude-3-5-haiku@20241022",
    "anthropic/claude-3.7-sonnet",
    "anthropic/claude-sonnet-4",
    "anthropic.claude-3-haiku-20240307-v1:0",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "Claude-Opus-4",
    "claude-4-opus",
)
OLD = (  # Claude 4.1 and 4.5: a budget, and schemas
    "claude-opus-4-1",
    "claude-opus-4-1-20250805",
    "claude-sonnet-4-5",
    "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5-20251001",
    "claude-opus-4-5@20251101",
    "anthropic/claude-opus-4.1",
    "anthropic/claude-haiku-4.5",
    "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
)
NEW = (  # later ones think adaptively; so does what is not known
    "claude-opus-4-6",
    "claude-sonnet-4-6",
    "claude-sonnet-4.6",
    "claude-opus-4-7-20260301",
    "claude-opus-4-10",
    "claude-opus-5",
    "anthropic/claude-sonnet-5",
    "us.anthropic.claude-opus-4-6-v1",
    "claude-30",
    "claude-next",
    "my-claude-3",
    "own-model",
    "gpt-4",
)


@pytest.mark.parametrize(
    ("models", "budget", "schema"), [(OLDEST, True, False), (OLD, True, True), (NEW, False, True)]
)
def test_a_model_takes_a_budget_and_a_schema_by_its_generation(
    models: tuple[str, ...], budget: bool, schema: bool
) -> None:
    assert {model: takes_budget(model) for model in models} == dict.fromkeys(models, budget)
    assert {model: takes_schema(model) for model in models} == dict.fromkeys(models, schema)


@for_all((("budget", "limit"), [(1024, 1025), (1024, None), (5000, "many"), (2048, 8192)]))
def test_a_budget_may_be_from_1024_tokens_to_less_than_the_answer(budget: int, limit: Any) -> None:
    check_budget(budget, limit)


@for_all(
    (
        ("budget", "limit", "remedy"),
        [
            (1023, 8192, "larger budget"),
            (0, None, "larger budget"),
            (1024, 1024, "larger max_tokens"),
            (5000, 4000, "smaller budget"),
        ],
    )
)
def test_another_budget_is_refused_with_what_to_change(budget: int, limit: Any, remedy: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"^reasoning_budget: .*{remedy}"):
        check_budget(budget, limit)


@pytest.mark.parametrize(("limit", "budget"), [(8192, 4096), (2049, 1024), (1025, 1024), (4097, 2048)])
def test_thinking_by_default_has_half_of_the_answer(limit: int, budget: int) -> None:
    assert default_thinking(True, limit) == {"type": "enabled", "budget_tokens": budget}
    assert default_thinking(False, limit) == {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize("limit", [1024, 0, None, "many"])
def test_thinking_by_default_needs_room(limit: object) -> None:
    with pytest.raises(InvalidRequestError, match=r"^max_tokens: .*1024"):
        default_thinking(True, limit)
    assert default_thinking(False, limit)["type"] == "adaptive"
