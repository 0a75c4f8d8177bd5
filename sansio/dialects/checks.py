"""What no provider takes, refused before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TypeAlias

import msgspec

from sansio.errors import InvalidRequestError
from sansio.messages import (
    DocumentPart,
    ImagePart,
    InvalidToolCall,
    Message,
    Role,
    TextPart,
    Tool,
    ToolCall,
)

SentCall: TypeAlias = ToolCall | InvalidToolCall


def check_messages(messages: Sequence[Message]) -> None:
    """Refuse a conversation that no provider would take.

    Raises:
        InvalidRequestError: it is empty; something in it is no `Message`; a tool result answers no call of
            the assistant's turn before it; a call has no result; `index` names the message.
    """
    if isinstance(messages, (Message, str)):
        raise InvalidRequestError(f"messages must be a list of Message, not one {type(messages).__name__}")
    if not messages:
        raise InvalidRequestError("the message list is empty: give at least one message")
    unanswered: dict[str, bool] = {}  # by call id: whether a result must come
    caller = 0
    for index, message in enumerate(messages):
        _check_message(index, message)
        if message.role is Role.TOOL:
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
        unanswered = {call.id: True for call in message.tool_calls}
        unanswered |= {call.id: False for call in message.invalid_tool_calls}
    _check_answered(caller, unanswered)


def _check_message(index: int, message: object) -> None:
    if not isinstance(message, Message):
        raise InvalidRequestError(
            f"message {index} is a {type(message).__name__}, not a sansio.Message", index=index
        )
    role, content = _unchecked(message)
    if not isinstance(role, Role):
        raise InvalidRequestError(
            f"message {index}: role must be a Role, such as Role.USER, not {role!r}", index=index
        )
    _check_calls(index, message)
    if isinstance(content, str):
        return
    if not isinstance(content, (tuple, list)):
        raise InvalidRequestError(
            f"message {index}: content must be a str or a tuple of parts, not {type(content).__name__}",
            index=index,
        )
    for part in content:
        _check_part(index, part)


def _unchecked(message: Message) -> tuple[object, object]:
    """Role and content as what they are: nothing has checked them against their types."""
    return message.role, message.content


def _check_calls(index: int, message: Message) -> None:
    if not all(isinstance(call, ToolCall) for call in message.tool_calls):
        raise InvalidRequestError(f"message {index}: tool_calls must be a tuple of ToolCall", index=index)
    ids = [call.id for call in message.tool_calls] + [call.id for call in message.invalid_tool_calls]
    if ids and message.role is not Role.ASSISTANT:
        raise InvalidRequestError(f"message {index}: only an assistant's message has tool calls", index=index)
    if len(set(ids)) < len(ids):
        raise InvalidRequestError(f"message {index}: two of its tool calls have the same id", index=index)
    for call in message.tool_calls:
        if not _is_whole(call.id, call.name, call.arguments):
            raise InvalidRequestError(
                f"message {index}: a ToolCall needs an id and a name, both text, and a dict of arguments",
                index=index,
            )
        try:
            call.arguments_text()
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequestError(
                f"message {index}: the arguments of the call {call.id!r} are no JSON: {error}", index=index
            ) from None


def _is_whole(call_id: object, name: object, arguments: object) -> bool:
    return isinstance(call_id, str) and isinstance(name, str) and bool(name) and isinstance(arguments, dict)


def _check_part(index: int, part: object) -> None:
    if not isinstance(part, (TextPart, ImagePart, DocumentPart)):
        raise InvalidRequestError(
            f"message {index}: content must be a str or a tuple of TextPart, ImagePart and DocumentPart, "
            f"not of {type(part).__name__}",
            index=index,
        )
    if isinstance(part, TextPart):
        if not isinstance(part.text, str):
            raise InvalidRequestError(f"message {index}: a TextPart's text must be a str", index=index)
    elif not _has_one_source(part.url, part.data):
        raise InvalidRequestError(
            f"message {index}: an {type(part).__name__} needs either url or data, text or bytes", index=index
        )


def _has_one_source(url: object, data: object) -> bool:
    return (isinstance(url, str) and data is None) or (url is None and isinstance(data, bytes))


def _check_answered(index: int, unanswered: Mapping[str, bool]) -> None:
    missing = [repr(call_id) for call_id, needed in unanswered.items() if needed]
    if missing:
        raise InvalidRequestError(
            f"message {index}: no tool result follows for the calls {', '.join(missing)}; "
            "append one for each, an error text where the tool failed",
            index=index,
        )


def calls_to_send(messages: Sequence[Message], index: int) -> tuple[SentCall, ...]:
    """The calls of one assistant's message that go back: the whole ones, and invalid ones with a result."""
    message = messages[index]
    if not message.invalid_tool_calls:
        return message.tool_calls
    answered = set()
    for later in messages[index + 1 :]:
        if later.role is not Role.TOOL:
            break
        answered.add(later.tool_call_id)
    return (*message.tool_calls, *(call for call in message.invalid_tool_calls if call.id in answered))


def check_tools(tools: Sequence[Tool]) -> None:
    """Refuse tools without a name and tools of the same name.

    Raises:
        InvalidRequestError: it names the tool by its position.
    """
    seen: dict[str, int] = {}
    for position, tool in enumerate(tools):
        name = tool_name(tool)
        if not name:
            raise InvalidRequestError(
                f"tool {position} has no name; tools have the form "
                '{"type": "function", "function": {"name": …, "description": …, "parameters": …}}'
            )
        if "function" not in tool and "parameters" in tool:
            raise InvalidRequestError(
                f"tool {position}, {name!r}, is not in OpenAI's chat format: "
                'put its name, description and parameters under "function"'
            )
        if name in seen:
            raise InvalidRequestError(f"tools {seen[name]} and {position} are both named {name!r}")
        seen[name] = position


def check_options(options: Mapping[str, object]) -> None:
    """Refuse numbers that JSON does not have, which would be sent as `null`.

    Raises:
        InvalidRequestError: it names the option.
    """
    for name, value in options.items():
        if isinstance(value, float) and not isfinite(value):
            raise InvalidRequestError(f"{name}: {value!r} cannot be sent; give a finite number")


def tool_name(tool: object) -> str:
    """The tool's name, in OpenAI's format or a provider's own; empty where there is none."""
    if not isinstance(tool, Mapping):
        return ""
    function = tool.get("function")
    name = (function if isinstance(function, Mapping) else tool).get("name")
    if name is None and tool.get("type") != "function":
        name = tool.get("type")  # a provider's built-in tool may have nothing but its type
    return name if isinstance(name, str) else ""


def encode_body(body: Mapping[str, object], messages: Sequence[Message]) -> bytes:
    """The request body's JSON: the same input gives the same bytes.

    Raises:
        InvalidRequestError: half a surrogate pair stands in it, which is no text (`index` names the
            message), or a value that JSON does not have.
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
        raise InvalidRequestError(f"a tool, an option or a part's extra is no JSON: {error}") from None


def _surrogate_in(messages: Sequence[Message]) -> int | None:
    for index, message in enumerate(messages):
        try:
            msgspec.json.encode(message)
        except UnicodeEncodeError:
            return index
        except (TypeError, ValueError, RecursionError):
            continue  # what makes it no JSON is not sent
    return None
