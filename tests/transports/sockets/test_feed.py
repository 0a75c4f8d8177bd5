"""The inputs of one exchange, one at a time."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given

from sansio.errors import APIConnectionError, LocalProtocolError, RemoteProtocolError
from sansio.http import Body, End, Head, HTTPExchange, Input, Request
from tests.support import chunkings
from tests.transports.raw_server import OK
from transports.sockets.feed import Feed

ORIGIN = ("https", "api.example", 443)
REQUEST = Request.post("http://localhost/v1", (), b"{}")


@given(chunkings(OK))
def test_feed_gives_what_the_machine_gives_one_at_a_time(pieces: list[bytes]) -> None:
    feed = Feed(HTTPExchange(REQUEST), reused=False)
    given: list[Head | Body | End] = []
    for piece in pieces:
        if piece:
            feed.read(piece)
        while feed.inputs:
            given.append(feed.take())
    assert given[0] == Head(200, (("content-length", "2"),))
    assert b"".join(one.data for one in given if isinstance(one, Body)) == b"ok"
    assert given[-1] == End()
    assert feed.keepable
    with pytest.raises(LocalProtocolError):
        feed.take()


@pytest.mark.parametrize("reused", [True, False])
def test_feed_says_whether_the_lost_connection_had_served(reused: bool) -> None:
    feed = Feed(HTTPExchange(REQUEST), reused=reused)
    assert feed.keepable
    feed.read(b"")
    with pytest.raises(APIConnectionError) as caught:
        feed.take()
    assert caught.value.reused is reused
    assert not feed.keepable


def test_feed_raises_bad_http_as_it_is() -> None:
    feed = Feed(HTTPExchange(REQUEST), reused=True)
    feed.read(b"no HTTP")
    with pytest.raises(RemoteProtocolError):
        feed.take()


def test_a_lost_feed_gives_nothing_else() -> None:
    feed = Feed(HTTPExchange(REQUEST), reused=False)
    feed.read(OK)
    feed.lose(APIConnectionError("dropped"))
    feed.read(OK)
    with pytest.raises(APIConnectionError, match="dropped"):
        feed.take()
    with pytest.raises(LocalProtocolError):
        feed.take()
    assert not feed.keepable


def test_feed_with_bytes_after_the_end_is_not_kept() -> None:
    feed = Feed(HTTPExchange(REQUEST), reused=False)
    feed.read(OK)
    assert feed.keepable
    feed.read(OK)
    assert not feed.keepable


class _Interrupted(deque[Input]):
    """Inputs of a feed that another thread loses while the reader looks whether there is one."""

    feed: Feed | None = None

    def __len__(self) -> int:
        feed, self.feed = self.feed, None
        length = super().__len__()
        if feed is not None:
            feed.lose(APIConnectionError("dropped"))
        return length


@pytest.mark.parametrize("before", [b"", OK])
def test_feed_that_another_thread_loses_meanwhile(monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    feed = Feed(HTTPExchange(REQUEST), reused=False)
    if before:
        feed.read(before)
    inputs = _Interrupted(feed.inputs)
    inputs.feed = feed
    monkeypatch.setattr(feed, "inputs", inputs)
    assert bool(before) is bool(feed.inputs)
    with pytest.raises(APIConnectionError, match="dropped"):
        feed.take()
