"""The options of chat completions: those of every server, and OpenAI's own.

Sources: OpenAI's API reference, "Create chat completion", and its page on prompt caching; vLLM's page on
automatic prefix caching.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any, get_origin

from msgspec import Meta

from sansio.defaults import Profile
from sansio.errors import InvalidRequestError
from sansio.options import (
    PORTABLE,
    Body,
    Option,
    UnsupportedOptionError,
    merge_extra,
    merged,
    narrowed,
    own,
    portable,
)


def _write_logprobs(body: Body, value: bool | int | None) -> None:
    """Write whether log probabilities are requested; a number is the count of alternatives per token."""
    if isinstance(value, bool) or value is None:
        body["logprobs"] = value
    else:
        body |= {"logprobs": True, "top_logprobs": value}


def _write_format(body: Body, value: Mapping[str, Any] | None) -> None:
    """Write a JSON schema, also given in Anthropic's form; types of single servers pass unchanged."""
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
    """Whether a call's options set the reasoning, so that the config's `reasoning` is ignored.

    False for an effort other than `"none"`: some models need a switch such as vLLM's as well.
    """
    asked = options.get("reasoning")
    return options.get("reasoning_effort") == "none" or (isinstance(asked, Mapping) and "effort" in asked)


_OF_A_SCHEMA = ("json_schema", "object", "array", "string", "number", "integer", "boolean", "null")
"""The values of `type` in a JSON schema given without `json_schema` around it, or without the schema."""


def _refuse_lifetime(body: Body, value: bool | str | None) -> None:
    """Write nothing: these servers cache prompts automatically. A time to live is refused.

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

SERVER_OPTIONS: Mapping[str, Option] = {
    **portable(tool_choice="tool_choice", parallel_tool_calls="parallel_tool_calls", user="user"),
    **own("logit_bias", type=dict[str, int | float]),
    "n": Option(int, "n"),
}
"""Options that most servers understand."""

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


def add_fields(body: Body, fields: Mapping[str, Any]) -> None:
    """Add a profile's fields to a request; objects that are in both are merged."""
    if fields:  # most profiles have none
        merge_extra(body, deepcopy(dict(fields)))  # a profile is shared, and a body is the caller's


def has_fields(body: Body, fields: Mapping[str, Any]) -> bool:
    """Whether a request has a profile's fields; its objects may have more."""
    return all(
        has_fields(body[name], value)
        if isinstance(value, Mapping) and isinstance(body.get(name), Mapping)
        else body.get(name) == value
        for name, value in fields.items()
    )


def options_of(profile: Profile) -> dict[str, Option]:
    """The options of a server that speaks chat completions, as its profile has them."""
    table = {**COMMON_OPTIONS, **SERVER_OPTIONS}
    for name, kind in profile.options.items():
        if name in table:
            table |= narrowed(table, **{name: kind})
        elif get_origin(kind) is dict:  # `reasoning_on` may have set some of its fields
            table[name] = Option(kind, merged(name))
        else:
            table[name] = Option(kind, name)
    table["reasoning_effort"] = effort_option(profile)
    for name, field in (("seed", profile.seed_field), ("reasoning_budget", profile.budget_field)):
        if field is None:
            table.pop(name, None)
        else:
            table[name] = Option(PORTABLE[name], field)
    return {name: option for name, option in table.items() if name not in profile.without}


def effort_option(profile: Profile) -> Option:
    """The option `reasoning_effort`, with the server's own words for the efforts."""
    kind = PORTABLE["reasoning_effort"]
    words, off = profile.effort_values, profile.reasoning_off
    if not words and not off:
        same = "reasoning.effort" if "reasoning" in profile.options else ""
        return Option(kind, "reasoning_effort", same=same)

    def write(body: Body, value: str | None) -> None:
        if value is None:
            body.pop("reasoning_effort", None)
        elif value == "none" and off:
            add_fields(body, off)
        elif words and value not in words:
            known = ", ".join((*(("none",) if off else ()), *words))
            raise InvalidRequestError(f"reasoning_effort: {value!r} is unknown; use one of {known}")
        else:
            body["reasoning_effort"] = words.get(value, value)

    return Option(kind, write)


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
"""The ranges of OpenAI's own service and Azure's (OpenAI's API reference, "Create chat completion").

Compatible servers have other ranges. For them nothing is checked here; the server refuses invalid values.
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
"""The ranges of OpenRouter (its API reference, "Parameters"; its SDK's `ChatRequest`)."""

VLLM_RANGES: Mapping[str, Any] = {
    **_SAMPLING,
    "top_p": Annotated[float, Meta(gt=0, le=1)],
    "top_k": Annotated[int, Meta(ge=-1)],
    "min_p": _Share,
    "repetition_penalty": Annotated[float, Meta(gt=0)],
    "min_tokens": Annotated[int, Meta(ge=0)],
}
"""The ranges of vLLM (its `SamplingParams`, `_verify_args`); a `top_k` of -1 means no limit."""
