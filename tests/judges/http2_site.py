"""A site for real HTTP/2 servers: streams that last as long as they are asked to, and what became of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]  # Any: as ASGI has it
Receive: TypeAlias = Callable[[], Awaitable[Scope]]
Send: TypeAlias = Callable[[Scope], Awaitable[None]]

_dropped = 0
_connections: set[tuple[str, int]] = set()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """`/stream` sends as many events as its body asks for; `/early` refuses unread; `/seen` says what was."""
    global _dropped
    if scope["type"] != "http":
        return
    assert scope["http_version"] in ("2", "2.0"), scope["http_version"]
    _connections.add(tuple(scope["client"]))
    if scope["path"] == "/early":
        await _answer(send, b"too large", status=413)
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["path"] == "/seen":
        seen = {"dropped": _dropped, "connections": len(_connections)}
        await _answer(send, json.dumps(seen).encode())
        return
    asked = json.loads(body)
    gone = asyncio.ensure_future(_wait_for_the_end(receive))
    try:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"x-size", b"%d" % len(body))]}
        )
        for number in range(asked["events"]):
            await send(_piece(b"data: %d\n\n" % number, more=True))
            await asyncio.sleep(asked.get("pause", 0))
            if gone.done():
                _dropped += 1
                return
        await send(_piece(b"", more=False))
    except Exception:
        _dropped += 1
        raise
    finally:
        gone.cancel()


async def _wait_for_the_end(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, body: bytes, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send(_piece(body, more=False))


def _piece(body: bytes, *, more: bool) -> Scope:
    return {"type": "http.response.body", "body": body, "more_body": more}
