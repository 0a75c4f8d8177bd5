"""OpenAI's own service, and servers about which is only known that they are compatible with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, ClassVar, Literal

from sansio.content import Message, Part, ReasoningPart, Role, Tool
from sansio.families.chat import ChatDialect
from sansio.families.chat.options import OPENAI_RANGES
from sansio.families.chat.parts import OPENAI_SOUND, takes_by_schema
from sansio.families.tools import NAMES, WORDS
from sansio.options import Option, narrowed
from sansio.profiles import profile_of
from sansio.providers.hosts import SYSTEM_ROLES, OpenAIHost, cache_key


class OpenAIChat(OpenAIHost, ChatDialect):
    """OpenAI's own rules, also behind a proxy with another address."""

    TYPE = "openai"
    PROFILE = profile_of("openai")
    OPTIONS: ClassVar[Mapping[str, Option]] = narrowed(
        ChatDialect.OPTIONS,
        **OPENAI_RANGES,
        reasoning_effort=Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"],
        verbosity=Literal["low", "medium", "high"],
    )
    """With the words of OpenAI's SDK (`CompletionCreateParams`). Azure has models of other makers, too."""

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body = super().build_request_body(messages, tools, stream, **options)
        if options.get("cache") and "prompt_cache_key" not in options:
            said: Any = body["messages"]  # Any: JSON
            system = [*takewhile(lambda message: message["role"] in SYSTEM_ROLES, said)]
            key = cache_key(tools=body.get("tools"), system=system)
            body |= {} if key is None else {"prompt_cache_key": key}
        return body

    def refuses(self, part: Part) -> str | None:
        if isinstance(part, ReasoningPart):
            return "OpenAI's own service takes no reasoning back on this endpoint"
        return super().refuses(part)

    def tool_choices(self) -> tuple[str, ...] | None:
        return WORDS

    def tool_names(self) -> str | None:
        return NAMES

    def sound_formats(self) -> frozenset[str] | None:
        return OPENAI_SOUND

    def takes(self, part: Part, role: Role) -> bool:
        return takes_by_schema(part, role)


class CompatibleChat(OpenAIHost, ChatDialect):
    """Everything is left to the server."""

    TYPE = "compatible"
    PROFILE = profile_of("compatible")
