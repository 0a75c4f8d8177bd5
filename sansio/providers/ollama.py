"""Ollama's OpenAI-compatible API (Ollama documentation, "OpenAI compatibility")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sansio.content import ImagePart, Message, Part, ReasoningPart, Role
from sansio.families.chat import ChatDialect
from sansio.families.chat.request import reasoning_field
from sansio.jsontext import JSONObject
from sansio.options import Option


class OllamaChat(ChatDialect):
    """It takes `max_tokens`, and images as data only; reasoning goes back with the answer."""

    TYPE = "ollama"
    SENDS = ChatDialect.SENDS | {ReasoningPart}
    ROLES: ClassVar[Mapping[Role, str]] = {**ChatDialect.ROLES, Role.DEVELOPER: "system"}
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **ChatDialect.OPTIONS,
        "max_completion_tokens": Option(int, "max_tokens"),
    }

    def assistant_fields(self, message: Message) -> dict[str, object]:
        return reasoning_field(message)

    def encode_part(self, part: Part) -> JSONObject | None:
        return None if isinstance(part, ImagePart) and part.data is None else super().encode_part(part)
