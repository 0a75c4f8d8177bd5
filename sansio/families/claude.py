"""Which form of thinking a Claude model accepts, and whether it accepts a JSON schema.

Sources: Anthropic's pages on extended and adaptive thinking, and its list of models (November 2026).
"""

from __future__ import annotations

import re

from sansio.errors import InvalidRequestError
from sansio.jsontext import JSONObject

MIN_BUDGET = 1024
"""The smallest thinking budget that Anthropic accepts, in tokens."""

# A closed list: no further models of this kind will appear, so an unlisted name belongs to a newer model.
# Names may have a vendor's prefix (`anthropic/`, `us.anthropic.`) and end in a date or a revision; a short
# number right after the version makes it another version (`claude-sonnet-4-6`).
_TAKES_BUDGET = re.compile(
    r"(?:^|[./])claude-(?:(?:opus|sonnet|haiku)-)?(?:3(?!\d)|4(?:[-.][015])?(?![-.]?\d{1,2}(?!\d)))"
)


def takes_budget(model: str) -> bool:
    """Whether a model needs a thinking budget in tokens (Claude 3, 4.0, 4.1 and 4.5); newer ones adapt."""
    return _TAKES_BUDGET.search(model.lower()) is not None


_WITHOUT_SCHEMAS = re.compile(
    r"(?:^|[./])claude-(?:(?:opus|sonnet|haiku)-)?(?:3(?!\d)|4(?:[-.]0)?(?![-.]?\d{1,2}(?!\d)))"
)
"""A closed list like the one above: structured outputs began with Claude 4.1."""


def takes_schema(model: str) -> bool:
    """Whether a model accepts a JSON schema for its answers; Claude 3 and 4.0 do not.

    Source: Anthropic's page on structured outputs.
    """
    return _WITHOUT_SCHEMAS.search(model.lower()) is None


def check_budget(budget: int, limit: object) -> None:
    """Check that a reasoning budget is large enough, and smaller than the limit of the answer.

    Args:
        budget: the option `reasoning_budget`, in tokens.
        limit: the request's `max_tokens`; anything but an integer means that there is none.

    Raises:
        InvalidRequestError: it is not. The message says which of the two to change.
    """
    if budget < MIN_BUDGET:
        raise InvalidRequestError(
            f"reasoning_budget: must be at least {MIN_BUDGET} tokens, not {budget}; give a larger budget, or "
            "leave it out"
        )
    if isinstance(limit, int) and budget >= limit:
        raise InvalidRequestError(
            f"reasoning_budget: {budget} must be less than max_tokens ({limit}), since the thinking counts "
            "against it; give a larger max_tokens or a smaller budget"
        )


def default_thinking(by_budget: bool, max_tokens: object) -> JSONObject:
    """The value of `thinking` for `reasoning=True`.

    Args:
        by_budget: whether the model needs a budget in tokens.
        max_tokens: the request's limit. The budget is half of it, since thinking counts against it.

    Raises:
        InvalidRequestError: the model needs a budget, and `max_tokens` leaves no room for one.
    """
    if not by_budget:
        # The default display is "omitted": the caller would pay for reasoning and not see it.
        return {"type": "adaptive", "display": "summarized"}
    if not isinstance(max_tokens, int) or max_tokens <= MIN_BUDGET:
        raise InvalidRequestError(
            f"max_tokens: must be greater than {MIN_BUDGET} with reasoning=True, "
            "since the thinking counts against it"
        )
    return {"type": "enabled", "budget_tokens": max(MIN_BUDGET, max_tokens // 2)}
