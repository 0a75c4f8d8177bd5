"""Reads requests of Gemini, and refuses invalid ones as Google does.

Sources: the Gemini API's reference (`GenerateContentRequest`), Google's pages "Thought signatures" and
"Function calling", and the errors that its users report.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from sansio.families.gemini.contents import SKIPPED
from sansio.families.gemini.thinking import needs_signatures
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
from sansio.testing.wires.gemini import sign
from sansio.testing.wires.vectors import vector

_TOP = frozenset((
    "contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "safetySettings",
    "cachedContent", "labels", "serviceTier", "store", "continuationToken", "modelArmorConfig",
))  # fmt: skip
_CONFIG = frozenset((
    "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "responseLogprobs",
    "logprobs", "presencePenalty", "frequencyPenalty", "seed", "responseMimeType", "responseSchema",
    "responseJsonSchema", "responseModalities", "mediaResolution", "speechConfig", "imageConfig",
    "thinkingConfig",
))  # fmt: skip
_MODES = (None, "AUTO", "ANY", "NONE", "VALIDATED")
_LEVELS = (None, "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")
_DATA = frozenset((
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode",
    "codeExecutionResult", "toolCall", "toolResponse",
))  # fmt: skip
# Google's own client writes the second in this way, and Google takes both spellings.
_SCHEMAS = ("parametersJsonSchema", "parameters_json_schema", "parameters")
_FUNCTION = frozenset(("name", "description", "response", "responseJsonSchema", "behavior", *_SCHEMAS))
_NAME = re.compile(r"[a-zA-Z0-9_.:-]{1,128}")
_PATH = re.compile(r"/(?:.*/)?models/([^/:]+):(\w+)")


def model_of(request: Request) -> tuple[str, str]:
    """The model and the method that a path names; empty if it names none."""
    found = _PATH.fullmatch(split_target(request)[0])
    return (unquote(found[1]), found[2]) if found else ("", "")


def read_gemini_request(route: Route, request: Request, body: JSONObject) -> Prompt:
    """Check a request and return what the model sees of it.

    Raises:
        Refused: with Google's status and the path of the faulty field.
    """
    model, method = model_of(request)
    if method not in ("generateContent", "streamGenerateContent"):
        raise refuse(f"{split_target(request)[0]} is not found for the API version.", status=404)
    _check_names(body, _TOP, "")
    config = as_object(body.get("generationConfig"))
    _check_names(config, _CONFIG, " at 'generation_config'")
    contents = as_objects(body.get("contents"))
    if not contents:
        raise refuse("* GenerateContentRequest.contents: contents is not specified")
    _check_contents(contents, signed=needs_signatures(model))
    thinking = as_object(config.get("thinkingConfig"))
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        raise refuse("You can only set only one of thinking budget and thinking level.")
    if (level := thinking.get("thinkingLevel")) not in _LEVELS:
        raise refuse(f"Invalid value at 'generation_config.thinking_config.thinking_level': {level!r}")
    tools = _read_tools(body.get("tools"))
    calling = as_object(as_object(body.get("toolConfig")).get("functionCallingConfig"))
    if (mode := calling.get("mode")) not in _MODES:
        raise refuse(f"Invalid value at 'tool_config.function_calling_config.mode': {mode!r}")
    names = calling.get("allowedFunctionNames")
    allowed = names if isinstance(names, list) else []
    forced = None
    if mode == "ANY":
        forced = as_text(allowed[0]) if allowed else "*"
    limit = config.get("maxOutputTokens")
    return Prompt(
        model=model,
        stream=method == "streamGenerateContent",
        include_usage=True,
        user=_last_text(contents),
        turns=len(contents),
        results=_results(contents[-1]),
        tools=() if mode == "NONE" else tools,
        forced_tool=forced,
        reasoning=thinking.get("includeThoughts") is True,
        max_tokens=limit if isinstance(limit, int) else None,
        tokens=count_tokens([body.get("systemInstruction"), body.get("contents"), body.get("tools")]),
        schema=as_object(config.get("responseJsonSchema")) or None,
    )


def _check_names(given: JSONObject, known: frozenset[str], where: str) -> None:
    for name in given:
        if name not in known:
            raise refuse(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')


def _check_contents(contents: Sequence[JSONObject], *, signed: bool) -> None:
    """Each part has one kind of data, and each turn of calls has its results right behind it."""
    waiting: list[JSONObject] = []
    for index, content in enumerate(contents):
        role = content.get("role", "user")
        if role not in ("user", "model"):
            raise refuse(f"Please use a valid role: user, model. contents[{index}] has {role!r}.")
        parts = as_objects(content.get("parts"))
        if not parts:
            raise refuse(
                f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty."
            )
        for place, part in enumerate(parts):
            # A text may be empty only to carry a signature.
            blank = part.get("text") == "" and "thoughtSignature" not in part
            if len(_DATA & part.keys()) != 1 or blank:
                raise refuse(
                    f"* GenerateContentRequest.contents[{index}].parts[{place}].data: required oneof field "
                    "'data' must have one initialized field"
                )
        responses = [as_object(part["functionResponse"]) for part in parts if "functionResponse" in part]
        if len(responses) != len(waiting) or [_name(each) for each in responses] != [*map(_name, waiting)]:
            raise refuse(
                "Please ensure that the number of function response parts is equal to the number of function "
                "call parts of the function call turn, and that they have their names and order."
            )
        for response, call in zip(responses, waiting, strict=True):
            if response.get("id") != call.get("id") or not isinstance(response.get("response"), dict):
                raise refuse(f"contents[{index}]: a function response does not answer its function call.")
        calls = [part for part in parts if "functionCall" in part]
        waiting = [as_object(part["functionCall"]) for part in calls]
        if signed and calls:
            _check_signature(calls[0], index)
    if waiting:
        raise refuse("Please ensure that function call turn is followed by a function response turn.")


def _name(call: JSONObject) -> str:
    return as_text(call.get("name"))


def _check_signature(part: JSONObject, index: int) -> None:
    call = as_object(part["functionCall"])
    right = sign(_name(call), as_object(call.get("args")))
    if part.get("thoughtSignature") not in (right, SKIPPED):
        raise refuse(
            f"Function call is missing a thought_signature in functionCall parts, or has a wrong one: "
            f"contents[{index}], function call `default_api:{_name(call)}`."
        )


def _read_tools(tools: JSON) -> tuple[OfferedTool, ...]:
    offered: list[OfferedTool] = []
    for tool in as_objects(tools):
        for declared in as_objects(tool.get("functionDeclarations")):
            name = _name(declared)
            if not _NAME.fullmatch(name):
                raise refuse(f"* GenerateContentRequest.tools: [{name!r}] is an invalid function name.")
            _check_names(declared, _FUNCTION, " at 'tools[0].function_declarations[0]'")
            schemas = (as_object(declared.get(each)) for each in _SCHEMAS)
            offered.append(OfferedTool(name, next(filter(None, schemas), {})))
    return tuple(offered)


def _last_text(contents: Sequence[JSONObject]) -> str:
    """The text of the last content of the user that has one."""
    for content in reversed(contents):
        parts = as_objects(content.get("parts"))
        if content.get("role") != "model" and (text := " ".join(as_text(part.get("text")) for part in parts)):
            return text.strip()
    return ""


def _results(content: JSONObject) -> tuple[ToolResult, ...]:
    found: list[ToolResult] = []
    for part in as_objects(content.get("parts")):
        if "functionResponse" in part:
            inner = as_object(part["functionResponse"])
            said = as_object(inner.get("response"))
            text = as_text(said.get("output", said.get("error", "")))
            found.append(ToolResult(_name(inner), text))
    return tuple(found)


def answer_beside(asked: str, target: str, body: JSONObject, models: Sequence[str]) -> JSONObject:
    """The list of models, a count of tokens, or embeddings.

    Raises:
        Refused: the request is invalid.
    """
    if asked == "tokens":
        counted = as_object(body.get("generateContentRequest")) or body
        if not as_objects(counted.get("contents")):
            raise refuse("* CountTokensRequest.contents: contents is not specified")
        return {"totalTokens": count_tokens([counted.get("contents"), counted.get("systemInstruction")])}
    if asked == "vectors":
        return {"embeddings": [{"values": _vector(each)} for each in as_objects(body.get("requests"))]}
    return {
        "models": [
            {
                "name": f"models/{name}",
                "displayName": name,
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            }
            for name in models
        ]
    }


def _vector(request: JSONObject) -> list[JSON]:
    size = request.get("outputDimensionality", 8)
    parts = as_objects(as_object(request.get("content")).get("parts"))
    text = " ".join(as_text(part.get("text")) for part in parts)
    return vector(text, size if isinstance(size, int) else 8)
