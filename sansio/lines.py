"""One request whose response is a file of lines, each given as it arrives: the results of a batch."""

from __future__ import annotations

from collections.abc import Callable

from sansio.errors import LimitExceededError, ProviderError
from sansio.events import ContentDelta, StreamEvent
from sansio.families.base import Dialect
from sansio.fetch import Fetch
from sansio.framing.ndjson import NDJSONFramer
from sansio.http.messages import Request
from sansio.retry import RetrySchedule
from sansio.states import ERROR_BODY
from sansio.steps import ResponseRecord
from sansio.timeouts import NO_TIMEOUTS, Timeouts


class LineFetch(Fetch[int]):
    """A `Fetch` whose response has any number of lines. Each is the text of one `ContentDelta`.

    At most one line is kept in memory, of at most `max_event_bytes`; the whole file has no limit. Blank lines
    are left out. The value is the number of lines of the last attempt.

    If an attempt breaks off, the next one starts from the beginning and gives the same lines again. So a
    reader must recognise lines that it has read, such as by their `custom_id`.

    Args:
        dialect: as for `Fetch`.
        request: as for `Fetch`.
        schedule: as for `Fetch`.
        random: as for `Fetch`.
        record: as for `Fetch`. Only the status of a successful response is recorded.
        timeouts: as for `Fetch`.
    """

    REPEATS = True

    # Of the attempt under way: `_begin` sets them.
    _framer: NDJSONFramer
    _count: int

    def __init__(
        self,
        dialect: Dialect,
        request: Request,
        *,
        schedule: RetrySchedule,
        random: Callable[[], float],
        record: bool = False,
        timeouts: Timeouts = NO_TIMEOUTS,
    ) -> None:
        # `read` is never called: this class overrides `_receive_whole`, which would call it.
        super().__init__(
            dialect, request, len, schedule=schedule, random=random, record=record, timeouts=timeouts
        )

    def _begin(self, media: str) -> None:
        super()._begin(media)
        self._framer = NDJSONFramer(self._dialect.limits.max_event_bytes)
        self._count = 0
        if self._record:
            self._records.append(ResponseRecord(self._head.status, {}))

    def _receive_piece(self, piece: bytes, events: list[StreamEvent]) -> bool:
        if self._state is ERROR_BODY:
            return super()._receive_piece(piece, events)
        try:
            self._framer.feed(piece, self._take_line, events)
        except LimitExceededError as error:
            self._settle(error, events)
            return True
        return False

    def _receive_end(self, fault: ProviderError | None, events: list[StreamEvent]) -> None:
        if self._state is not ERROR_BODY and fault is None and self._decoder.whole:
            self._framer.feed_eof(self._take_line, events)  # `feed` has checked the length of the rest
        super()._receive_end(fault, events)

    def _receive_whole(self, events: list[StreamEvent]) -> None:
        self._outcome = self._count
        self._finish(events)

    def _take_line(self, line: bytes, events: list[StreamEvent], name: str) -> bool:
        self._count += 1
        events.append(ContentDelta(line.decode("utf-8", "replace")))
        return False
