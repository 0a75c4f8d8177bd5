"""A host's addresses, and a socket connected to one of them, on asyncio's own loops."""

from __future__ import annotations

import socket
from asyncio import AbstractEventLoop
from ipaddress import ip_address
from itertools import zip_longest
from typing import Any, TypeAlias

import anyio

_STAGGER = 0.25  # seconds before the next address is tried beside those under way: RFC 8305, section 8

_Address: TypeAlias = tuple[int, object]
"""A family of addresses, and one of them as the system takes it."""


async def connect_tcp(loop: AbstractEventLoop, host: str, port: int) -> socket.socket:
    """Connect to the first of a host's addresses that answers (RFC 8305)."""
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
        addresses: list[_Address] = [(family, (host, port))]
    except ValueError:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [(family, address) for family, _, _, _, address in found]
    if len(addresses) == 1:
        return await connect_socket(loop, *addresses[0])
    return await _race(loop, _mixed(addresses))


def _mixed(addresses: list[_Address]) -> list[_Address]:
    """The families by turns (RFC 8305, section 4): one that leads nowhere holds up the other but once."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    pairs = zip_longest(first, others)
    return [address for pair in pairs for address in pair if address is not None]


async def _race(loop: AbstractEventLoop, addresses: list[_Address]) -> socket.socket:
    winner: socket.socket | None = None
    errors: list[OSError] = []

    async def run(address: _Address, failed: anyio.Event) -> None:
        nonlocal winner
        try:
            connected = await connect_socket(loop, *address)
        except OSError as error:
            errors.append(error)
            failed.set()
            return
        if winner is not None:  # both came in the same turn of the loop
            connected.close()
            return
        winner = connected
        runners.cancel_scope.cancel()

    done = False
    try:
        async with anyio.create_task_group() as runners:
            for address in addresses:
                failed = anyio.Event()
                runners.start_soon(run, address, failed)
                with anyio.move_on_after(_STAGGER):
                    await failed.wait()
        done = True
    finally:
        if winner is not None and not done:
            winner.close()
    if winner is None:
        raise errors[0]
    return winner


async def connect_socket(loop: AbstractEventLoop, family: int, address: Any) -> socket.socket:
    """A socket connected to an address, which is a path or a tuple by its family."""
    raw = socket.socket(family, socket.SOCK_STREAM)
    done = False
    try:
        raw.setblocking(False)
        await loop.sock_connect(raw, address)
        done = True
    finally:
        if not done:
            raw.close()
    return raw
