"""OpenAI's own service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sansio.families.chat import ChatDialect
from sansio.options import Option, portable


class OpenAIChat(ChatDialect):
    """Its reasoning models know `max_completion_tokens` only, and all its other models take it too."""

    TYPE = "openai"
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **ChatDialect.OPTIONS,
        **portable(max_tokens="max_completion_tokens"),
    }
