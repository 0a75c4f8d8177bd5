"""The container in which Anthropic's code execution continues.

Source: Anthropic's page on programmatic tool calling. While a call of code execution is pending, a request
without the container's id is refused with "container_id is required".
"""

from __future__ import annotations

from collections.abc import Sequence

from sansio.content import Message, Role, ServerToolPart, ToolCall


def container_of(messages: Sequence[Message]) -> str | None:
    """The id of the container in which the next request continues; `None` if it can begin without one.

    Containers expire, and naming one that has expired is an error. So only answers to the last question
    count: those since the user's message to which the last answer belongs. The newest container among them is
    used; an older one is sent only while code that these answers started is pending.
    """
    answered = pending = False
    for message in reversed(messages):
        if message.role is Role.USER and answered and not pending:
            return None
        if message.role is not Role.ASSISTANT or message.origin is None:
            continue
        found = message.container.get("id")
        if isinstance(found, str):
            return found
        answered = True
        pending = pending or _waits_for_code(message)
    return None


def _waits_for_code(message: Message) -> bool:
    """Whether code that the answer started is pending, such as for the result of a tool that it called."""
    started: set[str | None] = set()
    for part in message.parts:
        if isinstance(part, ToolCall | ServerToolPart) and _is_of_code(part):
            started.add(part.id)
        elif isinstance(part, ServerToolPart) and part.kind.endswith("_tool_result"):
            started.discard(part.id)
    return bool(started)


def _is_of_code(part: ToolCall | ServerToolPart) -> bool:
    """Whether a call runs code, or was made by running code."""
    if part.kind.endswith("_tool_result"):  # which names the caller too
        return False
    caller = part.extra.get("caller")
    by = str(caller.get("type")) if isinstance(caller, dict) else ""
    return by.startswith("code_execution") or (
        isinstance(part, ServerToolPart) and (part.name or "").endswith("code_execution")
    )
