"""Frames of the usual form are read in one step, which only changes the time it takes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from sansio import (
    AnswerReader,
    ContentDelta,
    Dialect,
    FinishReason,
    JSONObject,
    LimitExceededError,
    Message,
    Part,
    ReasoningDelta,
    ReasoningPart,
    RemoteProtocolError,
    Role,
    StreamComplete,
    StreamEvent,
    StreamParser,
    StreamTruncatedError,
    TextPart,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.testing import encode_events
from tests.laws.oracle import calls_made
from tests.sansio.wires import (
    DONE,
    Record,
    answer,
    block,
    chunk,
    claude,
    comparable,
    failure,
    json_text,
    parse,
    sse,
    started,
    stopped,
    tool_chunk,
)
from tests.support import for_all

PREFIX = b"event: content_block_delta\ndata: "
DELTAS: dict[str, tuple[bytes, Record, bytes]] = {
    "openai": (
        sse(chunk({"content": "Hi"})),
        chunk({"content": "there"}),
        sse(chunk({}, "stop")),
    ),
    "anthropic": (
        claude(started(), *block(0, {"type": "text", "text": "Hi"})[:1]),
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "there"}},
        claude(*stopped()),
    ),
}
"""For each family: the beginning of a stream, its most frequent delta, and its end."""


def event(kind: str, data: bytes) -> bytes:
    """The usual form of one event."""
    return (PREFIX if kind == "anthropic" else b"data: ") + data + b"\n\n"


# No field means something else.

FIELDS = {
    "openai": [
        "choices", "usage", "x_groq", "error", "id", "model", "index", "delta", "message",
        "finish_reason", "role", "content", "reasoning", "reasoning_content", "reasoning_details",
        "refusal", "tool_calls", "function_call", "function", "custom", "annotations", "images", "audio",
        "name", "arguments", "input", "logprobs", "token_ids", "type", "text", "unknown", "obfuscation",
    ],
    "anthropic": [
        "usage", "error", "id", "model", "index", "delta", "message", "content", "name", "input",
        "stop_reason", "type", "text", "thinking", "partial_json", "signature", "citation", "stop_details",
        "content_block", "encrypted_content", "unknown", "p",
    ],
}  # fmt: skip
"""For each family: names that some event of it has, and some that none has."""
VALUES: list[object] = [
    None, "", "stop", "text_delta", 0, 1, 2**70, 0.5, True, [], {}, [None], [{}], {"a": 1},
    {"name": "f"}, [{"index": 0, "delta": {"content": "b"}}], [{"index": 1, "function": {"name": "g"}}],
]  # fmt: skip
USUAL: dict[str, list[Record]] = {
    "openai": [
        chunk({"content": "Hi"}),
        tool_chunk("[1]", index=0),
        chunk({"reasoning": "so"}),
    ],
    "anthropic": [
        {"type": "content_block_delta", "index": index, "delta": delta}
        for index, delta in enumerate(
            (
                {"type": "text_delta", "text": "Hi"},
                {"type": "thinking_delta", "thinking": "so"},
                {"type": "input_json_delta", "partial_json": "{}"},
            )
        )
    ],
}
BLOCKS = (
    {"type": "text", "text": ""},
    {"type": "thinking", "thinking": ""},
    {"type": "tool_use", "id": "t", "name": "f"},
)
START = {
    "openai": sse(chunk({"content": "Hello"}), tool_chunk("", index=0, id="c0", name="f")),
    "anthropic": claude(started(), *(block(index, start)[0] for index, start in enumerate(BLOCKS))),
}


def objects(value: object) -> Iterator[Record]:
    """Every JSON object within a value, itself included."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from objects(inner)


def changes(kind: str, record: Record) -> Iterator[Record]:
    """The record with each field of each of its objects set to each value, or left out; one at a time."""
    for within in list(objects(record)):
        for name in {*FIELDS[kind], *within}:
            before = dict(within)
            within.pop(name, None)
            yield record
            for value in VALUES:
                within[name] = value
                yield record
            within.clear()
            within |= before


def slow(kind: str, record: Record, turn: int) -> bytes:
    """An event that is never read in one step: it has a field more, or differs from its neighbours."""
    if kind == "anthropic":
        return event(kind, json_text({**record, "nothing": None}).encode())
    return event(kind, json_text({"created": 1_000 + turn, **record}).encode())


def quick(kind: str, record: Record) -> bytes:
    """The same event, of the same length, without what keeps it from the quick way."""
    if kind == "anthropic":
        text = json_text(record).encode()
        return event(kind, text + b" " * (len(slow(kind, record, 0)) - len(event(kind, text))))
    return slow(kind, record, 0)


@pytest.mark.parametrize(
    ("kind", "record"), [(kind, record) for kind, records in USUAL.items() for record in records]
)
def test_no_field_means_another_thing_when_its_event_is_read_in_one_step(kind: str, record: Record) -> None:
    start, usual = START[kind], quick(kind, record)
    usual_slowly = [slow(kind, record, turn) for turn in (0, 1, 4)]
    for changed in changes(kind, json.loads(json.dumps(record))):
        odd = quick(kind, changed)
        pieces = [start, usual, usual, odd, odd, usual]
        odd_slowly = [slow(kind, changed, turn) for turn in (2, 3)]
        long_way = [start, *usual_slowly[:2], *odd_slowly, usual_slowly[2]]
        literal = comparable(parse(kind, long_way))
        assert comparable(parse(kind, pieces)) == literal, changed
        assert comparable(parse(kind, [b"".join(pieces)])) == literal, changed


# Odd events among plain ones.

CHUNKS: list[bytes] = [
    b'data: {"choices":[{"delta":{"content":"a"}}],\n"id":"x"}\n\n',  # two lines, one of them without data
    b'data: {"choices":\ndata: [{"delta":{"content":"b"}}]}\n\n',
    b'data: {"choices":\r[{"delta":{"content":"b"}}]}\n\n',
    b'data: {"id":5,"choices":[{"delta":{"content":"c"}}]}\n\n',
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
    DONE + sse(chunk({"content": "Hi"})),
]
EVENTS: list[bytes] = [
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
    claude({"type": "ping"}, DELTAS["anthropic"][1]),
    claude(DELTAS["anthropic"][1]).replace(b"\n", b"\r\n"),
    sse(DELTAS["anthropic"][1]),
]
FAULTS = {
    "not JSON": b"data: nope\n\n",
    "two lines, and not JSON": b"data: no\ndata: pe\n\n",
    "an error": sse({"type": "error", "error": {"message": "no", "type": "api_error", "code": 503}}),
    "the end": b"",
}


@for_all(
    ("fault", FAULTS),
    (
        ("kind", "start", "odd"),
        [
            *(("openai", b"", odd) for odd in CHUNKS),
            *(("anthropic", b"", odd) for odd in EVENTS),
            *(("anthropic", DELTAS["anthropic"][0], odd) for odd in EVENTS),
        ],
    ),
)
def test_an_odd_event_among_plain_ones_means_the_same_at_every_cut(
    kind: str, start: bytes, odd: bytes, fault: str
) -> None:
    plain = event(kind, json_text(DELTAS[kind][1]).encode())
    rest = plain + FAULTS[fault] + plain
    stream = start + plain * 2 + odd + plain * 3 + odd + rest
    literal = comparable(parse(kind, [stream[at : at + 1] for at in range(len(stream))], max_tool_calls=8))
    cuts = [
        [stream],
        [start, plain, plain, odd, plain * 3, odd, rest],
        [start + plain * 2 + odd + plain, plain * 2 + odd + plain, rest[len(plain) :]],
        [start + plain + plain[:-1], plain[-1:] + odd + plain * 3 + odd + rest],
        stream.splitlines(keepends=True),
    ]
    for pieces in cuts:
        assert b"".join(pieces) == stream
        assert comparable(parse(kind, pieces, max_tool_calls=8)) == literal


@for_all(("kind", DELTAS), ("odd", [
        b"data: %b\nid: 7\n\n", b"id: 7\ndata: %b\n\n", b"data:%b\n\n", b"data:  %b\n\n", b"data: %b\r\n\r\n",
        b": comment\n\ndata: %b\n\n", b"\n\n\ndata: %b\n\n", b"data: %b\n\n\n", b"retry: 5\n\ndata: %b\n\n",
        b"event: x\ndata: %b\n\n", b"data\ndata: %b\n\n", b"data: %b\ndata\n\n",
    ]))  # fmt: skip
def test_an_event_of_another_form_among_the_usual_ones_is_read_all_the_same(kind: str, odd: bytes) -> None:
    before, delta, after = DELTAS[kind]
    data = json.dumps(delta).encode()
    usual = event(kind, data)
    for pieces in (
        [before + usual + usual + odd % data + usual + odd % data + after],
        [before, usual, usual, odd % data, usual + odd % data, after],
    ):
        assert answer(kind, *pieces).text == "Hi" + "there" * 5


@pytest.mark.parametrize("kind", DELTAS)
@pytest.mark.parametrize(("opening", "inner", "closing"), [("[", "", "]"), ('{"a":', "0", "}")])
def test_a_delta_that_nests_too_deep_passes_the_limit_at_its_own_byte(
    kind: str, opening: str, inner: str, closing: str
) -> None:
    before, delta, after = DELTAS[kind]
    usual = event(kind, json.dumps(delta).encode())
    for levels, fits in ((19, True), (20, False), (300, False)):
        deep = json.loads(opening * levels + inner + closing * levels)
        odd = event(kind, json.dumps({"odd": deep, **delta}).encode())
        stream = before + usual + odd + usual + after
        for pieces in ([stream], [before, usual, odd, usual, after], [before, usual + odd, usual + after]):
            last = parse(kind, pieces, max_json_depth=20)[-1]
            if fits:
                assert isinstance(last, StreamComplete)
                continue
            error = failure([last])
            assert isinstance(error, LimitExceededError)
            assert (error.field, error.offset) == ("max_json_depth", len(before + usual))


@pytest.mark.parametrize("kind", DELTAS)
@pytest.mark.parametrize("at", [1, -1])
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_the_end_of_a_line_inside_an_events_json_cuts_it_as_any_line(kind: str, at: int, end: bytes) -> None:
    """As white space it would be valid JSON. As the end of a line, it begins a field with an unknown name."""
    before, delta, after = DELTAS[kind]
    usual = json.dumps(delta).encode()
    odd = usual[:at] + end + usual[at:]
    stream = before + event(kind, usual) + event(kind, odd) + event(kind, usual) + after
    error = failure(parse(kind, [stream]))
    assert type(error) is RemoteProtocolError
    assert error.offset == len(before + event(kind, usual))


@pytest.mark.parametrize("kind", DELTAS)
@pytest.mark.parametrize("odd", [b"id: 7\ndata: %b\n\n", b": comment\n\n", b"data: %b\ndata\n\n", b"\n"])
def test_a_fault_is_reported_at_its_own_byte_whatever_precedes_it(kind: str, odd: bytes) -> None:
    before, delta, _ = DELTAS[kind]
    data = json.dumps(delta).encode()
    usual = event(kind, data)
    odd = odd.replace(b"%b", data)
    fault = event(kind, b"{nope")
    for middle in itertools.product((usual, odd), repeat=4):
        sound = before + b"".join(middle)
        for pieces in (
            [sound + fault],
            [sound, fault],
            [before, *middle, fault],
            [sound[:-3], sound[-3:] + fault],
        ):
            assert failure(parse(kind, pieces)).offset == len(sound)


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("kind", DELTAS)
def test_each_record_that_means_something_is_progress(kind: str, record: bool) -> None:
    before, delta, _ = DELTAS[kind]
    usual = event(kind, json.dumps(delta).encode())
    parser = StreamParser(kind, record=record)
    parser.receive_data(before)
    first = parser.progress
    assert first == before.count(b"data: ")
    assert parser.receive_data(usual * 3) == [ContentDelta("there")] * 3
    assert parser.progress == first + 3
    parser.receive_data(b": ping\n\n\n\n" + usual + b"id: 7\n" + usual)
    assert parser.progress == first + 5
    parser.receive_data(b"data:\n\ndata:  \n\n")
    assert parser.progress == first + 5


@pytest.mark.parametrize("kind", DELTAS)
def test_a_parser_that_records_keeps_plain_events_too(kind: str) -> None:
    _, delta, _ = DELTAS[kind]
    parser = StreamParser(kind, record=True)
    for _ in range(3):
        parser.receive_data(event(kind, json.dumps(delta).encode()) * 2)
    assert parser.take_chunks() == [delta] * 6


@pytest.mark.parametrize("kind", DELTAS)
def test_a_plain_event_is_held_to_the_limit_of_events_too(kind: str) -> None:
    plain = event(kind, json.dumps(DELTAS[kind][1]).encode())
    limit = len(plain)
    longer = plain.replace(b"there", b"t" * limit)
    error = failure(parse(kind, [plain, plain, plain + longer], max_event_bytes=limit))
    assert (error.field, error.offset) == ("max_event_bytes", 3 * len(plain))
    assert error.partial is not None
    assert error.partial.text == "there" * 3
    assert isinstance(failure(parse(kind, [plain] * 9, max_event_bytes=limit)), StreamTruncatedError)


def test_bytes_behind_the_end_of_an_answer_do_not_count_towards_its_limit() -> None:
    stream = sse(chunk({"content": "Hi"}, "stop")) + DONE
    for rest in (b"x", b"\n", stream, b": wait\n\n" * 100):
        assert answer("openai", stream + rest, max_answer_bytes=len(stream)).text == "Hi"
        assert answer("openai", stream, rest, max_answer_bytes=len(stream)).text == "Hi"


# An application's wire, made of the public building blocks.


class Words(AnswerReader):
    """Each frame is a word; `end` ends the answer, and `reason` allows its end."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._text = self._answer.open(TextPart)

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        if data == b"end":
            self._answer.raw_finish_reason = "done"
            return True
        if data == b"reason":
            self._answer.raw_finish_reason = "done"
            return False
        self.progress += 1
        self._answer.add(self._text, data.decode(), events)
        return False

    def receive_whole(self, data: JSONObject) -> None:
        self._answer.add(self._text, str(data["words"]), [])


class WordsDialect(Dialect):
    """The part of a dialect that a parser needs."""

    TYPE = "words"
    API = "words"
    FINISH_REASONS = {"done": FinishReason.STOP}  # noqa: RUF012  # a class variable of the base

    def build_endpoint(self, stream: bool = False) -> str:
        return self.config.base_url

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        return {}

    def open_stream(self) -> Words:
        return Words(self)


def test_a_reader_of_an_application_is_called_for_each_frame_at_any_cut() -> None:
    stream = b"data: a\n\ndata: b\n\n: wait\n\ndata: c\n\ndata: end\n\ndata: d\n\n"
    whole = Message(
        Role.ASSISTANT,
        "abc",
        finish_reason=FinishReason.STOP,
        raw_finish_reason="done",
        origin="words/words",
    )
    for pieces in ([stream], [stream[:9], stream[9:]], [stream[at : at + 1] for at in range(len(stream))]):
        parser = StreamParser(WordsDialect())
        *deltas, last = [event for piece in pieces for event in parser.receive_data(piece)]
        assert deltas == [ContentDelta("a"), ContentDelta("b"), ContentDelta("c")]
        assert last == StreamComplete(whole)
        assert parser.progress == 3


def test_a_reader_of_an_application_has_the_usual_end_of_its_stream() -> None:
    for frames in (b"data: a\n\ndata: b\n\n", b""):
        parser = StreamParser(WordsDialect())
        parser.receive_data(frames)
        assert isinstance(failure(parser.receive_eof()), StreamTruncatedError)
    parser = StreamParser(WordsDialect())
    parser.receive_data(b"data: a\n\ndata: reason\n\n")
    assert isinstance(parser.receive_eof()[0], StreamComplete)


def test_a_reader_of_an_application_reads_whole_answers_and_folds_long_ones() -> None:
    assert WordsDialect().parse_response({"words": "a b"}).text == "a b"
    parser = StreamParser(WordsDialect())
    events = [event for _ in range(20_000) for event in parser.receive_data(b"data: a word\n\n")]
    [last] = parser.receive_data(b"data: end\n\n")
    assert len(events) == 20_000
    assert isinstance(last, StreamComplete)
    assert last.message.text == "a word" * 20_000


class OpenWords(Words):
    """Words whose end is refused."""

    def _flush(self, events: list[StreamEvent]) -> None:
        raise RemoteProtocolError("the last word is cut")


def test_a_reader_that_cannot_end_what_is_open_leaves_it_out_of_partial() -> None:
    class OpenWordsDialect(WordsDialect):
        def open_stream(self) -> OpenWords:
            return OpenWords(self)

    parser = StreamParser(OpenWordsDialect())
    parser.receive_data(b"data: a\n\n")
    error = failure(parser.receive_eof())
    assert error.partial is not None
    assert error.partial.text == "a"


WORDS = ("a ", "b ", "日本 ") * 8
SAID = "".join(WORDS)
PIECES = ('{"x":"', *WORDS, '"}')
SPOKEN: dict[str, tuple[Sequence[StreamEvent], str | tuple[Part, ...]]] = {
    "text": ([ContentDelta(word) for word in WORDS], SAID),
    "reasoning": ([ReasoningDelta(word) for word in WORDS], (ReasoningPart(SAID),)),
    "arguments": (
        [ToolCallStarted(0, "call_1", "f"), *(ToolCallDelta(0, piece) for piece in PIECES)],
        (ToolCall("call_1", "f", {"x": SAID}, "".join(PIECES)),),
    ),
    "input": (
        [
            ToolCallStarted(0, "call_1", "f", kind="custom"),
            *(ToolCallDelta(0, word) for word in WORDS),
        ],
        (ToolCall("call_1", "f", {"input": SAID}, SAID, "custom"),),
    ),
}
IN_ONE_PIECE = ("google", "ollama/ollama")
"""Their calls arrive whole."""
FEW = 16
"""Python and C calls; a delta that takes no short way needs at least twice as many."""
FRAMED = {"bedrock": 24, "bedrock/invoke": 30}
"""The same with a binary frame and its two checksums, and with the chunk in it."""


@for_all(
    (
        "kind",
        (
            *("openai", "anthropic", "openai/responses", "bedrock", "bedrock/invoke"),
            *("google", "ollama/ollama", "cohere"),
        ),
    ),
    ("of", SPOKEN),
)
def test_most_deltas_take_few_calls(kind: str, of: str) -> None:
    if (of == "input" and kind != "openai/responses") or (of == "arguments" and kind in IN_ONE_PIECE):
        return
    deltas, content = SPOKEN[of]
    finish = FinishReason.TOOL_CALLS if of in ("arguments", "input") else FinishReason.STOP
    parser = StreamParser(kind)
    message = Message(Role.ASSISTANT, content, finish_reason=finish)
    frames = encode_events(kind, [*deltas, StreamComplete(message)])
    counted = [calls_made(partial(parser.receive_data, frame)) for frame in frames]
    parser.receive_eof()
    assert parser.finished
    few = [calls for calls in counted if calls <= FRAMED.get(kind, FEW)]
    assert len(few) >= len(WORDS) - 2
