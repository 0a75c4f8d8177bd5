"""The text of a stream's answer alone, piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Self

from sansio import ContentDelta, StreamEvent


class TextPieces:
    """The pieces of a stream's text. A class and not a generator: a cancelled wait would end a generator.

    Args:
        events: the stream.
    """

    def __init__(self, events: AsyncIterator[StreamEvent]) -> None:
        self._events = events

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while True:
            event = await anext(self._events)
            if isinstance(event, ContentDelta):
                return event.text


class SyncTextPieces:
    """The blocking counterpart of `TextPieces`. A class, too: an interrupt would end a generator.

    Args:
        events: the stream.
    """

    def __init__(self, events: Iterator[StreamEvent]) -> None:
        self._events = events

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        while True:
            event = next(self._events)
            if isinstance(event, ContentDelta):
                return event.text
