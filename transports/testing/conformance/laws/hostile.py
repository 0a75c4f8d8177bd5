"""Laws about misbehaving servers, processes and event loops."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import threading
import warnings

import anyio
import anyio.to_thread
from msgspec import structs

from sansio import ProviderError
from sansio.testing.judging.law import BrokenLawError, NotApplicableError, demand
from transports.testing.conformance.bench import Bench, Taken
from transports.testing.conformance.calls import CheckedTransport
from transports.testing.conformance.law import law, told
from transports.testing.conformance.peer import OK, raw_peer, read_request

_LARGE = 8_000_000  # bytes; more than any socket's buffers take
_CLOSED_LOOPS = 4
_ANSWERS = 5


@law("an answer that arrives before the server has read the request is returned", wire=True)
async def early_answer(bench: Bench) -> None:
    answered = threading.Event()

    def refuse(sock: socket.socket) -> None:
        sock.recv(1_000)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        answered.wait(3 * bench.patience)

    with raw_peer(refuse) as request:
        body = bytes(_LARGE)
        headers = tuple((name, value) for name, value in request.headers if name != "content-length")
        headers += (("content-length", str(_LARGE)),)
        taken = await bench.exchange(structs.replace(request, headers=headers, body=body))
        answered.set()
    what = "the server refused a large request before it had read it"
    if taken.error is not None:
        raise BrokenLawError(f"{what}, and the exchange failed with {told(taken.error)}; return its answer")
    demand((taken.head.status, taken.body) == (413, b"big"), f"{what}, and its answer was not returned")


@law("a response that no request asked for is not the answer to the next request", wire=True)
async def unasked_response(bench: Bench) -> None:
    stray = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray"
    # The last fills a read exactly, so that what follows comes with the next one.
    exact = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n"
    exact = (exact % (65_536 - len(exact % 65_000))).ljust(65_536, b"x")
    for first, late in ((OK, False), (OK, True), (exact, False)):
        asked, sent = threading.Event(), threading.Event()
        answers = [first + stray] if not late else [first]

        def serve(
            sock: socket.socket,
            answers: list[bytes] = answers,
            late: bool = late,
            asked: threading.Event = asked,
            sent: threading.Event = sent,
        ) -> None:
            while read_request(sock) is not None:
                stray_follows = late and bool(answers)
                sock.sendall(answers.pop() if answers else OK)
                if stray_follows:
                    asked.wait(bench.patience)
                    sock.sendall(stray)
                sent.set()

        with raw_peer(serve) as request:
            await bench.fetch(request, fresh=True)  # not on a connection to an earlier server
            asked.set()
            await bench.happens(sent.is_set)
            for fresh in (False, True):
                taken = await bench.exchange(request, fresh=fresh)
                if taken.error is None or fresh:
                    break
        when = "while the connection was idle" if late else "behind its response"
        got = f"raised {told(taken.error)}" if taken.error is not None else f"returned {taken.body[:20]!r}"
        demand(
            taken.body == b"ok",
            f"the server sent a second response {when}, and the next exchange {got}: close such connections",
        )


@law("event loops that are closed by hand leave no connections behind", tasks=True, wire=True)
async def loop_closed_by_hand(bench: Bench) -> None:
    if bench.backend != "asyncio":
        raise NotApplicableError("only loops of asyncio can be closed by hand")
    request = bench.request()
    errors: list[BaseException] = []

    def run() -> None:
        import asyncio

        for _ in range(_CLOSED_LOOPS):
            transport = bench.remake()

            async def use(transport: CheckedTransport = transport) -> None:
                exchange = await transport.open(request, bench.patience)
                taken = await bench.take(exchange)
                if taken.error is not None:
                    raise taken.error
                await exchange.aclose()

            loop = asyncio.new_event_loop()
            try:
                loop.run_until_complete(use())
            except (ProviderError, BrokenLawError) as error:
                errors.append(error)
            finally:
                loop.close()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # asyncio's, which warns of such loops
        await anyio.to_thread.run_sync(run)
        gc.collect()
    if errors:
        raise BrokenLawError(f"in a loop without a runner the transport failed: {told(errors[0])}")
    await bench.released(f"{_CLOSED_LOOPS} loops were closed, and their transports dropped", kept=1)


@law("a forked process gets its own answers, and leaves the connections of its parent alone", wire=True)
async def forked(bench: Bench) -> None:
    if not hasattr(os, "fork"):
        raise NotApplicableError("this system has no fork")
    await bench.serves("nothing was forked yet")  # so that there may be a connection to inherit
    opened, asked = os.pipe(), os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of this process's other threads
        child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(asked[1])
            well: list[bool] = []
            # In a thread, since this one is inside the parent's loop.
            thread = threading.Thread(target=_run, args=(bench, well, opened[1], asked[0]), daemon=True)
            thread.start()
            thread.join()
            status = 0 if well else 1
        finally:
            os._exit(status)
    os.close(opened[1])
    os.close(asked[0])
    ended: list[int] = []

    def is_over() -> bool:
        if not ended:
            pid, status = os.waitpid(child, os.WNOHANG)
            ended.extend([status] if pid else [])
        return bool(ended)

    try:
        # The child has sent a request and not read its answer. On a connection of both, the parent reads it.
        # Without this order, two processes may share a connection by turns, and nothing goes wrong.
        await bench.happens(lambda: bool(select.select([opened[0]], [], [], 0)[0]))
        await _ask(bench, 8_000)
        with contextlib.suppress(BrokenPipeError):  # the child has ended
            os.write(asked[1], b".")
        await _ask(bench, 9_000)
        over = await bench.happens(is_over)
    finally:
        os.close(asked[1])
        os.close(opened[0])
        if not is_over():
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)  # noqa: ASYNC222 - it is dead
    demand(over, "after a fork an exchange of the child did not end")
    demand(ended == [0], "after a fork an exchange of the child failed, or got another one's answer")
    await bench.serves("a forked process had ended")


async def _ask(bench: Bench, first: int) -> None:
    """Make exchanges that must each get their own answer."""
    for number in range(first, first + _ANSWERS):
        try:
            taken: Taken = await bench.fetch(bench.request(f"What is {number} + 0?"))
        except (ProviderError, BrokenLawError) as error:
            raise BrokenLawError(f"after a fork an exchange of the parent failed: {told(error)}") from error
        _check_answer(taken, number)


def _check_answer(taken: Taken, number: int) -> None:
    demand(
        f"That is {number}.".encode() in taken.body,
        f"after a fork an exchange got the answer of another process: {taken.body[:60]!r}",
    )


async def _ask_in_child(bench: Bench, opened: int, asked: int) -> None:
    """Begin an exchange, report it, and read its answer when the parent has made its own exchanges."""
    exchange = await bench.open(bench.request("What is 6999 + 0?"))
    os.write(opened, b".")
    os.read(asked, 1)
    _check_answer(await bench.take(exchange), 6_999)
    await exchange.aclose()
    await _ask(bench, 7_000)


def _run(bench: Bench, well: list[bool], opened: int, asked: int) -> None:
    with contextlib.suppress(Exception):
        anyio.run(_ask_in_child, bench, opened, asked, backend=bench.backend)
        well.append(True)


HOSTILE = (early_answer, unasked_response, loop_closed_by_hand, forked)
