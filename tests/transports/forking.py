"""`python -m tests.transports.forking {workers|stream} KIND HTTP2 URL [CA_FILE]`: a program that forks.

`test_forks.py` runs it as a process, so that the servers' threads are in another one: a child that is forked
while another thread holds a lock of C code, such as OpenSSL's, waits for that lock forever.
"""

from __future__ import annotations

import gc
import os
import ssl
import sys
import warnings
from collections.abc import Callable
from functools import partial

import anyio
import pytest

from sansio import APIConnectionError, Body, End, Message, ProviderConfig, Request, Role
from transports import (
    AnyioTransport,
    HttpcoreTransport,
    SocketTransport,
    Transport,
    create_provider,
    create_sync_provider,
)
from transports.interface import SyncExchange

CHILDREN = 4
ANSWERS = 10

Ask = Callable[[int], str]


def blocking_transport(http2: bool, context: ssl.SSLContext | None = None) -> SocketTransport:
    return SocketTransport(http2="only" if http2 else False, ssl_context=context)


def async_transport(kind: str, http2: bool, context: ssl.SSLContext | None = None) -> Transport:
    if kind == "httpcore":
        return HttpcoreTransport(module="httpcore", ssl_context=context)
    return AnyioTransport(http2="only" if http2 else False, ssl_context=context)


def asker(kind: str, url: str, *, http2: bool) -> Ask:
    """A provider that is used before the fork, and again after it."""
    config = ProviderConfig(type="openai", model="m", base_url=url, max_attempts=1)
    if kind == "blocking":
        blocking = create_sync_provider(config, api_key="any", transport=blocking_transport(http2))
        return lambda number: blocking.complete(_question(number)).text
    transport = async_transport(kind, http2)
    provider = create_provider(config, api_key="any", transport=transport)

    async def ask(number: int) -> str:
        return (await provider.complete(_question(number))).text

    return lambda number: anyio.run(ask, number, backend="trio" if kind == "trio" else "asyncio")


def _question(number: int) -> list[Message]:
    return [Message(Role.USER, f"What is {number} + 0?")]


def check(ask: Ask, first: int) -> None:
    for number in range(first, first + ANSWERS):
        text = ask(number)
        assert f"That is {number}." in text, (number, text)


def fork(run: Callable[[], object]) -> int:
    """A child that runs this, and whose status says whether it failed."""
    with warnings.catch_warnings():
        # Python 3.12 and later warn of threads: Trio keeps those that looked up a name, which wait for work.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        run()
        status = 0
    finally:
        gc.collect()
        os._exit(status)


def join(child: int) -> None:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def workers(kind: str, http2: bool, url: str) -> None:
    """As a server that loads its application before it forks, such as gunicorn with `--preload`."""
    ask = asker(kind, url, http2=http2)
    check(ask, 1_000)
    children = [fork(partial(check, ask, 2_000 + 100 * number)) for number in range(CHILDREN)]
    check(ask, 3_000)
    for child in children:
        join(child)
    check(ask, 4_000)


def open_stream(kind: str, http2: bool, url: str, ca_file: str | None = None) -> None:
    """A child inherits an exchange under way, and neither reads nor ends it."""
    ssl_context = None if ca_file is None else ssl.create_default_context(cafile=ca_file)
    request, go_on = Request.post(url, (), b"begin"), Request.post(url, (), b"go on")
    if kind == "blocking":
        _inherit(request, go_on, blocking_transport(http2, ssl_context))
    else:
        backend = "trio" if kind == "trio" else "asyncio"
        transport = async_transport(kind, http2, ssl_context)
        anyio.run(_inherit_async, request, go_on, transport, backend=backend)


def _inherit(request: Request, go_on: Request, transport: SocketTransport) -> None:
    leaving: list[Callable[[SyncExchange], object]] = [
        lambda exchange: None,
        lambda exchange: exchange.abort(),
        lambda exchange: exchange.close(),
        lambda exchange: transport.close(),
    ]
    for leave in leaving:
        exchange = transport.open(request, 30)
        exchange.receive(30)
        assert exchange.receive(30) == Body(b"one")
        join(fork(partial(leave, exchange)))
        join(fork(partial(_read_in_vain, exchange)))
        other = transport.open(go_on, 30)
        other.receive(30)
        other.abort()
        assert exchange.receive(30) == Body(b"two")
        assert exchange.receive(30) == End()
        exchange.close()


def _read_in_vain(exchange: SyncExchange) -> None:
    with pytest.raises(APIConnectionError, match="belongs to the process"):
        exchange.receive(30)


async def _inherit_async(request: Request, go_on: Request, transport: Transport) -> None:
    exchange = await transport.open(request, 30)
    await exchange.receive(30)
    assert await exchange.receive(30) == Body(b"one")
    join(fork(lambda: None))
    join(fork(exchange.abort))
    other = await transport.open(go_on, 30)
    await other.receive(30)
    assert await exchange.receive(30) == Body(b"two")
    assert await exchange.receive(30) == End()
    await exchange.aclose()
    other.abort()
    await transport.aclose()


if __name__ == "__main__":
    scenario, chosen, version, *rest = sys.argv[1:]
    {"workers": workers, "stream": open_stream}[scenario](chosen, version == "2", *rest)
