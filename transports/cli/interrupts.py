"""Lets Ctrl-C end the process at once.

Both event loops would first cancel their tasks and wait for their threads, and a thread that looks up a host
name cannot be interrupted. The operating system releases everything that the process holds.
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
    """Let Ctrl-C end the process while the context lasts, unless the parent process had it ignored."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _end)
    with _ticking():
        yield


@contextmanager
def _ticking() -> Iterator[None]:
    """Interrupt each wait of the main thread after a moment; Python then resumes the wait.

    Python runs signal handlers only between two instructions. Without this, a signal that arrives just
    before a wait would be handled only when the wait ends.
    """
    if sys.platform == "win32":  # Windows has neither this race nor this timer
        yield
        return
    signal.signal(signal.SIGALRM, _pass)
    signal.setitimer(signal.ITIMER_REAL, _TICK, _TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)  # otherwise the signal would kill the interpreter as it exits


@contextmanager
def raised_interrupts() -> Iterator[None]:
    """Let Ctrl-C raise `KeyboardInterrupt` in the context, for code that must restore the terminal."""
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
            os.write(2, b"\n")  # the shell's prompt begins a new line
    finally:
        os._exit(INTERRUPTED)


def _pass(_number: int, _frame: FrameType | None) -> None:
    pass
