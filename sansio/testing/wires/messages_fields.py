"""The fields of a messages request beside its conversation: their types, and which go together.

Sources: Anthropic's API reference ("Create a message", "Versions"), its list of models, and the parameter
types of Anthropic's SDK.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from sansio.http import Request, header
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import refuse
from sansio.testing.prompt import as_object, as_text

STRICT_VERSION = "2026-10-21"
"""The version that has no sampling options."""
_VERSIONS = ("2023-01-01", "2023-06-01", STRICT_VERSION)
_SAMPLING = ("temperature", "top_p", "top_k")
_MIN_BUDGET = 1024
_MIN_TOP_P = 0.95
_FIRST_ADAPTIVE = (4, 6)
_LAST_WITH_BUDGET = (4, 6)
_FIRST_WITH_SYSTEM = (4, 8)
_FIRST_WITH_FORMAT = (4, 1)
_VERSION_OF_MODEL = re.compile(r"claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2})(?!\d))?")


class _Strict(Struct, forbid_unknown_fields=True):
    """An object that refuses unknown fields."""


class _Auto(_Strict, tag="auto"):
    disable_parallel_tool_use: bool = False


class _Any(_Strict, tag="any"):
    disable_parallel_tool_use: bool = False


class _Tool(_Strict, tag="tool"):
    name: str
    disable_parallel_tool_use: bool = False


class _None(_Strict, tag="none"):
    pass


class _Metadata(_Strict):
    user_id: str | None = None


class _Format(_Strict, tag="json_schema"):
    schema: dict[str, Any]


class _Output(_Strict):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: _Format | None = None
    task_budget: dict[str, Any] | None = None


class _Container(_Strict):
    id: str | None = None
    skills: list[dict[str, Any]] | None = None


class _Diagnostics(_Strict):
    previous_message_id: str | None = None


class CacheControl(_Strict, tag="ephemeral"):
    """A breakpoint of the prompt cache."""

    ttl: Literal["5m", "1h"] = "5m"


_Display = Literal["summarized", "omitted", "updates"] | None


class _Enabled(_Strict, tag="enabled"):
    budget_tokens: Annotated[int, Meta(ge=_MIN_BUDGET)]
    display: _Display = None


class _Adaptive(_Strict, tag="adaptive"):
    display: _Display = None
    block_binding: dict[str, Any] | None = None


class _Disabled(_Strict, tag="disabled"):
    pass


class _BetweenTools(_Strict, tag="between_tools"):
    pass


_Share = Annotated[int, Meta(ge=0, le=1)] | Annotated[float, Meta(ge=0, le=1)]
_FIELDS: dict[str, Any] = {
    "model": Annotated[str, Meta(pattern=r"\S")],
    "max_tokens": Annotated[int, Meta(ge=0)],
    "messages": Annotated[list[Any], Meta(min_length=1)],
    "system": str | list[dict[str, Any]],
    "stream": bool,
    "stop_sequences": list[Annotated[str, Meta(pattern=r"\S")]],
    "temperature": _Share,
    "top_p": _Share,
    "top_k": Annotated[int, Meta(ge=0)],
    "tools": list[dict[str, Any]],
    "tool_choice": _Auto | _Any | _Tool | _None,
    "thinking": _Enabled | _Adaptive | _Disabled | _BetweenTools,
    "output_config": _Output,
    "cache_control": CacheControl | None,
    "metadata": _Metadata,
    "service_tier": Literal["auto", "standard_only"],
    "speed": Literal["standard", "fast"] | None,
    "container": str | _Container | None,
    "inference_geo": str | None,
    "diagnostics": _Diagnostics | None,
    "user_profile_id": str,
    "workspace_id": str,
}
_BETA_FIELDS: dict[str, Any] = {
    "context_management": dict[str, Any],
    "compaction": dict[str, Any],
    "mcp_servers": list[dict[str, Any]],
    "fallbacks": str | list[dict[str, Any]],
    "fallback_credit_token": str | dict[str, Any],
    "thread": dict[str, Any],
    "billing_policy": dict[str, Any],
}
_REQUIRED = ("model", "max_tokens", "messages")


def check_version(request: Request) -> str:
    """The request's API version.

    Raises:
        Refused: the header is missing, or there is no such version.
    """
    version = header(request.headers, "anthropic-version")
    if not version:
        raise refuse("anthropic-version: the header is required.")
    if version not in _VERSIONS:
        raise refuse(f"anthropic-version: {version!r} is no version of the API.")
    return version


def check_fields(body: JSONObject, version: str, *, beta: bool) -> None:
    """Check each field's name, type and range.

    Args:
        version: the API version.
        beta: the request names a beta, so that fields of betas may be there.

    Raises:
        Refused: with the path of the faulty field.
    """
    known = {**_FIELDS, **_BETA_FIELDS} if beta else _FIELDS
    for name in _REQUIRED:
        if name not in body:
            raise refuse(f"{name}: the field is required.")
    for name, value in body.items():
        if name not in known:
            hint = " It is a beta's, which the header anthropic-beta names." if name in _BETA_FIELDS else ""
            raise refuse(f"{name}: Extra inputs are not permitted.{hint}")
        if version == STRICT_VERSION and name in _SAMPLING:
            raise refuse(f"{name}: Extra inputs are not permitted under version {version}.")
        check(value, known[name], name)


def check(value: JSON, type: Any, path: str) -> None:
    """Check a value's type and range.

    Raises:
        Refused: with the value's path.
    """
    try:
        msgspec.convert(value, type)
    except msgspec.ValidationError as error:
        said, _, inner = str(error).partition(" - at `$")
        raise refuse(f"{path}{inner.rstrip('`')}: {said}.") from None


def check_choice(body: JSONObject, names: set[str]) -> None:
    """Check that there is something to choose from.

    Args:
        body: the request's body.
        names: the names of the tools.

    Raises:
        Refused: there are no tools, or none of that name.
    """
    choice = as_object(body.get("tool_choice"))
    if choice and not body.get("tools"):
        raise refuse("tool_choice: may be given only beside tools.")
    if choice.get("type") == "tool" and choice["name"] not in names:
        raise refuse(f"tool_choice.name: there is no tool {choice['name']!r}.")


def check_thinking(body: JSONObject) -> bool:
    """Whether the request asks for thinking.

    Raises:
        Refused: the model does not support that kind of thinking, or another field excludes it.
    """
    thinking = as_object(body.get("thinking"))
    kind = thinking.get("type")
    if kind not in ("enabled", "adaptive"):
        return False
    version = version_of(as_text(body.get("model")))
    if version is not None and kind == "enabled" and version > _LAST_WITH_BUDGET:
        raise refuse("thinking.type: enabled is not supported by this model: use adaptive, and effort.")
    if version is not None and kind == "adaptive" and version < _FIRST_ADAPTIVE:
        raise refuse("thinking.type: adaptive is not supported by this model: use enabled.")
    if kind == "enabled" and int(str(thinking["budget_tokens"])) >= int(str(body["max_tokens"])):
        raise refuse("max_tokens: must be greater than thinking.budget_tokens.")
    if body.get("temperature", 1) != 1:
        raise refuse("temperature: must be 1 where thinking is enabled or adaptive.")
    if "top_k" in body:
        raise refuse("top_k: must not be set where thinking is enabled or adaptive.")
    if float(str(body.get("top_p", 1))) < _MIN_TOP_P:
        raise refuse(f"top_p: must be {_MIN_TOP_P} at least where thinking is enabled or adaptive.")
    if as_object(body.get("tool_choice")).get("type") in ("any", "tool"):
        raise refuse("tool_choice: a tool must not be forced where thinking is enabled or adaptive.")
    return True


def check_format(body: JSONObject) -> None:
    """Check that the model supports structured outputs, if the request asks for them.

    Raises:
        Refused: the model does not support them.
    """
    version = version_of(as_text(body.get("model")))
    asked = as_object(body.get("output_config")).get("format")
    if asked is not None and version is not None and version < _FIRST_WITH_FORMAT:
        raise refuse("output_config.format: is not supported by this model.")


def takes_late_system(model: str) -> bool:
    """Whether a model takes system messages in mid-conversation."""
    version = version_of(model)
    return version is None or version >= _FIRST_WITH_SYSTEM


def version_of(model: str) -> tuple[int, int] | None:
    """The version that a Claude model's name has, such as (4, 5); `None` where it has none."""
    match = _VERSION_OF_MODEL.search(model.lower())
    return None if match is None else (int(match[1]), int(match[2] or 0))
