"""A batch that the provider answers within a day: submitted, looked at, and fetched by one process each.

A request has the number of its line as `custom_id`, which every provider takes; the row's own may be of any
length and characters. What was submitted is stored with the journal, before and after each request that makes
a batch.
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
"""By the line of a row, what of its request is not sent."""


class Submitted(Struct, frozen=True, kw_only=True):
    """The results of a submission.

    Args:
        state: what was submitted; `None` if no row was left to submit.
        losses: what is not sent of requests.
    """

    state: BatchState | None
    losses: Losses


class LaterBatch:
    """The rows of an input, and the provider's batch endpoints.

    Args:
        work: reads the rows, and takes answers and failures.
        journal: the same as that of `work`.
        batches: the provider's.
        options: of all rows. Those of a submission, such as `read_timeout`, are for what is asked of the
            provider.
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
        """How far it is."""
        return self._work.progress

    async def submit(self, rows: Iterable[tuple[int, Mapping[str, Any] | BadRow]]) -> Submitted:
        """Submit all rows without an answer; those that cannot be sent are failures.

        Args:
            rows: of the input, with their numbers.

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
        """Look at each batch that is not finished, and store its state.

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
        """Write all answers that are not there yet, once the batches are finished; before that, nothing.

        Args:
            rows: of the input, with their numbers.
            each: is called after each row.

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
        """Take the results that are waited for; why the others have none, where the provider says it."""
        async with self._batches.results(state, **self._calls) as results:
            try:
                async for result in results:
                    # One that is not waited for was written by an earlier fetch.
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
        """The rows without an answer that can be sent; the others are failures."""
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
