"""Machines that break a law are caught by the fuzz targets, each by name; and how a tape is read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec import json

from sansio import (
    APIConnectionError,
    APITimeoutError,
    AWSFramer,
    Body,
    Call,
    ContentDelta,
    End,
    Head,
    HTTPExchange,
    LimitExceededError,
    Lost,
    Message,
    NDJSONFramer,
    RemoteProtocolError,
    Role,
    ServerSentEvent,
    SSEDecoder,
    SSEFramer,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    ToolCall,
    ToolCallStarted,
    TransportError,
)
from sansio.framing import Read, SSEFailed
from sansio.framing.sse import SSEItem
from sansio.http import Input
from sansio.http.http2 import HTTP2Connection, HTTP2Exchange
from sansio.porting import LeftOut
from sansio.testing.eventstream import encode_frame
from sansio.testing.fuzz import TARGETS, seeds, targets
from sansio.testing.fuzz.resuming import uncut_and_resumed


def try_seeds(target: str) -> None:
    for seed in seeds(target):
        TARGETS[target](seed)


class LosesEvents(SSEDecoder):
    """Loses a part of what arrives in small pieces."""

    def receive_data(self, data: bytes) -> list[SSEItem]:
        items = super().receive_data(data)
        return items if len(data) > 8 else items[1:]


class GoesOn(SSEDecoder):
    """Gives an event after its failure."""

    def receive_eof(self) -> list[SSEItem]:
        failed = SSEFailed(LimitExceededError("too long", field="max_event_bytes"))
        return [failed, ServerSentEvent("message", "more")]


class LosesShortReads(SSEFramer):
    """Skips a part of what arrives in small pieces."""

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        return len(data) > 8 and super().feed(data, read, events)


class LosesShortLines(NDJSONFramer):
    """Skips a part of what arrives in small pieces."""

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        return len(data) > 3 and super().feed(data, read, events)


class ForgetsItsPlace(SSEFramer):
    """Gives every event the offset of the stream's beginning."""

    @property
    def offset(self) -> int:
        return 0


class LosesMessages(AWSFramer):
    """Skips a part of what arrives in small pieces."""

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        return len(data) > 9 and super().feed(data, read, events)


class LosesDeltas(StreamParser):
    """Loses a part of what arrives in small pieces."""

    def receive_data(self, data: bytes) -> list[StreamEvent]:
        events = super().receive_data(data)
        return events if len(data) > 8 else [event for event in events if isinstance(event, StreamComplete)]


class NeverEnds(StreamParser):
    """Gives its last event, but is not over."""

    @property
    def finished(self) -> bool:
        return False


class OtherHead(HTTPExchange):
    """Gives another status for what arrives in small pieces."""

    def receive_data(self, data: bytes) -> list[Input]:
        inputs = super().receive_data(data)
        if len(data) > 8:
            return inputs
        return [Head(599, value.headers) if isinstance(value, Head) else value for value in inputs]


class LosesBody(HTTPExchange):
    """Loses a part of what arrives in small pieces."""

    def receive_data(self, data: bytes) -> list[Input]:
        inputs = super().receive_data(data)
        return inputs if len(data) > 8 else [value for value in inputs if not isinstance(value, Body)]


class EndsTwice(HTTPExchange):
    """Ends again at the end of the connection."""

    def receive_eof(self) -> list[Input]:
        return [*super().receive_eof(), End()]


class EndsEarly(HTTPExchange):
    """Gives an end, and then a body."""

    def receive_eof(self) -> list[Input]:
        return [*super().receive_eof(), Body(b"more")]


class LosesTheRest(HTTP2Connection):
    """Reads the beginning of what arrives at once."""

    def receive_data(self, data: bytes) -> list[HTTP2Exchange]:
        return super().receive_data(data[:20])


class AnswersTooMuch(HTTP2Connection):
    """Sends much for each read."""

    def data_to_send(self) -> bytes:
        return super().data_to_send() + bytes(9_000)


@pytest.mark.parametrize(
    ("broken", "words"),
    [(LosesTheRest, "the cut changes the inputs"), (AnswersTooMuch, "many answers to few bytes")],
)
def test_http2_that_breaks_a_law_is_seen(broken: type, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sansio.http.http2.HTTP2Connection", broken)
    with pytest.raises(AssertionError, match=words):
        try_seeds("http2")


@pytest.mark.parametrize(
    ("target", "machine", "broken", "words"),
    [
        ("sse", "SSEDecoder", LosesEvents, "the cut changes the events"),
        ("sse", "SSEDecoder", GoesOn, "an item after the failure"),
        ("framer-sse", "SSEFramer", LosesShortReads, "read different data"),
        ("framer-sse", "SSEFramer", ForgetsItsPlace, "read different data"),
        ("ndjson", "NDJSONFramer", LosesShortLines, "the cut changes the frames"),
        ("aws", "AWSFramer", LosesMessages, "the cut changes the frames"),
        ("openai", "StreamParser", NeverEnds, "no end"),
        ("anthropic", "StreamParser", NeverEnds, "no end"),
        ("exchange", "HTTPExchange", OtherHead, "the cut changes the inputs"),
        ("exchange", "HTTPExchange", LosesBody, "the cut changes the inputs"),
        ("exchange", "HTTPExchange", EndsTwice, "not one end"),
        ("exchange", "HTTPExchange", EndsEarly, "something after the end"),
    ],
)
def test_a_machine_that_breaks_a_law_is_seen(
    target: str, machine: str, broken: type, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, machine, broken)
    with pytest.raises(AssertionError, match=words):
        try_seeds(target)


@pytest.mark.parametrize("target", ["openai", "anthropic"])
def test_a_parser_that_depends_on_the_cut_or_on_the_fast_path_is_seen(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "check_events", lambda events: [*events])
    monkeypatch.setattr(targets, "StreamParser", LosesDeltas)
    with pytest.raises(AssertionError, match="the cut changes the answer"):
        try_seeds(target)

    class LosesRecords(StreamParser):
        """Gives no deltas if it records."""

        def __init__(self, dialect: str, *, record: bool = False) -> None:
            super().__init__(dialect, record=record)
            self._record_all = record

        def receive_data(self, data: bytes) -> list[StreamEvent]:
            events = super().receive_data(data)
            return [event for event in events if not (self._record_all and isinstance(event, ContentDelta))]

    monkeypatch.setattr(targets, "StreamParser", LosesRecords)
    with pytest.raises(AssertionError, match="the fast path changes the answer"):
        try_seeds(target)


@pytest.mark.parametrize(
    "target", ["sse", "ndjson", "aws", "openai", "anthropic", "whole", "exchange", "http2"]
)
def test_a_cut_that_loses_bytes_is_seen(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lossy(data: bytes, size: int) -> Iterator[bytes]:
        yield data[: len(data) // 3]

    monkeypatch.setattr(targets, "pieces", lossy)
    with pytest.raises(AssertionError, match="the cut changes the"):
        try_seeds(target)


def test_heads_are_bounded_so_that_the_fuzzer_gets_past_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errors: list[object] = []

    class Noting(HTTPExchange):
        def receive_data(self, data: bytes) -> list[Input]:
            inputs = super().receive_data(data)
            errors.extend(type(value.error) for value in inputs if isinstance(value, Lost))
            return inputs

    monkeypatch.setattr(targets, "HTTPExchange", Noting)
    for size, limited in ((250, False), (350, True)):
        TARGETS["exchange"](b"\0HTTP/1.1 200 OK\r\n" + b"x: " + b"a" * (size - 24) + b"\r\n\r\n")
        assert (LimitExceededError in errors) is limited


OPENROUTER, STREAMED = 0, 1
MEDIA, PLAIN, CODING = 1, 0, 2
PLAIN_HEAD = Head(503, (("content-type", "application/json"), ("content-encoding", "")))
TAPE_HEAD = Head(503, (("content-type", "application/json"), ("content-encoding", "deflate")))


@pytest.mark.parametrize(
    ("codes", "inputs"),
    [
        ([0], [(APIConnectionError, False)]),
        ([1], [(APIConnectionError, True)]),
        ([2], [(APITimeoutError, False)]),
        ([3], [(APITimeoutError, True)]),
        ([22], [(APITimeoutError, False)]),
        ([36, MEDIA, CODING, 24], [TAPE_HEAD, End()]),
        ([36, MEDIA, CODING, 47], [TAPE_HEAD, End()]),
        ([36, MEDIA, CODING, 48, *range(48)], [TAPE_HEAD, Body(bytes(range(48)))]),
        ([36, MEDIA, PLAIN, 50, *range(50), 24], [PLAIN_HEAD, Body(bytes(range(50))), End()]),
        ([36, MEDIA, CODING, 23], [TAPE_HEAD, (APITimeoutError, True)]),
        ([36, MEDIA], [PLAIN_HEAD]),
    ],
)
def test_a_byte_of_a_tape_chooses_the_input(
    codes: list[int], inputs: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    receive = Call.receive

    def noting(call: Call, value: Input) -> list[StreamEvent]:
        if isinstance(value, Lost) and isinstance(value.error, TransportError):
            seen.append((type(value.error), value.error.reused))
        else:
            seen.append(value)
        return receive(call, value)

    monkeypatch.setattr(Call, "receive", noting)
    TARGETS["tape"](bytes([OPENROUTER, STREAMED, *codes]))
    assert seen[: len(inputs)] == inputs


@pytest.mark.parametrize(
    ("target", "whole", "broken"),
    [("sse", 0, 0), ("tape", 27, 6), ("whole", 68, 0), ("openai", 15, 3), ("anthropic", 15, 3)],
)
def test_seeds_lead_to_whole_answers_and_to_errors_behind_their_first_word(
    target: str, whole: int, broken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[object] = []
    check = targets.check_events

    def noting(events: list[StreamEvent]) -> object:
        last = events[-1]
        partial = last.error.partial if isinstance(last, StreamFailed) else None
        ends.append("whole" if isinstance(last, StreamComplete) else partial and partial.text)
        return check(events)

    monkeypatch.setattr(targets, "check_events", noting)
    try_seeds(target)
    assert (ends.count("whole"), ends.count("Hello, "), len(ends)) == (whole, broken, whole + broken)


def test_the_last_delta_is_among_what_must_be_equal() -> None:
    done = StreamComplete(Message(Role.ASSISTANT, "ab"))
    lost = StreamFailed(LimitExceededError("too long", field="max_answer_bytes"))
    for last in (done, lost):
        one = targets.check_events([ContentDelta("a"), ContentDelta("b"), last])
        assert one == targets.check_events([ContentDelta("a"), ContentDelta("b"), last])
        assert one != targets.check_events([ContentDelta("ab"), last])
    assert targets.check_events([lost]) != targets.check_events([ContentDelta("a"), lost])


def test_a_call_that_was_made_without_text_has_no_arguments_to_join() -> None:
    call = ToolCall("a", "f", {})
    targets.check_events([ToolCallStarted(0, "a", "f"), StreamComplete(Message(Role.ASSISTANT, (call,)))])


@pytest.mark.parametrize(("data", "fed"), [(b"", b""), (b"\x03", b""), (b"\x03data: a\n\n", b"data: a\n\n")])
def test_the_first_byte_is_a_cut_and_the_others_are_the_wire_s(
    data: bytes, fed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts: list[list[bytes]] = []

    class Noting(SSEDecoder):
        def __init__(self, *, max_event_bytes: int, dispatch_at_eof: bool) -> None:
            super().__init__(max_event_bytes=max_event_bytes, dispatch_at_eof=dispatch_at_eof)
            cuts.append([])

        def receive_data(self, data: bytes) -> list[SSEItem]:
            cuts[-1].append(data)
            return super().receive_data(data)

    monkeypatch.setattr(targets, "SSEDecoder", Noting)
    TARGETS["sse"](data)
    whole, cut = cuts[:2]
    assert b"".join(whole) == b"".join(cut) == fed
    assert all(len(piece) == 3 for piece in cut[:-1])
    assert len(whole) == 1


def test_messages_with_wrong_checksums_are_read_with_right_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[bytes] = []

    class Noting(AWSFramer):
        def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
            fed.append(data)
            return super().feed(data, read, events)

    monkeypatch.setattr(targets, "AWSFramer", Noting)
    whole = encode_frame({":event-type": "a"}, b"{}") + encode_frame({}) + b"rest"
    TARGETS["aws"](b"\xff" + whole.replace(b"{}", b"[]"))
    assert fed[0] == whole.replace(b"{}", b"[]")
    assert fed[-1] == encode_frame({":event-type": "a"}, b"[]") + encode_frame({}) + b"rest"


def test_seeds_are_of_their_target_s_wire() -> None:
    assert all(seed.startswith(b"\x05HTTP/1.") for seed in seeds("exchange"))
    assert not any(b"HTTP/1." in seed for seed in seeds("sse"))
    assert all(b"event: message_start" in seed for seed in seeds("anthropic"))
    assert all(b'"chat.completion.chunk"' in seed for seed in seeds("openai"))
    assert all(b'"candidates"' in seed for seed in seeds("gemini"))


@pytest.mark.parametrize(("data", "ends"), [(b"", 0), (b"\0\0\1", 0), (b"\0\0\1\0", 2), (b"\0\0\1\0{}", 2)])
def test_a_whole_response_begins_behind_four_bytes_that_say_what_it_is(
    data: bytes, ends: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[StreamEvent] = []
    monkeypatch.setattr(targets, "check_events", lambda events: seen.append(events[-1]))
    TARGETS["whole"](data)
    assert len(seen) == ends


def test_a_port_that_breaks_a_conversation_or_gives_no_reason_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = Message(Role.TOOL, "done", tool_call_id="a")
    for answer, words in (
        (([result], []), "what was ported is not a valid conversation"),
        (([Message(Role.USER, "x")], [LeftOut("TextPart", "")]), "a loss without a reason"),
    ):
        monkeypatch.setattr(targets, "port_history", lambda history, dialect, answer=answer: answer)
        with pytest.raises(AssertionError, match=words):
            try_seeds("port")


def event_frames(*records: object) -> bytes:
    return b"".join(b"data: %b\n\n" % json.encode(record) for record in records)


ITEM = {"type": "message", "id": "m", "role": "assistant"}
BEGUN = (
    {"type": "response.output_item.added", "item": {**ITEM, "content": []}},
    {"type": "response.output_text.delta", "delta": "Hel"},
)
CHANGED = {
    "type": "response.output_item.done",
    "item": {**ITEM, "content": [{"type": "output_text", "text": "Hallo"}]},
}
COMPLETED = {"type": "response.completed", "response": {"status": "completed", "output": []}}


@pytest.mark.parametrize(
    "rest", [b"data: {\n\n", b"data: []\n\n", b"data: \xff\n\n", b"data: " + b"x" * 3_000]
)
def test_frames_that_are_no_objects_are_left_out_of_what_is_resumed(rest: bytes) -> None:
    body = event_frames(*BEGUN, COMPLETED)
    for seed in (b"\0", b"\1\x80\2"):
        assert uncut_and_resumed(seed + body + rest)[1][:-1] == [ContentDelta("Hel")]
        TARGETS["resume"](seed + body + rest)


def test_a_rest_that_contradicts_what_was_given_is_no_broken_law() -> None:
    body = event_frames(*BEGUN, CHANGED, COMPLETED)
    ends = set()
    for place in range(0, 256, 16):
        data = bytes((1, place, 0)) + body
        TARGETS["resume"](data)
        ends.add(type(uncut_and_resumed(data)[1][-1]))
    assert ends == {StreamComplete, StreamFailed}


@pytest.mark.parametrize(("error", "words"), [
    (None, "a cut changes the answer"),
    (RemoteProtocolError("other"), "a cut changes the answer"),
    (RemoteProtocolError("it contradicts"), "events that the answer does not have"),
])  # fmt: skip
def test_a_resumed_stream_that_shows_its_cut_is_seen(
    error: RemoteProtocolError | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Message(Role.ASSISTANT, "b")
    last = StreamComplete(other) if error is None else StreamFailed(error.with_context(partial=other))
    uncut = [ContentDelta("a"), StreamComplete(Message(Role.ASSISTANT, "a"))]
    monkeypatch.setattr(targets, "uncut_and_resumed", lambda data: (uncut, [ContentDelta("b"), last]))
    with pytest.raises(AssertionError, match=words):
        TARGETS["resume"](b"")
