"""Rounds are interleaved, and pairs cancel out what slows a whole round down."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import measure
from benchmarks.measure import (
    Case,
    Contender,
    Metrics,
    Run,
    Scale,
    SkippedError,
    WrongAnswerError,
    check,
    cpu_per_unit,
    interleave,
    peer,
    summarize,
)

SECONDS = st.floats(1e-6, 1e3)


def case(*names: str, rounds: int = 3) -> Case:
    return Case(
        row="decode",
        name="a case",
        units={"cpu": "µs"},
        contenders=tuple(map(Contender, names)),
        rounds=rounds,
        options={},
    )


@given(st.lists(st.tuples(SECONDS, st.floats(0.5, 20)), min_size=1), st.floats(0.01, 100))
def test_a_machine_that_slows_down_for_a_round_does_not_change_the_ratio(
    rounds: list[tuple[float, float]], factor: float
) -> None:
    reference = [seconds * slowness for seconds, slowness in rounds]
    samples = [each * factor for each in reference]
    summary = summarize(samples, reference)
    assert summary.ratio == pytest.approx(factor)
    assert summary.low == pytest.approx(factor)
    assert summary.high == pytest.approx(factor)


@given(st.lists(SECONDS, min_size=2), st.lists(SECONDS, min_size=2))
def test_the_quartiles_lie_around_the_ratio(samples: list[float], reference: list[float]) -> None:
    summary = summarize(samples, reference)
    assert summary.low <= summary.ratio <= summary.high


def test_a_reference_of_nothing_has_no_ratio() -> None:
    assert math.isnan(summarize([1.0, 2.0], [0.0, 0.0]).ratio)


def test_the_contenders_take_turns_and_each_round_begins_with_another() -> None:
    order: list[str] = []

    def runner(name: str) -> Run:
        def run() -> Metrics:
            order.append(name)
            return {"cpu": float(len(order))}

        return run

    result = interleave(case("a", "b", "c"), {name: runner(name) for name in "abc"}, {})
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert result.samples["a"] == {"cpu": [1.0, 6.0, 8.0]}
    assert result.skipped == {}


def test_a_contender_that_cannot_go_on_is_skipped_with_a_reason() -> None:
    rounds = iter([{"cpu": 1.0}])

    def fails() -> Metrics:
        try:
            return next(rounds)
        except StopIteration:
            raise SkippedError("it has had enough") from None

    result = interleave(case("a", "b", "c"), {"a": lambda: {"cpu": 2.0}, "b": fails}, {"c": "not here"})
    assert set(result.samples) == {"a"}
    assert result.skipped == {"b": "it has had enough", "c": "not here"}
    assert result.summary("cpu", "a").ratio == 1
    with pytest.raises(KeyError):
        result.summary("cpu", "b")


def test_short_work_is_repeated_until_it_can_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "LEAST_SECONDS", 0.01)
    times = 0

    def work() -> int:
        nonlocal times
        times += 1
        return times

    spent, given = cpu_per_unit(work, units=1)
    assert given == times > 10
    assert 0 < spent < 10_000


def test_a_wrong_answer_is_refused() -> None:
    check("the same", "the same")
    with pytest.raises(WrongAnswerError, match="3 characters in place of 8"):
        check("the", "the same")


def test_a_peer_that_is_not_installed_is_skipped_with_a_reason() -> None:
    with pytest.raises(SkippedError, match=r"^no_such_peer is not installed$"):
        peer("no_such_peer.part")
    assert peer("math").pi == math.pi


def test_a_scale_never_falls_below_what_makes_sense() -> None:
    assert Scale(1, 0.001).units(100) == 1
    assert Scale(1, 0.001).units(100, least=20) == 20
    assert Scale(1, 0.5).units(100) == 50
