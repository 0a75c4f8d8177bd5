"""An interrupt at a chosen line of this project's code: what Ctrl-C, an alarm or a soft time limit can do."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

ROOT = Path(__file__).resolve().parents[2]

Line: TypeAlias = tuple[str, int]
_Trace: TypeAlias = Callable[[FrameType, str, Any], Any]  # Any: as `sys.settrace` has it


@contextlib.contextmanager
def _tracing(rooms: tuple[str, ...], at_line: Callable[[Line], None]) -> Iterator[None]:
    """Call `at_line` before each line in the rooms, which are files or folders below the project's root."""
    within = tuple(str(ROOT / room) for room in rooms)

    finalisers = 0  # that run now: an exception in one is reported, and goes nowhere

    def enter(frame: FrameType, what: str, _: object) -> _Trace | None:
        nonlocal finalisers
        if frame.f_code.co_name == "__del__":
            finalisers += 1
            return finalise
        return line if frame.f_code.co_filename.startswith(within) else None

    def line(frame: FrameType, what: str, _: object) -> _Trace:
        if what == "line" and not finalisers:
            at_line((frame.f_code.co_filename, frame.f_lineno))
        return line

    def finalise(frame: FrameType, what: str, _: object) -> _Trace:
        nonlocal finalisers
        finalisers -= what == "return"
        return finalise

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(before)


def lines_of(deed: Callable[[], object], rooms: tuple[str, ...]) -> list[Line]:
    """The lines that `deed` runs in the rooms, in order."""
    lines: list[Line] = []
    with _tracing(rooms, lines.append):
        deed()
    return lines


def moments(lines: list[Line]) -> list[int]:
    """Where to interrupt: at the first and the last time of each line."""
    first = {line: index for index, line in reversed(list(enumerate(lines)))}
    last = {line: index for index, line in enumerate(lines)}
    return sorted({*first.values(), *last.values()})


def interrupt(deed: Callable[[], object], rooms: tuple[str, ...], moment: int) -> bool:
    """Run `deed`, and raise a KeyboardInterrupt in it before its line number `moment`, counted from 0.

    Returns:
        Whether it was interrupted.
    """
    left = moment
    hit = False

    def at_line(_: Line) -> None:
        nonlocal left, hit
        left -= 1
        if left == -1:
            hit = True
            raise KeyboardInterrupt

    try:
        raise LookupError
    except LookupError:
        # An exception from a trace function can leave behind the one that was being handled, as the thread's
        # current one, which keeps the connection alive with its frames. The end of this handler drops it.
        try:
            with _tracing(rooms, at_line):
                deed()
        except KeyboardInterrupt:
            assert hit
    return hit
