"""The stage of a Ray dataset that asks its rows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sansio import (
    CallRequest,
    CallResult,
    ConfigError,
    Credentials,
    Key,
    Provider,
    ProviderConfig,
    ProviderError,
    no_call_can_succeed,
)
from transports.bulk.files.prompts import PromptReader
from transports.bulk.mapping import CallMap, map_calls
from transports.bulk.ray.limiter import ClusterLimiter
from transports.bulk.tables import TableForm
from transports.driving.facade import create_provider


class AskRows:
    """Asks each row of a dataset. A class for Ray's `Dataset.map_batches`, which makes one in each worker.

    The batches must be tables of Arrow. A row has `prompt`, `messages` or one of the other columns of
    `sansio-llm batch`, or there is a template. The answers have the key, the columns to keep, `text`, the
    properties of the schema, `finish_reason`, `model`, `input_tokens`, `output_tokens`, `cost`, `left_out`
    and `error`. `left_out` lists the parts of the request that were not sent, as JSON; it is null if all was
    sent. A failed row has the reason in `error`, and null in the other columns. Only an error that every
    call would have, such as a refused key, ends the job.

    Args:
        config: the provider's config, or a mapping with its fields.
        limiter: the limiter that all workers share.
        key: the column that identifies the rows.
        keep: other columns of the input to copy to the answers.
        template: makes the prompt from a row's columns, such as `"Summarise: {text}"`.
        system: a system message, for rows that have none.
        schema: a JSON schema that each answer must follow.
        options: the options of every call, as for `complete`.
        concurrency: how many calls of each worker run at the same time at most.
        api_key: returns the key, and is called in the workers: a function, or a `PassedKey`. Default: the
            environment variable of the config, where the worker runs.

    Raises:
        ConfigError: an argument is invalid.

    Example:
        answers = dataset.map_batches(
            AskRows,
            fn_constructor_kwargs={"config": config, "limiter": ClusterLimiter(), "key": "id"},
            compute=ray.data.ActorPoolStrategy(size=4),
            batch_format="pyarrow",
            batch_size=256,
        )
    """

    def __init__(
        self,
        config: ProviderConfig | Mapping[str, object],
        *,
        limiter: ClusterLimiter,
        key: str = "custom_id",
        keep: Sequence[str] = (),
        template: str | None = None,
        system: str | None = None,
        schema: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        concurrency: int = 64,
        api_key: Callable[[], Key | Awaitable[Key]] | None = None,
    ) -> None:
        if isinstance(api_key, str | Credentials):
            raise ConfigError(
                "api_key: a text would be in what Ray writes of this stage; leave it out to read the "
                "variable in the workers, or write PassedKey(key)",
                field="api_key",
            )
        self._form = TableForm(key, keep=keep, schema=schema)
        self._provider = create_provider(config, api_key=api_key)
        self._reader = PromptReader(Provider(self._provider.config), template=template, system=system)
        self._options = dict(options or {})
        if schema is not None:
            self._options["response_format"] = schema
        self._concurrency = concurrency
        self._limiter = limiter.worker(concurrency=concurrency)
        # Not the loop that Ray calls this in, which Ray blocks while the next stage is slow: calls under way
        # would time out.
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="sansio-ask-rows", daemon=True).start()
        self._limiting = asyncio.run_coroutine_threadsafe(self._limit(), self._loop)

    async def __call__(self, table: Any) -> Any:  # Any: pyarrow has no types
        """Ask the rows of a batch.

        Args:
            table: the batch, as a table of Arrow.

        Returns:
            The table of the answers, with one row for each row of the batch, in the same order.

        Raises:
            ProviderError: no other row can succeed either, or the table lacks a column.
        """
        rows = self._form.rows(table)
        asked = asyncio.run_coroutine_threadsafe(self._ask(rows), self._loop)
        return self._form.answers(table, await asyncio.wrap_future(asked))

    async def _limit(self) -> None:
        async with self._limiter:
            await asyncio.get_running_loop().create_future()

    async def _ask(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[CallResult[int, Any]]:
        def request(at: int) -> CallRequest:
            self._form.check(rows[at])
            return self._reader.request(rows[at])

        results: CallMap[int, Any] = map_calls(
            self._provider,
            range(len(rows)),
            request,
            limiter=self._limiter,
            concurrency=self._concurrency,
            ahead=max(1, len(rows)),  # the batch is handed on as a whole, and its slow rows hold up no others
            ordered=True,
            stops=self._stops,
            **self._options,
        )
        async with results:
            return [result async for result in results]

    def _stops(self, error: ProviderError) -> bool:
        """Whether an error ends the job. If so, the worker's other batches raise it too."""
        if no_call_can_succeed(error):
            self._limiter.stop(error)
            return True
        return False
