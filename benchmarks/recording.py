"""What a tape costs: a stream from a server in another process, read with and without a recorder."""

from __future__ import annotations

import gc
import tempfile
import time
from pathlib import Path
from typing import cast

import anyio

from benchmarks.clients import Target
from benchmarks.clients.ours import AsyncClient
from benchmarks.end_to_end import read_streams
from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, check
from benchmarks.server import Mode, Scenario
from benchmarks.wires import wire
from transports import AnyioTransport, RecordingTransport, Transport

EVENTS: dict[Mode, int] = {"paced": 1_000, "bursts": 10_000}

_CONTENDERS = (
    Contender("no recorder"),
    Contender("a recorder", options={"transport": "recording"}),
)


def _cases(scale: Scale) -> list[Case]:
    return [
        Case(
            row="recording",
            name=f"OpenAI text, {mode}",
            units={"cpu": "µs of CPU per event"},
            contenders=_CONTENDERS,
            rounds=scale.rounds,
            options={"wire": "OpenAI text", "mode": mode, "events": scale.units(events, least=2)},
        )
        for mode, events in EVENTS.items()
    ]


def _prepare(case: Case, contender: Contender) -> Run:
    stream = wire(case.text("wire"))
    events = case.number("events")
    target = Target.of(case, stream.dialect, 1)
    model = Scenario(stream.name, cast(Mode, case.text("mode")), events, 1).model
    warm = Scenario(stream.name, "gathered", 1, 1).model

    async def session(path: Path) -> float:
        transport: Transport = AnyioTransport()
        if contender.options.get("transport") == "recording":
            transport = RecordingTransport(transport, path)
        client = AsyncClient(target, transport)
        await read_streams(client, warm, 1)
        gc.collect()
        begin = time.process_time()
        (text,) = await read_streams(client, model, 1)
        spent = time.process_time() - begin
        await transport.aclose()
        check(text, stream.text(events))
        return spent

    def run() -> Metrics:
        with tempfile.TemporaryDirectory() as directory:
            spent = anyio.run(session, Path(directory, "tape.jsonl"))
        return {"cpu": spent / stream.count(events) * 1e6}

    return run


ROW = Row("a stream with a recorder, from a server process", _cases, _prepare, served="http")
