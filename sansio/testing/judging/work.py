"""How much a run does, counted and not timed: the same on every machine.

The profiler's hook is the one thing here that is of the interpreter; it sees this run and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType


def work_of(run: Callable[[], object]) -> int:
    """The calls that a run makes, and the characters and bytes that it passes to functions written in Python.

    So a reader that decodes all it has at each delta shows, though it makes as many calls as any other. What
    C code copies by itself, such as `text += piece`, is not counted.
    """
    work = 0

    # The interpreter does not trace a hook, so coverage cannot see this one.
    def count(frame: FrameType, event: str, argument: object) -> None:  # pragma: no cover
        nonlocal work
        if event == "c_call":
            work += 1
        elif event == "call":
            work += 1
            for value in frame.f_locals.values():
                if isinstance(value, (str, bytes, bytearray)):
                    work += len(value)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(before)
    return work
