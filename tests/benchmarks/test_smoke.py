"""A generous bound to the ratio that matters most, so that what makes decoding several times slower shows."""

from __future__ import annotations

import pytest

from benchmarks.measure import Contender, Scale, interleave
from benchmarks.rows import row
from benchmarks.wires import WIRES

AT_MOST = 30
"""Times the yardstick; the aim is below 2."""


@pytest.mark.parametrize("name", WIRES)
def test_decoding_stays_within_sight_of_the_yardstick(name: str) -> None:
    decode = row("decode")
    (case,) = (case for case in decode.cases(Scale(3, 0.1)) if case.name == f"{name}, one event per feed")
    runs = {each: decode.prepare(case, Contender(each)) for each in ("yardstick", "sansio")}
    ratio = interleave(case, runs, {}).summary("cpu", "sansio").ratio
    assert 0 < ratio < AT_MOST
