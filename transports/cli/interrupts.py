"""Ctrl-C ends the process at once.

Both event loops would first cancel their tasks and wait for their threads, and nothing can end a thread
that looks up a host name. The process holds nothing that the operating system does not release.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells count: 128 and the signal's number."""

_TICK = 0.1  # seconds


@contextmanager
def ending_interrupts() -> Iterator[None]:
    """Let Ctrl-C end the process inside, unless whoever started it had it ignored."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _end)
    with _ticking():
        yield


@contextmanager
def _ticking() -> Iterator[None]:
    """End each wait of the main thread after a moment, which Python then resumes.

    It runs handlers between two instructions only: a signal that comes just before a wait begins would be
    seen when the wait ends.
    """
    if sys.platform == "win32":  # which has no such race, and no such timer
        yield
        return
    signal.signal(signal.SIGALRM, _pass)
    signal.setitimer(signal.ITIMER_REAL, _TICK, _TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)  # at the interpreter's exit it would kill


@contextmanager
def raised_interrupts() -> Iterator[None]:
    """Let Ctrl-C raise `KeyboardInterrupt` inside, for code that has a terminal to put back in order."""
    previous = signal.getsignal(signal.SIGINT)
    if previous is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _end(_number: int, _frame: FrameType | None) -> None:
    try:
        if os.isatty(2):
            os.write(2, b"\n")  # the shell's prompt begins a line of its own
    finally:
        os._exit(INTERRUPTED)


def _pass(_number: int, _frame: FrameType | None) -> None:
    pass
