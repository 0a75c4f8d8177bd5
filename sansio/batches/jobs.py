"""Batches as pure machines: sequences of calls that submit them, wait for them, and read their results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar, Unpack

from msgspec import Struct, structs

from sansio import jsontext
from sansio.batches.codec import BatchCodec, codec_for
from sansio.batches.state import BatchPart, BatchRequest, BatchResult, BatchState
from sansio.checks import encode_body
from sansio.conversation import as_messages
from sansio.errors import (
    InvalidRequestError,
    LocalProtocolError,
    NotFoundError,
    ProviderError,
    RemoteProtocolError,
    TransportError,
)
from sansio.fetch import Fetch
from sansio.jsontext import JSONObject
from sansio.lines import LineFetch
from sansio.options import ListOptions
from sansio.provider import Provider
from sansio.retry import REFUSING_STATUSES
from sansio.steps import Wait

# Any: the values of calls, each known to the step that made the call.
_Steps: TypeAlias = Generator["Fetch[Any] | Wait", Any, BatchState]

T = TypeVar("T")

_ENVELOPE = 4_096
"""Bytes that are left for what is around the requests of one batch."""


class BatchJob:
    """A sequence of calls that ends in a `BatchState`. `Batches` makes them.

    A driver performs each step: a call it drives to its end, as any other; after a `Wait` it comes back.

    Args:
        steps: gives the calls, and takes their values.
    """

    def __init__(self, steps: _Steps) -> None:
        self._steps = steps
        self._call: Fetch[Any] | None = None
        self._outcome: BatchState | ProviderError | None = None

    def next_step(self, failure: ProviderError | None = None) -> Fetch[Any] | Wait | None:
        """What to do next; `None` at the end.

        Args:
            failure: what the last call failed with, as the driver has it, such as with a key masked. Default:
                the call's own.

        Raises:
            LocalProtocolError: the last call is not over.
        """
        if self._outcome is not None:
            return None
        try:
            step = _go_on(self._steps, self._call, failure)
        except StopIteration as end:
            self._outcome = end.value
            return None
        except LocalProtocolError:
            raise
        except ProviderError as error:
            self._outcome = error.with_context()  # a copy, without the frames that hold this
            return None
        self._call = step if isinstance(step, Fetch) else None
        return step

    def result(self) -> BatchState:
        """The state, after the end.

        Raises:
            ProviderError: what a call failed with.
            LocalProtocolError: there are steps left.
        """
        if isinstance(self._outcome, ProviderError):
            raise self._outcome.with_context()
        if self._outcome is None:
            raise LocalProtocolError("result() before the end: perform the steps first")
        return self._outcome


class BatchReader:
    """The results of all batches of a state, in whatever order they arrive, each `custom_id` once.

    A driver makes the calls in turn, passes the text of each `ContentDelta` to `receive`, and takes results
    by `take`. Only one line of results is kept, and the names of one batch's requests.

    Args:
        codec: of the state's provider.
        state: finished.
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
        """The next call; `None` after the last, or where results must be taken first.

        Args:
            failure: as for `BatchJob.next_step`.

        Raises:
            UnansweredError: a batch has fewer results than requests, and nothing says which are missing.
            ProviderError: what the last call failed with.
            LocalProtocolError: the last call is not over.
        """
        if self._failure is not None:
            raise self._failure.with_context()
        call, self._call = self._call, None
        try:
            self._call = _go_on(self._calls, call, failure)
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
        """Take a line of the call under way."""
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
        """The error of a batch that has fewer results than requests, where nothing says which are missing."""
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
        """A row of the requests: each that has no result by now was not answered."""
        custom_id = row.get("custom_id")
        if isinstance(custom_id, str) and custom_id not in self._seen:
            self._seen.add(custom_id)
            self._results.append(BatchResult(custom_id, self._codec.unanswered(self._part)))


class Batches:
    """The batch endpoints of a provider, pure: each method makes a machine, and sends nothing.

    Args:
        provider: whose batches they are.
        random: as for `Provider.call`.
        now: gives the time in seconds since 1970 (UTC).
        record: keep what raw logs receive.

    Raises:
        InvalidRequestError: the provider has no batch endpoints.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        random: Callable[[], float],
        now: Callable[[], float],
        record: bool = False,
    ) -> None:
        self._provider = provider
        self._codec = codec_for(provider.dialect)
        self._random = random
        self._now = now
        self._record = record

    def submit(
        self,
        requests: Iterable[BatchRequest],
        state: BatchState | None = None,
        on_state: Callable[[BatchState], object] | None = None,
        **options: Unpack[ListOptions],
    ) -> BatchJob:
        """Submit requests, in as many batches as the provider's limits ask for.

        All are encoded before anything is sent, so that one which cannot be sent is refused while nothing is
        submitted.

        Args:
            requests: at least one.
            state: of a submission of the same requests that broke off. What it has is not submitted again.
            on_state: is called with the state after each batch that was made.
            **options: the clocks, `max_attempts` and `extra_headers` of each request to the provider.

        Raises:
            InvalidRequestError: a request cannot be sent (`index` says which), or the state is of others.
            ConfigError: as `Provider.call`.
        """
        parts = self._split(self._encoded(requests))
        made = () if state is None else self._checked(state).parts
        for index, (old, (part, _)) in enumerate(zip(made, parts, strict=False)):
            if (old.count, old.digest) != (part.count, part.digest):
                raise InvalidRequestError(
                    f"state: its part {index}, batch {old.id}, has other requests; "
                    "give those that it was made of, in the same order and with the same options"
                )
        if len(made) > len(parts):
            raise InvalidRequestError(
                f"state: it has {len(made)} batches, and the requests make {len(parts)}; "
                "give those that it was made of"
            )
        return BatchJob(self._submit(parts, state, on_state, options))

    def status(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchJob:
        """Look once at each batch that is not finished.

        Raises:
            InvalidRequestError: the state is another provider's.
        """
        return BatchJob(self._look(self._checked(state), options))

    def wait(
        self,
        state: BatchState,
        on_state: Callable[[BatchState], object] | None = None,
        pause: float | None = None,
        **options: Unpack[ListOptions],
    ) -> BatchJob:
        """Look at the batches until all are finished.

        Args:
            on_state: is called with the state after each look.
            pause: seconds between two looks. Default: `BatchState.pause`, which grows.

        Raises:
            InvalidRequestError: the state is another provider's.
        """
        if pause is not None and not 0 < pause < float("inf"):
            raise InvalidRequestError(f"pause: must be a number of seconds greater than 0, not {pause!r}")
        return BatchJob(self._wait(self._checked(state), on_state, pause, options))

    def cancel(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchJob:
        """Ask the provider to answer nothing more. Batches that are finished by now are left alone.

        Raises:
            InvalidRequestError: the state is another provider's, or the provider cancels no batches.
        """
        for part in self._checked(state).parts:
            self._codec.cancel(part)
        return BatchJob(self._cancel(state, options))

    def results(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchReader:
        """Read the results of all batches.

        Raises:
            InvalidRequestError: the state is another provider's, or not finished.
        """
        for part in self._checked(state).parts:
            if not part.finished:
                raise InvalidRequestError(
                    f"state: batch {part.id} is not finished ({part.said or part.status}); "
                    "wait for it, or ask for its status again"
                )

        def lines(url: str) -> LineFetch:
            return self._provider.fetch_lines(url, random=self._random, record=self._record, **options)

        def fetch(endpoint: Any) -> Fetch[Any]:  # Any: what the endpoint gives
            return self._fetch(endpoint, options)

        return BatchReader(self._codec, state, lines, fetch)

    def _checked(self, state: BatchState) -> BatchState:
        origin = self._provider.dialect.origin
        if not isinstance(state, BatchState) or state.origin != origin or not state.parts:
            found = f"one of {state.origin}" if isinstance(state, BatchState) else repr(state)[:80]
            raise InvalidRequestError(
                f"state: must be a BatchState of {origin} with its batches, not {found}"
            )
        return state

    def _fetch(self, endpoint: Any, options: ListOptions) -> Fetch[Any]:  # Any: as above
        return self._provider.fetch(endpoint, random=self._random, record=self._record, **options)

    def _submit(
        self,
        parts: list[tuple[BatchPart, list[bytes]]],
        state: BatchState | None,
        on_state: Callable[[BatchState], object] | None,
        options: ListOptions,
    ) -> _Steps:
        for part, lines in parts[len(state.parts) if state is not None else 0 :]:
            if (upload := self._codec.upload(lines)) is not None:
                part = structs.replace(part, input_file=(yield self._fetch(upload, options)))
            try:
                part = yield self._fetch(self._codec.create(part, lines), options)
            except (TransportError, RemoteProtocolError) as error:
                raise _unsure(error) from None
            except ProviderError as error:
                unsure = (error.status or 0) >= 500 and error.status not in REFUSING_STATUSES
                raise (_unsure(error) if unsure else error) from None
            if state is None:
                state = BatchState(origin=self._provider.dialect.origin, submitted=self._now(), parts=(part,))
            else:
                state = structs.replace(state, parts=(*state.parts, part))
            if on_state is not None:
                on_state(state)
        assert state is not None  # there is at least one part
        return state

    def _look(self, state: BatchState, options: ListOptions) -> _Steps:
        for index, part in enumerate(state.parts):
            if not part.finished:
                seen = yield self._fetch(self._codec.look(part), options)
                state = _with_part(state, index, seen)
        return state

    def _wait(
        self,
        state: BatchState,
        on_state: Callable[[BatchState], object] | None,
        pause: float | None,
        options: ListOptions,
    ) -> _Steps:
        while not state.finished:
            state = yield from self._look(state, options)
            if on_state is not None:
                on_state(state)
            if not state.finished:
                yield Wait(state.pause(self._now()) if pause is None else pause)
        return state

    def _cancel(self, state: BatchState, options: ListOptions) -> _Steps:
        state = yield from self._look(state, options)
        for index, part in enumerate(state.parts):
            if part.status == "running":
                seen = yield self._fetch(self._codec.cancel(part), options)
                state = _with_part(state, index, seen)
        return state

    def _encoded(self, requests: Iterable[BatchRequest]) -> Iterator[_Line]:
        places: dict[str, int] = {}
        index = -1
        for index, request in enumerate(requests):
            if not isinstance(request, BatchRequest):
                raise InvalidRequestError(
                    f"requests[{index}]: must be a BatchRequest, not {type(request).__name__}", index=index
                )
            where = f"requests[{index}] ({request.custom_id!r:.80})"
            if (fault := self._id_fault(request.custom_id)) is not None:
                raise InvalidRequestError(f"{where}: its custom_id {fault}", index=index)
            if (first := places.setdefault(request.custom_id, index)) != index:
                raise InvalidRequestError(
                    f"{where}: has the custom_id of requests[{first}]; give each its own", index=index
                )
            try:
                yield self._line(request)
            except InvalidRequestError as error:
                raise InvalidRequestError(f"{where}: {error.message}", index=index) from None
        if index < 0:
            raise InvalidRequestError("requests: is empty; give at least one")

    def _id_fault(self, custom_id: object) -> str | None:
        if not isinstance(custom_id, str):
            return f"must be a text, not {type(custom_id).__name__}"
        try:
            custom_id.encode()
        except UnicodeEncodeError:
            return "holds half a surrogate pair, which cannot be sent as UTF-8; use another name"
        return self._codec.id_fault(custom_id)

    def _line(self, request: BatchRequest) -> _Line:
        for name in request.options:
            if name in ListOptions.__annotations__:
                raise InvalidRequestError(f"{name}: is an option of the submission; give it there")
        messages = as_messages(request.messages)
        prepared = self._provider.prepare(
            messages, request.tools, stream=False, options=dict(request.options)
        )
        model = self._codec.model_of(prepared.body, request.options.get("model"))
        body = {name: value for name, value in prepared.body.items() if name != "stream"}
        body |= {} if model is None else {"model": model}
        data = encode_body(self._codec.line(request.custom_id, body), messages)
        if len(data) + _ENVELOPE > self._codec.MOST_BYTES:
            raise InvalidRequestError(
                f"it has {len(data)} bytes, and a whole batch may have {self._codec.MOST_BYTES}; "
                "send files by their id, or a shorter conversation"
            )
        return _Line(data, model if self._codec.ONE_MODEL else None, prepared.output_tool)

    def _split(self, lines: Iterable[_Line]) -> list[tuple[BatchPart, list[bytes]]]:
        """The lines by batch. Equal requests give equal batches, which a submission that goes on needs."""
        groups: dict[tuple[str | None, str], list[bytes]] = {}
        for line in lines:
            groups.setdefault((line.model, line.output_tool), []).append(line.data)
        parts: list[tuple[BatchPart, list[bytes]]] = []
        for (model, output_tool), group in groups.items():
            for chunk in self._cut(group):
                digest = hashlib.sha256(b"\n".join(chunk)).hexdigest()[:16]
                part = BatchPart(id="", count=len(chunk), digest=digest, model=model, output_tool=output_tool)
                parts.append((part, chunk))
        return parts

    def _cut(self, lines: Sequence[bytes]) -> Iterator[list[bytes]]:
        most, room = self._codec.MOST_REQUESTS, self._codec.MOST_BYTES - _ENVELOPE
        chunk: list[bytes] = []
        size = 0
        for line in lines:
            if chunk and (len(chunk) == most or size + len(line) + 1 > room):
                yield chunk
                chunk, size = [], 0
            chunk.append(line)
            size += len(line) + 1
        yield chunk


class _Line(Struct, frozen=True):
    """An encoded request, and what all of its batch have in common."""

    data: bytes
    model: str | None
    output_tool: str


def _go_on(
    steps: Generator[T, Any, object], call: Fetch[Any] | None, failure: ProviderError | None
) -> T:  # Any: the value of a call
    """Pass the value of the last call to the steps, or the error that it failed with."""
    if call is None:
        return next(steps)
    if failure is None:
        try:
            value = call.result()
        except LocalProtocolError:
            raise
        except ProviderError as error:
            failure = error
        else:
            return steps.send(value)
    return steps.throw(failure)


def _with_part(state: BatchState, index: int, part: BatchPart) -> BatchState:
    return structs.replace(state, parts=(*state.parts[:index], part, *state.parts[index + 1 :]))


def _unsure(error: ProviderError) -> ProviderError:
    return error.with_context(
        hint="The batch may have been made all the same: look at the provider's list of batches before you "
        "submit it again, or it may be answered and charged for twice."
    )
