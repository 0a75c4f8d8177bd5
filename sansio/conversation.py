"""Converts the messages that an application gives to a list of `Message`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from sansio.content import Message, Role
from sansio.errors import InvalidRequestError

Messages: TypeAlias = str | Iterable[Message | Mapping[str, object]]
"""A conversation: messages, or dicts in OpenAI's form; or a `str`, which is one message of the user."""


def as_messages(messages: Messages) -> list[Message]:
    """Convert a conversation to a list of `Message`.

    Args:
        messages: `Message`s and dicts such as `{"role": "user", "content": "Hello"}`, also mixed; or a `str`,
            which is one message of the user. An iterator is read once, to its end.

    Returns:
        The messages.

    Raises:
        InvalidRequestError: an item is neither. `index` is its position, and the message shows the form to
            write.

    Example:
        >>> as_messages("Hello")[0].role
        <Role.USER: 'user'>
    """
    if isinstance(messages, str):
        return [Message(Role.USER, messages)]
    given: object = messages
    if type(given) is list:  # the usual case; the checks of the others cost more than the rest
        return [
            message if isinstance(message, Message) else _read(message, index)
            for index, message in enumerate(given)
        ]
    if isinstance(given, (bytes, bytearray)):
        raise InvalidRequestError("messages: is bytes; write text, such as data.decode()")
    if isinstance(messages, Mapping) or not isinstance(messages, Iterable):
        raise InvalidRequestError(
            "messages must be a text or a list, such as [Message('user', 'Hello')] or "
            f"[{{'role': 'user', 'content': 'Hello'}}], not one {type(messages).__name__}"
        )
    return [
        message if isinstance(message, Message) else _read(message, index)
        for index, message in enumerate(messages)
    ]


def _read(data: object, index: int) -> Message:
    # Late: a program that passes `Message`s to another family does not need chat completions.
    from sansio.families.chat.dicts import from_openai

    return from_openai(data, index)  # type: ignore[arg-type]  # it refuses what is not a mapping
