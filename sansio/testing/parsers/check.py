"""Tries the laws on a parser."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from sansio.testing.judging.law import Law
from sansio.testing.judging.trying import try_laws
from sansio.testing.parsers.bench import Bench
from sansio.testing.parsers.formats import format_of
from sansio.testing.parsers.laws import ANSWER_LAWS, EVENT_LAWS
from sansio.testing.parsers.parser import Factory
from sansio.testing.report import Progress, Report

_NOTHING: Mapping[str, str] = MappingProxyType({})


def laws_for(dialect: str) -> Mapping[str, Law[Bench]]:
    """The laws for parsers of a dialect, or of `sse`, by their names in the order of the tests.

    Raises:
        ValueError: there is no such dialect.
    """
    return ANSWER_LAWS if format_of(dialect).answers else EVENT_LAWS


def check_parser(
    factory: Factory,
    dialect: str,
    *,
    errors: tuple[type[Exception], ...] = (),
    laws: Collection[str] | None = None,
    without: Mapping[str, str] = _NOTHING,
    seed: int = 0,
    tries: int = 20,
    progress: Progress | None = None,
) -> Report:
    """Try every law for stream parsers on any parser. It needs no test framework.

    This library's encoders write the streams, and `StreamParser` and `SSEDecoder` read their meaning. If the
    parser is pure, the same arguments give the same report. A broken parser is reported and never raises
    here. The check takes some seconds.

    Args:
        factory: makes the parser of one stream; see `Parser` for its two methods.
        dialect: one of `PROVIDER_TYPES`; or such a type and an api, such as `"openai/responses"`; or `"sse"`
            for a parser that only splits a stream into events.
        errors: exceptions that callers of the parser expect. Default: all except those that show a bug, such
            as `TypeError` and `KeyError`.
        laws: names of the laws to try. Default: all of `laws_for(dialect)`.
        without: laws that the parser does not keep, each with the reason. They are not tried, and the report
            shows them as declared.
        seed: decides where streams are cut and how they are damaged.
        tries: how many cuts and damages are tried on each stream.
        progress: called before each law is tried, with its name, its number from 1 on, and the number of all
            laws. `print` is a simple choice.

    Returns:
        The report. For a law that failed, it has the breach, the smallest bytes found that show it, and what
        to do.

    Raises:
        ValueError: there is no such dialect or law; or a law cannot be declared.

    Example:
        report = check_parser(MyParser, "anthropic", errors=(MyError,))
        assert report.ok, str(report)
    """
    made = format_of(dialect)
    bench = Bench(factory, made, made.samples(), errors, seed, tries)
    results = try_laws(laws_for(dialect), bench, laws, without, progress)
    name = getattr(factory, "__qualname__", type(factory).__qualname__)
    return Report(f"{name} ({dialect}), seed {seed}", results)
