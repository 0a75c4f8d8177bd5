"""Token counts of Converse.

`inputTokens` does not include the tokens that were read from or written to the cache: in every recording
with such tokens, the total is the sum of all four counts. Some models send the counts of the cache twice,
under two names.
"""

from __future__ import annotations

from sansio.content import Usage
from sansio.families.fields import usage_of
from sansio.jsontext import JSONObject

_TWICE = {
    "cacheReadInputTokenCount": "cacheReadInputTokens",
    "cacheWriteInputTokenCount": "cacheWriteInputTokens",
}
"""Second names of counts, with the names that they repeat."""


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
