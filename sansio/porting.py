"""Adapts a conversation to the endpoint to which it is sent, and reports every loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

from sansio.content import (
    ASSISTANT,
    TOOL,
    AudioPart,
    Citation,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    UnknownPart,
)
from sansio.conversation import Messages, as_messages
from sansio.families.base import Dialect

_ID_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 9
"""The length of an id for a tool call that every server accepts; Mistral's accepts only this length."""


class LeftOut(Struct, frozen=True, omit_defaults=True):
    """A report: something in the request is not sent, or is sent in another form.

    Args:
        what: the kind of part, or the field of a part or message.
        why: the reason.
        message: the index of the message, from 0; `None` for an option or a tool.
        part: the index of the part in its message, from 0; `None` if the whole message is concerned.
        option: the option's name; `None` if it is not about an option.
    """

    what: str
    why: str
    message: int | None = None
    part: int | None = None
    option: str | None = None


def in_order(messages: Sequence[Message]) -> tuple[list[Message], list[LeftOut]]:
    """Move each tool result directly after its call, if other messages separate the two.

    Only messages of the user may be between them, as when the user spoke while a tool ran. A result is never
    moved past an answer, and its call is never guessed.

    Returns:
        The conversation, and an entry for each moved result, with the index that it had before.
    """
    ordered: list[Message] = []
    report: list[LeftOut] = []
    open_calls: set[str] = set()
    behind = 0  # the position after the calls and their results
    for index, message in enumerate(messages):
        if message.role is ASSISTANT:
            open_calls = {call.id for call in message.all_tool_calls}
            behind = len(ordered) + 1
        elif message.role is TOOL and message.tool_call_id in open_calls:
            open_calls.discard(message.tool_call_id)
            if behind < len(ordered):
                why = f"the result for {message.tool_call_id!r} is sent directly after its call"
                report.append(LeftOut("order", why, index))
            ordered.insert(behind, message)
            behind += 1
            continue
        ordered.append(message)
    return ordered, report


def port(messages: Messages, dialect: Dialect) -> tuple[list[Message], list[LeftOut]]:
    """Adapt a conversation to an endpoint: leave out what the endpoint does not accept, and report it.

    An answer of another provider loses what only that provider understands: parts that the dialect does not
    send, every `extra`, and citations. Reasoning is sent if its signatures are valid here, too. If the
    endpoint accepts no refusals, a refusal becomes text; if it accepts no audio, the transcript is sent as
    text.

    For every endpoint, an invalid tool call without a result is left out, since the provider would wait for
    its result; and so is a part of an answer that the endpoint refuses at its position (`Dialect.misplaced`).
    If the endpoint does not have them, a tool's `is_error`, an assistant's blank text, and single fields of
    parts are left out, too: citations or fields of them, an image's `detail`, a document's `name`, the
    transcript of audio, fields of `extra` (`Dialect.unsent`, `Dialect.unsent_extra`). If it refuses the id of
    a tool call, the id is replaced, in the call and in its result. A call of a kind that it does not have
    becomes a function's call. Everything else in messages that the application wrote is kept, and is checked
    when it is sent.

    Args:
        messages: a conversation; it is not changed.
        dialect: the dialect of the endpoint.

    Returns:
        The conversation to send, and a report with one entry for each loss.

    Example:
        ```python
        ported, report = port(messages, Provider(config).dialect)
        ```
    """
    messages = as_messages(messages)
    home = {dialect.origin, *dialect.ORIGINS}
    ported: list[Message] = []
    report: list[LeftOut] = []
    ids: dict[str, str] = {}  # the replaced ids of the assistant's last turn
    kinds: dict[str, str] = {}  # the kinds of that turn's calls
    for index, message in enumerate(messages):
        foreign = message.origin is not None and message.origin not in home
        message, replaced = _port_message(messages, index, dialect, report, foreign)
        if message.role is ASSISTANT and not dialect.SENDS_EMPTY and _is_blank(message):
            report.append(LeftOut("Message", f"{dialect.origin} accepts no empty message", index))
            continue
        if message.is_error:
            kind = kinds.get(message.tool_call_id or "", "function")
            if not dialect.takes_tool_error(kind):
                why = f"{dialect.origin} has no field for it: say in the text that the tool failed"
                report.append(LeftOut("is_error", why, index))
        if message.role is ASSISTANT:
            kinds = {call.id: call.kind for call in messages[index].all_tool_calls}
            ids = replaced
        elif message.tool_call_id in ids:
            message = msgspec.structs.replace(message, tool_call_id=ids[message.tool_call_id])
        ported.append(message)
    return ported, report


def port_tools(tools: Sequence[Tool], dialect: Dialect) -> tuple[list[Tool], list[LeftOut]]:
    """Leave out those fields of functions that an endpoint refuses.

    Args:
        tools: in OpenAI's function format; they are not changed.
        dialect: the dialect of the endpoint.

    Returns:
        The tools to send, and an entry for each `strict` that is left out. A schema's `$schema` is left out
        without an entry, since it means nothing to a model.
    """
    if dialect.takes_strict():
        return [*tools], []
    sent: list[Tool] = []
    report: list[LeftOut] = []
    for position, tool in enumerate(tools):
        function = tool.get("function")
        if isinstance(function, Mapping):
            kept = {name: value for name, value in function.items() if name != "strict"}
            if isinstance(schema := kept.get("parameters"), Mapping):
                kept["parameters"] = {name: value for name, value in schema.items() if name != "$schema"}
            if function.get("strict"):
                report.append(LeftOut(f"strict of tool {position}", f"{dialect.origin} refuses this field"))
            tool = {**tool, "function": kept}
        sent.append(tool)
    return sent, report


def _fit_calls(
    parts: list[Part], numbers: Sequence[int], index: int, dialect: Dialect, report: list[LeftOut]
) -> dict[str, str]:
    """Replace calls of kinds and ids that the endpoint does not accept. Returns the new ids by the old ones.

    Args:
        parts: the parts of one message; the list is changed.
        numbers: the index of each part in the original message.
    """
    ids: dict[str, str] = {}
    for place, (number, part) in enumerate(zip(numbers, parts, strict=True)):
        if not isinstance(part, (ToolCall, InvalidToolCall)):
            continue
        if not dialect.takes_call_kind(part.kind):
            why = (
                f"{dialect.origin} has no calls of the kind {part.kind!r}, so it is sent as a function's call"
            )
            report.append(LeftOut("kind", why, index, number))
            part = msgspec.structs.replace(part, kind="function")
        if not dialect.takes_call_id(part.id):
            new = ids[part.id] = _id_for(part.id)
            why = f"{dialect.origin} refuses the id {part.id!r}, so {new!r} is sent"
            report.append(LeftOut("id", why, index, number))
            part = msgspec.structs.replace(part, id=new)
        parts[place] = part
    return ids


def _id_for(call_id: str) -> str:
    """A short id made from a long one: always the same, so that prompt caches still match."""
    number = int.from_bytes(sha256(call_id.encode("utf-8", "surrogatepass")).digest())
    digits = []
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, len(_ID_DIGITS))
        digits.append(_ID_DIGITS[digit])
    return "".join(digits)


def _port_message(
    messages: Sequence[Message], index: int, dialect: Dialect, report: list[LeftOut], foreign: bool
) -> tuple[Message, dict[str, str]]:
    """The message to send, and the ids of its calls that were replaced."""
    message = messages[index]
    if isinstance(message.content, str) and not (foreign and message.extra):
        return message, {}
    answered = _answered(messages, index)
    parts: list[Part] = []
    numbers: list[int] = []
    for number, part in enumerate(message.parts):
        lost: list[tuple[str, str]] = []
        kept = _port_part(part, message, dialect, answered, lost, foreign)
        report += [LeftOut(what, why, index, number) for what, why in lost]
        if kept is not None:
            parts.append(kept)
            numbers.append(number)
    if message.origin is not None and (misplaced := dialect.misplaced(parts)):
        report += [
            LeftOut(type(parts[place]).__name__, why, index, numbers[place])
            for place, why in misplaced.items()
        ]
        parts = [part for place, part in enumerate(parts) if place not in misplaced]
        numbers = [number for place, number in enumerate(numbers) if place not in misplaced]
    ids = _fit_calls(parts, numbers, index, dialect, report)
    extra = message.extra
    if foreign and extra:
        why = f"it is from {message.origin}, and the request goes to {dialect.origin}"
        report.append(LeftOut(f"extra: {', '.join(extra)}", why, index))
        extra = {}
    if extra is message.extra and len(parts) == len(message.parts) and all(map(_same, parts, message.parts)):
        return message, ids
    return msgspec.structs.replace(message, content=tuple(parts), extra=extra), ids


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
        lost.append(("InvalidToolCall", "it has no result, and it must not be run"))
        return None
    kind = type(part).__name__
    if isinstance(part, ReasoningPart) and message.origin in dialect.REASONING_ORIGINS:
        foreign = False
    if not foreign:
        said = message.origin is not None or (message.role is ASSISTANT and isinstance(part, TextPart))
        if said and (why := dialect.refuses(part)) is not None:
            words = _transcript(part)
            lost.append((kind if words is None else f"{kind}: transcript sent as text", why))
            return words
        return _without_unsent(part, message.role, dialect, lost)
    why = f"it is from {message.origin}, and the request goes to {dialect.origin}"
    if isinstance(part, RefusalPart) and RefusalPart not in dialect.SENDS:
        lost.append(("RefusalPart: sent as text", why))
        part = TextPart(part.text, extra=part.extra)
    if AudioPart not in dialect.SENDS and (words := _transcript(part)) is not None:
        lost.append((f"{kind}: transcript sent as text", why))
        part = words
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
        lost[:] = [(kind, why_not)]  # the part is lost with everything in it: one loss, one entry
        return None
    return _without_unsent(part, message.role, dialect, lost)


def _without_unsent(part: Part, role: Role, dialect: Dialect, lost: list[tuple[str, str]]) -> Part:
    """The part without the fields that the endpoint has no place for; each of these is added to `lost`."""
    why = f"{dialect.origin} has no field for it"
    names = [name for name in dialect.unsent(part, role) if getattr(part, name) not in (None, (), "")]
    lost += [(name, why) for name in names]
    changes: dict[str, object] = {name: () if name == "citations" else None for name in names}
    if part.extra and (beside := dialect.unsent_extra(part, role)):
        lost.append((f"extra: {', '.join(beside)}", why))
        changes["extra"] = {name: value for name, value in part.extra.items() if name not in beside}
    if isinstance(part, TextPart) and part.citations and "citations" not in names:
        unsent = [
            name
            for name in Citation.__struct_fields__
            if name not in dialect.CITATION_FIELDS
            and name != "extra"
            and any(getattr(citation, name) is not None for citation in part.citations)
        ]
        if unsent:
            lost.append((f"citations: {', '.join(unsent)}", why))
            cleared = dict.fromkeys(unsent)
            kept = (msgspec.structs.replace(citation, **cleared) for citation in part.citations)
            changes["citations"] = tuple(citation for citation in kept if citation != Citation())
    return msgspec.structs.replace(part, **changes) if changes else part


def _transcript(part: Part) -> TextPart | None:
    """The transcript of audio, for an endpoint that does not accept the audio itself."""
    said = part.transcript if isinstance(part, AudioPart) else None
    return TextPart(said) if said and said.strip() else None


def _answered(messages: Sequence[Message], index: int) -> set[str]:
    """The ids of the tool calls of one message that have a result."""
    ids: set[str] = set()
    for message in messages[index + 1 :]:
        if message.role is not TOOL:
            break
        ids.add(message.tool_call_id or "")
    return ids


def _is_blank(message: Message) -> bool:
    return isinstance(message.content, str) and not message.content.strip()


def _same(one: Part, other: Part) -> bool:
    return one is other
