"""Token counts of Converse.

`inputTokens` leaves out what the cache read and wrote: the total of every recording that has both is the sum
of all four. Some models send the counts of the cache under a second name too, with the same value.
"""

from __future__ import annotations

from sansio.content import Usage
from sansio.families.fields import usage_of
from sansio.jsontext import JSONObject

_TWICE = {
    "cacheReadInputTokenCount": "cacheReadInputTokens",
    "cacheWriteInputTokenCount": "cacheWriteInputTokens",
}
"""Second names of counts, and the first."""


def read_usage(wire: JSONObject) -> Usage:
    """The counts of one answer. A total that equals their sum is left out."""
    known = {
        name: value for name, value in wire.items() if name not in _TWICE or wire.get(_TWICE[name]) != value
    }
    usage = usage_of(
        known,
        input_tokens=("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"),
        output_tokens=("outputTokens",),
        cached_tokens=("cacheReadInputTokens",),
        cache_write_tokens=("cacheWriteInputTokens",),
    )
    if usage.extra.get("totalTokens") == usage.input_tokens + usage.output_tokens:
        del usage.extra["totalTokens"]
    if usage.extra.get("serverToolUsage") == {}:
        del usage.extra["serverToolUsage"]
    return usage
