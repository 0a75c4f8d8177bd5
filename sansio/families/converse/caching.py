"""Cache points of Converse.

Source: Amazon Bedrock's user guide, "Prompt caching". Everything up to a cache point is cached, in the order
tools, system, messages. A request has at most four; those that live an hour come before those that live five
minutes.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from sansio.options import Body

_MOST = 4
_POINT = "cachePoint"
_NOT_BEFORE = ("document", "video")
"""Blocks that no cache point may follow directly."""

_Record: TypeAlias = dict[str, Any]  # Any: JSON of any kind


def write_cache(body: Body, value: bool | Literal["5m", "1h"] | None) -> None:
    """Set cache points at the ends of the conversation, the system prompt, the turn before, and the tools.

    This is their order of use, for when the caller's own cache points leave no room for all.

    Args:
        body: a whole request; lists that get a cache point are replaced.
        value: `True` for the provider's default of five minutes, or a time to live.
    """
    if not value:
        return
    point: _Record = {"type": "default"} if value is True else {"type": "default", "ttl": value}
    turns = [message for message in reversed(body["messages"]) if message["role"] == "user"][:2]
    config = body.get("toolConfig") or {}
    places: list[tuple[_Record, str]] = [(turn, "content") for turn in turns[:1]]
    places += [(body, "system")] if body.get("system") else []
    places += [(turn, "content") for turn in turns[1:]]
    places += [(config, "tools")] if config.get("tools") else []
    room = _MOST - _count(body)
    for holder, field in places:
        if room > 0 and _add(holder, field, point):
            room -= 1


def _add(holder: _Record, field: str, point: _Record) -> bool:
    """Add a cache point to a list; False if there is one already, or no place for one."""
    blocks = holder[field]
    end = len(blocks)
    while end and any(kind in blocks[end - 1] for kind in _NOT_BEFORE):
        end -= 1
    if not end or any(_POINT in block for block in blocks):
        return False
    holder[field] = [*blocks[:end], {_POINT: point}, *blocks[end:]]
    return True


def _count(body: Body) -> int:
    lists = [body.get("system") or [], (body.get("toolConfig") or {}).get("tools") or []]
    lists += [message["content"] for message in body["messages"]]
    return sum(_POINT in block for blocks in lists for block in blocks)
