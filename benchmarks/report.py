"""A run's results: as JSON with their circumstances, and as tables of text."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.machine import Machine, machine, revision, versions
from benchmarks.measure import CaseResult, Scale

_ROOT = Path(__file__).resolve().parents[1]
_SPREAD = 0.3  # a ratio whose quartiles are farther apart than this part of it is marked as unsteady


class Results(Struct, frozen=True, kw_only=True):
    """The results of a run.

    Args:
        date: when it began, UTC.
        revision: the commit that was measured.
        versions: of the packages, in the interpreter that ran most contenders.
        other_versions: the same for the interpreters that were named for some peers.
    """

    date: datetime
    revision: str
    scale: Scale
    machine: Machine
    versions: dict[str, str]
    other_versions: dict[str, dict[str, str]]
    cases: list[CaseResult]

    def case(self, row: str, name: str) -> CaseResult | None:
        """One case's result, if it was measured."""
        return next((each for each in self.cases if (each.case.row, each.case.name) == (row, name)), None)


def begin(scale: Scale, pythons: Mapping[str, str]) -> Results:
    """Results without a case yet."""
    return Results(
        date=datetime.now(UTC).replace(microsecond=0),
        revision=revision(),
        scale=scale,
        machine=machine(),
        versions=versions(),
        other_versions={peer: _versions_in(python) for peer, python in pythons.items()},
        cases=[],
    )


def write(results: Results, directory: Path) -> Path:
    """Write the results as JSON, in a file named by their date."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{results.date:%Y-%m-%d-%H%M}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    return path


def read(path: Path) -> Results:
    """Read what `write` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def table(result: CaseResult) -> Iterator[str]:
    """A case as lines of text: medians, ratios to the reference, and the quartiles of those."""
    case = result.case
    yield f"{case.row}: {case.name}"
    width = max(len(each.name) for each in case.contenders) + 2
    for metric, unit in case.units.items():
        yield f"  {metric + ', ' + unit:{width + 12}}{'ratio':>9}   quartiles"
        for contender in case.contenders:
            if contender.name not in result.samples:
                continue
            try:
                summary = result.summary(metric, contender.name)
            except KeyError:
                continue
            mark = " unsteady" if summary.high - summary.low > _SPREAD * summary.ratio else ""
            yield (
                f"    {contender.name:{width}}{summary.median:10.2f}{summary.ratio:9.2f}"
                f"   {summary.low:.2f} to {summary.high:.2f}{mark}"
            )
    for name, why in result.skipped.items():
        yield f"    {name}: skipped, {why}"


def _versions_in(python: str) -> dict[str, str]:
    program = "import json; from benchmarks.machine import versions; print(json.dumps(versions()))"
    told = subprocess.run([python, "-c", program], cwd=_ROOT, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(told.stdout)
    return found
