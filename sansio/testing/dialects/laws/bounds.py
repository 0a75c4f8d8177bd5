"""Laws about what a peer can do to a reader: nothing but be refused, at a bounded cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import structs

from sansio.errors import LimitExceededError, ProviderError
from sansio.limits import Limits
from sansio.testing.dialects.bench import Bench
from sansio.testing.dialects.fields import paths_in
from sansio.testing.dialects.reading import Frame, Reading
from sansio.testing.judging.law import BrokenLawError, applies, demand, law, raised
from sansio.testing.judging.sample import Sample
from sansio.testing.judging.work import work_of

_ERRORS = (
    "", "nonsense", "[]", "{}", "null", '{"error": null}', '{"error": []}', '{"error": {"message": 1}}',
    '[{"error": {"code": "x", "message": {}}}]', '{"error": "busy"}', '{"detail": [{}]}', '{"error": {',
)  # fmt: skip
"""Bodies of error statuses."""


@law(
    "damaged bytes raise nothing: reading them ends in an event",
    "check each value of a frame before it is used; raise only a ProviderError such as RemoteProtocolError",
)
def damage(bench: Bench, sample: Sample) -> None:
    for shown, outcome in bench.outcomes(sample):
        if isinstance(outcome, Exception):
            raise BrokenLawError(f"it raised {raised(outcome)}", shown) from outcome
    dialect = bench.dialect()
    for body in _ERRORS:
        for status in (400, 500):
            try:
                dialect.parse_error(status, (), body)
            except Exception as error:
                text = body.encode()
                raise BrokenLawError(f"parse_error({status}, ...) raised {raised(error)}", text) from error


_DEEP = 20
"""A depth to nest to, which half as much must refuse."""


@law(
    "the limits are kept",
    "pass self.limits on: a framer takes max_event_bytes, decode_object takes max_json_depth, and "
    "self._answer.calls counts the calls",
    shrinks=False,
)
def limits(bench: Bench, sample: Sample) -> None:
    frames = bench.frames(sample)
    reading = bench.read(sample)
    applies(not sample.is_whole and reading.message is not None, "no sample is a stream of an answer")
    assert reading.message is not None

    largest = max(len(frame.data) for frame in frames)
    _exceeds(bench.read(sample, limits=Limits(max_event_bytes=largest // 2)), "max_event_bytes", largest // 2)

    half = len(sample.data) // 2
    _exceeds(bench.read(sample, limits=Limits(max_answer_bytes=half)), "max_answer_bytes", half)

    if calls := len(reading.message.all_tool_calls):
        few = Limits(max_tool_calls=calls - 1)
        _exceeds(bench.read(sample, limits=few), "max_tool_calls", calls - 1)

    for place, frame in enumerate(frames):
        if frame.data.startswith(b"{") and frame.data.endswith(b"}") and len(frame.data) > 2:
            deep = b'{"deep":' + b"[" * _DEEP + b"]" * _DEEP + b"," + frame.data[1:]
            others = [*frames[:place], structs.replace(frame, data=deep), *frames[place + 1 :]]
            shallow = Limits(max_json_depth=_DEEP // 2)
            _exceeds(bench.read_frames(sample, others, shallow), "max_json_depth", _DEEP // 2)
            return


def _exceeds(reading: Reading, field: str, limit: int) -> None:
    error: ProviderError | None = reading.error
    demand(
        isinstance(error, LimitExceededError) and error.field == field,
        f"Limits({field}={limit}) is passed, and not refused: {error or reading.message!r:.200}",
    )


_TIMES = 32
"""How often a frame is repeated in the smaller of two runs."""
_GROWTH = 4
"""How many times larger the other run is."""
_SLACK = 1.4
"""How much more than proportional work is allowed. Quadratic work is four times more."""


@law(
    "the cost grows with the bytes, not with their square",
    "do not decode or copy at each frame what has arrived so far: keep pieces in a list, and join them once",
    shrinks=False,
)
def linear(bench: Bench, sample: Sample) -> None:
    applies(not sample.is_whole, "no sample is a stream")
    frames = bench.frames(sample)
    seen: set[tuple[str, ...]] = set()
    for place, frame in enumerate(frames):
        shape = (frame.name, *sorted(paths_in(frame.value)))
        if shape in seen:
            continue
        seen.add(shape)
        small, large = (work_of(_repeating(bench, sample, frames, place, _TIMES * n)) for n in (1, _GROWTH))
        demand(
            large <= _SLACK * _GROWTH * small,
            f"a frame {_TIMES} times costs {small}, {_GROWTH * _TIMES} times {large}: {frame.data[:200]!r}",
            frame.data,
        )


def _repeating(
    bench: Bench, sample: Sample, frames: Sequence[Frame], place: int, times: int
) -> Callable[[], object]:
    """Reads the sample up to a frame, which is repeated."""
    repeated = [*frames[:place], *[frames[place]] * times]
    return lambda: bench.read_frames(sample, repeated)
