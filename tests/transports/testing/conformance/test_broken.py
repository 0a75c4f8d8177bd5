"""Each deliberately broken transport is caught, by a message that names its fault."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias, cast

import pytest

from tests.transports.testing.conformance import broken_inputs as gives
from tests.transports.testing.conformance import broken_waits as waits
from tests.transports.testing.conformance.wrapping import Wrapped, Wrapper
from transports.interface import SyncTransport, Transport
from transports.testing.conformance import LAWS, Verdict, check_sync_transport, check_transport

# Those that leak leave sockets to the garbage collector, which says so.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

PATIENCE = 0.5
"""Seconds in place of the kit's own, since many of these use them up."""

MORE_PATIENCE = 2.0
"""For laws that a loaded machine may not try within `PATIENCE`."""

LONG_LAWS = ("byte-by-byte", "cancelled-open", "large-bodies", "nothing-left")

LEAK = "the server still had the connection open"

Kind: TypeAlias = type[Wrapped] | Callable[[], Transport]

EITHER_LOOP: tuple[tuple[Kind, str, str], ...] = (
    (waits.WaitsForHead, "open-returns", "open() had not returned: it waits for the response"),
    (gives.Reorders, "inputs-in-order", "was Bodies, Head, "),
    (
        gives.SwallowsEnd,
        "inputs-in-order",
        "was Head, Bodies, LocalProtocolError",
    ),
    (gives.DropsBytes, "inputs-in-order", "the body was sent as"),
    (
        gives.GivesDicts,
        "inputs-in-order",
        "receive() returned {'status': 200}",
    ),
    (gives.UpperCase, "header-names", "lower case"),
    (gives.MergesHeaders, "header-names", "received as ['second']"),
    (gives.GuessesUTF8, "header-values", "was sent as b'caf\\xe9', and received as 'caf\ufffd'"),
    (gives.AddsHeaders, "request-as-given", "accept-encoding was given once, and arrived 2 times"),
    (gives.CutsLargeBodies, "large-bodies", "of a body of 2000000 bytes only"),
    (gives.Buffers, "no-buffering", "the transport holds bytes back"),
    (gives.DropsSmallPieces, "byte-by-byte", ", and received as b'"),
    (gives.ByHand, "informational", "after 100 and 103 a 200 was sent; received was 100"),
    (gives.NeedsLength, "body-until-close", "raised RemoteProtocolError (a response without a length)"),
    (gives.FillsBodies, "no-body", "a response without a body was received with b'null'"),
    (gives.RaisesStatus, "error-status", "the status 404 was raised as APIConnectionError (HTTP 404)"),
    (gives.FollowsRedirects, "redirects", "the transport followed it"),
    (gives.HalfDecodes, "content-encoding", "remove it"),
    (gives.RaisesRaw, "refused", "open() raised a raw ConnectionRefusedError"),
    (gives.RaisesRaw, "unknown-host", "open() raised a raw "),
    (gives.WrongKind, "lost-before-head", "must raise APIConnectionError; it raised RemoteProtocolError"),
    (gives.TriesAgain, "lost-before-head", "times: retries are the driver's business"),
    (gives.CutIsEnd, "lost-in-body", "the exchange ended without an error (Head, Bodies, End)"),
    (
        gives.EndsByStop,
        "no-silent-end",
        "raised a raw StopAsyncIteration, which ends a consumer's loop",
    ),
    (gives.EndsByNext, "no-silent-end", "raised a raw StopIteration, which ends a consumer's loop"),
    (gives.WrongKind, "reset", "must raise APIConnectionError; it raised RemoteProtocolError"),
    (gives.MalformedIsLost, "malformed", "must raise RemoteProtocolError; it raised APIConnectionError"),
    (gives.LateIsLost, "read-timeout", "must raise APITimeoutError; it raised APIConnectionError"),
    (gives.ByHand, "header-injection", "a line break in a header's value made a second header"),
    (gives.ShowsKey, "key-in-errors", "shows the key"),
    (gives.PlainText, "no-plain-text", "sent an https request without TLS"),
    (gives.NotVerifying, "untrusted-certificate", "it does not verify"),
    (gives.NeverReused, "stale", "had served an exchange before, but the error says reused=False"),
    (
        waits.IgnoresTimeout,
        "read-timeout",
        "receive() had not returned after 0.55 s, though its timeout was 0.05",
    ),
    (waits.NeedsTimeout, "no-timeout", "receive() raised a raw TypeError"),
    (waits.MixesUp, "concurrent", "one of 10 exchanges at the same time did not get its own answer"),
    (waits.GivesUpEarly, "read-timeout", "receive() gave up after 0.0"),
    (
        waits.IgnoresOpenTimeout,
        "connect-timeout",
        "open() had not returned after 0.55 s, though its timeout was",
    ),
    (waits.KeepsOnAbort, "abort-closes", f"abort() was called right after open(): {LEAK}"),
    (waits.KeepsOnAbort, "abort-after-end", f"abort() was called after the response: {LEAK}"),
    (waits.KeepsOnAbort, "abort-under-load", f"abort() was called while the server was sending: {LEAK}"),
    (waits.KeepsOnAbort, "abandoned", f"a bare break dropped the stream: {LEAK}"),
    (waits.AbortsLater, "abort-closes", "abort() is async; it must be a plain function"),
    (waits.AbortsOnce, "abort-again", "abort() raised RuntimeError (already closed)"),
    (waits.LeavesReaders, "abort-wakes", "abort() was called, and receive() went on waiting"),
    (waits.ReadsToTheEnd, "aclose-is-prompt", "the exchange's aclose() had not returned after 0.5 s"),
    (
        waits.FailsToClose,
        "reuse",
        "the exchange's aclose() raised ConnectionResetError (it was gone already)",
    ),
    (waits.NeverCloses, "transport-closes", "the transport's aclose() had not returned after 0.5 s"),
    (waits.StopsTheLoop, "reuse", "the exchange's aclose() blocks the event loop"),
    (waits.StopsTheLoopInAbort, "abort-closes", "abort() blocks the event loop: no other task ran for 0.5 s"),
    (waits.BlocksTheLoop, "loop-stays-free", "receive() blocks the event loop: while it waited"),
    (waits.KeepsIdle, "transport-closes", f"the transport was closed: {LEAK}"),
    (waits.IgnoresFresh, "fresh", "open(fresh=True) reused a connection"),
    (
        waits.OneAtATime,
        "stalled-neighbour",
        "an exchange stalled in its body: with the next one, open() had not",
    ),
    (
        waits.SwallowsCancellation,
        "cancelled-receive",
        "receive() was cancelled, and gave ['APIConnectionError",
    ),
    (waits.OutlivesCancellation, "cancelled-receive", "receive() was cancelled and went on"),
    (waits.ShieldsOpen, "cancelled-open", "open() was cancelled and went on: it swallows cancellation"),
    (waits.ForgetsToClose, "cancelled-aclose", LEAK),
    (waits.LeaksWhenCancelled, "cancelled-anywhere", LEAK),
    (waits.LosesInputs, "resumable-receive", "cancelled"),
    (
        waits.DiesWhenCancelled,
        "resumable-receive",
        "cancelled and called again, and then raised",
    ),
    (waits.SendsBeforeItWaits, "resumable-open", "and the request arrived 2 times"),
    (gives.LosesEarlyAnswers, "early-answer", "failed with APIConnectionError (broken pipe)"),
)

ASYNCIO: tuple[tuple[Kind, str, str], ...] = (
    (waits.CancelsReaders, "abort-wakes", "abort() cancelled the task that waited in receive()"),
    (waits.LeavesTasks, "nothing-left", "left running: the task sleep_forever"),
    (
        waits.Careless,
        "no-dirty-reuse",
        "aclose() was called inside a body, and its connection was used again",
    ),
    (waits.Careless, "closed-while-idle", "that must be an APIConnectionError with reused=True"),
    (waits.Careless, "bytes-behind", "the server sent bytes after its response"),
    (waits.Careless, "says-close", "'connection: close', and the connection was used again"),
    (waits.Careless, "second-loop", "in its second event loop the transport failed"),
    (waits.Careless, "unasked-response", "and the next exchange returned b'stray'"),
    (waits.Careless, "forked", "after a fork an exchange "),
    (waits.KeepsForever, "loop-closed-by-hand", LEAK),
)

BLOCKING: tuple[tuple[Callable[[], SyncTransport], str, str], ...] = (
    (waits.LeavesThreads, "abort-wakes", "abort() was called, and receive() went on waiting"),
    (
        waits.EndsByNextInThreads,
        "no-silent-end",
        "raised a raw StopIteration, which ends a consumer's loop",
    ),
    (waits.HangsInClose, "transport-closes", "the transport's close() had not returned after 0.5 s"),
    (waits.CarelessInThreads, "unasked-response", "and the next exchange returned b'stray'"),
    (waits.CarelessInThreads, "forked", "after a fork an exchange "),
)


def factory(kind: Kind) -> Callable[[], Transport]:
    """What makes the transport; an exchange is wrapped around those of a sound one."""
    wraps = isinstance(kind, type) and issubclass(kind, Wrapped)
    return partial(Wrapper, cast("type[Wrapped]", kind)) if wraps else cast("Callable[[], Transport]", kind)


@pytest.fixture(scope="module", autouse=True)
def _collect_little() -> None:
    """What is there already need not be looked through after each of these tests, nor later."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    waits.LET_GO.clear()
    yield
    waits.LET_GO.set()
    waits.LeavesAll.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.parametrize(("kind", "law", "words"), EITHER_LOOP)
def test_broken_transport_is_caught(anyio_backend: str, kind: Kind, law: str, words: str) -> None:
    patience = MORE_PATIENCE if law in LONG_LAWS else PATIENCE
    report = check_transport(factory(kind), backend=anyio_backend, laws=[law], patience=patience)
    assert report[law].verdict is Verdict.FAILED
    assert words in report[law].message


@pytest.mark.parametrize(("kind", "law", "words"), ASYNCIO)
def test_broken_transport_of_asyncio_is_caught(kind: Kind, law: str, words: str) -> None:
    patience = MORE_PATIENCE if law in LONG_LAWS else PATIENCE
    report = check_transport(factory(kind), laws=[law], patience=patience)
    assert report[law].verdict is Verdict.FAILED
    assert words in report[law].message


def test_everything_that_is_left_behind_is_named() -> None:
    report = check_transport(waits.LeavesAll, laws=["nothing-left"], patience=MORE_PATIENCE)
    message = report["nothing-left"].message
    for words in (
        "the thread 'left behind'",
        "the child process ",
        "(pipe:[",
        "an unraisable error, ValueError('left behind')",
        "an error that ended a thread, KeyError('left behind')",
        "a warning, unclosed <socket.socket",
        "Task exception was never retrieved: OSError('left behind')",
    ):
        assert words in message


@pytest.mark.parametrize(("make", "law", "words"), BLOCKING)
def test_broken_blocking_transport_is_caught(make: Callable[[], SyncTransport], law: str, words: str) -> None:
    report = check_sync_transport(make, laws=[law], patience=PATIENCE)
    assert report[law].verdict is Verdict.FAILED
    assert words in report[law].message


def test_the_wrapped_transport_alone_is_not_caught(anyio_backend: str) -> None:
    report = check_transport(Wrapper, backend=anyio_backend, patience=30.0)
    assert report.ok, str(report)


def test_every_law_is_broken_by_one() -> None:
    assert {law for _, law, _ in (*EITHER_LOOP, *ASYNCIO, *BLOCKING)} == LAWS.keys()
