"""Tries the laws on a dialect, and looks for the smallest bytes that show a breach."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from types import MappingProxyType

from msgspec import structs

from sansio.config import PROVIDER_DEFAULTS, ProviderConfig
from sansio.errors import ConfigError
from sansio.families.base import Dialect
from sansio.testing.dialects.bench import Bench
from sansio.testing.dialects.law import BrokenLawError, Law, NotApplicableError
from sansio.testing.dialects.laws import LAWS
from sansio.testing.dialects.laws.bounds import raised
from sansio.testing.dialects.sample import Sample
from sansio.testing.report import Report, Result, Verdict

_NOTHING: Mapping[str, str] = MappingProxyType({})
_SHRINKS = 24
"""How many smaller samples are tried at most when a law is broken."""


def check_dialect(
    dialect: type[Dialect],
    samples: Iterable[Sample],
    *,
    config: ProviderConfig | None = None,
    ignored: Mapping[str, str] = _NOTHING,
    not_returned: Mapping[str, str] = _NOTHING,
    laws: Collection[str] | None = None,
    without: Mapping[str, str] = _NOTHING,
    seed: int = 0,
    tries: int = 20,
) -> Report:
    """Try every law of the library on a dialect. For authors of dialects; it needs no test framework.

    It is pure: the same arguments give the same report. A dialect that is broken, or raises, is reported and
    never raises here. A few samples of all that the wire has are enough: text, reasoning, two tool calls, an
    error, and each of them streamed and whole. It takes about a second for streams of a few kilobytes.

    Args:
        dialect: the class. It is made without a config to read answers, as `StreamParser` makes it.
        samples: answers of the wire.
        config: a complete config, which builds the requests that answers go back in. Default: that of the
            dialect's registered type; without either, the law `goes-back` does not apply.
        ignored: fields of answers that may change without a trace, by their paths, each with the reason, such
            as `{".choices[].index": "there is one choice"}`. List indexes are left out of a path.
        not_returned: fields that a message has and the next request has not, though no report says so; in the
            same form.
        laws: names of the laws to try. Default: all of `LAWS`.
        without: laws that the dialect does not keep, each with the reason. They are not tried, and the report
            shows them as declared.
        seed: decides where streams are cut and how they are damaged.
        tries: how many cuts and damages are made of each sample.

    Returns:
        The report. A law that failed says what was broken, the smallest bytes that were found to show it, and
        what to do.

    Raises:
        ValueError: there are no samples, or no such law; or a law cannot be declared.

    Example:
        report = check_dialect(MyDialect, [Sample(name="text", data=STREAM)])
        assert report.ok, str(report)
    """
    known = sorted(samples, key=lambda sample: len(sample.data))
    if not known:
        raise ValueError("samples: there are none; give at least one answer of the wire")
    unknown = {*(laws or ()), *without} - LAWS.keys()
    if unknown:
        raise ValueError(f"{min(unknown)!r}: no such law; use some of {', '.join(LAWS)}")
    for name, why in without.items():
        if LAWS[name].basic or not why.strip():
            wrong = "every other law depends on it" if LAWS[name].basic else "give the reason"
            raise ValueError(f"without: {name!r} cannot be declared: {wrong}")
    bench = Bench(dialect, known, config or _registered(dialect), ignored, not_returned, seed, tries)
    results: list[Result] = []
    broken = ""
    for law in LAWS.values():
        if laws is not None and law.name not in laws:
            continue
        if law.name in without:
            results.append(Result(law.name, law.text, Verdict.DECLARED, without[law.name]))
        elif broken:
            results.append(Result(law.name, law.text, Verdict.NOT_TRIED, f"fix {broken} first"))
        else:
            results.append(_try(law, bench))
            if law.basic and results[-1].verdict is Verdict.FAILED:
                broken = law.name
    return Report(f"{dialect.__name__} ({dialect.TYPE}/{dialect.API}), seed {seed}", tuple(results))


def _registered(dialect: type[Dialect]) -> ProviderConfig | None:
    """A config of the dialect's type, if its defaults are all that it needs."""
    if dialect.TYPE not in PROVIDER_DEFAULTS:
        return None
    try:
        return ProviderConfig(type=dialect.TYPE, api=dialect.API, model="any")
    except ConfigError:
        return None


def _try(law: Law, bench: Bench) -> Result:
    why = ""
    applied = False
    for sample in law.samples(bench):
        try:
            law.check(bench, sample)
            applied = True
        except NotApplicableError as error:
            why = str(error)
        except Exception as error:  # the law's own, or one of the dialect's
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


def _smallest(law: Law, bench: Bench, sample: Sample, error: Exception) -> tuple[Sample, Exception]:
    """The sample without the frames that the breach does not need, and the breach."""
    if not law.shrinks or sample.is_whole:
        return sample, error
    places = [0, *(frame.end for frame in bench.frames(sample))]
    pieces = [sample.data[start:end] for start, end in pairwise(places)]
    pieces.append(sample.data[places[-1] :])
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
