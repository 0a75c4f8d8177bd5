"""OpenAI's own service, and the servers that call themselves compatible with it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sansio.content import Message, Part, ReasoningPart, Role, Tool
from sansio.errors import APIStatusError, InvalidRequestError
from sansio.families.chat import ChatDialect
from sansio.families.chat.parts import takes_by_schema
from sansio.jsontext import JSONObject

_OWN_HOST = re.compile(r"(?:(?:us|eu|ae|au|in|jp)\.)?api\.openai\.com", re.IGNORECASE)
"""The service, and its hosts for data that must stay in a region (OpenAI, "Data residency")."""

_VLLM_ERRORS = frozenset(
    ("BadRequestError", "NotFoundError", "InternalServerError", "AuthenticationError", "RateLimitError")
)
"""vLLM's error types, which it sends with the status as `code` (its `ErrorResponse`)."""


def is_own_host(host: str) -> bool:
    """Whether a host is OpenAI's own service, which refuses what compatible servers need."""
    return _OWN_HOST.fullmatch(host) is not None


_WITHOUT_SCHEMAS = frozenset(("api.deepseek.com",))
"""Hosts whose chat completions know no `json_schema` (DeepSeek's API reference, "Create chat completion")."""

_MISTRAL = "https://api.mistral.ai/"
_MISTRAL_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")
"""The form that Mistral's service names when it refuses an id."""


class OpenAIChat(ChatDialect):
    """The host of `base_url` decides: another one is a compatible server, such as DeepSeek's.

    OpenAI itself takes neither reasoning back nor Google's signatures. Its reasoning models know
    `max_completion_tokens` only, and all its other models take it too.
    """

    TYPE = "openai"

    @property
    def _host(self) -> str | None:
        from urllib.parse import urlsplit  # loaded with the first config: reading a stream needs none

        return None if self._config is None else urlsplit(self._config.base_url).hostname or ""

    @property
    def _is_own(self) -> bool:
        host = self._host
        return host is None or is_own_host(host)

    def takes_schema(self) -> bool:
        return self._host not in _WITHOUT_SCHEMAS

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body = super().build_request_body(messages, tools, stream, **options)
        if self.output_tool:
            if body.get("reasoning_effort") not in (None, "none"):
                raise InvalidRequestError(
                    f"response_format: {self._host} takes no JSON schema, and no tool can be forced in its "
                    "place beside thinking; leave out reasoning and reasoning_effort"
                )
            # DeepSeek's models think unless they are asked not to, and then refuse a forced tool.
            body["thinking"] = {"type": "disabled"}
        return body

    def max_tokens_field(self) -> str:
        return "max_completion_tokens" if self._is_own else super().max_tokens_field()

    def returned(self) -> frozenset[str]:
        return frozenset() if self._is_own else super().returned()

    def refuses(self, part: Part) -> str | None:
        if isinstance(part, ReasoningPart) and self._is_own:
            return "OpenAI's own service takes no reasoning back on this endpoint"
        return super().refuses(part)

    def takes(self, part: Part, role: Role) -> bool:
        return takes_by_schema(part, role) if self._is_own else super().takes(part, role)

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> APIStatusError:
        """With a hint where the error is vLLM's, whose own type knows its ways."""
        built = super().build_error(error, status, data)
        if str(error.get("type")) not in _VLLM_ERRORS or type(error.get("code")) is not int:
            return built
        hint = f"{built.advice()} This looks like vLLM: type='vllm' in the config knows its ways."
        return built.with_context(hint=hint)

    def takes_call_id(self, call_id: str) -> bool:
        if self._config is None or not self._config.base_url.startswith(_MISTRAL):
            return True
        return _MISTRAL_CALL_ID.fullmatch(call_id) is not None
