"""A conversation kept within a model's context window."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import msgspec

from sansio.content import (
    AudioPart,
    DocumentPart,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.conversation import Messages, as_messages
from sansio.errors import InvalidRequestError

_BYTES_PER_TOKEN = 3
"""Bytes per token. English has about 4; a lower figure makes the estimate too high rather than too low."""
_TOKENS_PER_MESSAGE = 8
_TOKENS_PER_ATTACHMENT = 1_600
"""The tokens of an image of ordinary size. Documents vary widely: count them with your own `count`."""


def estimate_tokens(message: Message) -> int:
    """Estimate the tokens of a message by its bytes, since each model has its own tokenizer."""
    attachments = sum(isinstance(part, (ImagePart, AudioPart, DocumentPart)) for part in message.parts)
    size = sum(_size(part) for part in message.parts)
    return _TOKENS_PER_MESSAGE + -(-size // _BYTES_PER_TOKEN) + attachments * _TOKENS_PER_ATTACHMENT


def _size(part: Part) -> int:
    """How many bytes of text a part sends; media are counted separately."""
    match part:
        case TextPart() | RefusalPart():
            size = _bytes(part.text)
        case ReasoningPart():
            size = _bytes(part.text) + len(msgspec.json.encode(part.extra))
        case ToolCall():
            size = _bytes(part.name) + _bytes(part.arguments_text())
        case InvalidToolCall():
            size = _bytes(part.name) + _bytes(part.raw_arguments)
        case ServerToolPart():
            size = len(msgspec.json.encode((part.name, part.input, part.output, part.extra)))
        case UnknownPart():
            size = len(msgspec.json.encode(part.extra))
        case ImagePart() | AudioPart() | DocumentPart():
            size = 0
        case _:
            assert_never(part)
    return size


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))


class Fitted(msgspec.Struct, frozen=True):
    """A conversation that fits into a context window.

    Args:
        messages: the messages that are kept, to be sent.
        left_out: the messages that were removed, the oldest first.
    """

    messages: tuple[Message, ...]
    left_out: tuple[Message, ...] = ()


def fit_context(
    messages: Messages,
    context_window: int,
    *,
    reserve: int = 0,
    count: Callable[[Message], int] = estimate_tokens,
) -> Fitted:
    """Shorten a conversation to a context window: keep the leading system messages and the newest turns.

    A turn is a user's message with all messages that follow it, so tool calls stay with their results. The
    oldest turns are removed first, as a whole; no message is shortened.

    Args:
        messages: the conversation; it is not changed.
        context_window: the limit in tokens, such as `config.context_window`.
        reserve: tokens to leave free for the answer (default: 0).
        count: returns the tokens of one message. Default: an estimate; give an exact tokenizer if you have
            one. It is called once for each message that is kept, and for the newest that is left out.

    Returns:
        The messages that are kept, and those that are left out.

    Raises:
        InvalidRequestError: the system messages and the newest turn alone do not fit; or an argument is
            invalid.
    """
    for name, value in (("context_window", context_window), ("reserve", reserve)):
        if type(value) is not int or value < 0:
            raise InvalidRequestError(
                f"{name}: must be a number of tokens, an int of at least 0, not {value!r}"
            )
    if reserve > context_window:
        raise InvalidRequestError(
            f"reserve: {reserve} is more than the context window of {context_window} tokens; reserve less"
        )
    if not callable(count):
        raise InvalidRequestError(
            f"count: must be a function that takes a Message and returns its tokens, not {count!r:.80}"
        )

    def counted(message: Message) -> int:
        tokens = count(message)
        if type(tokens) is not int or tokens < 0:
            raise InvalidRequestError(f"count: must return a number of tokens, an int, not {tokens!r:.80}")
        return tokens

    messages = as_messages(messages)
    front = next(
        (i for i, m in enumerate(messages) if m.role not in (Role.SYSTEM, Role.DEVELOPER)), len(messages)
    )
    kept = tuple(messages[:front])
    room = context_window - reserve - sum(map(counted, kept))
    start = end = len(messages)
    for index in range(len(messages) - 1, front - 1, -1):
        room -= counted(messages[index])
        if room < 0:
            break
        if messages[index].role is Role.USER or index == front:
            start = index
    if room < 0 and start == end:
        raise InvalidRequestError(
            f"the system messages and the newest turn alone exceed {context_window - reserve} tokens; "
            "shorten them, or use a model with a larger context window"
        )
    return Fitted((*kept, *messages[start:]), tuple(messages[front:start]))
