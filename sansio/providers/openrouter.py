"""OpenRouter (OpenRouter API reference; "Reasoning tokens")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sansio.content import (
    ImagePart,
    Message,
    ReasoningPart,
)
from sansio.families.chat import ChatDialect
from sansio.families.chat.parts import detail_of, image_block
from sansio.jsontext import JSONObject
from sansio.options import Option, own, portable


class OpenRouterChat(ChatDialect):
    """Reasoning by switch, its details sent back, and the upstream's own error in `metadata`."""

    TYPE = "openrouter"
    RETURNED_PARTS = ChatDialect.RETURNED_PARTS | {ReasoningPart, ImagePart}
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **ChatDialect.OPTIONS,
        **portable(top_k="top_k", reasoning_budget="reasoning.max_tokens"),
        **own("min_p", "top_a", "repetition_penalty", type=int | float),
        **own("models", "transforms", type=list[str]),
        **own("provider", "reasoning", "image_config", "debug", "trace", type=dict[str, Any]),
        **own("plugins", type=list[dict[str, Any]]),
        **own("route", "session_id", type=str),
        **own("usage", type=dict[str, Any]),
        "cache_control": Option(dict[str, Any], "cache_control"),
    }

    def reasoning_options(self) -> dict[str, object]:
        return {"reasoning": {"enabled": True}}

    def assistant_fields(self, message: Message) -> dict[str, object]:
        fields: dict[str, object] = {}
        reasoning = [part for part in message.parts if isinstance(part, ReasoningPart)]
        details = [detail for part in reasoning if (detail := detail_of(part)) is not None]
        plain = "".join(part.text for part in reasoning if detail_of(part) is None)
        if details:
            fields["reasoning_details"] = details
        if plain:
            fields["reasoning"] = plain
        images = [image_block(part) for part in message.parts if isinstance(part, ImagePart)]
        if images:
            fields["images"] = images
        return fields

    def error_message(self, error: JSONObject) -> str | None:
        message = super().error_message(error)
        metadata = error.get("metadata")
        if not isinstance(metadata, dict) or not (raw := metadata.get("raw")):
            return message
        return f"{message or 'no message'} (from {metadata.get('provider_name') or 'upstream'}: {raw})"
