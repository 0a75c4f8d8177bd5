"""The server that clients are measured against: a separate process that writes prepared bytes.

A request's `model` selects the answer: `<wire>.<mode>.<events>.<streams>`. The rest is ignored.
It listens on the loopback interface, until its standard input ends. Its arguments are the seconds between two
paced events, then, for TLS, the path of a certificate, then, for HTTP/2, `h2`.
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
from functools import lru_cache, partial
from tempfile import TemporaryDirectory
from typing import Literal, Protocol, TypeAlias, cast

from msgspec import Struct

from benchmarks.measure import Served, peer, pin
from benchmarks.wires import Wire, whole_answer, wire

Mode: TypeAlias = Literal["bursts", "coalesced", "paced", "gathered", "calls", "closing"]
"""How the answer is sent.

`bursts`: each event is a chunk, all written at once, so that a read holds many. `coalesced`: the same, in
chunks of 16 KiB, cut anywhere, as proxies do. `paced`: one event at a time, a millisecond apart, so that each
event is a wake-up; it begins when the scenario's number of streams are waiting, which then take turns.
`gathered`: as `bursts`, but it also waits for that number of streams, each on its own connection. `calls`: a
whole answer, not a stream. `closing`: the same, and the server closes the connection after it.

Over HTTP/2 a chunk is a DATA frame, and there are no `calls` and `closing`.
"""

TICK = 0.001
"""Seconds between two paced events, on all streams together, unless `running` is given others."""

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


@lru_cache(maxsize=8)
def _pieces(model: str) -> tuple[bytes, ...]:
    """The body of a stream."""
    scenario = Scenario.from_model(model)
    stream: Wire = wire(scenario.wire)
    pieces = stream.pieces(scenario.events)
    if scenario.mode != "coalesced":
        return tuple(pieces)
    data = b"".join(pieces)
    return tuple(data[at : at + _COALESCED] for at in range(0, len(data), _COALESCED))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@lru_cache(maxsize=8)
def _chunks(model: str) -> tuple[bytes, ...]:
    """A stream's response, its head first, each chunk ready to be written."""
    *chunks, last = map(_chunk, _pieces(model))
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


class _Answer(Protocol):
    """One answer, to whichever protocol it is written."""

    def is_closing(self) -> bool:
        """Whether nobody waits for it any more."""
        ...

    def write(self) -> None:
        """Write it at once."""
        ...

    def steps(self) -> Iterator[None]:
        """Write its head, then one event at each further step."""
        ...


class _Pacer:
    """Lets streams wait for each other, and writes to them in turn, one event at each tick of the clock."""

    def __init__(self, tick: float) -> None:
        self._pause = tick
        self._waiting: dict[str, list[_Answer]] = {}
        self._turns: deque[tuple[_Answer, Iterator[None]]] = deque()
        self._next = 0.0

    def add(self, model: str, answer: _Answer) -> None:
        """Let a stream wait for the others, or start all that are waiting."""
        waiting = self._waiting.setdefault(model, [])
        waiting[:] = [other for other in waiting if not other.is_closing()]
        waiting.append(answer)
        if len(waiting) < Scenario.from_model(model).streams:
            return
        del self._waiting[model]
        if Scenario.from_model(model).mode == "gathered":
            for each in waiting:
                each.write()
            return
        idle = not self._turns
        for each in waiting:
            steps = each.steps()
            next(steps)
            self._turns.append((each, steps))
        if idle:
            loop = asyncio.get_running_loop()
            self._next = loop.time()
            loop.call_soon(self._tick)

    def _tick(self) -> None:
        answer, steps = self._turns.popleft()
        if not answer.is_closing():
            for _ in steps:
                self._turns.append((answer, steps))
                break
        if self._turns:
            loop = asyncio.get_running_loop()
            # Never two at once: late events are not caught up.
            self._next = max(self._next + self._pause, loop.time())
            loop.call_at(self._next, self._tick)


class _ChunkedAnswer(Struct, frozen=True):
    """See `_Answer`."""

    model: str
    transport: asyncio.WriteTransport

    def is_closing(self) -> bool:
        return self.transport.is_closing()

    def write(self) -> None:
        self.transport.write(_response(self.model))

    def steps(self) -> Iterator[None]:
        for chunk in _chunks(self.model):
            self.transport.write(chunk)
            yield


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
            self._pacer.add(model, _ChunkedAnswer(model, self._transport))
            return
        self._transport.write(_response(model))
        if mode == "closing":
            self._transport.close()


class _HTTP2Connection(asyncio.Protocol):
    def __init__(self, pacer: _Pacer) -> None:
        self._pacer = pacer
        self._h2 = peer("h2.connection").H2Connection(peer("h2.config").H2Configuration(client_side=False))
        self._events = peer("h2.events")
        self._requests: dict[int, bytes] = {}
        self._unsent: dict[int, deque[bytes]] = {}  # frames that wait for their window; b"" ends a stream
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's TLS has a transport of another kind, with the same methods.
        self._transport = cast("asyncio.Transport", transport)
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        events = self._events
        for event in self._h2.receive_data(data):
            if isinstance(event, events.RequestReceived):
                self._requests[event.stream_id] = b""
            elif isinstance(event, events.DataReceived):
                self._requests[event.stream_id] += event.data
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, events.StreamEnded):
                self._answer(event.stream_id, self._requests.pop(event.stream_id))
            elif isinstance(event, events.StreamReset):
                self.forget(event.stream_id)
        for number in list(self._unsent):
            self._send(number)
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        self._unsent.clear()

    def forget(self, number: int) -> None:
        self._requests.pop(number, None)
        self._unsent.pop(number, None)

    def _answer(self, number: int, request: bytes) -> None:
        wanted = _MODEL.search(request)
        assert wanted is not None
        model = wanted[1].decode()
        answer = _FramedAnswer(model, number, self)
        self._unsent[number] = deque()
        if Scenario.from_model(model).mode in ("paced", "gathered"):
            self._pacer.add(model, answer)
        else:
            answer.write()

    def is_open(self, number: int) -> bool:
        return number in self._unsent

    def begin(self, number: int) -> None:
        fields = [(":status", "200"), ("server", "benchmark"), ("content-type", "text/event-stream")]
        self._h2.send_headers(number, fields)
        self._flush()

    def write(self, number: int, *frames: bytes) -> None:
        self._unsent[number] += frames
        self._send(number)
        self._flush()

    def _send(self, number: int) -> None:
        """Send the frames that have room in the client's window."""
        frames = self._unsent[number]
        while frames and len(frames[0]) <= self._h2.local_flow_control_window(number):
            frame = frames.popleft()
            self._h2.send_data(number, frame, end_stream=not frame)
            if not frame:
                del self._unsent[number]

    def _flush(self) -> None:
        assert self._transport is not None
        self._transport.write(self._h2.data_to_send())


class _FramedAnswer(Struct, frozen=True):
    """See `_Answer`."""

    model: str
    number: int
    connection: _HTTP2Connection

    def is_closing(self) -> bool:
        return not self.connection.is_open(self.number)

    def write(self) -> None:
        self.connection.begin(self.number)
        self.connection.write(self.number, *_pieces(self.model), b"")

    def steps(self) -> Iterator[None]:
        self.connection.begin(self.number)
        yield
        *pieces, last = _pieces(self.model)
        for piece in pieces:
            self.connection.write(self.number, piece)
            yield
        self.connection.write(self.number, last, b"")
        yield


async def _serve(tick: float, certificate: str | None = None, protocol: str = "http/1.1") -> None:
    loop = asyncio.get_running_loop()
    made = _HTTP2Connection if protocol == "h2" else _Connection
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if protocol == "h2":
            context.set_alpn_protocols([protocol])
    make = partial(made, _Pacer(tick))
    server = await loop.create_server(make, "127.0.0.1", 0, backlog=2_048, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextmanager
def running(served: Served = "http", tick: float = TICK) -> Iterator[dict[str, str | int]]:
    """Run the server in a separate process during the block.

    Args:
        tick: seconds between two paced events, on all streams together.

    Yields:
        What a case must know of it: its `port`, and with TLS the path of its authority, `ca_file`.

    Raises:
        SkippedError: trustme, which makes the certificate, is not installed.
    """
    if served == "http":
        with _running(str(tick)) as port:
            yield {"port": port}
        return
    protocol = "h2" if served == "h2" else "http/1.1"
    with served_certificate() as (ca_file, certificate), _running(str(tick), certificate, protocol) as port:
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
    pin(1)
    asyncio.run(_serve(float(sys.argv[1]), *sys.argv[2:]))
