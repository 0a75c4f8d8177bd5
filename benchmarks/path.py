"""The whole path without a socket: a provider's `stream` read to its end, its bytes already in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import anyio
from anyio.lowlevel import checkpoint

from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, check, cpu_per_unit
from benchmarks.wires import FEEDS, WIRES, wire
from benchmarks.yardstick import Dialect, yardstick
from sansio import Body, End, Head, HTTPExchange, Message, Request, Role
from sansio.testing import FakeResponse
from transports import MemoryTransport, SyncMemoryTransport, Transport, create_provider, create_sync_provider
from transports.sockets.feed import Feed

EVENTS = 2_000

_CONTENDERS = (
    Contender("yardstick"),
    Contender("sansio over MemoryTransport", options={"transport": "memory"}),
    Contender("sansio over MemoryTransport, trio", options={"transport": "memory", "backend": "trio"}),
    Contender("sansio over SyncMemoryTransport", options={"transport": "blocking"}),
    Contender("sansio over HTTP in memory", options={"transport": "http"}),
)
MESSAGES = [Message(Role.USER, "Go on.")]


def _cases(scale: Scale) -> list[Case]:
    return [
        Case(
            row="path",
            name=f"{name}, {feed} per read",
            units={"cpu": "µs of CPU per event"},
            contenders=_CONTENDERS,
            rounds=scale.rounds,
            options={"wire": name, "feed": feed, "events": scale.units(EVENTS, least=20)},
        )
        for feed in FEEDS[:2]
        for name in WIRES
    ]


def _prepare(case: Case, contender: Contender) -> Run:
    stream = wire(case.text("wire"))
    events = case.number("events")
    feeds = stream.feeds(events, case.text("feed"))
    backend = str(contender.options.get("backend", "asyncio"))
    work: Callable[[], str]
    match contender.options.get("transport"):
        case "memory":
            work = partial(anyio.run, _stream, stream.dialect, Server(feeds), False, backend=backend)
        case "http":
            work = partial(anyio.run, _stream, stream.dialect, Server(feeds), True, backend=backend)
        case "blocking":
            work = partial(_stream_blocking, stream.dialect, Server(feeds))
        case _:
            work = partial(_feed_yardstick, stream.dialect, feeds)
    expected = stream.text(events)
    check(work(), expected)

    def run() -> Metrics:
        spent, text = cpu_per_unit(work, stream.count(events))
        check(text, expected)
        return {"cpu": spent}

    return run


class Server:
    """Answers every request with the same stream."""

    def __init__(self, feeds: Sequence[bytes]) -> None:
        self.pieces = tuple(feeds)

    def respond(self, request: Request) -> FakeResponse:
        return FakeResponse(headers=(("content-type", "text/event-stream"),), pieces=self.pieces)


class _HTTPTransport:
    """`AnyioTransport` without the sockets: each piece is a chunk and arrives in a separate read."""

    def __init__(self, server: Server) -> None:
        self._reads = [
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
            *(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in server.pieces),
            b"0\r\n\r\n",
        ]

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> _HTTPExchange:
        http = HTTPExchange(request)
        http.data_to_send()
        return _HTTPExchange(Feed(http, reused=False), self._reads)

    async def aclose(self) -> None:
        pass


class _HTTPExchange:
    def __init__(self, feed: Feed, reads: Sequence[bytes]) -> None:
        self._feed = feed
        self._reads = iter(reads)

    async def receive(self, timeout: float | None) -> Head | Body | End:
        feed = self._feed
        while not (feed.inputs or feed.ended):
            with anyio.move_on_after(timeout):
                await checkpoint()
            feed.read(next(self._reads))
        return feed.take()

    async def aclose(self) -> None:
        pass

    def abort(self) -> None:
        pass


async def _stream(dialect: Dialect, server: Server, http: bool) -> str:
    transport: Transport = _HTTPTransport(server) if http else MemoryTransport(server)
    provider = create_provider({"type": dialect, "model": "m"}, transport=transport, api_key="any-key")
    async with provider.stream(MESSAGES) as stream:
        async for _ in stream:
            pass
    return _said(stream.result())


def _stream_blocking(dialect: Dialect, server: Server) -> str:
    transport = SyncMemoryTransport(server)
    provider = create_sync_provider({"type": dialect, "model": "m"}, transport=transport, api_key="any-key")
    with provider.stream(MESSAGES) as stream:
        for _ in stream:
            pass
    return _said(stream.result())


def _said(message: Message) -> str:
    return message.tool_calls[0].arguments_text() if message.tool_calls else message.text


def _feed_yardstick(dialect: Dialect, feeds: Sequence[bytes]) -> str:
    feed = yardstick(dialect).feed
    return "".join([delta.text for data in feeds for delta in feed(data)])


ROW = Row("the whole path without a socket, `async for` included", _cases, _prepare)
