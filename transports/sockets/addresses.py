"""Connects a socket to one of a host's addresses, on asyncio's own loops."""

from __future__ import annotations

import socket
from asyncio import AbstractEventLoop
from ipaddress import ip_address
from typing import Any

import anyio

from transports.sockets import racing
from transports.sockets.racing import Address, alternate


async def connect_tcp(loop: AbstractEventLoop, host: str, port: int) -> socket.socket:
    """Connect to the first of a host's addresses that answers (RFC 8305)."""
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
        addresses: list[Address] = [(family, (host, port))]
    except ValueError:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [(family, address) for family, _, _, _, address in found]
    if len(addresses) == 1:
        return await connect_socket(loop, *addresses[0])
    return await _race(loop, alternate(addresses))


async def _race(loop: AbstractEventLoop, addresses: list[Address]) -> socket.socket:
    winner: socket.socket | None = None
    errors: list[OSError] = []

    async def run(address: Address, failed: anyio.Event) -> None:
        nonlocal winner
        try:
            connected = await connect_socket(loop, *address)
        except OSError as error:
            errors.append(error)
            failed.set()
            return
        if winner is not None:  # two connected in the same loop turn
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
                with anyio.move_on_after(racing.STAGGER):
                    await failed.wait()
        done = True
    finally:
        if winner is not None and not done:
            winner.close()
    if winner is None:
        raise errors[0]
    return winner


async def connect_socket(loop: AbstractEventLoop, family: int, address: Any) -> socket.socket:
    """Connect a socket to an address: a path or a tuple, depending on its family."""
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
