"""The laws for parsers, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Mapping

from sansio.testing.judging.law import Law
from sansio.testing.parsers.bench import Bench
from sansio.testing.parsers.laws.bounds import damage, independent, linear
from sansio.testing.parsers.laws.framing import (
    byte_order_mark,
    colons,
    comments,
    cuts,
    data_lines,
    line_ends,
    reads,
    truth,
)
from sansio.testing.parsers.laws.honesty import cut_calls, end, errors, foreign, new_kinds, no_lie, unfinished

ANSWER_LAWS: Mapping[str, Law[Bench]] = {
    law.name: law
    for law in (
        reads, truth, line_ends, byte_order_mark, comments, data_lines, colons, new_kinds, cuts, errors,
        no_lie, cut_calls, foreign, end, damage, independent, linear,
    )
}  # fmt: skip
"""The laws for parsers of a dialect, by their names."""
EVENT_LAWS: Mapping[str, Law[Bench]] = {
    law.name: law
    for law in (
        reads, truth, line_ends, byte_order_mark, comments, data_lines, colons, cuts, unfinished, damage,
        independent, linear,
    )
}  # fmt: skip
"""The laws for parsers of server-sent events alone, by their names."""
