"""What a law for dialects is, and how its check reports that it is broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from sansio.testing.dialects.bench import Bench
from sansio.testing.dialects.sample import Sample

Check: TypeAlias = Callable[[Bench, Sample], None]


class BrokenLawError(Exception):
    """The dialect broke the law.

    Args:
        message: how.
        shown: the bytes that show it, if they are not the sample's.
    """

    def __init__(self, message: str, shown: bytes | None = None) -> None:
        super().__init__(message)
        self.shown = shown


class NotApplicableError(Exception):
    """The law is about something that the sample does not have; the message says what."""


class Law(Struct, frozen=True):
    """Something that every dialect must do.

    Args:
        name: in kebab case.
        text: the law, in one line.
        remedy: what to do if it is broken.
        check: tests it on one sample.
        samples: those that it is tested on.
        basic: if it is broken, no other law can be judged.
        shrinks: a part of a sample can show that it is broken.
    """

    name: str
    text: str
    remedy: str
    check: Check
    samples: Callable[[Bench], Sequence[Sample]]
    basic: bool = False
    shrinks: bool = True


def _all(bench: Bench) -> Sequence[Sample]:
    return bench.samples


def law(
    text: str,
    remedy: str,
    *,
    samples: Callable[[Bench], Sequence[Sample]] = _all,
    basic: bool = False,
    shrinks: bool = True,
) -> Callable[[Check], Law]:
    """Make a law of the function that checks it, and of its name. The arguments are those of `Law`."""

    def made(check: Check) -> Law:
        name = getattr(check, "__name__", "").replace("_", "-")
        return Law(name, text, remedy, check, samples, basic, shrinks)

    return made


def demand(kept: object, message: str, shown: bytes | None = None) -> None:
    """Check one condition of a law.

    Raises:
        BrokenLawError: `kept` is false.
    """
    if not kept:
        raise BrokenLawError(message, shown)


def applies(there: object, what: str) -> None:
    """Check that a law can be judged.

    Raises:
        NotApplicableError: it cannot.
    """
    if not there:
        raise NotApplicableError(what)
