"""A batch: asks the rows of an input, and writes each answer to the output once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from sansio import (
    CallResult,
    LeftOut,
    Message,
    ProviderError,
    RemoteProtocolError,
    Usage,
    no_call_can_succeed,
)
from transports.bulk.files.answers import FailedRow, answer, failed, malformed
from transports.bulk.files.journal import Journal
from transports.bulk.files.prompts import Malformed, Place, Prompt, PromptReader
from transports.bulk.files.rows import BadRow
from transports.bulk.gate import CallLimiter
from transports.bulk.mapping import CallMap, map_calls
from transports.driving.facade import AsyncProvider


class Prices(Struct, frozen=True):
    """The prices of a million tokens, in US dollars.

    Args:
        input: the price of prompt tokens.
        output: the price of answer tokens.
    """

    input: float
    output: float


class Progress(Struct, kw_only=True):
    """How far a batch is.

    Args:
        skipped: how many rows had an answer before.
        answered: how many rows were answered.
        failed: how many rows failed.
        input_tokens: the tokens of all prompts.
        output_tokens: the tokens of all answers.
        cost: the cost in US dollars, of the answers whose cost is known.
        cut: how many answered requests were not sent whole.
    """

    skipped: int = 0
    answered: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    cut: int = 0

    @property
    def rows(self) -> int:
        """How many rows are finished."""
        return self.skipped + self.answered + self.failed


class Batch:
    """Asks the rows of an input, and writes each answer as soon as it arrives.

    Args:
        reader: makes requests from rows.
        journal: stores the answers; rows whose ids it has already are skipped.
        fail: called with each failure.
        has_schema: whether each text is JSON, whose value is written as `value`.
        prices: the prices of tokens, for providers that do not state the cost.
        max_cost: the cost in US dollars after which no more rows are asked. Calls that are running finish.
            Default: no limit.

    Attributes:
        progress: how far the batch is.
        is_spent: whether no more rows are asked, because `max_cost` is reached or cannot be checked.
        is_cost_unknown: whether `max_cost` cannot be checked, because the cost of an answer is unknown.
    """

    def __init__(
        self,
        reader: PromptReader,
        journal: Journal,
        fail: Callable[[FailedRow], None],
        *,
        has_schema: bool = False,
        prices: Prices | None = None,
        max_cost: float | None = None,
    ) -> None:
        self.progress = Progress()
        self.is_spent = False
        self.is_cost_unknown = False
        self._reader = reader
        self._journal = journal
        self._fail = fail
        self._has_schema = has_schema
        self._prices = prices
        self._max_cost = max_cost
        self._encoder = msgspec.json.Encoder()

    def prompts(self, rows: Iterable[tuple[int, Mapping[str, Any] | BadRow]]) -> Iterator[Prompt]:
        """The rows to ask. Malformed rows, and rows whose id occurred before in the input, are failures."""
        lines: dict[str, int] = {}
        for line, row in rows:
            if self.is_spent:
                return
            if isinstance(row, BadRow):
                self.fail(malformed(Malformed(line=line, custom_id=str(line), error=row.error)))
                continue
            prompt = self._reader.read(line, row)
            # An id that is the line's own number cannot repeat, so a million of them need no memory.
            if prompt.custom_id != str(line) and (first := lines.setdefault(prompt.custom_id, line)) != line:
                error = f"custom_id: {prompt.custom_id!r:.80} is also the id of line {first}; ids must differ"
                prompt = Malformed(line=line, custom_id=prompt.custom_id, error=error)
            if isinstance(prompt, Malformed):
                self.fail(malformed(prompt))
            elif prompt.custom_id in self._journal.done:
                self.progress.skipped += 1
            else:
                yield prompt

    def check(
        self, rows: Iterable[tuple[int, Mapping[str, Any] | BadRow]], prepare: Callable[[Prompt], object]
    ) -> None:
        """Check all rows without asking any. Rows that cannot be asked are failures.

        Args:
            rows: the rows of the input, with their numbers.
            prepare: raises `ProviderError` if a prompt cannot be asked.
        """
        for prompt in self.prompts(rows):
            try:
                prepare(prompt)
            except ProviderError as error:
                self.fail(failed(prompt, error, 0))

    async def run(
        self,
        provider: AsyncProvider,
        rows: Iterable[tuple[int, Mapping[str, Any] | BadRow]],
        each: Callable[[Progress], None],
        *,
        options: Mapping[str, Any],
        limiter: CallLimiter | None = None,
        concurrency: int = 64,
    ) -> None:
        """Ask all rows.

        Args:
            provider: the provider to ask.
            rows: the rows of the input, with their numbers.
            each: called after each row.
            options: the options of every call, as for `map_calls`.
            limiter: as for `map_calls`.
            concurrency: how many calls run at the same time at most.

        Raises:
            ProviderError: no other row can succeed either, for example because the key is refused.
            OSError: an answer cannot be written.
        """
        results: CallMap[Prompt, Any] = map_calls(
            provider, self.prompts(rows), _request, limiter=limiter, concurrency=concurrency, **options
        )
        async with results:
            async for result in results:
                self._take(result)
                each(self.progress)

    def take(
        self, place: Place, message: Message, *, attempts: int = 1, left_out: tuple[LeftOut, ...] = ()
    ) -> None:
        """Write an answer.

        Args:
            place: the row that it answers.
            message: the answer.
            attempts: how often the request was sent.
            left_out: the parts of the request that were not sent.

        Raises:
            OSError: the answer cannot be written.
        """
        try:
            line = answer(place.custom_id, message, with_value=self._has_schema, left_out=left_out)
        except RemoteProtocolError as error:
            self.fail(failed(place, error, attempts, message.text))
        else:
            self._journal.append(self._encoder.encode(line))
            self.progress.answered += 1
            self.progress.cut += bool(left_out)
        self._count(message)

    def fail(self, row: FailedRow) -> None:
        """Write a row that has no answer."""
        self.progress.failed += 1
        self._fail(row)

    def _take(self, result: CallResult[Prompt, Any]) -> None:
        if result.answer is not None:
            self.take(result.input, result.answer, attempts=result.attempts, left_out=result.left_out)
            return
        assert result.error is not None
        # Rows that were never asked, because another one ended the batch, did not fail.
        if result.attempts or not no_call_can_succeed(result.error):
            self.fail(failed(result.input, result.error, result.attempts))

    def _count(self, message: Message) -> None:
        usage, now = message.usage or Usage(), self.progress
        now.input_tokens += usage.input_tokens
        now.output_tokens += usage.output_tokens
        cost = usage.cost
        if cost is None and self._prices is not None:
            cost = (
                usage.input_tokens * self._prices.input / 1e6
                + usage.output_tokens * self._prices.output / 1e6
            )
        now.cost += cost or 0.0
        if self._max_cost is not None:
            self.is_cost_unknown |= cost is None
            self.is_spent |= cost is None or now.cost >= self._max_cost


def _request(prompt: Prompt) -> object:
    return prompt.request
