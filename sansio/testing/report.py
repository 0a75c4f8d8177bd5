"""The report of a check: each law with its verdict, for programs and for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

from msgspec import Struct

Progress: TypeAlias = Callable[[str, int, int], object]
"""Called before each law is tried, with its name, its number from 1 on, and the number of all laws."""


class Verdict(Enum):
    """The result of one law."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"
    """The law is about something that the checked object does not have."""
    DECLARED = "declared"
    """The caller of the check declared, with a reason, that the law is not kept. It was not tried."""
    NOT_TRIED = "not tried"
    """Another law, on which this one depends, has failed or is declared."""


class Result(Struct, frozen=True):
    """One law and its result.

    Args:
        law: the law's name.
        text: the law, in one line.
        verdict: the result.
        message: how the law was broken, or why it was not judged (the caller's reason if it was declared);
            empty if it passed.
        sample: the name of the sample that shows the breach.
        shown: the smallest bytes found that show the breach.
        remedy: what to do about the breach.
    """

    law: str
    text: str
    verdict: Verdict
    message: str = ""
    sample: str = ""
    shown: bytes = b""
    remedy: str = ""


class Report(Struct, frozen=True):
    """The results of all laws. `str()` is a table of them.

    Args:
        subject: what was checked, and how.
        results: one for each law, in the order of the tests.
    """

    subject: str
    results: tuple[Result, ...]

    @property
    def ok(self) -> bool:
        """Whether no law failed; laws that were declared or do not apply do not count."""
        return not self.failures

    @property
    def failures(self) -> tuple[Result, ...]:
        """The laws that failed."""
        return tuple(result for result in self.results if result.verdict is Verdict.FAILED)

    def __getitem__(self, law: str) -> Result:
        """The result of the law with that name.

        Raises:
            KeyError: no law of that name was tried.
        """
        for result in self.results:
            if result.law == law:
                return result
        raise KeyError(law)

    def __str__(self) -> str:
        if not self.results:
            return f"{self.subject}: no laws"
        counts = Counter(result.verdict for result in self.results)
        summary = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
        width = max(len(result.law) for result in self.results)
        lines = [f"{self.subject}: {summary}", ""]
        for result in self.results:
            if result.verdict is not Verdict.NOT_TRIED:
                lines += _lines(result, width)
        untried: dict[str, list[str]] = {}
        for result in self.results:
            if result.verdict is Verdict.NOT_TRIED:
                untried.setdefault(result.message, []).append(result.law)
        for why, laws in untried.items():
            named = f" ({', '.join(laws)})" if len(laws) <= _NAMED else ""
            lines += ["", f"{len(laws)} not tried{named}, {why}"]
        return "\n".join(lines)


_NAMED = 12
"""How many laws that were not tried a table names at most. If there are more, most laws were not tried."""

_SHOWN = 400
"""How many characters of the bytes that show a breach are in a table."""


def _lines(result: Result, width: int) -> list[str]:
    failed = result.verdict is Verdict.FAILED
    word = result.verdict.value.upper() if failed else result.verdict.value
    lines = [f"{word:<14}  {result.law:<{width}}  {result.text}"]
    margin = f"{'':<14}  {'':<{width}}  -> "
    if result.message:
        lines.append(f"{margin}{result.message}")
    if result.sample:
        lines.append(f"{margin}shown by {result.sample}: {_short(result.shown)}")
    if result.remedy:
        lines.append(f"{margin}{result.remedy}")
    return lines


def _short(data: bytes) -> str:
    shown = repr(data)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}... ({len(data)} bytes)"
