"""OpenRouter's difference from OpenAI (OpenRouter API reference; "Reasoning tokens")."""

from __future__ import annotations

from sansio.dialects.openai import OpenAICompatDialect
from sansio.messages import JSONObject, Message


class OpenRouterDialect(OpenAICompatDialect):
    """OpenRouter: reasoning by switch, its details sent back, and the upstream's own error in `metadata`."""

    def reasoning_options(self) -> dict[str, object]:
        return {"reasoning": {"enabled": True}}

    def assistant_fields(self, message: Message) -> dict[str, object]:
        state = message.provider_state
        if state is None or state.dialect != self.config.type:
            return {}
        return {"reasoning_details": state.blocks}

    def error_message(self, error: JSONObject) -> str | None:
        message = super().error_message(error)
        metadata = error.get("metadata")
        if not isinstance(metadata, dict) or not (raw := metadata.get("raw")):
            return message
        return f"{message or 'no message'} (from {metadata.get('provider_name') or 'upstream'}: {raw})"
