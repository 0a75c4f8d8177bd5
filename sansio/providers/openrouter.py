"""OpenRouter (OpenRouter API reference; "Reasoning tokens"; "Prompt caching")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sansio.content import DocumentPart, ImagePart, Message, Part, Role
from sansio.families.chat import ChatDialect
from sansio.families.chat.options import OPENROUTER_RANGES, options_of
from sansio.families.chat.parts import takes_by_schema
from sansio.families.media import image_url_block, with_true_type
from sansio.families.tools import WORDS
from sansio.jsontext import JSONObject
from sansio.options import Body, Option, narrowed, own, portable
from sansio.profiles import profile_of
from sansio.providers.hosts import OpenRouterHost


def _write_cache(body: Body, value: bool | str | None) -> None:
    """Cache prompts, for models that do so on demand, in addition to what `cache_control` says."""
    if value:
        mark = {"type": "ephemeral"} if value is True else {"type": "ephemeral", "ttl": value}
        body["cache_control"] = {**(body.get("cache_control") or {}), **mark}


class OpenRouterChat(OpenRouterHost, ChatDialect):
    """Reasoning by switch, its details sent back, and the upstream's own error in `metadata`."""

    RETURNED_PARTS = ChatDialect.RETURNED_PARTS | {ImagePart}
    PROFILE = profile_of("openrouter")
    OPTIONS: ClassVar[Mapping[str, Option]] = narrowed(
        {
            **ChatDialect.OPTIONS,
            **options_of(PROFILE),
            **portable(top_k="top_k", reasoning_budget="reasoning.max_tokens", cache=_write_cache),
            **own("min_p", "top_a", "repetition_penalty", type=float),
            **own("models", "transforms", type=list[str]),
            **own("provider", "image_config", "debug", "trace", type=dict[str, Any]),
            **own("usage", "cache_control", "deferred_tools", type=dict[str, Any]),
            **own("plugins", "stop_server_tools_when", type=list[dict[str, Any]]),
            **own("route", "session_id", type=str),
        },
        **OPENROUTER_RANGES,
    )

    def tool_choices(self) -> tuple[str, ...] | None:
        return WORDS

    def assistant_fields(self, message: Message) -> dict[str, object]:
        fields = super().assistant_fields(message)
        written = message.origin is None  # by the application
        images = [
            image_url_block(with_true_type(part) if written else part)
            for part in message.parts
            if isinstance(part, ImagePart)
        ]
        if images:
            fields["images"] = images
        return fields

    def takes(self, part: Part, role: Role) -> bool:
        """Messages of the system and the developer have only text parts; those of tools may have any."""
        return super().takes(part, role) and (role is Role.TOOL or takes_by_schema(part, role))

    def encode_part(self, part: Part) -> JSONObject | None:
        if isinstance(part, DocumentPart) and part.url is not None:
            file: JSONObject = {"filename": part.name or "document", "file_data": part.url}
            return {"type": "file", "file": file, **part.extra}
        return super().encode_part(part)
