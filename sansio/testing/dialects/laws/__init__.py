"""The laws, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Mapping

from sansio.testing.dialects.bench import Bench
from sansio.testing.dialects.laws.bounds import damage, limits, linear
from sansio.testing.dialects.laws.contents import goes_back, nothing_lost, one_place
from sansio.testing.dialects.laws.reading import cuts, golden, independent, one_end, progress, reads
from sansio.testing.dialects.laws.truth import cut_calls, events, foreign, no_lie, storage
from sansio.testing.judging.law import Law

LAWS: Mapping[str, Law[Bench]] = {
    law.name: law
    for law in (
        reads, golden, damage, cuts, one_end, progress, independent, no_lie, cut_calls, foreign, events,
        storage, nothing_lost, one_place, goes_back, limits, linear,
    )
}  # fmt: skip
"""All laws by their names."""
