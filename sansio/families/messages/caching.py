"""Breakpoints for Anthropic's prompt cache.

Source: Anthropic's page on prompt caching. Everything up to a block with `cache_control` is cached, in the
order tools, system, messages. A request has at most four such blocks, those with `ttl: "1h"` before those
with `"5m"`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from sansio.options import Body

_MAX_BREAKPOINTS = 4
_CACHEABLE = frozenset(("text", "image", "document", "tool_result", "search_result", "container_upload"))
"""Blocks of a user's or system's message that may have a breakpoint. Thinking, for one, may not."""

_Record: TypeAlias = dict[str, Any]  # Any: JSON of any kind
_TTL: TypeAlias = Literal["5m", "1h"]


class _Place(Struct, frozen=True):
    """Where a breakpoint can be: a list of blocks and one of its items."""

    blocks: list[_Record]
    at: int

    @property
    def block(self) -> _Record:
        return self.blocks[self.at]


def write_cache(body: Body, value: bool | _TTL | None) -> None:
    """Set breakpoints at the ends of the conversation, the system prompt, the turn before, and the tools.

    This is their order of use, for when the caller's own breakpoints leave no room for all: the next call
    reads the whole prompt again; other conversations read the system prompt; the turn before makes sure of a
    hit where the last turn has more than the 20 blocks that the provider looks back over.

    Args:
        body: a whole request. A block that gets a breakpoint is replaced, since it may be the caller's.
        value: `True` for the provider's default of five minutes, or a time to live.
    """
    if not value:
        return
    ttl: _TTL = "5m" if value is True else value
    turns = [place for message in _last_turns(body) if (place := _last_block(message)) is not None]
    if body.get("cache_control") is not None:
        turns = turns[1:]  # the caller's own one for the whole body is at the last block already
    places = [*turns[:1], _last_of_system(body), *turns[1:], _last_tool(body)]
    wanted = [place for place in places if place is not None and place.block.get("cache_control") is None]
    for place in wanted[: max(0, _MAX_BREAKPOINTS - _count(body))]:
        _mark(body, place, ttl)


def _mark(body: Body, place: _Place, ttl: _TTL) -> None:
    """Set one breakpoint, with a time to live that fits those around it."""
    before, after = _lifetimes(body, place)
    if "5m" in before:
        ttl = "5m"
    if ttl == "5m" and "1h" in after:
        return  # the later breakpoint, which lives longer, holds this one's part of the prompt too
    mark = {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}
    place.blocks[place.at] = {**place.block, "cache_control": mark}


def _lifetimes(body: Body, place: _Place) -> tuple[set[str], set[str]]:
    """The times to live of the breakpoints before and after a place."""
    before: set[str] = set()
    after: set[str] = set()
    found = before
    for block in _all_blocks(body):
        if block is place.block:
            found = after
        mark = block.get("cache_control")
        if isinstance(mark, dict):
            found.add(mark.get("ttl") or "5m")
    return before, after


def _count(body: Body) -> int:
    return sum(block.get("cache_control") is not None for block in _all_blocks(body))


def _all_blocks(body: Body) -> Iterator[_Record]:
    """Every object that may have a breakpoint, in the cache's order; the body's own is the last."""
    yield from body.get("tools") or ()
    if isinstance(body.get("system"), list):
        yield from body["system"]
    for message in body["messages"]:
        if not isinstance(message["content"], list):
            continue
        for block in message["content"]:
            inner = block.get("content")
            if block.get("type") == "tool_result" and isinstance(inner, list):
                yield from inner
            yield block
    yield body


def _last_tool(body: Body) -> _Place | None:
    """The last tool that is in the prompt: a deferred one is loaded later, and can have no breakpoint."""
    tools = body.get("tools") or []
    at = next((at for at in reversed(range(len(tools))) if not tools[at].get("defer_loading")), None)
    return None if at is None else _Place(tools, at)


def _last_of_system(body: Body) -> _Place | None:
    system = body.get("system")
    if isinstance(system, str):
        system = body["system"] = [{"type": "text", "text": system}]
    return _Place(system, len(system) - 1) if system else None


def _last_turns(body: Body) -> list[_Record]:
    """The last two messages that are not the model's, the last one first."""
    return [message for message in reversed(body["messages"]) if message["role"] != "assistant"][:2]


def _last_block(message: _Record) -> _Place | None:
    blocks = message["content"]
    if isinstance(blocks, str):
        blocks = message["content"] = [{"type": "text", "text": blocks}]
    at = next((at for at in reversed(range(len(blocks))) if blocks[at].get("type") in _CACHEABLE), None)
    return None if at is None else _Place(blocks, at)
