"""Breakpoints for Anthropic's prompt cache.

Source: Anthropic's page on prompt caching. Everything up to a block with `cache_control` is cached, in the
order tools, system, messages. A request has at most four such blocks, and those with `ttl: "1h"` must be
before those with `"5m"`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from sansio.content import Message, Tool
from sansio.errors import InvalidRequestError
from sansio.options import Body

_MAX_BREAKPOINTS = 4
_CACHEABLE = frozenset(("text", "image", "document", "tool_result", "search_result", "container_upload"))
"""Blocks of a user's or system's message that may have a breakpoint. Thinking, for example, may not."""

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

    They are set in this order, since the caller's own breakpoints may leave no room for all. The next call
    reads the whole prompt again; other conversations read the system prompt. The turn before ensures a hit if
    the last turn has more than the 20 blocks that the provider looks back over.

    Args:
        body: a whole request. A block that gets a breakpoint is replaced, since it may be the caller's.
        value: `True` for the provider's default of five minutes, or a time to live. A breakpoint
            before one of an hour lives an hour too, and one after one of five minutes lives five minutes.

    Raises:
        InvalidRequestError: an hour was asked for, and the caller's own breakpoints allow it for none.
    """
    if not value:
        return
    ttl: _TTL = "5m" if value is True else value
    turns = [place for message in _last_turns(body) if (place := _last_block(message)) is not None]
    if body.get("cache_control") is not None:
        turns = turns[1:]  # the caller's own breakpoint for the whole body is already at the last block
    places = [*turns[:1], _last_of_system(body), *turns[1:], _last_tool(body)]
    wanted = [place for place in places if place is not None and place.block.get("cache_control") is None]
    for place in wanted[: max(0, _MAX_BREAKPOINTS - _count(body))]:
        _mark(body, place, ttl)
    marks = [mark for block in _all_blocks(body) if isinstance(mark := block.get("cache_control"), dict)]
    if ttl == "1h" and marks and not any(mark.get("ttl") == "1h" for mark in marks):
        raise InvalidRequestError(
            "cache: no breakpoint can live '1h', since your own ones live five minutes and either come first "
            'or leave no room; give the first of your own "ttl": "1h", or use cache=True'
        )


def _mark(body: Body, place: _Place, ttl: _TTL) -> None:
    """Set one breakpoint, with a time to live that fits those around it."""
    before, after = _lifetimes(body, place)
    if "5m" in before:
        ttl = "5m"
    elif "1h" in after:
        ttl = "1h"
    mark = {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}
    place.blocks[place.at] = {**place.block, "cache_control": mark}


def check_breakpoints(messages: Sequence[Message], tools: Sequence[Tool], whole: object) -> None:
    """Refuse too many breakpoints of the caller's own, and one that lives longer than an earlier one.

    Args:
        messages: the conversation.
        tools: in OpenAI's format or Anthropic's own.
        whole: the option `cache_control`, which is the last breakpoint.

    Raises:
        InvalidRequestError: a breakpoint is refused. The error names the message, the tool or the option.
    """
    shortest = ""
    for count, (where, index, mark) in enumerate(_own_marks(messages, tools, whole), 1):
        if count > _MAX_BREAKPOINTS:
            raise InvalidRequestError(
                f"{where}: its cache_control is one too many, since Anthropic takes at most "
                f"{_MAX_BREAKPOINTS} in a request; leave some out, or use cache=True instead",
                index=index,
            )
        if mark.get("ttl") == "1h" and shortest:
            raise InvalidRequestError(
                f"{where}: its cache_control lives an hour, and an earlier one ({shortest}) five minutes; "
                f'Anthropic wants the longer first, so give "ttl": "1h" to that too, or "5m" to this',
                index=index,
            )
        if mark.get("ttl") != "1h":
            shortest = shortest or where


def _own_marks(
    messages: Sequence[Message], tools: Sequence[Tool], whole: object
) -> Iterator[tuple[str, int | None, Mapping[str, object]]]:
    """The caller's own breakpoints in the cache's order: where each is, and its message's place."""
    for position, tool in enumerate(tools):
        if isinstance(mark := tool.get("cache_control"), Mapping):
            yield f"tool {position}", None, mark
    for index, message in enumerate(messages):
        for holder in (*message.parts, message):
            if isinstance(mark := holder.extra.get("cache_control"), Mapping):
                yield f"message {index}", index, mark
    if isinstance(whole, Mapping):
        yield "cache_control", None, whole


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
