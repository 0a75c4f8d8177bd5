"""The options of chat completions: those of every server, and OpenAI's own.

Sources: OpenAI's API reference, "Create chat completion", and its page on prompt caching; vLLM's page on
automatic prefix caching.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from sansio.errors import InvalidRequestError
from sansio.options import PORTABLE, Body, Option, UnsupportedOptionError, merged, own, portable


def _write_logprobs(body: Body, value: bool | int | None) -> None:
    """A number asks for as many alternatives to each token."""
    if isinstance(value, bool) or value is None:
        body["logprobs"] = value
    else:
        body |= {"logprobs": True, "top_logprobs": value}


def _write_format(body: Body, value: Mapping[str, Any] | None) -> None:
    """A JSON schema, also in Anthropic's form; a kind that only one server knows passes unchanged."""
    if value is None:
        body.pop("response_format", None)
        return
    kind = value.get("type")
    if kind == "json_schema" and "schema" in value:
        value = {"json_schema": {name: inner for name, inner in value.items() if name != "type"}}
    asked = value.get("json_schema")
    if isinstance(asked, Mapping):
        value = {"type": "json_schema", "json_schema": {"name": "answer", **asked}}
    elif not isinstance(kind, str) or kind in _OF_A_SCHEMA:
        raise InvalidRequestError(
            f"response_format: {value!r:.80} does not say which form the answer has; give a class, or "
            '{"type": "json_schema", "json_schema": {"name": ..., "schema": {...}}}'
        )
    body["response_format"] = value


def decides_reasoning(options: Mapping[str, object]) -> bool:
    """Whether a call's options say themselves how much the model thinks, so that the config's wish gives way.

    An effort other than `"none"` goes beside a switch such as vLLM's, which some models need as well.
    """
    asked = options.get("reasoning")
    return options.get("reasoning_effort") == "none" or (isinstance(asked, Mapping) and "effort" in asked)


_OF_A_SCHEMA = ("json_schema", "object", "array", "string", "number", "integer", "boolean", "null")
"""What `type` is in a JSON schema that was given alone, and where the schema is missing."""


def _refuse_lifetime(body: Body, value: bool | str | None) -> None:
    """Prompts are cached without being asked to, so here is nothing to write, and no time to live to choose.

    For OpenAI's own service, `OpenAIChat` adds a `prompt_cache_key`.
    """
    if isinstance(value, str):
        raise UnsupportedOptionError(
            "cache",
            f"{value!r} is a time to live, which cannot be chosen here; use cache=True (prompts are "
            "cached automatically)",
        )


COMMON_OPTIONS: Mapping[str, Option] = {
    **portable(
        temperature="temperature",
        top_p="top_p",
        stop="stop",
        seed="seed",
        frequency_penalty="frequency_penalty",
        presence_penalty="presence_penalty",
        logprobs=_write_logprobs,
        response_format=_write_format,
        reasoning_effort="reasoning_effort",
        cache=_refuse_lifetime,
    ),
    **own("max_completion_tokens", "top_logprobs", type=int),
    "max_tokens": Option(PORTABLE["max_tokens"], "max_tokens", same="max_completion_tokens"),
    "stream_options": Option(dict[str, Any], merged("stream_options")),  # streams have `include_usage`
}
"""Options that all known servers understand."""

REASONING: Mapping[str, Option] = {
    "reasoning_effort": Option(PORTABLE["reasoning_effort"], "reasoning_effort", same="reasoning.effort"),
    "reasoning": Option(dict[str, Any], merged("reasoning")),
}
"""The options of servers that take an object, `reasoning`, beside `reasoning_effort`."""

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

_Share = Annotated[float, Meta(ge=0, le=1)]
_Penalty = Annotated[float, Meta(ge=-2, le=2)]
_Limit = Annotated[int, Meta(ge=1)]
_Alternatives = Annotated[int, Meta(ge=0, le=20)]

_SAMPLING: Mapping[str, Any] = {
    "temperature": Annotated[float, Meta(ge=0, le=2)],
    "frequency_penalty": _Penalty,
    "presence_penalty": _Penalty,
    "max_tokens": _Limit,
    "max_completion_tokens": _Limit,
}

OPENAI_RANGES: Mapping[str, Any] = {
    **_SAMPLING,
    "top_p": _Share,
    "logprobs": bool | _Alternatives,
    "top_logprobs": _Alternatives,
    "logit_bias": dict[str, Annotated[float, Meta(ge=-100, le=100)]],
    "stop": str | Annotated[list[str], Meta(max_length=4)],
    "metadata": Annotated[dict[str, str], Meta(max_length=16)],
}
"""What OpenAI's own service takes, and Azure's (OpenAI's API reference, "Create chat completion").

Compatible servers have other ranges. For them nothing is checked here, and the server refuses what it
does not take.
"""

OPENROUTER_RANGES: Mapping[str, Any] = {
    **_SAMPLING,
    "top_p": _Share,
    "top_k": Annotated[int, Meta(ge=0)],
    "min_p": _Share,
    "top_a": _Share,
    "repetition_penalty": Annotated[float, Meta(ge=0, le=2)],
    "logprobs": bool | _Alternatives,
    "top_logprobs": _Alternatives,
    "metadata": dict[str, str],
}
"""What OpenRouter takes (its API reference, "Parameters"; its SDK's `ChatRequest`)."""

VLLM_RANGES: Mapping[str, Any] = {
    **_SAMPLING,
    "top_p": Annotated[float, Meta(gt=0, le=1)],
    "top_k": Annotated[int, Meta(ge=-1)],
    "min_p": _Share,
    "repetition_penalty": Annotated[float, Meta(gt=0)],
    "min_tokens": Annotated[int, Meta(ge=0)],
}
"""What vLLM takes (its `SamplingParams`, `_verify_args`); -1 is no limit for `top_k`."""
