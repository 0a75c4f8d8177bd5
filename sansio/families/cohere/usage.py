"""Token counts of Cohere's answers.

Source: the types of Cohere's own SDK (`Usage`), whose counts are numbers of any kind, and recorded traffic,
in which `cached_tokens` are part of the input, and `reasoning_tokens` of the output.
"""

from __future__ import annotations

import msgspec

from sansio.content import Usage
from sansio.families.fields import usage_of
from sansio.jsontext import JSON, JSONObject


def read_usage(wire: JSONObject) -> Usage:
    """The counts of one answer: the tokens read and written, or the billed ones if there are no others.

    Args:
        wire: the answer's `usage`.
    """
    left = dict(wire)
    source = "tokens" if _counts(wire.get("tokens")) else "billed_units"
    counted = usage_of(
        _counts(left.pop(source, None)),
        input_tokens=("input_tokens",),
        output_tokens=("output_tokens",),
        reasoning_tokens=("reasoning_tokens",),
    )
    cached = usage_of(_counts(left), cached_tokens=("cached_tokens",))
    extra = {name: value for name, value in cached.extra.items() if value not in (None, {})}
    if counted.extra:
        extra[source] = counted.extra
    return msgspec.structs.replace(
        counted,
        output_tokens=max(counted.output_tokens, counted.reasoning_tokens),
        cached_tokens=cached.cached_tokens,
        extra=extra,
    )


def _counts(value: JSON) -> JSONObject:
    """The object's fields; a whole number that was written as a fraction, such as 3.0, is a count."""
    if not isinstance(value, dict):
        return {}
    return {
        name: int(count) if isinstance(count, float) and count.is_integer() else count
        for name, count in value.items()
    }
