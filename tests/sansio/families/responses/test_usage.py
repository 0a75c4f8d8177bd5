"""Token counts of responses."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import Usage
from sansio.families.responses.usage import read_usage

OPENAI: dict[str, Any] = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 17,
}
COUNTS: dict[str, Any] = {
    "input_tokens": 10, "output_tokens": 7, "cached_tokens": 4, "cache_write_tokens": 3, "reasoning_tokens": 5
}  # fmt: skip


@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        (OPENAI, Usage(**COUNTS)),
        ({}, Usage()),
        ({"input_tokens": 1, "output_tokens": None}, Usage(input_tokens=1)),
        (OPENAI | {"cost": 0.5, "is_byok": False}, Usage(**COUNTS, cost=0.5, extra={"is_byok": False})),
        (OPENAI | {"cost_in_usd_ticks": 6_055_500}, Usage(**COUNTS, cost=0.00060555)),
        (
            OPENAI | {"cost": True, "cost_in_usd_ticks": "x", "total_tokens": 99},
            Usage(**COUNTS, extra={"cost": True, "cost_in_usd_ticks": "x", "total_tokens": 99}),
        ),
        (
            {"input_tokens_details": {"cached_tokens": 4, "audio_tokens": 1}, "output_tokens_details": 5},
            Usage(
                cached_tokens=4,
                extra={"input_tokens_details": {"audio_tokens": 1}, "output_tokens_details": 5},
            ),
        ),
        # A server that counts reasoning beside its output.
        (
            {"output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 5}},
            Usage(output_tokens=5, reasoning_tokens=5),
        ),
    ],
)
def test_each_count_is_in_its_field_and_the_others_are_kept(wire: dict[str, Any], usage: Usage) -> None:
    assert read_usage(wire) == usage
