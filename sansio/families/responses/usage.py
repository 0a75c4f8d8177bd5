"""Token counts of responses.

Source: `ResponseUsage` of OpenAI's SDK; OpenRouter's usage, for `cost` in US dollars; and xAI's, for
`cost_in_usd_ticks`, whose unit was checked against its prices in recorded answers.
"""

from __future__ import annotations

import msgspec

from sansio.content import Usage
from sansio.families.fields import usage_of
from sansio.jsontext import JSON, JSONObject

_TICKS = 10**10
"""How many of xAI's ticks make one US dollar."""


def read_usage(wire: JSONObject) -> Usage:
    """The counts of one response. Cached tokens are part of its input, and reasoning of its output.

    Args:
        wire: the response's `usage`.
    """
    usage = usage_of(wire, input_tokens=("input_tokens",), output_tokens=("output_tokens",))
    extra = usage.extra
    read = usage_of(
        _take(extra, "input_tokens_details"),
        cached_tokens=("cached_tokens",),
        cache_write_tokens=("cache_write_tokens",),
    )
    written = usage_of(_take(extra, "output_tokens_details"), reasoning_tokens=("reasoning_tokens",))
    extra |= {
        name: inner.extra
        for name, inner in (("input_tokens_details", read), ("output_tokens_details", written))
        if inner.extra
    }
    output = max(usage.output_tokens, written.reasoning_tokens)
    if extra.get("total_tokens") == usage.input_tokens + output:
        del extra["total_tokens"]
    cost, ticks = extra.get("cost"), extra.get("cost_in_usd_ticks")
    if _is_number(cost):
        del extra["cost"]
    elif type(ticks) is int:
        del extra["cost_in_usd_ticks"]
        cost = ticks / _TICKS
    else:
        cost = None
    return msgspec.structs.replace(
        usage,
        output_tokens=output,
        cached_tokens=read.cached_tokens,
        cache_write_tokens=read.cache_write_tokens,
        reasoning_tokens=written.reasoning_tokens,
        cost=cost,
        extra={name: value for name, value in extra.items() if value is not None},
    )


def _take(extra: JSONObject, name: str) -> JSONObject:
    """Remove and return an object of counts; a value of another type is left where it is."""
    found = extra.get(name)
    if not isinstance(found, dict):
        return {}
    del extra[name]
    return found


def _is_number(value: JSON) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
