"""Laws about reading: the same answer however its bytes arrive, with one end."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from sansio.events import StreamComplete, StreamEvent, StreamFailed
from sansio.parser import StreamParser
from sansio.testing.dialects.bench import Bench
from sansio.testing.dialects.reading import Reading, read
from sansio.testing.judging.law import applies, demand, law
from sansio.testing.judging.sample import Sample

_SLOW_BYTES = 16_000
"""Longer samples are cut into pieces of several bytes."""


@law(
    "a sample is read: an answer completes, and what is marked as failing fails",
    "compare the message with the sample; mark a sample that is an error or breaks off with fails=True",
    basic=True,
    shrinks=False,
)
def reads(bench: Bench, sample: Sample) -> None:
    reading = bench.read(sample)
    error = reading.error
    if sample.fails:
        demand(error is not None, f"it was read as an answer: {reading.message!r:.200}")
    else:
        demand(error is None, f"reading failed: {error}")


@law(
    "an answer is the message that its golden says",
    "fix what differs, or the golden",
    shrinks=False,
)
def golden(bench: Bench, sample: Sample) -> None:
    applies(sample.golden, "no sample has a golden")
    message = bench.read(sample).message
    assert sample.golden is not None
    for name in sample.golden.__struct_fields__:
        wanted, found = getattr(sample.golden, name), getattr(message, name, None)
        if name == "origin" and wanted is None:
            continue
        demand(found == wanted, f"{name} is {found!r:.300}, not {wanted!r:.300}")


@law(
    "the events do not depend on how the bytes are cut",
    "keep what an unfinished frame or part has until the rest arrives; never look at where a piece ends",
)
def cuts(bench: Bench, sample: Sample) -> None:
    applies(not sample.is_whole, "no sample is a stream")
    whole = bench.read(sample)
    choices = bench.choices("cuts", sample)
    step = 1 if len(sample.data) <= _SLOW_BYTES else 97
    small = [sample.data[at : at + step] for at in range(0, len(sample.data), step)]
    ways = [("byte by byte", small)]
    ways += [("cut at random", choices.cut(sample.data)) for _ in range(bench.tries)]
    for way, pieces in ways:
        reading = bench.read(sample, pieces)
        demand(
            reading.comparable == whole.comparable,
            f"{way}, it ends in {reading.comparable[-2:]!r:.300}; at once, in {whole.comparable[-2:]!r:.300}",
        )
    for damage in bench.damaged(sample):
        if damage.frames is None:
            given = damage.sample
            try:
                whole, reading = bench.read(given), bench.read(given, choices.cut(given.data))
            except Exception:
                continue  # this is for the law `damage`
            words = "a damaged stream gives other events where it is cut elsewhere"
            demand(reading.comparable == whole.comparable, words, given.data)


@law(
    "a stream has exactly one end, and nothing is read behind it",
    "return True from receive() at the end marker, and let the parser add the last event; in a framer, stop "
    "when read() has returned True",
)
def one_end(bench: Bench, sample: Sample) -> None:
    applies(not sample.is_whole, "no sample is a stream")
    parser = StreamParser(bench.dialect(), content_type=sample.content_type)
    events = parser.receive_data(sample.data)
    at_marker = parser.finished
    events += parser.receive_eof()
    _check_end(events, None)
    for shown, reading in bench.damaged_readings(sample):
        _check_end(reading.events, shown)
    if at_marker:
        twice = structs.replace(sample, data=sample.data + sample.data)
        demand(
            bench.read(twice).comparable == bench.read(sample).comparable,
            "what follows the end marker in the same bytes was read",
            twice.data,
        )


def _check_end(events: Sequence[StreamEvent], shown: bytes | None) -> None:
    ends = sum(isinstance(event, (StreamComplete, StreamFailed)) for event in events)
    demand(ends == 1, f"there are {ends} last events", shown)


@law(
    "progress counts the frames of an answer",
    "add 1 to self.progress for each frame that means something: without it, a slow answer is taken for a "
    "stalled one",
)
def progress(bench: Bench, sample: Sample) -> None:
    applies(not sample.is_whole, "no sample is a stream")
    reading = bench.read(sample)
    demand(reading.message is None or reading.progress > 0, "progress is still 0 at the end of the answer")


@law(
    "answers that are read at the same time, or after one another, know nothing of each other",
    "keep what belongs to one answer in the reader that open_stream() makes, never in the dialect or a class",
)
def independent(bench: Bench, sample: Sample) -> None:
    shared = bench.dialect()
    alone = read(bench.dialect(), sample).comparable
    if sample.is_whole:
        again = [read(shared, sample).comparable for _ in range(2)]
        demand(again == [alone, alone], "the same body, read again by one dialect, gives another message")
        return
    half = len(sample.data) // 2
    parsers = [StreamParser(shared, content_type=sample.content_type) for _ in range(2)]
    given = [parser.receive_data(sample.data[:half]) for parser in parsers]
    for parser, events in zip(parsers, given, strict=True):
        events += parser.receive_data(sample.data[half:])
        events += parser.receive_eof()
        found = Reading(tuple(events)).comparable
        demand(found == alone, f"of two answers at once, one ends in {found[-2:]!r:.300}")
