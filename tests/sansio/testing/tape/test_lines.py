"""What a recorder writes is what is read: byte for byte, without keys, also where a line was torn."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    End,
    Head,
    Lost,
    ProviderError,
    RemoteProtocolError,
    Request,
    StreamTruncatedError,
    TransportError,
)
from sansio.http import Input
from sansio.testing.tape import HIDDEN, ExchangeLog, Timed, encode_session, read_tape
from tests.sansio.testing.tape.samples import KEY, STREAM, asked, exchanges, written
from tests.support import for_each, with_chunkings


def same(one: Input, other: Input) -> bool:
    """Whether two inputs are equal. Errors define no equality, so they are compared here."""
    if isinstance(one, Lost) and isinstance(other, Lost):
        return type(one.error) is type(other.error) and str(one.error) == str(other.error)
    return one == other


@given(st.lists(exchanges(), max_size=2))
def test_what_is_written_is_read_as_it_was_cut(recorded: list[list[Input]]) -> None:
    tape = read_tape(written(*recorded))
    assert tape.torn == 0
    assert len(tape.exchanges) == len(recorded)
    for exchange, inputs in zip(tape.exchanges, recorded, strict=True):
        assert exchange.complete
        assert [timed.at for timed in exchange.inputs] == [0.25 * at for at in range(1, len(inputs) + 1)]
        assert all(same(timed.value, value) for timed, value in zip(exchange.inputs, inputs, strict=True))


@given(exchanges(), st.data())
def test_a_tape_that_a_crash_tore_anywhere_is_read_up_to_there(
    inputs: list[Input], data: st.DataObject
) -> None:
    whole = written(inputs)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    tape = read_tape(cut)
    assert tape.torn == (cut != b"" and not cut.endswith(b"\n"))
    arrived = tape.inputs if tape.exchanges and tape.exchanges[0].complete else tape.inputs[:-1]
    assert len(arrived) == max(0, cut.count(b"\n") - 2)
    assert all(map(same, arrived, inputs))
    # A line that lacks nothing but its end is whole once the next session has ended it.
    left = read_tape(cut + b"\n") if tape.torn and whole[len(cut) :][:1] == b"\n" else tape
    again = read_tape(cut + b"\n" * tape.torn + whole)
    assert len(again.exchanges) == len(left.exchanges) + 1
    assert again.torn == left.torn


@given(
    with_chunkings(
        st.lists(st.sampled_from((KEY, KEY[:9], KEY[9:], "x", "é", "s"))).map(
            lambda parts: "".join(parts).encode()
        )
    )
)
def test_a_key_that_is_echoed_is_masked_wherever_it_is_cut(case: tuple[bytes, list[bytes]]) -> None:
    body, pieces = case
    lines = written([STREAM, *map(Body, pieces), End()])
    (exchange,) = read_tape(lines).exchanges
    read = [timed.value.data for timed in exchange.inputs if isinstance(timed.value, Body)]
    assert KEY.encode() not in b"".join(read)
    assert [len(piece) for piece in read] == [len(piece) for piece in pieces]
    if KEY.encode() not in body and not any(
        body.endswith(KEY[:size].encode()) for size in range(4, len(KEY))
    ):
        assert read == pieces


def test_no_line_has_a_key_wherever_it_was() -> None:
    request = asked(
        json.dumps({"prompt": f"My key is {KEY}."}).encode(),
        ("x-signed-by", "somebody"),
        ("x-goog-api-key", "another key that is long"),
        url="https://api.example.com/v1?key=a%2Bkey+in+the+address&api-version=1",
    )
    log = ExchangeLog(1, request, frozenset(("x-goog-api-key", "x-tenant")))
    lines = encode_session() + log.begin()
    inputs: list[Input] = [
        Head(401, (("set-cookie", "session=1"), ("x-echo", KEY))),
        Body(f"Wrong key: {KEY}, another key that is long, a+key+in+the+address, {KEY[:20]}".encode()),
        Lost(APIConnectionError(f"lost {KEY}", hint=f"not {KEY}")),
    ]
    for value in inputs:
        lines += log.take(value, 0.0)
    for secret in (KEY, KEY[:20], "another key", "session=1", "a+key", "a%2Bkey"):
        assert secret.encode() not in lines, secret
    (exchange,) = read_tape(lines).exchanges
    hidden = [name for name, value in exchange.request.headers if value == HIDDEN]
    assert hidden == ["x-signed-by", "x-goog-api-key", "authorization"]
    assert exchange.request.url == f"https://api.example.com/v1?key={HIDDEN}&api-version=1"


SECRET = "what-nobody-may-see"


@for_each(
    (
        *("authorization", "proxy-authorization", "x-api-key", "cookie", "x-amz-security-token"),
        *("x-client-secret", "x-password", "x-credential", "x-amz-signature"),
    )
)
def test_what_a_header_of_such_a_name_holds_is_masked_everywhere(name: str) -> None:
    request = Request.post("http://localhost/v1", ((name, SECRET), ("x-tenant", "red")), SECRET.encode())
    log = ExchangeLog(1, request, frozenset((name, "x-tenant")))
    lines = encode_session() + log.begin() + log.take(STREAM, 0.0) + log.take(Body(SECRET.encode()), 0.0)
    assert SECRET.encode() not in lines
    assert b"red" in lines


@for_each(
    (
        *("auth", "api_key", "KEY", "access_token", "client_secret", "sig", "X-Amz-Signature", "password"),
        "X-Amz-Credential",
    )
)
def test_what_a_parameter_of_such_a_name_holds_is_masked_everywhere(name: str) -> None:
    url = f"http://localhost/v1?a=1&{name}={SECRET}&b=2"
    lines = written([STREAM, Body(SECRET.encode())], request=Request.post(url, (), b""))
    assert SECRET.encode() not in lines
    (exchange,) = read_tape(lines).exchanges
    assert exchange.request.url == f"http://localhost/v1?a=1&{name}={HIDDEN}&b=2"


def test_a_header_is_shown_that_was_asked_for() -> None:
    request = asked(b"{}", ("x-tenant", "red"))
    (exchange,) = read_tape(written([], request=request, shown=frozenset(("x-tenant",)))).exchanges
    assert ("x-tenant", "red") in exchange.request.headers


def test_a_short_key_is_hidden_in_its_header_alone() -> None:
    request = Request.post("http://localhost/v1", (("x-api-key", "abc"),), b'"abc"')
    (exchange,) = read_tape(written([STREAM, Body(b"abc"), End()], request=request)).exchanges
    assert ("x-api-key", HIDDEN) in exchange.request.headers
    assert exchange.request.body == b'"abc"'
    assert exchange.inputs[1].value == Body(b"abc")


@for_each(
    (b'{"a": [1, 2.50]}', b"", b'{"a":\n1}', b' {"a":1}', b'{"a":', b"\xff\x00", b"[" * 5_000, "é".encode())
)
def test_the_body_of_a_request_is_read_byte_for_byte(body: bytes) -> None:
    (exchange,) = read_tape(written([], request=asked(body))).exchanges
    assert exchange.request.body == body


def test_json_and_text_can_be_read_with_the_eye() -> None:
    _, request, _, body, _ = map(
        json.loads, written([STREAM, Body(b"data: \xc3\xa9\n\n"), End()]).splitlines()
    )
    assert request["json"] == {"model": "m", "messages": []}
    assert body == {"kind": "body", "exchange": 1, "at": 0.5, "text": "data: é\n\n"}


FAILED: list[TransportError | RemoteProtocolError] = [
    APIConnectionError("gone", reused=True, should_retry=False, hint="Look again."),
    APITimeoutError("late", field="read_timeout"),
    TransportError("something"),
    RemoteProtocolError("malformed HTTP"),
]


@for_each(FAILED)
def test_an_error_is_read_with_what_it_knows(error: TransportError | RemoteProtocolError) -> None:
    (value,) = read_tape(written([Lost(error)])).inputs
    assert isinstance(value, Lost)
    read: ProviderError = value.error
    assert type(read) is type(error)
    for name in ("message", "field", "should_retry", "hint", "reused"):
        assert getattr(read, name, None) == getattr(error, name, None), name


def test_an_error_of_another_kind_is_read_as_the_kind_above_it() -> None:
    (value,) = read_tape(written([Lost(StreamTruncatedError("cut"))])).inputs
    assert isinstance(value, Lost)
    assert type(value.error) is RemoteProtocolError


def test_nothing_is_written_after_the_end() -> None:
    log = ExchangeLog(1, asked())
    assert log.take(End(), 1.0)
    assert log.take(Body(b"more"), 2.0) == log.release(3.0) == b""
    assert log.over


@pytest.mark.parametrize("aborted", [False, True])
def test_an_exchange_that_its_caller_left_ends_there(aborted: bool) -> None:
    log = ExchangeLog(1, asked())
    lines = encode_session() + log.begin() + log.take(STREAM, 1.0) + log.release(2.0, aborted=aborted)
    (exchange,) = read_tape(lines).exchanges
    assert not exchange.complete
    assert exchange.inputs[0] == Timed(1.0, STREAM)
    last = exchange.inputs[-1]
    assert last.at == 2.0
    assert isinstance(last.value, Lost)
    assert "the caller stopped reading here" in last.value.error.message
    assert last.value.error.should_retry is False


def test_exchanges_at_the_same_time_are_told_apart() -> None:
    logs = [ExchangeLog(number, asked()) for number in (1, 2)]
    lines = encode_session() + b"".join([log.begin() for log in logs])
    for data in (b"a", b"b", b"c"):
        lines += b"".join([log.take(Body(data * number), 0.0) for number, log in enumerate(logs, 1)])
    for number, exchange in enumerate(read_tape(lines).exchanges, 1):
        assert b"".join([t.value.data for t in exchange.inputs if isinstance(t.value, Body)]) == (
            b"a" * number + b"b" * number + b"c" * number
        )


SESSION = encode_session().decode().strip()
BEGUN = written([]).decode().splitlines()[1]
ENDED = '{"kind":"end","exchange":1,"at":1}'


@for_each(
    (
        ((SESSION, "{", ENDED), "line 2: the line is damaged"),
        ((SESSION, '{"kind":"song","exchange":1}', ENDED), "line 2: the line is damaged"),
        ((SESSION, BEGUN, "\udcff", ENDED), "line 3: the line is damaged"),
        (('{"kind":"session","format":2}',), "update the library"),
        ((BEGUN,), "begins with a line of the kind session"),
        ((SESSION, BEGUN, BEGUN), "line 3: exchange 1 begins again"),
        ((SESSION, ENDED), "^a.jsonl, line 2: exchange 1 has not begun$"),
        ((SESSION, BEGUN, ENDED, ENDED), "line 4: exchange 1 is over$"),
        ((SESSION, BEGUN, '{"kind":"released","exchange":1,"at":1}', ENDED), "exchange 1 is over"),
    )
)
def test_a_damaged_tape_says_where(case: tuple[tuple[str, ...], str]) -> None:
    lines, words = case
    with pytest.raises(ValueError, match=words):
        read_tape("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"), "a.jsonl")


def test_sessions_number_their_exchanges_anew_and_an_empty_body_may_be_left_out() -> None:
    bare = '{"kind":"request","exchange":1,"method":"GET","url":"http://a/","headers":[]}'
    lines = (SESSION, bare, '{"kind":"body","exchange":1,"at":1}', ENDED, SESSION, bare)
    tape = read_tape("".join(f"{line}\n" for line in lines).encode())
    assert [each.request.body for each in tape.exchanges] == [b"", b""]
    assert tape.inputs[:2] == [Body(b""), End()]
    for one, other in pairwise(tape.exchanges):
        assert one.complete
        assert not other.complete


def test_times_are_written_to_the_millisecond() -> None:
    log = ExchangeLog(1, asked(), frozenset())
    inputs = (STREAM, Body(b"text"), Body(b"\xff"), End())
    lines = log.begin() + b"".join(log.take(value, 0.123456) for value in inputs)
    tape = read_tape(encode_session() + lines)
    assert {timed.at for timed in tape.exchanges[0].inputs} == {0.123}


@pytest.mark.parametrize("place", range(1, len(KEY)))
def test_a_key_that_is_cut_anywhere_is_hidden_whole(place: int) -> None:
    data = f"data: {KEY} and more\n".encode()
    at = data.index(KEY.encode()) + place
    tape = read_tape(written([STREAM, Body(data[:at]), Body(data[at:]), End()]))
    (exchange,) = tape.exchanges
    pieces = [each.value.data for each in exchange.inputs if isinstance(each.value, Body)]
    hidden = data.replace(KEY.encode(), b"*" * len(KEY))
    assert pieces == [hidden[:at], hidden[at:]]


def test_a_tape_without_a_name_is_called_a_tape() -> None:
    with pytest.raises(ValueError, match=r"^tape, line 1: a tape begins with"):
        read_tape(f"{BEGUN}\n".encode())
