"""Many rows, several at a time, over kept connections: the CPU time of a row, and the rows per second.

Each contender asks for the same answer for each row, and reads it. The server answers at once, so that
clients are measured and not a model. `map_calls` and the batch have a limiter, retries, and bounds for what
is taken; the loops with a semaphore have only what their clients have.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import anyio.to_thread
import msgspec

from benchmarks.clients import MAX_CONNECTIONS, PROMPT, Target
from benchmarks.clients.ours import anyio_client
from benchmarks.clients.sdks import openai_client
from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, WrongAnswerError, check, peer
from benchmarks.server import Scenario
from benchmarks.wires import whole_answer
from sansio import Provider
from transports import AnyioTransport, AsyncProvider, create_provider, map_calls
from transports.bulk.files.journal import Journal, read_lines
from transports.bulk.files.prompts import PromptReader
from transports.bulk.files.run import Batch

Ask: TypeAlias = Callable[[int], Awaitable[Iterable[str]]]
"""Asks this many rows, and gives their answers, which are read when the clocks have stopped."""

ROWS = {1: 1_000, 100: 2_000, 1_000: 4_000}
"""How many rows a run asks, by how many there are at once."""

NAME = "{} at once"

_WIRE = "OpenAI text"
_ROUNDS = 3
_CONTENDERS = (
    Contender("sansio, complete and a semaphore", options={"way": "loop"}),
    Contender("sansio, map_calls", options={"way": "map"}),
    Contender("sansio-llm batch", options={"way": "batch"}),
    Contender("openai SDK and a semaphore", "openai", {"way": "openai"}),
    Contender("litellm.batch_completion", "litellm", {"way": "litellm"}),
)


def _cases(scale: Scale) -> list[Case]:
    return [
        Case(
            row="bulk",
            name=NAME.format(at_once),
            units={"cpu": "µs of CPU per row", "rate": "rows per second"},
            contenders=_CONTENDERS,
            rounds=min(_ROUNDS, scale.rounds),
            options={
                "at_once": at_once,
                "rows": scale.units(rows),
                "warm": min(at_once, scale.units(at_once)),
            },
        )
        for at_once, rows in ROWS.items()
    ]


def _prepare(case: Case, contender: Contender) -> Run:
    target = Target.of(case, "openai", case.number("at_once"))
    ways: dict[str, Callable[[Target], AbstractAsyncContextManager[Ask]]] = {
        "loop": _loop,
        "map": _map,
        "batch": _batch,
        "openai": _openai,
        "litellm": _litellm,
    }
    way = ways[str(contender.options["way"])]
    rows, warm = case.number("rows"), case.number("warm")
    _, expected = whole_answer("openai")
    # Otherwise litellm fetches a list of prices when it is imported.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    if contender.peer:
        peer(contender.peer)

    async def session() -> Metrics:
        async with way(target) as ask:
            await ask(warm)  # makes the connections before the clocks start
            gc.collect()
            began, spent = time.perf_counter(), time.process_time()
            answers = await ask(rows)
            spent, took = time.process_time() - spent, time.perf_counter() - began
            given = list(answers)
        check(str(len(given)), str(rows))
        for answer in given:
            check(answer, expected)
        return {"cpu": spent / rows * 1e6, "rate": rows / took}

    return lambda: asyncio.run(session())


def _model() -> str:
    return Scenario(_WIRE, "calls", 1, 1).model


def _with_semaphore(complete: Callable[[str], Awaitable[str]], at_once: int) -> Ask:
    """The loop that one writes without a library for this."""
    model = _model()

    async def ask(rows: int) -> Iterable[str]:
        gate = asyncio.Semaphore(at_once)

        async def one() -> str:
            async with gate:
                return await complete(model)

        return await asyncio.gather(*[one() for _ in range(rows)])

    return ask


@asynccontextmanager
async def _loop(target: Target) -> AsyncIterator[Ask]:
    async with anyio_client(target) as client:
        yield _with_semaphore(client.complete, target.streams)


@asynccontextmanager
async def _openai(target: Target) -> AsyncIterator[Ask]:
    async with openai_client(target) as client:
        yield _with_semaphore(client.complete, target.streams)


@asynccontextmanager
async def _provider(target: Target) -> AsyncIterator[AsyncProvider]:
    transport = AnyioTransport(max_idle=MAX_CONNECTIONS)
    config = {"type": "openai", "base_url": f"{target.origin}/v1", "model": _model()}
    try:
        yield create_provider(config, transport=transport, api_key="any-key")
    finally:
        await transport.aclose()


@asynccontextmanager
async def _map(target: Target) -> AsyncIterator[Ask]:
    async with _provider(target) as provider:

        async def ask(rows: int) -> Iterable[str]:
            prompts = (PROMPT for _ in range(rows))
            async with map_calls(provider, prompts, concurrency=target.streams) as results:
                return [result.get().text async for result in results]

        yield ask


@asynccontextmanager
async def _batch(target: Target) -> AsyncIterator[Ask]:
    async with _provider(target) as provider:
        with TemporaryDirectory() as folder:
            number = count()

            async def ask(rows: int) -> Iterable[str]:
                output = Path(folder, f"{next(number)}.jsonl")
                await write_batch(provider, output, rows, target.streams)
                return _texts(output)

            yield ask


async def write_batch(
    provider: AsyncProvider,
    output: Path,
    rows: int,
    at_once: int,
    each: Callable[[int], None] = lambda number: None,
) -> None:
    """What `sansio-llm batch` does with an input of so many rows.

    Args:
        each: called after each row with the number of finished rows.
    """
    listed = ((number, {"prompt": PROMPT}) for number in range(1, rows + 1))
    with Journal(output, {}, resume=False) as journal:
        work = Batch(PromptReader(Provider(provider.config)), journal, _failed)
        await work.run(provider, listed, lambda now: each(now.rows), options={}, concurrency=at_once)


def _texts(output: Path) -> Iterator[str]:
    for line in read_lines(output):
        yield msgspec.json.decode(line)["text"]


def _failed(row: object) -> None:
    raise WrongAnswerError(f"a row failed: {row}")


@asynccontextmanager
async def _litellm(target: Target) -> AsyncIterator[Ask]:
    """litellm's own batch function, with a thread for each running row."""
    litellm = peer("litellm")
    about = {"api_base": f"{target.origin}/v1", "api_key": "any-key", "max_workers": target.streams}

    def ask_in_threads(rows: int) -> list[str]:
        asked = [[{"role": "user", "content": PROMPT}] for _ in range(rows)]
        given = litellm.batch_completion(model=f"openai/{_model()}", messages=asked, **about)
        return [_text_of(each) for each in given]

    async def ask(rows: int) -> Iterable[str]:
        return await anyio.to_thread.run_sync(ask_in_threads, rows)

    yield ask


def _text_of(given: Any) -> str:  # Any: litellm need not be installed
    if isinstance(given, Exception):
        raise given
    text: str = given.choices[0].message.content
    return text


ROW = Row("many rows at once on kept connections", _cases, _prepare, served="http")
