"""A connection on asyncio's own loops, against the other end of its socket: what comes, when, and to whom."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref

import anyio
import pytest

from sansio.errors import APIConnectionError
from sansio.http import Body, Head
from tests.transports.contracts.support import CHUNKED, LAST, chunk
from tests.transports.linked import begin, drain, fill, linked, pour, take, take_all, timers, turns, until
from tests.transports.raw_server import OK, PATIENCE
from transports.sockets.raw import READ_SIZE, SETTLE_READS

pytestmark = pytest.mark.anyio

MEGABYTE = 1_000_000
PIECE = chunk(bytes(60_000))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class TestReading:
    """A slow reader is given two reads at most, and loses nothing."""

    async def test_a_slow_reader_holds_up_the_peer(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(CHUNKED)
            poured = await pour(peer, PIECE, 50 * MEGABYTE)
            assert poured < 5 * MEGABYTE
            taken = 0
            assert isinstance(await take(connection, feed), Head)
            while taken < poured // len(PIECE) * 60_000:
                given = await take(connection, feed)
                assert isinstance(given, Body)
                taken += len(given.data)

    async def test_unread_bytes_do_not_block_the_peer_after_the_release(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            for piece in (CHUNKED + chunk(b"one"), chunk(b"data: [DONE]\n\n"), LAST):
                peer.send(piece)
                await turns(4)
            assert isinstance(await take(connection, feed), Head)
            connection.rest()
            assert await connection.settle()
            feed = begin(connection)
            peer.send(OK)
            assert await take_all(connection, feed) == b"ok"

    async def test_the_peer_closes_while_reading_is_paused(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            for piece in (CHUNKED + chunk(b"one"), chunk(b"two"), chunk(b"three") + LAST):
                peer.send(piece)
                await turns(4)
            peer.close()
            await turns(4)
            assert await take_all(connection, feed) == b"onetwothree"
            connection.rest()
            assert not await connection.settle()

    async def test_a_reader_that_is_cancelled_loses_nothing(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            for _ in range(2):
                reading = asyncio.ensure_future(fill(connection, feed, PATIENCE))
                await turns(2)
                reading.cancel()
                peer.send(OK[:20])
                with pytest.raises(asyncio.CancelledError):
                    await reading
                await turns(2)
                peer.send(OK[20:])
                assert await take_all(connection, feed) == b"ok"
                connection.rest()
                assert await connection.settle()
                feed = begin(connection)


class TestEnds:
    """The end of a connection is reported once, after all bytes before it."""

    async def test_an_error_is_raised_after_the_bytes_before_it(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(CHUNKED + chunk(b"data"))
            await until(lambda: feed.inputs)
            connection.connection_lost(ConnectionResetError(104, "reset"))
            assert isinstance(await take(connection, feed), Head)
            assert await take(connection, feed) == Body(b"data")
            with anyio.fail_after(PATIENCE), pytest.raises(APIConnectionError, match="the peer reset it"):
                await take(connection, feed)

    async def test_an_error_after_the_end_is_ignored(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(OK)
            await until(lambda: feed.inputs)
            connection.connection_lost(ConnectionResetError(104, "reset"))
            assert await take_all(connection, feed) == b"ok"
            connection.rest()
            assert not await connection.settle()

    async def test_the_end_comes_before_the_exchange(self) -> None:
        for error, words in (None, "closed the connection before"), (ConnectionResetError(104, ""), "reset"):
            async with linked() as (connection, _):
                connection.connection_lost(error)
                feed = begin(connection)
                with pytest.raises(APIConnectionError, match=words):
                    await take(connection, feed)

    async def test_an_answer_and_its_end_while_the_request_is_still_leaving(self) -> None:
        """The peer answers and ends early: the rest of the request is not sent."""
        async with linked() as (connection, peer):
            feed = begin(connection, bytes(3 * MEGABYTE))
            sending = asyncio.ensure_future(connection.send(PATIENCE))
            await turns(2)
            assert not sending.done()
            peer.send(OK)
            peer.shutdown(socket.SHUT_WR)
            with anyio.fail_after(PATIENCE):
                await sending
            assert await take_all(connection, feed) == b"ok"
            assert not feed.keepable
            await connection.aclose()
            assert await drain(peer) < 3 * MEGABYTE

    async def test_a_task_that_sends_the_request_is_woken_by_the_end(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection, bytes(3 * MEGABYTE))
            sending = asyncio.ensure_future(connection.send(PATIENCE))
            await turns(2)
            peer.close()
            with anyio.fail_after(PATIENCE):
                await sending
            with pytest.raises(APIConnectionError):
                await take(connection, feed)

    async def test_a_task_that_is_cancelled_while_it_sends_closes_without_a_warning(self) -> None:
        async with linked() as (connection, peer):
            begin(connection, bytes(3 * MEGABYTE))
            sending = asyncio.ensure_future(connection.send(PATIENCE))
            await turns(2)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            assert await drain(peer)  # this would wake a waiting task, but there is none


class TestUnasked:
    """Bytes that belong to no exchange end the connection's use, whenever they come."""

    @pytest.mark.parametrize("when", ["unread", "taken", "released"])
    async def test_bytes_after_the_end(self, when: str) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(OK)
            await until(lambda: feed.inputs)
            if when != "unread":
                await take_all(connection, feed)
            if when == "released":
                connection.rest()
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwr")
            await turns(4)
            connection.rest()
            assert not await connection.settle()

    async def test_bytes_that_arrive_as_the_connection_is_taken_again(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(OK)
            await take_all(connection, feed)
            connection.rest()
            peer.send(b"HTTP/1.1 200 OK\r\n")
            assert not await connection.settle()

    async def test_bytes_before_the_first_exchange_are_read_in_it(self) -> None:
        async with linked() as (connection, peer):
            peer.send(b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n")
            await turns(4)
            peer.send(b"\r\nbusy")
            peer.close()
            await turns(4)
            feed = begin(connection)
            head = await take(connection, feed)
            assert isinstance(head, Head)
            assert head.status == 503
            assert await take_all(connection, feed) == b"busy"

    async def test_a_released_response_that_goes_on_is_cut(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(CHUNKED + chunk(b"data: [DONE]\n\n"))
            await take(connection, feed)
            connection.rest()
            poured = await pour(peer, PIECE, 50 * MEGABYTE)
            assert poured < SETTLE_READS * READ_SIZE + 3 * MEGABYTE
            with pytest.raises(ConnectionError):
                peer.send(PIECE)
            assert not await connection.settle()

    async def test_a_response_that_breaks_the_rules_after_its_release(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(CHUNKED + chunk(b"data: [DONE]\n\n"))
            await take(connection, feed)
            connection.rest()
            peer.send(b"no size of a chunk\r\n" * 3)
            assert not await connection.settle()


class TestTimer:
    """One timer serves many waits; none of them ends early or late by it."""

    async def test_a_shorter_wait_after_a_longer_one(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(CHUNKED)
            assert await fill(connection, feed, 600)
            assert isinstance(feed.take(), Head)
            with anyio.fail_after(PATIENCE):
                assert not await fill(connection, feed, 0.01)

    async def test_a_longer_wait_after_a_shorter_one(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(CHUNKED)
            assert await fill(connection, feed, 0.02)
            assert isinstance(feed.take(), Head)
            begun = asyncio.get_running_loop().time()
            assert not await fill(connection, feed, 0.08)
            assert asyncio.get_running_loop().time() - begun >= 0.08

    async def test_an_unlimited_wait_after_a_short_one(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(CHUNKED)
            assert await fill(connection, feed, 0.02)
            assert isinstance(feed.take(), Head)
            rung = asyncio.Event()
            asyncio.get_running_loop().call_later(0.05, rung.set)
            reading = asyncio.ensure_future(fill(connection, feed, None))
            await rung.wait()
            assert not reading.done()
            peer.send(chunk(b"data"))
            assert await reading

    async def test_a_timer_that_fires_while_no_task_waits(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(CHUNKED)
            assert await fill(connection, feed, 0.01)
            await until(lambda: timers() == 1)  # that of `until` itself
            assert isinstance(feed.take(), Head)
            with anyio.fail_after(PATIENCE):
                assert not await fill(connection, feed, 0.01)

    async def test_received_data_is_returned_with_a_timeout_of_0(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(OK)
            assert await fill(connection, feed, 0)

    async def test_one_serves_all_exchanges_of_a_connection(self) -> None:
        async with linked() as (connection, peer):
            for _ in range(3):
                feed = begin(connection)
                peer.send(OK)
                assert await fill(connection, feed, 600)
                assert await take_all(connection, feed) == b"ok"
                connection.rest()
                assert await connection.settle()
                assert timers() == 1

    async def test_one_that_fires_between_two_exchanges(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(OK)
            assert await fill(connection, feed, 0.01)
            assert await take_all(connection, feed) == b"ok"
            connection.rest()
            await until(lambda: timers() == 1)  # that of `until` itself
            assert await connection.settle()
            feed = begin(connection)
            with anyio.fail_after(PATIENCE):
                assert not await fill(connection, feed, 0.01)

    @pytest.mark.parametrize("how", ["aclose", "eof"])
    async def test_a_closed_connection_leaves_none_behind(self, how: str) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(CHUNKED)
            assert await fill(connection, feed, 600)
            assert feed.inputs
            assert timers() == 1
            if how == "aclose":
                await connection.aclose()
            else:
                peer.close()
                await turns(4)
            assert timers() == 0

    async def test_nothing_holds_a_closed_connection(self) -> None:
        async with linked() as (connection, peer):
            feed = begin(connection)
            peer.send(CHUNKED)
            assert await fill(connection, feed, 600)
            gone = weakref.ref(connection)
            del connection
        gc.collect()
        assert gone() is None
