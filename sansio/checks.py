"""Checks that refuse, before anything is sent, what no provider would accept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import assert_never, cast

import msgspec

from sansio.content import (
    ASSISTANT,
    TOOL,
    AudioPart,
    DocumentPart,
    ImagePart,
    InvalidToolCall,
    Message,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    Tool,
    ToolCall,
    UnknownPart,
)
from sansio.errors import InvalidRequestError
from sansio.jsontext import json_fault
from sansio.limits import DEFAULT_LIMITS


def check_messages(
    messages: Sequence[Message], max_depth: int = DEFAULT_LIMITS.max_json_depth, *, continued: bool
) -> None:
    """Refuse a conversation that no provider would accept.

    Args:
        messages: the conversation.
        max_depth: how deep the JSON in it may nest.
        continued: whether the provider has kept earlier messages, so that tool results before the first
            answer may belong to calls in those.

    Raises:
        InvalidRequestError: the conversation is empty; a tool result answers no call of the assistant's turn
            before it; a call has no result; or a value is not JSON. The error's `index` names the message.
    """
    if not messages:
        raise InvalidRequestError("the message list is empty: give at least one message")
    unanswered: dict[str, bool] = {}  # by call id: whether a result must follow
    caller = 0
    elsewhere = continued  # the calls of the turn before are not in these messages
    for index, message in enumerate(messages):
        _check_message(index, message, max_depth)
        if message.role is TOOL:
            if elsewhere:
                continue
            if message.tool_call_id not in unanswered:
                raise InvalidRequestError(
                    f"message {index}: the tool result for {message.tool_call_id!r} answers no call of the "
                    "assistant's turn before it; append the answer itself before its tool results",
                    index=index,
                )
            del unanswered[message.tool_call_id]
            continue
        _check_answered(caller, unanswered)
        caller = index
        elsewhere = elsewhere and message.role is not ASSISTANT
        unanswered = {call.id: True for call in message.tool_calls}
        unanswered |= {call.id: False for call in message.invalid_tool_calls if call.name}
    _check_answered(caller, unanswered)


def _check_message(index: int, message: Message, max_depth: int) -> None:
    _check_json(index, "", "extra", message.extra, max_depth)
    if isinstance(message.content, str):
        return
    ids: set[str] = set()
    for number, part in enumerate(message.content):
        where = f", part {number}"
        _check_json(index, where, "extra", part.extra, max_depth)
        match part:
            case ToolCall() | InvalidToolCall():
                _check_call(index, number, message, part, ids, max_depth)
            case ImagePart() | DocumentPart() | AudioPart():
                _check_source(index, number, part, answered=message.origin is not None)
            case ServerToolPart(input=given, output=output):
                _check_json(index, where, "input", given, max_depth)
                _check_json(index, where, "output", output, max_depth)
            case TextPart() | RefusalPart() | ReasoningPart() | UnknownPart():
                pass
            case _:
                assert_never(part)


def _check_json(index: int, where: str, name: str, value: object, max_depth: int) -> None:
    """Refuse a value in a message that cannot be sent.

    Args:
        index: the index of the message in the conversation.
        where: the part of the message, for the error, such as `", part 0"`; empty for the message itself.
        name: the field of the message or part.
        value: the field's value.
        max_depth: how deep the value may nest.
    """
    if value and (fault := json_fault(value, max_depth)) is not None:
        raise InvalidRequestError(f"message {index}{where}: its {name} {fault}", index=index)


def _check_call(
    index: int,
    number: int,
    message: Message,
    call: ToolCall | InvalidToolCall,
    ids: set[str],
    max_depth: int,
) -> None:
    if message.role is not ASSISTANT:
        raise InvalidRequestError(f"message {index}: only an assistant's message has tool calls", index=index)
    if call.id in ids:
        raise InvalidRequestError(f"message {index}: two of its tool calls have the same id", index=index)
    ids.add(call.id)
    if isinstance(call, InvalidToolCall):
        return
    for name, value in (("id", call.id), ("name", call.name)):
        if not value:
            raise InvalidRequestError(
                f"message {index}, part {number}: its ToolCall has an empty {name}; give it one"
                + (", and name it in the tool's result" if name == "id" else ""),
                index=index,
            )
    _check_json(index, f", part {number}", f"call {call.id!r}", call.arguments, max_depth)
    try:
        call.arguments_text()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(
            f"message {index}, part {number}: the arguments of the call {call.id!r} are not JSON: {error}",
            index=index,
        ) from None


def _check_source(
    index: int, number: int, part: ImagePart | DocumentPart | AudioPart, *, answered: bool
) -> None:
    """Refuse an image, a document or audio whose data is empty, unless it is part of an answer."""
    if part.data == b"" and not answered:
        raise InvalidRequestError(
            f"message {index}, part {number}: the data of {type(part).__name__} is empty; leave the part out",
            index=index,
        )


def _check_answered(index: int, unanswered: Mapping[str, bool]) -> None:
    missing = [repr(call_id) for call_id, needed in unanswered.items() if needed]
    if missing:
        raise InvalidRequestError(
            f"message {index}: no tool result follows for the calls {', '.join(missing)}; "
            "append one for each call, with the text of the error if the tool failed",
            index=index,
        )


def as_tools(tools: Iterable[Tool] | None) -> tuple[Tool, ...]:
    """Check that the tools of a call are a list, and return them.

    Raises:
        InvalidRequestError: they are not a list. An iterator is refused, too: the tools are needed again for
            the next request of a conversation, and an iterator would be empty then.
    """
    if tools is None:
        return ()
    given: object = tools
    if callable(given) and not isinstance(given, Mapping):
        raise InvalidRequestError(
            "tools: is a function; make a tool of it, and give a list: [tool(function)]"
        )
    if isinstance(tools, (str, bytes, Mapping, Iterator)) or not isinstance(tools, Iterable):
        raise InvalidRequestError(f"tools: give a list of tools, not a {type(tools).__name__}")
    listed = tuple(tools)
    for position, each in enumerate(cast(tuple[object, ...], listed)):
        if callable(each) and not isinstance(each, Mapping):
            name = getattr(each, "__name__", "function")
            raise InvalidRequestError(f"tool {position} is a function; make a tool of it: tool({name})")
    return listed


def check_tools(tools: Sequence[Tool]) -> None:
    """Refuse functions and custom tools without a name, two tools of the same name, and invalid JSON.

    A tool of any other type is the provider's own, such as `{"type": "openrouter:web_search"}`, and may have
    any fields. Such a tool needs no name.

    Raises:
        InvalidRequestError: a tool is invalid. The message gives its position in the list.
    """
    seen: dict[str, int] = {}
    for position, tool in enumerate(tools):
        if (fault := json_fault(tool)) is not None:
            raise InvalidRequestError(f"tool {position} {fault}")
        name = tool_name(tool)
        own = _is_providers_own(tool)
        if own and "name" not in tool:
            continue
        if not name:
            raise InvalidRequestError(
                f"tool {position} has no name; tools have the form "
                '{"type": "function", "function": {"name": …, "description": …, "parameters": …}}'
            )
        if not own and not tool.keys() & {"function", "custom", "input_schema"}:
            field, last = "function", "parameters"
            if tool.get("type") == "custom":
                field, last = "custom", "format"
            raise InvalidRequestError(
                f"tool {position}, {name!r}, is not in OpenAI's chat format: "
                f'put its name, description and {last} under "{field}"'
            )
        if name in seen:
            raise InvalidRequestError(f"tools {seen[name]} and {position} are both named {name!r}")
        seen[name] = position


def _is_providers_own(tool: object) -> bool:
    kind = tool.get("type") if isinstance(tool, Mapping) else None
    return isinstance(kind, str) and kind not in ("", "function", "custom")


def tool_name(tool: object) -> str:
    """The tool's name, in OpenAI's format or a provider's own; empty if it has none."""
    if not isinstance(tool, Mapping):
        return ""
    named = tool.get("custom" if tool.get("type") == "custom" else "function")
    name = (named if isinstance(named, Mapping) else tool).get("name")
    return name if isinstance(name, str) else ""


_NAMED = {"function": "function", "custom": "custom", "tool": None}
"""Types of a `tool_choice` that name one tool, and the field that has the name: OpenAI's two, Anthropic's."""


def check_tool_choice(choice: object) -> None:
    """Refuse a `tool_choice` of a form that no provider has. The family checks further.

    Args:
        choice: the option; its Python type is checked already. An object whose `type` is unknown passes,
            since it may be a provider's own.

    Raises:
        InvalidRequestError: the form is invalid; the message says what to write.
    """
    form = '{"type": "function", "function": {"name": "..."}}'
    if choice == "":
        raise InvalidRequestError(f"tool_choice: is empty; leave it out, or force one tool by {form}")
    if not isinstance(choice, Mapping):
        return
    kind = choice.get("type")
    if not isinstance(kind, str) or not kind:
        raise InvalidRequestError(f"tool_choice: needs a type, as in {form}")
    if kind in _NAMED:
        field = _NAMED[kind]
        holder = choice if field is None else choice.get(field)
        name = holder.get("name") if isinstance(holder, Mapping) else None
        if not isinstance(name, str) or not name:
            right = '{"type": "tool", "name": "..."}' if field is None else form.replace("function", field)
            raise InvalidRequestError(f"tool_choice: names no tool; write {right}")
    elif kind == "allowed_tools":
        allowed = choice.get("allowed_tools")
        listed = allowed.get("tools") if isinstance(allowed, Mapping) else None
        if not isinstance(listed, (list, tuple)) or not all(isinstance(tool, Mapping) for tool in listed):
            raise InvalidRequestError(
                'tool_choice: allowed_tools has another form; write {"type": "allowed_tools", '
                '"allowed_tools": {"mode": "auto", "tools": [...]}}'
            )


def encode_body(body: Mapping[str, object], messages: Sequence[Message]) -> bytes:
    """The request body's JSON: the same input gives the same bytes.

    Raises:
        InvalidRequestError: the body has half a surrogate pair, which is not text (`index` names the
            message), or a value that JSON cannot express.
    """
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        index = _surrogate_in(messages)
        where = "a tool or an option" if index is None else f"message {index}"
        raise InvalidRequestError(
            f"{where} holds half a surrogate pair, which cannot be sent as UTF-8; "
            "clean the text with text.encode('utf-8', 'replace').decode()",
            index=index,
        ) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(f"a tool, an option or a part's extra is not JSON: {error}") from None


def _surrogate_in(messages: Sequence[Message]) -> int | None:
    for index, message in enumerate(messages):
        try:
            msgspec.json.encode(message)
        except UnicodeEncodeError:
            return index
        except (TypeError, ValueError, RecursionError):
            continue  # invalid JSON in this field is not sent, so the fault is elsewhere
    return None
