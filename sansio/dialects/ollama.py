"""Ollama's difference from OpenAI (Ollama documentation, "OpenAI compatibility")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sansio.dialects.openai import OpenAICompatDialect
from sansio.errors import InvalidRequestError
from sansio.messages import DocumentPart, ImagePart, Message, Role, TextPart


class OllamaDialect(OpenAICompatDialect):
    """Ollama's `/v1`: `max_tokens`, images as data only, and reasoning goes back with the answer."""

    PARSES_ARGUMENTS: ClassVar[bool] = True
    ROLES: ClassVar[Mapping[Role, str]] = {**OpenAICompatDialect.ROLES, Role.DEVELOPER: "system"}
    OPTION_NAMES: ClassVar[Mapping[str, str]] = {"max_completion_tokens": "max_tokens"}

    def assistant_fields(self, message: Message) -> dict[str, object]:
        return {"reasoning": message.reasoning} if message.reasoning else {}

    def encode_part(self, part: TextPart | ImagePart | DocumentPart, index: int) -> dict[str, object]:
        if isinstance(part, ImagePart) and part.data is None:
            raise InvalidRequestError(
                f"message {index}: ollama takes images as data only, not by url", index=index
            )
        return super().encode_part(part, index)
