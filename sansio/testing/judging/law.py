"""What a law is, and how its check reports that it is broken."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Generic, Protocol, TypeVar, overload

from msgspec import Struct

from sansio.testing.judging.sample import Sample


class HasSamples(Protocol):
    """What the laws of one check work with."""

    @property
    def samples(self) -> Sequence[Sample]:
        """The smallest first."""
        ...

    def parts(self, sample: Sample) -> Sequence[bytes]:
        """The sample in the parts that may be left out to make it smaller; joined, they are its data."""
        ...


B = TypeVar("B", bound=HasSamples)


class BrokenLawError(Exception):
    """The checked object broke the law.

    Args:
        message: how it broke the law.
        shown: the bytes that show it, if they are not the sample's.
    """

    def __init__(self, message: str, shown: bytes | None = None) -> None:
        super().__init__(message)
        self.shown = shown


class NotApplicableError(Exception):
    """The law is about something that the sample does not have; the message says what."""


class Law(Struct, Generic[B], frozen=True):
    """Something that every object of a kind must do.

    Args:
        name: the law's name, in kebab case.
        text: the law, in one line.
        remedy: what to do if the law is broken.
        check: tests the law on one sample.
        samples: selects the samples that it is tested on.
        basic: whether no other law can be judged if this one is broken.
        shrinks: whether a part of a sample can show that the law is broken.
        needs: names of earlier laws; if one of them is broken, this law cannot be judged.
    """

    name: str
    text: str
    remedy: str
    check: Callable[[B, Sample], None]
    samples: Callable[[B], Sequence[Sample]]
    basic: bool = False
    shrinks: bool = True
    needs: Collection[str] = ()


def _all(bench: HasSamples) -> Sequence[Sample]:
    return bench.samples


@overload
def law(
    text: str, remedy: str, *, basic: bool = False, shrinks: bool = True
) -> Callable[[Callable[[B, Sample], None]], Law[B]]: ...


@overload
def law(
    text: str,
    remedy: str,
    *,
    samples: Callable[[B], Sequence[Sample]],
    basic: bool = False,
    shrinks: bool = True,
) -> Callable[[Callable[[B, Sample], None]], Law[B]]: ...


def law(
    text: str,
    remedy: str,
    *,
    samples: Callable[[B], Sequence[Sample]] = _all,
    basic: bool = False,
    shrinks: bool = True,
) -> Callable[[Callable[[B, Sample], None]], Law[B]]:
    """Make a law of the function that checks it, and of its name. The arguments are those of `Law`."""

    def made(check: Callable[[B, Sample], None]) -> Law[B]:
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
        NotApplicableError: `there` is false, so the law cannot be judged.
    """
    if not there:
        raise NotApplicableError(what)


def raised(error: BaseException) -> str:
    """An exception in a few words, with the function and the line that raised it."""
    where, trace = "", error.__traceback__
    while trace is not None:
        where = f"{trace.tb_frame.f_code.co_qualname}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} ({error}) in {where}"
