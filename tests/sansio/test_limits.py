"""The default limits, as the documentation gives them: an answer at each passes, and one above does not."""

from __future__ import annotations

import json

import pytest

from sansio import (
    APIStatusError,
    Body,
    End,
    Head,
    LimitExceededError,
    Limits,
    Lost,
    ProviderError,
    Request,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
)
from sansio.http import HTTPExchange
from tests.sansio.exchanges import call, run
from tests.sansio.wires import DONE, chunk, sse, tool_chunk

KIB, MIB = 1 << 10, 1 << 20


def error_of(events: list[StreamEvent]) -> ProviderError | None:
    return next((event.error for event in events if isinstance(event, StreamFailed)), None)


def passes(field: str, error: ProviderError | None) -> bool:
    """Whether nothing failed; what failed must have passed this limit."""
    assert error is None or (isinstance(error, LimitExceededError) and error.field == field)
    return error is None


@pytest.mark.parametrize("more", [0, 1])
def test_the_head_of_a_response_has_64_kib(more: int) -> None:
    start, end = b"HTTP/1.1 200 OK\r\nx: ", b"\r\n\r\n"
    head = start + b"a" * (64 * KIB + more - len(start) - len(end)) + end
    exchange = HTTPExchange(Request.post("http://localhost/v1", (), b"{}"))
    errors = [item.error for item in exchange.receive_data(head) if isinstance(item, Lost)]
    assert passes("max_header_bytes", errors[0] if errors else None) is not bool(more)


@pytest.mark.parametrize("more", [0, 1])
def test_a_line_of_a_stream_has_16_mib(more: int) -> None:
    events = StreamParser("openai").receive_data(b":" + b" " * (16 * MIB + more - 1) + b"\n\n")
    assert passes("max_event_bytes", error_of(events)) is not bool(more)


def test_an_answer_has_64_mib() -> None:
    parser = StreamParser("openai")
    comment = b":" + b"x" * (MIB - 2) + b"\n"
    for _ in range(64):
        assert parser.receive_data(comment) == []
    assert not passes("max_answer_bytes", error_of(parser.receive_data(b"\n")))


@pytest.mark.parametrize("more", [0, 1])
def test_of_an_error_64_kib_are_read(more: int) -> None:
    said = b'{"error": {"message": "no"}}'
    body = b" " * (64 * KIB + more - len(said)) + said
    events, _ = run(call("openai"), [Head(400), Body(body), End()])
    error = error_of(events)
    assert isinstance(error, APIStatusError)
    assert (error.provider_message == "no") is not bool(more)


@pytest.mark.parametrize("more", [0, 1])
def test_an_answer_has_1024_tool_calls(more: int) -> None:
    calls = [tool_chunk("{}", index=number, id=f"c{number}", name="f") for number in range(1_024 + more)]
    events = StreamParser("openai").receive_data(sse(*calls, chunk({}, "tool_calls")) + DONE)
    assert passes("max_tool_calls", error_of(events)) is not bool(more)
    assert isinstance(events[-1], StreamComplete) is not bool(more)


@pytest.mark.parametrize("more", [0, 1])
def test_json_nests_256_deep(more: int) -> None:
    depth = 256 + more - 1  # the record itself is one
    record = json.dumps(chunk({"content": "Hi"}))[:-1] + f', "new": {"[" * depth}{"]" * depth}}}'
    assert passes("max_json_depth", error_of(StreamParser("openai").receive_data(sse(record)))) is not bool(
        more
    )


def test_limits_are_given_by_name_never_change_and_show_what_differs() -> None:
    limits = Limits(max_tool_calls=5)
    assert repr(limits) == "Limits(max_tool_calls=5)"
    with pytest.raises(AttributeError):
        limits.max_tool_calls = 6  # type: ignore[misc]  # what is refused
    with pytest.raises(TypeError):
        Limits(5)  # type: ignore[call-arg]  # what is refused
