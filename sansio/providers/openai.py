"""OpenAI's own service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from sansio.families.chat import ChatDialect
from sansio.options import Option, portable

_MISTRAL = "https://api.mistral.ai/"
_MISTRAL_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")
"""The form that Mistral's service names when it refuses an id."""


class OpenAIChat(ChatDialect):
    """Its reasoning models know `max_completion_tokens` only, and all its other models take it too."""

    TYPE = "openai"
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **ChatDialect.OPTIONS,
        **portable(max_tokens="max_completion_tokens"),
    }

    def takes_call_id(self, call_id: str) -> bool:
        if self._config is None or not self._config.base_url.startswith(_MISTRAL):
            return True
        return _MISTRAL_CALL_ID.fullmatch(call_id) is not None
