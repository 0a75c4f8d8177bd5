"""The targets, as ratios within one run, and whether a run met them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from benchmarks import bulk, million
from benchmarks.measure import CaseResult
from benchmarks.report import Results
from benchmarks.tls import FULL, HANDSHAKE, RESUMED

_ANYIO = "sansio, AnyioTransport"
_BARE = "bare anyio + h11"


class Target(Struct, frozen=True):
    """An upper limit to one figure.

    Args:
        row: the row's name.
        case: the case's name.
        metric: the case's metric.
        contender: the contender that must meet it.
        reference: the contender to compare with; `None`: the figure itself must not exceed the limit.
        at_most: the limit.
    """

    row: str
    case: str
    metric: str
    contender: str
    reference: str | None
    at_most: float

    def figure(self, result: CaseResult) -> float | None:
        """The measured figure, if both were measured."""
        try:
            summary = result.summary(self.metric, self.contender, self.reference)
        except KeyError:
            return None
        return summary.ratio if self.reference is not None else summary.median


def _decode() -> Iterator[Target]:
    for wire, maker, limit, block_limit, plain, accumulating in (
        ("OpenAI", "openai", 1.6, 1.4, 55, 100),
        ("Anthropic", "anthropic", 1.9, 1.4, 10, 30),
        ("Responses", "openai", 1.6, 1.6, 55, 80),
    ):
        for kind in ("text", "tool arguments"):
            case, block = f"{wire} {kind}, one event per feed", f"{wire} {kind}, 64 KiB per feed"
            yield Target("decode", case, "cpu", "sansio", "yardstick", limit)
            yield Target("decode", block, "cpu", "sansio", "yardstick", block_limit)
            sdk = f"{maker} SDK"
            yield Target("decode", case, "cpu", "sansio", f"{sdk}, plain", 1 / plain)
            yield Target("decode", case, "cpu", "sansio", f"{sdk}, accumulating", 1 / accumulating)


def _streams() -> Iterator[Target]:
    for dialect, sdk in (("OpenAI", 1 / 11), ("Anthropic", 1 / 4)):
        for streams in ("1 stream", "50 streams"):
            case = f"{dialect} text, bursts, {streams}"
            yield Target("end_to_end", case, "cpu", _ANYIO, f"{dialect.lower()} SDK", sdk)
            yield Target("end_to_end", case, "cpu", _ANYIO, _BARE, 0.4)
            yield Target("end_to_end", case, "cpu", _ANYIO, "aiohttp", 1)
            httpcore2 = "sansio, HttpcoreTransport on httpcore2"
            yield Target("end_to_end", case, "cpu", httpcore2, "httpcore2", 1.15)
        paced = f"{dialect} text, paced, 50 streams"
        yield Target("end_to_end", paced, "cpu", _ANYIO, _BARE, 0.65)
        yield Target("end_to_end", paced, "cpu", _ANYIO, "aiohttp", 1.2)
    for streams in ("1 stream", "50 streams"):
        yield Target("end_to_end", f"OpenAI text, bursts, {streams}", "cpu", _ANYIO, "openai SDK", 1 / 35)


def _calls() -> Iterator[Target]:
    for at_once, limit in ((1, 1.0), (50, 1.2)):
        case = f"openai, {at_once} at once"
        yield Target("calls", case, "cpu", _ANYIO, "aiohttp", limit)
        yield Target("calls", case, "cpu", _ANYIO, _BARE, 1.15)
        yield Target("calls", case, "cpu", _ANYIO, "httpx2", 1 / 4)
        yield Target("calls", case, "cpu", _ANYIO, "openai SDK", 1 / 7)
    yield Target("calls", "openai, 1 at once", "cpu", f"{_ANYIO}, 100 idle", _ANYIO, 1.1)


def _tls() -> Iterator[Target]:
    trio, httpcore2 = f"{_ANYIO}, trio", "sansio, HttpcoreTransport on httpcore2"
    for dialect in ("OpenAI", "Anthropic"):
        for streams in ("1 stream", "50 streams"):
            bursts = f"{dialect} text, bursts, {streams}"
            yield Target("tls", bursts, "cpu", _ANYIO, "aiohttp", 1.05)
            yield Target("tls", bursts, "cpu", httpcore2, "httpx2", 0.8)
        yield Target("tls", f"{dialect} text, bursts, 1 stream", "cpu", trio, "aiohttp", 1.3)
        yield Target("tls", f"{dialect} text, paced, 50 streams", "cpu", _ANYIO, "aiohttp", 1.05)
        yield Target("tls", f"{dialect} text, paced, 50 streams", "cpu", trio, "aiohttp", 1.6)
    for at_once, limit in ((1, 1.0), (50, 1.1)):
        case = f"whole calls, openai, {at_once} at once"
        yield Target("tls", case, "cpu", _ANYIO, "aiohttp", limit)
        yield Target("tls", case, "cpu", httpcore2, "httpx2", 0.9)
    yield Target("tls", HANDSHAKE, "cpu", RESUMED, FULL, 0.75)


def _http2() -> Iterator[Target]:
    for dialect in ("OpenAI", "Anthropic"):
        yield Target("http2", f"{dialect} text, bursts, 50 streams", "cpu", _ANYIO, "httpx2", 0.6)


def _bulk() -> Iterator[Target]:
    ours = ("sansio, map_calls", "sansio-llm batch")
    for at_once in bulk.ROWS:
        for name in ours:
            yield Target("bulk", bulk.NAME.format(at_once), "cpu", name, "openai SDK and a semaphore", 0.5)
            yield Target("bulk", bulk.NAME.format(at_once), "cpu", name, "litellm.batch_completion", 0.2)
    for rows in million.ROWS:
        for name in ours:
            yield Target("million", million.ASKED.format(rows), "grown", name, None, 3)
            yield Target("million", million.ASKED.format(rows), "slope", name, None, 1.1)
        resumed, least = million.RESUMED.format(rows), "each line by json, and its id"
        yield Target("million", resumed, "cpu", "sansio-llm batch", least, 1)


def _rest() -> Iterator[Target]:
    yield Target("imports", "an import in a fresh interpreter", "import", "sansio", "msgspec, h11", 1.3)
    yield Target("memory", "OpenAI text, 50 streams open", "peak", _ANYIO, None, 34)
    for wire in ("OpenAI text", "OpenAI tool arguments", "Anthropic text", "Anthropic tool arguments"):
        yield Target("growth", f"{wire}, 200000 events", "slope", "sansio", None, 1.1)


TARGETS = (*_decode(), *_streams(), *_calls(), *_tls(), *_http2(), *_bulk(), *_rest())


def judge(results: Results) -> Iterator[str]:
    """Each target whose figure was measured, as a line of text."""
    for target in TARGETS:
        result = results.case(target.row, target.case)
        figure = target.figure(result) if result is not None else None
        if figure is None:
            continue
        met = "met   " if figure <= target.at_most else "MISSED"
        beside = f" / {target.reference}" if target.reference else f" ({target.metric})"
        yield (
            f"{met} {figure:8.3f} of {target.at_most:6.3f}  "
            f"{target.row}: {target.case}: {target.contender}{beside}"
        )
