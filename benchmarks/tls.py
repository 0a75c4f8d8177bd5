"""The same work over TLS, from a server process: bursts, paced streams, whole calls and handshakes."""

from __future__ import annotations

import gc
import ssl
import time

import anyio
from msgspec.structs import replace

from benchmarks import calls, end_to_end
from benchmarks.clients import Target, backend, contenders, factory
from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, WrongAnswerError, check
from benchmarks.server import Scenario, served_certificate
from benchmarks.wires import whole_answer
from transports.sockets.tls import Trust

CONNECTIONS = 200
"""How many connections a run makes, one after another."""

_COUNTS = (1, 50)
_MODES = ("bursts", "paced")
_FLOOR = "bare asyncio protocol, hand-cut chunks"  # it does not look at what ends a connection

HANDSHAKE = "a handshake without a socket"
FULL = "full handshake"
RESUMED = "resumed handshake"


def _cases(scale: Scale) -> list[Case]:
    return [_connects(scale), _handshakes(scale), *_streams(scale), *_calls(scale)]


def _streams(scale: Scale) -> list[Case]:
    return [
        replace(case, row="tls")
        for case in end_to_end.ROW.cases(scale)
        if case.text("mode") in _MODES and case.number("streams") in _COUNTS
    ]


def _calls(scale: Scale) -> list[Case]:
    return [
        replace(
            case,
            row="tls",
            name=f"whole calls, {case.name}",
            # What idle connections cost does not depend on TLS.
            contenders=tuple(each for each in case.contenders if "idle" not in each.options),
        )
        for case in calls.ROW.cases(scale)
    ]


def _connects(scale: Scale) -> Case:
    return Case(
        row="tls",
        name="a call on a new connection",
        units={"cpu": "µs of CPU per connection and call"},
        contenders=tuple(each for each in contenders("openai") if each.name != _FLOOR),
        rounds=scale.rounds,
        options={"wire": "OpenAI text", "connections": scale.units(CONNECTIONS, least=2)},
    )


def _handshakes(scale: Scale) -> Case:
    return Case(
        row="tls",
        name=HANDSHAKE,
        units={"cpu": "µs of the client's CPU per handshake"},
        contenders=(Contender(FULL), Contender(RESUMED)),
        rounds=scale.rounds,
        options={"handshakes": scale.units(CONNECTIONS, least=2)},
    )


def _prepare(case: Case, contender: Contender) -> Run:
    if "handshakes" in case.options:
        return _prepare_handshakes(case, contender)
    if "connections" in case.options:
        return _prepare_connections(case, contender)
    row: Row = calls.ROW if "each" in case.options else end_to_end.ROW
    return row.prepare(case, contender)


def _prepare_connections(case: Case, contender: Contender) -> Run:
    connections = case.number("connections")
    target = Target.of(case, "openai", 1)
    model = Scenario(case.text("wire"), "closing", 0, 1).model
    _, expected = whole_answer("openai")
    make = factory(contender)

    async def session() -> float:
        async with make(target) as client:
            for _ in range(2):
                await client.complete(model)
            gc.collect()
            begin = time.process_time()
            for _ in range(connections):
                check(await client.complete(model), expected)
            return time.process_time() - begin

    def run() -> Metrics:
        spent = anyio.run(session, backend=backend(contender))
        return {"cpu": spent / connections * 1e6}

    return run


def _prepare_handshakes(case: Case, contender: Contender) -> Run:
    handshakes = case.number("handshakes")
    with served_certificate() as (ca_file, certificate):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate)
        trust = Trust(None, ca_file)
    resumed = contender.name == RESUMED

    def run() -> Metrics:
        _connect(server, trust)  # leaves a session
        spent = 0.0
        for _ in range(handshakes):
            if not resumed:
                trust.sessions.forget("127.0.0.1")
            spent += _connect(server, trust, resumed=resumed)
        return {"cpu": spent / handshakes * 1e6}

    return run


def _connect(server: ssl.SSLContext, trust: Trust, *, resumed: bool | None = None) -> float:
    """Connect to a server in memory, up to its first byte; the CPU time of the client's part."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = server.wrap_bio(incoming, outgoing, server_side=True)
    begin = time.process_time()
    client = trust.client("127.0.0.1")
    incoming.write(client.data_to_send())
    spent = time.process_time() - begin
    given = b""
    while not given:
        try:
            peer.do_handshake()
            peer.write(b"!")
        except ssl.SSLWantReadError:
            pass
        data = outgoing.read()
        begin = time.process_time()
        given = client.receive_data(data)
        incoming.write(client.data_to_send())
        spent += time.process_time() - begin
    if resumed is not None and client.session_reused != resumed:
        raise WrongAnswerError("resumed" if client.session_reused else "a full handshake")
    return spent


ROW = Row("the same over TLS, and its handshakes", _cases, _prepare, served="https")
