"""OpenAI's own service, and the servers that call themselves compatible with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, ClassVar, Literal

from sansio.content import Message, Part, ReasoningPart, Role, Tool
from sansio.errors import InvalidRequestError
from sansio.families.chat import ChatDialect
from sansio.families.chat.options import OPENAI_RANGES
from sansio.families.chat.parts import OPENAI_SOUND, takes_by_schema
from sansio.families.tools import NAMES, WORDS
from sansio.options import Option, narrowed
from sansio.providers.hosts import SYSTEM_ROLES, OpenAIHost, cache_key

_WITHOUT_SCHEMAS = frozenset(("api.deepseek.com",))
"""Hosts whose chat completions know no `json_schema` (DeepSeek's API reference, "Create chat completion")."""

_MISTRAL = "https://api.mistral.ai/"
_MISTRAL_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")
"""The form that Mistral's service names when it refuses an id."""


class OpenAIChat(OpenAIHost, ChatDialect):
    """The host of `base_url` decides: another one is a compatible server, such as DeepSeek's.

    OpenAI itself takes neither reasoning back nor Google's signatures. Its reasoning models know
    `max_completion_tokens` only, and all its other models take it too.
    """

    _OWN_OPTIONS: ClassVar[Mapping[str, Option]] = narrowed(
        ChatDialect.OPTIONS,
        **OPENAI_RANGES,
        reasoning_effort=Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"],
        verbosity=Literal["low", "medium", "high"],
    )
    """With the words of OpenAI's SDK (`CompletionCreateParams`). Azure has models of other makers, too."""

    def options(self) -> Mapping[str, Option]:
        return self._OWN_OPTIONS if self.is_own else super().options()

    def takes_schema(self) -> bool:
        return self.hostname not in _WITHOUT_SCHEMAS

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body = super().build_request_body(messages, tools, stream, **options)
        if self.output_tool:
            if body.get("reasoning_effort") not in (None, "none"):
                raise InvalidRequestError(
                    f"response_format: {self.hostname} takes no JSON schema, and no tool can be forced in "
                    "its place beside thinking; leave out reasoning and reasoning_effort"
                )
            # DeepSeek's models think unless they are asked not to, and then refuse a forced tool.
            body["thinking"] = {"type": "disabled"}
        if options.get("cache") and self.is_own and "prompt_cache_key" not in options:
            said: Any = body["messages"]  # Any: JSON
            system = [*takewhile(lambda message: message["role"] in SYSTEM_ROLES, said)]
            key = cache_key(tools=body.get("tools"), system=system)
            body |= {} if key is None else {"prompt_cache_key": key}
        return body

    def max_tokens_field(self) -> str:
        return "max_completion_tokens" if self.is_own else super().max_tokens_field()

    def returned(self) -> frozenset[str]:
        return frozenset() if self.is_own else super().returned()

    def refuses(self, part: Part) -> str | None:
        if isinstance(part, ReasoningPart) and self.is_own:
            return "OpenAI's own service takes no reasoning back on this endpoint"
        return super().refuses(part)

    def tool_choices(self) -> tuple[str, ...] | None:
        return WORDS if self.is_own else super().tool_choices()

    def tool_names(self) -> str | None:
        return NAMES if self.is_own else super().tool_names()

    def sound_formats(self) -> frozenset[str] | None:
        return OPENAI_SOUND if self.is_own else super().sound_formats()

    def takes(self, part: Part, role: Role) -> bool:
        return takes_by_schema(part, role) if self.is_own else super().takes(part, role)

    def takes_call_id(self, call_id: str) -> bool:
        if self._config is None or not self._config.base_url.startswith(_MISTRAL):
            return True
        return _MISTRAL_CALL_ID.fullmatch(call_id) is not None
