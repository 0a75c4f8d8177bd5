"""Long streams: whether the time and the memory per event grow with the number of events."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator

from benchmarks.decode import PEERS, work
from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, SkippedError, check
from benchmarks.resident import forget_peak, peak_resident, resident
from benchmarks.wires import WIRES, Wire, wire

EVENTS = (1_000, 10_000, 100_000, 200_000)
PATIENCE = 120.0
"""Seconds that a run may take, at the scale of published figures; slower contenders are skipped."""

_ROUNDS = 3
_TRIALS = (500, 2_000)
"""Events of two short runs, from which the time of a long one is estimated."""


def _cases(scale: Scale) -> list[Case]:
    return [
        Case(
            row="growth",
            name=f"{name}, {events} events",
            units={
                "cpu": "µs of CPU per event",
                "memory": "bytes held at most, per event",
                "slope": "time of the last tenth of the deltas to that of the first",
                "end": "ms from the last delta to the whole answer, whose JSON is decoded",
            },
            contenders=(Contender("yardstick"), Contender("sansio"), *PEERS[wire(name).dialect]),
            rounds=min(_ROUNDS, scale.rounds),
            options={"wire": name, "events": events, "patience": scale.units(int(PATIENCE))},
            fresh=True,
        )
        for name in WIRES
        for events in EVENTS
        if scale.work >= 1 or events <= EVENTS[-1] * scale.work or events == EVENTS[0]
    ]


class _Timed:
    """The stream's events one by one, noting the CPU time at the tenths of its deltas."""

    def __init__(self, stream: Wire, events: int) -> None:
        self._stream = stream
        self._events = events
        first = len(stream.head)
        self._marked = {first + events * tenth // 10 for tenth in range(11)}
        self.marks: list[float] = []

    def __iter__(self) -> Iterator[bytes]:
        self.marks = []
        for number, piece in enumerate(self._stream.pieces(self._events)):
            if number in self._marked:
                self.marks.append(time.process_time())
            yield piece

    @property
    def slope(self) -> float:
        """The time of the last tenth to that of the first."""
        return (self.marks[10] - self.marks[9]) / (self.marks[1] - self.marks[0])


def _prepare(case: Case, contender: Contender) -> Run:
    stream = wire(case.text("wire"))
    events = case.number("events")
    feeds = _Timed(stream, events)
    read = work(contender.name, stream, events, feeds)
    _warm(contender, stream, events, case.number("patience"))

    def run() -> Metrics:
        gc.collect()
        forget_peak()
        before = resident()
        begin = time.process_time()
        text = read()
        end = time.process_time()
        held = max(0, peak_resident() - before)
        check(text, stream.text(events))
        count = stream.count(events)
        return {
            "cpu": (end - begin) / count * 1e6,
            "memory": held / count,
            "slope": feeds.slope,
            "end": (end - feeds.marks[-1]) * 1e3,
        }

    return run


def _warm(contender: Contender, stream: Wire, events: int, patience: float) -> None:
    """Read two short streams, and skip a long one that would take too long.

    Raises:
        SkippedError: it would, if the time grows at worst with the square of the events.
    """
    less, more = _TRIALS
    short = _seconds(work(contender.name, stream, less, _Timed(stream, less)))
    short = min(short, _seconds(work(contender.name, stream, less, _Timed(stream, less))))
    longer = _seconds(work(contender.name, stream, more, _Timed(stream, more)))
    square = max(0.0, (longer / more - short / less) / (more - less))
    linear = max(0.0, short / less - square * less)
    expected = linear * events + square * events**2
    if expected > patience:
        raise SkippedError(f"{events} events would take it about {expected:.0f} s")


def _seconds(read: Callable[[], str]) -> float:
    begin = time.process_time()
    read()
    return time.process_time() - begin


ROW = Row("growth with the length of a stream", _cases, _prepare)
