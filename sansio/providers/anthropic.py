"""Anthropic's own service."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sansio.content import Message, Part, ReasoningPart, Role, Tool
from sansio.errors import InvalidRequestError
from sansio.families.messages import MessagesDialect

_CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")
"""The form that the service names when it refuses an id, such as Moonshot's `functions.look:0`."""


class AnthropicMessages(MessagesDialect):
    """It checks the signatures of reasoning that comes back, and refuses reasoning without one."""

    TYPE = "anthropic"

    def refuses(self, part: Part) -> str | None:
        if isinstance(part, ReasoningPart) and not (part.extra.get("signature") or part.extra.get("data")):
            return "reasoning without a signature is refused by Anthropic"
        return super().refuses(part)

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        for index, message in enumerate(messages):
            if message.origin is None and message.role in (Role.USER, Role.ASSISTANT):
                for name in message.extra:
                    raise InvalidRequestError(
                        f"message {index}, {name}: anthropic's messages have a role and content only; "
                        "leave it out, or say it in the content",
                        index=index,
                    )
        return super().build_request_body(messages, tools, stream, **options)

    def takes_call_id(self, call_id: str) -> bool:
        return _CALL_ID.fullmatch(call_id) is not None
