"""Finds what exchanges leave behind in a process: threads, child processes, descriptors, errors and warnings.

Python reports many of these only to hooks, when the garbage collector finds them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator

import anyio

_TURN = 0.02  # seconds between two looks
_IDLE = "Trio thread"
"""The name of a thread that trio keeps for its next call, from whichever loop the last one was."""
_NAMED = 8


class Leftovers:
    """Watches from the moment when it is made. Things that existed before do not count.

    Attributes:
        said: errors and warnings that nothing caught.
    """

    def __init__(self) -> None:
        self.said: list[str] = []
        self._before = _things()

    def remaining(self, seconds: float) -> list[str]:
        """Wait until nothing is left behind; name the things that remain, with the errors and warnings.

        Args:
            seconds: how long to wait at most.
        """
        end = time.monotonic() + seconds
        while True:
            gc.collect()
            left = {thing: name for thing, name in _things().items() if thing not in self._before}
            if not left or time.monotonic() > end:
                return [*left.values(), *self.said]
            time.sleep(_TURN)

    def handle(self, _: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """Take what an event loop of asyncio reports; see `loop.set_exception_handler`."""
        error = context.get("exception")
        self.said.append(f"{context['message']}{'' if error is None else f': {error!r}'}")


@contextlib.contextmanager
def watched() -> Iterator[Leftovers]:
    """Watch a process. The hooks belong to the whole process, so other threads may add to the findings."""
    leftovers = Leftovers()
    said = leftovers.said

    def ignored(given: sys.UnraisableHookArgs) -> None:
        said.append(f"an unraisable error, {given.exc_value!r} in {given.object!r:.100}")

    def ended(given: threading.ExceptHookArgs) -> None:
        said.append(f"an error that ended a thread, {given.exc_value!r}")

    def warned(message: Warning | str, *_: object, **__: object) -> None:
        said.append(f"a warning, {message}")

    hooks = sys.unraisablehook, threading.excepthook
    # Searching the objects that existed before takes long, and their garbage is not from these exchanges.
    freezes = not gc.get_freeze_count()
    if freezes:
        gc.freeze()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in (ResourceWarning, RuntimeWarning):
            warnings.simplefilter("always", kind)
        warnings.showwarning = warned
        sys.unraisablehook, threading.excepthook = ignored, ended
        try:
            yield leftovers
        finally:
            sys.unraisablehook, threading.excepthook = hooks
            if freezes:
                gc.unfreeze()


def running_tasks() -> dict[object, str]:
    """The tasks of the running loop, with what each of them runs."""
    return {task.id: getattr(task.coro, "__qualname__", str(task.name)) for task in anyio.get_running_tasks()}


def named(things: list[str]) -> str:
    """A list for a message, which names each thing once."""
    counts = Counter(things)
    words = [thing if count == 1 else f"{thing}, {count} times" for thing, count in counts.items()]
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return "; ".join(words[:_NAMED]) + more


def _things() -> dict[object, str]:
    """All things that can be counted, each by what identifies it."""
    threads: dict[object, str] = {
        thread: f"the thread {thread.name!r}"
        for thread in threading.enumerate()
        if not thread.name.startswith(_IDLE)
    }
    return threads | _children() | _descriptors()


def _children() -> dict[object, str]:
    """The child processes, where the system lists all processes as files."""
    found: dict[object, str] = {}
    for number in filter(str.isdecimal, _listed("/proc")):
        with contextlib.suppress(OSError):  # it has ended
            with open(f"/proc/{number}/stat", "rb") as file:
                start, _, rest = file.read().rpartition(b")")
            if int(rest.split()[1]) == os.getpid():
                name = start.partition(b"(")[2].decode(errors="replace")
                found["process", number] = f"the child process {number} ({name})"
    return found


def _descriptors() -> dict[object, str]:
    """The open descriptors, where the system lists them."""
    found: dict[object, str] = {}
    for number in _listed("/proc/self/fd"):
        with contextlib.suppress(OSError):  # it was open to list them
            target = os.readlink(f"/proc/self/fd/{number}")
            found["descriptor", number, target] = f"the descriptor {number} ({target})"
    return found


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:  # another system
        return []
