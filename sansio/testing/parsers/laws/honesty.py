"""Laws about honesty: an answer is given only where the stream has a whole one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from sansio.jsontext import JSON
from sansio.testing.judging.law import BrokenLawError, demand, law
from sansio.testing.judging.sample import Sample
from sansio.testing.parsers.bench import Bench, answers_of, cut_of, failing_of
from sansio.testing.parsers.laws.reframing import keeps_meaning, written
from sansio.testing.parsers.parser import Heard
from sansio.testing.parsers.shrinking import smallest
from sansio.testing.records import Record, data_of, with_data


@law(
    "fields of a new kind change nothing",
    "take the fields that you know, and ignore all others: providers add fields without notice",
    samples=answers_of,
    shrinks=False,
)
def new_kinds(bench: Bench, sample: Sample) -> None:
    keeps_meaning(bench, sample, lambda records: written([_wider(record) for record in records]))


def _wider(record: Record) -> Record:
    """The record with a field that no parser knows."""
    data = data_of(record)
    if not data.startswith(b"{"):
        return record
    wider: dict[str, JSON] = {**msgspec.json.decode(data), "a_new_field": {"x": [1, None]}}
    return with_data(record, msgspec.json.encode(wider))


@law(
    "an error inside the stream is an error",
    "look for the error record of the dialect in each event, and raise; what arrived before is no answer",
    samples=failing_of,
    shrinks=False,
)
def errors(bench: Bench, sample: Sample) -> None:
    found = bench.hear([sample.data])
    demand(not isinstance(found, Heard), f"it {found}")


@law(
    "an answer that was cut is an error",
    "raise from close() unless the finish reason and the end of the answer were received",
    samples=answers_of,
    shrinks=False,
)
def no_lie(bench: Bench, sample: Sample) -> None:
    for length in _lengths(bench, sample):
        shown = sample.data[:length]
        if bench.format.meaning(shown) is None:
            found = bench.hear([shown])
            what = f"of {len(sample.data)} bytes, the first {length} are given as an answer"
            demand(not isinstance(found, Heard), f"{what}: it {found}", shown)


@law(
    "an event without its blank line is not dispatched",
    "drop what is open when the stream ends, as the standard says",
    samples=answers_of,
    shrinks=False,
)
def unfinished(bench: Bench, sample: Sample) -> None:
    def breach(data: bytes) -> str:
        # Where the event is read wrongly when it is finished, it shows nothing here.
        return "" if bench.differs(data + b"\n\n") else bench.differs(data)

    for length in _lengths(bench, sample):
        if breach(sample.data[:length]):
            shown, message = smallest(sample.data[:length], breach)
            raise BrokenLawError(message, shown)


def _lengths(bench: Bench, sample: Sample) -> Iterator[int]:
    """Where a stream is cut: behind each record, inside its blank line, and at random; the shortest first."""
    choices = bench.choices("lengths", sample)
    places = {choices.below(len(sample.data)) for _ in range(bench.tries)}
    at = 0
    for record in bench.parts(sample):
        at += len(record)
        places |= {at - 1, at}
    yield from sorted(places - {0, len(sample.data)})


@law(
    "a call whose arguments were cut is not a call with other arguments",
    "decode arguments when they are whole, never repair them; give the text, leave the call out, or raise",
    samples=cut_of,
    shrinks=False,
)
def cut_calls(bench: Bench, sample: Sample) -> None:
    found = bench.hear([sample.data])
    calls = found.value[1] if isinstance(found, Heard) and isinstance(found.value, tuple) else []
    repaired = [call for call in calls if not isinstance(call[1], str)]
    demand(not repaired, f"it {found}, where max_tokens cut the arguments")


_STRANGERS = {
    "an empty stream": b"",
    "a page of HTML": b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>\n\n",
    "comments alone": b": keep-alive\n\n",
    "a stream of other events": b'data: {"hello": "world"}\n\n',
    "an end marker alone": b"data: [DONE]\n\n",
}


def _strangers(bench: Bench) -> Sequence[Sample]:
    return [Sample(name=name, data=data) for name, data in _STRANGERS.items()]


@law(
    "bytes that are no answer are an error, never an empty success",
    "raise from close() if no finish reason was received",
    samples=_strangers,
    shrinks=False,
)
def foreign(bench: Bench, sample: Sample) -> None:
    found = bench.hear([sample.data])
    demand(not isinstance(found, Heard), f"{sample.name}: it {found}")


@law(
    "nothing is read behind the end of the answer",
    "stop at the end marker, and ignore what feed() is given after it",
    samples=answers_of,
    shrinks=False,
)
def end(bench: Bench, sample: Sample) -> None:
    wanted = bench.format.meaning(sample.data)
    for more in (sample.data, b"data: {\n\n"):
        found = bench.hear([sample.data + more])
        # An error is as good: the stream is not valid.
        wrong = isinstance(found, Heard) and found != wanted
        demand(not wrong, f"it {found}, where the answer {wanted}", sample.data + more)
