"""HTTP/2 as a machine: exchanges that share a connection, and that end one by one."""

from __future__ import annotations

import importlib
import sys

import h2.config
import h2.connection
import h2.events
import hpack
import pytest
from msgspec import structs

from sansio import (
    APIConnectionError,
    Body,
    ConfigError,
    End,
    Head,
    LimitExceededError,
    LocalProtocolError,
    Lost,
    RemoteProtocolError,
    Request,
    TransportError,
)
from sansio.http import Input
from sansio.http.http2 import (
    CONNECTION_WINDOW,
    MAX_CONTROL_FRAMES,
    STREAM_WINDOW,
    HTTP2Connection,
    HTTP2Exchange,
    check_request,
)
from sansio.http.http2_frames import MAX_FRAME_SIZE
from tests.sansio.http.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITIZED,
    PRIORITY,
    PUSH_PROMISE,
    REQUEST,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    begun,
    block,
    data,
    frame,
    frames_in,
    goaway,
    head,
    reset,
    sent,
    settings,
    window,
)
from tests.support import for_all, frame_locals

CANCEL, NO_ERROR, REFUSED, HTTP_1_1_REQUIRED, CALM = 8, 0, 7, 13, 11


def taken(exchange: HTTP2Exchange) -> list[Input]:
    inputs = []
    while (given := exchange.next_input()) is not None:
        inputs.append(given)
    return inputs


def loss(exchange: HTTP2Exchange) -> TransportError | RemoteProtocolError:
    last = taken(exchange)[-1]
    assert isinstance(last, Lost)
    assert exchange.ended
    return last.error


def kinds(wire: bytes) -> list[tuple[int, int]]:
    return [(kind, number) for kind, _, number, _ in frames_in(wire)]


def test_a_real_server_reads_what_is_sent_and_is_understood() -> None:
    connection = HTTP2Connection()
    exchange = connection.open(REQUEST)
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
    server.initiate_connection()
    events = server.receive_data(sent(connection))
    (request,) = [event for event in events if isinstance(event, h2.events.RequestReceived)]
    assert [(str(name), str(value)) for name, value in request.headers] == [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", "/v1"),
        ("content-type", "application/json"),
        ("content-length", "2"),
        ("accept-encoding", "identity"),
        ("authorization", "Bearer sk-secret"),
    ]
    assert [event.data for event in events if isinstance(event, h2.events.DataReceived)] == [b"{}"]
    server.send_headers(1, [(":status", "200"), ("content-type", "text/event-stream")])
    server.send_data(1, b"data: 1\n\n")
    assert connection.receive_data(server.data_to_send()) == [exchange]
    server.send_data(1, b"data: 2\n\n", end_stream=True)
    assert connection.receive_data(server.data_to_send()) == [exchange]
    assert taken(exchange) == [
        Head(200, (("content-type", "text/event-stream"),)),
        Body(b"data: 1\n\ndata: 2\n\n"),
        End(),
    ]
    server.receive_data(sent(connection))
    assert not connection.busy


def test_no_header_that_may_be_a_key_is_kept_by_the_compression() -> None:
    connection = HTTP2Connection()
    connection.open(REQUEST)
    first = sent(connection)
    connection.open(REQUEST)
    again = sent(connection)
    # A second request of indexed headers would need a byte each: the key is written anew each time.
    assert len(frames_in(again)[0][3]) > len("Bearer sk-secret") * 5 // 8
    assert b"sk-secret" not in first + again  # Huffman's code


def test_exchanges_are_answered_in_any_order() -> None:
    connection, (one, two) = begun(2)
    assert connection.receive_data(head(3) + data(3, b"two", end=True)) == [two]
    assert connection.receive_data(head(1, 201) + data(1, b"o") + data(1, b"ne")) == [one]
    assert taken(two) == [Head(200), Body(b"two"), End()]
    assert taken(one) == [Head(201), Body(b"one")]
    connection.receive_data(data(1, b"", end=True))
    assert taken(one) == [End()]


def test_what_goes_only_over_http1_is_left_out_of_the_request() -> None:
    request = structs.replace(REQUEST, headers=(*REQUEST.headers, ("connection", "close"), ("te", "gzip")))
    connection = HTTP2Connection()
    connection.open(request)
    assert b"connection" not in sent(connection)


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "PO ST"},
        {"target": "/a b"},
        {"headers": (("host", "h"), ("x", "a\r\nb"), ("content-length", "2"))},
        {"headers": (("host", "h"), ("x", "sk-secret ☃"), ("content-length", "2"))},
        {"headers": (("host", "h"),)},
    ],
)
def test_a_request_that_cannot_be_written_is_refused_and_changes_nothing(changes: dict[str, object]) -> None:
    connection = HTTP2Connection()
    with pytest.raises(LocalProtocolError, match="HTTP/2") as caught:
        connection.open(structs.replace(REQUEST, **changes))
    assert "sk-secret" not in str(caught.value) + frame_locals(caught.value)
    with pytest.raises(LocalProtocolError):
        check_request(structs.replace(REQUEST, **changes))
    check_request(REQUEST)
    connection.open(REQUEST)
    assert not connection.receive_data(settings())


def test_a_get_has_no_body_and_is_sent_at_once() -> None:
    connection = HTTP2Connection()
    exchange = connection.open(Request.get("https://localhost/models", ()))
    assert exchange.sent
    (headers,) = [flags for kind, flags, _, _ in frames_in(sent(connection)) if kind == HEADERS]
    assert headers & END_STREAM


def test_an_exchange_is_ready_while_it_has_an_input() -> None:
    connection = HTTP2Connection()
    exchange = connection.open(REQUEST)
    seen = [exchange.ready]
    connection.receive_eof()
    seen.append(exchange.ready)
    assert isinstance(exchange.next_input(), Lost)
    assert [*seen, exchange.ready] == [False, True, False]


# Bodies that are sent


LARGE = REQUEST.with_body(b"x" * 200_000)


def test_a_large_body_waits_for_the_servers_windows() -> None:
    connection, (exchange,) = begun(request=LARGE)
    connection.receive_data(window(100_000, 1))  # of the exchange: the connection's own is still closed
    assert sent(connection) == b""
    connection.receive_data(window(10, 0))
    assert [(kind, len(payload)) for kind, _, _, payload in frames_in(sent(connection))] == [(DATA, 10)]
    connection.receive_data(window(300_000, 0) + window(100_000, 1))
    frames = frames_in(sent(connection))
    assert exchange.sent
    assert exchange.unsent == 0
    assert sum(len(payload) for _, _, _, payload in frames) == 200_000 - 65_535 - 10
    assert max(len(payload) for _, _, _, payload in frames) == MAX_FRAME_SIZE
    assert [flags for _, flags, _, _ in frames][-1] == END_STREAM


def test_bodies_take_turns() -> None:
    connection = HTTP2Connection()
    connection.receive_data(settings(window=1_000_000) + window(1_000_000))
    one, two = connection.open(LARGE), connection.open(LARGE)
    numbers = [number for kind, _, number, _ in frames_in(sent(connection)) if kind == DATA]
    assert numbers[:4] == [1, 3, 1, 3]
    assert one.sent
    assert two.sent


def test_a_body_whose_window_is_closed_does_not_hold_up_another() -> None:
    connection = HTTP2Connection()
    connection.receive_data(settings(window=0))
    connection.open(LARGE)
    other = connection.open(REQUEST)
    sent(connection)
    connection.receive_data(window(10, 3))
    assert kinds(sent(connection)) == [(DATA, 3)]
    assert other.sent


def test_an_early_answer_is_read_and_the_rest_of_the_request_is_not_sent() -> None:
    connection, (exchange,) = begun(request=LARGE)
    connection.receive_data(head(1, 413) + data(1, b"too large", end=True) + reset(1, NO_ERROR))
    assert taken(exchange) == [Head(413), Body(b"too large"), End()]
    assert (RST_STREAM, 1) in kinds(sent(connection))
    connection.receive_data(window(1_000_000) + window(1_000_000, 1))
    assert sent(connection) == b""
    assert connection.receive_data(head(3) if connection.open(REQUEST) else b"")


def test_an_early_answer_of_a_head_alone() -> None:
    connection, (exchange,) = begun(request=LARGE)
    connection.receive_data(head(1, 401, end=True))
    assert taken(exchange) == [Head(401), End()]
    assert (RST_STREAM, 1) in kinds(sent(connection))


# Windows that are given back


def full(number: int, size: int) -> bytes:
    """As much of a body as that, in frames."""
    piece = bytes(MAX_FRAME_SIZE)
    return data(number, piece) * (size // MAX_FRAME_SIZE)


def test_a_window_is_given_back_for_what_is_taken_and_for_nothing_else() -> None:
    connection, (slow, quick) = begun(2)
    connection.receive_data(head(1) + full(1, STREAM_WINDOW))
    assert sent(connection) == b""  # nothing was taken
    connection.receive_data(head(3) + data(3, b"not held up"))
    assert taken(quick) == [Head(200), Body(b"not held up")]
    assert taken(slow) == [Head(200), Body(bytes(STREAM_WINDOW))]
    ((kind, _, number, size),) = frames_in(sent(connection))
    assert (kind, number, int.from_bytes(size)) == (WINDOW_UPDATE, 1, STREAM_WINDOW)


def test_no_more_is_given_back_than_was_taken() -> None:
    connection, (exchange,) = begun()
    connection.receive_data(head(1))
    for _ in range(20):
        connection.receive_data(full(1, STREAM_WINDOW // 2))
        taken(exchange)
        given = [payload for kind, _, number, payload in frames_in(sent(connection)) if number == 1]
        assert [int.from_bytes(size) for size in given] == [STREAM_WINDOW // 2]


def test_small_pieces_are_given_back_together() -> None:
    connection, (exchange,) = begun()
    connection.receive_data(head(1))
    updates = 0
    for _ in range(STREAM_WINDOW // MAX_FRAME_SIZE):
        connection.receive_data(data(1, bytes(MAX_FRAME_SIZE)))
        taken(exchange)
        updates += len(frames_in(sent(connection)))
    assert updates == 2


def test_the_connections_window_is_given_back_as_data_arrives() -> None:
    connection, exchanges = begun(CONNECTION_WINDOW // STREAM_WINDOW // 2)
    for at in range(len(exchanges)):
        connection.receive_data(head(2 * at + 1) + full(2 * at + 1, STREAM_WINDOW))
    ((kind, flags, number, size),) = frames_in(sent(connection))
    assert (kind, flags, number, int.from_bytes(size)) == (WINDOW_UPDATE, 0, 0, CONNECTION_WINDOW // 2)


def test_padding_counts_in_the_windows_and_is_no_body() -> None:
    connection, (exchange,) = begun()
    connection.receive_data(head(1, 200, ("content-length", "2")))
    connection.receive_data(frame(DATA, PADDED, 1, b"\x03ok\0\0\0"))
    connection.receive_data(frame(DATA, PADDED | END_STREAM, 1, b"\x01\0"))
    assert taken(exchange) == [Head(200, (("content-length", "2"),)), Body(b"ok"), End()]


def test_more_data_than_the_window_ends_the_connection() -> None:
    connection, (exchange,) = begun()
    connection.receive_data(head(1) + full(1, STREAM_WINDOW) + data(1, b"more"))
    assert "DATA" in loss(exchange).message
    assert connection.over
    assert (GOAWAY, 0) in kinds(sent(connection))


# The end of an exchange


def test_a_dropped_exchange_is_reset_at_once() -> None:
    connection, (dropped, other) = begun(2)
    connection.receive_data(head(1) + data(1, b"some"))
    dropped.drop()
    dropped.drop()
    assert frames_in(sent(connection)) == [(RST_STREAM, 0, 1, CANCEL.to_bytes(4))]
    assert taken(dropped) == []
    assert dropped.ended
    assert connection.busy
    connection.receive_data(head(3))
    assert taken(other) == [Head(200)]


def test_what_arrives_for_a_dropped_exchange_is_passed_over_without_an_answer() -> None:
    connection, (dropped, other) = begun(2)
    connection.receive_data(head(1))
    dropped.drop()
    sent(connection)
    changed = connection.receive_data(data(1, b"late") + data(1, b"", end=True) + reset(1, CANCEL))
    changed += connection.receive_data(frame(HEADERS, END_HEADERS | END_STREAM, 1, block(("x", "trailer"))))
    assert changed == []
    assert sent(connection) == b""
    connection.receive_data(head(3, end=True))
    assert taken(other) == [Head(200), End()]


def test_late_data_is_no_flood_and_does_not_use_up_the_connections_window() -> None:
    connection, exchanges = begun(CONNECTION_WINDOW // STREAM_WINDOW)
    given = 0
    for at, exchange in enumerate(exchanges):
        exchange.drop()
        size = MAX_FRAME_SIZE if at else 64
        count = min(STREAM_WINDOW // size, 2 * MAX_CONTROL_FRAMES)
        connection.receive_data(data(2 * at + 1, bytes(size)) * count)
        given += sum(int.from_bytes(size) for kind, _, _, size in frames_in(sent(connection)) if kind == 8)
    assert given >= CONNECTION_WINDOW // 2
    assert connection.room


@pytest.mark.parametrize("number", [0, 2, 5])
def test_data_of_no_exchange_at_all_is_malformed_also_when_late_data_is_expected(number: int) -> None:
    connection, (dropped, other) = begun(2)
    dropped.drop()
    connection.receive_data(data(number, b"x"))
    assert type(loss(other)) is RemoteProtocolError


def test_late_data_without_end_is_a_flood() -> None:
    connection, (dropped, other) = begun(2)
    dropped.drop()
    connection.receive_data(full(1, STREAM_WINDOW))
    assert not other.ended
    connection.receive_data(data(1, b"x") * (MAX_CONTROL_FRAMES + 1))
    assert f"{MAX_CONTROL_FRAMES:,}" in loss(other).message


def test_trailers_end_a_response_and_are_dropped() -> None:
    connection, (exchange,) = begun()
    trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, block(("x-checksum", "1")))
    connection.receive_data(head(1) + data(1, b"all") + trailers)
    assert taken(exchange) == [Head(200), Body(b"all"), End()]


def test_informational_responses_are_passed_over() -> None:
    connection, (exchange,) = begun()
    assert connection.receive_data(head(1, 103, ("link", "x"))) == []
    connection.receive_data(head(1))
    assert taken(exchange) == [Head(200)]


@pytest.mark.parametrize(("code", "name"), [(2, "INTERNAL_ERROR"), (CALM, "ENHANCE_YOUR_CALM"), (99, "99")])
def test_a_reset_says_where_and_why(code: int, name: str) -> None:
    connection, (before, inside, other) = begun(3)
    connection.receive_data(head(3) + data(3, b"some") + reset(1, code) + reset(3, code))
    assert taken(inside)[:2] == [Head(200), Body(b"some")]
    connection, (before, inside, other) = begun(3)
    connection.receive_data(head(3) + reset(1, code) + reset(3, code))
    for exchange, where in ((before, "before it answered"), (inside, "inside its answer")):
        error = loss(exchange)
        assert isinstance(error, APIConnectionError)
        assert where in error.message
        assert name in error.message
        assert not error.reused
    assert not other.ended


def test_a_refused_exchange_was_not_sent_and_may_be_sent_again_at_once() -> None:
    connection, (refused, other) = begun(2)
    connection.receive_data(reset(1, REFUSED))
    error = loss(refused)
    assert isinstance(error, APIConnectionError)
    assert error.reused
    assert not other.ended


def test_a_refusal_after_the_head_is_none() -> None:
    connection, (exchange,) = begun()
    connection.receive_data(head(1) + reset(1, REFUSED))
    error = loss(exchange)
    assert isinstance(error, TransportError)
    assert not error.reused


def test_a_server_that_wants_http1_is_not_asked_again() -> None:
    connection, (exchange,) = begun()
    connection.receive_data(reset(1, HTTP_1_1_REQUIRED))
    error = loss(exchange)
    assert error.should_retry is False
    assert "http2" in error.hint


def test_the_end_of_the_connection_says_where() -> None:
    connection, (before, inside) = begun(2)
    connection.receive_data(head(3) + data(3, b"x"))
    assert connection.receive_eof() == [before, inside]
    assert "before it answered" in loss(before).message
    assert "inside its answer" in loss(inside).message
    assert connection.over
    with pytest.raises(LocalProtocolError):
        connection.receive_eof()
    with pytest.raises(LocalProtocolError):
        connection.receive_data(b"")
    with pytest.raises(LocalProtocolError, match="room"):
        connection.open(REQUEST)


def test_a_loss_on_a_connection_that_has_answered_says_so() -> None:
    connection, (first,) = begun()
    connection.receive_data(head(1, end=True))
    second = connection.open(REQUEST)
    assert connection.lose(APIConnectionError("gone")) == [second]
    error = loss(second)
    assert isinstance(error, TransportError)
    assert error.reused
    assert taken(first) == [Head(200), End()]
    second.drop()  # nothing is left to drop


# Leaving


def test_after_goaway_the_accepted_exchanges_go_on_and_the_others_were_not_sent() -> None:
    connection, (accepted, unsent) = begun(2)
    assert connection.receive_data(goaway(1)) == [unsent]
    error = loss(unsent)
    assert isinstance(error, TransportError)
    assert error.reused
    assert "NO_ERROR" in str(error)
    assert connection.room == 0
    connection.receive_data(head(1) + data(1, b"whole", end=True))
    assert taken(accepted) == [Head(200), Body(b"whole"), End()]


def test_a_server_that_goes_on_with_what_it_said_it_left() -> None:
    connection, (accepted, left) = begun(2)
    connection.receive_data(head(3) + goaway(1) + data(3, b"more") + data(1, b"") + head(1, end=True))
    assert isinstance(loss(left), APIConnectionError)
    assert isinstance(loss(accepted), RemoteProtocolError)
    connection, (accepted, left) = begun(2)
    connection.receive_data(head(3) + goaway(1) + data(3, b"more") + head(1, end=True))
    assert isinstance(loss(left), APIConnectionError)
    assert taken(accepted) == [Head(200), End()]


def test_a_server_may_warn_before_it_leaves() -> None:
    connection, (exchange,) = begun()
    connection.receive_data(goaway(2**31 - 1))
    assert connection.room == 0
    connection.receive_data(goaway(1) + head(1, end=True))
    assert taken(exchange) == [Head(200), End()]


def test_the_client_says_that_it_leaves() -> None:
    connection, (exchange,) = begun()
    connection.close()
    connection.close()
    assert kinds(sent(connection)) == [(RST_STREAM, 1), (GOAWAY, 0)]
    assert connection.over
    assert exchange.ended
    assert not connection.ping()


# Room


def test_room_is_what_the_server_allows() -> None:
    connection = HTTP2Connection()
    assert connection.room == 100
    connection.receive_data(settings(max_streams=2))
    exchanges = [connection.open(REQUEST) for _ in range(2)]
    assert connection.room == 0
    exchanges[0].drop()
    assert connection.room == 1
    connection.receive_data(settings(max_streams=0))
    assert connection.room == 0
    with pytest.raises(LocalProtocolError):
        connection.open(REQUEST)


def test_a_connection_carries_so_many_exchanges() -> None:
    connection = HTTP2Connection(max_exchanges=2)
    for _ in range(2):
        connection.open(REQUEST).drop()
    assert connection.room == 0


# Signs of life


def test_a_server_that_has_said_nothing_may_be_asked_for_a_sign_of_life() -> None:
    connection = HTTP2Connection()
    sent(connection)
    assert connection.ping()
    assert [kind for kind, *_ in frames_in(sent(connection))] == [PING]
    assert not connection.ping()


def test_a_ping_is_answered() -> None:
    connection, _ = begun()
    connection.receive_data(frame(PING, payload=b"12345678"))
    assert frames_in(sent(connection)) == [(PING, ACK, 0, b"12345678")]


def test_anything_that_arrives_is_a_sign_of_life() -> None:
    connection, _ = begun()
    assert connection.ping()
    ((kind, flags, _, question),) = frames_in(sent(connection))
    assert (kind, flags) == (PING, 0)
    assert not connection.ping()
    connection.receive_data(b"")
    assert not connection.ping()
    connection.receive_data(frame(PING, ACK, payload=question))
    assert connection.ping()
    connection.receive_data(window(1))
    assert connection.ping()


# Malformed responses end their exchange, malformed frames the connection


@for_all(
    (
        "wire",
        [
            frame(HEADERS, END_HEADERS, 1, block(("x", "1"))),
            frame(HEADERS, END_HEADERS | END_STREAM, 1, block(("x", "1"))),
            frame(HEADERS, END_HEADERS, 1, block(("x", "1"), (":status", "200"))),
            frame(HEADERS, END_HEADERS, 1, block((":status", "200"), (":status", "200"))),
            frame(HEADERS, END_HEADERS, 1, block((":status", "2x0"))),
            frame(HEADERS, END_HEADERS, 1, block((":status", "2000"))),
            frame(HEADERS, END_HEADERS, 1, block((":status", "099"))),
            frame(HEADERS, END_HEADERS, 1, block((":status", "²00"))),
            frame(HEADERS, END_HEADERS, 1, block((":status", "200"), (":path", "/"))),
            head(1, 200, ("X", "1")),
            head(1, 200, ("x y", "1")),
            head(1, 200, ("x", "a\nb")),
            head(1, 200, ("connection", "close")),
            head(1, 200, ("transfer-encoding", "chunked")),
            head(1, 200, ("content-length", "3"), end=True),
            head(1, 200, ("content-length", "3")) + data(1, b"four"),
            head(1, 200, ("content-length", "3")) + data(1, b"tw", end=True),
            head(1, 204) + data(1, b"none"),
            data(1, b"no head"),
            data(1, b"no head", end=True),
            window(2**31 - 1, 1),
        ],
    )
)
def test_a_malformed_response_ends_its_exchange_and_no_other(wire: bytes) -> None:
    connection, (bad, good) = begun(2)
    connection.receive_data(wire + data(1, b"more") + head(3) + data(3, b"good", end=True))
    error = loss(bad)
    assert isinstance(error, RemoteProtocolError)
    assert "malformed HTTP/2" in error.message
    assert taken(good) == [Head(200), Body(b"good"), End()]
    assert kinds(sent(connection)).count((RST_STREAM, 1)) <= 1
    assert connection.room


def test_a_response_to_head_has_no_body() -> None:
    request = structs.replace(Request.get("https://localhost/", ()), method="HEAD")
    connection, (exchange,) = begun(request=request)
    connection.receive_data(head(1, 200, ("content-length", "30"), end=True))
    assert taken(exchange)[-1] == End()


@for_all(
    (
        "wire",
        [
            frame(SETTINGS, 0, 0, b"odd"),
            settings(window=2**31),
            settings(enable_push=1),
            settings(max_frame_size=1),
            frame(PING, 0, 0, b"short"),
            frame(PING, 0, 1, bytes(8)),
            frame(WINDOW_UPDATE, 0, 0, bytes(4)),
            window(2**31 - 1),
            window(1, 9),
            frame(RST_STREAM, 0, 1, b"x"),
            frame(RST_STREAM, 0, 0, bytes(4)),
            frame(GOAWAY, 0, 0, b"short"),
            frame(GOAWAY, 0, 1, bytes(8)),
            frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4) + block((":path", "/"))),
            frame(CONTINUATION, END_HEADERS, 1, block((":status", "200"))),
            frame(HEADERS, 0, 1, block((":status", "200"))) + data(1, b"x"),
            frame(HEADERS, 0, 1, block((":status", "200"))) + frame(PRIORITY, 0, 1, bytes(5)),
            frame(HEADERS, 0, 1, block((":status", "200"))) + frame(CONTINUATION, END_HEADERS, 3, b""),
            frame(HEADERS, END_HEADERS, 0, block((":status", "200"))),
            head(2),
            head(9),
            data(9, b"x"),
            data(2, b"x"),
            data(0, b"x"),
            frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff"),
            frame(HEADERS, END_HEADERS, 1, b"\x10\x05x"),
            frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff"),
            frame(DATA, PADDED, 1, b""),
            head(1) + frame(DATA, PADDED, 1, b"\xff"),
            head(1) + head(1),
            head(1, 100, end=True),
            head(1, 200, ("content-length", "x")),
            head(1, 200, ("content-length", "1"), ("content-length", "2")),
            frame(HEADERS, END_HEADERS | PRIORITIZED, 1, b"\0\0\0"),
            frame(HEADERS, END_HEADERS | PADDED, 1, b""),
            head(1, end=True) + frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff"),
            (MAX_FRAME_SIZE + 1).to_bytes(3) + bytes((DATA, 0, 0, 0, 0, 1)),
        ],
    )
)
def test_a_frame_that_breaks_the_protocol_ends_every_exchange(wire: bytes) -> None:
    connection, exchanges = begun(3)
    connection.receive_data(head(5) + data(5, b"before") + wire + head(3))
    assert taken(exchanges[2])[:2] == [Head(200), Body(b"before")]
    assert connection.over
    assert isinstance(loss(exchanges[1]), RemoteProtocolError)
    assert frames_in(sent(connection))[-1][0] == GOAWAY
    assert connection.receive_data(head(1)) == []
    assert connection.receive_eof() == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"\x15\x03\x03\x00\x02\x02\x28\0\0",
        frame(SETTINGS, ACK),
        head(1),
    ],
)
def test_a_server_of_another_protocol_is_named(answer: bytes) -> None:
    connection = HTTP2Connection()
    exchange = connection.open(REQUEST)
    assert connection.receive_data(answer) == [exchange]
    assert "does not speak HTTP/2" in loss(exchange).message


@pytest.mark.parametrize("kind", [PRIORITY, 10, 12, 255])
def test_frames_that_nobody_needs_are_passed_over(kind: int) -> None:
    connection, (exchange,) = begun()
    assert connection.receive_data(frame(kind, 0, 1, bytes(5))) == []
    connection.receive_data(head(1))
    assert taken(exchange) == [Head(200)]
    assert sent(connection) == b""


# Limits


@pytest.mark.parametrize(
    "flood",
    [
        frame(PING, payload=bytes(8)),
        settings(),
        frame(SETTINGS, ACK),
        window(1),
        frame(PRIORITY, 0, 1, bytes(5)),
        frame(200, 0, 0, b""),
        reset(3, CANCEL),
        data(1, b""),
        frame(DATA, PADDED, 1, b"\0"),
        head(1, 103)[:4] + b"\x04" + head(1, 103)[5:],
    ],
    ids=[
        "ping",
        "settings",
        "ack",
        "window",
        "priority",
        "unknown",
        "reset",
        "empty",
        "padding",
        "early",
    ],
)
def test_a_flood_ends_the_connection(flood: bytes) -> None:
    connection, (exchange, over) = begun(2)
    over.drop()
    if flood[3] == DATA:
        connection.receive_data(head(1))
    for _ in range(MAX_CONTROL_FRAMES + 1):
        connection.receive_data(flood)
    assert connection.over
    assert len(sent(connection)) < 20 * MAX_CONTROL_FRAMES
    error = loss(exchange)
    assert isinstance(error, RemoteProtocolError)
    assert f"{MAX_CONTROL_FRAMES:,}" in error.message


def test_frames_between_the_parts_of_an_answer_are_no_flood() -> None:
    connection, (exchange,) = begun()
    connection.receive_data(head(1))
    for _ in range(3):
        connection.receive_data(frame(PING, payload=bytes(8)) * (MAX_CONTROL_FRAMES - 10) + data(1, b"x"))
    assert taken(exchange) == [Head(200), Body(b"xxx")]


def test_windows_that_a_long_upload_uses_are_no_flood() -> None:
    more = MAX_CONTROL_FRAMES // 2 + 10
    connection, (exchange,) = begun(request=REQUEST.with_body(bytes(65_535 + more)))
    for _ in range(more):
        connection.receive_data(window(1) + window(1, 1))
        sent(connection)
    assert exchange.sent


def continued(pieces: int, size: int) -> bytes:
    """Headers over many frames, none of which is the last."""
    first = frame(HEADERS, 0, 1, block((":status", "200")))
    return first + frame(CONTINUATION, 0, 1, b"\x10\x01x\x01y" * size) * pieces


@pytest.mark.parametrize(
    ("wire", "everyone"),
    [
        (continued(200, 0), True),
        (continued(3, 100), True),
        (frame(HEADERS, END_HEADERS, 1, block((":status", "200")) + b"\x40\x01x\x01y" + b"\xbe" * 60), True),
        (head(1, 200, ("x", "y" * 1_100)), True),
        (head(1, 103, ("x", "y" * 300)) * 4, False),
    ],
    ids=["empty continuations", "continuations", "bomb", "long", "informational"],
)
def test_heads_have_a_limit(wire: bytes, everyone: bool) -> None:
    connection, (exchange, other) = begun(2, limit=500)
    connection.receive_data(wire)
    error = loss(exchange)
    assert isinstance(error, LimitExceededError)
    assert error.field == "max_header_bytes"
    assert other.ended is everyone
    assert connection.over is everyone


def test_heads_of_dropped_exchanges_have_a_limit() -> None:
    connection, (dropped, other) = begun(2, limit=500)
    dropped.drop()
    connection.receive_data(frame(HEADERS, END_HEADERS, 1, b"\x40\x01x\x01y" + b"\xbe" * 60))
    error = loss(other)
    assert isinstance(error, LimitExceededError)
    assert taken(dropped) == []


def test_a_head_with_padding_and_priority() -> None:
    connection, (exchange,) = begun()
    payload = b"\x02" + bytes(5) + block((":status", "200")) + bytes(2)
    connection.receive_data(frame(HEADERS, END_HEADERS | PADDED | PRIORITIZED | END_STREAM, 1, payload))
    assert taken(exchange) == [Head(200), End()]


def test_headers_of_a_dropped_exchange_count_in_the_compression() -> None:
    connection, (dropped, other) = begun(2)
    dropped.drop()
    status = block((":status", "200"))
    early = frame(HEADERS, 0, 1, block((":status", "103")) + b"\x40\x01x\x01y")  # HPACK remembers it as 62
    connection.receive_data(early)
    connection.receive_data(frame(CONTINUATION, END_HEADERS, 1))
    connection.receive_data(frame(HEADERS, END_HEADERS, 3, status + b"\xbe"))
    assert taken(other) == [Head(200, (("x", "y"),))]


def test_an_exchange_that_is_dropped_between_two_frames_of_its_head() -> None:
    connection, (dropped, other) = begun(2)
    connection.receive_data(frame(HEADERS, 0, 1, block((":status", "200"))))
    dropped.drop()
    connection.receive_data(frame(CONTINUATION, END_HEADERS, 1) + head(3))
    assert taken(other) == [Head(200)]


def test_a_head_over_two_frames() -> None:
    connection, (exchange,) = begun()
    headers = block((":status", "200"), ("x", "y"))
    connection.receive_data(frame(HEADERS, END_STREAM, 1, headers[:4]))
    connection.receive_data(frame(CONTINUATION, END_HEADERS, 1, headers[4:]))
    assert taken(exchange) == [Head(200, (("x", "y"),)), End()]


def test_what_arrived_before_a_fault_is_given_first() -> None:
    connection, (exchange,) = begun()
    wire = head(1) + data(1, b"some") + frame(PING, payload=b"short")
    connection.receive_data(wire)
    *inputs, last = taken(exchange)
    assert inputs == [Head(200), Body(b"some")]
    assert isinstance(last, Lost)


def test_errors_show_nothing_that_the_server_sent() -> None:
    for wire in (head(1, 200, ("BAD", "sk-secret")), frame(HEADERS, END_HEADERS, 1, b"\x10\x05sk-secret")):
        connection, (exchange,) = begun()
        connection.receive_data(wire)
        error = loss(exchange)
        assert "secret" not in str(error)
        assert error.__context__ is None
        assert error.__cause__ is None


def test_each_exchange_has_an_error_of_its_own() -> None:
    connection, (one, two) = begun(2)
    connection.receive_data(frame(PING, payload=b"short"))
    assert loss(one) is not loss(two)


def test_without_h2_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sansio.http.http2")
    monkeypatch.setitem(sys.modules, "h2.config", None)
    with pytest.raises(ConfigError, match=r"sansio-llm\[http2\]") as caught:
        importlib.import_module("sansio.http.http2")
    assert caught.value.field == "http2"


def test_a_connection_begins_with_its_settings_and_its_window() -> None:
    """RFC 9113, sections 3.4 and 6.5.2: no pushes, 1 MiB of each body, 16 MiB of all."""
    wire = sent(HTTP2Connection(max_header_bytes=5_000))
    assert wire.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    (kind, flags, number, payload), more = frames_in(wire)
    assert (kind, flags, number) == (SETTINGS, 0, 0)
    values = {payload[at + 1]: int.from_bytes(payload[at + 2 : at + 6]) for at in range(0, len(payload), 6)}
    assert (values[2], values[4], values[6]) == (0, 1_048_576, 5_000)
    assert 8 not in values
    assert more == (WINDOW_UPDATE, 0, 0, (16_777_216 - 65_535).to_bytes(4))


def test_a_large_body_is_written_in_steps_that_a_socket_takes() -> None:
    connection = HTTP2Connection()
    connection.receive_data(settings(window=1_000_000) + window(1_000_000))
    connection.open(LARGE)
    sizes = []
    while wire := connection.data_to_send():
        sizes.append(len(wire))
    assert max(sizes) < 65_536 + MAX_FRAME_SIZE
    assert len(sizes) == 4


def test_as_many_frames_as_are_allowed_are_not_a_flood() -> None:
    connection, (exchange,) = begun()
    connection.receive_data(head(1) + frame(PING, payload=bytes(8)) * 1_000)
    assert not exchange.ended
    connection.receive_data(frame(PING, payload=bytes(8)))
    assert connection.over
    assert isinstance(loss(exchange), RemoteProtocolError)


@pytest.mark.parametrize(("code", "name"), [(0, "NO_ERROR"), (CALM, "ENHANCE_YOUR_CALM"), (99, "code 99")])
def test_a_server_that_leaves_says_why(code: int, name: str) -> None:
    connection, (exchange,) = begun()
    connection.receive_data(goaway(0, code))
    assert loss(exchange).message == f"the server left the connection before the exchange began ({name})"


@for_all(
    (
        ("wire", "name"),
        [
            (frame(SETTINGS, 0, 0, b"odd"), "SETTINGS"),
            (frame(PING, 0, 0, b"short"), "PING"),
            (frame(WINDOW_UPDATE, 0, 0, bytes(4)), "WINDOW_UPDATE"),
            (frame(RST_STREAM, 0, 1, b"x"), "RST_STREAM"),
            (frame(GOAWAY, 0, 0, b"short"), "GOAWAY"),
            (frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff"), "HEADERS"),
            (frame(HEADERS, END_HEADERS, 9, block((":status", "200"))), "HEADERS"),
            (frame(DATA, PADDED, 1, b""), "DATA"),
            (data(9, b"x"), "DATA"),
        ],
    )
)
def test_a_frame_that_breaks_the_protocol_is_named(wire: bytes, name: str) -> None:
    connection, (exchange,) = begun()
    connection.receive_data(wire)
    assert loss(exchange).message == f"malformed HTTP/2: an invalid {name} frame"


@pytest.mark.parametrize(
    ("wire", "words"),
    [
        (b"", "the server closed the connection before it answered"),
        (head(1), "the server closed the connection inside its answer"),
        (head(1) + data(1, b"x"), "the server closed the connection inside its answer"),
        (reset(1, 2), "the server reset the exchange before it answered (INTERNAL_ERROR)"),
        (head(1) + reset(1, 2), "the server reset the exchange inside its answer (INTERNAL_ERROR)"),
        (reset(1, REFUSED), "the server refused the exchange before it began"),
        (reset(1, HTTP_1_1_REQUIRED), "the server answers this request over HTTP/1.1 only"),
        (window(2**31 - 1, 1), "malformed HTTP/2: a window that is too large"),
        (data(1, b"x"), "malformed HTTP/2: a body without a head"),
        (head(1, 200, ("x y", "z")), "malformed HTTP/2: an invalid head"),
        (
            head(1, 200, ("content-length", "3")) + data(1, b"four"),
            "malformed HTTP/2: a body that is not as long as it said",
        ),
        (
            head(1, 200, ("content-length", "3"), end=True),
            "malformed HTTP/2: a body that is not as long as it said",
        ),
        (frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4)), "malformed HTTP/2: a push, which was switched off"),
        (
            frame(HEADERS, 0, 1, block((":status", "200"))) + data(1, b"x"),
            "malformed HTTP/2: headers that are not continued by the next frame",
        ),
    ],
)
def test_a_loss_says_what_the_server_did(wire: bytes, words: str) -> None:
    connection, (exchange,) = begun()
    connection.receive_data(wire)
    if not exchange.ended:
        connection.receive_eof()
    assert loss(exchange).message == words


def test_late_data_in_single_bytes_is_not_a_flood() -> None:
    connection, (dropped, other) = begun(2)
    dropped.drop()
    sent(connection)
    connection.receive_data(data(1, b"x") * (MAX_CONTROL_FRAMES + 5) + head(3))
    assert taken(other) == [Head(200)]
    assert sent(connection) == b""


def test_late_data_is_expected_of_each_exchange_that_was_dropped() -> None:
    connection, (one, two, other) = begun(3)
    one.drop()
    two.drop()
    for number in (1, 3):  # nearly a whole window, in more frames than a flood has
        connection.receive_data(data(number, bytes(1_000)) * 1_040)
    connection.receive_data(head(5))
    assert taken(other) == [Head(200)]


def test_a_late_frame_leaves_alone_what_is_to_be_sent() -> None:
    connection, (one, two, other) = begun(3)
    one.drop()
    two.drop()
    connection.receive_data(data(1, b"") + data(1, b"", end=True))
    assert kinds(sent(connection)) == [(RST_STREAM, 1), (RST_STREAM, 3)]
    connection.ping()
    two.drop()
    connection.receive_data(data(3, b""))
    assert kinds(sent(connection)) == [(PING, 0)]
    assert not other.ended


def test_a_window_of_one_byte_is_used() -> None:
    connection = HTTP2Connection()
    connection.receive_data(settings(window=0))
    exchange = connection.open(REQUEST)
    sent(connection)
    for part in (b"{", b"}"):
        connection.receive_data(window(1, 1))
        assert [payload for kind, _, _, payload in frames_in(sent(connection)) if kind == DATA] == [part]
    assert exchange.sent


def test_only_headers_that_are_the_same_for_all_requests_are_remembered_by_the_compression() -> None:
    connection = HTTP2Connection()
    connection.open(REQUEST)
    (block_of_headers,) = [payload for kind, _, _, payload in frames_in(sent(connection)) if kind == HEADERS]
    headers = hpack.Decoder().decode(block_of_headers, raw=True)
    remembered = {bytes(header[0]) for header in headers if header.indexable}
    assert remembered == {b":method", b":scheme", b":authority", b"content-type", b"accept-encoding"}


def test_a_refusal_and_a_leaving_server_need_no_advice() -> None:
    for wire in (reset(1, REFUSED), goaway(0)):
        connection, (exchange,) = begun()
        connection.receive_data(wire)
        error = loss(exchange)
        assert (error.hint, error.advice()) == ("", "")


def test_a_request_that_cannot_be_written_is_named_by_its_address() -> None:
    wrong = structs.replace(REQUEST, target="/a b")
    for deed in (HTTP2Connection().open, check_request):
        with pytest.raises(LocalProtocolError, match="POST https://localhost"):
            deed(wrong)


@pytest.mark.parametrize(("size", "passes"), [(200, True), (201, False)])
def test_the_limit_of_a_head_holds_to_the_byte_padding_included(size: int, passes: bool) -> None:
    headers = block((":status", "200"))
    padding = size - 1 - len(headers)
    connection, (exchange, other) = begun(2, limit=200)
    payload = bytes((padding,)) + headers + bytes(padding)
    connection.receive_data(frame(HEADERS, END_HEADERS | PADDED, 1, payload) + head(3))
    assert connection.over is not passes
    if passes:
        assert taken(exchange) == taken(other) == [Head(200)]
    else:
        assert isinstance(loss(exchange), LimitExceededError)


@pytest.mark.parametrize(("size", "passes"), [(91, True), (92, False)])
def test_the_limit_of_all_heads_of_a_response_holds_to_the_byte(size: int, passes: bool) -> None:
    """A frame counts with its header of nine bytes, and one such header is free."""
    connection, (exchange, other) = begun(2, limit=200)
    for status, length in (("103", 100), ("200", size)):
        headers = block((":status", status))
        padding = length - 1 - len(headers)
        payload = bytes((padding,)) + headers + bytes(padding)
        connection.receive_data(frame(HEADERS, END_HEADERS | PADDED, 1, payload))
    connection.receive_data(head(3))
    assert taken(other) == [Head(200)]
    if passes:
        assert taken(exchange) == [Head(200)]
    else:
        assert isinstance(loss(exchange), LimitExceededError)
    assert not connection.over


def test_an_exchange_that_was_dropped_has_nothing_to_send() -> None:
    _, (exchange,) = begun(request=LARGE)
    assert exchange.unsent == 200_000 - 65_535
    exchange.drop()
    assert exchange.unsent == 0


def test_bytes_after_the_end_of_the_connection_are_refused_by_name() -> None:
    connection, _ = begun()
    connection.receive_eof()
    with pytest.raises(LocalProtocolError, match=r"^receive_data\(\) after receive_eof\(\)$"):
        connection.receive_data(b"x")
    with pytest.raises(LocalProtocolError, match=r"^receive_eof\(\) twice$"):
        connection.receive_eof()


def test_a_window_counts_what_was_taken_and_not_given_back() -> None:
    connection, (exchange, other) = begun(2)
    taken_size = 25 * MAX_FRAME_SIZE  # less than half of the window, so that it is not given back yet
    connection.receive_data(head(1) + full(1, taken_size))
    assert sum(len(item.data) for item in taken(exchange) if isinstance(item, Body)) == taken_size
    connection.receive_data(full(1, STREAM_WINDOW - taken_size))
    assert connection.room
    connection.receive_data(data(1, b"x"))
    assert connection.over
    assert "more DATA than its window" in loss(exchange).message
    assert isinstance(loss(other), RemoteProtocolError)


@pytest.mark.parametrize(
    ("status", "bodiless"), [(204, True), (304, True), (303, False), (205, False), (200, False)]
)
def test_a_response_of_these_statuses_has_no_body_whatever_its_length_says(
    status: int, bodiless: bool
) -> None:
    """RFC 9110, section 8.6."""
    connection, (exchange,) = begun()
    connection.receive_data(head(1, status, ("content-length", "5"), end=True))
    first, last = taken(exchange)
    assert isinstance(first, Head)
    assert (first.status, last == End()) == (status, bodiless)


def test_an_exchange_is_ready_for_a_head_a_body_and_an_end() -> None:
    connection, (exchange,) = begun()
    seen = []
    for wire in (head(1), data(1, b"x"), data(1, b"", end=True)):
        seen.append(exchange.ready)
        connection.receive_data(wire)
        seen.append(exchange.ready)
        assert exchange.next_input() is not None
    assert [*seen, exchange.ready] == [False, True] * 3 + [False]


def test_windows_of_several_exchanges_are_given_back_at_once() -> None:
    connection, exchanges = begun(2)
    for exchange, number in zip(exchanges, (1, 3), strict=True):
        connection.receive_data(head(number) + full(number, STREAM_WINDOW // 2))
        taken(exchange)
    updates = [(number, int.from_bytes(size)) for kind, _, number, size in frames_in(sent(connection))]
    assert updates == [(1, STREAM_WINDOW // 2), (3, STREAM_WINDOW // 2)]
    for _ in range(31):  # less than a half of the window is kept back
        connection.receive_data(data(1, bytes(MAX_FRAME_SIZE)))
        taken(exchanges[0])
    assert sent(connection) == b""


def test_headers_of_one_name_stay_apart() -> None:
    connection, (exchange,) = begun()
    pairs = (("cookie", "a"), ("cookie", "b"), ("set-cookie", "c"), ("set-cookie", "d"))
    connection.receive_data(head(1, 200, *pairs))
    assert taken(exchange) == [Head(200, pairs)]
