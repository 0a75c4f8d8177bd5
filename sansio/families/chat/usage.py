"""Token counts of chat completions, which servers report under many names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeAlias

from sansio.content import Usage
from sansio.jsontext import JSON, JSONObject

_Places: TypeAlias = list[tuple[JSONObject, str]]
"""The places of a count: each object that holds it, with the count's name there."""

_COUNTS = {
    "prompt_tokens": "input",
    "completion_tokens": "output",
    "total_tokens": "total",
    "cached_tokens": "cached",  # Together, Moonshot
    "prompt_cache_hit_tokens": "cached",  # DeepSeek
    "cache_read_input_tokens": "cached",  # Databricks, Doubleword
    "num_cached_tokens": "cached",  # Mistral
    "cache_creation_input_tokens": "written",
    "reasoning_tokens": "reasoning",
    "cost": "cost",  # OpenRouter
}
"""What the usage's own fields mean."""

_INSIDE: dict[str, dict[str, str]] = {
    "prompt_tokens_details": {"cached_tokens": "cached", "cache_write_tokens": "written"},
    "completion_tokens_details": {"reasoning_tokens": "reasoning"},
    "cost": {"total_cost": "cost"},  # Perplexity
}
"""What the fields of the objects in it mean."""


def read_usage(wire: Mapping[str, JSON], reasoning_outside: bool = False) -> Usage:
    """The counts of one answer.

    A count goes into its field of `Usage` under whatever name the server sends it, and everything else into
    `extra`. Some servers count reasoning apart from the completion; it is then added to the output, so that
    `output_tokens` is the whole answer for every server. If a server counts more reasoning than output, its
    own count is in `extra`.

    Args:
        wire: the counts as the server sent them.
        reasoning_outside: whether the server counts reasoning apart from the completion. Used if no total
            shows it.
    """
    left: JSONObject = {
        name: dict(value) if isinstance(value, dict) else value
        for name, value in wire.items()
        if value is not None
    }
    found: defaultdict[str, _Places] = defaultdict(list)
    for name, value in left.items():
        if name in _COUNTS:
            found[_COUNTS[name]].append((left, name))
        if name in _INSIDE and isinstance(value, dict):
            for inner, meaning in _INSIDE[name].items():
                if inner in value:
                    found[meaning].append((value, inner))
    prompt = _claim(found["input"])
    completion = _claim(found["output"])
    cached = _claim(found["cached"])
    written = _claim(found["written"])
    reasoning = _count(found["reasoning"])
    total = left.get("total_tokens")
    beside = reasoning_outside or reasoning > completion
    if total is not None:
        beside = total == prompt + completion + reasoning
    output = completion + reasoning if beside else completion
    reasoning = min(reasoning, output)
    _drop(found["reasoning"], reasoning)
    _drop(found["total"], prompt + output)
    cost = next((value for at, name in found["cost"] if (value := _number(at[name])) is not None), None)
    if cost is not None:
        _drop(found["cost"], cost)
    return Usage(
        input_tokens=prompt,
        output_tokens=output,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        cost=cost,
        extra={name: value for name, value in left.items() if value != {}},
    )


def _claim(places: _Places) -> int:
    """The first count above 0 at one of the places. It is removed there, and wherever it is repeated."""
    count = _count(places)
    _drop(places, count)
    return count


def _count(places: _Places) -> int:
    for at, name in places:
        value = at[name]
        if type(value) is int and value > 0:
            return value
    return 0


def _drop(places: _Places, value: float) -> None:
    for at, name in places:
        if at[name] == value and not isinstance(at[name], bool):
            del at[name]


def _number(value: JSON) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
