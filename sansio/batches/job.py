"""A sequence of calls as a machine: each step is a call, or a wait."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

from sansio.batches.state import BatchPart, BatchState
from sansio.errors import LocalProtocolError, ProviderError
from sansio.fetch import Fetch
from sansio.steps import Wait

T = TypeVar("T")

# Any: the values of calls, each known to the step that made the call.
Steps: TypeAlias = Generator["Fetch[Any] | Wait", Any, BatchState]


class BatchJob:
    """A sequence of calls that ends in a `BatchState`. `Batches` makes them.

    A driver performs each step: it drives a call to its end like any other, or waits, and then asks for the
    next step.

    Args:
        steps: yields the calls, and receives their values.
    """

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._call: Fetch[Any] | None = None
        self._outcome: BatchState | ProviderError | None = None

    def next_step(
        self, failure: ProviderError | None = None, clean: Callable[[str], str] | None = None
    ) -> Fetch[Any] | Wait | None:
        """What to do next; `None` at the end.

        Args:
            failure: the error of the last call, as the driver changed it, such as with a key masked. Default:
                the call's own error.
            clean: masks the key of the last call in a text. The provider's words about a batch are kept in
                the state, which is stored, and only the driver knows the key.

        Raises:
            LocalProtocolError: the last call is not over.
        """
        if self._outcome is not None:
            return None
        try:
            step = go_on(self._steps, self._call, failure, clean)
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
            ProviderError: the error of a call that failed.
            LocalProtocolError: there are steps left.
        """
        if isinstance(self._outcome, ProviderError):
            raise self._outcome.with_context()
        if self._outcome is None:
            raise LocalProtocolError("result() before the end: perform the steps first")
        return self._outcome


def go_on(
    steps: Generator[T, Any, object],  # Any: the value of a call
    call: Fetch[Any] | None,
    failure: ProviderError | None,
    clean: Callable[[str], str] | None = None,
) -> T:
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
            if clean is not None and isinstance(value, BatchPart):
                value = value.cleaned(clean)
            return steps.send(value)
    return steps.throw(failure)
