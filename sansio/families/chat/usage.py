"""Token counts of chat completions, which servers report under many names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from sansio.content import Usage
from sansio.jsontext import JSON, JSONObject

_Place: TypeAlias = tuple[str, str]
"""An object inside the usage, or `""` for the usage itself, and the name of a count in it."""

_PROMPT: tuple[_Place, ...] = (("", "prompt_tokens"),)
_COMPLETION: tuple[_Place, ...] = (("", "completion_tokens"),)
_CACHED: tuple[_Place, ...] = (
    ("prompt_tokens_details", "cached_tokens"),
    ("", "cached_tokens"),  # Together, Moonshot
    ("", "prompt_cache_hit_tokens"),  # DeepSeek
    ("", "cache_read_input_tokens"),  # Databricks, Doubleword
    ("", "num_cached_tokens"),  # Mistral
)
_CACHE_WRITES: tuple[_Place, ...] = (
    ("prompt_tokens_details", "cache_write_tokens"),
    ("", "cache_creation_input_tokens"),
)
_REASONING: tuple[_Place, ...] = (
    ("completion_tokens_details", "reasoning_tokens"),
    ("", "reasoning_tokens"),
)
_TOTAL: tuple[_Place, ...] = (("", "total_tokens"),)
_COSTS: tuple[_Place, ...] = (("", "cost"), ("cost", "total_cost"))  # OpenRouter; Perplexity


def read_usage(wire: Mapping[str, JSON], reasoning_outside: bool = False) -> Usage:
    """The counts of one answer.

    A count goes into the field of `Usage` that means it, whatever the server calls it, and everything else
    into `extra`. Reasoning tokens that the server counts beside the completion are added to the output, so
    that the output is the whole answer for every server. A server that counts more reasoning than output has
    its own count in `extra`.

    Args:
        wire: the counts as the server sent them.
        reasoning_outside: whether reasoning is counted beside the completion, where no total tells.
    """
    left: JSONObject = {
        name: dict(value) if isinstance(value, dict) else value
        for name, value in wire.items()
        if value is not None
    }
    objects = {name: value for name, value in left.items() if isinstance(value, dict)}
    objects[""] = left
    prompt = _claim(objects, _PROMPT)
    completion = _claim(objects, _COMPLETION)
    cached = _claim(objects, _CACHED)
    written = _claim(objects, _CACHE_WRITES)
    reasoning = _count(found := _find(objects, _REASONING))
    total = left.get("total_tokens")
    beside = reasoning_outside or reasoning > completion
    if total is not None:
        beside = total == prompt + completion + reasoning
    output = completion + reasoning if beside else completion
    reasoning = min(reasoning, output)
    _drop(found, reasoning)
    _drop(_find(objects, _TOTAL), prompt + output)
    costs = _find(objects, _COSTS)
    cost = next((value for at, name in costs if (value := _number(at[name])) is not None), None)
    if cost is not None:
        _drop(costs, cost)
    return Usage(
        input_tokens=prompt,
        output_tokens=output,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        cost=cost,
        extra={name: value for name, value in left.items() if value != {}},
    )


def _find(objects: Mapping[str, JSONObject], places: tuple[_Place, ...]) -> list[tuple[JSONObject, str]]:
    """The places that exist: the object and the name of each."""
    return [(at, name) for where, name in places if (at := objects.get(where)) is not None and name in at]


def _claim(objects: Mapping[str, JSONObject], places: tuple[_Place, ...]) -> int:
    """The first count above 0 at one of the places, which it is removed from, wherever it is repeated."""
    found = _find(objects, places)
    count = _count(found)
    _drop(found, count)
    return count


def _count(found: list[tuple[JSONObject, str]]) -> int:
    for at, name in found:
        value = at[name]
        if type(value) is int and value > 0:
            return value
    return 0


def _drop(found: list[tuple[JSONObject, str]], value: float) -> None:
    for at, name in found:
        if at[name] == value and not isinstance(at[name], bool):
            del at[name]


def _number(value: JSON) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
