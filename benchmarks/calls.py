"""Whole calls on kept connections, one at a time and many at once, and with many connections idle."""

from __future__ import annotations

import gc
import time

import anyio
from msgspec.structs import replace

from benchmarks.clients import Client, Target, backend, contenders, factory
from benchmarks.end_to_end import read_streams
from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, check
from benchmarks.server import Scenario
from benchmarks.wires import whole_answer
from benchmarks.yardstick import Dialect

CALLS = 1_000
"""How many calls a run makes, one after another or in tasks of 20 each."""

AT_ONCE = 50
IDLE = 100
_WIRES: dict[Dialect, str] = {"openai": "OpenAI text", "anthropic": "Anthropic text"}


def _cases(scale: Scale) -> list[Case]:
    return [
        Case(
            row="calls",
            name=f"{dialect}, {at_once} at once",
            units={"cpu": "µs of CPU per call"},
            contenders=_contenders(dialect, at_once),
            rounds=scale.rounds,
            options={
                "wire": wire,
                "dialect": dialect,
                "at_once": at_once,
                "each": max(1, scale.units(CALLS) // at_once),
            },
        )
        for dialect, wire in _WIRES.items()
        for at_once in (1, AT_ONCE)
    ]


def _contenders(dialect: Dialect, at_once: int) -> tuple[Contender, ...]:
    """All clients. For one call at a time, each is also measured with idle connections in its pool."""
    every = contenders(dialect)
    if at_once > 1:
        return every
    return every + tuple(
        replace(each, name=f"{each.name}, {IDLE} idle", options={**each.options, "idle": IDLE})
        for each in every
    )


def _prepare(case: Case, contender: Contender) -> Run:
    at_once, each = case.number("at_once"), case.number("each")
    dialect: Dialect = "openai" if case.text("dialect") == "openai" else "anthropic"
    wire = case.text("wire")
    idle = int(contender.options.get("idle", 0))
    target = Target.of(case, dialect, max(at_once, idle))
    model = Scenario(wire, "calls", 0, at_once).model
    _, expected = whole_answer(dialect)
    make = factory(contender)

    async def session() -> float:
        async with make(target) as client:
            # Make all connections before the clock starts: streams that wait for each other need one each.
            connections = max(at_once, idle)
            await read_streams(client, Scenario(wire, "gathered", 1, connections).model, connections)
            await _call(client, model, expected, each=3)
            gc.collect()
            begin = time.process_time()
            async with anyio.create_task_group() as tasks:
                for _ in range(at_once):
                    tasks.start_soon(_call, client, model, expected, each)
            return time.process_time() - begin

    def run() -> Metrics:
        spent = anyio.run(session, backend=backend(contender))
        return {"cpu": spent / (at_once * each) * 1e6}

    return run


async def _call(client: Client, model: str, expected: str, each: int) -> None:
    for _ in range(each):
        check(await client.complete(model), expected)


ROW = Row("whole calls on kept connections", _cases, _prepare, served="http")
