"""Tries the laws on a dialect."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from sansio.config import PROVIDER_DEFAULTS, ProviderConfig
from sansio.errors import ConfigError
from sansio.families.base import Dialect
from sansio.testing.dialects.bench import Bench
from sansio.testing.dialects.laws import LAWS
from sansio.testing.judging.sample import Sample
from sansio.testing.judging.trying import try_laws
from sansio.testing.report import Progress, Report

_NOTHING: Mapping[str, str] = MappingProxyType({})


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
    progress: Progress | None = None,
) -> Report:
    """Try every law of the library on a dialect. For authors of dialects; it needs no test framework.

    It is pure: the same arguments give the same report. A dialect that is broken, or raises, is reported and
    never raises here. A few samples are enough if they cover the whole wire format: text, reasoning, two tool
    calls and an error, each of them streamed and whole. It takes about a second for streams of a few
    kilobytes.

    Args:
        dialect: the class. It is made without a config to read answers, as `StreamParser` makes it.
        samples: answers of the provider, as bytes.
        config: a complete config, for the requests in which answers are sent back. Default: that of the
            dialect's registered type; without either, the law `goes-back` does not apply.
        ignored: fields of answers that may change without a trace, by their paths, each with the reason, such
            as `{".choices[].index": "there is one choice"}`. List indexes are left out of a path.
        not_returned: fields of a message that the next request lacks without any report of it; in the same
            form.
        laws: names of the laws to try. Default: all of `LAWS`.
        without: laws that the dialect does not keep, each with the reason. They are not tried, and the report
            shows them as declared.
        seed: decides where streams are cut and how they are damaged.
        tries: how many cuts and damages are tried on each sample.
        progress: called before each law is tried, with its name, its number from 1 on, and the number of all
            laws. `print` is a simple choice.

    Returns:
        The report. For a law that failed, it has the breach, the smallest bytes found that show it, and what
        to do.

    Raises:
        ValueError: there are no samples, or no such law; or a law cannot be declared.

    Example:
        report = check_dialect(MyDialect, [Sample(name="text", data=STREAM)])
        assert report.ok, str(report)
    """
    known = sorted(samples, key=lambda sample: len(sample.data))
    if not known:
        raise ValueError("samples: there are none; give at least one answer of the wire")
    bench = Bench(dialect, known, config or _registered(dialect), ignored, not_returned, seed, tries)
    results = try_laws(LAWS, bench, laws, without, progress)
    return Report(f"{dialect.__name__} ({dialect.TYPE}/{dialect.API}), seed {seed}", results)


def _registered(dialect: type[Dialect]) -> ProviderConfig | None:
    """A config of the dialect's type, if its defaults are all that it needs."""
    if dialect.TYPE not in PROVIDER_DEFAULTS:
        return None
    try:
        return ProviderConfig(type=dialect.TYPE, api=dialect.API, model="any")
    except ConfigError:
        return None
