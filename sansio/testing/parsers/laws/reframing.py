"""Streams that are written in another way, with the same meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sansio.testing.judging.law import BrokenLawError
from sansio.testing.judging.sample import Sample
from sansio.testing.parsers.bench import Bench
from sansio.testing.parsers.shrinking import smallest
from sansio.testing.records import Record, read_records, write


def written(records: Sequence[Record], *, line_end: bytes = b"\n", space: bytes = b" ") -> bytes:
    """The bytes of records."""
    return b"".join(write(record, line_end, space) for record in records)


def keeps_meaning(bench: Bench, sample: Sample, other: Callable[[Sequence[Record]], bytes]) -> None:
    """Demand that a stream is read correctly when it is written in another way.

    If the original stream is read wrongly, it breaks the law `truth`, and shows nothing here.

    Args:
        bench: the bench.
        sample: the original stream.
        other: writes its records in the other way.

    Raises:
        BrokenLawError: it is read wrongly.
    """

    def breach(plain: bytes) -> str:
        return "" if bench.differs(plain) else bench.differs(other(read_records([plain])))

    if breach(sample.data):
        plain, message = smallest(sample.data, breach, valid=True)
        raise BrokenLawError(message, other(read_records([plain])))
