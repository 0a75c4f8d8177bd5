"""Tries the laws, each with a new transport, server and event loop."""

from __future__ import annotations

import contextlib
import inspect
import threading
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractContextManager
from functools import partial
from importlib.util import find_spec
from types import MappingProxyType
from typing import TypeAlias, cast

import anyio
from msgspec import Struct

from sansio import ProviderError
from sansio.testing import FakeProvider, Report, Responder, Result, Verdict
from sansio.testing.faults import FaultyProvider
from sansio.testing.judging.law import BrokenLawError, NotApplicableError
from sansio.testing.judging.trying import try_each
from sansio.testing.report import Progress
from transports.interface import SyncTransport, Transport
from transports.testing.conformance.bench import Bench, Server
from transports.testing.conformance.calls import Calls, CheckedTransport
from transports.testing.conformance.law import Law, WrongKindError, told
from transports.testing.conformance.laws import LAWS
from transports.testing.conformance.threads import InThreads

PATIENCE = 3.0
"""Seconds to wait for something that takes milliseconds on an idle machine."""

_LOOK = 0.05
"""Seconds between two looks at whether a law's loop is alive."""

_WAKING = 2.0
"""Seconds that a call which blocks the loop gets to end after its server has stopped."""

_LOOPS = ("asyncio", "trio")
_VERDICTS = (WrongKindError, BrokenLawError, NotApplicableError)

Factory: TypeAlias = Callable[[], Transport] | Callable[[Responder], Transport]
SyncFactory: TypeAlias = Callable[[], SyncTransport] | Callable[[Responder], SyncTransport]


def check_transport(
    factory: Factory,
    *,
    backend: str = "asyncio",
    in_memory: bool = False,
    laws: Collection[str] | None = None,
    without: Mapping[str, str] = MappingProxyType({}),
    patience: float = PATIENCE,
    progress: Progress | None = None,
) -> Report:
    """Try every law on an async transport, against a server in this process on 127.0.0.1.

    It runs its own event loops in its own threads, so it may be called from anywhere. It takes a few seconds
    for a correct transport. It also returns if a call to the transport never does.

    Args:
        factory: makes a new transport at each call, inside a running loop.
        backend: the event loop, `"asyncio"` or `"trio"`.
        in_memory: the transport has no connections. The factory is passed a server, whose
            `respond(request)` answers, and the laws about connections do not apply.
        laws: names of the laws to try. Default: all of `LAWS`.
        without: laws that the transport does not keep, each with the reason, such as
            `{"fresh": "the library picks the connection"}`. They are not tried, and the report shows them as
            declared. A law that all others depend on cannot be among them.
        patience: seconds to wait before something counts as never happening. Only a faulty transport uses
            them up.
        progress: called before each law is tried, with its name, its number from 1 on, and the number of all
            laws. `print` is a simple choice.

    Returns:
        The report. For a law that failed, it says how the law was broken.

    Raises:
        ValueError: there is no such law, or no such event loop, or a law cannot be declared.
        WrongKindError: the transport is blocking.

    Example:
        report = check_transport(AnyioTransport, backend="trio")
        assert report.ok, str(report)
    """
    if backend not in _LOOPS or find_spec(backend) is None:
        raise ValueError(f"{backend!r}: no such event loop here; use one of {', '.join(_LOOPS)}, installed")
    subject = f"{_name(factory)} under {backend}"
    return _Run(factory, subject, backend, in_memory, patience, "aclose()").try_all(laws, without, progress)


def check_sync_transport(
    factory: SyncFactory,
    *,
    in_memory: bool = False,
    laws: Collection[str] | None = None,
    without: Mapping[str, str] = MappingProxyType({}),
    patience: float = PATIENCE,
    progress: Progress | None = None,
) -> Report:
    """Try every law on a blocking transport; see `check_transport`. The laws about event loops do not apply.

    Each call is made from a thread, and `abort()` from a different thread than `receive()`.

    Raises:
        ValueError: there is no such law, or it cannot be declared.
        WrongKindError: the transport is async.
    """
    subject = f"{_name(factory)}, blocking"
    return _Run(factory, subject, None, in_memory, patience, "close()").try_all(laws, without, progress)


class _Run(Struct, frozen=True):
    """One check of one transport.

    Args:
        factory: makes the transport.
        subject: what is checked, and how.
        backend: the event loop; `None` for a blocking transport.
        in_memory: see `check_transport`.
        patience: see `check_transport`.
        closing: the name of the method that closes a transport.
    """

    factory: Callable[..., Transport | SyncTransport]
    subject: str
    backend: str | None
    in_memory: bool
    patience: float
    closing: str

    def try_all(
        self, names: Collection[str] | None, without: Mapping[str, str], progress: Progress | None
    ) -> Report:
        return Report(self.subject, try_each(LAWS, self._try, names, without, progress))

    def make(self, *given: Responder) -> Transport:
        """A new transport.

        Raises:
            BrokenLawError: the factory raised.
            WrongKindError: it is of the other kind.
        """
        blocking = self.backend is None
        try:
            made: object = self.factory(*given)
        except Exception as error:
            raise BrokenLawError(f"the factory raised {told(error)}") from error
        if blocking is not _is_blocking(made, blocking):
            kind, check = ("async", check_transport) if blocking else ("blocking", check_sync_transport)
            raise WrongKindError(f"{_name(self.factory)} is {kind}: check it with {check.__name__}")
        return InThreads(cast("SyncTransport", made)) if blocking else cast("Transport", made)

    def _try(self, law: Law) -> Result:
        if law.tasks and self.backend is None:
            return _result(law, Verdict.NOT_APPLICABLE, "the transport is blocking")
        if law.wire and self.in_memory:
            return _result(law, Verdict.NOT_APPLICABLE, "the transport has no connections")
        attempt = _Attempt(self, law)
        try:
            with self._serve(law) as server:
                stuck = attempt.run(server)
        except NotApplicableError as error:  # there is no server to try it against
            return _result(law, Verdict.NOT_APPLICABLE, str(error))
        attempt.join(_WAKING)
        return attempt.result(stuck)

    def _serve(self, law: Law) -> AbstractContextManager[Server]:
        if self.in_memory:
            return contextlib.nullcontext(FaultyProvider(FakeProvider()))
        return law.serve()


class _Attempt:
    """One law, tried in a thread, so that the check continues if a call never returns."""

    def __init__(self, run: _Run, law: Law) -> None:
        self._run = run
        self._law = law
        self._calls = Calls(run.patience)
        self._done = False
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def run(self, server: Server) -> str | None:
        """Try it.

        Returns:
            The reason why the law does not end; `None` if it has ended.
        """
        main = partial(self._main, server)
        self._thread = threading.Thread(target=self._loop, args=(main,), daemon=True)
        self._thread.start()
        stuck = None
        while self._thread.is_alive() and stuck is None:
            self._thread.join(_LOOK)
            stuck = self._calls.stuck()
        return stuck

    def join(self, seconds: float) -> None:
        """Wait some time for the thread to end."""
        if self._thread is not None:
            self._thread.join(seconds)

    def result(self, stuck: str | None) -> Result:
        """The result."""
        if stuck is not None:
            return _result(self._law, Verdict.FAILED, stuck)
        if self._done:
            return _result(self._law, Verdict.PASSED)
        if self._error is None:
            return _result(self._law, Verdict.FAILED, "it ended the thread of its event loop")
        match error := _root(self._error):
            case WrongKindError():
                raise error
            case NotApplicableError():
                return _result(self._law, Verdict.NOT_APPLICABLE, str(error))
            case BrokenLawError():
                message = str(error)
            case ProviderError():
                message = f"it raised {told(error)}, though the server did nothing wrong"
            case _:
                message = f"the event loop ended with {told(error)}"
        return _result(self._law, Verdict.FAILED, message)

    def _loop(self, main: Callable[[], Awaitable[None]]) -> None:
        try:
            anyio.run(main, backend=self._run.backend or "asyncio")
            self._done = True
        except (Exception, BaseExceptionGroup, CancelledError) as error:  # the loop is over
            self._error = error

    async def _main(self, server: Server) -> None:
        transport = self._make(server)
        remake = partial(self._make, server)
        bench = Bench(transport, server, remake, self._run.backend or "asyncio", self._run.patience)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._calls.beat)
            try:
                await self._law.check(bench)
            finally:
                with contextlib.suppress(BrokenLawError):
                    await transport.aclose()
            tasks.cancel_scope.cancel()

    def _make(self, server: Server) -> CheckedTransport:
        with self._calls.under_way("the factory"):
            transport = self._run.make(*((server,) if self._run.in_memory else ()))
        return CheckedTransport(transport, self._calls, self._run.closing)


def _is_blocking(transport: object, otherwise: bool) -> bool:
    """Whether a transport is a blocking one, by the methods that it has.

    Args:
        otherwise: the answer for one that has too few of either kind; the laws then say what it lacks.
    """
    if inspect.iscoroutinefunction(getattr(transport, "open", None)) or hasattr(transport, "aclose"):
        return False
    return hasattr(transport, "close") or otherwise


def _result(law: Law, verdict: Verdict, message: str = "") -> Result:
    return Result(law.name, law.text, verdict, message)


def _root(error: BaseException) -> BaseException:
    """The error that decides: task groups wrap what their tasks raise, also what follows from it."""
    leaves = _leaves(error)
    return next((leaf for leaf in leaves if isinstance(leaf, _VERDICTS)), leaves[0])


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]


def _name(factory: Callable[..., object]) -> str:
    if isinstance(factory, partial):
        return _name(factory.func)
    name: str = getattr(factory, "__qualname__", type(factory).__qualname__)
    return name
