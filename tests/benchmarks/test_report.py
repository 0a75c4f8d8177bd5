"""Results are written, read back, judged and drawn."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks import charts, report
from benchmarks.__main__ import main
from benchmarks.measure import CaseResult, Scale, SkippedError
from benchmarks.resident import forget_peak, peak_resident, resident
from benchmarks.rows import NAMES, row
from benchmarks.targets import TARGETS, Target, judge

FULL = Scale(rounds=9, work=1)
CASES = {(case.row, case.name): case for name in NAMES for case in row(name).cases(FULL)}


def made_up() -> report.Results:
    """Results of all cases, in which each contender's time is its position in the list."""
    results = report.begin(FULL, {})
    for case in CASES.values():
        samples = {
            contender.name: {metric: [place * 1.0, place * 1.1, place * 2.0] for metric in case.units}
            for place, contender in enumerate(case.contenders, 1)
        }
        results.cases.append(CaseResult(case, samples, {}))
    return results


def test_results_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    results = made_up()
    path = report.write(results, tmp_path / "new")
    assert path.name == f"{results.date:%Y-%m-%d-%H%M}.json"
    assert report.read(path) == results
    assert results.versions["sansio-llm"]
    assert results.machine.cores > 0


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.case}: {target.contender}")
def test_a_target_is_about_something_that_is_measured(target: Target) -> None:
    case = CASES[target.row, target.case]
    names = {contender.name for contender in case.contenders}
    assert target.contender in names
    assert target.reference is None or target.reference in names
    assert target.metric in case.units
    assert target.at_most > 0


def test_a_target_is_met_or_missed_by_its_figure() -> None:
    target = Target("decode", "OpenAI text, one event per feed", "cpu", "sansio", "yardstick", 1.6)
    result = made_up().case(target.row, target.case)
    assert result is not None
    assert target.figure(result) == 4  # its position in the list
    assert replace(target, reference=None).figure(result) == pytest.approx(4.4)
    assert replace(target, contender="nobody").figure(result) is None
    lines = list(judge(made_up()))
    assert len(lines) == len(TARGETS)
    assert any(line.startswith("MISSED    4.000 of  1.600  decode: OpenAI text, one") for line in lines)
    assert any(line.startswith("met ") for line in lines)


def test_what_was_not_measured_is_not_judged() -> None:
    assert list(judge(replace(made_up(), cases=[]))) == []


def test_a_table_shows_skipped_contenders_and_unsteady_figures() -> None:
    case = CASES["decode", "OpenAI text, one event per feed"]
    samples = {"yardstick": {"cpu": [1.0, 1.0, 1.0]}, "sansio": {"cpu": [2.0, 3.0, 9.0]}}
    lines = list(report.table(CaseResult(case, samples, {"litellm": "litellm is not installed"})))
    assert lines[0] == "decode: OpenAI text, one event per feed"
    assert lines[2].split() == ["yardstick", "1.00", "1.00", "1.00", "to", "1.00"]
    assert lines[3].split() == ["sansio", "3.00", "3.00", "2.50", "to", "6.00", "unsteady"]
    assert lines[-1] == "    litellm: skipped, litellm is not installed"


def test_the_charts_are_drawn_and_the_same_results_give_the_same_files(tmp_path: Path) -> None:
    if find_spec("matplotlib") is None:
        with pytest.raises(SkippedError, match=r"^matplotlib is not installed$"):
            charts.draw(made_up(), tmp_path)
        return
    results = made_up()
    (tmp_path / "again").mkdir()
    drawn = charts.draw(results, tmp_path)
    names = {path.stem for path in drawn}
    assert names == {"decode", "end_to_end", "calls", "bulk", "imports", "memory", "growth"}
    again = charts.draw(results, tmp_path / "again")
    assert [path.read_bytes() for path in drawn] == [path.read_bytes() for path in again]
    assert charts.draw(replace(results, cases=[]), tmp_path) == []


def test_the_command_measures_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(
        [
            "decode",
            "--case",
            "Anthropic text, 64",
            "--rounds",
            "1",
            "--work",
            "0.01",
            "--output",
            str(tmp_path),
        ]
    )
    printed = capsys.readouterr().out
    assert "decode: Anthropic text, 64 KiB per feed" in printed
    assert "decode: Anthropic text, 64 KiB per feed: sansio / yardstick" in printed
    (path,) = tmp_path.glob("*.json")
    (result,) = report.read(path).cases
    assert set(result.samples) == {contender.name for contender in result.case.contenders}
    assert result.case.rounds == 1
    assert str(path) in printed


def test_an_unknown_row_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["decoding"])
    assert "decoding" in capsys.readouterr().err


def test_a_process_knows_what_it_holds_and_has_held() -> None:
    forget_peak()
    before = resident()
    held = bytearray(b"x" * 50_000_000)
    assert resident() - before > 40_000_000
    held.clear()
    assert peak_resident() - before > 40_000_000
