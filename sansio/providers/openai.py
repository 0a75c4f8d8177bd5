"""OpenAI's own service, and the servers that call themselves compatible with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import takewhile
from typing import Any, ClassVar, Literal

import msgspec

from sansio.config import ProviderConfig
from sansio.content import Message, Part, ReasoningPart, Role, Tool
from sansio.errors import APIStatusError
from sansio.families.chat import ChatDialect
from sansio.families.chat.options import OPENAI_RANGES
from sansio.families.chat.parts import OPENAI_SOUND, takes_by_schema
from sansio.families.chat.tools import NAMES, WORDS
from sansio.jsontext import JSONObject
from sansio.limits import DEFAULT_LIMITS, Limits
from sansio.options import Option, narrowed
from sansio.profiles import COMPATIBLE, profile_of

_OWN_HOST = re.compile(r"(?:(?:us|eu|ae|au|in|jp)\.)?api\.openai\.com", re.IGNORECASE)
"""The service, and its hosts for data that must stay in a region (OpenAI, "Data residency")."""

_VLLM_ERRORS = frozenset(
    ("BadRequestError", "NotFoundError", "InternalServerError", "AuthenticationError", "RateLimitError")
)
"""vLLM's error types, which it sends with the status as `code` (its `ErrorResponse`)."""


def is_own_host(host: str) -> bool:
    """Whether a host is OpenAI's own service, which refuses what compatible servers need."""
    return _OWN_HOST.fullmatch(host) is not None


def _cache_key(body: Mapping[str, Any]) -> str | None:
    """A `prompt_cache_key` for what all calls of one agent begin with: its tools and its system messages.

    OpenAI sends requests of equal keys to the same machine; without one, it looks at the first tokens only,
    which different agents may share (OpenAI, "Prompt caching").

    Args:
        body: a whole request. Any: JSON.

    Returns:
        The key; `None` if there is no such beginning.
    """
    system = [*takewhile(lambda message: message["role"] in ("system", "developer"), body["messages"])]
    beginning = {"tools": body.get("tools"), "system": system}
    if not any(beginning.values()):
        return None
    try:
        encoded = msgspec.json.encode(beginning)
    except (TypeError, ValueError, RecursionError):
        return None  # it cannot be sent either, and is refused with its place when the body is encoded
    return sha256(encoded).hexdigest()[:_KEY_LENGTH]


_KEY_LENGTH = 32
"""Half of the hash: enough for keys that differ, and within the 64 characters that OpenAI takes."""


class OpenAIChat(ChatDialect):
    """The host of `base_url` decides: another one is a compatible server that nothing is known of."""

    TYPE = "openai"
    PROFILE = profile_of("openai")

    _OWN_OPTIONS: ClassVar[Mapping[str, Option]] = narrowed(
        ChatDialect.OPTIONS,
        **OPENAI_RANGES,
        reasoning_effort=Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"],
        verbosity=Literal["low", "medium", "high"],
    )
    """With the words of OpenAI's SDK (`CompletionCreateParams`). Azure has models of other makers, too."""

    def __init__(self, config: ProviderConfig | None = None, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(config, limits)
        self._is_own = True
        if config is not None:
            from urllib.parse import urlsplit  # loaded with the first config: reading a stream needs none

            self._is_own = is_own_host(urlsplit(config.base_url).hostname or "")
        if not self._is_own:
            self.profile = COMPATIBLE

    def options(self) -> Mapping[str, Option]:
        return self._OWN_OPTIONS if self._is_own else super().options()

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body = super().build_request_body(messages, tools, stream, **options)
        if options.get("cache") and self._is_own and "prompt_cache_key" not in options:
            key = _cache_key(body)
            body |= {} if key is None else {"prompt_cache_key": key}
        return body

    def refuses(self, part: Part) -> str | None:
        if isinstance(part, ReasoningPart) and self._is_own:
            return "OpenAI's own service takes no reasoning back on this endpoint"
        return super().refuses(part)

    def tool_choices(self) -> tuple[str, ...] | None:
        return WORDS if self._is_own else super().tool_choices()

    def tool_names(self) -> str | None:
        return NAMES if self._is_own else super().tool_names()

    def sound_formats(self) -> frozenset[str] | None:
        return OPENAI_SOUND if self._is_own else super().sound_formats()

    def takes(self, part: Part, role: Role) -> bool:
        return takes_by_schema(part, role) if self._is_own else super().takes(part, role)

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> APIStatusError:
        """With a hint where the error is vLLM's, which has a provider type."""
        built = super().build_error(error, status, data)
        if str(error.get("type")) not in _VLLM_ERRORS or type(error.get("code")) is not int:
            return built
        hint = f"{built.advice()} This looks like vLLM: write type='vllm' in the config."
        return built.with_context(hint=hint)
