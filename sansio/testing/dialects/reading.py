"""Reads a sample with a dialect: its bytes in any pieces, or its frames."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import partial

from msgspec import Struct

from sansio import jsontext
from sansio.content import Message
from sansio.errors import ProviderError, StreamTruncatedError
from sansio.events import StreamComplete, StreamEvent, StreamFailed, replay
from sansio.families.base import Dialect
from sansio.framing.base import Read
from sansio.jsontext import JSON
from sansio.parser import StreamParser
from sansio.testing.judging.sample import Sample


class Frame(Struct, frozen=True):
    """One frame of a stream, or a whole body.

    Args:
        data: its payload.
        name: the frame's name, if the framing has names.
        end: the offset in the sample at which it ends.
    """

    data: bytes
    name: str = ""
    end: int = 0

    @property
    def value(self) -> JSON:
        """Its JSON, or `None` if it is something else."""
        try:
            return jsontext.decode_object(self.data.decode("utf-8", "replace"))
        except ProviderError:
            return None


class Reading(Struct, frozen=True):
    """What a dialect made of bytes.

    Args:
        events: all events.
        progress: the reader's count of frames that advanced the answer.
    """

    events: tuple[StreamEvent, ...]
    progress: int = 1

    @property
    def message(self) -> Message | None:
        """The whole answer; `None` if reading failed."""
        last = self.events[-1] if self.events else None
        return last.message if isinstance(last, StreamComplete) else None

    @property
    def error(self) -> ProviderError | None:
        """The error that reading failed with."""
        last = self.events[-1] if self.events else None
        return last.error if isinstance(last, StreamFailed) else None

    @property
    def comparable(self) -> list[object]:
        """The events, with errors as text: exceptions are equal only to themselves."""
        return [
            (type(event.error), str(event.error), event.error.partial)
            if isinstance(event, StreamFailed)
            else event
            for event in self.events
        ]


def read(dialect: Dialect, sample: Sample, pieces: Sequence[bytes] | None = None) -> Reading:
    """Read a sample, a stream in pieces if they are given. A dialect's own exceptions pass through."""
    if sample.is_whole:
        return _read_whole(dialect, sample)
    return _parse(
        StreamParser(dialect, content_type=sample.content_type), [sample.data] if pieces is None else pieces
    )


def read_frames(dialect: Dialect, sample: Sample, frames: Sequence[Frame]) -> Reading:
    """Read other frames than the sample's, whatever its framing."""
    if sample.is_whole:
        return _read_whole(dialect, sample, frames[0].data)
    # Frames are passed to the reader directly, since this code does not know how to write a framing.
    other = copy(dialect)
    vars(other)["framer"] = partial(_Given, frames)
    return _parse(StreamParser(other), [b"\0" * len(frames)])


def frames_of(dialect: Dialect, sample: Sample) -> list[Frame]:
    """The frames of a sample, as far as the framing is sound."""
    if sample.is_whole:
        return [Frame(sample.data, end=len(sample.data))]
    framer = dialect.framer(sample.media_type)
    frames: list[Frame] = []

    def keep(data: bytes, events: list[StreamEvent], name: str) -> bool:
        frames.append(Frame(data, name, end))
        return False

    end = 0
    try:
        for at in range(len(sample.data)):  # byte by byte, so that each frame's place is known
            end = at + 1
            framer.feed(sample.data[at:end], keep, [])
        framer.feed_eof(keep, [])
    except ProviderError:
        pass
    return frames


class _Given:
    """A framer that returns given frames: one for each byte that it is fed."""

    def __init__(self, frames: Sequence[Frame], content_type: str) -> None:
        self._frames = frames
        self.offset = 0

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        for _ in data:
            frame = self._frames[self.offset]
            self.offset += 1
            if read(frame.data, events, frame.name):
                return True
        return False

    def feed_eof(self, read: Read, events: list[StreamEvent]) -> bool:
        return False


def _parse(parser: StreamParser, pieces: Sequence[bytes]) -> Reading:
    events = [event for piece in pieces for event in parser.receive_data(piece)]
    events += parser.receive_eof()
    return Reading(tuple(events), parser.progress)


def _read_whole(dialect: Dialect, sample: Sample, data: bytes | None = None) -> Reading:
    text = (sample.data if data is None else data).decode("utf-8", "replace")
    try:
        record = jsontext.decode_object(text, dialect.limits.max_json_depth, cut=StreamTruncatedError)
        if (error := dialect.error_in(record)) is not None:
            return Reading((StreamFailed(error),))
        message = dialect.parse_response(record)
    except ProviderError as error:
        return Reading((StreamFailed(error),))
    return Reading((*replay(message), StreamComplete(message)))
