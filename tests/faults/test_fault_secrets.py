"""Every fault, with a marked key that must not appear in anything that a fault leaves behind."""

from __future__ import annotations

import logging
import pickle
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from rich.traceback import Stack, Traceback

from sansio import Body, End, Head, Message, ProviderError, Request, Role
from sansio.jsontext import JSONObject
from sansio.testing.faults import find_fault
from tests.faults.harness import ASYNC, BLOCKING, PATIENCE, Servers
from tests.faults.table import ROWS, Clocks, Row
from transports import Transport, create_provider, create_sync_provider
from transports.interface import Exchange, SyncTransport
from transports.testing.loopback import LoopbackThread

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fault table is that of Linux")

KEY = "sk-marked-0123456789abcdef"
QUESTION = [Message(Role.USER, "Hello")]
ROOT = Path(__file__).parents[2]
OURS = tuple(str(ROOT / room) for room in ("sansio", "transports"))


class Log:
    """A raw log that keeps all records."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def on_request(self, endpoint: str, payload: JSONObject) -> None:
        self.told.append((endpoint, payload))

    def on_response(self, status: int, body: JSONObject) -> None:
        self.told.append((status, body))

    def on_chunk(self, chunk: JSONObject) -> None:
        self.told.append(chunk)


class Taping:
    """A transport that records its exchanges: their inputs, and how they were lost."""

    def __init__(self, transport: Transport) -> None:
        self.tape: list[object] = []
        self.transport = transport

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Taped:
        return Taped(
            await self.transport.open(request, timeout, write_timeout=write_timeout, fresh=fresh), self.tape
        )

    async def aclose(self) -> None:
        await self.transport.aclose()


class Taped:
    def __init__(self, exchange: Exchange, tape: list[object]) -> None:
        self._exchange = exchange
        self._tape = tape

    async def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            given = await self._exchange.receive(timeout)
        except ProviderError as error:
            self._tape.append((error, vars(error)))
            raise
        self._tape.append(given)
        return given

    async def aclose(self) -> None:
        await self._exchange.aclose()

    def abort(self) -> None:
        self._exchange.abort()


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def stdlib_locals(error: BaseException) -> str:
    """The locals of our own frames, as `traceback` shows them."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(str(frame.locals) for frame in report.stack if frame.filename.startswith(OURS))


def rich_locals(error: BaseException) -> str:
    """The locals of our own frames, as rich shows them.

    The page around them, with the source in colours, would take twenty times as long.
    """
    trace = Traceback.extract(
        type(error),
        error,
        error.__traceback__,
        show_locals=True,
        locals_max_length=10_000,
        locals_max_string=10_000,
    )
    return " ".join(locals_of(trace.stacks[0]))


def locals_of(stack: Stack) -> Iterator[str]:
    """The locals of our own frames of an error, and of those that it groups."""
    for frame in stack.frames:
        if frame.filename.startswith(OURS):
            yield from map(str, (frame.locals or {}).values())
    for trace in stack.exceptions:
        for inner in trace.stacks:
            yield from locals_of(inner)


def shown(error: ProviderError) -> str:
    """Everything that can be seen of an error."""
    return "\n".join(
        f"{link} {link!r} {vars(link)} {stdlib_locals(link)} {rich_locals(link)}" for link in chain(error)
    ) + repr(pickle.dumps(error))


def clocks_of(row: Row) -> Clocks:
    return {"max_attempts": 1, **row.clocks[0]}


async def fail(server: LoopbackThread, transport: Transport, row: Row, log: Log) -> ProviderError | None:
    provider = create_provider(
        server.config("openai", **clocks_of(row)), log, transport=transport, api_key=KEY
    )
    try:
        with anyio.fail_after(PATIENCE):
            async for _ in provider.stream(QUESTION):
                pass
    except ProviderError as error:
        return error
    return None


def fail_blocking(
    server: LoopbackThread, transport: SyncTransport, row: Row, log: Log
) -> ProviderError | None:
    provider = create_sync_provider(
        server.config("openai", **clocks_of(row)), log, transport=transport, api_key=KEY
    )
    try:
        list(provider.stream(QUESTION))
    except ProviderError as error:
        return error
    return None


# The fault table has every fault under both loops. Here one is enough: the loops take turns.
TURNS = [
    pytest.param(row, transport, ("asyncio", "trio")[(number + place) % 2], id=f"{row.fault}-{transport}")
    for number, row in enumerate(ROWS)
    for place, transport in enumerate(ASYNC)
]


@pytest.mark.anyio
@pytest.mark.parametrize(("row", "transport", "anyio_backend"), TURNS)
async def test_no_fault_shows_the_key(
    servers: Servers, row: Row, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    log = Log()
    chosen = Taping(ASYNC[transport]())
    with servers.serving(row.fault, tls=row.secure) as server:
        error = await fail(server, chosen, row, log)
        await chosen.aclose()
    assert KEY not in repr(log.told)
    assert KEY not in repr(chosen.tape)
    assert KEY not in caplog.text
    assert KEY not in f"{chosen!r} {vars(chosen)!r} {vars(chosen.transport)!r}"
    if error is not None:
        assert KEY not in shown(error)


@pytest.mark.parametrize("transport", BLOCKING)
@pytest.mark.parametrize("row", ROWS, ids=[row.fault for row in ROWS])
def test_no_fault_shows_the_key_blocking(
    servers: Servers, row: Row, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    log = Log()
    chosen = BLOCKING[transport]()
    with servers.serving(row.fault, tls=row.secure) as server:
        error = fail_blocking(server, chosen, row, log)
        chosen.close()
    assert KEY not in repr(log.told)
    assert KEY not in caplog.text
    if error is not None:
        assert KEY not in shown(error)


def test_the_search_finds_a_key_that_is_there() -> None:
    assert KEY in shown(ProviderError(f"the key {KEY} is wrong"))


def test_the_search_finds_a_key_in_a_local_of_ours() -> None:
    with pytest.raises(ValueError, match="no such fault") as caught:
        find_fault(KEY)
    assert KEY in stdlib_locals(caught.value)
    assert KEY in rich_locals(caught.value)
