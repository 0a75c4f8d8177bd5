"""The options of chat completions: those of every server, and OpenAI's own.

Sources: OpenAI's API reference, "Create chat completion", and its page on prompt caching; vLLM's page on
automatic prefix caching.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sansio.errors import InvalidRequestError
from sansio.options import Body, Option, own, portable


def _write_logprobs(body: Body, value: bool | int | None) -> None:
    """A number asks for as many alternatives to each token."""
    if isinstance(value, bool) or value is None:
        body["logprobs"] = value
    else:
        body |= {"logprobs": True, "top_logprobs": value}


def _write_stream_options(body: Body, value: Mapping[str, Any] | None) -> None:
    """Beside `include_usage`, which streams have by default."""
    body["stream_options"] = None if value is None else {**(body.get("stream_options") or {}), **value}


def _refuse_lifetime(body: Body, value: bool | str | None) -> None:
    """Prompts are cached without being asked to: there is nothing to write, and no time to live to choose."""
    if isinstance(value, str):
        raise InvalidRequestError(
            f"cache: {value!r} is a time to live, which cannot be chosen here; use cache=True (prompts are "
            "cached automatically)"
        )


COMMON_OPTIONS: Mapping[str, Option] = {
    **portable(
        temperature="temperature",
        top_p="top_p",
        max_tokens="max_tokens",
        stop="stop",
        seed="seed",
        frequency_penalty="frequency_penalty",
        presence_penalty="presence_penalty",
        logprobs=_write_logprobs,
        response_format="response_format",
        reasoning_effort="reasoning_effort",
        cache=_refuse_lifetime,
    ),
    **own("max_completion_tokens", "top_logprobs", type=int),
    "stream_options": Option(dict[str, Any], _write_stream_options),
}
"""Options that all known servers understand."""

SERVER_OPTIONS: Mapping[str, Option] = {
    **portable(tool_choice="tool_choice", parallel_tool_calls="parallel_tool_calls", user="user"),
    **own("logit_bias", type=dict[str, int | float]),
    "n": Option(int, "n"),
}
"""Options that all but Ollama understand."""

OPENAI_OPTIONS: Mapping[str, Option] = {
    **SERVER_OPTIONS,
    **portable(metadata="metadata", service_tier="service_tier"),
    **own("store", type=bool),
    **own("safety_identifier", "prompt_cache_key", "prompt_cache_retention", "verbosity", type=str),
    **own("audio", "prediction", "web_search_options", type=dict[str, Any]),
    **own("moderation", "prompt_cache_options", type=dict[str, Any]),
    **own("modalities", type=list[str]),
    **own("functions", type=list[dict[str, Any]]),
    **own("function_call", type=str | dict[str, Any]),
}
"""OpenAI's further options; gateways pass them on."""
