"""The command: measures, prints tables, writes the results as JSON and as charts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from benchmarks import charts, report
from benchmarks.measure import Case, CaseResult, Scale, SkippedError
from benchmarks.report import Results
from benchmarks.rows import NAMES, row
from benchmarks.server import running
from benchmarks.targets import judge
from benchmarks.worker import workers

_HERE = Path(__file__).resolve().parent
_CHARTS = _HERE.parent / "docs" / "charts"
"""The folder for the results of full runs, which pages show."""
FULL = Scale(rounds=9, work=1)
QUICK = Scale(rounds=3, work=0.1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with these arguments."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if unknown := set(given.rows) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; use some of {', '.join(NAMES)}")
    if given.draw is not None:
        _draw(report.read(given.draw), given.output or _CHARTS)
        return
    base = QUICK if given.quick else FULL
    scale = Scale(given.rounds or base.rounds, given.work or base.work)
    pythons = dict(pair.partition("=")[::2] for pair in given.python)
    output = given.output or (_HERE.parent / "build" / "benchmarks" if given.quick else _HERE / "results")
    results = report.begin(scale, pythons)
    for name in NAMES:
        if not given.rows or name in given.rows:
            _measure(name, scale, results, pythons, given.case)
            # After each row, so that an interrupted run has some results.
            path = report.write(results, output)
    print()
    for line in judge(results):
        print(line)
    print(path)
    _draw(results, _CHARTS if output == _HERE / "results" else output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compare this library with a minimal decoder, HTTP libraries and the official SDKs.",
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"all, or some of: {', '.join(NAMES)}")
    parser.add_argument(
        "--case",
        default="",
        metavar="TEXT",
        help="run only cases whose name contains this text (default: all)",
    )
    parser.add_argument("--quick", action="store_true", help="do less work in fewer rounds, for a first look")
    parser.add_argument("--rounds", type=int, metavar="N", help="how many times each contender runs")
    parser.add_argument(
        "--work", type=float, metavar="FACTOR", help="amount of work; 1 is for published figures"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="where results and charts go")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PEER=PATH",
        help="another interpreter, for a peer that cannot be installed with the others, "
        "such as litellm=/venvs/litellm/bin/python",
    )
    parser.add_argument("--draw", type=Path, metavar="FILE", help="only draw these results")
    return parser


def _measure(name: str, scale: Scale, results: Results, pythons: dict[str, str], only: str) -> None:
    """Run the cases of a row, printing each as it is done."""
    found = row(name)
    cases = [case for case in found.cases(scale) if only in case.name]
    if not cases:
        return
    print(f"\n{name}: {found.title}\n", flush=True)
    with workers(pythons) as contenders:
        if found.served is None:
            _run(cases, contenders.measure, results)
            return
        with running(found.served) as options:
            served = [replace(case, options=case.options | options) for case in cases]
            _run(served, contenders.measure, results)


def _run(cases: list[Case], measure: Callable[[Case], CaseResult], results: Results) -> None:
    for case in cases:
        result = measure(case)
        results.cases.append(result)
        print("\n".join(report.table(result)), flush=True)


def _draw(results: Results, directory: Path) -> None:
    try:
        for path in charts.draw(results, directory):
            print(path)
    except SkippedError as error:
        print(f"no charts: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
