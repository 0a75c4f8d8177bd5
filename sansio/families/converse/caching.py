"""Cache points of Converse.

Source: Amazon Bedrock's user guide, "Prompt caching". Everything before a cache point is cached, in the
order tools, system, messages. A request may have at most four cache points. Those with a time to live of an
hour must be before those of five minutes.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from sansio.options import Body

_MOST = 4
_POINT = "cachePoint"
_NOT_BEFORE = ("document", "video")
"""Kinds of blocks that a cache point may not follow directly."""

_Record: TypeAlias = dict[str, Any]  # Any: JSON of any kind


def write_cache(body: Body, value: bool | Literal["5m", "1h"] | None) -> None:
    """Add cache points: at the ends of the conversation, the system prompt, the user's last turn but one, and
    the tools.

    They are added in this order, until the request has four with those that the caller set.

    Args:
        body: the complete request. Lists that get a cache point are replaced by new ones.
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
    """Add a cache point to a list. Returns False if the list has one, or no place for one."""
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
