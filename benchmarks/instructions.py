"""Instructions in place of time: the same on a busy machine, where CPU time swings by a third.

    python -m benchmarks.instructions [--case TEXT] [--work FACTOR] [ROW ...]

Each contender of a case runs in a process under valgrind, which counts the instructions outside the kernel.
It does some of the case's work in one process and three times as much in another. The result is the
difference, so it excludes the start of Python, the imports, the connections and the certificates.

It needs valgrind, which Linux distributions package, and takes about fifty times as long as the work itself.
Only rows whose runs do a fixed amount of work can be counted.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from msgspec.structs import replace

from benchmarks.measure import Case, CaseResult, Contender, Scale, SkippedError
from benchmarks.report import table
from benchmarks.rows import row
from benchmarks.server import running
from benchmarks.worker import Worker

ROWS = ("end_to_end", "calls", "tls", "http2", "observing", "recording")
METRIC = "instructions"

_MORE = 3
_SLOW_TICK = 0.02
"""Seconds between two paced events. In the usual millisecond a process under valgrind does not finish one."""

_COUNT = re.compile(r"I\s+refs:\s+([\d,]+)")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with these arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions",
        description="Count what each contender of some rows executes, under valgrind.",
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"all, or some of: {', '.join(ROWS)}")
    parser.add_argument("--case", default="", metavar="TEXT", help="only cases whose name contains this text")
    parser.add_argument("--work", type=float, default=0.05, metavar="FACTOR", help="amount of work")
    parser.add_argument(
        "--contender", action="append", metavar="NAME", help="only these; the first is the reference"
    )
    given = parser.parse_args(arguments)
    if unknown := set(given.rows) - set(ROWS):
        parser.error(f"cannot be counted: {', '.join(sorted(unknown))}; use some of {', '.join(ROWS)}")
    if shutil.which("valgrind") is None:
        parser.error("valgrind is not installed; Linux distributions package it")
    for name in given.rows or ROWS:
        found = row(name)
        scales = (Scale(1, given.work), Scale(1, _MORE * given.work))
        pairs = zip(*map(found.cases, scales), strict=True)
        chosen = [pair for pair in pairs if given.case in pair[0].name]
        if not chosen:
            continue
        with ExitStack() as stack:
            options: dict[str, str | int] = {}
            if found.served is not None:
                options = stack.enter_context(running(found.served, tick=_SLOW_TICK))
            for pair in chosen:
                less, more = (replace(case, options=case.options | options) for case in pair)
                print("\n".join(table(count(less, more, given.contender))), flush=True)


def count(less: Case, more: Case, names: Sequence[str] | None = None) -> CaseResult:
    """The millions of instructions that each contender needs for the difference of two cases.

    Args:
        less: a case of one of `ROWS`, with the server's options.
        more: the same case with more work.
        names: the contenders to run, the reference first. Default: all of the case.
    """
    contenders = less.contenders
    if names is not None:
        by_name = {each.name: each for each in contenders}
        contenders = tuple(by_name[name] for name in names if name in by_name)
    samples: dict[str, dict[str, list[float]]] = {}
    skipped: dict[str, str] = {}
    for contender in contenders:
        try:
            spent = _executed(more, contender) - _executed(less, contender)
        except SkippedError as error:
            skipped[contender.name] = str(error)
        else:
            samples[contender.name] = {METRIC: [spent / 1e6]}
    return CaseResult(replace(more, contenders=contenders, units={METRIC: "in millions"}), samples, skipped)


def _executed(case: Case, contender: Contender) -> int:
    """The instructions of a whole process that runs a contender once."""
    with tempfile.NamedTemporaryFile() as log:
        worker = Worker(
            under=(
                *("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"),
                f"--log-file={log.name}",
            )
        )
        try:
            worker.prepare(case, contender)
            worker.run()
        finally:
            worker.close()
        found = _COUNT.search(Path(log.name).read_text())
    assert found is not None, "valgrind has written no count"
    return int(found[1].replace(",", ""))


if __name__ == "__main__":
    main()
