"""The results of batches, from the files or pages in which the provider has them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from sansio import jsontext
from sansio.batches.codec import BatchCodec
from sansio.batches.job import go_on
from sansio.batches.state import BatchPart, BatchResult, BatchState
from sansio.errors import LocalProtocolError, NotFoundError, ProviderError, RemoteProtocolError
from sansio.fetch import Fetch
from sansio.jsontext import JSONObject
from sansio.lines import LineFetch


class BatchReader:
    """The results of all batches of a state, in the order in which they arrive, each `custom_id` once.

    A driver makes the calls in turn, passes the text of each `ContentDelta` to `receive`, and takes results
    with `take`. Only one line of results is kept, and the names of one batch's requests.

    Args:
        codec: the codec of the state's provider.
        state: the finished state.
        lines: makes the call for a file of lines.
        fetch: makes any other call.
    """

    def __init__(
        self,
        codec: BatchCodec,
        state: BatchState,
        lines: Callable[[str], LineFetch],
        fetch: Callable[..., Fetch[Any]],
    ) -> None:
        self._codec = codec
        self._lines = lines
        self._fetch = fetch
        self._part = state.parts[0]
        self._seen: set[str] = set()
        self._fault: ProviderError | None = None  # the first row that could not be read
        self._results: list[BatchResult] = []
        self._read = self._read_result
        self._calls = self._run(state.parts)
        self._call: Fetch[Any] | None = None
        self._failure: ProviderError | None = None

    def next_call(self, failure: ProviderError | None = None) -> Fetch[Any] | None:
        """The next call; `None` after the last, or if results must be taken first.

        Args:
            failure: as for `BatchJob.next_step`.

        Raises:
            UnansweredError: a batch has fewer results than requests, and nothing says which are missing.
            ProviderError: the error of the last call.
            LocalProtocolError: the last call is not over.
        """
        if self._failure is not None:
            raise self._failure.with_context()
        call, self._call = self._call, None
        try:
            self._call = go_on(self._calls, call, failure)
        except StopIteration:
            return None
        except LocalProtocolError:
            self._call = call
            raise
        except ProviderError as error:
            self._failure = error.with_context()  # a copy without the frames
            if not self._results:
                raise
        return self._call

    def receive(self, line: str) -> None:
        """Take a line from the call under way."""
        try:
            row = jsontext.decode_object(line, self._codec.dialect.limits.max_json_depth)
            self._read(row)
        except ProviderError as error:  # one row that is damaged must not hide the others
            self._fault = self._fault or error

    def take(self) -> list[BatchResult]:
        """The results since the last time."""
        results, self._results = self._results, []
        return results

    def _run(self, parts: Sequence[BatchPart]) -> Generator[Fetch[Any], Any, None]:
        for part in parts:
            self._part, self._seen, self._fault, self._read = part, set(), None, self._read_result
            for url in self._codec.files(part):
                yield self._lines(url)
            yield from self._run_pages(part)
            if len(self._seen) < part.count and (asked := self._codec.requests_file(part)) is not None:
                self._read = self._read_request
                yield self._lines(asked)
            if (missing := part.count - len(self._seen)) > 0:
                raise self._incomplete(part, missing)

    def _incomplete(self, part: BatchPart, missing: int) -> ProviderError:
        """The error of a batch with fewer results than requests, if nothing says which are missing."""
        damaged = f" A row could not be read: {self._fault.message}." if self._fault is not None else ""
        return self._codec.unanswered(part).with_context(
            hint=f"{missing} of its {part.count} requests have no result.{damaged} Submit again those whose "
            "custom_id is not among the results."
        )

    def _run_pages(self, part: BatchPart) -> Generator[Fetch[Any], Any, None]:
        cursors: list[str] = []
        endpoint = None if part.status == "failed" else self._codec.page(part, None)
        while endpoint is not None:
            try:
                page = yield self._fetch(endpoint)
            except NotFoundError:
                if part.status == "completed":
                    raise
                return  # it ended before it had results
            for row in page.rows:
                try:
                    self._read(row)
                except ProviderError as error:
                    self._fault = self._fault or error
            if page.cursor is None:
                return
            if page.cursor in cursors:
                raise RemoteProtocolError(f"the results of batch {part.id} repeat the page {page.cursor!r}")
            cursors.append(page.cursor)
            endpoint = self._codec.page(part, page.cursor)

    def _read_result(self, row: JSONObject) -> None:
        result = self._codec.result(self._part, row)
        if result.custom_id not in self._seen:
            self._seen.add(result.custom_id)
            self._results.append(result)

    def _read_request(self, row: JSONObject) -> None:
        """Read a row of the requests: a request that has no result by now was not answered."""
        custom_id = row.get("custom_id")
        if isinstance(custom_id, str) and custom_id not in self._seen:
            self._seen.add(custom_id)
            self._results.append(BatchResult(custom_id, self._codec.unanswered(self._part)))
