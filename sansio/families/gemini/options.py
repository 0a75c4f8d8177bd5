"""The options of Gemini: where each is written.

Sources: `GenerateContentConfig` of Google's SDK and its wire form; the Gemini API's reference,
`GenerationConfig`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from sansio.errors import InvalidRequestError
from sansio.families.gemini.thinking import budget_of, effort_of
from sansio.families.gemini.tools import write_choice
from sansio.options import Body, Option, listed, merged, object_at, portable

_CONFIG = "generationConfig"


def _write_logprobs(body: Body, value: bool | int | None) -> None:
    """Write whether log probabilities are requested, or how many: other providers accept either."""
    if value is None:
        return
    config = object_at(body, _CONFIG)
    if value is False:
        config.pop("responseLogprobs", None)
        return
    config["responseLogprobs"] = True
    if value is not True:
        config["logprobs"] = value


def _write_top_logprobs(body: Body, value: int | None) -> None:
    if value is not None:
        object_at(body, _CONFIG).update(responseLogprobs=True, logprobs=value)


def _write_format(body: Body, value: Mapping[str, Any] | None) -> None:
    """Write a JSON schema in OpenAI's form, or JSON of any form."""
    if value is None or value.get("type") == "text":
        return
    config = object_at(body, _CONFIG)
    config["responseMimeType"] = "application/json"
    if value.get("type") == "json_object":
        return
    holder = value.get("json_schema", value)
    schema = holder.get("schema") if isinstance(holder, Mapping) else None
    if value.get("type") != "json_schema" or not isinstance(schema, Mapping):
        raise InvalidRequestError(
            "response_format: give text, json_object, or the JSON schema of the answer: a class, or "
            '{"type": "json_schema", "json_schema": {"schema": {...}}}'
        )
    config["responseJsonSchema"] = schema


def _write_schema(body: Body, value: Mapping[str, Any] | None) -> None:
    """Write a schema in Google's own form, which is a subset of OpenAPI's."""
    if value is not None:
        config = object_at(body, _CONFIG)
        config.setdefault("responseMimeType", "application/json")
        config["responseSchema"] = value


def _write_modalities(body: Body, value: Sequence[str] | None) -> None:
    if value is not None:
        object_at(body, _CONFIG)["responseModalities"] = [each.upper() for each in value]


_write_thinking = merged(f"{_CONFIG}.thinkingConfig")
"""`reasoning_effort` and `reasoning_budget` are fields of it."""


def _write_effort(model: str, body: Body, value: str | None) -> None:
    if value is not None:
        _write_thinking(body, effort_of(model, value))


def _write_budget(model: str, body: Body, value: int | None) -> None:
    if value is not None:
        _write_thinking(body, budget_of(model, value))


def _write_nothing(body: Body, value: object) -> None:
    """Google's models cache by themselves."""


OPTIONS: Mapping[str, Option] = {
    **portable(
        temperature=f"{_CONFIG}.temperature",
        top_p=f"{_CONFIG}.topP",
        top_k=f"{_CONFIG}.topK",
        max_tokens=f"{_CONFIG}.maxOutputTokens",
        stop=listed(f"{_CONFIG}.stopSequences"),
        seed=f"{_CONFIG}.seed",
        presence_penalty=f"{_CONFIG}.presencePenalty",
        frequency_penalty=f"{_CONFIG}.frequencyPenalty",
        logprobs=_write_logprobs,
        top_logprobs=_write_top_logprobs,
        response_format=_write_format,
        modalities=_write_modalities,
        tool_choice=write_choice,
        service_tier="serviceTier",
        store="store",
    ),
    "max_completion_tokens": Option(int, f"{_CONFIG}.maxOutputTokens"),
    "cache": Option(bool, _write_nothing),
    "stop_sequences": Option(list[str], f"{_CONFIG}.stopSequences"),
    "safety_settings": Option(list[dict[str, Any]], "safetySettings"),
    "cached_content": Option(str, "cachedContent"),
    "labels": Option(dict[str, str], "labels"),
    "continuation_token": Option(str, "continuationToken"),
    "tool_config": Option(dict[str, Any], merged("toolConfig")),
    # It is written before the options of its fields, but after what `reasoning=True` writes.
    "generation_config": Option(dict[str, Any], merged(_CONFIG, "thinkingConfig")),
    "thinking_config": Option(dict[str, Any], _write_thinking),
    "speech_config": Option(dict[str, Any], merged(f"{_CONFIG}.speechConfig")),
    "image_config": Option(dict[str, Any], merged(f"{_CONFIG}.imageConfig")),
    "media_resolution": Option(str, f"{_CONFIG}.mediaResolution"),
    "response_schema": Option(dict[str, Any], _write_schema),
    "model_armor_config": Option(dict[str, Any], "modelArmorConfig"),
}
"""The options of a call, except those whose form depends on the model."""


@lru_cache(maxsize=16)
def options_of(model: str) -> Mapping[str, Option]:
    """The options of a call of a model, which thinks either at a level or within a budget."""
    return {
        **OPTIONS,
        **portable(
            reasoning_effort=partial(_write_effort, model), reasoning_budget=partial(_write_budget, model)
        ),
    }


def check_logprobs(options: Mapping[str, object]) -> None:
    """Refuse alternatives to tokens without the probabilities of the tokens.

    Raises:
        InvalidRequestError: `logprobs` is `False` beside `top_logprobs`.
    """
    if options.get("logprobs") is False and options.get("top_logprobs") is not None:
        raise InvalidRequestError("top_logprobs: needs logprobs=True beside it; add that, or leave it out")
