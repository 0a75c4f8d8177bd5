"""What the laws work with: the dialect, its samples, and the variants of them that the seed decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from sansio.config import ProviderConfig
from sansio.families.base import Dialect
from sansio.limits import DEFAULT_LIMITS, Limits
from sansio.testing.dialects.damage import Damaged, damaged, wrongly_typed
from sansio.testing.dialects.reading import Frame, Reading, frames_of, read, read_frames
from sansio.testing.judging.sample import Sample
from sansio.testing.judging.seeded import Seeded


class Known(Struct):
    """What was computed from one sample.

    Args:
        frames: its frames.
        outcomes: the results of reading its damaged variants.
    """

    frames: list[Frame] | None = None
    outcomes: Sequence[tuple[bytes, Reading | Exception]] | None = None


class Bench(Struct, frozen=True):
    """One check of one dialect.

    Args:
        kind: the dialect.
        samples: the samples, the smallest first.
        config: the config to build requests with; `None` if there is no complete one.
        ignored: paths of fields that may change without a trace, each with the reason.
        not_returned: paths of fields that a message has and the next request does not, each with the reason.
        seed: decides all cuts and damages.
        tries: how many cuts and how many damages are made from one sample.
        known: what was computed from each sample, since several laws use it.
    """

    kind: type[Dialect]
    samples: Sequence[Sample]
    config: ProviderConfig | None
    ignored: Mapping[str, str]
    not_returned: Mapping[str, str]
    seed: int
    tries: int
    known: dict[tuple[str, bytes], Known] = {}

    def dialect(self, limits: Limits = DEFAULT_LIMITS) -> Dialect:
        """A new dialect, to read answers."""
        return self.kind(limits=limits)

    def read(
        self, sample: Sample, pieces: Sequence[bytes] | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> Reading:
        """Read a sample with a new dialect."""
        return read(self.dialect(limits), sample, pieces)

    def frames(self, sample: Sample) -> list[Frame]:
        """The frames of a sample."""
        known = self.known_of(sample)
        if known.frames is None:
            known.frames = frames_of(self.dialect(), sample)
        return known.frames

    def parts(self, sample: Sample) -> list[bytes]:
        """The sample cut behind each of its frames."""
        places = [0, *(frame.end for frame in self.frames(sample)), len(sample.data)]
        return [sample.data[start:end] for start, end in pairwise(places)]

    def read_frames(
        self, sample: Sample, frames: Sequence[Frame], limits: Limits = DEFAULT_LIMITS
    ) -> Reading:
        """Read frames with a new dialect."""
        return read_frames(self.dialect(limits), sample, frames)

    def choices(self, law: str, sample: Sample) -> Seeded:
        """The choices of one law for one sample."""
        return Seeded(self.seed, law, sample.name)

    def damaged(self, sample: Sample) -> list[Damaged]:
        """The sample damaged in `tries` ways that the seed decides."""
        frames = self.frames(sample)
        choices = Seeded(self.seed, "damage", sample.name)
        return [damaged(sample, frames, choices) for _ in range(self.tries)]

    def outcomes(self, sample: Sample) -> Sequence[tuple[bytes, Reading | Exception]]:
        """Damaged variants of the sample, also with wrong types: the bytes, and the result or error."""
        known = self.known_of(sample)
        if known.outcomes is None:
            ways = [*self.damaged(sample), *wrongly_typed(sample, self.frames(sample))]
            known.outcomes = [(damage.shown, self._outcome(damage)) for damage in ways]
        return known.outcomes

    def damaged_readings(self, sample: Sample) -> Iterator[tuple[bytes, Reading]]:
        """The outcomes without exceptions, which the law `damage` judges."""
        for shown, outcome in self.outcomes(sample):
            if isinstance(outcome, Reading):
                yield shown, outcome

    def known_of(self, sample: Sample) -> Known:
        """What was computed from a sample so far."""
        return self.known.setdefault((sample.name, sample.data), Known())

    def _outcome(self, damage: Damaged) -> Reading | Exception:
        try:
            if damage.frames is None:
                return self.read(damage.sample)
            return self.read_frames(damage.sample, damage.frames)
        except Exception as error:
            return error
