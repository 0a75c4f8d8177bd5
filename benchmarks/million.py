"""A million rows in one process with a provider in it: whether time and memory grow, and how a batch resumes.

Nothing waits for a network here, so that all memory held is the library's. The process's memory is measured
after a tenth of the rows and at the end.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bulk import write_batch
from benchmarks.clients import PROMPT
from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, WrongAnswerError
from benchmarks.resident import forget_peak, peak_resident, resident
from benchmarks.wires import whole_answer
from sansio import Request
from sansio.testing import FakeResponse
from transports import AsyncProvider, MemoryTransport, create_provider, map_calls
from transports.bulk.files.journal import Journal, read_lines

ROWS = (10_000, 100_000, 1_000_000)
AT_ONCE = 64
_MB = 1e6

ASKED = "{} rows, 64 at once"
RESUMED = "a resume of {} answers"


def _cases(scale: Scale) -> list[Case]:
    asking = {
        "cpu": "µs of CPU per row",
        "slope": "time of the last tenth of the rows to that of the first",
        "resident": "MB held at the end",
        "grown": "MB that they have grown by since the first tenth",
    }
    resuming = {
        "seconds": "s until the first row could be asked",
        "cpu": "µs of CPU per answer",
        "held": "MB held at most",
    }
    return [
        Case(
            row="million",
            name=name.format(rows),
            units=units,
            contenders=contenders,
            # So many rows take minutes, and are many rounds by themselves.
            rounds=1 if rows > ROWS[0] and units is asking else min(3, scale.rounds),
            options={"rows": scale.units(rows, least=10)},
            fresh=True,
        )
        for name, units, contenders in (
            (ASKED, asking, (Contender("sansio, map_calls"), Contender("sansio-llm batch"))),
            (RESUMED, resuming, (Contender("each line by json, and its id"), Contender("sansio-llm batch"))),
        )
        for rows in ROWS
    ]


def _prepare(case: Case, contender: Contender) -> Run:
    rows = case.number("rows")
    if "slope" not in case.units:
        return lambda: _resume(rows, _read_ids if contender.name.startswith("each") else _open_journal)
    asks = _map if contender.name.endswith("map_calls") else _batch
    return lambda: asyncio.run(_ask(rows, asks))


class _Server:
    """Answers every request with the same bytes."""

    def __init__(self) -> None:
        body, _ = whole_answer("openai")
        headers = (("content-type", "application/json"),)
        self._response = FakeResponse(headers=headers, pieces=(body,))

    def respond(self, request: Request) -> FakeResponse:
        return self._response


def _provider(transport: MemoryTransport) -> AsyncProvider:
    return create_provider({"type": "openai", "model": "m"}, transport=transport, api_key="any-key")


class _Watch:
    """Looks at the clock and the memory at each tenth of the rows."""

    def __init__(self, rows: int, transport: MemoryTransport) -> None:
        self._every = rows // 10
        self._transport = transport
        self.times = [time.process_time()]
        self.held: list[int] = []

    def __call__(self, number: int) -> None:
        if not number % AT_ONCE:
            self._transport.requests.clear()  # which it keeps for tests
        if number % self._every:
            return
        self.times.append(time.process_time())
        gc.collect()
        self.held.append(resident())


async def _ask(
    rows: int, asks: Callable[[AsyncProvider, int, Callable[[int], None]], Awaitable[None]]
) -> Metrics:
    transport = MemoryTransport(_Server())
    watch = _Watch(rows, transport)
    await asks(_provider(transport), rows, watch)
    if len(watch.held) < 10:
        raise WrongAnswerError(f"{len(watch.held)} tenths of {rows} rows were answered")
    first, last = watch.times[1] - watch.times[0], watch.times[10] - watch.times[9]
    return {
        "cpu": (watch.times[10] - watch.times[0]) / rows * 1e6,
        "slope": last / first,
        "resident": watch.held[9] / _MB,
        "grown": max(0, watch.held[9] - watch.held[0]) / _MB,
    }


async def _map(provider: AsyncProvider, rows: int, watch: Callable[[int], None]) -> None:
    prompts = (PROMPT for _ in range(rows))
    number = 0
    async with map_calls(provider, prompts, concurrency=AT_ONCE) as results:
        async for result in results:
            number += len(result.get().text) > 0
            watch(number)


async def _batch(provider: AsyncProvider, rows: int, watch: Callable[[int], None]) -> None:
    with TemporaryDirectory() as folder:
        await write_batch(provider, Path(folder, "answers.jsonl"), rows, AT_ONCE, watch)


def _resume(rows: int, read: Callable[[Path], int]) -> Metrics:
    with TemporaryDirectory() as folder:
        output = Path(folder, "answers.jsonl")
        _write_answers(output, rows)
        gc.collect()
        forget_peak()
        held, began, spent = resident(), time.perf_counter(), time.process_time()
        found = read(output)
        took, spent = time.perf_counter() - began, time.process_time() - spent
        if found != rows:
            raise WrongAnswerError(f"{found} answers in place of {rows}")
        return {"seconds": took, "cpu": spent / rows * 1e6, "held": max(0, peak_resident() - held) / _MB}


def _write_answers(output: Path, rows: int) -> None:
    """Write an output with so many answers: one that was asked, and the same under other names."""
    asyncio.run(write_batch(_provider(MemoryTransport(_Server())), output, 1, 1))
    line = output.read_bytes()
    with output.open("wb") as file:
        for number in range(1, rows + 1):
            file.write(line.replace(b'"custom_id":"1"', b'"custom_id":"%d"' % number, 1))


def _read_ids(output: Path) -> int:
    """The least work that finds out which answers an output has."""
    return len({json.loads(line)["custom_id"] for line in read_lines(output)})


def _open_journal(output: Path) -> int:
    with Journal(output, {}, resume=True) as journal:
        return len(journal.done)


ROW = Row("a million rows in one process", _cases, _prepare)
