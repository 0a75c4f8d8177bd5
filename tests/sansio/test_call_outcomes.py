"""The table of outcomes, line by line, except the retries."""

from __future__ import annotations

import gzip
import json
import re
import zlib

import pytest

from sansio import (
    AuthenticationError,
    Body,
    ContentDelta,
    End,
    Head,
    LimitExceededError,
    Lost,
    ReasoningDelta,
    RemoteProtocolError,
    StreamComplete,
    StreamTruncatedError,
    ToolCallDelta,
    ToolCallStarted,
    replay,
)
from sansio.states import CallState
from sansio.steps import ChunkRecord
from tests.sansio.exchanges import (
    ENDS,
    GZIP,
    HI,
    JSON_HEAD,
    MALFORMED,
    OVERLOADED,
    RESET,
    SSE_HEAD,
    STALE,
    STOP,
    TIMEOUT,
    Input,
    call,
    run,
    sends,
    streamed,
    whole,
)
from tests.sansio.wires import (
    DONE,
    STREAMS,
    TYPES,
    WHOLES,
    check_agreement,
    completion,
    failure,
    json_text,
    sse,
)
from tests.support import every_split, for_all

# an error object inside a 200.


@for_all(
    ("exchange", [streamed(sse(OVERLOADED)), whole(OVERLOADED)]), ("stream", [True, False]), ("kind", TYPES)
)
def test_pain_03_an_error_inside_a_200_before_the_first_event_is_retried_by_its_own_kind(
    kind: str, stream: bool, exchange: list[Input]
) -> None:
    good = streamed(STREAMS[kind])
    events, steps = run(call(kind, stream=stream), exchange, exchange, good)
    assert sends(steps) == 3
    assert isinstance(events[-1], StreamComplete)


def test_pain_03_one_that_cannot_be_retried_fails_immediately() -> None:
    denied = {"error": {"message": "no", "code": 401}}
    for exchange in (streamed(sse(denied)), whole(denied)):
        events, steps = run(call("openai"), exchange)
        assert sends(steps) == 1
        assert type(failure(events)) is AuthenticationError


# malformed HTTP, SSE or JSON, or a limit passed, before the first event.

FAULTS: list[tuple[list[Input], str]] = [
    ([Lost(MALFORMED)], "no HTTP"),
    ([SSE_HEAD, Lost(MALFORMED)], "no HTTP"),
    ([JSON_HEAD, Lost(MALFORMED)], "no HTTP"),
    ([SSE_HEAD, Body(b"data: {nope\n\n")], "malformed JSON"),
    ([SSE_HEAD, Body(sse({"choices": 5}))], "unknown shape"),
    ([JSON_HEAD, Body(b"{nope"), End()], "malformed JSON"),
    ([JSON_HEAD, Body(b"[]"), End()], "unknown shape"),
    ([JSON_HEAD, Body(b'{"id": "x"}'), End()], "no choice"),
    ([Head(200, (("content-type", "text/html; charset=utf-8"),)), Body(b"<")], "web page"),
    ([Head(200, (("content-type", "text/html; charset=utf-8"),)), End()], "web page"),
    ([Head(200, (("content-encoding", "br"),))], "encoded as 'br'"),
    ([Head(200, (*SSE_HEAD.headers, ("content-encoding", "gzip"))), Body(b"no gzip")], "corrupt"),
    ([Head(200, (*JSON_HEAD.headers, ("content-encoding", "gzip"))), Body(b"no gzip")], "corrupt"),
]


@pytest.mark.parametrize(("exchange", "words"), FAULTS, ids=range(len(FAULTS)))
def test_what_is_malformed_fails_without_a_retry(exchange: list[Input], words: str) -> None:
    events, steps = run(call("openai"), exchange)
    assert sends(steps) == 1
    error = failure(events)
    assert type(error) is RemoteProtocolError
    assert words in str(error)
    assert "Check that base_url names this kind of provider" in str(error)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", TYPES)
def test_a_whole_answer_that_breaks_off_is_tried_again(kind: str, stream: bool) -> None:
    answer = WHOLES["anthropic" if kind == "anthropic" else "openai"]
    body = json.dumps(answer).encode()
    for size in (0, 1, len(body) // 2, len(body) - 1):
        cut: list[Input] = [JSON_HEAD, Body(body[:size]), End()]
        events, steps = run(call(kind, stream=stream), cut, whole(answer))
        assert sends(steps) == 2, size
        assert isinstance(events[-1], StreamComplete)


def test_a_response_without_a_body_is_an_answer_that_broke_off() -> None:
    nothing: list[Input] = [Head(204), End()]
    events, steps = run(call("openai", stream=False), nothing, nothing, nothing)
    assert sends(steps) == 3
    error = failure(events)
    assert type(error) is StreamTruncatedError
    assert "malformed JSON: the text is blank" in str(error)


LIMITS: list[tuple[str, list[Input]]] = [
    ("max_event_bytes", [SSE_HEAD, Body(b"data: " + b"x" * 300)]),
    ("max_answer_bytes", streamed(*[HI] * 3)[:-1]),
    ("max_answer_bytes", [JSON_HEAD, Body(b" " * 300)]),
    ("max_answer_bytes", [Head(200, (*JSON_HEAD.headers, ("content-encoding", "gzip"))),
                          Body(gzip.compress(b" " * 10**7))]),
    ("max_json_depth", [SSE_HEAD, Body(b"data: " + b"[" * 300 + b"\n\n")]),
    ("max_json_depth", [JSON_HEAD, Body(b"[" * 300), End()]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "exchange"), LIMITS, ids=range(len(LIMITS)))
def test_each_limit_fails_without_a_retry_and_names_its_field(field: str, exchange: list[Input]) -> None:
    events, steps = run(call("openai", limits={field: 200}), exchange)
    assert sends(steps) == 1
    error = failure(events)
    assert type(error) is LimitExceededError
    assert error.field == field
    assert f"raise limits.{field} in the config" in str(error)


def test_a_whole_answer_as_long_as_its_limit_passes() -> None:
    size = len(json.dumps(completion({"content": "Hi"})))
    subject = call("openai", limits={"max_answer_bytes": size})
    assert run(subject, whole(completion({"content": "Hi"})))
    assert subject.result().text == "Hi"


# after the first event.


@pytest.mark.parametrize(
    "end",
    [
        [End()],
        [Lost(RESET)],
        [Lost(TIMEOUT)],
        [Lost(STALE)],
        [Lost(MALFORMED)],
        [Body(b"data: {nope\n\n")],
        [Body(sse(OVERLOADED))],
        [Body(b"data: " + b"[" * 300 + b"\n\n")],
    ],
    ids=range(8),
)
def test_pain_08_nothing_is_tried_again_after_the_first_event(end: list[Input]) -> None:
    for exchange in ([SSE_HEAD, Body(HI), *end], [SSE_HEAD, Body(HI + b": comment\n\n"), *end]):
        subject = call("openai")
        events, steps = run(subject, exchange)
        assert sends(steps) == 1
        assert events[0] == ContentDelta("Hi")
        check_agreement(events)
        error = failure(events)
        assert error.partial is not None
        assert error.partial.text == "Hi"
        with pytest.raises(type(error), match=re.escape(str(error))):
            subject.result()


def test_pain_08_an_event_in_the_same_piece_as_its_fault_counts_as_handed_out() -> None:
    events, steps = run(call("openai"), [SSE_HEAD, Body(HI + sse(OVERLOADED))])
    assert sends(steps) == 1
    assert events[0] == ContentDelta("Hi")


def test_a_whole_call_hands_nothing_out_and_so_may_try_again() -> None:
    subject = call("openai", stream=False)
    events, steps = run(subject, [SSE_HEAD, Body(HI), End()], streamed(HI, HI, STOP))
    assert sends(steps) == 2
    assert [type(event) for event in events] == [StreamComplete]
    assert subject.result().text == "HiHi"


# `End` or `Lost` after a finish reason.


@pytest.mark.parametrize("end", ENDS, ids=range(4))
def test_the_end_after_a_finish_reason_is_complete(end: Input) -> None:
    subject = call("openai")
    events, _ = run(subject, [SSE_HEAD, Body(HI + STOP), end])
    assert events[0] == ContentDelta("Hi")
    assert subject.result().text == "Hi"


def test_pain_06_the_marker_ends_the_call_though_the_body_lingers() -> None:
    subject = call("openai")
    subject.next_step()
    subject.receive(SSE_HEAD)
    events = subject.receive(Body(HI + DONE))
    assert isinstance(events[-1], StreamComplete)
    assert not subject.wants_input
    for late in (Body(HI), End(), Lost(RESET), SSE_HEAD):
        assert subject.receive(late) == []
    assert subject.next_step() is None


# The response decides how it is read.


def test_a_whole_answer_to_a_streamed_call_comes_as_deltas() -> None:
    for kind in ("openai", "anthropic"):
        subject = call(kind)
        events, _ = run(subject, whole(WHOLES[kind]))
        assert events[:2] == [ReasoningDelta("Hm.", 0), ContentDelta("Two cities.", 1)]
        assert events[:-1] == replay(subject.result())
        check_agreement(events)
        assert subject.result().reasoning == "Hm."
    assert events[2:-1] == [ToolCallStarted(0, "toolu_1", "f", 2), ToolCallDelta(0, '{"a":1}')]


def test_a_whole_answer_without_text_gives_no_empty_deltas() -> None:
    call_delta = {"id": "a", "function": {"name": "f", "arguments": ""}}
    events, _ = run(call("openai"), whole(completion({"content": None, "tool_calls": [call_delta]})))
    assert events[:-1] == [ToolCallStarted(0, "a", "f")]


@pytest.mark.parametrize(
    ("content_type", "stream", "is_stream"),
    [
        ("text/event-stream; charset=utf-8", True, True),
        ("Text/Event-Stream", False, True),
        ("application/json; charset=utf-8", True, False),
        ("application/problem+json", True, False),
        ("text/plain", True, True),
        ("text/plain", False, False),
        (None, True, True),
        (None, False, False),
    ],
)
def test_the_content_type_decides_or_else_what_was_requested(
    content_type: str | None, stream: bool, is_stream: bool
) -> None:
    subject = call("openai", stream=stream)
    subject.next_step()
    subject.receive(Head(200, () if content_type is None else (("content-type", content_type),)))
    assert subject.state is (CallState.STREAM if is_stream else CallState.WHOLE)


OTHER_TYPES = ["application/json", "text/html", "text/plain", "application/octet-stream", None,
               "application/x-ndjson", "application/vnd.amazon.eventstream"]  # fmt: skip
STARTS = [b"", b"\xef\xbb\xbf", b"\n\n", b": ping\n\n", b"event: message\n", b"id: 5\n", b"retry: 5\n"]


def typed(content_type: str | None) -> Head:
    return Head(200, () if content_type is None else (("content-type", content_type),))


@for_all(("start", STARTS), ("content_type", OTHER_TYPES), ("stream", [True, False]))
def test_server_sent_events_are_recognised_by_their_first_bytes(
    content_type: str | None, stream: bool, start: bytes
) -> None:
    """Gateways send them under any type, and some to a call that asked for a whole answer."""
    body = start + HI + STOP + b"data: [DONE]\n\n"
    for pieces in ([body], [body[at : at + 1] for at in range(len(body))]):
        subject = call("openai", stream=stream, record=True)
        inputs: list[Input] = [*map(Body, pieces), End()]
        events, _ = run(subject, [typed(content_type), *inputs])
        assert subject.result().text == "Hi"
        assert [event for event in events if isinstance(event, ContentDelta)] == [ContentDelta("Hi")] * stream
        assert sum(isinstance(record, ChunkRecord) for record in subject.take_records()) == 3


@for_all(
    ("content_type", ["application/json", "application/problem+json", None]),
    ("body", [b" " * 9 + b"{", b"\xef\xbb\xbf[", b"da", b"data", b"\xef\xbb", b"   ", b""]),
)
def test_what_does_not_begin_like_events_is_json_or_is_not(content_type: str | None, body: bytes) -> None:
    for pieces in every_split(body):
        subject = call("openai", stream=False, max_attempts=1)
        events, _ = run(subject, [typed(content_type), *map(Body, pieces), End()])
        assert "JSON" in failure(events).message


def test_spaces_that_keep_a_connection_open_are_looked_at_once() -> None:
    subject = call("openai", stream=False)
    body = json_text(completion({"content": "Hi"})).encode()
    spaces = [Body(b" \n")] * 50_000
    run(subject, [JSON_HEAD, *spaces, Body(body[:3]), Body(body[3:]), End()])
    assert subject.result().text == "Hi"


@pytest.mark.parametrize("status", [200, 201, 299])
def test_any_status_of_success_is_one(status: int) -> None:
    subject = call("openai")
    run(subject, whole(completion({"content": "Hi"}), status))
    assert subject.result().text == "Hi"


def test_an_informational_head_is_passed_over() -> None:
    subject = call("openai")
    run(subject, [Head(100), Head(103), *streamed(HI, DONE)])
    assert subject.result().text == "Hi"


def test_a_byte_order_mark_before_whole_json_is_no_fault() -> None:
    subject = call("openai", stream=False)
    run(
        subject,
        [JSON_HEAD, Body(b"\xef\xbb\xbf" + json.dumps(completion({"content": "Hi"})).encode()), End()],
    )
    assert subject.result().text == "Hi"


def test_compressed_answers_are_decoded_at_every_cut() -> None:
    data = gzip.compress(HI + STOP)
    for pieces in every_split(data):
        subject = call("openai")
        events, _ = run(subject, [Head(200, (*SSE_HEAD.headers, GZIP)), *map(Body, pieces), End()])
        assert events[0] == ContentDelta("Hi")
        assert subject.result().text == "Hi"
    packed = zlib.compress(json.dumps(completion({"content": "Hi"})).encode())
    subject = call("openai")
    run(subject, [Head(200, (*JSON_HEAD.headers, ("content-encoding", "deflate"))), Body(packed), End()])
    assert subject.result().text == "Hi"
    packed = gzip.compress(b'{"error": {"message": "no"}}')
    events, _ = run(call("openai"), [Head(400, (GZIP,)), Body(packed), End()])
    assert failure(events).provider_message == "no"


def test_a_compressed_whole_answer_that_breaks_off_is_truncated() -> None:
    packed = gzip.compress(json.dumps(completion({"content": "Hi"})).encode())
    head = Head(200, (*JSON_HEAD.headers, GZIP))
    cut: list[Input] = [head, Body(packed[:-4]), End()]
    events, steps = run(call("openai"), cut, cut, cut)
    assert sends(steps) == 3
    assert "compressed body" in str(failure(events))


def test_a_corrupt_stream_gives_what_came_before_the_fault() -> None:
    packer = zlib.compressobj(wbits=31)
    data = packer.compress(HI) + packer.flush(zlib.Z_SYNC_FLUSH) + b"\xff\xff\xff\xff"
    events, _ = run(call("openai"), [Head(200, (*SSE_HEAD.headers, GZIP)), Body(data)])
    assert events[0] == ContentDelta("Hi")
    error = failure(events)
    assert "corrupt" in str(error)
    assert error.partial is not None
    assert error.partial.text == "Hi"


def test_a_head_longer_than_its_limit_fails_whatever_transport_gave_it() -> None:
    head = Head(200, (("content-type", "text/event-stream"), ("x-long", "a" * 500)))
    events, _ = run(call("openai", limits={"max_header_bytes": 400}), [head])
    error = failure(events)
    assert type(error) is LimitExceededError
    assert error.field == "max_header_bytes"


def test_header_names_count_in_any_case() -> None:
    head = Head(200, (("Content-Type", "application/json"),))
    answer = b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}'
    events, _ = run(call("openai"), [head, Body(answer), End()])
    assert isinstance(events[-1], StreamComplete)


STREAM_TYPES = (
    "text/event-stream",
    "application/x-ndjson",
    "application/jsonl",
    "application/x-jsonl",
    "application/vnd.amazon.eventstream",
)
"""Media types of streams: WHATWG's, three names of JSON lines, and AWS's."""


@for_all(("media", [*STREAM_TYPES, "Text/Event-Stream; charset=utf-8"]), ("stream", [True, False]))
def test_a_type_of_a_stream_is_read_as_a_stream_whatever_was_requested(media: str, stream: bool) -> None:
    subject = call("openai", stream=stream)
    subject.next_step()
    subject.receive(Head(200, (("content-type", media),)))
    subject.receive(Body(b"{"))
    assert subject.state is CallState.STREAM


@for_all(
    (
        "media",
        [
            "application/json",
            "application/problem+json",
            "application/vnd.x+json; charset=utf-8",
            "APPLICATION/JSON",
        ],
    ),
    ("stream", [True, False]),
    ("head", [b"{", b" \n {"]),
)
def test_a_type_of_json_is_read_as_a_whole_answer_whatever_was_requested(
    media: str, stream: bool, head: bytes
) -> None:
    subject = call("openai", stream=stream)
    subject.next_step()
    subject.receive(Head(200, (("content-type", media),)))
    subject.receive(Body(head))
    assert subject.state is CallState.WHOLE


@for_all(
    ("media", ["", "text/plain", "application/octet-stream", "application/json-seq"]),
    ("stream", [True, False]),
)
def test_an_unknown_type_is_read_as_it_was_requested(media: str, stream: bool) -> None:
    subject = call("openai", stream=stream)
    subject.next_step()
    subject.receive(Head(200, (("content-type", media),) if media else ()))
    subject.receive(Body(b"{"))
    assert subject.state is (CallState.STREAM if stream else CallState.WHOLE)


LINES = (
    b'{"model":"m","message":{"role":"assistant","content":"Hi"},"done":false}\n'
    b'{"model":"m","message":{"role":"assistant","content":"!"},"done":true,"done_reason":"stop"}\n'
)


@for_all(
    ("media", ["application/x-ndjson", "application/jsonl", "application/x-jsonl"]),
    ("stream", [True, False]),
    ("before", [b"", b" \n"]),
)
def test_lines_of_json_are_read_by_their_type_whatever_was_requested(
    media: str, stream: bool, before: bytes
) -> None:
    subject = call("ollama", api="ollama", stream=stream)
    pieces: list[Input] = [Body(before)] if before else []
    events, _ = run(subject, [Head(200, (("content-type", media),)), *pieces, Body(LINES), End()])
    assert [event.text for event in events if isinstance(event, ContentDelta)] == (
        ["Hi", "!"] if stream else []
    )
    assert subject.result().text == "Hi!"


@for_all(("kind", TYPES), ("stream", [True, False]), ("answered", ["whole", "streamed"]))
def test_deltas_are_given_if_they_are_wanted_however_the_server_answers(
    kind: str, stream: bool, answered: str
) -> None:
    answer = WHOLES["anthropic" if kind == "anthropic" else "openai"]
    exchange = whole(answer) if answered == "whole" else streamed(STREAMS[kind])
    events, _ = run(call(kind, stream=stream), exchange)
    last = events[-1]
    assert isinstance(last, StreamComplete)
    assert len(events) == 1 or stream
    if stream:
        assert "".join(event.text for event in events if isinstance(event, ContentDelta)) == last.message.text
        assert len(events) > 1
