"""Connects a socket to one of a host's addresses, on asyncio's own loops."""

from __future__ import annotations

import socket
from asyncio import AbstractEventLoop
from ipaddress import ip_address
from typing import Any

import anyio

from transports.failures import connect_failure
from transports.interface import Origin
from transports.sockets import racing
from transports.sockets.racing import Address, alternate
from transports.sockets.raw import READ_SIZE
from transports.sockets.tunnels import Proxy


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


async def connect_through(loop: AbstractEventLoop, proxy: Proxy, origin: Origin) -> socket.socket:
    """Connect to an origin through a proxy.

    Raises:
        APIConnectionError: the proxy cannot be reached, or it refused.
    """
    raw = failure = None
    try:
        raw = await connect_tcp(loop, proxy.host, proxy.port)
        tunnel = proxy.tunnel(origin)
        while tunnel is not None and not tunnel.open:
            # A view: a frame would show the password in bytes to a traceback with locals.
            await loop.sock_sendall(raw, memoryview(tunnel.data_to_send()))
            tunnel.receive_data(await loop.sock_recv(raw, READ_SIZE))
        connected, raw = raw, None
    except (OSError, UnicodeError) as error:
        failure = connect_failure(proxy.origin, error)
    finally:
        if raw is not None:
            raw.close()
    if failure is not None:
        raise failure
    return connected


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
