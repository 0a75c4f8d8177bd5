"""What a framer reads of a stream, as a value, to compare framers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from sansio import Framer, ProviderError, StreamEvent

Frame: TypeAlias = tuple[bytes, str, int]
"""A payload, its frame's name, and the byte of the stream at which the frame begins."""

Failure: TypeAlias = tuple[type[ProviderError], int | None, str | None]
"""The kind of an error, its offset and the limit that it names."""

MakeFramer: TypeAlias = Callable[[], Framer]


def frames(framer: Framer, pieces: Iterable[bytes]) -> list[Frame | Failure]:
    """All frames of the pieces of a whole stream; an error, if raised, is last."""
    found: list[Frame | Failure] = []
    events: list[StreamEvent] = []

    def read(payload: bytes, into: list[StreamEvent], name: str) -> bool:
        assert into is events
        found.append((payload, name, framer.offset))
        return False

    failure: ProviderError | None = None
    try:
        for piece in pieces:
            assert not framer.feed(piece, read, events)
        assert not framer.feed_eof(read, events)
    except ProviderError as error:
        failure = error
    if failure is not None:
        assert failure.offset == framer.offset
        found.append((type(failure), failure.offset, failure.field))
    return found


class _WrongError(Exception):
    """What a reader raises."""


def assert_ends(make: MakeFramer, pieces: list[bytes], place: int) -> None:
    """A framer ends at the frame where its reader returns True or raises, and reads nothing more.

    `place` is the number of a frame, counted from 0.
    """
    wanted = [frame for frame in frames(make(), pieces) if not isinstance(frame[0], type)]
    for ends in (True, False):
        framer = make()
        found: list[object] = []

        def read(
            payload: bytes,
            into: list[StreamEvent],
            name: str,
            found: list[object] = found,
            framer: Framer = framer,
            ends: bool = ends,
        ) -> bool:
            found.append((payload, name, framer.offset))
            if len(found) <= place:
                return False
            if ends:
                return True
            raise _WrongError

        ended = False
        try:
            for piece in pieces:
                if not ended:
                    ended = framer.feed(piece, read, [])
                else:
                    framer.feed(piece, read, [])
            if not ended:
                ended = framer.feed_eof(read, [])
        except _WrongError:
            ended = not ends
        assert ended
        assert found == wanted[: place + 1]
        assert framer.offset == wanted[place][2]
        # If the caller goes on nevertheless, nothing is read twice or at a wrong place.
        framer.feed(b"data: more\n\n", read, [])
        framer.feed(b"{}\n", read, [])
        framer.feed_eof(read, [])
        assert len(found) == place + 1
