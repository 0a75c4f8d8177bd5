"""How a model thinks: within a budget of tokens, or at a level.

Sources: Google's page "Gemini thinking", and its page "OpenAI compatibility", for the budgets of OpenAI's
words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sansio.jsontext import JSONObject
from sansio.options import UnsupportedOptionError

_BUDGETS: Mapping[str, int] = {
    "none": 0,
    "minimal": 1_024,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
}
"""Tokens, for models that think within a budget."""
_LEVELS: Mapping[str, str] = {
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "XHIGH",
}
# A closed list: any other name belongs to a newer model. A name may have a prefix.
_BY_BUDGET = re.compile(r"gemini-(?:[12](?!\d)|robotics-er-1|flash-l|pro-l)|gemma|learnlm")
_BY_LEVEL = re.compile(r"gemini-(?:[3-9]|\d\d)")


def takes_level(model: str) -> bool:
    """Whether a model thinks at a level: Gemini 3 and later."""
    return _BY_BUDGET.search(model.lower()) is None


def needs_signatures(model: str) -> bool:
    """Whether a model refuses calls that are sent back without a signature: Gemini 3 and later.

    Names of other kinds, such as an endpoint's, are left to the server.
    """
    return _BY_LEVEL.search(model.lower()) is not None


def effort_of(model: str, effort: str) -> JSONObject:
    """Convert an effort to a `thinkingConfig`.

    Raises:
        UnsupportedOptionError: the model has no such effort.
    """
    by_level = takes_level(model)
    if effort not in (_LEVELS if by_level else _BUDGETS):
        known = ", ".join(_LEVELS if by_level else _BUDGETS)
        raise UnsupportedOptionError(
            "reasoning_effort", f"{model} has no effort {effort!r}; use one of {known}"
        )
    return {"thinkingLevel": _LEVELS[effort]} if by_level else {"thinkingBudget": _BUDGETS[effort]}


def budget_of(model: str, tokens: int) -> JSONObject:
    """Convert a budget to a `thinkingConfig`.

    Raises:
        UnsupportedOptionError: the model accepts no budget.
    """
    if takes_level(model):
        raise UnsupportedOptionError(
            "reasoning_budget",
            f"{model} thinks at a level and takes no budget; use reasoning_effort='minimal' to 'xhigh'",
        )
    return {"thinkingBudget": tokens}
