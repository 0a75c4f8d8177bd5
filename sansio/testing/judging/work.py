"""Measures the work of a run by counting, not by time, so that it is the same on every machine.

Only the profiler's hook belongs to the interpreter here; it sees nothing but this run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType


def work_of(run: Callable[[], object]) -> int:
    """The calls that a run makes, and the characters and bytes that it passes to functions written in Python.

    So it shows if a reader decodes everything again at each delta, though it makes as many calls as other
    readers. What C code copies by itself, as in `text += piece`, is not counted.
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
