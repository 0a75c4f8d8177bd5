"""What the laws work with: the parser, its samples, and the variants of them that the seed decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from sansio.testing.dialects.damage import damaged, paths_of, wrongly_typed
from sansio.testing.dialects.reading import Frame
from sansio.testing.judging.sample import Sample
from sansio.testing.judging.seeded import Seeded
from sansio.testing.parsers.formats import CUT, Format
from sansio.testing.parsers.parser import Factory, Heard, Outcome, hear
from sansio.testing.parsers.shrinking import records_of
from sansio.testing.records import Record, data_of, read_records, write
from sansio.testing.strange import STRANGE


class Bench(Struct, frozen=True):
    """One check of one parser.

    Args:
        factory: makes a parser for each stream.
        format: what the streams mean.
        samples: the samples, the smallest first.
        errors: exceptions that callers expect. Empty: all except those that show a bug.
        seed: decides all cuts and damages.
        tries: how many cuts and how many damages are made from one sample.
    """

    factory: Factory
    format: Format
    samples: Sequence[Sample]
    errors: tuple[type[Exception], ...]
    seed: int
    tries: int

    def parts(self, sample: Sample) -> list[bytes]:
        """The sample's records."""
        return records_of(sample.data)

    def hear(self, pieces: Sequence[bytes]) -> Outcome:
        """The result of a new parser for a stream."""
        return hear(self.factory, self.format.shape, self.errors, pieces)

    def choices(self, law: str, sample: Sample) -> Seeded:
        """The choices of one law for one sample."""
        return Seeded(self.seed, law, sample.name)

    def differs(self, data: bytes) -> str:
        """How a valid stream is read wrongly; an empty text if it is not, or if the stream is invalid."""
        wanted = self.format.meaning(data)
        if wanted is None:
            return ""
        found = self.hear([data])
        if isinstance(found, Heard) and self.format.agrees(found, wanted):
            return ""
        return f"it {found}, where the stream {wanted}"

    def damages(self, sample: Sample) -> Iterator[bytes]:
        """The sample damaged in many ways that the seed decides."""
        choices = self.choices("damage", sample)
        records = read_records([sample.data])
        frames = _frames(sample) if self.format.answers else []
        for _ in range(self.tries):
            damage = damaged(sample, frames, choices)
            yield damage.sample.data if damage.frames is None else _written(damage.frames)
        for strange in STRANGE:
            at = choices.below(len(records) + 1)
            parts = [*records[:at], strange, *records[at:]]
            yield b"".join(write(record, b"\n", b" ") for record in parts)
        smaller = self.samples[: self.samples.index(sample)]
        known = {path for other in smaller for path in paths_of(_frames(other))}
        for damage in wrongly_typed(sample, frames, known):
            assert damage.frames is not None
            yield _written(damage.frames)


def _frames(sample: Sample) -> list[Frame]:
    return [_frame(record) for record in read_records([sample.data])]


def _frame(record: Record) -> Frame:
    names = [value for name, value in record if name == b"event"]
    return Frame(data_of(record), names[-1].decode() if names else "")


def _written(frames: Sequence[Frame]) -> bytes:
    records: list[Record] = [
        [
            *([(b"event", frame.name.encode())] if frame.name else []),
            *((b"data", line) for line in frame.data.split(b"\n")),
        ]
        for frame in frames
    ]
    return b"".join(write(record, b"\n", b" ") for record in records)


def answers_of(bench: Bench) -> Sequence[Sample]:
    """The samples that are answers, or events."""
    return [sample for sample in bench.samples if not sample.fails and sample.name != CUT]


def failing_of(bench: Bench) -> Sequence[Sample]:
    """The samples that are errors."""
    return [sample for sample in bench.samples if sample.fails]


def cut_of(bench: Bench) -> Sequence[Sample]:
    """The samples whose last call is cut."""
    return [sample for sample in bench.samples if sample.name == CUT]
