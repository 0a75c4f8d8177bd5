"""The options of Anthropic's messages: where each is written, and which can be combined.

Sources: Anthropic's API reference ("Create a message") and its pages on thinking, structured outputs, tool
use and API versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from sansio.defaults import MessagesProfile
from sansio.errors import InvalidRequestError
from sansio.families.claude import check_budget, takes_budget
from sansio.families.messages.caching import write_cache
from sansio.families.tools import check_forced
from sansio.jsontext import JSONObject
from sansio.options import PORTABLE, Body, Option, UnsupportedOptionError, listed, merged, own, portable

DEFAULT_VERSION = "2023-06-01"
"""The `anthropic-version` of a config that names none."""
_WITHOUT_SAMPLING = "2026-10-21"
"""The first version without sampling options. Versions are dates, so later ones compare greater."""
_SAMPLING = ("temperature", "top_p", "top_k")
_CHOICES = ("none", "auto", "any", "required")
_CHOICE_TYPES = ("none", "auto", "any", "tool")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_MIN_THINKING_TOP_P = 0.95
"""Anthropic's page on extended thinking, "Feature compatibility", which also names the other options that
cannot be combined with thinking. The API's message names both forms of thinking: "`temperature` may only be
set to 1 when thinking is enabled or in adaptive mode"."""

_Limit = Annotated[int, Meta(ge=0)]  # 0 only writes the prompt to the cache
_Share = Annotated[float, Meta(ge=0, le=1)]


def is_strict(version: str) -> bool:
    """Whether an API version refuses sampling options, and citations in a user's text."""
    return version >= _WITHOUT_SAMPLING


def _write_tool_choice(body: Body, value: str | Mapping[str, Any] | None) -> None:
    """Translate OpenAI's forms to Anthropic's; Anthropic's own forms pass unchanged."""
    if value is None:
        return
    if isinstance(value, str):
        if value not in _CHOICES:
            raise InvalidRequestError(
                f"tool_choice: {value!r} is unknown; use one of {', '.join(_CHOICES)}, or an object"
            )
        choice: JSONObject = {"type": "any" if value == "required" else value}
    elif isinstance(chosen := value.get("function", value.get("custom")), Mapping):
        choice = {"type": "tool", "name": chosen.get("name")}
    elif value.get("type") == "allowed_tools":
        raise InvalidRequestError(
            "tool_choice: Anthropic has no allowed_tools; give only the tools that may be called"
        )
    else:
        choice = dict(value)
    body["tool_choice"] = {**(body.get("tool_choice") or {}), **choice}


def _write_parallel(body: Body, value: bool | None) -> None:
    """Write a flag of the choice; `check_tool_choice` adds the choice's type if no option gives one."""
    if value is not None:
        body["tool_choice"] = {**(body.get("tool_choice") or {}), "disable_parallel_tool_use": not value}


def _write_user(body: Body, value: str | None) -> None:
    if value is not None:
        body["metadata"] = {**(body.get("metadata") or {}), "user_id": value}


def _write_metadata(body: Body, value: Mapping[str, Any] | None) -> None:
    foreign = (value or {}).keys() - {"user_id"}
    if foreign:
        raise UnsupportedOptionError(
            "metadata",
            f"Anthropic takes user_id only, not {', '.join(sorted(foreign))}; leave the option "
            "out, or give user='...'",
        )
    if value is not None:
        body["metadata"] = {**(body.get("metadata") or {}), **value}


def _write_effort(body: Body, value: str | None) -> None:
    """Write an effort; `"none"` switches thinking off."""
    if value == "none":
        body["thinking"] = {**(body.get("thinking") or {}), "type": "disabled"}
    elif value is not None:
        if value not in _EFFORTS:
            raise InvalidRequestError(
                f"reasoning_effort: {value!r} is unknown to Anthropic; use none, {', '.join(_EFFORTS)}"
            )
        _write_output(body, {"effort": value})


def _write_budget(body: Body, value: int | None) -> None:
    if value is None:
        return
    model = body.get("model")
    if not takes_budget(str(model)):
        raise UnsupportedOptionError(
            "reasoning_budget",
            f"{model} thinks adaptively and takes no budget; use reasoning_effort="
            f"'{_EFFORTS[0]}' to '{_EFFORTS[-1]}' (a model of another maker may take thinking={{...}})",
        )
    _set_budget(body, value)


def _set_budget(body: Body, value: int | None) -> None:
    if value is not None:
        body["thinking"] = {**(body.get("thinking") or {}), "type": "enabled", "budget_tokens": value}


def _write_format(body: Body, value: Mapping[str, Any] | None) -> None:
    """Write a JSON schema, in OpenAI's form or Anthropic's own, as `output_config.format`."""
    if value is not None and value.get("type") != "text":
        _write_output(body, {"format": {"type": "json_schema", "schema": _schema_in(value)}})


def _schema_in(form: Mapping[str, Any]) -> object:
    holder = form.get("json_schema", form)
    return holder.get("schema") if isinstance(holder, Mapping) else None


_write_output = merged("output_config")
"""`reasoning_effort` and `response_format` are fields of it."""


def _write_container(body: Body, value: str | Mapping[str, Any] | None) -> None:
    """Write the caller's container; if it names only skills, it gets the id from the history."""
    known = body.pop("container", None)
    if isinstance(value, Mapping) and known is not None:
        value = {"id": known, **value}
    if value is not None:
        body["container"] = value


OPTIONS: Mapping[str, Option] = {
    **portable(
        stop=listed("stop_sequences"),
        tool_choice=_write_tool_choice,
        parallel_tool_calls=_write_parallel,
        response_format=_write_format,
        reasoning_effort=_write_effort,
        reasoning_budget=_write_budget,
        user=_write_user,
        metadata=_write_metadata,
    ),
    # Portable names whose values are bounded here.
    "temperature": Option(_Share, "temperature"),
    "top_p": Option(_Share, "top_p"),
    "top_k": Option(Annotated[int, Meta(ge=0)], "top_k"),
    "service_tier": Option(Literal["auto", "standard_only"], "service_tier"),
    "cache": Option(bool | Literal["5m", "1h"], write_cache),
    "max_tokens": Option(_Limit, "max_tokens"),
    "max_completion_tokens": Option(_Limit, "max_tokens"),
    "output_config": Option(dict[str, Any], _write_output),
    "container": Option(str | dict[str, Any], _write_container),
    "fallbacks": Option(str | list[dict[str, Any]], "fallbacks"),
    **own("stop_sequences", type=list[str]),
    **own("mcp_servers", type=list[dict[str, Any]]),
    **own("thinking", "cache_control", "diagnostics", "context_management", type=dict[str, Any]),
    **own("compaction", "thread", "billing_policy", type=dict[str, Any]),
    **own("speed", "inference_geo", "user_profile_id", "workspace_id", type=str),
    **own("fallback_credit_token", type=str | dict[str, Any]),
}
"""The options of a call. `cache` is this library's own word: see `sansio.families.messages.caching`."""


def options_of(profile: MessagesProfile) -> dict[str, Option]:
    """The options of a host of Anthropic's messages, according to its profile."""
    table = dict(OPTIONS)
    if not profile.caches:
        table["cache"] = Option(bool, _write_nothing)
    if not profile.claude:
        table["reasoning_budget"] = Option(PORTABLE["reasoning_budget"], _set_budget)
        table |= portable(temperature="temperature", top_p="top_p", top_k="top_k")  # with their own ranges
    return {name: option for name, option in table.items() if name not in profile.without}


def _write_nothing(body: Body, value: bool | None) -> None:
    """The host caches by itself, or not at all."""


def check_format(value: object, origin: str) -> None:
    """Refuse a `response_format` that is neither text nor a JSON schema.

    Args:
        value: the option, as the caller gave it. `write_options` checks its type.
        origin: provider type and api, for error messages.

    Raises:
        InvalidRequestError: the form is another one. The error names the remedy.
    """
    if not isinstance(value, Mapping) or value.get("type") == "text":
        return
    if value.get("type") == "json_object":
        raise UnsupportedOptionError(
            "response_format",
            f"{origin} has no json_object; give the JSON schema of the answer: a "
            'class, or {"type": "json_schema", "json_schema": {"schema": {...}}}',
        )
    if value.get("type") != "json_schema" or not isinstance(_schema_in(value), Mapping):
        raise InvalidRequestError(
            f"response_format: {origin} takes a JSON schema only: "
            '{"type": "json_schema", "json_schema": {"schema": {...}}}'
        )


def check_together(body: Body, options: Mapping[str, object], version: str) -> None:
    """Refuse options that Anthropic does not accept together, or under an API version.

    Args:
        body: the whole request.
        options: as the caller gave them, for messages.
        version: the `anthropic-version` that is sent.

    Raises:
        InvalidRequestError: an option is refused. The error names it.
    """
    if is_strict(version):
        for name in _SAMPLING:
            if body.get(name) is not None:
                raise UnsupportedOptionError(
                    name,
                    f"anthropic-version {version} has no sampling options; leave it out, or set "
                    f"api_version={DEFAULT_VERSION!r}",
                )
    for text in body.get("stop_sequences") or ():
        if not text.strip():
            raise InvalidRequestError(f"stop: {text!r} is blank, which Anthropic refuses; leave it out")
    _check_thinking(body, options)


def check_tool_choice(body: Body) -> None:
    """Refuse a `tool_choice` that the provider cannot follow.

    Raises:
        InvalidRequestError: the choice is refused. The error names the option.
    """
    choice = body.get("tool_choice")
    if choice is None:
        return
    asked = "tool_choice" if "type" in choice else "parallel_tool_calls"
    if choice == {"disable_parallel_tool_use": False}:  # this is the default
        del body["tool_choice"]
        return
    choice = body["tool_choice"] = {"type": "auto", **choice}
    if not body.get("tools"):
        raise InvalidRequestError(f"{asked}: there are no tools to choose from; give tools, or leave it out")
    if choice.get("type") not in _CHOICE_TYPES:
        raise InvalidRequestError(
            f"tool_choice: {choice.get('type')!r} is unknown to Anthropic; use one of {', '.join(_CHOICES)}, "
            'or {"type": "function", "function": {"name": ...}}'
        )
    if choice["type"] == "tool":
        check_forced(choice.get("name"), body["tools"])
    if choice["type"] == "none":  # which has no calls that could be parallel
        choice.pop("disable_parallel_tool_use", None)


def _check_thinking(body: Body, options: Mapping[str, object]) -> None:
    thinking = body.get("thinking") or {}
    if thinking.get("type") not in ("enabled", "adaptive"):
        return
    if isinstance(budget := options.get("reasoning_budget"), int):
        check_budget(budget, body.get("max_tokens"))
    off = "or switch thinking off with reasoning_effort='none'"
    choice = (body.get("tool_choice") or {}).get("type")
    if choice in ("any", "tool"):
        raise InvalidRequestError(
            f"tool_choice: no tool can be forced beside thinking; use tool_choice='auto', {off}"
        )
    if body.get("temperature") not in (None, 1):
        raise InvalidRequestError(f"temperature: must be 1 beside thinking; leave it out, {off}")
    if body.get("top_k") is not None:
        raise InvalidRequestError(f"top_k: cannot be given beside thinking; leave it out, {off}")
    top_p = body.get("top_p")
    if top_p is not None and top_p < _MIN_THINKING_TOP_P:
        raise InvalidRequestError(
            f"top_p: must be at least {_MIN_THINKING_TOP_P} beside thinking; leave it out, {off}"
        )
