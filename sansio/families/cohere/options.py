"""The options of Cohere's chat: where each is written, and which values it takes.

Source: Cohere's own SDK (`V2Client.chat`), which states the ranges and the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from sansio.errors import InvalidRequestError
from sansio.families.tools import check_forced, choice_word
from sansio.options import Body, Option, UnsupportedOptionError, listed, merged, narrowed, own, portable

_CHOICES: Mapping[str, str | None] = {"auto": None, "none": "NONE", "required": "REQUIRED", "any": "REQUIRED"}

_Limit = Annotated[int, Meta(ge=0)]
_Stops = Annotated[list[str], Meta(max_length=5)]
_Share = Annotated[float, Meta(ge=0, le=1)]


def _write_tool_choice(body: Body, value: str | Mapping[str, Any] | None) -> None:
    """Write OpenAI's words as Cohere's, which pass unchanged. To force a tool, leave out the others."""
    value = choice_word(value)
    if isinstance(value, str):
        if value not in _CHOICES and value not in _CHOICES.values():
            raise InvalidRequestError(
                f"tool_choice: {value!r} is unknown; use one of {', '.join(_CHOICES)}, or an object"
            )
        body["tool_choice"] = _CHOICES.get(value, value)
    elif value is not None:
        _narrow(body, value)


def _narrow(body: Body, choice: Mapping[str, Any]) -> None:
    """Leave only the tools that may be called."""
    allowed = choice.get("allowed_tools") if choice.get("type") == "allowed_tools" else None
    named = allowed.get("tools") or () if isinstance(allowed, Mapping) else (choice,)
    mode = allowed.get("mode") if isinstance(allowed, Mapping) else "required"
    names = [_name(tool) for tool in named]
    if None in names:
        raise InvalidRequestError(
            f"tool_choice: {dict(choice)!r:.80} names no tool; use one of {', '.join(_CHOICES)}, or "
            '{"type": "function", "function": {"name": ...}}'
        )
    tools = body.get("tools") or ()
    for name in names:
        check_forced(name, tools)
    body["tools"] = [tool for tool in tools if _name(tool) in names]
    body["tool_choice"] = _CHOICES.get(str(mode))


def _name(tool: Mapping[str, Any]) -> object:
    inner = tool.get("function", tool.get("custom"))
    return inner.get("name") if isinstance(inner, Mapping) else tool.get("name")


def _write_format(body: Body, value: Mapping[str, Any] | None) -> None:
    """Write a JSON schema, in OpenAI's form or Anthropic's; Cohere's own forms pass unchanged."""
    if value is None or (kind := value.get("type")) in ("text", "json_object"):
        body["response_format"] = value
        return
    holder = value.get("json_schema", value)
    schema = holder.get("schema") if isinstance(holder, Mapping) else None
    if kind != "json_schema" or not isinstance(schema, Mapping):
        raise InvalidRequestError(
            f"response_format: {value!r:.80} does not say which form the answer has; give a class, or "
            '{"type": "json_schema", "json_schema": {"schema": {...}}}'
        )
    body["response_format"] = {"type": "json_object", "json_schema": schema}


def _write_effort(body: Body, value: str | None) -> None:
    """`"none"` switches thinking off; Cohere knows no other effort."""
    if value == "none":
        _write_thinking(body, {"type": "disabled"})
    elif value is not None:
        raise UnsupportedOptionError(
            "reasoning_effort",
            f"Cohere knows no effort but 'none', not {value!r}; use reasoning_budget=..., in tokens",
        )


def _write_budget(body: Body, value: int | None) -> None:
    if value is not None:
        _write_thinking(body, {"type": "enabled", "token_budget": value})


def _write_nothing(body: Body, value: bool | None) -> None:
    """Cohere caches prompts by itself."""


_write_thinking = merged("thinking")
"""`reasoning_effort` and `reasoning_budget` are fields of it."""

OPTIONS: Mapping[str, Option] = {
    **narrowed(
        portable(
            temperature="temperature",
            max_tokens="max_tokens",
            seed="seed",
            stop=listed("stop_sequences"),
            tool_choice=_write_tool_choice,
            response_format=_write_format,
            reasoning_effort=_write_effort,
            reasoning_budget=_write_budget,
        ),
        temperature=Annotated[float, Meta(ge=0)],
        max_tokens=_Limit,
        stop=str | _Stops,
        reasoning_budget=Annotated[int, Meta(gt=0)],
    ),
    "top_p": Option(_Share, "p"),
    "top_k": Option(Annotated[int, Meta(ge=0, le=500)], "k"),
    "frequency_penalty": Option(_Share, "frequency_penalty"),
    "presence_penalty": Option(_Share, "presence_penalty"),
    "logprobs": Option(bool, "logprobs"),
    "max_completion_tokens": Option(_Limit, "max_tokens"),
    "cache": Option(bool, _write_nothing),
    "thinking": Option(dict[str, Any], _write_thinking),
    **own("stop_sequences", type=_Stops),
    **own("documents", type=list[str | dict[str, Any]]),
    **own("citation_options", type=dict[str, Any]),
    **own("safety_mode", type=Literal["CONTEXTUAL", "STRICT", "OFF"]),
    **own("strict_tools", type=bool),
    **own("priority", type=int),
}
"""The options of a call."""
