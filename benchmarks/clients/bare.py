"""Minimal clients: the reference, the floor below it, and the reference for HTTP/2."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import h11
import msgspec
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream

from benchmarks.clients import Target
from benchmarks.measure import peer
from benchmarks.yardstick import READ_SIZE, text_of, yardstick


@asynccontextmanager
async def anyio_client(target: Target) -> AsyncIterator[AnyioClient]:
    """The reference: anyio's sockets, h11, the yardstick."""
    client = AnyioClient(target)
    try:
        yield client
    finally:
        await client.aclose()


class AnyioClient:
    """Keeps its connections in a list, and uses the last one first."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._ssl_context = target.ssl_context()
        self._idle: list[tuple[ByteStream, h11.Connection]] = []

    async def stream(self, model: str, parts: list[str]) -> None:
        decoder = yardstick(self._target.dialect)
        async for data in self._exchange(model, stream=True):
            parts += [delta.text for delta in decoder.feed(data)]

    async def complete(self, model: str) -> str:
        body = [data async for data in self._exchange(model, stream=False)]
        return text_of(self._target.dialect, b"".join(body))

    async def aclose(self) -> None:
        for stream, _ in self._idle:
            await stream.aclose()

    async def _exchange(self, model: str, *, stream: bool) -> AsyncIterator[bytes]:
        target = self._target
        connection: ByteStream
        if self._idle:
            connection, http = self._idle.pop()
        else:
            connection = await anyio.connect_tcp("127.0.0.1", target.port)
            if self._ssl_context is not None:
                connection = await TLSStream.wrap(
                    connection,
                    hostname="127.0.0.1",
                    ssl_context=self._ssl_context,
                    standard_compatible=False,
                )
            http = h11.Connection(h11.CLIENT)
        body = msgspec.json.encode(target.body(model, stream=stream))
        headers = {"host": "127.0.0.1", "content-length": str(len(body)), **target.headers()}
        request = h11.Request(method="POST", target=target.path, headers=list(headers.items()))
        head, content, end = map(http.send, (request, h11.Data(data=body), h11.EndOfMessage()))
        await connection.send((head or b"") + (content or b"") + (end or b""))
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await connection.receive(READ_SIZE))
            elif isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
        if http.our_state is h11.MUST_CLOSE:
            await connection.aclose()
            return
        http.start_next_cycle()
        self._idle.append((connection, http))


@asynccontextmanager
async def protocol_client(target: Target) -> AsyncIterator[ProtocolClient]:
    """The floor: an asyncio protocol that cuts chunks by hand, with no HTTP library at all."""
    client = ProtocolClient(target)
    try:
        yield client
    finally:
        client.close()


class ProtocolClient:
    """Keeps its connections in a list, and uses the last one first."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._ssl_context = target.ssl_context()
        self._idle: list[_Protocol] = []

    async def stream(self, model: str, parts: list[str]) -> None:
        connection = await self._send(model, stream=True)
        decoder = yardstick(self._target.dialect)
        while (data := await connection.read()) is not None:
            parts += [delta.text for delta in decoder.feed(data)]
        self._idle.append(connection)

    async def complete(self, model: str) -> str:
        connection = await self._send(model, stream=False)
        body = bytearray()
        while (data := await connection.read()) is not None:
            body += data
        self._idle.append(connection)
        return text_of(self._target.dialect, body)

    def close(self) -> None:
        for connection in self._idle:
            connection.transport.abort()  # close() would wait for the server's end of TLS

    async def _send(self, model: str, *, stream: bool) -> _Protocol:
        target = self._target
        if self._idle:
            connection = self._idle.pop()
        else:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(
                _Protocol, "127.0.0.1", target.port, ssl=self._ssl_context
            )
        body = msgspec.json.encode(target.body(model, stream=stream))
        headers = {"host": "127.0.0.1", "content-length": str(len(body)), **target.headers()}
        lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        connection.begin()
        connection.transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return connection


class _Protocol(asyncio.Protocol):
    """Reads one response after the other; it knows only as much HTTP as the benchmark's server sends."""

    transport: asyncio.Transport

    def begin(self) -> None:
        self._unread = b""
        self._body = bytearray()
        self._left = -1  # of a body with a length; -1: before the head, -2: chunked
        self._ended = False
        self._woken: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if self._left == -1 and (end := self._unread.find(b"\r\n\r\n") + 4) >= 4:
            head, self._unread = self._unread[:end], self._unread[end:]
            length = head.find(b"content-length: ")
            self._left = -2 if length < 0 else int(head[length + 16 : head.index(b"\r", length)])
        if self._left == -2:
            self._cut_chunks()
        elif self._left >= 0:
            self._body += self._unread
            self._left -= len(self._unread)
            self._unread = b""
            self._ended = self._left == 0
        if self._woken is not None and not self._woken.done() and (self._body or self._ended):
            self._woken.set_result(None)

    def _cut_chunks(self) -> None:
        data = self._unread
        start = 0
        while (line := data.find(b"\r\n", start)) >= 0:
            size = int(data[start:line], 16)
            if len(data) < line + size + 4:
                break
            self._body += data[line + 2 : line + 2 + size]
            start = line + size + 4
            self._ended = size == 0
        self._unread = data[start:]

    async def read(self) -> bytes | None:
        """The bytes of the body received so far; `None` at its end."""
        if not self._body and not self._ended:
            self._woken = asyncio.get_running_loop().create_future()
            await self._woken
        if not self._body:
            return None
        data = bytes(self._body)
        self._body.clear()
        return data


@asynccontextmanager
async def http2_client(target: Target) -> AsyncIterator[HTTP2Client]:
    """The reference for HTTP/2: an asyncio protocol, h2, the yardstick."""
    context = target.ssl_context()
    assert context is not None
    context.set_alpn_protocols(["h2"])
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(_HTTP2Protocol, "127.0.0.1", target.port, ssl=context)
    try:
        yield HTTP2Client(target, protocol)
    finally:
        protocol.transport.abort()


class HTTP2Client:
    """Has one connection for all streams."""

    def __init__(self, target: Target, connection: _HTTP2Protocol) -> None:
        self._target = target
        self._connection = connection

    async def stream(self, model: str, parts: list[str]) -> None:
        target = self._target
        decoder = yardstick(target.dialect)
        body = msgspec.json.encode(target.body(model, stream=True))
        headers = {
            ":method": "POST",
            ":scheme": "https",
            ":authority": "127.0.0.1",
            ":path": target.path,
            **target.headers(),
        }
        queue = self._connection.ask(list(headers.items()), body)
        while (data := await queue.get()) is not None:
            parts += [delta.text for delta in decoder.feed(data)]

    async def complete(self, model: str) -> str:
        raise NotImplementedError


class _HTTP2Protocol(asyncio.Protocol):
    """Puts what h2 reads into a queue for each stream; it knows only what the benchmark's server sends."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        # Any: h2 need not be installed where this is type-checked.
        self._h2: Any = peer("h2.connection").H2Connection()
        self._events: Any = peer("h2.events")
        self._queues: dict[int, asyncio.Queue[bytes | None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # asyncio's TLS has another, with its methods
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(2**24)
        self.transport.write(self._h2.data_to_send())

    def ask(self, headers: list[tuple[str, str]], body: bytes) -> asyncio.Queue[bytes | None]:
        """Send a request; the pieces of its answer's body, and `None` at the end, are put into the queue."""
        number = self._h2.get_next_available_stream_id()
        queue = self._queues[number] = asyncio.Queue()
        self._h2.send_headers(number, headers)
        self._h2.send_data(number, body, end_stream=True)
        self._h2.increment_flow_control_window(2**24, number)
        self.transport.write(self._h2.data_to_send())
        return queue

    def data_received(self, data: bytes) -> None:
        pieces: dict[int, list[bytes]] = {}
        ended: list[int] = []
        for event in self._h2.receive_data(data):
            if isinstance(event, self._events.DataReceived):
                pieces.setdefault(event.stream_id, []).append(event.data)
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, self._events.StreamEnded):
                ended.append(event.stream_id)
        for number, each in pieces.items():
            self._queues[number].put_nowait(b"".join(each))
        for number in ended:
            self._queues.pop(number).put_nowait(None)
        self.transport.write(self._h2.data_to_send())
