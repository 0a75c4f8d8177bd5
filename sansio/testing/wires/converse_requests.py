"""Reads requests of Amazon Bedrock's Converse, and refuses invalid ones as Bedrock does.

Sources: the reference of Amazon Bedrock's runtime ("Converse"), botocore's description of it, and the errors
that its users report.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from sansio.http import Request
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import refuse
from sansio.testing.prompt import (
    OfferedTool,
    Prompt,
    ToolResult,
    as_object,
    as_objects,
    as_text,
    count_tokens,
)
from sansio.testing.routes import Route, split_target
from sansio.testing.wires.converse import sign
from sansio.testing.wires.runtime import asks_for_stream, model_of

T = TypeVar("T")

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DOCUMENT_NAME = re.compile(r"(?!.*\s\s)[a-zA-Z0-9_\s()\[\]-]{1,200}")
_FORMATS = {
    "image": ("png", "jpeg", "gif", "webp"),
    "document": ("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"),
    "video": ("mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"),
    "audio": ("mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga",
              "pcm", "webm"),
}  # fmt: skip
_SOURCES = ("bytes", "s3Location", "text", "content")
_BY_ROLE = {
    "user": ("text", "image", "document", "video", "audio", "toolResult", "guardContent", "cachePoint",
             "searchResult", "toolAddition", "toolRemoval"),
    "assistant": ("text", "image", "toolUse", "toolResult", "reasoningContent", "citationsContent",
                  "cachePoint"),
    "system": ("text", "guardContent", "cachePoint"),
    "result": ("json", "text", "image", "document", "video", "searchResult"),
}  # fmt: skip
"""The kinds of blocks in a message of each role, and in the result of a tool."""
_MOST_CACHE_POINTS = 4

# Any, here and below: JSON that is checked elsewhere, or not at all.
_Object = dict[str, Any]


class _Inference(Struct, forbid_unknown_fields=True):
    maxTokens: Annotated[int, Meta(ge=1)] | None = None  # noqa: N815, here and below the names on the wire
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    topP: Annotated[float, Meta(ge=0, le=1)] | None = None  # noqa: N815
    stopSequences: list[Annotated[str, Meta(min_length=1)]] | None = None  # noqa: N815


class _Tools(Struct, forbid_unknown_fields=True):
    tools: Annotated[list[_Object], Meta(min_length=1)]
    toolChoice: _Object | None = None  # noqa: N815


class _Message(Struct, forbid_unknown_fields=True):
    role: str
    content: list[_Object]


class _Body(Struct, forbid_unknown_fields=True):
    messages: list[_Message] = []
    system: list[_Object] = []
    inferenceConfig: _Inference | None = None  # noqa: N815
    toolConfig: _Tools | None = None  # noqa: N815
    guardrailConfig: _Object | None = None  # noqa: N815
    projectIdentifier: str | None = None  # noqa: N815
    additionalModelRequestFields: _Object | None = None  # noqa: N815
    promptVariables: _Object | None = None  # noqa: N815
    additionalModelResponseFieldPaths: list[str] | None = None  # noqa: N815
    requestMetadata: dict[str, str] | None = None  # noqa: N815
    performanceConfig: _Object | None = None  # noqa: N815
    serviceTier: _Object | None = None  # noqa: N815
    outputConfig: _Object | None = None  # noqa: N815


def read_converse_request(route: Route, request: Request, body: JSONObject) -> Prompt:
    """Check a request and return what the model sees of it.

    Raises:
        Refused: with Bedrock's status and the path of the faulty field.
    """
    return read_converse(split_target(request)[0], body)


def read_converse(path: str, body: JSONObject) -> Prompt:
    """Check the body of a request, and return what the model sees of it.

    Args:
        path: has the model, and says whether a stream is asked for.
        body: the body.

    Raises:
        Refused: as for `read_converse_request`.
    """
    given = _convert(body, _Body)
    if not given.messages:
        raise refuse("A conversation must start with a user message.")
    for position, block in enumerate(given.system):
        _check_block(block, "system", f"system.{position}")
    for index in range(len(given.messages)):
        _check_message(given.messages, index)
    _check_calls(given.messages)
    _check_cache_points(given)
    tools = _read_tools(given.toolConfig)
    blocks = [block for message in given.messages for block in message.content]
    if given.toolConfig is None and any("toolUse" in b or "toolResult" in b for b in blocks):
        raise refuse("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    forced = _forced(given.toolConfig, {tool.name for tool in tools})
    fields = given.additionalModelRequestFields or {}
    limit = given.inferenceConfig.maxTokens if given.inferenceConfig else None
    last = given.messages[-1]
    users = [text for m in given.messages if m.role == "user" and (text := _text(m.content))]
    return Prompt(
        model=model_of(path),
        stream=asks_for_stream(path),
        include_usage=True,
        user=users[-1] if users else "",
        turns=len(given.messages),
        results=_results(given.messages) if last.role == "user" else (),
        tools=tools,
        forced_tool=forced,
        reasoning=_reasons(fields),
        max_tokens=limit,
        tokens=count_tokens([body.get("system"), body.get("messages"), body.get("toolConfig")]),
        schema=_schema(given.outputConfig),
    )


def _convert(value: JSON, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise refuse(f"The model returned the following errors: Malformed input request: {error}") from None


def _check_message(messages: list[_Message], index: int) -> None:
    message = messages[index]
    if message.role not in ("user", "assistant", "system"):
        raise refuse(f"messages.{index}.role: {message.role!r} is neither user, assistant nor system.")
    if index == 0 and message.role != "user":
        raise refuse("A conversation must start with a user message.")
    if not message.content:
        raise refuse(f"messages.{index}: The content field in the Message object is empty.")
    for position, block in enumerate(message.content):
        _check_block(block, message.role, f"messages.{index}.content.{position}")


def _check_block(block: _Object, role: str, path: str) -> None:
    kinds = [name for name in block if name != "type"]
    if len(kinds) != 1 or kinds[0] not in _BY_ROLE[role]:
        raise refuse(f"{path}: one of {', '.join(_BY_ROLE[role])} is required, not {', '.join(kinds)}.")
    kind, inner = kinds[0], block[kinds[0]]
    match kind:
        case "text":
            if not as_text(inner).strip():
                raise refuse(f"{path}: The text field in the ContentBlock object is blank.")
        case "json":
            pass
        case _ if not isinstance(inner, dict):
            raise refuse(f"{path}.{kind}: must be an object.")
        case "image" | "document" | "video" | "audio":
            _check_file(inner, kind, path)
        case "toolUse":
            known = all(isinstance(inner.get(name), str) for name in ("toolUseId", "name"))
            if not known or not isinstance(inner.get("input"), dict):
                raise refuse(f"{path}: a toolUse needs a toolUseId, a name, and an input that is an object.")
        case "toolResult":
            content = inner.get("content")
            if not as_text(inner.get("toolUseId")) or not isinstance(content, list):
                raise refuse(f"{path}: a toolResult needs a toolUseId and a content.")
            for position, each in enumerate(content if role == "user" else ()):
                _check_block(as_object(each), "result", f"{path}.content.{position}")
        case "reasoningContent":
            thought = inner.get("reasoningText")
            if isinstance(thought, dict):
                if thought.get("signature") != sign(as_text(thought.get("text"))):
                    raise refuse(
                        f"{path}: the signature of the reasoning is missing or does not fit its text."
                    )
            elif not as_text(inner.get("redactedContent")):
                raise refuse(f"{path}: reasoningText or redactedContent is required.")


def _check_file(inner: _Object, kind: str, path: str) -> None:
    if inner.get("format") not in _FORMATS[kind]:
        raise refuse(f"{path}.{kind}.format: must be one of {', '.join(_FORMATS[kind])}.")
    source = as_object(inner.get("source"))
    if len(source) != 1 or not all(source.get(name) for name in source) or next(iter(source)) not in _SOURCES:
        raise refuse(f"{path}.{kind}.source: one of {', '.join(_SOURCES)} is required.")
    if kind == "document" and not _DOCUMENT_NAME.fullmatch(as_text(inner.get("name"))):
        raise refuse(
            f"{path}.document.name: The file name can only contain alphanumeric characters, whitespace "
            "characters, hyphens, parentheses, and square brackets."
        )


def _check_calls(messages: list[_Message]) -> None:
    """Check that all results of one turn are in the next message."""
    waiting: list[str] = []
    for index, message in enumerate(messages):
        answered = [
            as_text(block["toolResult"].get("toolUseId"))
            for block in message.content
            if "toolResult" in block and message.role == "user"
        ]
        if sorted(answered) != sorted(waiting):
            raise refuse(
                f"messages.{index}: Expected toolResult blocks for the following Ids: {', '.join(waiting)}; "
                f"found {', '.join(answered)}."
            )
        waiting = [
            as_text(block["toolUse"].get("toolUseId"))
            for block in message.content
            if "toolUse" in block and block["toolUse"].get("type") in (None, "tool_use")
        ]
        if len(set(waiting)) < len(waiting):
            raise refuse(f"messages.{index}: the ids of toolUse blocks must be unique.")
    if waiting:
        raise refuse(f"messages: Expected toolResult blocks for the following Ids: {', '.join(waiting)}.")


def _check_cache_points(given: _Body) -> None:
    lists = [given.toolConfig.tools if given.toolConfig else [], given.system]
    lists += [message.content for message in given.messages]
    points = sum("cachePoint" in block for blocks in lists for block in blocks)
    if points > _MOST_CACHE_POINTS:
        raise refuse(f"There can be at most {_MOST_CACHE_POINTS} cache points, not {points}.")
    for blocks in lists:
        for before, block in pairwise(blocks):
            if "cachePoint" in block and ("document" in before or "video" in before):
                raise refuse("A cachePoint cannot be inserted after a document or video.")


def _read_tools(config: _Tools | None) -> tuple[OfferedTool, ...]:
    offered: list[OfferedTool] = []
    for index, tool in enumerate(config.tools if config else ()):
        if "systemTool" in tool or "cachePoint" in tool:
            continue
        spec = as_object(tool.get("toolSpec"))
        name = as_text(spec.get("name"))
        if not _TOOL_NAME.fullmatch(name):
            raise refuse(f"toolConfig.tools.{index}.toolSpec.name: must be 1 to 64 letters, digits, _ and -.")
        if "description" in spec and not spec["description"]:
            raise refuse(f"toolConfig.tools.{index}.toolSpec.description: must not be empty.")
        schema = as_object(as_object(spec.get("inputSchema")).get("json"))
        if schema.get("type") != "object":
            raise refuse(f"toolConfig.tools.{index}.toolSpec.inputSchema.json.type: must be object.")
        offered.append(OfferedTool(name, schema))
    if len({tool.name for tool in offered}) < len(offered):
        raise refuse("toolConfig.tools: the names must be unique.")
    return tuple(offered)


def _forced(config: _Tools | None, names: set[str]) -> str | None:
    choice = (config.toolChoice if config else None) or {"auto": {}}
    match [*choice.items()]:
        case [("auto", {})]:
            return None
        case [("any", {})]:
            return "*"
        case [("tool", {"name": str(name)})] if name in names:
            return name
        case _:
            raise refuse("toolConfig.toolChoice: auto, any, or a tool that is offered.")


def _reasons(fields: _Object) -> bool:
    thinking, config = as_object(fields.get("thinking")), as_object(fields.get("reasoningConfig"))
    return thinking.get("type") in ("enabled", "adaptive") or config.get("type") == "enabled"


def _schema(config: _Object | None) -> JSONObject | None:
    form = as_object((config or {}).get("textFormat"))
    if not form:
        return None
    text = as_object(as_object(form.get("structure")).get("jsonSchema")).get("schema")
    if form.get("type") != "json_schema" or not isinstance(text, str):
        raise refuse("outputConfig.textFormat: a json_schema whose schema is text is required.")
    try:
        return msgspec.json.decode(text, type=dict[str, JSON])
    except ValueError:
        raise refuse("outputConfig.textFormat.structure.jsonSchema.schema: is not a JSON object.") from None


def _text(blocks: Sequence[_Object]) -> str:
    return " ".join(as_text(block["text"]) for block in blocks if "text" in block)


def _results(messages: list[_Message]) -> tuple[ToolResult, ...]:
    """The results in the last message, with the names of their tools."""
    uses = [block["toolUse"] for m in messages for block in m.content if "toolUse" in block]
    names = {as_text(use["toolUseId"]): as_text(use["name"]) for use in uses}
    results = [block["toolResult"] for block in messages[-1].content if "toolResult" in block]
    return tuple(ToolResult(names[each["toolUseId"]], _text(as_objects(each["content"]))) for each in results)
