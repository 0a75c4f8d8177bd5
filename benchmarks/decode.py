"""Decoding alone: the bytes of a stream in memory, events out, no transport."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from benchmarks import decode_peers
from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, check, cpu_per_unit
from benchmarks.wires import FEEDS, GEMINI, RESPONSES, WIRES, Wire, wire
from benchmarks.yardstick import (
    Dialect,
    decode_chunk,
    decode_event,
    decode_gemini_chunk,
    decode_response_event,
    yardstick,
)
from sansio import Limits, ServerSentEvent, SSEDecoder, StreamComplete, StreamEvent, StreamParser

EVENTS = 2_000
_LARGEST = 1 << 30
"""Bytes of an answer: the longest here is longer than the default allows."""

_YARDSTICK = Contender("yardstick")
_OURS = (
    _YARDSTICK,
    Contender("typed msgspec decode alone"),
    Contender("our framing, yardstick's decode"),
    Contender("sansio"),
)
PEERS: dict[Dialect, tuple[Contender, ...]] = {
    "openai": (
        Contender("openai SDK, plain", "openai"),
        Contender("openai SDK, accumulating", "openai"),
    ),
    "anthropic": (
        Contender("anthropic SDK, plain", "anthropic"),
        Contender("anthropic SDK, accumulating", "anthropic"),
    ),
    "responses": (
        Contender("openai SDK, plain", "openai"),
        Contender("openai SDK, accumulating", "openai"),
    ),
    "google": (Contender("google-genai, plain", "google.genai"),),
}
_FRAMING = Contender("httpx-sse, yardstick's decode", "httpx_sse")
_FOR_BOTH = (
    _FRAMING,
    Contender("pydantic-ai", "pydantic_ai"),
    Contender("litellm", "litellm"),
)


def _cases(scale: Scale) -> list[Case]:
    cases = []
    for feed in FEEDS:
        for name in (*WIRES, *RESPONSES, *GEMINI):
            others = _FOR_BOTH if name in WIRES else (_FRAMING,)
            peers = (*PEERS[wire(name).dialect], *others) if feed == "one event" else ()
            cases.append(
                Case(
                    row="decode",
                    name=f"{name}, all at once" if feed == "all" else f"{name}, {feed} per feed",
                    units={"cpu": "µs of CPU per event"},
                    contenders=_OURS + peers,
                    rounds=scale.rounds,
                    options={"wire": name, "feed": feed, "events": scale.units(EVENTS, least=20)},
                )
            )
    return cases


def _prepare(case: Case, contender: Contender) -> Run:
    stream = wire(case.text("wire"))
    events = case.number("events")
    feeds = stream.feeds(events, case.text("feed"))
    read = work(contender.name, stream, events, feeds)
    expected = stream.text(events)
    check(read(), expected)

    def run() -> Metrics:
        spent, text = cpu_per_unit(read, stream.count(events))
        check(text, expected)
        return {"cpu": spent}

    return run


def work(name: str, stream: Wire, events: int, feeds: Iterable[bytes]) -> Callable[[], str]:
    """A contender's decoder; it returns the text, or the tool call's arguments.

    Args:
        feeds: the stream's bytes as they are fed; may be iterated more than once.

    Raises:
        SkippedError: the contender is not installed.
    """
    dialect = stream.dialect
    match name:
        case "yardstick":
            return lambda: _feed_yardstick(dialect, feeds)
        case "typed msgspec decode alone":
            payloads = [_payload(piece) for piece in stream.pieces(events)]
            return lambda: _decode_alone(dialect, payloads)
        case "our framing, yardstick's decode":
            return lambda: _feed_framing(dialect, feeds)
        case "sansio":
            return lambda: _feed_parser(dialect, feeds)
        case _:
            return decode_peers.work(name, dialect, feeds)


def _payload(piece: bytes) -> bytes:
    return piece[piece.index(b"data: ") + 6 : -2]


def _feed_yardstick(dialect: Dialect, feeds: Iterable[bytes]) -> str:
    feed = yardstick(dialect).feed
    parts = [delta.text for data in feeds for delta in feed(data)]
    return "".join(parts)


def _decode_alone(dialect: Dialect, payloads: Iterable[bytes]) -> str:
    parts: list[str] = []
    if dialect == "openai":
        for payload in payloads:
            if payload != b"[DONE]":
                for choice in decode_chunk(payload).choices:
                    calls = choice.delta.tool_calls
                    parts.append(choice.delta.content or (calls[0].function.arguments if calls else ""))
    elif dialect == "anthropic":
        for payload in payloads:
            delta = decode_event(payload).delta
            if delta is not None:
                parts.append(delta.text or delta.partial_json or "")
    elif dialect == "google":
        for payload in payloads:
            for candidate in decode_gemini_chunk(payload).candidates:
                parts += [part.text for part in candidate.content.parts]
    else:
        parts.extend(decode_response_event(payload).delta or "" for payload in payloads)
    return "".join(parts)


def _feed_framing(dialect: Dialect, feeds: Iterable[bytes]) -> str:
    decoder = SSEDecoder()
    payloads = []
    for data in feeds:
        for event in decoder.receive_data(data):
            assert isinstance(event, ServerSentEvent)
            payloads.append(event.data.encode())
    return _decode_alone(dialect, payloads)


def _feed_parser(dialect: Dialect, feeds: Iterable[bytes]) -> str:
    """Our parser. The result is the final message, which it has built from all events."""
    name = "openai/responses" if dialect == "responses" else dialect
    parser = StreamParser(name, limits=Limits(max_answer_bytes=_LARGEST))
    last: StreamEvent | None = None
    for data in feeds:
        for event in parser.receive_data(data):
            last = event
    if not parser.finished:  # Google's streams have no end marker
        (last,) = parser.receive_eof()
    assert isinstance(last, StreamComplete), last
    message = last.message
    return message.tool_calls[0].arguments_text() if message.tool_calls else message.text


ROW = Row("decoding a stream's bytes, without a transport", _cases, _prepare)
