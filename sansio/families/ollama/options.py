"""The options of Ollama's own API: where each is written.

Sources: Ollama's repository, `api/types.go` (`ChatRequest`, `Options`) and its pages on thinking and on
structured outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sansio.errors import InvalidRequestError
from sansio.options import Body, Option, listed, own, portable

_EFFORTS: Mapping[str, object] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "max": "max",
}
"""The value of `think` for each effort. Ollama knows four efforts; others become the nearest one."""


def _write_effort(body: Body, value: str | None) -> None:
    if value is not None and value not in _EFFORTS:
        raise InvalidRequestError(f"reasoning_effort: {value!r} is unknown; use one of {', '.join(_EFFORTS)}")
    body["think"] = None if value is None else _EFFORTS[value]


def _write_format(body: Body, value: Mapping[str, Any] | None) -> None:
    """A JSON schema, in OpenAI's form or Anthropic's, or any JSON."""
    if value is None or (kind := value.get("type")) == "text":
        body["format"] = None
    elif kind == "json_object":
        body["format"] = "json"
    else:
        holder = value.get("json_schema", value)
        schema = holder.get("schema") if isinstance(holder, Mapping) else None
        if kind != "json_schema" or not isinstance(schema, Mapping):
            raise InvalidRequestError(
                f"response_format: {value!r:.80} does not say which form the answer has; give a class, or "
                '{"type": "json_schema", "json_schema": {"schema": {...}}}; a schema alone is format={...}'
            )
        body["format"] = schema


def _write_logprobs(body: Body, value: bool | int | None) -> None:
    """Write whether log probabilities are requested; a number is the count of alternatives per token."""
    if isinstance(value, bool) or value is None:
        body["logprobs"] = value
    else:
        body |= {"logprobs": True, "top_logprobs": value}


def _write_nothing(body: Body, value: bool | None) -> None:
    """Ollama caches the prompt of a loaded model without being asked."""


def _of_the_model(*names: str, type: Any) -> dict[str, Option]:
    """Options of the model's run, which are written inside the wire's `options`."""
    return {name: Option(type, f"options.{name}") for name in names}


OPTIONS: Mapping[str, Option] = {
    **portable(
        temperature="options.temperature",
        top_p="options.top_p",
        top_k="options.top_k",
        max_tokens="options.num_predict",
        seed="options.seed",
        frequency_penalty="options.frequency_penalty",
        presence_penalty="options.presence_penalty",
        stop=listed("options.stop"),
        logprobs=_write_logprobs,
        response_format=_write_format,
        reasoning_effort=_write_effort,
    ),
    "max_completion_tokens": Option(int, "options.num_predict"),
    "cache": Option(bool, _write_nothing),
    **_of_the_model(
        "num_ctx", "num_predict", "num_keep", "num_batch", "num_gpu", "main_gpu", "num_thread", type=int
    ),
    **_of_the_model("repeat_last_n", type=int),
    **_of_the_model("min_p", "typical_p", "repeat_penalty", type=float),
    **_of_the_model("use_mmap", type=bool),
    **own("top_logprobs", type=int),
    **own("think", type=bool | Literal["low", "medium", "high", "max"]),
    **own("format", type=str | dict[str, Any]),
    **own("keep_alive", type=str | float),
    **own("truncate", "shift", type=bool),
}
"""The options of a call. Those of the model's run, such as `num_ctx`, go into the wire's `options`."""
