"""Reads Responses requests, and refuses invalid ones as the five providers do.

Sources: OpenAI's API reference ("Create a model response", "Conversation state", "Background mode"), recorded
errors, and those that its users report. Ollama and vLLM put the items into a chat template, and do not check
that they belong together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import structs

from sansio.content import ReasoningPart
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
from sansio.testing.routes import Route, is_own_host
from sansio.testing.script import Answer
from sansio.testing.wires.responses_fields import check_fields, check_item
from sansio.testing.wires.responses_items import is_sealed, seal

ENCRYPTED = "reasoning.encrypted_content"
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_BUILT_IN_TOOLS = (
    *("web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11"),
    *("file_search", "code_interpreter", "image_generation", "mcp", "computer", "computer_use_preview"),
    *("shell", "local_shell", "apply_patch", "namespace", "tool_search", "programmatic_tool_calling"),
)
_OWN = ("function", "custom")
"""Tools that the application runs by name."""
_RESULTS = {
    "function_call_output": "function_call",
    "custom_tool_call_output": "custom_tool_call",
}
_LOCAL = ("ollama", "vllm")
_LATER = ("2h", "8h")
_REPEATED = (
    *("background", "instructions", "max_output_tokens", "max_tool_calls", "metadata"),
    *("parallel_tool_calls", "previous_response_id", "prompt_cache_key", "prompt_cache_retention"),
    *(
        "reasoning",
        "safety_identifier",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    ),
)
"""Fields of a request that its response repeats."""


def read_responses_request(route: Route, request: Request, body: JSONObject) -> Prompt:
    """Check a request and return what the model sees of it.

    Raises:
        Refused: with the provider's status and the name of the faulty field.
    """
    own = route.type == "azure" or (route.type == "openai" and is_own_host(request.host))
    if not as_text(body.get("model")).strip():
        raise refuse("A model is required.", param="model", code="missing_required_parameter")
    check_fields(route.type, body, own=own)
    _check_state(route, body)
    items = _read_items(body, own=own)
    for index, item in enumerate(items):
        _check_media(route, item, f"input[{index}]")
    if route.type not in _LOCAL:
        _check_calls(items)
        _check_reasoning(items)
    tools = _read_tools(body.get("tools"), own=own)
    tools, forced = _choose(route, body, tools)
    limit = body.get("max_output_tokens")
    asked = as_object(body.get("reasoning"))
    return Prompt(
        model=as_text(body.get("model")),
        stream=body.get("stream") is True,
        include_usage=True,
        user=next(
            (text for item in reversed(items) if item.get("role") == "user" and (text := _text(item))), ""
        ),
        turns=len(items),
        results=_results(items),
        tools=tools,
        forced_tool=forced,
        reasoning=bool(asked) and asked.get("effort") != "none" and asked.get("enabled") is not False,
        hidden=route.type in ("openai", "azure") and not asked.get("summary"),
        max_tokens=limit if isinstance(limit, int) else None,
        tokens=count_tokens([body.get("instructions"), body.get("input"), body.get("tools")]),
        schema=_schema(as_object(as_object(body.get("text")).get("format"))),
    )


def fit_response(answer: Answer, body: JSONObject) -> Answer:
    """An answer with the request's fields that a response repeats, and with reasoning sealed if asked for."""
    repeated = {name: body[name] for name in _REPEATED if body.get(name) is not None}
    include = body.get("include")
    parts = answer.to_message().parts
    if isinstance(include, list) and ENCRYPTED in include:
        parts = tuple(_sealed(part) if isinstance(part, ReasoningPart) else part for part in parts)
    return structs.replace(
        answer,
        parts=parts,
        text="",
        reasoning="",
        refusal=None,
        tool_calls=(),
        extra={**repeated, **answer.extra},
    )


def _sealed(part: ReasoningPart) -> ReasoningPart:
    own = as_object(part.extra.get("item"))
    return structs.replace(part, extra={**part.extra, "item": {"encrypted_content": seal(part.text), **own}})


def _check_state(route: Route, body: JSONObject) -> None:
    """Refuse fields that exclude each other, and state that the server does not have.

    Ollama checks none of this.
    """
    if route.type == "ollama":
        return
    if route.type == "openrouter":
        for name in ("previous_response_id", "conversation", "background", "store"):
            if body.get(name):
                raise refuse("The server keeps no responses.", param=name, code="unsupported_parameter")
    if body.get("previous_response_id") is not None and body.get("conversation") is not None:
        raise refuse(
            "The fields previous_response_id and conversation exclude each other.",
            param="previous_response_id",
            code="mutually_exclusive_parameters",
        )
    if body.get("conversation") is not None:
        # A fake server has no conversations, so there is none of that id.
        raise refuse("There is no conversation of that id.", param="conversation", status=404)
    background = body.get("background") is True
    if background and body.get("store") is False:
        raise refuse("A response in the background must be stored.", param="background")
    window = as_object(body.get("background_options")).get("completion_window")
    if window in _LATER and (body.get("stream") is True or not background):
        raise refuse(
            f"The window {window} is for responses in the background, and not for streams.",
            param="background_options.completion_window",
        )
    if body.get("stream_options") is not None and body.get("stream") is not True:
        raise refuse("The field stream_options is only for streams.", param="stream_options")


def _read_items(body: JSONObject, *, own: bool) -> list[JSONObject]:
    given = body.get("input")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if given is None and body.get("prompt") is not None:
        return []
    if not isinstance(given, list) or not given:
        raise refuse(
            "The input must be a text, or a list with at least one item.",
            param="input",
            code="missing_required_parameter" if given is None else "invalid_type",
        )
    items: list[JSONObject] = []
    for index, item in enumerate(given):
        if not isinstance(item, dict):
            raise refuse("An item must be an object.", param=f"input[{index}]", code="invalid_type")
        check_item(item, f"input[{index}]", own=own)
        items.append(item)
    return items


def _check_media(route: Route, item: JSONObject, at: str) -> None:
    for field in ("content", "output"):
        for place, block in enumerate(as_objects(item.get(field))):
            where = f"{at}.{field}[{place}]"
            if block.get("type") == "input_image":
                url = as_text(block.get("image_url"))
                if not url and not block.get("file_id"):
                    raise refuse("An input_image needs an image_url or a file_id.", param=where)
                if route.type == "ollama" and not url.startswith("data:"):
                    raise refuse("Images are taken as base64 data only.", param=where)
            files = ("file_data", "file_id", "file_url")
            if block.get("type") == "input_file" and not any(block.get(name) for name in files):
                raise refuse("An input_file needs file_data, a file_id or a file_url.", param=where)


def _check_calls(items: list[JSONObject]) -> None:
    """Each call needs its result, somewhere after it, and each result its call, somewhere before it."""
    waiting: list[tuple[str, str]] = []
    for index, item in enumerate(items):
        kind, call_id = as_text(item.get("type")), as_text(item.get("call_id"))
        if kind in _RESULTS.values():
            waiting.append((kind, call_id))
        elif kind in _RESULTS:
            if (_RESULTS[kind], call_id) not in waiting:
                raise refuse(
                    f"No tool call found for the {kind} with call_id {call_id}.", param=f"input[{index}]"
                )
            waiting.remove((_RESULTS[kind], call_id))
    if waiting:
        kind, call_id = waiting[0]
        raise refuse(f"No tool output found for the {kind} with call_id {call_id}.", param="input")


def _check_reasoning(items: list[JSONObject]) -> None:
    """Reasoning must be directly before the model's item that it led to."""
    for index, item in enumerate(items):
        if item.get("type") != "reasoning":
            continue
        if not any(map(_is_models, items[index + 1 : index + 2])):
            raise refuse(
                f"Item {item.get('id')!r} of type 'reasoning' was provided without its required following "
                "item.",
                param="input",
            )
        sealed = item.get("encrypted_content")
        if sealed is not None and not is_sealed(sealed):
            raise refuse(
                f"The encrypted content of input[{index}] could not be verified.",
                param="input",
                code="invalid_encrypted_content",
            )


def _is_models(item: JSONObject) -> bool:
    """Whether an item is one that the model made."""
    kind = as_text(item.get("type")) or "message"
    if kind == "message":
        return item.get("role") == "assistant"
    return not kind.endswith("_output") or kind in ("program_output", "tool_search_output")


def _read_tools(tools: JSON, *, own: bool) -> tuple[OfferedTool, ...]:
    """The tools that the application runs; those that the server runs are passed over."""
    if tools is None:
        return ()
    if not isinstance(tools, list):
        raise refuse("The tools must be a list.", param="tools", code="invalid_type")
    offered: list[OfferedTool] = []
    for index, tool in enumerate(tools):
        known = as_object(tool)
        kind = as_text(known.get("type"))
        if kind not in _OWN:
            if not kind or (own and kind not in _BUILT_IN_TOOLS):
                raise refuse(
                    f"There is no type of tools {kind!r} here.",
                    param=f"tools[{index}].type",
                    code="invalid_value",
                )
            continue
        name = as_text(known.get("name"))
        if not name:
            raise refuse(
                "A tool must have a name, directly in it.",
                param=f"tools[{index}].name",
                code="missing_required_parameter",
            )
        if not _TOOL_NAME.fullmatch(name):
            raise refuse(
                "A tool's name has letters, digits, _ and -, at most 64.",
                param=f"tools[{index}].name",
                code="invalid_value",
            )
        if kind == "function" and not isinstance(known.get("parameters", {}), dict | None):
            raise refuse("The parameters must be a JSON schema.", param=f"tools[{index}].parameters")
        offered.append(OfferedTool(name, as_object(known.get("parameters")), custom=kind == "custom"))
    return tuple(offered)


def _choose(
    route: Route, body: JSONObject, tools: tuple[OfferedTool, ...]
) -> tuple[tuple[OfferedTool, ...], str | None]:
    """The tools that may be called, and the one that must be called, or `"*"` for any.

    Ollama has no choice.
    """
    choice = body.get("tool_choice")
    if choice is None or route.type == "ollama":
        return tools, None
    if choice in ("none", "auto", "required"):
        if choice == "required" and not body.get("tools"):
            raise refuse("The tool choice 'required' goes with tools only.", param="tool_choice")
        return () if choice == "none" else tools, "*" if choice == "required" else None
    chosen = as_object(choice)
    kind = as_text(chosen.get("type"))
    if kind == "allowed_tools":
        if chosen.get("mode") not in ("auto", "required"):
            raise refuse("The mode must be auto or required.", param="tool_choice.mode", code="invalid_value")
        names = [_offered(tool, tools) for tool in as_objects(chosen.get("tools"))]
        kept = tuple(tool for tool in tools if tool.name in names)
        return kept, "*" if chosen["mode"] == "required" else None
    if kind in _OWN:
        return tools, _offered(chosen, tools)
    if kind not in _BUILT_IN_TOOLS:
        raise refuse(f"There is no tool choice {choice!r}.", param="tool_choice", code="invalid_value")
    return tools, None


def _offered(named: JSONObject, tools: tuple[OfferedTool, ...]) -> str:
    """The name of an offered tool, from a choice of it; a tool that the server runs is not looked for."""
    kind, name = as_text(named.get("type")), as_text(named.get("name"))
    if kind in _OWN and not any(tool.name == name and tool.custom == (kind == "custom") for tool in tools):
        raise refuse(f"Tool choice {kind!r} {name!r} not found in 'tools' parameter.", param="tool_choice")
    return name


def _results(items: list[JSONObject]) -> tuple[ToolResult, ...]:
    """The results after the last answer, with the names of the tools that gave them."""
    names: dict[JSON, str] = {}
    results: list[ToolResult] = []
    for item in items:
        kind = as_text(item.get("type"))
        if kind.endswith("_output") and "call_id" in item:
            name = names.get(as_text(item["call_id"]), "the tool")
            results.append(ToolResult(name, _said(item.get("output"))))
            continue
        results.clear()
        if "call_id" in item:
            names[as_text(item["call_id"])] = as_text(item.get("name"))
    return tuple(results)


def _text(item: JSONObject) -> str:
    return _said(item.get("content"))


def _said(content: JSON) -> str:
    return content if isinstance(content, str) else " ".join(_texts(content))


def _texts(content: JSON) -> Iterator[str]:
    for block in as_objects(content):
        if "text" in block:
            yield as_text(block["text"])


def _schema(format: JSONObject) -> JSONObject | None:
    """The schema that the answer must follow; in JSON mode, that of any object."""
    if format.get("type") == "json_schema":
        return as_object(format.get("schema"))
    return {"type": "object"} if format.get("type") == "json_object" else None
