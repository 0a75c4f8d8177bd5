"""What the dialects of one host share, whichever wire family they speak."""

from __future__ import annotations

from hashlib import sha256
from typing import Self

import msgspec

from sansio.config import ProviderConfig
from sansio.errors import APIStatusError
from sansio.families.base import Dialect
from sansio.families.beside import OpenAIEndpoints
from sansio.jsontext import JSONObject

_VLLM_ERRORS = frozenset(
    ("BadRequestError", "NotFoundError", "InternalServerError", "AuthenticationError", "RateLimitError")
)
"""vLLM's error types, which it sends with the status as `code` (its `ErrorResponse`)."""


SYSTEM_ROLES = ("system", "developer")
"""The roles of the messages with which all calls of one agent begin."""

_KEY_LENGTH = 32
"""Half of the hash: enough to keep keys distinct, and within the 64 characters that OpenAI accepts."""


def cache_key(**beginning: object) -> str | None:
    """A `prompt_cache_key` for the beginning that all calls of one agent share, such as its tools.

    OpenAI sends requests with equal keys to the same machine. Without a key it looks only at the first
    tokens, which different agents may share (OpenAI, "Prompt caching").

    Args:
        **beginning: the parts of the beginning, as JSON, by their names.

    Returns:
        The key; `None` if there is no such beginning.
    """
    if not any(beginning.values()):
        return None
    try:
        encoded = msgspec.json.encode(beginning)
    except (TypeError, ValueError, RecursionError):
        return None  # it cannot be sent either, and is refused with its place when the body is encoded
    return sha256(encoded).hexdigest()[:_KEY_LENGTH]


class OpenAIHost(Dialect):
    """A type that people also use for servers that have their own type."""

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> APIStatusError:
        """Add a hint if the error is vLLM's, which has its own provider type."""
        built = super().build_error(error, status, data)
        if str(error.get("type")) not in _VLLM_ERRORS or type(error.get("code")) is not int:
            return built
        hint = f"{built.advice()} This looks like vLLM: write type='vllm' in the config."
        return built.with_context(hint=hint)


def is_v1(config: ProviderConfig) -> bool:
    """Whether the base URL selects Azure's v1 surface, which has neither deployment path nor version."""
    return config.base_url.endswith("/openai/v1")


_OF_THE_RESOURCE = ("models", "responses", "files", "batches")
"""Endpoints of the classic surface that belong to the resource, not to a deployment."""


class AzureHost(OpenAIEndpoints):
    """Azure's resource: two surfaces, and a content filter whose findings are in its errors."""

    TYPE = "azure"

    def url_of(self, name: str) -> str:
        config = self.config
        if is_v1(config):
            return super().url_of(name)
        from urllib.parse import quote  # loaded with the first request: reading a stream needs none

        version = quote(config.api_version or "", safe="")
        deployment = f"deployments/{quote(config.deployment or '', safe='')}/"
        below = "" if name.partition("/")[0] in _OF_THE_RESOURCE else deployment
        return f"{config.base_url}/openai/{below}{name}?api-version={version}"

    def with_model(self, model: str) -> Self:
        """The deployment names the model, in the path or in the body."""
        return type(self)(self.config.replace(model=model, deployment=model))

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> APIStatusError:
        """Add what the content filter found in a prompt that it blocked."""
        built = super().build_error(error, status, data)
        inner = error.get("innererror")
        if not isinstance(inner, dict):
            return built
        # One surface writes the name in the singular, the other in the plural.
        found = inner.get("content_filter_result") or inner.get("content_filter_results")
        return built.with_context(content_filter=found) if isinstance(found, dict) else built


class OpenRouterHost(Dialect):
    """OpenRouter. The `metadata` of its errors has the error of the provider behind it."""

    TYPE = "openrouter"

    def error_message(self, error: JSONObject) -> str | None:
        message = super().error_message(error)
        metadata = error.get("metadata")
        if not isinstance(metadata, dict) or not (raw := metadata.get("raw")):
            return message
        return f"{message or 'no message'} (from {metadata.get('provider_name') or 'upstream'}: {raw})"
