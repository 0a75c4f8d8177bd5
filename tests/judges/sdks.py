"""The packages that judge: the official SDKs of OpenAI and Anthropic, and one with cases for servers."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest


def package(name: str) -> Any:  # Any: a module that the type checker need not have
    """A module of a package; where that is not installed, the test is skipped."""
    try:
        return import_module(name)
    except ImportError:
        pytest.skip(f"{name.partition('.')[0]} is not installed: pip install 'sansio-llm[judges]'")


def parameters(type: str, *, stream: bool) -> list[Any]:
    """The types that a provider type's request may be of. Anthropic's second one is that of the betas.

    Args:
        type: a provider type, or type and api, such as `"openai/responses"`.
    """
    kind = "Streaming" if stream else "NonStreaming"
    if type.endswith("/responses"):
        responses = package("openai.types.responses.response_create_params")
        return [getattr(responses, f"ResponseCreateParams{kind}")]
    if type != "anthropic":
        chat = package("openai.types.chat.completion_create_params")
        return [getattr(chat, f"CompletionCreateParams{kind}")]
    found = [
        package("anthropic.types.message_create_params"),
        package("anthropic.types.beta.message_create_params"),
    ]
    return [getattr(module, f"MessageCreateParams{kind}") for module in found]
