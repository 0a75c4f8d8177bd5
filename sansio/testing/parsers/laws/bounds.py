"""Laws about what a peer can do to a parser: nothing but be refused, at a bounded cost."""

from __future__ import annotations

from sansio.testing.judging.law import BrokenLawError, demand, law
from sansio.testing.judging.sample import Sample
from sansio.testing.judging.work import work_of
from sansio.testing.parsers.bench import Bench, answers_of
from sansio.testing.parsers.parser import Heard, Refused
from sansio.testing.parsers.shrinking import smallest


@law(
    "damaged bytes end in a result, or in an error that callers expect",
    "check each value before it is used, and raise one kind of error for all that is not valid",
    shrinks=False,
)
def damage(bench: Bench, sample: Sample) -> None:
    def breach(data: bytes) -> str:
        if not bench.format.answers:
            return bench.differs(data)  # any bytes are an event stream
        found = bench.hear([data])
        return f"it {found}" if isinstance(found, Refused) and not found.expected else ""

    for data in bench.damages(sample):
        if breach(data):
            shown, message = smallest(data, breach)
            raise BrokenLawError(message, shown)


@law(
    "streams that are read at the same time, or after one another, know nothing of each other",
    "keep what belongs to one stream in the object that the factory makes, never in a class or module",
    samples=answers_of,
    shrinks=False,
)
def independent(bench: Bench, sample: Sample) -> None:
    wanted = bench.hear([sample.data])
    half = len(sample.data) // 2
    parsers = [bench.factory() for _ in range(2)]
    for piece in (sample.data[:half], sample.data[half:]):
        for parser in parsers:
            parser.feed(piece)
    for parser in parsers:
        found = Heard(bench.format.shape(parser.close()))
        demand(found == wanted, f"of two streams at once, it {found}; alone, it {wanted}")
    bench.hear([sample.data[:half]])
    found_later = bench.hear([sample.data])
    demand(found_later == wanted, f"after a cut stream, it {found_later}; before, it {wanted}")


_TIMES = 24
"""How often a record is repeated in the smaller of two runs."""
_GROWTH = 4
"""How many times larger the other run is."""
_SLACK = 1.5
"""How much more than proportional work is allowed. Quadratic work is four times more."""


def _largest(bench: Bench) -> list[Sample]:
    return [*answers_of(bench)][-1:]


@law(
    "the cost grows with the bytes, not with their square",
    "do not decode, search or copy at each piece all that has arrived: keep pieces in a list, join once",
    samples=_largest,
    shrinks=False,
)
def linear(bench: Bench, sample: Sample) -> None:
    records = bench.parts(sample)
    for place, record in enumerate(records):
        before = records[:place]
        # The record again and again, and one line that arrives byte by byte and does not end.
        for way in ([record], [record[-3:-2]] * 8):
            small, large = (_work(bench, [*before, *way * (_TIMES * n)]) for n in (1, _GROWTH))
            demand(
                large <= _SLACK * _GROWTH * small,
                f"a record {_TIMES} times costs {small}, {_GROWTH * _TIMES} times {large}",
                record,
            )


def _work(bench: Bench, pieces: list[bytes]) -> int:
    return work_of(lambda: bench.hear(pieces))
