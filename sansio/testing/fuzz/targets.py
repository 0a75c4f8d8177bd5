"""What is fuzzed, and the laws that each input is checked against (`docs/laws.md`).

The first byte of an input is the size of the pieces that the rest is cut into; 0 cuts it byte by byte.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias, assert_never

import msgspec

from sansio import (
    APIConnectionError,
    APITimeoutError,
    AWSFramer,
    Body,
    Call,
    ContentDelta,
    End,
    Framer,
    Head,
    HTTPExchange,
    InvalidRequestError,
    Limits,
    Lost,
    Message,
    NDJSONFramer,
    PartComplete,
    Provider,
    ProviderConfig,
    ProviderError,
    ReasoningDelta,
    ReasoningPart,
    RefusalDelta,
    RefusalPart,
    Request,
    Role,
    Send,
    ServerSentEvent,
    SSEDecoder,
    SSEFramer,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    TextPart,
    ToolCallDelta,
    ToolCallStarted,
    replay,
)
from sansio.checks import check_messages, encode_body
from sansio.framing import SSEFailed
from sansio.http import Input
from sansio.porting import port as port_history
from sansio.providers import dialect_named
from sansio.testing.fuzz.resuming import uncut_and_resumed
from sansio.testing.script import PROVIDER_TYPES

Target: TypeAlias = Callable[[bytes], None]

_LIMITS = Limits(
    max_event_bytes=2_000,
    max_answer_bytes=8_000,
    max_tool_calls=8,
    max_json_depth=16,
    max_error_bytes=500,
)
"""Small, so that the fuzzer gets past them."""
_HEADER_LIMIT = 300
_FRAME_LIMIT = 200

KINDS = (*PROVIDER_TYPES, "bedrock", "google")
"""The dialects that a byte of an input chooses from."""
_TYPES = ("text/event-stream", "application/json", "text/plain", "text/html", "")
_CODINGS = ("", "gzip", "deflate", "br")
_STATUSES = (200, 200, 200, 200, 204, 302, 400, 401, 429, 500, 503, 529, 103)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """`data` in pieces of `size` bytes; 0 cuts it byte by byte."""
    step = size or 1
    for at in range(0, len(data), step):
        yield data[at : at + step]


def sse(data: bytes) -> None:
    """Framing: the cut does not matter, and a failure is the last item."""
    size, data = _split(data)
    for dispatch in (False, True):
        whole = _decode([data], dispatch)
        cut = _decode(pieces(data, size), dispatch)
        assert [_seen(item) for item in whole] == [_seen(item) for item in cut], "the cut changes the events"
        assert not any(isinstance(item, SSEFailed) for item in whole[:-1]), "an item after the failure"


def _decode(parts: Iterator[bytes] | list[bytes], dispatch: bool) -> list[object]:
    decoder = SSEDecoder(max_event_bytes=_FRAME_LIMIT, dispatch_at_eof=dispatch)
    items: list[object] = []
    for part in parts:
        items += decoder.receive_data(part)
    return items + list(decoder.receive_eof())


def framer_sse(data: bytes) -> None:
    """The SSE framer reads the same as the decoder, which works line by line, at every cut."""
    size, data = _split(data)
    items = _decode([data], True)
    # Cut after each LF LF: most pieces are then events that the framer can read without looking at lines.
    by_events = [part + b"\n\n" for part in data.split(b"\n\n")]
    by_events[-1] = by_events[-1][:-2]
    for names in (False, True):
        wanted = [_framed(item, names) for item in items]
        for parts in ([data], pieces(data, size), by_events):
            found = _frames(SSEFramer(_FRAME_LIMIT, names=names), parts)
            seen = [(_text(payload), *rest) for payload, *rest in found]
            assert seen == wanted, "the framer and the decoder read different data"


def _framed(item: object, names: bool) -> tuple[object, ...]:
    if isinstance(item, ServerSentEvent):
        return item.data, item.event if names and item.event != "message" else "", item.offset
    assert isinstance(item, SSEFailed)
    return (*_kind(item.error), 0)


def _text(payload: object) -> object:
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else payload


def framing(make: Callable[[], Framer], data: bytes) -> None:
    """A framing: the cut does not matter."""
    size, data = _split(data)
    assert _frames(make(), [data]) == _frames(make(), pieces(data, size)), "the cut changes the frames"


def ndjson(data: bytes) -> None:
    """Lines of JSON: see `framing`."""
    framing(lambda: NDJSONFramer(_FRAME_LIMIT), data)


def aws(data: bytes) -> None:
    """AWS event streams: see `framing`. No fuzzer guesses checksums, so also run with correct ones."""
    framing(lambda: AWSFramer(_FRAME_LIMIT), data)
    size, rest = _split(data)
    framing(lambda: AWSFramer(_FRAME_LIMIT), bytes([size]) + _sealed(rest))


def _sealed(data: bytes) -> bytes:
    """Each message of a stream with its checksums corrected, up to where the lengths fit no message."""
    sealed = bytearray(data)
    at = 0
    while at + 12 <= len(sealed):
        sealed[at + 8 : at + 12] = zlib.crc32(sealed[at : at + 8]).to_bytes(4)
        total = int.from_bytes(sealed[at : at + 4])
        if not 16 <= total <= len(sealed) - at:
            break
        sealed[at + total - 4 : at + total] = zlib.crc32(sealed[at : at + total - 4]).to_bytes(4)
        at += total
    return bytes(sealed)


def _frames(framer: Framer, parts: Iterator[bytes] | list[bytes]) -> list[tuple[object, ...]]:
    """What is read, and the error that is raised, if any."""
    found: list[tuple[object, ...]] = []

    def read(payload: bytes, events: list[StreamEvent], name: str) -> bool:
        found.append((payload, name, framer.offset))
        return False

    try:
        for part in parts:
            framer.feed(part, read, [])
        framer.feed_eof(read, [])
    except ProviderError as error:
        found.append((*_kind(error), framer.offset - (error.offset or 0)))
    return found


def stream(kind: str, data: bytes) -> None:
    """A dialect's stream: one end, the same for every cut, and events that agree with its message."""
    size, data = _split(data)
    dialect = dialect_named(kind, limits=_LIMITS)
    outcomes = []
    # A parser that records reads all events line by line, also those that it could read in one step.
    for parts, record in (([data], False), (pieces(data, size), False), ([data], True)):
        parser = StreamParser(dialect, record=record)
        events: list[StreamEvent] = []
        for part in parts:
            events += parser.receive_data(part)
        events += parser.receive_eof()
        assert parser.finished, "no end"
        outcomes.append(check_events(events))
    assert outcomes[0] == outcomes[1], "the cut changes the answer"
    assert outcomes[0] == outcomes[2], "the fast path changes the answer"


def frames(kind: str, data: bytes) -> None:
    """The same of binary frames. No fuzzer guesses checksums, so also run with correct ones."""
    stream(kind, data)
    size, rest = _split(data)
    stream(kind, bytes([size]) + _sealed(rest))


def whole(data: bytes) -> None:
    """A whole response or an error's body, of any type, coding and status: one end."""
    if len(data) < 4:
        return
    kind = KINDS[data[0] % len(KINDS)]
    head = _head(data[1], data[2], data[3])
    streamed = bool(data[0] & 0x80)
    outcomes = [
        check_events(_play(_call(kind, stream=streamed), [head, *map(Body, parts), End()]))
        for parts in ([data[4:]], pieces(data[4:], 7))
    ]
    assert outcomes[0] == outcomes[1], "the cut changes the answer"


def exchange(data: bytes) -> None:
    """HTTP/1.1: the cut does not matter, and nothing follows the end."""
    size, data = _split(data)
    seen = [_exchange([data]), _exchange(pieces(data, size))]
    assert seen[0] == seen[1], "the cut changes the inputs"


def _exchange(parts: Iterator[bytes] | list[bytes]) -> list[object]:
    machine = HTTPExchange(Request.post("http://localhost/", (), b"{}"), max_header_bytes=_HEADER_LIMIT)
    assert machine.data_to_send()
    inputs: list[Input] = []
    for part in parts:
        inputs += machine.receive_data(part)
    return _seen_inputs(inputs + machine.receive_eof())


def _seen_inputs(inputs: list[Input]) -> list[object]:
    """What must be equal for every cut of an exchange's bytes."""
    ends = [isinstance(value, (End, Lost)) for value in inputs]
    assert ends.count(True) == 1, "not one end"
    assert ends[-1], "something after the end"
    seen: list[object] = []
    body = bytearray()
    for value in inputs:
        if isinstance(value, Body):
            body += value.data
        else:
            seen.append(type(value.error) if isinstance(value, Lost) else value)
    return [*seen, bytes(body)]


def http2(data: bytes) -> None:
    """HTTP/2: see `exchange`. The bytes also name frames, since no fuzzer guesses their lengths."""
    size, data = _split(data)
    for wire in (data, _GREETING + _frames_named(data)):
        assert _exchanges([wire]) == _exchanges(pieces(wire, size)), "the cut changes the inputs"


_GREETING = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


def _frames_named(data: bytes) -> bytes:
    """Frames, each from a byte for its kind, its flags, its exchange and its length, and from its payload."""
    wire = bytearray()
    at = 0
    while at + 4 <= len(data):
        kind, flags, number, length = data[at : at + 4]
        payload = data[at + 4 : at + 4 + length]
        wire += len(payload).to_bytes(3) + bytes((kind % 11, flags)) + number.to_bytes(4) + payload
        at += 4 + length
    return bytes(wire)


def _exchanges(parts: Iterator[bytes] | list[bytes]) -> list[object]:
    from sansio.http.http2 import HTTP2Connection  # late: it needs an extra

    connection = HTTP2Connection(max_header_bytes=_HEADER_LIMIT)
    request = Request.post("http://localhost/", (), b"{}")
    exchanges = {connection.open(request): list[Input]() for _ in range(3)}
    connection.data_to_send()  # an answer to a request that was not sent is another one
    for part in parts:
        connection.receive_data(part)
        assert len(connection.data_to_send()) < 1_000 + 30 * len(part), "many answers to few bytes"
        for exchange, inputs in exchanges.items():
            inputs += iter(exchange.next_input, None)
    connection.receive_eof()
    seen: list[object] = [connection.room]
    for exchange, inputs in exchanges.items():
        inputs += iter(exchange.next_input, None)
        seen += _seen_inputs(inputs)
    return seen


def tape(data: bytes) -> None:
    """A call with any inputs over all its attempts: one end, and at most the scheduled attempts."""
    if len(data) < 2:
        return
    call = _call(KINDS[data[0] % len(KINDS)], stream=bool(data[1] & 1))
    check_events(_play(call, _inputs(data[2:])))
    assert call.attempts <= 3, "more attempts than the schedule has"


def _inputs(data: bytes) -> Iterator[Input]:
    """Inputs in the order in which a transport may give them; each byte chooses an input and its size."""
    at = 0
    in_body = False
    while at < len(data):
        code = data[at]
        at += 1
        if code < 24:
            in_body = False
            reused = bool(code & 1)
            yield Lost(
                APITimeoutError("fuzzed", reused=reused)
                if code & 2
                else APIConnectionError("fuzzed", reused=reused)
            )
        elif not in_body:
            yield _head(code, *data[at : at + 2].ljust(2, b"\0"))
            at += 2
            in_body = True
        elif code < 48:
            in_body = False
            yield End()
        else:
            yield Body(data[at : at + code])
            at += code


def _play(call: Call, inputs: Sequence[Input] | Iterator[Input]) -> list[StreamEvent]:
    """Drive a call. The rest of an exchange's tape is ignored when the call wants no more of it."""
    events: list[StreamEvent] = []
    rest = iter(inputs)
    while (step := call.next_step()) is not None:
        if not isinstance(step, Send):
            continue
        assert not events, "sent again after an event was handed out"
        while call.wants_input:
            value = next(rest, None) or Lost(APIConnectionError("the tape is over"))
            out_of_place = call.state.value == "head" and isinstance(value, (Body, End))
            if not out_of_place and (call.state.value == "head" or not isinstance(value, Head)):
                events += call.receive(value)
    return events


def _provider(kind: str) -> Provider:
    fields: dict[str, object] = {"type": kind, "model": "m"}
    if kind == "azure":
        fields |= {"base_url": "https://a.test", "deployment": "d", "api_version": "2024-10-21"}
    if kind == "bedrock":
        fields["region"] = "us-east-1"
    return Provider(ProviderConfig.from_dict({**fields, "limits": msgspec.structs.asdict(_LIMITS)}))


_PROVIDERS: dict[str, Provider] = {kind: _provider(kind) for kind in KINDS}


def _call(kind: str, *, stream: bool) -> Call:
    return _PROVIDERS[kind].call([Message(Role.USER, "x")], stream=stream)


def resume(data: bytes) -> None:
    """A stream in the background that is cut anywhere, and whose rest may overlap: nothing shows of it.

    Only a rest that contradicts what was given before may end the answer, and then it is no answer.
    """
    uncut, resumed = uncut_and_resumed(data)
    wanted, found = check_events(uncut), check_events(resumed)
    last = resumed[-1]
    if isinstance(last, StreamFailed) and "contradicts" in last.error.message:
        assert resumed[:-1] == uncut[: len(resumed) - 1], "events that the answer does not have"
    else:
        assert _unplaced(wanted, uncut) == _unplaced(found, resumed), "a cut changes the answer"


def _unplaced(outcome: object, events: list[StreamEvent]) -> object:
    """An outcome without offsets, which are counted in the last body."""
    last = events[-1]
    if not isinstance(last, StreamFailed):
        return outcome
    kind, _, *rest = _kind(last.error)
    return events[:-1], kind, rest, last.error.partial


def port(data: bytes) -> None:
    """A stored history, for any dialect: it is sent, or refused with `InvalidRequestError`.

    The first byte chooses the dialect; the rest is the JSON of a list of messages.
    """
    if not data:
        return
    provider = _PROVIDERS[KINDS[data[0] % len(KINDS)]]
    try:
        history = msgspec.json.decode(data[1:], type=list[Message])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return
    stored = msgspec.json.encode(history)
    again = msgspec.json.decode(stored, type=list[Message])
    assert msgspec.json.encode(again) == stored, "another history"
    try:
        prepared = provider.prepare(history)
        encode_body(prepared.body, history)
    except InvalidRequestError:
        pass
    try:
        check_messages(history, continued=False)
    except InvalidRequestError:
        return
    ported, report = port_history(history, provider.dialect)
    assert all(loss.what and loss.why for loss in report), "a loss without a reason"
    try:
        check_messages(ported, continued=False)
    except InvalidRequestError as error:
        raise AssertionError(f"what was ported is not a valid conversation: {error}") from error


def _head(status: int, media: int, coding: int) -> Head:
    return Head(
        _STATUSES[status % len(_STATUSES)],
        (
            ("content-type", _TYPES[media % len(_TYPES)]),
            ("content-encoding", _CODINGS[coding % len(_CODINGS)]),
        ),
    )


def check_events(events: list[StreamEvent]) -> object:
    """Check one answer's events against the laws.

    Returns:
        What must be equal for every cut.
    """
    assert events, "no event"
    last = events[-1]
    assert isinstance(last, (StreamComplete, StreamFailed)), "no end"
    assert not any(isinstance(event, (StreamComplete, StreamFailed)) for event in events[:-1]), "two ends"
    message = last.message if isinstance(last, StreamComplete) else last.error.partial
    if message is not None and len(events) > 1:
        said, meant = _said(events), _said(replay(message))
        if isinstance(last, StreamFailed):
            _allow_open_parts(said, meant, message)
        assert said == meant, "the events and the message differ"
    if isinstance(last, StreamComplete):
        return (events[:-1], last.message)
    return (events[:-1], *_kind(last.error), message)


_Said: TypeAlias = dict[int, tuple[object, ...]]


def _said(events: Sequence[StreamEvent]) -> _Said:
    """What events say of each part, by index: deltas joined, without fields that only a provider reads."""
    parts: _Said = {}
    calls: list[int] = []
    for event in events:
        match event:
            case ContentDelta() | ReasoningDelta() | RefusalDelta():
                kind, text = parts.get(event.part, (type(event), ""))
                assert kind is type(event), "a part has two kinds"
                parts[event.part] = kind, f"{text}{event.text}"
            case ToolCallStarted():
                assert event.index == len(calls), "calls are not counted from 0"
                assert event.part not in parts, "two parts have the same index"
                calls.append(event.part)
                parts[event.part] = event.id, event.name, event.kind, ""
            case ToolCallDelta():
                *call, arguments = parts[calls[event.index]]
                parts[calls[event.index]] = *call, f"{arguments}{event.arguments}"
            case PartComplete():
                before = parts.get(event.index)
                text = event.part.text if isinstance(event.part, TextPart) else None
                assert before in (None, (ContentDelta, text)), "the completed part differs from its deltas"
                parts[event.index] = (event.part,)
            case StreamComplete() | StreamFailed():
                pass
            case _:
                assert_never(event)
    return parts


def _allow_open_parts(said: _Said, meant: _Said, message: Message) -> None:
    """Remove from both the parts that were not closed, which a truncated stream may lack."""
    for place in [*meant]:
        part = message.parts[place]
        if place not in said:
            # Only text has an event before its part ends.
            if not (isinstance(part, TextPart | ReasoningPart | RefusalPart) and part.text):
                del meant[place]
        elif isinstance(part, TextPart) and said[place] == (ContentDelta, part.text):
            del meant[place], said[place]  # its citations arrive at its end


def _kind(error: ProviderError) -> tuple[object, ...]:
    return type(error), error.offset, error.field, error.status


def _seen(item: object) -> object:
    return _kind(item.error) if isinstance(item, SSEFailed) else item


def _split(data: bytes) -> tuple[int, bytes]:
    return (data[0], data[1:]) if data else (0, b"")


TARGETS: dict[str, Target] = {
    "sse": sse,
    "framer-sse": framer_sse,
    "ndjson": ndjson,
    "aws": aws,
    **{kind: partial(stream, kind) for kind in PROVIDER_TYPES},
    "bedrock": partial(frames, "bedrock"),
    "invoke": partial(frames, "bedrock/invoke"),
    "responses": partial(stream, "openai/responses"),
    "gemini": partial(stream, "google"),
    "ollama-own": partial(stream, "ollama/ollama"),
    "cohere": partial(stream, "cohere"),
    "whole": whole,
    "exchange": exchange,
    "http2": http2,
    "tape": tape,
    "resume": resume,
    "port": port,
}
"""Each target by its name on the command line."""
