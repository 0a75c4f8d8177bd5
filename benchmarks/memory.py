"""Memory while many streams are open, with a fresh process for each client that holds little else."""

from __future__ import annotations

import anyio

from benchmarks.clients import MANY, Target, backend, contenders, factory, refuse_many
from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, WrongAnswerError
from benchmarks.resident import forget_peak, peak_resident, resident
from benchmarks.yardstick import Dialect

STREAMS = (50, 1_000)
_EVENTS = 10
_ROUNDS = 3
_WIRES: dict[Dialect, str] = {"openai": "OpenAI text", "anthropic": "Anthropic text"}


def _cases(scale: Scale) -> list[Case]:
    rounds = min(_ROUNDS, scale.rounds)
    return [
        case(dialect, streams, rounds)
        for dialect in _WIRES
        for streams in STREAMS
        if streams < MANY or dialect == "openai"
    ]


def case(dialect: Dialect, streams: int, rounds: int) -> Case:
    """The case of this many streams at once."""
    # Imported here: the measured processes do not get here, and need not hold these modules.
    from benchmarks.server import Scenario
    from benchmarks.wires import wire

    name = _WIRES[dialect]
    return Case(
        row="memory",
        name=f"{name}, {streams} streams open",
        units={"peak": "MB resident at most", "each": "KB for each stream"},
        contenders=contenders(dialect),
        rounds=rounds,
        options={
            "dialect": dialect,
            "streams": streams,
            "first": Scenario(name, "gathered", 1, 1).model,
            "model": Scenario(name, "paced", _EVENTS, streams).model,
            "text": wire(name).text(_EVENTS),
        },
        fresh=True,
    )


def _prepare(case: Case, contender: Contender) -> Run:
    dialect: Dialect = "openai" if case.text("dialect") == "openai" else "anthropic"
    streams = case.number("streams")
    refuse_many(contender, streams)
    target = Target(case.number("port"), dialect, streams)
    make = factory(contender)

    async def session() -> int:
        parts: list[list[str]] = [[] for _ in range(streams)]
        async with make(target) as client:
            await client.stream(case.text("first"), [])
            before = resident()
            forget_peak()
            async with anyio.create_task_group() as tasks:
                for each in parts:
                    tasks.start_soon(client.stream, case.text("model"), each)
        if any("".join(each) != case.text("text") for each in parts):
            raise WrongAnswerError("a stream differs from what was sent")
        return before

    def run() -> Metrics:
        before = anyio.run(session, backend=backend(contender))
        peak = peak_resident()
        return {"peak": peak / 1e6, "each": max(0, peak - before) / streams / 1e3}

    return run


ROW = Row("memory while many streams are open", _cases, _prepare, served="http")
