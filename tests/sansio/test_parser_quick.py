"""Events of a provider's usual form are read in one step, which changes nothing but the time it takes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sansio import (
    ContentDelta,
    Dialect,
    DialectStream,
    FinishReason,
    Message,
    Role,
    StreamComplete,
    StreamEvent,
    StreamParser,
    StreamTruncatedError,
)
from sansio.content import (
    Tool,
)
from sansio.framing.sse import ServerSentEvent
from sansio.jsontext import JSONObject
from tests.sansio.wires import (
    DONE,
    Record,
    answer,
    chunk,
    claude,
    comparable,
    config,
    failure,
    parse,
    sse,
    started,
    tool_chunk,
)

PREFIX = b"event: content_block_delta\ndata: "


def said(text: str, **more: object) -> Record:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}, **more}


CHUNK = sse(chunk({"content": "Hi"}))
DELTA = claude(said("Hi"))
CHUNKS: list[bytes] = [
    b'data: {"choices":[{"delta":{"content":"a"}}],\n"id":"x"}\n\n',  # two lines, of which one is no data
    b'data: {"choices":\ndata: [{"delta":{"content":"b"}}]}\n\n',
    b'data: {"choices":\r[{"delta":{"content":"b"}}]}\n\n',
    b'data: {"id":5,"choices":[{"delta":{"content":"c"}}]}\n\n',  # an id that is none, as later ones may be
    b'data:{"choices":[{"delta":{"content":"d"}}]}\n\n',
    b'data: {"choices":[{"delta":{"content":"e"}}]}\r\n\r\n',
    b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n',
    b'data: {"choices":[{"delta":{"content":"\\ud800"}}]}\n\n',
    b'data: {"choices":[{"delta":{"content":"f"}}],"x":' + b"[" * 300 + b"]" * 300 + b"}\n\n",
    b"data: \n\n",
    b"\n\n\n",
    b": comment\n\n",
    b"id: 7\n\n",
    b'event: error\ndata: {"choices":[{"delta":{"content":"g"}}]}\n\n',
    sse(chunk({"content": "more"}), {"error": {"message": "no", "code": 503}}),
    sse(*[tool_chunk("{}", index=i, id=f"c{i}", name="f") for i in range(9)]),
    DONE + CHUNK,
]
DELTAS: list[bytes] = [
    PREFIX + b'{"type":"content_block_delta",\n"index":0}\n\n',
    PREFIX + b'{"type":"content_block_delta",\ndata: "delta":{"type":"text_delta","text":"a"}}\n\n',
    PREFIX + b'{"type":"content_block_delta",\r"delta":{"type":"text_delta","text":"a"}}\n\n',
    PREFIX + b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"b"\n\n',
    PREFIX + b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"\xff"}}\n\n',
    PREFIX + b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"\\ud800"}}\n\n',
    PREFIX + b'{"type":"content_block_delta","x":' + b"[" * 300 + b"]" * 300 + b"}\n\n",
    PREFIX + b'{"delta":{"type":"text_delta","text":"of no type"}}\n\n',
    PREFIX + b'{"type":"ping"}\n\n',
    PREFIX + b'{"type":"message_stop"}\n\n',
    PREFIX + b'{"type":"content_block_delta","error":{"type":"api_error","message":"no"}}\n\n',
    PREFIX + b"\n\n",
    claude({"type": "ping"}, said("c")),
    DELTA.replace(b"\n", b"\r\n"),
    b"data: " + DELTA.partition(b"data: ")[2],
]
FAULTS = {
    "no JSON": b"data: nope\n\n",
    "two lines, and no JSON": b"data: no\ndata: pe\n\n",
    "an error": sse({"type": "error", "error": {"message": "no", "type": "api_error", "code": 503}}),
    "the end": b"",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("kind", "start", "plain", "odd"),
    [
        *(("openai", b"", CHUNK, odd) for odd in CHUNKS),
        *(("anthropic", b"", DELTA, odd) for odd in DELTAS),
        *(("anthropic", claude(started()), DELTA, odd) for odd in DELTAS),
    ],
)
def test_an_odd_event_among_plain_ones_means_what_it_means_line_by_line(
    kind: str, start: bytes, plain: bytes, odd: bytes, fault: str
) -> None:
    rest = plain + FAULTS[fault] + plain
    stream = start + plain * 2 + odd + plain * 3 + odd + rest
    literal = comparable(parse(kind, [stream], record=True, max_tool_calls=8))
    cuts = [
        [stream],
        [start, plain, plain, odd, plain * 3, odd, rest],
        [start + plain * 2 + odd + plain, plain * 2 + odd + plain, rest[len(plain) :]],
        [start + plain + plain[:-1], plain[-1:] + odd + plain * 3 + odd + rest],
        stream.splitlines(keepends=True),
        [stream[at : at + 1] for at in range(len(stream))],
    ]
    for pieces in cuts:
        assert b"".join(pieces) == stream
        assert comparable(parse(kind, pieces, max_tool_calls=8)) == literal


@pytest.mark.parametrize(("kind", "plain"), [("openai", CHUNK), ("anthropic", DELTA)])
def test_a_parser_that_records_keeps_plain_events_too(kind: str, plain: bytes) -> None:
    parser = StreamParser(kind, record=True)
    for _ in range(3):
        parser.receive_data(plain * 2)
    assert parser.take_chunks() == [chunk({"content": "Hi"}) if kind == "openai" else said("Hi")] * 6


@pytest.mark.parametrize(("kind", "plain"), [("openai", CHUNK), ("anthropic", DELTA)])
def test_a_plain_event_is_held_to_the_limit_of_events_too(kind: str, plain: bytes) -> None:
    limit = len(plain)
    longer = plain.replace(b"Hi", b"H" * limit)
    error = failure(parse(kind, [plain, plain, plain + longer], max_event_bytes=limit))
    assert (error.field, error.offset) == ("max_event_bytes", 3 * len(plain))
    assert error.partial is not None
    assert error.partial.text == "HiHiHi"
    assert isinstance(failure(parse(kind, [plain] * 9, max_event_bytes=limit)), StreamTruncatedError)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_plain_events_count_as_progress(kind: str) -> None:
    first = claude(started()) if kind == "anthropic" else sse(chunk({"content": "Hi"}))
    plain = DELTA if kind == "anthropic" else first
    parser = StreamParser(kind)
    parser.receive_data(first)
    for count in (1, 2, 3):
        before = parser.progress
        assert parser.receive_data(plain * count) == [ContentDelta("Hi")] * count
        assert parser.progress == before + count


def test_bytes_behind_the_end_of_an_answer_do_not_count_towards_its_limit() -> None:
    stream = sse(chunk({"content": "Hi"}, "stop")) + DONE
    for rest in (b"x", b"\n", stream, b": wait\n\n" * 100):
        assert answer("openai", stream + rest, max_answer_bytes=len(stream)).text == "Hi"
        assert answer("openai", stream, rest, max_answer_bytes=len(stream)).text == "Hi"


class Words(DialectStream):
    """A wire of one's own: each event is a word. It names its usual form, but has no quick way to read it."""

    plain_prefix = b"data: "

    def __init__(self) -> None:
        self._words: list[str] = []

    def receive(self, event: ServerSentEvent, events: list[StreamEvent]) -> bool:
        if event.data == "end":
            return True
        self.progress += 1
        self._words.append(event.data)
        events.append(ContentDelta(event.data))
        return False

    def receive_eof(self, events: list[StreamEvent]) -> bool:
        return False

    def message(self) -> Message:
        return Message(Role.ASSISTANT, "".join(self._words), finish_reason=FinishReason.STOP)

    def partial(self) -> Message:
        return Message(Role.ASSISTANT, "".join(self._words))


class WordsDialect(Dialect):
    """As much of a dialect as a parser needs."""

    def build_endpoint(self, stream: bool = False) -> str:
        return self.config.base_url

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        return {}

    def parse_response(self, data: JSONObject) -> Message:
        return Message(Role.ASSISTANT, str(data))

    def open_stream(self) -> Words:
        return Words()


def test_a_dialect_without_a_quick_way_of_its_own_gets_every_event() -> None:
    stream = b"data: a\n\ndata: b\n\n: wait\n\ndata: c\n\ndata: end\n\ndata: d\n\n"
    for pieces in ([stream], [stream[:9], stream[9:]], [stream[at : at + 1] for at in range(len(stream))]):
        parser = StreamParser(WordsDialect(config("openai")))
        events = [event for piece in pieces for event in parser.receive_data(piece)]
        *deltas, last = events
        assert deltas == [ContentDelta("a"), ContentDelta("b"), ContentDelta("c")]
        assert last == StreamComplete(Message(Role.ASSISTANT, "abc", finish_reason=FinishReason.STOP))
        assert parser.progress == 3


def test_a_dialect_that_folds_nothing_has_its_long_answers_whole() -> None:
    parser = StreamParser(WordsDialect(config("openai")))
    events = [event for _ in range(20_000) for event in parser.receive_data(b"data: a word\n\n")]
    [last] = parser.receive_data(b"data: end\n\n")
    assert len(events) == 20_000
    assert isinstance(last, StreamComplete)
    assert last.message.text == "a word" * 20_000
