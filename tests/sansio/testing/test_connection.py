"""The server's side of a connection: framing, keep-alive, pipelining, malformed HTTP, and how it ends."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import Body, End, Head, HTTPExchange, Lost, Request
from sansio.http import Headers, header
from sansio.testing import (
    Answer,
    Broken,
    Ending,
    Failure,
    FakeConnection,
    FakeProvider,
    FakeResponse,
)
from tests.sansio.testing.asking import body_for, request_for, split
from tests.support import chunkings

WHOLE = request_for("openai")
STREAM = request_for("openai", body_for("openai", stream=True))


def sent(request: Request) -> bytes:
    return HTTPExchange(request).data_to_send()


def read(request: Request, pieces: list[bytes]) -> tuple[Head, bytes, object]:
    """A client's view of the pieces: the head, the body and the last input."""
    exchange = HTTPExchange(request)
    exchange.data_to_send()
    inputs = exchange.receive_data(b"".join(pieces))
    head = inputs[0]
    assert isinstance(head, Head)
    body = b"".join(given_input.data for given_input in inputs if isinstance(given_input, Body))
    return head, body, inputs[-1]


def exchange_of(*outcomes: Answer | Failure | Broken | FakeResponse) -> tuple[FakeConnection, FakeProvider]:
    provider = FakeProvider("openai", outcomes)
    return FakeConnection(provider), provider


def test_a_whole_answer_has_its_length_and_leaves_the_connection_open() -> None:
    connection, provider = exchange_of(Answer(text="Hello"))
    head, body, last = read(WHOLE, connection.receive_data(sent(WHOLE)))
    assert (head.status, header(head.headers, "content-length")) == (200, str(len(body)))
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hello"
    assert last == End()
    assert not connection.closed
    (request,) = provider.requests
    assert (request.headers, request.body) == (WHOLE.headers, WHOLE.body)


def test_a_stream_is_chunked_and_each_event_is_a_piece_of_its_own() -> None:
    connection, _ = exchange_of(Answer(text="one two"))
    pieces = connection.receive_data(sent(STREAM))
    head, body, last = read(STREAM, pieces)
    assert header(head.headers, "transfer-encoding") == "chunked"
    assert last == End()
    assert body.count(b"\n\n") == len(pieces) - 2  # the head, and the last chunk
    assert not connection.closed


@given(cut=chunkings(sent(STREAM) + sent(WHOLE)))
def test_the_answers_do_not_depend_on_how_the_requests_were_cut(cut: list[bytes]) -> None:
    connection = FakeConnection(FakeProvider("openai"))
    pieces = [piece for data in cut for piece in connection.receive_data(data)]
    expected = FakeConnection(FakeProvider("openai")).receive_data(sent(STREAM) + sent(WHOLE))
    assert pieces == expected


def test_pipelined_requests_are_answered_in_order() -> None:
    connection, provider = exchange_of(Answer(text="first"), Failure(status=503), Answer(text="third"))
    answer = b"".join(connection.receive_data(sent(WHOLE) * 3))
    assert answer.index(b"first") < answer.index(b"HTTP/1.1 503") < answer.index(b"third")
    assert len(provider.requests) == 3


def test_a_client_that_asks_for_it_gets_the_connection_closed() -> None:
    connection, _ = exchange_of(Answer(text="Hello"))
    closing = sent(WHOLE).replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)
    assert read(WHOLE, connection.receive_data(closing))[2] == End()
    assert connection.closed
    assert connection.receive_data(sent(WHOLE)) == []


def test_an_http_1_0_client_gets_a_stream_that_ends_with_the_connection() -> None:
    connection, _ = exchange_of(Answer(text="one two"))
    pieces = connection.receive_data(sent(STREAM).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    answer = b"".join(pieces)
    assert b"transfer-encoding" not in answer.lower()
    assert answer.endswith(b"data: [DONE]\n\n")
    assert connection.closed


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_malformed_http_is_answered_with_400_and_closed(data: bytes) -> None:
    connection, provider = exchange_of()
    head, body, last = read(WHOLE, connection.receive_data(data))
    assert (head.status, last) == (400, End())
    assert dict(head.headers) == {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
    }
    assert "malformed HTTP" in json.loads(body)["error"]["message"]
    assert connection.closed
    assert provider.requests == []


def test_a_head_without_end_is_refused() -> None:
    connection, _ = exchange_of()
    head, _, _ = read(WHOLE, connection.receive_data(b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * 40_000))
    assert head.status == 431
    assert connection.closed


@given(data=st.binary(max_size=200))
def test_any_bytes_are_answered_waited_for_or_refused(data: bytes) -> None:
    connection = FakeConnection(FakeProvider())
    pieces = connection.receive_data(data)
    assert connection.closed == bool(pieces)
    connection.receive_eof()
    assert connection.closed


def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    connection, _ = exchange_of(Answer(text="Hello"))
    head, body = sent(WHOLE).split(b"\r\n\r\n", 1)
    first = connection.receive_data(head + b"\r\nexpect: 100-continue\r\n\r\n")
    assert first[0].startswith(b"HTTP/1.1 100 ")
    assert b"Hello" in b"".join(connection.receive_data(body))


def test_head_requests_get_no_body() -> None:
    connection, _ = exchange_of()
    pieces = connection.receive_data(b"HEAD /v1/chat/completions HTTP/1.1\r\nhost: a\r\n\r\n")
    assert b"".join(pieces).startswith(b"HTTP/1.1 405 ")
    assert b"".join(pieces).endswith(b"\r\n\r\n")


@pytest.mark.parametrize("outcome", [Broken(answer=Answer(text="one two"), after=1, ending=Ending.DROP)])
@pytest.mark.parametrize("request_", [STREAM, WHOLE])
def test_a_dropped_response_ends_without_its_end(outcome: Broken, request_: Request) -> None:
    connection, _ = exchange_of(outcome)
    pieces = connection.receive_data(sent(request_))
    exchange = HTTPExchange(request_)
    exchange.data_to_send()
    inputs = exchange.receive_data(b"".join(pieces)) + exchange.receive_eof()
    assert isinstance(inputs[0], Head)
    assert isinstance(inputs[-1], Lost)
    assert connection.closed


def test_a_held_response_never_ends_until_the_client_closes() -> None:
    connection, provider = exchange_of(Broken(answer=Answer(text="one two"), after=1, ending=Ending.HOLD))
    pieces = connection.receive_data(sent(STREAM) + sent(WHOLE))
    _, body, last = read(STREAM, pieces)
    assert b"one " in body
    assert isinstance(last, Body)
    assert connection.receive_data(sent(WHOLE)) == []
    assert not connection.closed
    assert len(provider.requests) == 1
    connection.receive_eof()
    assert connection.closed


@pytest.mark.parametrize("ending", Ending)
def test_a_silent_response_sends_nothing_and_drops_or_holds_the_connection(ending: Ending) -> None:
    connection, provider = exchange_of(FakeResponse(silent=True, ending=ending))
    assert connection.receive_data(sent(WHOLE)) == []
    assert connection.closed == (ending is not Ending.HOLD)
    assert len(provider.requests) == 1


def test_a_response_s_own_framing_headers_are_kept() -> None:
    response = FakeResponse(headers=(("content-length", "3"),), pieces=(b"abc",))
    connection, _ = exchange_of(response)
    head, body, last = read(WHOLE, connection.receive_data(sent(WHOLE)))
    assert [value for name, value in head.headers if name == "content-length"] == ["3"]
    assert (body, last) == (b"abc", End())


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (b"example.com:81", ("example.com", 81)),
        (b"example.com", ("example.com", 443)),
        (b"[::1]:81", ("::1", 81)),
        (b"[::1", ("", 443)),
        (b"a:b", ("", 443)),
    ],
)
def test_the_request_s_host_and_port_are_read_from_its_header(host: bytes, expected: tuple[str, int]) -> None:
    provider = FakeProvider("openai")
    connection = FakeConnection(provider, scheme="https")
    connection.receive_data(b"GET / HTTP/1.1\r\nhost: " + host + b"\r\n\r\n")
    (request,) = provider.requests
    assert (request.scheme, request.host, request.port) == ("https", *expected)


def test_no_bytes_are_no_end() -> None:
    connection, _ = exchange_of(Answer(text="Hello"))
    assert connection.receive_data(b"") == []
    assert b"Hello" in b"".join(connection.receive_data(sent(WHOLE)))


@pytest.mark.parametrize(
    ("scheme", "host", "expected"),
    [
        ("http", "fake.test", ("fake.test", 80)),
        ("http", "fake.test:8000", ("fake.test", 8000)),
        ("https", "fake.test", ("fake.test", 443)),
        ("https", "fake.test:8443", ("fake.test", 8443)),
        ("http", "no host:x", ("", 80)),
    ],
)
def test_a_requests_address_is_its_host_header_and_the_scheme(
    scheme: str, host: str, expected: tuple[str, int]
) -> None:
    provider = FakeProvider("openai")
    connection = FakeConnection(provider, scheme=scheme)
    connection.receive_data(f"GET / HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    (request,) = provider.requests
    assert (request.scheme, request.host, request.port) == (scheme, *expected)


def test_what_is_behind_the_last_request_of_a_connection_is_not_read() -> None:
    connection, provider = exchange_of(Answer(text="Hello"), Answer(text="Again"))
    closing = sent(WHOLE).replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)
    pieces = connection.receive_data(closing + sent(WHOLE))
    assert read(WHOLE, pieces)[2] == End()
    assert (len(provider.requests), connection.closed) == (1, True)


@pytest.mark.parametrize("ending", [Ending.DROP, Ending.HOLD, Ending.FINISH])
@pytest.mark.parametrize("silent", [True, False])
def test_a_request_behind_one_without_an_end_is_not_read(ending: Ending, silent: bool) -> None:
    finished = ending is Ending.FINISH and not silent
    connection, provider = exchange_of(FakeResponse(ending=ending, silent=silent), Answer(text="Again"))
    pieces = connection.receive_data(sent(WHOLE) * 2)
    assert len(provider.requests) == (2 if finished else 1)
    assert bool(pieces) is not silent
    assert connection.closed == (ending is Ending.DROP or (silent and ending is Ending.FINISH))
    assert bool(connection.receive_data(sent(WHOLE))) is finished


@pytest.mark.parametrize(
    "change", [(b"HTTP/1.1", b"HTTP/1.0"), (b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")]
)
def test_bytes_behind_the_last_request_are_not_read_while_it_is_held(change: tuple[bytes, bytes]) -> None:
    connection, provider = exchange_of(FakeResponse(ending=Ending.HOLD))
    assert connection.receive_data(sent(WHOLE).replace(*change, 1))
    assert connection.receive_data(b"x") == connection.receive_data(sent(WHOLE)) == []
    assert not connection.closed
    assert len(provider.requests) == 1


def test_a_request_has_all_that_its_client_sent() -> None:
    connection = FakeConnection(provider := FakeProvider(), scheme="https")
    connection.receive_data(
        b"PUT /a%20b?c=1 HTTP/1.1\r\nHost: h.test:8443\r\nX-Own: \xe4\r\ncontent-length: 3\r\n\r\nabc"
    )
    (request,) = provider.requests
    assert (request.method, request.scheme, request.host, request.port) == ("PUT", "https", "h.test", 8443)
    assert (request.target, request.body) == ("/a%20b?c=1", b"abc")
    assert request.headers == (("host", "h.test:8443"), ("x-own", "\xe4"), ("content-length", "3"))


@pytest.mark.parametrize(
    ("host", "scheme", "read_as"),
    [
        ("h.test", "http", ("h.test", 80)),
        ("h.test", "https", ("h.test", 443)),
        ("h.test:81", "https", ("h.test", 81)),
        ("[::1]:81", "http", ("::1", 81)),
        ("h.test:x", "http", ("", 80)),
        ("[::1", "http", ("", 80)),
        ("", "http", ("", 80)),
    ],
)
def test_the_host_is_that_of_the_header(host: str, scheme: str, read_as: tuple[str, int]) -> None:
    connection = FakeConnection(provider := FakeProvider(), scheme=scheme)
    connection.receive_data(f"GET / HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    (request,) = provider.requests
    assert (request.host, request.port) == read_as


@pytest.mark.parametrize(
    ("headers", "framing"),
    [
        ((), "content-length: 4"),
        ((("content-length", "4"),), "content-length: 4"),
        ((("transfer-encoding", "chunked"),), "transfer-encoding: chunked"),
        ((("content-type", "text/event-stream; charset=utf-8"),), "transfer-encoding: chunked"),
        ((("content-type", "application/json"),), "content-length: 4"),
    ],
)
def test_a_response_is_framed_once_as_its_headers_say(headers: Headers, framing: str) -> None:
    connection, _ = exchange_of(FakeResponse(headers=headers, pieces=(b"ab", b"cd")))
    head, body = split(b"".join(connection.receive_data(sent(WHOLE))))
    lines = [line for line in head.decode().split("\r\n") if line.startswith(("content-l", "transfer-"))]
    assert lines == [framing]
    assert body == (b"abcd" if "length" in framing else b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n")
