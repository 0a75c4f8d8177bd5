"""A batch that the provider answers within a day.

Different processes may submit it, read its status and fetch it.

Each request has its line's number as `custom_id`, which every provider accepts; a row's own id may have any
length and any characters. What was submitted is stored with the journal, before and after each request that
makes a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, cast

from msgspec import Struct

from sansio import (
    BatchRequest,
    BatchState,
    ConfigError,
    InvalidRequestError,
    LeftOut,
    Message,
    UnansweredError,
)
from sansio.options import ListOptions
from transports.bulk.files.answers import failed
from transports.bulk.files.journal import Journal
from transports.bulk.files.prompts import Place, Prompt
from transports.bulk.files.rows import BadRow
from transports.bulk.files.run import Batch, Progress
from transports.driving.batches import AsyncBatches

Losses: TypeAlias = dict[int, tuple[LeftOut, ...]]
"""The parts of each row's request that are not sent, by the row's line number."""


class Submitted(Struct, frozen=True, kw_only=True):
    """The results of a submission.

    Args:
        state: the state of the batches; `None` if no row was left to submit.
        losses: the parts of requests that are not sent.
    """

    state: BatchState | None
    losses: Losses


class LaterBatch:
    """Has the rows of an input answered by the provider's batch endpoints.

    Args:
        work: reads the rows, and writes answers and failures.
        journal: the journal of `work`.
        batches: the provider's batch endpoints.
        options: the options of all rows. Those that belong to a request to the endpoints, such as
            `read_timeout`, apply there.
    """

    def __init__(
        self, work: Batch, journal: Journal, batches: AsyncBatches, options: Mapping[str, Any]
    ) -> None:
        self._work = work
        self._journal = journal
        self._batches = batches
        names = ListOptions.__annotations__
        self._calls = cast(ListOptions, {name: value for name, value in options.items() if name in names})
        self._options = {name: value for name, value in options.items() if name not in names}

    @property
    def progress(self) -> Progress:
        """The counts of the rows so far."""
        return self._work.progress

    async def submit(self, rows: Iterable[tuple[int, Mapping[str, Any] | BadRow]]) -> Submitted:
        """Submit all rows without an answer. Rows that cannot be sent are failures.

        Args:
            rows: the rows of the input, with their numbers.

        Raises:
            ProviderError: the submission broke off. `Journal.submission` says where.
            OSError: the state cannot be written.
        """
        submission = self._journal.submission
        state = None if submission is None or submission.fetched else submission.state
        losses: Losses = {}
        requests = [self._request(prompt) for prompt in self._sendable(rows, losses)]
        if requests:
            keep = self._journal.keep
            state = await self._batches.submit(requests, state=state, on_state=keep, **self._calls)
        return Submitted(state=state if requests else None, losses=losses)

    async def look(self) -> BatchState:
        """Ask for the state of each batch that is not finished, and store it.

        Raises:
            ConfigError: nothing was submitted.
            ProviderError: a request to the provider failed.
            OSError: the state cannot be written.
        """
        submission = self._journal.submission
        if submission is None:
            raise ConfigError(f"{self._journal.path}: nothing was submitted for it", field="output")
        state = submission.state
        if not all(part.finished for part in state.parts):
            state = await self._batches.status(state, **self._calls)
            self._journal.keep(state, fetched=submission.fetched)
        return state

    async def fetch(
        self, rows: Iterable[tuple[int, Mapping[str, Any] | BadRow]], each: Callable[[Progress], None]
    ) -> BatchState:
        """Write all answers that the journal lacks, if the batches are finished; otherwise store their state.

        Args:
            rows: the rows of the input, with their numbers.
            each: called after each row.

        Returns:
            The state of the batches.

        Raises:
            ConfigError: nothing was submitted.
            ProviderError: a request to the provider failed. Answers that were received are written.
            OSError: an answer cannot be written.
        """
        state = await self.look()
        if not state.finished:
            return state
        losses: Losses = {}
        waiting = {
            str(prompt.line): Place(line=prompt.line, custom_id=prompt.custom_id)
            for prompt in self._sendable(rows, losses)
        }
        missing = UnansweredError("it was not submitted", code="missing")
        if state.parts:
            missing = await self._read(state, waiting, losses, each) or missing
        for place in waiting.values():
            self._work.fail(failed(place, missing, 0))
            each(self._work.progress)
        self._journal.keep(state, fetched=True)
        return state

    async def _read(
        self,
        state: BatchState,
        waiting: dict[str, Place],
        losses: Losses,
        each: Callable[[Progress], None],
    ) -> UnansweredError | None:
        """Write the results of the waiting rows.

        Returns the error of rows without a result, if the provider gives one.
        """
        async with self._batches.results(state, **self._calls) as results:
            try:
                async for result in results:
                    # A result whose row is not waiting was written by an earlier fetch.
                    if (place := waiting.pop(result.custom_id, None)) is None:
                        continue
                    if isinstance(result.outcome, Message):
                        self._work.take(place, result.outcome, left_out=losses.get(place.line, ()))
                    else:
                        self._work.fail(failed(place, result.outcome, 1))
                    each(self._work.progress)
            except UnansweredError as error:
                return error
        return None

    def _sendable(
        self, rows: Iterable[tuple[int, Mapping[str, Any] | BadRow]], losses: Losses
    ) -> Iterator[Prompt]:
        """The rows without an answer that can be sent. Those that cannot are failures."""
        for prompt in self._work.prompts(rows):
            try:
                lost = self._batches.check(self._request(prompt))
            except InvalidRequestError as error:
                self._work.fail(failed(prompt, error, 0))
                continue
            if lost:
                losses[prompt.line] = lost
            yield prompt

    def _request(self, prompt: Prompt) -> BatchRequest:
        asked = prompt.request
        options = {**self._options, **asked.options}
        return BatchRequest(str(prompt.line), asked.messages, asked.tools, options)
