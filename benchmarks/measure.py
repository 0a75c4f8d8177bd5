"""How a benchmark is described, timed and summed up: interleaved rounds, medians, paired ratios."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Literal, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")

Metrics: TypeAlias = dict[str, float]
"""What one run measured, by name; the case says the units."""

Run: TypeAlias = Callable[[], Metrics]
"""Does a contender's work once. It raises `WrongAnswerError` if the result is wrong."""

Served: TypeAlias = Literal["http", "https", "h2"]
"""What the server speaks: HTTP/1.1, plain or over TLS, or HTTP/2 over TLS."""

LEAST_SECONDS = 0.05
"""Work that takes less CPU time is repeated, since short times are not meaningful."""


class Contender(Struct, frozen=True):
    """A participant, which does the work of a case.

    Args:
        name: shown in tables and charts.
        peer: the import name of the library that does the work, where it is not this project or a package
            that it needs itself. A peer that is not installed is skipped.
        options: what the row must know in addition to the case's options.
    """

    name: str
    peer: str = ""
    options: dict[str, str | int] = {}


class Case(Struct, frozen=True, kw_only=True):
    """One table of a row: the same work done by all contenders, in turn.

    Args:
        row: the row's name, which is the module that runs it.
        name: what is done.
        units: the unit of each metric.
        contenders: the reference first; all ratios are to it.
        rounds: how many times each contender runs.
        options: what the row must know.
        fresh: each run has its own process, for figures that can be measured only once in a process.
    """

    row: str
    name: str
    units: dict[str, str]
    contenders: tuple[Contender, ...]
    rounds: int
    options: dict[str, str | int]
    fresh: bool = False

    def number(self, option: str) -> int:
        """An option that is a number."""
        value = self.options[option]
        assert isinstance(value, int)
        return value

    def text(self, option: str) -> str:
        """An option that is a text."""
        value = self.options[option]
        assert isinstance(value, str)
        return value


class Scale(Struct, frozen=True):
    """How much is done.

    Args:
        rounds: how many times each contender runs; a row may do with fewer.
        work: multiplies the number of events, calls and so on; 1 is for published figures.
    """

    rounds: int
    work: float

    def units(self, number: int, least: int = 1) -> int:
        """The number of events, calls or streams at this scale."""
        return max(least, round(number * self.work))


class Row(Struct, frozen=True):
    """A kind of benchmark.

    Args:
        title: what it measures, in a line.
        cases: its cases at a scale.
        prepare: makes one contender ready for a case. It raises `SkippedError` if that is impossible.
        served: the server that it needs, if it needs one. Its cases then have the options that
            `benchmarks.server.running` yields.
    """

    title: str
    cases: Callable[[Scale], list[Case]]
    prepare: Callable[[Case, Contender], Run]
    served: Served | None = None


class SkippedError(Exception):
    """This contender cannot take part; the message is shown in the results."""


class WrongAnswerError(Exception):
    """A contender did not do the work: its answer differs from what was sent."""


def peer(module: str) -> Any:  # Any: peers need not be installed where this is type-checked
    """Import a module of another library.

    Raises:
        SkippedError: it is not installed, or cannot be imported.
    """
    name = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] == name:
            raise SkippedError(f"{name} is not installed") from error
        raise SkippedError(f"{module} cannot be imported: {error}") from error


def check(given: str, expected: str) -> None:
    """Refuse an answer that differs from what was sent.

    Raises:
        WrongAnswerError: it does.
    """
    if given != expected:
        raise WrongAnswerError(
            f"{len(given)} characters in place of {len(expected)}: {given[:40]!r}… for {expected[:40]!r}…"
        )


def pin(core: int) -> None:
    """Keep this process on one core, where there is another for the rest.

    A process that moves between cores loses its caches, and figures of the same work then differ by a third.

    Args:
        core: 0 for a contender, 1 for the server.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(0, {cores[core]})


def cpu_per_unit(work: Callable[[], T], units: int) -> tuple[float, T]:
    """CPU time of this process per unit of `work`, in microseconds, and the work's result.

    Short work is repeated, so that the clock has something to measure.
    """
    gc.collect()
    times = 0
    begin = time.process_time()
    while True:
        given = work()
        times += 1
        spent = time.process_time() - begin
        if spent >= LEAST_SECONDS:
            return spent / (units * times) * 1e6, given


class Summary(Struct, frozen=True):
    """One contender's figures for one metric.

    Args:
        median: of its rounds.
        ratio: the median of its ratios to the reference, each within one round.
        low: the lower quartile of those ratios.
        high: the upper quartile.
    """

    median: float
    ratio: float
    low: float
    high: float


def summarize(samples: Sequence[float], reference: Sequence[float]) -> Summary:
    """Compare a contender's rounds with the same rounds of another.

    Pairs cancel out what slows a whole round down, so the median of ratios is steadier than the ratio of
    medians. Rounds that one of the two lacks are left out.
    """
    import statistics  # it weighs 3 MB, which processes that measure memory must not hold

    ratios = sorted(mine / other for mine, other in zip(samples, reference, strict=False) if other)
    if len(ratios) < 2:
        ratio = ratios[0] if ratios else float("nan")
        return Summary(statistics.median(samples), ratio, ratio, ratio)
    low, ratio, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Summary(statistics.median(samples), ratio, low, high)


class CaseResult(Struct, frozen=True):
    """The result of a case.

    Args:
        samples: by contender and metric, one number for each round.
        skipped: why a contender is missing, by its name.
    """

    case: Case
    samples: dict[str, dict[str, list[float]]]
    skipped: dict[str, str]

    def summary(self, metric: str, contender: str, reference: str | None = None) -> Summary:
        """One contender's figures compared with another's. Default: the case's reference.

        Raises:
            KeyError: one of the two was skipped.
        """
        other = reference or self.case.contenders[0].name
        return summarize(self.samples[contender][metric], self.samples[other][metric])


def interleave(case: Case, runs: Mapping[str, Run], skipped: Mapping[str, str]) -> CaseResult:
    """Run the contenders in turn, round by round; each round begins with a different one.

    Args:
        runs: by contender. One that raises `SkippedError` is not run again.
        skipped: the contenders that are already skipped.
    """
    samples: dict[str, dict[str, list[float]]] = {}
    missing = dict(skipped)
    names = list(runs)
    for number in range(case.rounds):
        first = number % len(names) if names else 0
        for name in names[first:] + names[:first]:
            if name in missing:
                continue
            try:
                metrics = runs[name]()
            except SkippedError as error:
                missing[name] = str(error)
                samples.pop(name, None)
                continue
            for metric, value in metrics.items():
                samples.setdefault(name, {}).setdefault(metric, []).append(value)
    return CaseResult(case, samples, missing)
