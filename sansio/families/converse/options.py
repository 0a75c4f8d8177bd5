"""The options of Converse, and the field that each is written to. Some fields depend on the model's maker.

Sources: the reference of Amazon Bedrock's runtime ("Converse"), botocore's description of it, the pages of
the makers' models in Amazon Bedrock's user guide, and recorded requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from sansio.errors import InvalidRequestError
from sansio.families.claude import default_thinking, takes_budget
from sansio.families.converse.caching import write_cache
from sansio.families.tools import check_forced
from sansio.options import Body, Option, UnsupportedOptionError, listed, merged, own, portable

Maker: TypeAlias = Literal["anthropic", "amazon", "openai", "other"]

_NAMED: Mapping[str, Maker] = {"anthropic": "anthropic", "amazon": "amazon", "openai": "openai"}
_MAKERS = re.compile(rf"(?:^|[./])({'|'.join(_NAMED)})\.")
_EFFORTS = ("low", "medium", "high")
_FIELDS = "additionalModelRequestFields"

_Stop = Annotated[str, Meta(min_length=1)]
_Share = Annotated[float, Meta(ge=0, le=1)]


def maker_of(model: str) -> Maker:
    """The maker of a model. The id of an application's own inference profile names none: `"other"`.

    Args:
        model: its id, which may begin with a region, or its ARN.
    """
    found = _MAKERS.search(model)
    return _NAMED[found[1]] if found else "other"


def _write_choice(body: Body, value: str | Mapping[str, Any] | None) -> None:
    """Write a tool choice in OpenAI's or Anthropic's form in Converse's form."""
    if value is None:
        return
    if value == "none":
        raise UnsupportedOptionError(
            "tool_choice", "Converse cannot keep a model from calling tools; leave the tools out"
        )
    if isinstance(value, str):
        if value not in ("auto", "any", "required"):
            raise InvalidRequestError(
                f"tool_choice: {value!r} is unknown; use auto, required or "
                '{"type": "function", "function": {"name": ...}}'
            )
        choice: Mapping[str, Any] = {"auto" if value == "auto" else "any": {}}
    elif isinstance(chosen := value.get("function", value.get("custom")), Mapping):
        choice = {"tool": {"name": chosen.get("name")}}
    elif value.get("type") == "tool":
        choice = {"tool": {"name": value.get("name")}}
    elif value.get("type") in ("auto", "any"):
        choice = {str(value["type"]): {}}
    else:
        raise InvalidRequestError(
            f"tool_choice: Converse has no {value.get('type')!r}; use auto, required or a tool, and give "
            "only the tools that may be called"
        )
    body["toolConfig"] = {**(body.get("toolConfig") or {}), "toolChoice": choice}


def check_choice(body: Body) -> None:
    """Check that there are tools to choose from, and that a chosen tool is among them.

    Raises:
        InvalidRequestError: that is not so. If a tool was chosen, the message names those that there are.
    """
    config = body.get("toolConfig") or {}
    choice = config.get("toolChoice")
    if choice is None:
        return
    if not config.get("tools"):
        raise InvalidRequestError(
            "tool_choice: there are no tools to choose from; give tools, or leave it out"
        )
    forced = choice.get("tool")
    if isinstance(forced, Mapping):
        tools = [tool.get("toolSpec") or tool.get("systemTool") for tool in config["tools"]]
        check_forced(forced.get("name"), [tool for tool in tools if tool])


def _write_format(body: Body, value: Mapping[str, Any] | None) -> None:
    """Write a JSON schema in OpenAI's form as `outputConfig.textFormat`, where the schema is a string."""
    if value is None or value.get("type") == "text":
        return
    if value.get("type") == "json_object":
        raise UnsupportedOptionError(
            "response_format",
            "Converse has no json_object; give the JSON schema of the answer: a class, or "
            '{"type": "json_schema", "json_schema": {"schema": {...}}}',
        )
    holder = value.get("json_schema", value)
    schema = holder.get("schema") if isinstance(holder, Mapping) else None
    if value.get("type") != "json_schema" or not isinstance(schema, Mapping):
        raise InvalidRequestError(
            "response_format: Converse takes a JSON schema only: "
            '{"type": "json_schema", "json_schema": {"schema": {...}}}'
        )
    named = {name: holder[name] for name in ("name", "description") if isinstance(holder.get(name), str)}
    form = {**named, "schema": msgspec.json.encode(schema).decode()}
    _write_output(body, {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": form}}})


_write_output = merged("outputConfig")
_write_fields = merged(_FIELDS)


def _write_tier(body: Body, value: str | None) -> None:
    if value is not None:
        body["serviceTier"] = {"type": value}


def _write_effort(body: Body, value: str | None) -> None:
    """Write an effort to the field that Converse has for the models of all makers."""
    if value is not None:
        _write_output(body, {"effort": value})


def _write_claudes_effort(body: Body, value: str | None) -> None:
    """Write an effort; `"none"` switches thinking off."""
    if value == "none":
        _write_fields(body, {"thinking": {"type": "disabled"}})
    else:
        _write_effort(body, value)


def _write_novas_effort(body: Body, value: str | None) -> None:
    """Write an effort; `"none"` switches reasoning off (Amazon Nova 2, "Extended thinking")."""
    if value == "none":
        _write_fields(body, {"reasoningConfig": {"type": "disabled"}})
    elif value is not None:
        if value not in _EFFORTS:
            raise InvalidRequestError(
                f"reasoning_effort: {value!r} is unknown to Amazon's models; use none, {', '.join(_EFFORTS)}"
            )
        _write_fields(body, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": value}})


def _write_budget(body: Body, value: int | None) -> None:
    if value is not None:
        _write_fields(body, {"thinking": {"type": "enabled", "budget_tokens": value}})


_COMMON: Mapping[str, Option] = {
    "stop": Option(_Stop | list[_Stop], listed("inferenceConfig.stopSequences")),
    **portable(
        tool_choice=_write_choice,
        response_format=_write_format,
        reasoning_effort=_write_effort,
        top_k=f"{_FIELDS}.top_k",
    ),
    # Portable options whose values have a range here.
    "temperature": Option(_Share, "inferenceConfig.temperature"),
    "top_p": Option(_Share, "inferenceConfig.topP"),
    "max_tokens": Option(Annotated[int, Meta(ge=1)], "inferenceConfig.maxTokens"),
    "max_completion_tokens": Option(Annotated[int, Meta(ge=1)], "inferenceConfig.maxTokens"),
    "service_tier": Option(Literal["priority", "default", "flex", "reserved"], _write_tier),
    "metadata": Option(dict[str, str], "requestMetadata"),
    "cache": Option(bool | Literal["5m", "1h"], write_cache),
    _FIELDS: Option(dict[str, Any], _write_fields),
    "outputConfig": Option(dict[str, Any], _write_output),
    "inferenceConfig": Option(dict[str, Any], merged("inferenceConfig")),
    **own("additionalModelResponseFieldPaths", type=list[str]),
    **own("guardrailConfig", "performanceConfig", "promptVariables", type=dict[str, Any]),
    **own("projectIdentifier", type=str),
}

_BY_MAKER: Mapping[Maker, Mapping[str, Option]] = {
    "anthropic": portable(reasoning_effort=_write_claudes_effort, reasoning_budget=_write_budget),
    "amazon": portable(reasoning_effort=_write_novas_effort, top_k=f"{_FIELDS}.inferenceConfig.topK"),
    "openai": portable(reasoning_effort=f"{_FIELDS}.reasoning_effort"),
    "other": {},
}
"""Options that the models of a maker have in other fields than all other models."""

OPTIONS: Mapping[str, Option] = {**_COMMON, **portable(reasoning_budget=_write_budget)}
"""The options of a call, for any model. `cache` is not a field of the wire: see
`sansio.families.converse.caching`."""


def options_of(model: str) -> Mapping[str, Option]:
    """The options that a call of a model may have."""
    return {**_COMMON, **_BY_MAKER[maker_of(model)]}


def default_reasoning(model: str, max_tokens: object) -> Body:
    """The fields that `reasoning=True` adds to `additionalModelRequestFields`.

    For other makers it adds nothing: their models always reason, or never do.

    Args:
        model: its id.
        max_tokens: the limit of the request. A budget of Claude's must be smaller.

    Raises:
        InvalidRequestError: the model needs a budget, and `max_tokens` leaves no room for one.
    """
    match maker_of(model):
        case "anthropic":
            return {"thinking": default_thinking(takes_budget(model), max_tokens)}
        case "amazon":
            return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}
        case _:
            return {}
