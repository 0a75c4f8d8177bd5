"""The bytes and pauses of faults on the wire: exactly what is wrong, while everything else is right."""

from __future__ import annotations

from itertools import islice

import pytest

from sansio import HTTPExchange, Request
from sansio.testing import Answer, Broken, Ending, FakeConnection, FakeProvider, FakeResponse
from sansio.testing.faults import (
    FAULTS,
    Action,
    Close,
    Deliver,
    FaultyProvider,
    Pause,
    Reset,
    Stall,
    find_fault,
)
from tests.sansio.testing.asking import body_for, request_for, split

SAID = Answer(text="One two three four.")
WHOLE = request_for("openai")
STREAM = request_for("openai", body_for("openai", stream=True))
EVENTS = FakeProvider("openai", [SAID]).respond(STREAM).pieces
BOTH = pytest.mark.parametrize("request_", [STREAM, WHOLE], ids=["stream", "whole"])


def act(name: str, request: Request, response: Answer | Broken | FakeResponse = SAID) -> list[Action]:
    """The actions of a server with the fault for one request, or the first of many."""
    faulty = FaultyProvider(FakeProvider("openai", [response]), FAULTS[name])
    return list(islice(faulty.connect().receive_data(HTTPExchange(request).data_to_send()), 5_000))


def bytes_of(actions: list[Action]) -> bytes:
    return b"".join(action.data for action in actions if isinstance(action, Deliver))


def plain(request: Request) -> tuple[bytes, bytes]:
    """Head and body of a server without a fault."""
    connection = FakeConnection(FakeProvider("openai", [SAID]))
    sent = b"".join(connection.receive_data(HTTPExchange(request).data_to_send()))
    head, blank, body = sent.partition(b"\r\n\r\n")
    return (head + blank).lower(), body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("chunk-size-malformed", b"many"),
        ("chunk-size-negative", b"-5"),
        ("chunk-size-huge", b"f" * 40),
        ("chunk-size-small", b"1"),
        ("chunk-size-missing", b""),
        ("chunk-line-long", b"%x;" % len(EVENTS[2]) + b"x" * 200_000),
    ],
)
def test_one_line_before_a_chunk_is_wrong_and_no_byte_else(name: str, line: bytes) -> None:
    head, body = split(bytes_of(act(name, STREAM)))
    before, after = map(b"".join, (map(chunk, EVENTS[:2]), map(chunk, EVENTS[3:])))
    assert (head, body) == (
        plain(STREAM)[0],
        before + line + b"\r\n" + EVENTS[2] + b"\r\n" + after + b"0\r\n\r\n",
    )


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("headers-malformed", b"no colon here\r\n"),
        ("headers-nul", b"x-nul: a\x00b\r\n"),
        ("unknown-encoding", b"content-encoding: br\r\n"),
    ],
)
@BOTH
def test_a_line_is_added_to_the_head(name: str, lines: bytes, request_: Request) -> None:
    head, body = plain(request_)
    assert split(bytes_of(act(name, request_))) == (head[:-2] + lines + b"\r\n", body)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("content-length-malformed", b"content-length: many\r\n"),
        ("content-length-negative", b"content-length: -1\r\n"),
        ("content-lengths", b"content-length: 4000\r\ncontent-length: 5000\r\n"),
    ],
)
@BOTH
def test_an_invalid_length_replaces_the_right_framing(name: str, lines: bytes, request_: Request) -> None:
    head, body = plain(request_)
    framing = head.rindex(b"\r\n", 0, -4) + 2
    assert split(bytes_of(act(name, request_))) == (head[:framing] + lines + b"\r\n", body)


@pytest.mark.parametrize(
    ("name", "seconds", "again"),
    [
        ("comments-forever", 0.01, chunk(b": keep-alive\n\n")),
        ("informational-forever", 0.001, b"HTTP/1.1 103 "),
        ("headers-forever", 0.001, b"x-filler: "),
    ],
)
def test_what_never_ends_comes_in_like_pieces_with_like_pauses(
    name: str, seconds: float, again: bytes
) -> None:
    actions = act(name, STREAM)[-50:]
    pieces = {action.data for action in actions if isinstance(action, Deliver)}
    assert {action for action in actions if not isinstance(action, Deliver)} == {Pause(seconds)}
    (piece,) = pieces
    assert piece.startswith(again)


@pytest.mark.parametrize(("ending", "last"), [(Ending.DROP, Close()), (Ending.HOLD, Stall())])
@pytest.mark.parametrize(
    "name",
    [
        "drip",
        "informational-first",
        "bytes-after-marker",
        "bytes-after-end",
        "headers-nul",
        "chunk-size-small",
    ],
)
def test_a_script_s_own_ending_is_kept_whatever_is_wrong_before_it(
    name: str, ending: Ending, last: Action
) -> None:
    assert act(name, STREAM, Broken(answer=SAID, after=2, ending=ending))[-1] == last


def test_what_comes_behind_the_end_comes_in_one_piece_with_it() -> None:
    more = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong"
    assert act("bytes-after-end", STREAM)[-1] == Deliver(b"0\r\n\r\n" + more)
    assert act("bytes-after-end", WHOLE)[-1] == Deliver(plain(WHOLE)[1] + more)
    broken = Broken(answer=SAID, after=2, ending=Ending.DROP)
    assert bytes_of(act("bytes-after-end", STREAM, broken)).endswith(chunk(EVENTS[2]) + more)


def test_what_cuts_the_connection_sends_nothing_behind_the_cut() -> None:
    for ending, last in (("close", Close()), ("reset", Reset()), ("stall", Stall())):
        head, body = plain(STREAM)
        assert split(bytes_of(act(f"{ending}-at-end", STREAM))) == (head, body.removesuffix(b"0\r\n\r\n"))
        assert act(f"{ending}-at-end", STREAM)[-1] == last


@BOTH
def test_a_response_that_ends_too_early_ends_correctly_in_chunks(request_: Request) -> None:
    head, body = split(bytes_of(act("truncate", request_)))
    whole = plain(request_)[1]
    said = b"".join(map(chunk, EVENTS[:3])) if request_ is STREAM else chunk(whole[: len(whole) // 2])
    assert body == said + b"0\r\n\r\n"
    assert b"\r\ntransfer-encoding: chunked\r\n" in head
    assert b"content-length" not in head


def test_where_there_are_fewer_chunks_the_last_one_is_wrong() -> None:
    faulty = FaultyProvider(FakeProvider("openai", [SAID]), find_fault("chunk-size-missing:99"))
    actions = faulty.connect().receive_data(HTTPExchange(STREAM).data_to_send())
    _, body = split(bytes_of([*actions]))
    before = b"".join(map(chunk, EVENTS[:-1]))
    assert body == before + b"\r\n" + EVENTS[-1] + b"\r\n" + b"0\r\n\r\n"
