"""Laws about reading: what a stream means does not depend on how it is framed and cut."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sansio.testing.judging.law import BrokenLawError, demand, law
from sansio.testing.judging.sample import Sample
from sansio.testing.parsers.bench import Bench, answers_of
from sansio.testing.parsers.laws.reframing import keeps_meaning, written
from sansio.testing.parsers.parser import Heard
from sansio.testing.parsers.shrinking import smallest
from sansio.testing.records import BOM, Record, data_of, read_records, spread, with_data
from sansio.testing.strange import HARMLESS


def _first(bench: Bench) -> Sequence[Sample]:
    return answers_of(bench)[:1]


@law(
    "a plain stream is read",
    "see the page on check-parser for what feed() and close() must do",
    samples=_first,
    basic=True,
    shrinks=False,
)
def reads(bench: Bench, sample: Sample) -> None:
    found = bench.hear([sample.data])
    demand(isinstance(found, Heard), f"it {found}")


@law(
    "what is given is what the stream says",
    "compare with the bytes shown: every kind of record counts, also those without text",
    samples=answers_of,
    shrinks=False,
)
def truth(bench: Bench, sample: Sample) -> None:
    if bench.differs(sample.data):
        shown, message = smallest(sample.data, bench.differs, valid=True)
        raise BrokenLawError(message, shown)


@law(
    "lines may end in CR LF and in CR",
    "end a line at LF, CR LF or CR, and at nothing else",
    samples=answers_of,
    shrinks=False,
)
def line_ends(bench: Bench, sample: Sample) -> None:
    for line_end in (b"\r\n", b"\r"):
        keeps_meaning(bench, sample, partial(written, line_end=line_end))


@law(
    "a byte order mark may begin the stream",
    "leave out one U+FEFF at the very beginning, also where its three bytes arrive apart",
    samples=answers_of,
    shrinks=False,
)
def byte_order_mark(bench: Bench, sample: Sample) -> None:
    keeps_meaning(bench, sample, lambda records: BOM + written(records))


@law(
    "comments, blank lines and control fields change nothing",
    "ignore lines that begin with a colon, fields that you do not know, and records without data",
    samples=answers_of,
    shrinks=False,
)
def comments(bench: Bench, sample: Sample) -> None:
    for harmless in HARMLESS:
        for half in (0, 1, 2):
            keeps_meaning(bench, sample, partial(_with, harmless, half))


def _with(harmless: Record, half: int, records: Sequence[Record]) -> bytes:
    """The records with another one first, in the middle or last."""
    at = len(records) * half // 2
    return written([*records[:at], harmless, *records[at:]])


@law(
    "data may be written over several lines",
    "join the data lines of one record with LF, and read them at its blank line",
    samples=answers_of,
    shrinks=False,
)
def data_lines(bench: Bench, sample: Sample) -> None:
    keeps_meaning(bench, sample, lambda records: written([_spread(record) for record in records]))


def _spread(record: Record) -> Record:
    data = data_of(record)
    return spread(record) if data.startswith(b"{") else with_data(record, data + b"\n") if data else record


@law(
    "no space need follow a colon",
    "remove one space behind the colon if it is there, and no more",
    samples=answers_of,
    shrinks=False,
)
def colons(bench: Bench, sample: Sample) -> None:
    keeps_meaning(bench, sample, partial(written, space=b""))


@law(
    "the result does not depend on how the bytes are cut",
    "keep what an unfinished line or character has until the rest arrives; decode UTF-8 incrementally",
    shrinks=False,
)
def cuts(bench: Bench, sample: Sample) -> None:
    def bytewise(data: bytes) -> str:
        return _differently(bench, [data[at : at + 1] for at in range(len(data))])

    choices = bench.choices("cuts", sample)
    crlf = written(read_records([sample.data]), line_end=b"\r\n")
    for data in (sample.data, crlf, sample.data[: len(sample.data) * 2 // 3]):
        if bytewise(data):
            shown, message = smallest(data, bytewise)
            raise BrokenLawError(f"byte by byte, {message}", shown)
        for _ in range(bench.tries):
            pieces = choices.cut(data)
            if message := _differently(bench, pieces):
                raise BrokenLawError(f"cut as {pieces!r:.300}, {message}", data)


def _differently(bench: Bench, pieces: Sequence[bytes]) -> str:
    """How a stream in pieces is read differently from the whole stream; an empty text if it is not."""
    whole, cut = bench.hear([b"".join(pieces)]), bench.hear(pieces)
    same = whole == cut if isinstance(whole, Heard) else not isinstance(cut, Heard)
    return "" if same else f"it {cut}; at once, it {whole}"
