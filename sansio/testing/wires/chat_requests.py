"""Reads chat-completions requests, and refuses invalid ones as the five providers do.

Sources: OpenAI's API reference ("Create chat completion") and the errors that its users report; vLLM's and
Ollama's request models. Ollama and vLLM do not check that tool results answer their calls, as the other
three do, but both parse the arguments of calls that are sent back.
"""

from __future__ import annotations

import re

import msgspec

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
    text_of,
)
from sansio.testing.routes import Route, is_own_host
from sansio.testing.wires.chat_fields import check_fields

_ROLES = ("system", "user", "assistant", "tool")
_PARTS = ("text", "image_url", "input_audio", "file", "refusal")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MESSAGE_FIELDS = (
    "role",
    "content",
    "name",
    "tool_calls",
    "tool_call_id",
    "refusal",
    "audio",
    "function_call",
)
_REASONING_FIELDS = ("reasoning", "reasoning_content", "reasoning_details")
"""Fields of a message that compatible servers know, and OpenAI and Azure do not."""
_STRICT = ("openai", "azure")
_LOCAL = ("ollama", "vllm")


def read_chat_request(route: Route, request: Request, body: JSONObject) -> Prompt:
    """Check a request and return what the model sees of it.

    Raises:
        Refused: with the provider's status and the name of the faulty field.
    """
    own = route.type == "azure" or (route.type == "openai" and is_own_host(request.host))
    _check_fields(route, body, own)
    known = _MESSAGE_FIELDS if own else (*_MESSAGE_FIELDS, *_REASONING_FIELDS)
    messages = _check_messages(route, body.get("messages"), known)
    if route.type not in _LOCAL:
        _check_calls(messages)
    tools = _read_tools(route, body.get("tools"))
    tools, forced = _choose(route, body.get("tool_choice"), tools, body)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return Prompt(
        model=as_text(body.get("model") or route.deployment),
        stream=body.get("stream") is True,
        include_usage=as_object(body.get("stream_options")).get("include_usage") is True,
        user=next((text_of(m.get("content")) for m in reversed(messages) if m["role"] == "user"), ""),
        turns=len(messages),
        results=_results(messages),
        tools=tools,
        forced_tool=forced,
        reasoning=_asks_reasoning(body),
        max_tokens=limit if isinstance(limit, int) else None,
        tokens=count_tokens([body.get("messages"), body.get("tools")]),
        schema=_schema(as_object(body.get("response_format"))),
    )


def _check_fields(route: Route, body: JSONObject, own: bool) -> None:
    """Refuse invalid fields. `own`: the server is OpenAI's or Azure's, not a compatible one."""
    if not as_text(body.get("model")).strip() and (route.deployment is None or body.get("model") is not None):
        raise refuse("A model is required.", param="model")
    check_fields(route.type, body, own=own)
    if body.get("stream_options") is not None and body.get("stream") is not True and route.type != "ollama":
        raise refuse("The field stream_options is only for streams.", param="stream_options")
    if body.get("top_logprobs") and body.get("logprobs") is not True and route.type != "ollama":
        raise refuse("The field top_logprobs needs logprobs.", param="top_logprobs")
    if own and "max_tokens" in body and body.get("reasoning_effort") not in (None, "none"):
        raise refuse(
            "Reasoning models take max_completion_tokens, not max_tokens.",
            param="max_tokens",
            code="unsupported_parameter",
        )


def _schema(format: JSONObject) -> JSONObject | None:
    """The schema that the answer must follow; in JSON mode, that of any object."""
    if format.get("type") == "json_schema":
        return as_object(as_object(format.get("json_schema")).get("schema"))
    return {"type": "object"} if format.get("type") == "json_object" else None


def _check_messages(route: Route, messages: JSON, fields: tuple[str, ...]) -> list[JSONObject]:
    if not isinstance(messages, list) or not messages:
        raise refuse("A list of messages is required, with at least one message.", param="messages")
    checked = []
    for index, message in enumerate(messages):
        param = f"messages[{index}]"
        if not isinstance(message, dict):
            raise refuse("A message must be an object.", param=param, code="invalid_type")
        role = message.get("role")
        # The templates of local models do not know the developer role, and drop its messages.
        known = _ROLES if route.type in _LOCAL else (*_ROLES, "developer")
        if role not in known:
            raise refuse(f"There is no role {role!r}: use one of {', '.join(known)}.", param=f"{param}.role")
        for name in message:
            if route.type in _STRICT and name not in fields:
                raise refuse(
                    f"The field {name!r} is not known here.",
                    param=f"{param}.{name}",
                    code="unknown_parameter",
                )
        _check_content(route, message, param)
        _check_tool_fields(route, message, param)
        checked.append(message)
    return checked


def _check_content(route: Route, message: JSONObject, param: str) -> None:
    content = message.get("content")
    if isinstance(content, str):
        return
    if isinstance(content, list):
        for part in content:
            kind = as_object(part).get("type")
            # Parts that vLLM's models answer in, such as Mistral's references, are sent back to it.
            known = kind in _PARTS or (
                route.type == "vllm" and message["role"] == "assistant" and isinstance(kind, str)
            )
            if not known or (kind == "text" and not isinstance(as_object(part).get("text"), str)):
                raise refuse("A content part has an unknown type or no text.", param=f"{param}.content")
            image = as_object(part).get("image_url")
            if (
                kind == "image_url"
                and not isinstance(image, str)
                and not as_text(as_object(image).get("url"))
            ):
                raise refuse("An image_url needs a url.", param=f"{param}.content")
            if route.type == "ollama" and kind == "image_url":
                _check_data_url(image, param)
        if content:
            return
    beside = any(message.get(name) for name in ("tool_calls", "refusal", "function_call", "audio"))
    if content is None and message["role"] == "assistant" and beside:
        return
    raise refuse("The content must be a text or a list of parts.", param=f"{param}.content")


def _check_data_url(image: JSON, param: str) -> None:
    url = image if isinstance(image, str) else as_text(as_object(image).get("url"))
    if not url.startswith("data:") or ";base64," not in url:
        raise refuse("Images are taken as base64 data only.", param=f"{param}.content")


def _check_tool_fields(route: Route, message: JSONObject, param: str) -> None:
    calls = message.get("tool_calls")
    if message["role"] == "tool" and not as_text(message.get("tool_call_id")) and route.type != "ollama":
        raise refuse("A tool's message must name the call that it answers.", param=f"{param}.tool_call_id")
    if calls is None:
        return
    if message["role"] != "assistant" or not isinstance(calls, list) or not calls:
        raise refuse("Tool calls must be a non-empty list, in an assistant's message.", param=param)
    for position, call in enumerate(calls):
        where = f"{param}.tool_calls[{position}]"
        if not as_text(as_object(call).get("id")) or not _called(as_object(call)):
            raise refuse("A tool call must have an id and a function with a name.", param=where)
        if as_object(call).get("type") == "custom":
            if not isinstance(as_object(as_object(call)["custom"]).get("input"), str):
                raise refuse("A custom tool's input must be a text.", param=f"{where}.custom.input")
            continue
        function = as_object(as_object(call)["function"])
        arguments = function.get("arguments")
        if not isinstance(arguments, str):
            raise refuse("A call's arguments must be a text.", param=f"{where}.function.arguments")
        if route.type in _LOCAL and not _is_object(arguments):
            raise refuse("The arguments are not a JSON object.", param=f"{where}.function.arguments")


def _called(call: JSONObject) -> str:
    """The name of the function or custom tool that is called; empty if there is none."""
    kind = "custom" if call.get("type") == "custom" else "function"
    return as_text(as_object(call.get(kind)).get("name"))


def _is_object(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=dict[str, JSON])
    except (ValueError, RecursionError):
        return False
    return True


def _check_calls(messages: list[JSONObject]) -> None:
    """Each call needs its result right after it, and each result its call right before it."""
    waiting: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            answered = as_text(message.get("tool_call_id"))
            if answered not in waiting:
                raise refuse(
                    f"The tool message for {answered!r} answers no tool call before it.",
                    param=f"messages[{index}].role",
                )
            waiting.remove(answered)
            continue
        _refuse_unanswered(waiting, index)
        waiting = [as_text(call.get("id")) for call in as_objects(message.get("tool_calls"))]
    _refuse_unanswered(waiting, len(messages))


def _refuse_unanswered(waiting: list[str], index: int) -> None:
    if waiting:
        raise refuse(
            f"An assistant message with tool calls must be followed by a tool message for each; "
            f"missing are those for {', '.join(waiting)}.",
            param=f"messages[{index}].role",
        )


def _read_tools(route: Route, tools: JSON) -> tuple[OfferedTool, ...]:
    """The tools that the application runs; OpenRouter's own are passed over."""
    if tools is None:
        return ()
    if not isinstance(tools, list) or not tools:
        raise refuse("The tools must be a list with at least one tool.", param="tools")
    offered = []
    for index, tool in enumerate(tools):
        kind = as_text(as_object(tool).get("type"))
        if route.type == "openrouter" and kind not in ("", "function"):
            continue
        if kind not in (("function", "custom") if route.type in _STRICT else ("function",)):
            raise refuse(f"There is no type of tools {kind!r} here.", param=f"tools[{index}].type")
        inner = as_object(as_object(tool).get(kind))
        name = as_text(inner.get("name"))
        if not _TOOL_NAME.fullmatch(name):
            raise refuse(
                "A tool must have a name of letters, digits, _ and -, at most 64.",
                param=f"tools[{index}].{kind}.name",
            )
        offered.append(OfferedTool(name, as_object(inner.get("parameters")), custom=kind == "custom"))
    return tuple(offered)


def _choose(
    route: Route, choice: JSON, tools: tuple[OfferedTool, ...], body: JSONObject
) -> tuple[tuple[OfferedTool, ...], str | None]:
    """The tools that may be called, and the one that must be called, or `"*"` for any.

    Ollama has no choice.
    """
    if choice is None or route.type == "ollama":
        return tools, None
    if body.get("tools") is None:
        raise refuse("The field tool_choice goes with tools only.", param="tool_choice")
    if choice in ("none", "auto", "required"):
        return () if choice == "none" else tools, "*" if choice == "required" else None
    kind = as_text(as_object(choice).get("type"))
    if kind == "allowed_tools" and route.type in _STRICT:
        allowed = as_object(as_object(choice).get("allowed_tools"))
        if allowed.get("mode") not in ("auto", "required"):
            raise refuse("The mode must be auto or required.", param="tool_choice.allowed_tools.mode")
        names = [_offered(tool, tools) for tool in as_objects(allowed.get("tools"))]
        kept = tuple(tool for tool in tools if tool.name in names)
        return kept, "*" if allowed["mode"] == "required" else None
    if route.type == "openrouter" and kind not in ("", "function"):
        return tools, None
    return tools, _offered(as_object(choice), tools)


def _offered(named: JSONObject, tools: tuple[OfferedTool, ...]) -> str:
    """The name of an offered tool, from a choice of it."""
    kind = as_text(named.get("type"))
    name = as_text(as_object(named.get(kind)).get("name"))
    if not any(tool.name == name and tool.custom == (kind == "custom") for tool in tools):
        raise refuse(f"The tool choice {name!r} is not among the tools.", param="tool_choice")
    return name


def _results(messages: list[JSONObject]) -> tuple[ToolResult, ...]:
    """The results after the last answer, with the names of the tools that gave them."""
    names: dict[JSON, str] = {}
    results: list[ToolResult] = []
    for message in messages:
        if message["role"] == "tool":
            name = names.get(as_text(message.get("tool_call_id")), "the tool")
            results.append(ToolResult(name, text_of(message.get("content"))))
            continue
        results.clear()
        for call in as_objects(message.get("tool_calls")):
            names[as_text(call.get("id"))] = _called(call)
    return tuple(results)


def _asks_reasoning(body: JSONObject) -> bool:
    """Whether reasoning is asked for: by OpenAI's and Ollama's `reasoning_effort`, OpenRouter's `reasoning`,
    or vLLM's template switches."""
    if body.get("reasoning_effort") not in (None, "none"):
        return True
    switch = as_object(body.get("reasoning"))
    if switch and switch.get("enabled") is not False and switch.get("exclude") is not True:
        return switch.get("effort") != "none"
    template = as_object(body.get("chat_template_kwargs"))
    return template.get("enable_thinking") is True or template.get("thinking") is True
