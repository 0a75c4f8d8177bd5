"""The protocol of a framing: bytes of a body in, one call of a reader for each frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from sansio.events import StreamEvent

Read: TypeAlias = Callable[[bytes, list["StreamEvent"], str], bool]
"""Reads one frame. Its arguments are the payload, the list for the events, and the frame's name or `""`.

Returns True when the answer is whole. Raises a `ProviderError` for a payload that is not part of an answer.
"""


class Framer(Protocol):
    """Splits the bytes of one body into frames and calls a reader for each.

    The framer calls the reader directly instead of returning a list of frames: frames mostly arrive one at
    a time, and a list and an object for each would cost more than reading the smallest of them.

    The frames, their names and offsets depend only on the bytes, never on how the network cut them. Time is
    linear in the bytes, and memory is bounded by the size limit and the longest read.
    """

    @property
    def offset(self) -> int:
        """Where the current frame begins in the body, or the frame that an error is about.

        Between two frames: the byte at which the next one may begin.
        """
        ...

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        """Take the next bytes of the body, and read each frame that they complete.

        Args:
            data: any bytes, also empty.
            read: called once for each frame, in order.
            events: passed to `read`.

        Returns:
            True when `read` returned True: the answer is whole, and nothing after it was read.

        Raises:
            LimitExceededError: a frame or line is too long. The frames before it were read.
            RemoteProtocolError: the framing is broken. The frames before it were read.
            ProviderError: `read` raised it. `offset` is then where its frame begins.

        A framer that has returned True or raised has ended: it reads nothing more.
        """
        ...

    def feed_eof(self, read: Read, events: list[StreamEvent]) -> bool:
        """Take the end of the body.

        At most one frame is read here: one without its end marker, if the framing permits that. The caller
        decides whether that frame is complete: many servers omit the end of their last event, and a lost
        connection looks the same.

        Args:
            read: as for `feed`.
            events: as for `feed`.

        Returns:
            True when `read` returned True.

        Raises:
            StreamTruncatedError: the body ended inside a frame that has a fixed size.
            ProviderError: as for `feed`.
        """
        ...
