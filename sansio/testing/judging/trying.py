"""Tries laws one after the other, and looks for the smallest sample that shows a breach."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Protocol, TypeVar

from msgspec import structs

from sansio.testing.judging.law import B, BrokenLawError, Law, NotApplicableError, raised
from sansio.testing.judging.sample import Sample
from sansio.testing.report import Progress, Result, Verdict

_SHRINKS = 24
"""How many smaller samples are tried at most when a law is broken."""


class Tried(Protocol):
    """The properties of a law that `try_each` needs."""

    @property
    def name(self) -> str:
        """In kebab case."""
        ...

    @property
    def text(self) -> str:
        """The law, in one line."""
        ...

    @property
    def basic(self) -> bool:
        """If it is broken, no law behind it can be judged."""
        ...

    @property
    def needs(self) -> Collection[str]:
        """Laws before it without which it cannot be judged."""
        ...


L = TypeVar("L", bound=Tried)


def try_each(
    book: Mapping[str, L],
    attempt: Callable[[L], Result],
    laws: Collection[str] | None,
    without: Mapping[str, str],
    progress: Progress | None = None,
) -> tuple[Result, ...]:
    """The results of the laws of a book, in its order.

    Args:
        attempt: tries one law.
        laws: names of the laws to try; `None` for all.
        without: laws that are declared as not kept, each with the reason.
        progress: called before each law is tried.

    Raises:
        ValueError: there is no such law, or a law cannot be declared.
    """
    unknown = {*(laws or ()), *without} - book.keys()
    if unknown:
        raise ValueError(f"{min(unknown)!r}: no such law; use some of {', '.join(book)}")
    for name, why in without.items():
        if book[name].basic or not why.strip():
            wrong = "every other law depends on it" if book[name].basic else "give the reason"
            raise ValueError(f"without: {name!r} cannot be declared: {wrong}")
    chosen = [law for law in book.values() if laws is None or law.name in laws]
    results: list[Result] = []
    missing: dict[str, str] = {}
    basic = ""
    for number, law in enumerate(chosen, 1):
        cause = basic or next((missing[name] for name in law.needs if name in missing), "")
        if law.name in without:
            results.append(Result(law.name, law.text, Verdict.DECLARED, without[law.name]))
            missing[law.name] = f"because of {law.name}, which is declared"
        elif cause:
            results.append(Result(law.name, law.text, Verdict.NOT_TRIED, cause))
        else:
            if progress is not None:
                progress(law.name, number, len(chosen))
            results.append(attempt(law))
            if results[-1].verdict is Verdict.FAILED:
                missing[law.name] = f"because of {law.name}; fix it first"
                basic = missing[law.name] if law.basic else ""
    return tuple(results)


def try_laws(
    book: Mapping[str, Law[B]],
    bench: B,
    laws: Collection[str] | None,
    without: Mapping[str, str],
    progress: Progress | None = None,
) -> tuple[Result, ...]:
    """Try the laws of a book on the samples of a bench. The arguments are those of `try_each`."""
    return try_each(book, partial(_try, bench), laws, without, progress)


def _try(bench: B, law: Law[B]) -> Result:
    why = ""
    applied = False
    for sample in law.samples(bench):
        try:
            law.check(bench, sample)
            applied = True
        except NotApplicableError as error:
            why = str(error)
        except Exception as error:  # the law's own, or one of what is checked
            sample, error = _smallest(law, bench, sample, error)
            shown = getattr(error, "shown", None)
            message = str(error) if isinstance(error, BrokenLawError) else f"it raised {raised(error)}"
            return Result(
                law.name,
                law.text,
                Verdict.FAILED,
                message,
                sample.name,
                sample.data if shown is None else shown,
                law.remedy,
            )
    if not applied:
        return Result(law.name, law.text, Verdict.NOT_APPLICABLE, why)
    return Result(law.name, law.text, Verdict.PASSED)


def _smallest(law: Law[B], bench: B, sample: Sample, error: Exception) -> tuple[Sample, Exception]:
    """The sample without the parts that the breach does not need, and the breach."""
    if not law.shrinks or sample.is_whole:
        return sample, error
    pieces = [*bench.parts(sample)]
    at, size = 0, max(1, len(pieces) // 2)
    for _ in range(_SHRINKS):
        if at >= len(pieces):
            at, size = 0, size // 2
        if not size:
            break
        fewer = [*pieces[:at], *pieces[at + size :]]
        smaller = structs.replace(sample, data=b"".join(fewer))
        try:
            law.check(bench, smaller)
            at += size
        except NotApplicableError:
            at += size
        except Exception as found:
            sample, error, pieces = smaller, found, fewer
    return sample, error
