"""Streams from a server in another process, over the loopback interface: the client's CPU per event."""

from __future__ import annotations

import gc
import time
from typing import cast

import anyio

from benchmarks.clients import MANY, Client, Target, backend, contenders, factory, refuse_many
from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, check
from benchmarks.server import Mode, Scenario
from benchmarks.wires import wire

EVENTS: dict[Mode, dict[int, int]] = {
    "bursts": {1: 20_000, 50: 1_000, 500: 100},
    "coalesced": {1: 20_000, 50: 1_000, 500: 100},
    "paced": {1: 2_000, 50: 40, 500: 4},
}
"""How many deltas each stream has, by mode and by how many streams are read at once."""

_WIRES = ("OpenAI text", "Anthropic text")


def _cases(scale: Scale) -> list[Case]:
    return [
        Case(
            row="end_to_end",
            name=f"{name}, {mode}, {_count(streams)}",
            units={"cpu": "µs of CPU per event"},
            contenders=contenders(wire(name).dialect),
            rounds=scale.rounds,
            options={
                "wire": name,
                "mode": mode,
                "streams": streams,
                "events": scale.units(events, least=2),
            },
        )
        for mode, numbers in EVENTS.items()
        for streams, events in numbers.items()
        for name in (_WIRES if streams < MANY else _WIRES[:1])
    ]


def _count(streams: int) -> str:
    return "1 stream" if streams == 1 else f"{streams} streams"


def _prepare(case: Case, contender: Contender) -> Run:
    refuse_many(contender, case.number("streams"))
    stream = wire(case.text("wire"))
    streams, events = case.number("streams"), case.number("events")
    target = Target.of(case, stream.dialect, streams)
    mode = cast(Mode, case.text("mode"))
    model = Scenario(stream.name, mode, events, streams).model
    make = factory(contender)

    async def session() -> float:
        async with make(target) as client:
            # Connections are made and code is warm before the clock starts.
            await read_streams(client, Scenario(stream.name, "gathered", 1, streams).model, streams)
            gc.collect()
            begin = time.process_time()
            texts = await read_streams(client, model, streams)
            spent = time.process_time() - begin
        for text in texts:
            check(text, stream.text(events))
        return spent

    def run() -> Metrics:
        spent = anyio.run(session, backend=backend(contender))
        return {"cpu": spent / (streams * stream.count(events)) * 1e6}

    return run


async def read_streams(client: Client, model: str, streams: int) -> list[str]:
    """Read this many streams at once to their ends, and return their texts."""
    parts: list[list[str]] = [[] for _ in range(streams)]
    async with anyio.create_task_group() as tasks:
        for each in parts:
            tasks.start_soon(client.stream, model, each)
    return ["".join(each) for each in parts]


ROW = Row("streams over the loopback interface, from a server process", _cases, _prepare, served="http")
