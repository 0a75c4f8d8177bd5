"""The time from the request to the first event, on a kept connection, compared with the bare client."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from typing import Self

import anyio

from benchmarks.clients import Target, backend, contenders, factory
from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, check
from benchmarks.server import Scenario
from benchmarks.wires import wire

STREAMS = 300
_EVENTS = 3
_WARM = 10
_WIRES = ("OpenAI text", "Anthropic text")


def _cases(scale: Scale) -> list[Case]:
    return [
        Case(
            row="first_event",
            name=name,
            units={"wall": "µs from asking to the first event"},
            contenders=contenders(wire(name).dialect),
            rounds=scale.rounds,
            options={"wire": name, "streams": scale.units(STREAMS, least=5)},
        )
        for name in _WIRES
    ]


class _Noting(list[str]):
    """Notes when its first part was added, by any method."""

    at: float | None = None

    def append(self, part: str) -> None:
        self._note()
        super().append(part)

    # It takes more types than `+`, as in the stubs of `list`.
    def __iadd__(self, parts: Iterable[str], /) -> Self:  # type: ignore[override, misc]
        self._note()
        return super().__iadd__(parts)

    def _note(self) -> None:
        if self.at is None:
            self.at = time.perf_counter()


def _prepare(case: Case, contender: Contender) -> Run:
    stream = wire(case.text("wire"))
    streams = case.number("streams")
    target = Target.of(case, stream.dialect, 1)
    model = Scenario(stream.name, "bursts", _EVENTS, 1).model
    make = factory(contender)

    async def session() -> list[float]:
        seconds = []
        async with make(target) as client:
            for _ in range(_WARM + streams):
                parts = _Noting()
                begin = time.perf_counter()
                await client.stream(model, parts)
                check("".join(parts), stream.text(_EVENTS))
                assert parts.at is not None
                seconds.append(parts.at - begin)
        return seconds[_WARM:]

    def run() -> Metrics:
        seconds = anyio.run(session, backend=backend(contender))
        return {"wall": statistics.median(seconds) * 1e6}

    return run


ROW = Row("the time to the first event, on a kept connection", _cases, _prepare, served="http")
