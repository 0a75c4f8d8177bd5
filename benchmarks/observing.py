"""What an observer costs on a stream: `stream` read to its end, each event in a read, bytes in memory."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from functools import partial

import anyio

from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, check
from benchmarks.path import MESSAGES, Server
from benchmarks.wires import FEEDS, WIRES, wire
from benchmarks.yardstick import Dialect
from sansio import StreamEvent
from transports import MemoryTransport, Observation, Observer, create_provider

EVENTS = 10_000

_CONTENDERS = (
    Contender("no observer"),
    Contender("an observer that counts", options={"observer": "counting"}),
    Contender("OpenTelemetry, its SDK", "opentelemetry", options={"observer": "otel"}),
    Contender("OpenTelemetry, its SDK, each chunk", "opentelemetry", options={"observer": "chunks"}),
)


def _cases(scale: Scale) -> list[Case]:
    return [
        Case(
            row="observing",
            name=name,
            units={"cpu": "µs of CPU per event"},
            contenders=_CONTENDERS,
            rounds=scale.rounds,
            options={"wire": name, "events": scale.units(EVENTS, least=20)},
        )
        for name in WIRES[::2]
    ]


def _prepare(case: Case, contender: Contender) -> Run:
    stream = wire(case.text("wire"))
    events = case.number("events")
    server = Server(stream.feeds(events, FEEDS[0]))
    observer = _observer(str(contender.options.get("observer", "none")))
    work = partial(anyio.run, _stream, stream.dialect, server, observer)
    expected = stream.text(events)
    check(work(), expected)

    def run() -> Metrics:
        gc.collect()
        begin = time.process_time()
        text = work()
        spent = time.process_time() - begin
        check(text, expected)
        return {"cpu": spent / stream.count(events) * 1e6}

    return run


class _Counting(Observer, Observation):
    """Counts events, the least that one can do with them."""

    def __init__(self) -> None:
        self.count = 0

    def begin(self, asked: object) -> Observation:
        return self

    def on_events(self, events: Sequence[StreamEvent]) -> None:
        self.count += len(events)


def _observer(kind: str) -> Observer | None:
    if kind == "none":
        return None
    if kind == "counting":
        return _Counting()
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider

    from transports.observing.otel import OpenTelemetryObserver

    return OpenTelemetryObserver(
        chunk_times=kind == "chunks",
        tracer_provider=TracerProvider(shutdown_on_exit=False),
        meter_provider=MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False),
    )


async def _stream(dialect: Dialect, server: Server, observer: Observer | None) -> str:
    transport = MemoryTransport(server)
    provider = create_provider(
        {"type": dialect, "model": "m"}, transport=transport, api_key="any-key", observer=observer
    )
    async with provider.stream(MESSAGES) as stream:
        async for _ in stream:
            pass
    return stream.result().text


ROW = Row("a stream with an observer", _cases, _prepare)
