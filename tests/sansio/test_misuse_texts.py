"""What a driver is told that uses a machine out of order, word for word."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from sansio import End, Head, HTTPExchange, LocalProtocolError, Request, SSEDecoder, StreamParser
from tests.sansio.exchanges import SSE_HEAD, call
from tests.sansio.texts import Deed, refusal


def twice(machine: Any, method: str = "receive_eof") -> Deed:
    machine.receive_eof()
    return lambda: getattr(machine, method)(*([b""] if method == "receive_data" else []))


def exchange() -> HTTPExchange:
    return HTTPExchange(Request.post("http://h", (), b""))


def inside_an_event() -> SSEDecoder:
    decoder = SSEDecoder()
    decoder.receive_data(b"data: x\n")
    return decoder


def begun(*inputs: Any, then: Callable[[Any], object]) -> Deed:
    subject = call("openai")
    subject.next_step()
    for value in inputs:
        subject.receive(value)
    return lambda: then(subject)


URL = "<Request POST http://h/ headers=(host, content-type, content-length, accept-encoding, x) body=0 bytes>"
MISUSES: list[tuple[str, Deed]] = [
    ("receive_data() after receive_eof()", twice(exchange(), "receive_data")),
    ("receive_eof() twice", twice(exchange())),
    (
        "receive_data() after receive_eof(): a decoder serves one stream",
        twice(SSEDecoder(), "receive_data"),
    ),
    ("receive_eof() twice: a decoder serves one stream", twice(SSEDecoder())),
    ("skip() inside an event: only whole events can be passed over", lambda: inside_an_event().skip(1)),
    (
        "receive_data() after receive_eof(): a parser serves one stream",
        twice(StreamParser("openai"), "receive_data"),
    ),
    ("receive_eof() twice: a parser serves one stream", twice(StreamParser("openai"))),
    (
        "next_step() while an exchange is under way: give its input first",
        begun(then=lambda subject: subject.next_step()),
    ),
    ("End out of order: a Head comes first, and once", begun(then=lambda subject: subject.receive(End()))),
    (
        "Head out of order: a Head comes first, and once",
        begun(SSE_HEAD, then=lambda subject: subject.receive(Head(200))),
    ),
    (
        "result() before the end of the call: read the stream to its end first",
        begun(then=lambda subject: subject.result()),
    ),
    ("'h/v1' is no absolute URL of http or https", lambda: Request.post("h/v1", (), b"")),
    *(
        (
            f"{URL} cannot be written as HTTP/1.1: check its path and headers",
            partial(HTTPExchange, Request.post("http://h", (("x", value),), b"")),
        )
        for value in ("a\nb", "\u20ac")
    ),
]


@pytest.mark.parametrize(("text", "deed"), MISUSES, ids=[text for text, _ in MISUSES])
def test_misuse_is_told_in_these_words(text: str, deed: Deed) -> None:
    assert isinstance(refusal(text, deed), LocalProtocolError)
