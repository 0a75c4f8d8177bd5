"""Generous bounds on the most important ratios: they catch a slowdown of several times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import pytest
from msgspec.structs import replace

from benchmarks.measure import Case, Scale, interleave
from benchmarks.rows import row
from benchmarks.server import running
from benchmarks.wires import WIRES

SCALE = Scale(3, 0.1)


Options: TypeAlias = dict[str, str | int]


@pytest.fixture(scope="module")
def served() -> Iterator[Options]:
    """What a case must know of the server."""
    with running() as options:
        yield options


def find_case(of: str, name: str) -> Case:
    (case,) = (case for case in row(of).cases(SCALE) if case.name == name)
    return case


def ratio(case: Case, ours: str) -> float:
    """The ratio of our CPU time to the reference's."""
    first, *others = case.contenders
    both = (first, *(other for other in others if other.name == ours))
    runs = {each.name: row(case.row).prepare(case, each) for each in both}
    return interleave(case, runs, {}).summary("cpu", ours).ratio


@pytest.mark.parametrize("name", WIRES)
def test_decoding_is_not_much_slower_than_the_yardstick(name: str) -> None:
    """The aim is below 2."""
    assert 0 < ratio(find_case("decode", f"{name}, one event per feed"), "sansio") < 10


@pytest.mark.parametrize(
    ("of", "name", "at_most"),
    [
        ("end_to_end", "OpenAI text, bursts, 1 stream", 3.0),  # the aim is 1.2
        ("calls", "openai, 1 at once", 5.0),  # the aim is 1.15
    ],
)
def test_a_transport_is_not_much_slower_than_bare_sockets(
    served: Options, of: str, name: str, at_most: float
) -> None:
    case = find_case(of, name)
    case = replace(case, options=case.options | served)
    assert 0 < ratio(case, "sansio, AnyioTransport") < at_most
