"""What is said of each thing that a peer can do wrong, word for word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sansio.dialects import dialect_named

from sansio import (
    APIConnectionError,
    Body,
    End,
    Head,
    HTTPExchange,
    InternalServerError,
    LimitExceededError,
    Lost,
    ProviderError,
    RemoteProtocolError,
    Request,
    SSEDecoder,
    SSEFailed,
    StreamTruncatedError,
)
from sansio.http.coding import ContentDecoder
from sansio.jsontext import JSONObject, decode_object
from tests.sansio.exchanges import HI, JSON_HEAD, SSE_HEAD, call
from tests.sansio.texts import is_said
from tests.sansio.wires import (
    DONE,
    Record,
    answer,
    chunk,
    claude,
    completion,
    failure,
    parse,
    sse,
    tool_chunk,
)

Fault = Callable[[], ProviderError]


def exchanged(*pieces: bytes, limit: int = 200) -> Fault:
    """What an HTTP exchange says of these bytes and their end."""

    def fault() -> ProviderError:
        request = Request.post("http://h", (("upgrade", "websocket"),), b"")
        machine = HTTPExchange(request, max_header_bytes=limit)
        inputs = [item for piece in pieces for item in machine.receive_data(piece)] + machine.receive_eof()
        lost = inputs[-1]
        assert isinstance(lost, Lost)
        return lost.error

    return fault


def parsed(stream: bytes, kind: str = "openai", **limits: Any) -> Fault:
    return lambda: failure(parse(kind, [stream], **limits))


def received(*inputs: Head | Body | End | Lost, stream: bool = True, **limits: Any) -> Fault:
    """What a call without retries says of these inputs."""

    def fault() -> ProviderError:
        subject = call("openai", stream=stream, max_attempts=1, limits=limits)
        subject.next_step()
        return failure([event for value in inputs for event in subject.receive(value)])

    return fault


def raised(deed: Callable[[], object]) -> Fault:
    def fault() -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            deed()
        return caught.value

    return fault


def framed(stream: bytes) -> Fault:
    def fault() -> ProviderError:
        failed = SSEDecoder(max_event_bytes=10).receive_data(stream)[-1]
        assert isinstance(failed, SSEFailed)
        return failed.error

    return fault


def read(kind: str, data: JSONObject) -> Fault:
    return raised(lambda: dialect_named(kind).parse_response(data))


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
TOOL_BLOCK = {"type": "content_block_start", "content_block": {"type": "tool_use", "id": 1}}

MALFORMED: list[tuple[str, Fault]] = [
    ("the server's answer is not HTTP/1.x", exchanged(b"SSH-2.0")),
    ("malformed HTTP: <why>", exchanged(OK + b"no colon\r\n\r\n")),
    ("malformed HTTP: the server switched protocols", exchanged(b"HTTP/1.1 101 Switching\r\n\r\n")),
    (
        "the server answered with a web page (text/html), not as an API",
        received(Head(200, (("content-type", "text/html"),))),
    ),
    (
        "the body is encoded as ' br', which was not asked for",
        received(Head(200, (("content-encoding", " br"),))),
    ),
    (
        "the body is corrupt: it cannot be decompressed",
        raised(lambda: list(ContentDecoder("gzip").decode(b"junk"))),
    ),
    ("JSON of an unknown shape: <why>", raised(lambda: decode_object("[]"))),
    ("JSON of an unknown shape: <why>", read("openai", {"choices": 5})),
    ("malformed JSON: <why>", raised(lambda: decode_object("{"))),
    (
        "JSON nests deeper than Python's recursion limit allows",
        raised(lambda: decode_object('{"a":' * 50_000 + "1" + "}" * 50_000, 100_000)),
    ),
    ("the response holds no choice, so no answer", read("openai", {"choices": []})),
    ("the response holds no content, so no answer", read("anthropic", {"id": "msg_1"})),
    ("a tool_use block whose id or name is no text", parsed(claude(TOOL_BLOCK), "anthropic")),
]


@pytest.mark.parametrize(("text", "fault"), MALFORMED, ids=[text for text, _ in MALFORMED])
def test_what_is_malformed_is_told_in_these_words(text: str, fault: Fault) -> None:
    error = fault()
    assert type(error) is RemoteProtocolError
    assert is_said(text, error.message), error.message
    assert error.advice() == (
        "Check that base_url names this kind of provider and that no proxy rewrites its answers."
    )


LIMITS: list[tuple[str, str, Fault]] = [
    ("the heads of the response are longer than 9 bytes", "max_header_bytes", exchanged(OK, limit=9)),
    (
        "a chunk's size line, or the trailers, are longer than 60 bytes",
        "max_header_bytes",
        exchanged(CHUNKED + b"5;" + b"x" * 99, limit=60),
    ),
    (
        "the head of the response is longer than 9 bytes",
        "max_header_bytes",
        received(Head(200, (("x", "123456789"),)), max_header_bytes=9),
    ),
    ("a line of the event stream is longer than 10 bytes", "max_event_bytes", framed(b"data: 12345")),
    ("an event of the event stream is longer than 10 bytes", "max_event_bytes", framed(b"data: 123\n" * 3)),
    (
        "the answer is longer than 20 bytes",
        "max_answer_bytes",
        parsed(sse({"x": "123456789012345"}), max_answer_bytes=20),
    ),
    (
        "the answer is longer than 20 bytes",
        "max_answer_bytes",
        received(JSON_HEAD, Body(b" " * 21), max_answer_bytes=20),
    ),
    ("JSON nests deeper than 2 levels", "max_json_depth", raised(lambda: decode_object('{"a":[[]]}', 2))),
    (
        "the answer has more than 1 tool calls",
        "max_tool_calls",
        parsed(sse(tool_chunk("{}", name="f"), tool_chunk("{}", name="g", index=1)), max_tool_calls=1),
    ),
]


@pytest.mark.parametrize(("text", "field", "fault"), LIMITS, ids=[text for text, _, _ in LIMITS])
def test_a_limit_that_is_passed_is_told_in_these_words(text: str, field: str, fault: Fault) -> None:
    error = fault()
    assert type(error) is LimitExceededError
    assert (error.message, error.field) == (text, field)
    assert error.advice() == f"If such answers are expected, raise limits.{field} in the config."


BROKEN: list[tuple[str, type[ProviderError], Fault]] = [
    (
        "the server closed the connection before it answered",
        APIConnectionError,
        exchanged(OK),
    ),
    (
        "the server closed the connection inside its answer",
        APIConnectionError,
        exchanged(CHUNKED + b"5\r\nhel"),
    ),
    ("the stream ended without its end marker", StreamTruncatedError, parsed(HI)),
    ("the stream ended inside an event", StreamTruncatedError, parsed(HI + b'data: {"cho')),
    (
        "the connection was lost inside the answer: reset",
        StreamTruncatedError,
        received(SSE_HEAD, Body(HI), Lost(APIConnectionError("reset"))),
    ),
    (
        "the compressed body broke off",
        StreamTruncatedError,
        received(Head(200, (*JSON_HEAD.headers, ("content-encoding", "gzip"))), End()),
    ),
    (
        "the provider broke off the answer with the finish reason 'error' and no explanation",
        InternalServerError,
        parsed(sse(chunk({}, "error"))),
    ),
]


@pytest.mark.parametrize(("text", "kind", "fault"), BROKEN, ids=[text for text, _, _ in BROKEN])
def test_what_broke_off_is_told_in_these_words(text: str, kind: type[ProviderError], fault: Fault) -> None:
    error = fault()
    assert type(error) is kind
    assert error.message == text


STATUS_TEXTS: list[tuple[int, str, str]] = [
    (429, "", "HTTP 429 with an empty body"),
    (502, " <b>Bad\n Gateway</b> ", "HTTP 502: <b>Bad Gateway</b>"),
    (500, "x" * 501, f"HTTP 500: {'x' * 500}"),
    (400, '{"error":{"message":"no","type":"odd"}}', "HTTP 400, odd: no"),
    (400, '{"error":{"message":"no","code":"odd"}}', "HTTP 400, odd: no"),
    (400, '{"error":{"message":"no","code":5}}', "HTTP 400: no"),
    (400, '{"error":"no"}', "HTTP 400: no"),
    (400, '{"error":{}}', "HTTP 400: the provider gave no message"),
    (200, '{"error":{"message":"no","code":503}}', "an error inside the answer, as HTTP 503: no"),
    (200, '{"error":{"message":"no","type":"odd"}}', "an error inside the answer, odd: no"),
]


@pytest.mark.parametrize(("status", "body", "text"), STATUS_TEXTS)
def test_a_status_is_told_in_these_words(status: int, body: str, text: str) -> None:
    assert dialect_named("openai").parse_error(status, (), body).message == text


CUT = sse(tool_chunk('{"a', id="a", name="f"))
CALLS: list[tuple[str, bytes | Record]] = [
    ("the arguments are no JSON object: malformed JSON: <why>", CUT + DONE),
    (
        "the answer was broken off before the call's arguments",
        sse(tool_chunk("", id="a", name="f"), chunk({}, "length")),
    ),
    ("the call has no name", sse(tool_chunk("{}", id="a")) + DONE),
]


@pytest.mark.parametrize(("text", "stream"), CALLS, ids=[text for text, _ in CALLS])
def test_why_a_call_is_invalid_is_told_in_these_words(text: str, stream: bytes) -> None:
    (invalid,) = answer("openai", stream).invalid_tool_calls
    assert is_said(text, invalid.reason)
    partial = failure(parse("openai", [CUT])).partial
    assert partial is not None
    assert [cut.reason for cut in partial.invalid_tool_calls] == [
        "the answer broke off before the call was complete"
    ]


def test_a_whole_answer_that_broke_off_by_its_finish_reason_is_an_error_too() -> None:
    error = read("openai", completion({"content": "H"}, "error"))()
    assert (error.status, error.error_type) == (500, "error")
    assert error.message.endswith("with the finish reason 'error' and no explanation")
