"""OpenAI's own service."""

from __future__ import annotations

from sansio.families.chat import ChatDialect
from sansio.options import portable


class OpenAIChat(ChatDialect):
    """Its reasoning models know `max_completion_tokens` only, and all its other models take it too."""

    TYPE = "openai"
    OPTIONS = {**ChatDialect.OPTIONS, **portable(max_tokens="max_completion_tokens")}
