"""The server that clients are measured against: a separate process that writes prepared bytes.

A request's `model` selects the answer: `<wire>.<mode>.<events>.<streams>`. The rest is ignored.
It listens on the loopback interface, with TLS if it gets the path of a certificate, and serves until its
standard input ends.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias, cast

from msgspec import Struct

from benchmarks.measure import peer
from benchmarks.wires import Wire, whole_answer, wire

Mode: TypeAlias = Literal["bursts", "coalesced", "paced", "gathered", "calls", "closing"]
"""How the answer is sent.

`bursts`: each event is a chunk, all written at once, so that a read holds many. `coalesced`: the same, in
chunks of 16 KiB, cut anywhere, as proxies do. `paced`: one event at a time, a millisecond apart, so that each
event is a wake-up; it begins when the scenario's number of streams are waiting, which then take turns.
`gathered`: as `bursts`, but it also waits for that number of streams, each on its own connection. `calls`: a
whole answer, not a stream. `closing`: the same, and the server closes the connection after it.
"""

TICK = 0.001
"""Seconds between two paced events, on all streams together."""

_COALESCED = 16_384
_MODEL = re.compile(rb'"model":\s*"([^"]+)"')
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\nserver: benchmark\r\n"
_STREAM_HEAD = _HEAD + b"content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class Scenario(Struct, frozen=True):
    """The answer that one request asks for.

    Args:
        wire: one of `wires.WIRES`.
        mode: see `Mode`.
        events: how many deltas each stream has.
        streams: how many streams are read at once; it matters if they are paced.
    """

    wire: str
    mode: Mode
    events: int
    streams: int

    @property
    def model(self) -> str:
        """The name under which a client asks for it."""
        return f"{self.wire.replace(' ', '-')}.{self.mode}.{self.events}.{self.streams}"

    @classmethod
    def from_model(cls, model: str) -> Scenario:
        """The scenario of that name."""
        name, mode, events, streams = model.split(".")
        return cls(name.replace("-", " "), cast(Mode, mode), int(events), int(streams))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@lru_cache(maxsize=8)
def _chunks(model: str) -> tuple[bytes, ...]:
    """A stream's response, its head first, each chunk ready to be written."""
    scenario = Scenario.from_model(model)
    stream: Wire = wire(scenario.wire)
    pieces = list(stream.pieces(scenario.events))
    if scenario.mode == "coalesced":
        data = b"".join(pieces)
        pieces = [data[at : at + _COALESCED] for at in range(0, len(data), _COALESCED)]
    *chunks, last = map(_chunk, pieces)
    return (_STREAM_HEAD, *chunks, last + _LAST_CHUNK)


@lru_cache(maxsize=8)
def _response(model: str) -> bytes:
    """A response that is written at once."""
    scenario = Scenario.from_model(model)
    if scenario.mode not in ("calls", "closing"):
        return b"".join(_chunks(model))
    body, _ = whole_answer(wire(scenario.wire).dialect)
    head = _HEAD + (b"connection: close\r\n" if scenario.mode == "closing" else b"")
    return head + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


class _Pacer:
    """Lets streams wait for each other, and writes to them in turn, one event at each tick of the clock."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.WriteTransport]] = {}
        self._turns: deque[tuple[asyncio.WriteTransport, Iterator[bytes]]] = deque()
        self._next = 0.0

    def add(self, model: str, transport: asyncio.WriteTransport) -> None:
        """Let a stream wait for the others, or start all that are waiting."""
        waiting = self._waiting.setdefault(model, [])
        waiting[:] = [other for other in waiting if not other.is_closing()]
        waiting.append(transport)
        if len(waiting) < Scenario.from_model(model).streams:
            return
        del self._waiting[model]
        if Scenario.from_model(model).mode == "gathered":
            for each in waiting:
                each.write(_response(model))
            return
        idle = not self._turns
        for each in waiting:
            chunks = iter(_chunks(model))
            each.write(next(chunks))
            self._turns.append((each, chunks))
        if idle:
            loop = asyncio.get_running_loop()
            self._next = loop.time()
            loop.call_soon(self._tick)

    def _tick(self) -> None:
        transport, chunks = self._turns.popleft()
        chunk = next(chunks, None)
        if chunk is not None and not transport.is_closing():
            transport.write(chunk)
            self._turns.append((transport, chunks))
        if self._turns:
            loop = asyncio.get_running_loop()
            # Never two at once: late events are not caught up.
            self._next = max(self._next + TICK, loop.time())
            loop.call_at(self._next, self._tick)


class _Connection(asyncio.Protocol):
    def __init__(self, pacer: _Pacer) -> None:
        self._pacer = pacer
        self._unread = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n") + 4) >= 4:
            length = _LENGTH.search(self._unread, 0, end)
            size = end + (int(length[1]) if length else 0)
            if len(self._unread) < size:
                return
            request, self._unread = self._unread[:size], self._unread[size:]
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        assert self._transport is not None
        wanted = _MODEL.search(request)
        if wanted is None:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            return
        model = wanted[1].decode()
        mode = Scenario.from_model(model).mode
        if mode in ("paced", "gathered"):
            self._pacer.add(model, self._transport)
            return
        self._transport.write(_response(model))
        if mode == "closing":
            self._transport.close()


async def _serve(certificate: str | None = None) -> None:
    loop = asyncio.get_running_loop()
    pacer = _Pacer()
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await loop.create_server(lambda: _Connection(pacer), "127.0.0.1", 0, backlog=2_048, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextmanager
def running(scheme: Literal["http", "https"] = "http") -> Iterator[dict[str, str | int]]:
    """Run the server in a separate process during the block.

    Yields:
        What a case must know of it: its `port`, and for https the path of its authority, `ca_file`.

    Raises:
        SkippedError: trustme, which makes the certificate, is not installed.
    """
    if scheme == "http":
        with _running() as port:
            yield {"port": port}
        return
    with served_certificate() as (ca_file, certificate), _running(certificate) as port:
        yield {"port": port, "ca_file": ca_file}


@contextmanager
def served_certificate() -> Iterator[tuple[str, str]]:
    """Files with an authority, and with a server's key and certificate chain, during the block.

    Raises:
        SkippedError: trustme, which makes them, is not installed.
    """
    root = peer("trustme").CA()
    authority = root.create_child_ca()  # public servers have such an authority between, too
    with TemporaryDirectory() as directory:
        ca_file, certificate = f"{directory}/ca.pem", f"{directory}/server.pem"
        root.cert_pem.write_to_path(ca_file)
        chain = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem
        chain.write_to_path(certificate)
        yield ca_file, certificate


@contextmanager
def _running(*arguments: str) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
