"""A driver that uses a machine out of order gets a LocalProtocolError that says what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import pytest

from sansio import End, Head, HTTPExchange, LocalProtocolError, Request, SSEDecoder, StreamParser
from tests.sansio.exchanges import SSE_HEAD, call

Deed: TypeAlias = Callable[[], object]


def twice(machine: Any, method: str = "receive_eof") -> Deed:
    machine.receive_eof()
    return lambda: getattr(machine, method)(*([b""] if method == "receive_data" else []))


def exchange() -> HTTPExchange:
    return HTTPExchange(Request.post("http://h", (), b""))


def begun(*inputs: Any, then: Callable[[Any], object]) -> Deed:
    subject = call("openai")
    subject.next_step()
    for value in inputs:
        subject.receive(value)
    return lambda: then(subject)


MISUSES: list[tuple[str, Deed]] = [
    ("after receive_eof()", twice(exchange(), "receive_data")),
    ("receive_eof() twice", twice(exchange())),
    ("a decoder serves one stream", twice(SSEDecoder(), "receive_data")),
    ("a decoder serves one stream", twice(SSEDecoder())),
    ("a parser serves one stream", twice(StreamParser("openai"), "receive_data")),
    ("a parser serves one stream", twice(StreamParser("openai"))),
    ("give its input first", begun(then=lambda subject: subject.next_step())),
    ("a Head comes first, and once", begun(then=lambda subject: subject.receive(End()))),
    ("a Head comes first, and once", begun(SSE_HEAD, then=lambda subject: subject.receive(Head(200)))),
    ("read the stream to its end first", begun(then=lambda subject: subject.result())),
    ("'h/v1'", lambda: Request.post("h/v1", (), b"")),
    *(
        ("check its path and headers", partial(HTTPExchange, Request.post("http://h", (("x", value),), b"")))
        for value in ("a\nb", "\u20ac")
    ),
]


@pytest.mark.parametrize(("words", "deed"), MISUSES)
def test_misuse_says_what_to_do_and_no_headers_value(words: str, deed: Deed) -> None:
    with pytest.raises(LocalProtocolError, match=re.escape(words)) as caught:
        deed()
    assert "a\nb" not in str(caught.value)
