"""The result of a check: each law with its verdict, for programs and for people."""

from __future__ import annotations

from collections import Counter
from enum import Enum

from msgspec import Struct


class Verdict(Enum):
    """The result of one law."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"
    """The law is about something that the transport does not have."""
    DECLARED = "declared"
    """The caller of the check said that the transport does not keep it, and why. It was not tried."""
    NOT_TRIED = "not tried"
    """A law that all others depend on has failed."""


class Result(Struct, frozen=True):
    """One law and its result.

    Args:
        law: its name.
        text: the law, in one line.
        verdict: the result.
        message: what the transport did wrong, or why it was not judged, in the caller's words where declared;
            empty if it passed.
    """

    law: str
    text: str
    verdict: Verdict
    message: str = ""


class Report(Struct, frozen=True):
    """The results of all laws. `str()` is a table of them.

    Args:
        subject: what was checked, and how.
        results: one for each law, in the order of the tests.
    """

    subject: str
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether no law failed; laws that were declared or do not apply do not count."""
        return not self.failures

    @property
    def failures(self) -> tuple[Result, ...]:
        """The laws that failed."""
        return tuple(result for result in self.results if result.verdict is Verdict.FAILED)

    def __getitem__(self, law: str) -> Result:
        """The result of the law with that name.

        Raises:
            KeyError: it was not among those tried.
        """
        for result in self.results:
            if result.law == law:
                return result
        raise KeyError(law)

    def __str__(self) -> str:
        if not self.results:
            return f"{self.subject}: no laws"
        counts = Counter(result.verdict for result in self.results)
        told = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
        width = max(len(result.law) for result in self.results)
        lines = [f"{self.subject}: {told}", ""]
        for result in self.results:
            if result.verdict is not Verdict.NOT_TRIED:
                lines += _lines(result, width)
        untried = [result for result in self.results if result.verdict is Verdict.NOT_TRIED]
        if untried:
            lines += ["", f"{len(untried)} laws were not tried: {untried[0].message}"]
        return "\n".join(lines)


def _lines(result: Result, width: int) -> list[str]:
    failed = result.verdict is Verdict.FAILED
    word = result.verdict.value.upper() if failed else result.verdict.value
    lines = [f"{word:<14}  {result.law:<{width}}  {result.text}"]
    if result.message:
        lines.append(f"{'':<14}  {'':<{width}}  -> {result.message}")
    return lines
