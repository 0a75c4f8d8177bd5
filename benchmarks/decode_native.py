"""Decoding Ollama's own streams and Cohere's: bytes in memory, the text out, no transport."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, cycle, islice

import msgspec
from msgspec import Struct

from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, check, cpu_per_unit, peer
from benchmarks.wires import TEXT
from sansio import ContentDelta, FinishReason, Message, Role, StreamComplete, StreamParser, Usage
from sansio.testing import encode_events

EVENTS = 2_000
_URL = "http://127.0.0.1"
_MESSAGES = [{"role": "user", "content": "Go on."}]
_USAGE = Usage(input_tokens=1_000, output_tokens=500)
_WIRES = {
    "Ollama's own API, text": ("ollama/ollama", Contender("ollama SDK", "ollama")),
    "Cohere, text": ("cohere", Contender("cohere SDK", "cohere")),
}
"""What is decoded: the dialect, and its official SDK."""


class _Said(Struct):
    content: str


class _Line(Struct):
    message: _Said


class _Content(Struct):
    text: str = ""


class _Message(Struct):
    content: _Content | list[object] | None = None


class _Delta(Struct):
    message: _Message | None = None


class _Event(Struct):
    delta: _Delta | None = None


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_event = msgspec.json.Decoder(_Event).decode


def _cases(scale: Scale) -> list[Case]:
    return [
        Case(
            row="decode_native",
            name=f"{name}, one event per feed",
            units={"cpu": "µs of CPU per event"},
            contenders=(Contender("typed msgspec decode alone"), Contender("sansio"), sdk),
            rounds=scale.rounds,
            options={"wire": name, "events": scale.units(EVENTS, least=20)},
        )
        for name, (_, sdk) in _WIRES.items()
    ]


def _prepare(case: Case, contender: Contender) -> Run:
    dialect, _ = _WIRES[case.text("wire")]
    words = list(islice(cycle(TEXT), case.number("events")))
    message = Message(Role.ASSISTANT, "".join(words), finish_reason=FinishReason.STOP, usage=_USAGE)
    pieces = encode_events(dialect, [*map(ContentDelta, words), StreamComplete(message)])
    read = _work(contender.name, dialect, pieces)
    check(read(), message.text)

    def run() -> Metrics:
        spent, text = cpu_per_unit(read, len(pieces))
        check(text, message.text)
        return {"cpu": spent}

    return run


def _work(name: str, dialect: str, pieces: tuple[bytes, ...]) -> Callable[[], str]:
    """A contender's decoder; it returns the text."""
    match name:
        case "sansio":
            return lambda: _parse(dialect, pieces)
        case "ollama SDK":
            return _ollama(pieces)
        case "cohere SDK":
            return _cohere(pieces)
        case _ if dialect == "cohere":
            payloads = [piece.partition(b"data: ")[2] for piece in pieces]
            return lambda: "".join([_event_text(payload) for payload in payloads if payload[:1] == b"{"])
        case _:
            return lambda: "".join([_decode_line(piece).message.content for piece in pieces])


def _event_text(payload: bytes) -> str:
    delta = _decode_event(payload).delta
    content = delta.message.content if delta is not None and delta.message is not None else None
    return content.text if isinstance(content, _Content) else ""


def _parse(dialect: str, pieces: tuple[bytes, ...]) -> str:
    parser = StreamParser(dialect)
    last = list(chain.from_iterable(map(parser.receive_data, pieces)))[-1]
    assert isinstance(last, StreamComplete)
    return last.message.text


def _ollama(pieces: tuple[bytes, ...]) -> Callable[[], str]:
    sdk, httpx = peer("ollama"), peer("httpx")
    headers = {"content-type": "application/x-ndjson"}
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, headers=headers, content=iter(pieces), request=request)
    )
    client = sdk.Client(host=_URL, transport=transport)

    def run() -> str:
        chunks = client.chat(model="m", messages=_MESSAGES, stream=True)
        return "".join([chunk.message.content or "" for chunk in chunks])

    return run


def _cohere(pieces: tuple[bytes, ...]) -> Callable[[], str]:
    sdk, httpx = peer("cohere"), peer("httpx")
    headers = {"content-type": "text/event-stream"}
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, headers=headers, content=iter(pieces), request=request)
    )
    client = sdk.ClientV2(api_key="key", base_url=_URL, httpx_client=httpx.Client(transport=transport))

    def run() -> str:
        events = client.chat_stream(model="m", messages=_MESSAGES)
        return "".join([e.delta.message.content.text or "" for e in events if e.type == "content-delta"])

    return run


ROW = Row("decoding Ollama's own streams and Cohere's, without a transport", _cases, _prepare)
