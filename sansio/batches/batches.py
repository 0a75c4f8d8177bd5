"""The batch endpoints of a provider, each as a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Unpack

from msgspec import structs

from sansio.batches.codec import codec_for
from sansio.batches.encoding import Encoder
from sansio.batches.job import BatchJob, Steps
from sansio.batches.reading import BatchReader
from sansio.batches.state import BatchPart, BatchRequest, BatchState
from sansio.errors import InvalidRequestError, ProviderError, RemoteProtocolError, TransportError
from sansio.fetch import Fetch
from sansio.lines import LineFetch
from sansio.options import ListOptions
from sansio.porting import LeftOut
from sansio.provider import Provider
from sansio.retry import REFUSING_STATUSES
from sansio.steps import Wait


class Batches:
    """The batch endpoints of a provider, pure: each method makes a machine, and sends nothing.

    Args:
        provider: the provider.
        random: as for `Provider.call`.
        now: returns the time in seconds since 1970 (UTC).
        record: keep the records for raw logs (default: False).

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
        self._encoder = Encoder(provider, self._codec)
        self._random = random
        self._now = now
        self._record = record

    def check(self, request: BatchRequest) -> tuple[LeftOut, ...]:
        """Check a request without sending anything.

        Args:
            request: the request.

        Returns:
            The parts of its conversation and the options that would not be sent, and why.

        Raises:
            InvalidRequestError: the request cannot be sent.
            ConfigError: as `Provider.call`.
        """
        return self._encoder.check(request)

    def submit(
        self,
        requests: Iterable[BatchRequest],
        state: BatchState | None = None,
        on_state: Callable[[BatchState], object] | None = None,
        on_left_out: Callable[[str, tuple[LeftOut, ...]], object] | None = None,
        **options: Unpack[ListOptions],
    ) -> BatchJob:
        """Submit requests, in as many batches as the provider's limits ask for.

        All requests are encoded first. If one cannot be sent, it is refused before anything is submitted.

        Args:
            requests: at least one.
            state: the state of a submission of the same requests that broke off. Its batches are not
                submitted again.
            on_state: called before and after each request that makes a batch. Before, the state has the batch
                as `making`: a submission that is killed leaves a state that says whether a batch may have
                been made.
            on_left_out: called for each request that is not sent whole, with its `custom_id` and with the
                parts and options that are not sent.
            **options: the clocks, `max_attempts` and `extra_headers` of each request to the provider.

        Raises:
            InvalidRequestError: a request cannot be sent (`index` says which); or the state is of other
                requests, or has a batch that may have been made.
            ConfigError: as `Provider.call`.
        """
        parts = self._encoder.encode(requests, on_left_out)
        if state is not None and self._own(state).making is not None:
            raise InvalidRequestError(
                f"state: a batch {_named(state.making)} may have been made, or not: look at the provider's "
                "list of batches, and give state.made(its id), or state.made(None) if it is not there"
            )
        made = () if state is None else state.parts
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
        """Ask once for the status of each batch that is not finished.

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
        """Ask for the status of the batches until all are finished.

        Args:
            on_state: called with the state after each status.
            pause: seconds between two requests for the status. Default: `BatchState.pause`, which grows.

        Raises:
            InvalidRequestError: the state is another provider's.
        """
        if pause is not None and not 0 < pause < float("inf"):
            raise InvalidRequestError(f"pause: must be a number of seconds greater than 0, not {pause!r}")
        return BatchJob(self._wait(self._checked(state), on_state, pause, options))

    def cancel(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchJob:
        """Ask the provider to stop answering. Batches that are already finished are left alone.

        Raises:
            InvalidRequestError: the state is another provider's, or the provider cannot cancel batches.
        """
        for part in self._checked(state).parts:
            self._codec.cancel(part)
        return BatchJob(self._cancel(state, options))

    def results(self, state: BatchState, **options: Unpack[ListOptions]) -> BatchReader:
        """Read the results of all batches.

        Raises:
            InvalidRequestError: the state is another provider's, or not finished.
        """
        if self._checked(state).making is not None:
            raise InvalidRequestError(
                f"state: a batch {_named(state.making)} may have been made, or not; see BatchState.made"
            )
        for part in state.parts:
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

    def _own(self, state: BatchState) -> BatchState:
        origin = self._provider.dialect.origin
        if not isinstance(state, BatchState) or state.origin != origin:
            found = f"one of {state.origin}" if isinstance(state, BatchState) else repr(state)[:80]
            raise InvalidRequestError(f"state: must be a BatchState of {origin}, not {found}")
        return state

    def _checked(self, state: BatchState) -> BatchState:
        if not self._own(state).parts:
            raise InvalidRequestError("state: has no batch; submit its requests again")
        return state

    def _fetch(self, endpoint: Any, options: ListOptions) -> Fetch[Any]:  # Any: as above
        return self._provider.fetch(endpoint, random=self._random, record=self._record, **options)

    def _submit(
        self,
        parts: list[tuple[BatchPart, list[bytes]]],
        state: BatchState | None,
        on_state: Callable[[BatchState], object] | None,
        options: ListOptions,
    ) -> Steps:
        if state is None:
            state = BatchState(origin=self._provider.dialect.origin, submitted=self._now(), parts=())
        tell = on_state or _nobody
        for number, (part, lines) in enumerate(parts[len(state.parts) :], len(state.parts) + 1):
            if (upload := self._codec.upload(lines)) is not None:
                part = structs.replace(part, input_file=(yield self._fetch(upload, options)))
            before = structs.replace(state, left=len(parts) - number + 1)
            tell(structs.replace(before, making=part, left=len(parts) - number))
            try:
                part = yield self._fetch(self._codec.create(part, lines), options)
            except ProviderError as error:
                if _is_unsure(error):
                    raise error.with_context(hint=_UNSURE) from None
                tell(before)
                raise
            state = structs.replace(before, parts=(*before.parts, part), left=len(parts) - number)
            tell(state)
        return state

    def _look(self, state: BatchState, options: ListOptions) -> Steps:
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
    ) -> Steps:
        while not state.finished:
            state = yield from self._look(state, options)
            if on_state is not None:
                on_state(state)
            if not state.finished:
                yield Wait(state.pause(self._now()) if pause is None else pause)
        return state

    def _cancel(self, state: BatchState, options: ListOptions) -> Steps:
        state = yield from self._look(state, options)
        for index, part in enumerate(state.parts):
            if part.status == "running":
                seen = yield self._fetch(self._codec.cancel(part), options)
                state = _with_part(state, index, seen)
        return state


def _with_part(state: BatchState, index: int, part: BatchPart) -> BatchState:
    return structs.replace(state, parts=(*state.parts[:index], part, *state.parts[index + 1 :]))


_UNSURE = (
    "The batch may have been made all the same: look at the provider's list of batches before you submit it "
    "again, or it may be answered and charged for twice."
)


def _is_unsure(error: ProviderError) -> bool:
    """Whether a batch may have been made although the request for it failed."""
    if isinstance(error, TransportError | RemoteProtocolError):
        return True
    return (error.status or 0) >= 500 and error.status not in REFUSING_STATUSES


def _named(part: BatchPart | None) -> str:
    """What is known about a batch without an id."""
    assert part is not None
    return f"of {part.count} requests" + (f" in the file {part.input_file}" if part.input_file else "")


def _nobody(state: BatchState) -> None:
    pass
