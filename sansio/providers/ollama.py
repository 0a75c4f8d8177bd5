"""Ollama's OpenAI-compatible API (Ollama documentation, "OpenAI compatibility")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sansio.content import DocumentPart, ImagePart, Part, ReasoningPart, Role
from sansio.families.chat import ChatDialect
from sansio.families.chat.options import COMMON_OPTIONS, REASONING
from sansio.jsontext import JSONObject
from sansio.options import Option


class OllamaChat(ChatDialect):
    """It takes `max_tokens`, images as data only, and no files; reasoning goes back with the answer.

    Options that it passes over without a word, such as `tool_choice`, are not in its table.
    """

    TYPE = "ollama"
    SENDS = ChatDialect.SENDS | {ReasoningPart}
    ROLES: ClassVar[Mapping[Role, str]] = {**ChatDialect.ROLES, Role.DEVELOPER: "system"}
    REASONING_FIELD = "reasoning"
    OPENAI_TOOLS = False
    NEEDS_LOGPROBS = False
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **COMMON_OPTIONS,
        **REASONING,
        "max_completion_tokens": Option(int, "max_tokens"),
    }

    def takes(self, part: Part, role: Role) -> bool:
        return not isinstance(part, DocumentPart)

    def encode_part(self, part: Part) -> JSONObject | None:
        return None if isinstance(part, ImagePart) and part.data is None else super().encode_part(part)
