"""Checks that refuse, before anything is sent, what no provider would accept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

import msgspec

from sansio.content import (
    AudioPart,
    DocumentPart,
    ImagePart,
    InvalidToolCall,
    Message,
    ReasoningPart,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    Tool,
    ToolCall,
    UnknownPart,
)
from sansio.errors import InvalidRequestError


def check_messages(messages: Sequence[Message]) -> None:
    """Refuse a conversation that no provider would take.

    Raises:
        InvalidRequestError: it is empty; a tool result answers no call of
            the assistant's turn before it; a call has no result; `index` names the message.
    """
    if not messages:
        raise InvalidRequestError("the message list is empty: give at least one message")
    unanswered: dict[str, bool] = {}  # by call id: whether a result must follow
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
        unanswered |= {call.id: False for call in message.invalid_tool_calls if call.name}
    _check_answered(caller, unanswered)


def _check_message(index: int, message: Message) -> None:
    ids: set[str] = set()
    for number, part in enumerate(message.parts):
        match part:
            case ToolCall() | InvalidToolCall():
                _check_call(index, message, part, ids)
            case ImagePart() | DocumentPart() | AudioPart():
                _check_source(index, number, part, answered=message.origin is not None)
            case TextPart() | RefusalPart() | ReasoningPart() | ServerToolPart() | UnknownPart():
                pass
            case _:
                assert_never(part)


def _check_call(index: int, message: Message, call: ToolCall | InvalidToolCall, ids: set[str]) -> None:
    if message.role is not Role.ASSISTANT:
        raise InvalidRequestError(f"message {index}: only an assistant's message has tool calls", index=index)
    if call.id in ids:
        raise InvalidRequestError(f"message {index}: two of its tool calls have the same id", index=index)
    ids.add(call.id)
    if isinstance(call, InvalidToolCall):
        return
    if not _is_whole(call.id, call.name, call.arguments):
        raise InvalidRequestError(
            f"message {index}: a ToolCall needs an id and a name, both text, and a dict of arguments",
            index=index,
        )
    try:
        call.arguments_text()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(
            f"message {index}: the arguments of the call {call.id!r} are not JSON: {error}", index=index
        ) from None


def _is_whole(call_id: object, name: object, arguments: object) -> bool:
    return isinstance(call_id, str) and isinstance(name, str) and bool(name) and isinstance(arguments, dict)


def _check_source(
    index: int, number: int, part: ImagePart | DocumentPart | AudioPart, *, answered: bool
) -> None:
    """An answer's audio may have only a transcript; what the application made needs exactly one source."""
    sources: list[object] = [source for source in (part.data, part.url, part.file_id) if source is not None]
    kinds_right = isinstance(part.data, bytes | None) and isinstance(part.url, str | None)
    whole = len(sources) == 1 and kinds_right and isinstance(part.file_id, str | None)
    if not whole and (sources or not answered):
        raise InvalidRequestError(
            f"message {index}, part {number}: {type(part).__name__} needs exactly one of data (bytes), url "
            "and file_id (text)",
            index=index,
        )
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
            "append one for each, an error text where the tool failed",
            index=index,
        )


def check_tools(tools: Sequence[Tool]) -> None:
    """Refuse functions and custom tools without a name, and tools of the same name.

    A tool of any other type is the provider's own, such as `{"type": "openrouter:web_search"}`, and may have
    any fields; one without a name is not compared with others.

    Raises:
        InvalidRequestError: it names the tool by its position.
    """
    seen: dict[str, int] = {}
    for position, tool in enumerate(tools):
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
    """The tool's name, in OpenAI's format or a provider's own; empty where there is none."""
    if not isinstance(tool, Mapping):
        return ""
    named = tool.get("custom" if tool.get("type") == "custom" else "function")
    name = (named if isinstance(named, Mapping) else tool).get("name")
    return name if isinstance(name, str) else ""


def encode_body(body: Mapping[str, object], messages: Sequence[Message]) -> bytes:
    """The request body's JSON: the same input gives the same bytes.

    Raises:
        InvalidRequestError: it has half a surrogate pair, which is not text (`index` names the
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
        raise InvalidRequestError(f"a tool, an option or a part's extra is not JSON: {error}") from None


def _surrogate_in(messages: Sequence[Message]) -> int | None:
    for index, message in enumerate(messages):
        try:
            msgspec.json.encode(message)
        except UnicodeEncodeError:
            return index
        except (TypeError, ValueError, RecursionError):
            continue  # whatever is not valid JSON here is not sent
    return None
