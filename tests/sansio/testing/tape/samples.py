"""A tape as its recorder writes it, for the tests of the format."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from sansio import APIConnectionError, Body, End, Head, Lost, Request
from sansio.http import Headers, Input
from sansio.testing.tape import ExchangeLog, encode_session

KEY = "sk-a/key+that-nobody-may-see"
STREAM = Head(200, (("content-type", "text/event-stream"),))


def asked(
    body: bytes = b'{"model":"m","messages":[]}',
    *headers: tuple[str, str],
    url: str = "https://api.example.com/v1/chat/completions",
) -> Request:
    """A signed request."""
    signed: Headers = (*headers, ("authorization", f"Bearer {KEY}"))
    return Request.post(url, signed, body)


def written(
    *exchanges: Iterable[Input], request: Request | None = None, shown: frozenset[str] = frozenset()
) -> bytes:
    """The lines of a session with these exchanges, one after the other."""
    lines = encode_session()
    for number, inputs in enumerate(exchanges, 1):
        log = ExchangeLog(number, request or asked(), shown)
        lines += log.begin() + b"".join([log.take(value, 0.25 * at) for at, value in enumerate(inputs, 1)])
    return lines


def exchanges() -> st.SearchStrategy[list[Input]]:
    """The inputs of one exchange that has an end, with bodies of any bytes."""
    heads = st.builds(Head, st.integers(200, 599), st.just(STREAM.headers))
    bytes_or_text = st.one_of(st.binary(max_size=9), st.text(max_size=5).map(str.encode))
    bodies = st.lists(bytes_or_text.map(Body), max_size=5)
    ends = st.sampled_from((End(), Lost(APIConnectionError("the connection was reset"))))
    return st.builds(lambda head, body, end: [head, *body, end], heads, bodies, ends)
