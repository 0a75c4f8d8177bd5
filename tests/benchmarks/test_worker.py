"""Contenders run in separate processes, which report what they measured or why they could not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from benchmarks.measure import Case, Contender, Scale, SkippedError
from benchmarks.rows import row
from benchmarks.worker import Worker, workers


def small_case(*contenders: Contender) -> Case:
    case = row("decode").cases(Scale(rounds=2, work=0.01))[0]
    return replace(case, contenders=contenders) if contenders else case


def test_each_contender_of_a_case_has_its_own_process() -> None:
    case = small_case(Contender("yardstick"), Contender("sansio"), Contender("a stranger", "no_such_peer"))
    with workers({}) as contenders:
        result = contenders.measure(case)
    assert {name: len(metrics["cpu"]) for name, metrics in result.samples.items()} == {
        "yardstick": 2,
        "sansio": 2,
    }
    assert result.skipped == {"a stranger": "unknown contender: a stranger"}


def test_a_fresh_case_starts_a_process_for_each_run() -> None:
    case = replace(small_case(Contender("yardstick")), fresh=True)
    with workers({}) as contenders:
        result = contenders.measure(case)
    assert len(result.samples["yardstick"]["cpu"]) == 2


def test_a_peer_that_fails_is_skipped_with_its_error() -> None:
    worker = Worker()
    case = replace(small_case(), options={})  # which no contender can work with
    with pytest.raises(SkippedError, match=r"^failed: KeyError: 'wire'$"):
        worker.prepare(case, Contender("a peer", "no_such_peer"))
    worker.close()


def test_a_contender_of_ours_that_fails_ends_the_run(capfd: pytest.CaptureFixture[str]) -> None:
    worker = Worker()
    with pytest.raises(RuntimeError, match="ended before its work"):
        worker.prepare(replace(small_case(), options={}), Contender("sansio"))
    worker.close()
    assert "KeyError: 'wire'" in capfd.readouterr().err


def test_a_peer_may_have_its_own_interpreter() -> None:
    case = small_case(Contender("a stranger", "no_such_peer"))
    with workers({"no_such_peer": "/no/such/python"}) as contenders, pytest.raises(FileNotFoundError):
        contenders.measure(case)
