"""A history made fit for the endpoint that it is sent to, with a report of what that loses."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from sansio.content import (
    InvalidToolCall,
    Message,
    Part,
    RefusalPart,
    Role,
    TextPart,
    UnknownPart,
)
from sansio.conversation import Messages, as_messages
from sansio.families.base import Dialect


class LeftOut(Struct, frozen=True, omit_defaults=True):
    """Something that is not sent.

    Args:
        what: the kind of part, or the field of a part or message.
        why: the reason.
        message: which message, counted from 0; `None` for an option.
        part: which part of it, counted from 0; `None` for something of the whole message.
        option: the option's name, if it is one.
    """

    what: str
    why: str
    message: int | None = None
    part: int | None = None
    option: str | None = None


def port(messages: Messages, dialect: Dialect) -> tuple[list[Message], list[LeftOut]]:
    """Leave out what an endpoint cannot take back.

    An answer of another provider loses what only that provider understands: parts that the dialect does not
    send, every `extra`, and citations. A refusal becomes text where refusals cannot be sent. Everywhere, a
    tool call that is invalid and was not answered is left out, since a provider would wait for its result;
    and so are citations and a tool's `is_error` where the endpoint has no place for them. Messages that the
    application wrote keep everything else: what they have is checked when they are sent.

    Args:
        messages: a conversation; it is not changed.
        dialect: where it goes.

    Returns:
        The conversation to send, and a report with one entry for each loss.
    """
    messages = as_messages(messages)
    home = {dialect.origin, *dialect.ORIGINS}
    ported: list[Message] = []
    report: list[LeftOut] = []
    for index, message in enumerate(messages):
        foreign = message.origin is not None and message.origin not in home
        message = _port_message(messages, index, dialect, report, foreign)
        if message.origin is not None and not dialect.SENDS_EMPTY and _is_blank(message):
            report.append(LeftOut("Message", f"{dialect.origin} takes no empty message", index))
            continue
        if message.is_error and not dialect.SENDS_TOOL_ERRORS:
            why = f"{dialect.origin} has no place for it: say in the text that the tool failed"
            report.append(LeftOut("is_error", why, index))
        ported.append(message)
    return ported, report


def _port_message(
    messages: Sequence[Message], index: int, dialect: Dialect, report: list[LeftOut], foreign: bool
) -> Message:
    message = messages[index]
    if isinstance(message.content, str) and not (foreign and message.extra):
        return message
    answered = _answered(messages, index)
    parts: list[Part] = []
    for number, part in enumerate(message.parts):
        lost: list[tuple[str, str]] = []
        kept = _port_part(part, message, dialect, answered, lost, foreign)
        report += [LeftOut(what, why, index, number) for what, why in lost]
        if kept is not None:
            parts.append(kept)
    extra = message.extra
    if foreign and extra:
        why = f"received from {message.origin}, sent to {dialect.origin}"
        report.append(LeftOut(f"extra: {', '.join(extra)}", why, index))
        extra = {}
    if extra is message.extra and len(parts) == len(message.parts) and all(map(_same, parts, message.parts)):
        return message
    return msgspec.structs.replace(message, content=tuple(parts), extra=extra)


def _port_part(
    part: Part,
    message: Message,
    dialect: Dialect,
    answered: set[str],
    lost: list[tuple[str, str]],
    foreign: bool,
) -> Part | None:
    """The part to send, or `None`; each loss is added to `lost`."""
    if isinstance(part, InvalidToolCall) and not (part.name and part.id in answered):
        lost.append(("InvalidToolCall", "it has no result, and must not be run"))
        return None
    kind = type(part).__name__
    if not foreign:
        if message.origin is not None and (why := dialect.refuses(part)) is not None:
            lost.append((kind, why))
            return None
        if isinstance(part, TextPart) and part.citations and not dialect.SENDS_CITATIONS:
            lost.append(("citations", f"{dialect.origin} does not take them back"))
            part = msgspec.structs.replace(part, citations=())
        return part
    why = f"received from {message.origin}, sent to {dialect.origin}"
    if isinstance(part, RefusalPart) and RefusalPart not in dialect.SENDS:
        lost.append(("RefusalPart: sent as text", why))
        part = TextPart(part.text, extra=part.extra)
    if type(part) not in dialect.SENDS or isinstance(part, UnknownPart):
        lost.append((kind, why))
        return None
    if part.extra:
        lost.append((f"extra: {', '.join(part.extra)}", why))
        part = msgspec.structs.replace(part, extra={})
    if isinstance(part, TextPart) and part.citations:
        lost.append(("citations", why))
        part = msgspec.structs.replace(part, citations=())
    if (why_not := dialect.refuses(part)) is not None:
        lost[:] = [(kind, why_not)]  # with the part, all that it had is lost: that is one loss
        return None
    return part


def _answered(messages: Sequence[Message], index: int) -> set[str]:
    """The ids of the tool calls of one message that have a result."""
    ids: set[str] = set()
    for message in messages[index + 1 :]:
        if message.role is not Role.TOOL:
            break
        ids.add(message.tool_call_id or "")
    return ids


def _is_blank(message: Message) -> bool:
    return isinstance(message.content, str) and not message.content.strip()


def _same(one: Part, other: Part) -> bool:
    return one is other
