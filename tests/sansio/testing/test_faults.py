"""Faults without a socket: names, cuts, framing, and the actions of a connection."""

from __future__ import annotations

import re
from itertools import chain, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sansio import Body, End, Head, HTTPExchange, Lost, Request
from sansio.http import Input
from sansio.testing import PROVIDER_TYPES, Answer, Broken, Ending, FakeConnection, FakeProvider, FakeResponse
from sansio.testing.faults import (
    FAULTS,
    Action,
    Close,
    Deliver,
    FaultyProvider,
    HalfClose,
    Pause,
    PortDeed,
    Reset,
    Stall,
    find_fault,
)
from sansio.testing.faults.deeds import Flood
from tests.sansio.testing.asking import body_for, request_for, split
from tests.support import chunkings

LAST = (Stall, HalfClose, Close, Reset)
NAMES = sorted(FAULTS)
SAID = Answer(text="One two three four.")
WHOLE = request_for("openai")
STREAM = request_for("openai", body_for("openai", stream=True))
LIMIT = 5_000  # actions; more than any finite answer of these tests has


def sent(request: Request) -> bytes:
    return HTTPExchange(request).data_to_send()


def plain(request: Request, response: FakeResponse | Answer = SAID) -> bytes:
    """The bytes of a server without a fault."""
    return b"".join(FakeConnection(FakeProvider("openai", [response])).receive_data(sent(request)))


def act(name: str, request: Request, response: FakeResponse | Answer | Broken = SAID) -> list[Action]:
    """The actions of a server with the fault for one request, or the first of them."""
    faulty = FaultyProvider(FakeProvider("openai", [response]), find_fault(name))
    return list(islice(faulty.connect().receive_data(sent(request)), LIMIT))


def delivered(actions: list[Action]) -> bytes:
    return b"".join(action.data for action in actions if isinstance(action, Deliver))


def inputs(actions: list[Action], request: Request) -> tuple[list[Input], HTTPExchange]:
    """A client's view of it."""
    exchange = HTTPExchange(request)
    exchange.data_to_send()
    got = exchange.receive_data(delivered(actions))
    if actions and isinstance(actions[-1], Close | HalfClose):
        got += exchange.receive_eof()
    return got, exchange


def body_of(given_inputs: list[Input]) -> bytes:
    return b"".join(one.data for one in given_inputs if isinstance(one, Body))


# What is true for each fault.


@given(
    name=st.sampled_from(NAMES),
    kind=st.sampled_from(PROVIDER_TYPES),
    stream=st.booleans(),
    data=st.data(),
)
def test_any_request_in_any_cut_leads_to_the_same_actions_and_none_after_the_last(
    name: str, kind: str, stream: bool, data: st.DataObject
) -> None:
    request = sent(request_for(kind, body_for(kind, stream=stream)))

    def actions(cut: list[bytes]) -> list[Action]:
        connection = FaultyProvider(FakeProvider(kind, [SAID] * 2), FAULTS[name]).connect()
        opening = connection.receive_open()
        steps = chain.from_iterable(connection.receive_data(piece) for piece in cut)
        return list(islice(chain(opening, steps), LIMIT))

    whole = actions([request])
    assert actions(data.draw(chunkings(request))) == whole
    assert not any(isinstance(action, LAST) for action in whole[:-1])


@given(name=st.sampled_from(NAMES), noise=st.binary(max_size=100))
def test_any_bytes_are_answered_waited_for_or_refused(name: str, noise: bytes) -> None:
    connection = FaultyProvider(FakeProvider(), FAULTS[name]).connect()
    connection.receive_open()
    actions = list(islice(connection.receive_data(noise), LIMIT))
    assert not any(isinstance(action, LAST) for action in actions[:-1])
    connection.receive_eof()
    assert list(connection.receive_data(noise)) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_says_what_the_server_does(name: str) -> None:
    fault = FAULTS[name]
    assert fault.name == name
    assert re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", name)
    assert re.fullmatch(r"[a-z][^{}\n]+[^.{}\n]", fault.about)
    assert fault.about.split()[0].endswith("s")  # what it does, in the third person
    assert find_fault(name) is fault


@pytest.mark.parametrize("request_", [STREAM, WHOLE])
def test_without_a_fault_the_bytes_are_those_of_the_fake_connection(request_: Request) -> None:
    connection = FaultyProvider(FakeProvider("openai", [SAID])).connect()
    assert connection.receive_open() == []
    assert delivered(list(connection.receive_data(sent(request_)))) == plain(request_)
    malformed = list(connection.receive_data(b"nonsense\r\n\r\n"))
    assert delivered(malformed).startswith(b"HTTP/1.1 400")
    assert malformed[-1] == Close()
    assert list(connection.receive_data(b"more")) == []


# Names and numbers.


@given(number=st.integers(0, 10**6))
def test_a_number_behind_the_name_says_where(number: int) -> None:
    fault = find_fault(f"reset-after:{number}")
    assert fault.name == f"reset-after:{number}"
    assert fault.about == f"resets the connection after {number} bytes of the body"
    assert fault.with_number(3).name == "reset-after:3"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resets", "'resets': no such fault; did you mean reset-before-head or reset-in-head"),
        ("gzi-p", "'gzi-p': no such fault; did you mean gzip or gzip-corrupt"),
        ("zzz", "'zzz': no such fault$"),
        ("drip:1", "drip: takes no number$"),
        ("reset-after:", "must be a number"),
        ("reset-after:-1", "must be a number"),
        ("reset-after:²", "must be a number"),
        ("reset-after:\u0661", "must be a number"),
        ("clost-after", "no such fault; did you mean close-before-head or "),
        ("truncated", "no such fault; did you mean truncate?"),
        ("clox-after", "'clox-after': no such fault$"),
        ("xclose", "'xclose': no such fault$"),
        ("status:200", "status: 200 is not an error"),
    ],
)
def test_a_name_or_number_that_cannot_be_is_refused(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        find_fault(name)


def test_a_number_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="takes no number below 0"):
        FAULTS["reset-after"].with_number(-1)


# Cuts.


@given(at=st.integers(0, 1_500), stream=st.booleans())
def test_a_cut_in_the_body_leaves_as_many_bytes_of_it(at: int, stream: bool) -> None:
    request = STREAM if stream else WHOLE
    actions = act(f"reset-after:{at}", request)
    head, body = split(plain(request))
    assert split(delivered(actions)) == (head, body[:at])
    assert actions[-1] == Reset()


@given(at=st.integers(0, 500))
def test_a_cut_in_the_head_leaves_as_many_bytes_of_it(at: int) -> None:
    head, _ = split(plain(STREAM))
    assert delivered(act(f"close-in-head:{at}", STREAM)).lower() == head[:at]


@pytest.mark.parametrize(
    ("ending", "last"),
    [("close", Close()), ("reset", Reset()), ("stall", Stall()), ("half-close", HalfClose())],
)
def test_cuts_end_as_they_are_named(ending: str, last: Action) -> None:
    assert act(f"{ending}-before-head", STREAM) == [last]
    for place in ("in-head", "after", "at-event", "at-end"):
        assert act(f"{ending}-{place}", STREAM)[-1] == last


@pytest.mark.parametrize("at", range(6))
def test_a_cut_at_an_event_leaves_whole_events(at: int) -> None:
    events = FakeProvider("openai", [SAID]).respond(STREAM).pieces
    assert len(events) > 6
    got, _ = inputs(act(f"close-at-event:{at}", STREAM), STREAM)
    assert body_of(got) == b"".join(events[:at])
    assert isinstance(got[-1], Lost)
    got, exchange = inputs(act(f"truncate:{at}", STREAM), STREAM)
    assert body_of(got) == b"".join(events[:at])
    assert got[-1] == End()
    assert exchange.reusable


@pytest.mark.parametrize("name", ["close-at-event:99", "truncate:99", "http-1.0-cut:99"])
def test_a_cut_at_an_event_never_leaves_the_last(name: str) -> None:
    events = FakeProvider("openai", [SAID]).respond(STREAM).pieces
    got, _ = inputs(act(name, STREAM), STREAM)
    assert body_of(got) == b"".join(events[:-1])


@pytest.mark.parametrize("name", ["close-at-event:1", "truncate:1", "http-1.0-cut:1", "close-at-event:9"])
def test_a_whole_answer_is_cut_in_its_middle(name: str) -> None:
    whole = FakeProvider("openai", [SAID]).respond(WHOLE).body
    got, _ = inputs(act(name, WHOLE), WHOLE)
    assert body_of(got) == whole[: len(whole) // 2]


@pytest.mark.parametrize("request_", [STREAM, WHOLE])
def test_at_the_end_only_the_last_chunk_is_missing(request_: Request) -> None:
    got, _ = inputs(act("close-at-end", request_), request_)
    assert body_of(got) == FakeProvider("openai", [SAID]).respond(request_).body
    assert isinstance(got[-1], Lost)


# Framing.


@pytest.mark.parametrize("request_", [STREAM, WHOLE])
def test_a_drip_is_the_same_bytes_one_by_one_and_the_connection_goes_on(request_: Request) -> None:
    connection = FaultyProvider(FakeProvider("openai", [SAID] * 2), FAULTS["drip"]).connect()
    for _ in range(2):
        actions = list(connection.receive_data(sent(request_)))
        assert {len(action.data) for action in actions if isinstance(action, Deliver)} == {1}
        assert split(delivered(actions)) == split(plain(request_))


def test_a_slow_drip_pauses_after_each_byte() -> None:
    assert act("drip-slowly", STREAM)[1::2] == [Pause(0.02)] * (len(act("drip-slowly", STREAM)) // 2)


def test_requests_in_one_read_are_answered_one_after_the_other() -> None:
    connection = FaultyProvider(FakeProvider("openai", [SAID] * 2), FAULTS["drip"]).connect()
    both = delivered(list(connection.receive_data(sent(WHOLE) * 2)))
    assert both.lower() == plain(WHOLE).lower() * 2


def test_comments_and_white_space_never_end() -> None:
    got, _ = inputs(act("comments-forever:2", STREAM), STREAM)
    events = FakeProvider("openai", [SAID]).respond(STREAM).pieces
    assert body_of(got).startswith(b"".join(events[:2]) + b": keep-alive\n\n: keep-alive\n\n")
    got, _ = inputs(act("comments-forever:0", WHOLE), WHOLE)
    assert body_of(got).isspace()


@pytest.mark.parametrize("name", ["comments-forever", "informational-forever", "headers-forever"])
def test_what_never_ends_pauses(name: str) -> None:
    actions = act(name, STREAM)
    assert len(actions) == LIMIT
    assert any(isinstance(action, Pause) for action in actions)


def test_a_gigabyte_is_made_as_it_is_taken() -> None:
    actions = act("huge-error", STREAM)
    assert len(actions) == LIMIT
    got, _ = inputs(actions[:3], STREAM)
    assert got[0] == Head(500, (("content-type", "text/plain"), ("transfer-encoding", "chunked")))
    assert body_of(got).startswith(b"<p>Something went wrong")
    pieces = FaultyProvider(FakeProvider(), FAULTS["huge-error"]).respond(STREAM).pieces
    assert sum(map(len, pieces)) >= 1_000_000_000
    assert len({id(piece) for piece in pieces}) == 1


def test_a_flood_ends_as_http_wants_it() -> None:
    fault = structs.replace(FAULTS["huge-error"], deed=Flood(status=500, size=100_000))
    connection = FaultyProvider(FakeProvider("openai"), fault).connect()
    got, exchange = inputs(list(connection.receive_data(sent(STREAM))), STREAM)
    assert (len(body_of(got)), got[-1], exchange.reusable) == (2 * 65_536, End(), True)


@pytest.mark.parametrize("request_", [STREAM, WHOLE])
def test_half_a_length_leaves_the_rest_behind_the_end(request_: Request) -> None:
    body = FakeProvider("openai", [SAID]).respond(request_).body
    got, exchange = inputs(act("content-length-short", request_), request_)
    assert (body_of(got), got[-1]) == (body[: len(body) // 2], End())
    assert not exchange.reusable


@pytest.mark.parametrize(("name", "last"), [("-long", Close()), ("-long-open", Stall())])
def test_twice_the_length_is_never_reached(name: str, last: Action) -> None:
    actions = act(f"content-length{name}", WHOLE)
    assert body_of(inputs(actions, WHOLE)[0]) == FakeProvider("openai", [SAID]).respond(WHOLE).body
    assert actions[-1] == last


@pytest.mark.parametrize(
    "name",
    [
        "not-http",
        "switching-protocols",
        "headers-malformed",
        "headers-nul",
        "content-length-malformed",
        "content-length-negative",
        "content-lengths",
        *(name for name in NAMES if name.startswith("chunk-")),
    ],
)
@pytest.mark.parametrize("request_", [STREAM, WHOLE])
def test_what_is_malformed_is_lost_to_a_client(name: str, request_: Request) -> None:
    got, _ = inputs(act(name, request_), request_)
    assert isinstance(got[-1], Lost)


@pytest.mark.parametrize("at", range(4))
def test_a_chunk_s_size_is_wrong_after_so_many(at: int) -> None:
    events = FakeProvider("openai", [SAID]).respond(STREAM).pieces
    got, _ = inputs(act(f"chunk-size-malformed:{at}", STREAM), STREAM)
    assert body_of(got) == b"".join(events[:at])


@pytest.mark.parametrize("name", ["http-1.0", "informational-first", "bytes-after-end"])
@pytest.mark.parametrize("request_", [STREAM, WHOLE])
def test_what_a_client_can_bear_is_whole(name: str, request_: Request) -> None:
    got, exchange = inputs(act(name, request_), request_)
    assert body_of(got) == FakeProvider("openai", [SAID]).respond(request_).body
    assert got[-1] == End()
    assert exchange.reusable == (name == "informational-first")


def test_bytes_after_the_marker_are_of_the_same_body() -> None:
    got, exchange = inputs(act("bytes-after-marker", STREAM), STREAM)
    assert b"data: [DONE]\n\ndata: {" in body_of(got)
    assert (got[-1], exchange.reusable) == (End(), True)


@pytest.mark.parametrize(("ending", "last"), [(Ending.DROP, Close()), (Ending.HOLD, Stall())])
@pytest.mark.parametrize("name", ["drip", "informational-first", "bytes-after-marker"])
def test_a_script_s_own_ending_is_kept(name: str, ending: Ending, last: Action) -> None:
    broken = Broken(answer=SAID, after=2, ending=ending)
    assert act(name, STREAM, broken)[-1] == last
    silent = FakeResponse(silent=True, ending=ending)
    assert act(name, STREAM, silent) == [last]
    assert act(name, STREAM, FakeResponse(silent=True)) == [Close()]


# The connection as such.


@pytest.mark.parametrize(
    ("name", "last"), [("accept-close", Close()), ("accept-reset", Reset()), ("accept-stall", Stall())]
)
def test_what_ends_at_the_accept_serves_nothing(name: str, last: Action) -> None:
    faulty = FaultyProvider(FakeProvider("openai"), FAULTS[name])
    connection = faulty.connect()
    assert connection.receive_open() == [last]
    assert list(connection.receive_data(sent(WHOLE))) == []
    assert faulty.provider.requests == []


def test_a_fault_of_the_port_changes_nothing_on_a_connection() -> None:
    for name in NAMES:
        if isinstance(FAULTS[name].deed, PortDeed):
            assert delivered(act(name, STREAM)) == plain(STREAM)


def test_a_fault_that_is_changed_counts_from_the_next_answer_on() -> None:
    faulty = FaultyProvider(FakeProvider("openai", [SAID] * 2), FAULTS["no-content"])
    connection = faulty.connect()
    assert b" 204 " in delivered(list(connection.receive_data(sent(WHOLE))))
    faulty.fault = FAULTS["reset-before-head"]
    assert list(connection.receive_data(sent(WHOLE))) == [Reset()]
