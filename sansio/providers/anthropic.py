"""Anthropic's own service."""

from __future__ import annotations

from sansio.content import Part, ReasoningPart
from sansio.families.messages import MessagesDialect


class AnthropicMessages(MessagesDialect):
    """It checks the signatures of reasoning that comes back, and refuses reasoning without one."""

    TYPE = "anthropic"

    def refuses(self, part: Part) -> str | None:
        if isinstance(part, ReasoningPart) and not (part.extra.get("signature") or part.extra.get("data")):
            return "reasoning without a signature is refused by Anthropic"
        return super().refuses(part)
