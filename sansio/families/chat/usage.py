"""Token counts of chat completions, which servers report under many names."""

from __future__ import annotations

from collections.abc import Mapping

from sansio.content import (
    Usage,
)
from sansio.jsontext import JSON, JSONObject

_CACHED = (
    ("prompt_tokens_details", "cached_tokens"),
    ("cached_tokens",),  # Together, Moonshot
    ("prompt_cache_hit_tokens",),  # DeepSeek
    ("cache_read_input_tokens",),  # Databricks, Doubleword
    ("num_cached_tokens",),  # Mistral
)
_CACHE_WRITES = (("prompt_tokens_details", "cache_write_tokens"), ("cache_creation_input_tokens",))
_REASONING = (("completion_tokens_details", "reasoning_tokens"), ("reasoning_tokens",))
_COSTS = (("cost",), ("cost", "total_cost"))  # OpenRouter; Perplexity


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
    prompt = _claim(left, (("prompt_tokens",),))
    completion = _claim(left, (("completion_tokens",),))
    cached = _claim(left, _CACHED)
    written = _claim(left, _CACHE_WRITES)
    reasoning = _first(left, _REASONING)
    total = left.get("total_tokens")
    beside = reasoning_outside or reasoning > completion
    if total is not None:
        beside = total == prompt + completion + reasoning
    output = completion + reasoning if beside else completion
    reasoning = min(reasoning, output)
    _drop(left, _REASONING, reasoning)
    _drop(left, (("total_tokens",),), prompt + output)
    cost = next((value for path in _COSTS if (value := _number(_at(left, path))) is not None), None)
    if cost is not None:
        _drop(left, _COSTS, cost)
    return Usage(
        input_tokens=prompt,
        output_tokens=output,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        cost=cost,
        extra={name: value for name, value in left.items() if value != {}},
    )


def _claim(left: JSONObject, paths: tuple[tuple[str, ...], ...]) -> int:
    """The first count above 0 at one of the paths, which it is removed from, wherever it is repeated."""
    count = _first(left, paths)
    _drop(left, paths, count)
    return count


def _first(left: JSONObject, paths: tuple[tuple[str, ...], ...]) -> int:
    counts = (value for path in paths if type(value := _at(left, path)) is int and value > 0)
    return next(counts, 0)


def _drop(left: JSONObject, paths: tuple[tuple[str, ...], ...], value: float) -> None:
    for path in paths:
        found = _at(left, path)
        if found == value and not isinstance(found, bool):
            inner = left if len(path) == 1 else left[path[0]]
            assert isinstance(inner, dict)
            del inner[path[-1]]


def _at(data: JSONObject, path: tuple[str, ...]) -> JSON:
    value: JSON = data
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _number(value: JSON) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
