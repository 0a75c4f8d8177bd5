"""The error for each fault of a peer: its kind, the limit's field, and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

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
    StreamTruncatedError,
    decode_object,
)
from sansio.framing import SSEFailed
from sansio.http.coding import ContentDecoder
from tests.sansio.exchanges import HI, JSON_HEAD, SSE_HEAD, call
from tests.sansio.wires import chunk, claude, failure, parse, read, sse, tool_chunk

Fault = Callable[[], ProviderError]


def exchanged(*pieces: bytes, limit: int = 200) -> Fault:
    """The error of an HTTP exchange for these bytes and their end."""

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
    """The error of a call without retries for these inputs."""

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


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
TOOL_BLOCK = {"type": "content_block_start", "content_block": {"type": "tool_use", "id": 1}}

MALFORMED: list[tuple[str, Fault]] = [
    ("HTTP/1.x", exchanged(b"SSH-2.0")),
    ("malformed HTTP", exchanged(OK + b"no colon\r\n\r\n")),
    ("switched protocols", exchanged(b"HTTP/1.1 101 Switching\r\n\r\n")),
    ("text/html", received(Head(200, (("content-type", "text/html"),)), End())),
    ("' br'", received(Head(200, (("content-encoding", " br"),)))),
    ("decompressed", raised(lambda: list(ContentDecoder("gzip").decode(b"junk")))),
    ("unknown shape", raised(lambda: decode_object("[]"))),
    ("unknown shape", raised(lambda: read("openai", {"choices": 5}))),
    ("malformed JSON", raised(lambda: decode_object("{"))),
    ("recursion", raised(lambda: decode_object('{"a":' * 50_000 + "1" + "}" * 50_000, 100_000))),
    ("no choice", raised(lambda: read("openai", {"choices": []}))),
    ("no content", raised(lambda: read("anthropic", {"id": "msg_1"}))),
    ("tool_use", parsed(claude(TOOL_BLOCK), "anthropic")),
]


@pytest.mark.parametrize(("word", "fault"), MALFORMED)
def test_what_is_malformed_points_to_the_address(word: str, fault: Fault) -> None:
    error = fault()
    assert type(error) is RemoteProtocolError
    assert word in error.message
    assert "base_url" in error.advice()


LIMITS: list[tuple[int, str, Fault]] = [
    (9, "max_header_bytes", exchanged(OK, limit=9)),
    (60, "max_header_bytes", exchanged(CHUNKED + b"5;" + b"x" * 99, limit=60)),
    (9, "max_header_bytes", received(Head(200, (("x", "123456789"),)), max_header_bytes=9)),
    (10, "max_event_bytes", framed(b"data: 12345")),
    (10, "max_event_bytes", framed(b"data: 123\n" * 3)),
    (20, "max_answer_bytes", parsed(sse({"x": "123456789012345"}), max_answer_bytes=20)),
    (20, "max_answer_bytes", received(JSON_HEAD, Body(b" " * 21), max_answer_bytes=20)),
    (2, "max_json_depth", raised(lambda: decode_object('{"a":[[]]}', 2))),
    (
        1,
        "max_tool_calls",
        parsed(sse(tool_chunk("{}", name="f"), tool_chunk("{}", name="g", index=1)), max_tool_calls=1),
    ),
]


@pytest.mark.parametrize(("limit", "field", "fault"), LIMITS)
def test_an_exceeded_limit_is_named_with_its_value_and_the_field_to_raise(
    limit: int, field: str, fault: Fault
) -> None:
    error = fault()
    assert type(error) is LimitExceededError
    assert error.field == field
    assert str(limit) in error.message
    assert f"limits.{field}" in error.advice()


BROKEN: list[tuple[str, type[ProviderError], Fault]] = [
    ("before it answered", APIConnectionError, exchanged(OK)),
    ("inside its answer", APIConnectionError, exchanged(CHUNKED + b"5\r\nhel")),
    ("end marker", StreamTruncatedError, parsed(HI)),
    ("inside an event", StreamTruncatedError, parsed(HI + b'data: {"cho')),
    ("reset", StreamTruncatedError, received(SSE_HEAD, Body(HI), Lost(APIConnectionError("reset")))),
    (
        "compressed",
        StreamTruncatedError,
        received(Head(200, (*JSON_HEAD.headers, ("content-encoding", "gzip"))), End()),
    ),
    ("finish reason 'error'", InternalServerError, parsed(sse(chunk({}, "error")))),
]


@pytest.mark.parametrize(("word", "kind", "fault"), BROKEN)
def test_a_truncation_says_where(word: str, kind: type[ProviderError], fault: Fault) -> None:
    error = fault()
    assert type(error) is kind
    assert word in error.message
