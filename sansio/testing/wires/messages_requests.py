"""Reads messages requests, and refuses invalid ones as Anthropic does.

Sources: Anthropic's API reference ("Create a message", "Extended thinking", "Prompt caching", "Tool use") and
the errors that its users report.
"""

from __future__ import annotations

import re

from sansio.http import Request, header
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
from sansio.testing.routes import Route
from sansio.testing.wires.messages import sign
from sansio.testing.wires.messages_fields import (
    STRICT_VERSION,
    CacheControl,
    check,
    check_choice,
    check_fields,
    check_format,
    check_thinking,
    check_version,
    takes_late_system,
)

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_BUILT_IN_TOOL = re.compile(r"\w+_\d{8}|mcp_toolset")
_MAX_BREAKPOINTS = 4
_THINKING_BLOCKS = ("thinking", "redacted_thinking")
_RUNS = ("server_tool_use", "mcp_tool_use")
_MESSAGE_FIELDS = ("role", "content")
_SYSTEM_FIELDS = ("clear_at", "output_config")
"""What a beta adds to a system message in mid-conversation."""
_IN_RESULTS = ("text", "image", "document", "search_result", "tool_reference", "browser_state")
_SOURCES: dict[str, dict[str, tuple[str, ...]]] = {
    "image": {
        "base64": ("image/jpeg", "image/png", "image/gif", "image/webp"),
        "url": (),
        "file": (),
    },
    "document": {
        "base64": ("application/pdf",),
        "text": ("text/plain",),
        "content": (),
        "url": (),
        "file": (),
    },
}
"""The sources of images and documents, with the media types that each must name."""
_SOURCE_FIELDS = {"base64": "data", "text": "data", "url": "url", "file": "file_id", "content": "content"}


def read_messages_request(route: Route, request: Request, body: JSONObject) -> Prompt:
    """Check a request and return what the model sees of it.

    Raises:
        Refused: with Anthropic's status and the path of the faulty field.
    """
    beta = bool(header(request.headers, "anthropic-beta"))
    return read_messages(body, check_version(request), beta=beta)


def read_messages(body: JSONObject, version: str, *, beta: bool) -> Prompt:
    """Check the body of a request, and return what the model sees of it.

    Args:
        body: the body, with the model.
        version: the API version, by its date.
        beta: the request names a beta, so that fields of betas may be there.

    Raises:
        Refused: as for `read_messages_request`.
    """
    check_fields(body, version, beta=beta)
    for block in as_objects(body.get("system")):
        if not as_text(block.get("text")).strip():
            raise refuse("system: text content blocks must not be empty.")
    messages = _check_messages(body["messages"], as_text(body["model"]), version)
    turns = [message for message in messages if message["role"] != "system"]
    _check_calls(turns)
    thinking = check_thinking(body)
    check_format(body)
    if as_object(body.get("thinking")).get("type") == "enabled":
        _check_thinking_came_back(turns)
    _check_container(body, turns)
    _check_cache_control(body)
    tools = _read_tools(body.get("tools"))
    check_choice(body, {as_text(tool.get("name")) for tool in as_objects(body.get("tools"))})
    choice = as_object(body.get("tool_choice"))
    forced = as_text(choice.get("name")) or ("*" if choice.get("type") == "any" else None)
    last = turns[-1]
    return Prompt(
        model=as_text(body.get("model")),
        stream=body.get("stream") is True,
        include_usage=True,
        user=next((text for m in reversed(messages) if m["role"] == "user" and (text := _text(m))), ""),
        turns=len(messages),
        results=_results(turns) if last["role"] == "user" else (),
        tools=() if choice.get("type") == "none" else tools,
        forced_tool=forced,
        reasoning=thinking,
        max_tokens=int(str(body["max_tokens"])),
        tokens=count_tokens([body.get("system"), body.get("messages"), body.get("tools")]),
        schema=as_object(as_object(as_object(body.get("output_config")).get("format")).get("schema")) or None,
    )


def _text(message: JSONObject) -> str:
    return text_of(message["content"])


def _check_messages(messages: JSON, model: str, version: str) -> list[JSONObject]:
    checked: list[JSONObject] = []
    given = messages if isinstance(messages, list) else []
    for index, message in enumerate(given):
        role, content = as_object(message).get("role"), as_object(message).get("content")
        if not isinstance(message, dict) or role not in ("user", "assistant", "system"):
            raise refuse(f"messages.{index}.role: {role!r} is neither user, assistant nor system.")
        for name in message:
            if name not in _MESSAGE_FIELDS and not (role == "system" and name in _SYSTEM_FIELDS):
                raise refuse(f"messages.{index}.{name}: Extra inputs are not permitted.")
        if index == 0 and role != "user":
            hint = " The system prompt is the top-level field system." if role == "system" else ""
            raise refuse(f"messages: the first message must be the user's.{hint}")
        if not isinstance(content, str | list):
            raise refuse(f"messages.{index}.content: must be a text or a list of blocks.")
        last_answer = role == "assistant" and index == len(given) - 1
        if not content and not last_answer:
            raise refuse(f"messages.{index}: the content must not be empty.")
        if last_answer and (said := _last_text(content)) != said.rstrip():
            raise refuse("messages: final assistant content cannot end with trailing whitespace.")
        for position, block in enumerate(content if isinstance(content, list) else ()):
            path = f"messages.{index}.content.{position}"
            _check_block(block, path)
            if version == STRICT_VERSION:
                _check_strict_block(as_object(block), as_text(role), path)
        checked.append(message)
    for index, message in enumerate(checked):
        if message["role"] == "system":
            _check_late_system(checked, index, model)
    return checked


def _last_text(content: JSON) -> str:
    """The text that the content ends in; empty if it ends in another block."""
    return as_text(content if isinstance(content, str) else (as_objects(content) or [{}])[-1].get("text"))


def _check_late_system(messages: list[JSONObject], index: int, model: str) -> None:
    """A system message is directly after a user's turn, and before an assistant's or at the end."""
    if not takes_late_system(model):
        raise refuse(f"messages.{index}.role: role 'system' is not supported on this model.")
    before = messages[index - 1]
    runs = as_objects(before["content"])[-1:]
    waits = before["role"] == "assistant" and bool(runs) and runs[0]["type"] in _RUNS
    if before["role"] != "user" and not waits:
        raise refuse(f"messages.{index}: role 'system' must follow a 'user' message.")
    if index + 1 < len(messages) and messages[index + 1]["role"] != "assistant":
        raise refuse(f"messages.{index}: role 'system' must be last or be followed by 'assistant'.")
    if any(block["type"] == "image" for block in as_objects(messages[index]["content"])):
        raise refuse(f"messages.{index}: role 'system' takes text only.")


def _check_strict_block(block: JSONObject, role: str, path: str) -> None:
    if role == "assistant" and block.get("type") == "document":
        raise refuse(f"{path}: a document cannot be directly in an assistant message.")
    if role == "user" and block.get("type") == "text" and block.get("citations"):
        raise refuse(f"{path}.citations: a user's text must have none.")


def _check_block(block: JSON, path: str) -> None:
    match as_object(block).get("type"):
        case "text":
            if not as_text(as_object(block).get("text")).strip():
                raise refuse(f"{path}: text content blocks must not be empty.")
        case "thinking":
            thinking, signature = as_object(block).get("thinking"), as_object(block).get("signature")
            if signature != sign(as_text(thinking)):
                raise refuse(f"{path}: the thinking block's signature is missing or does not fit its text.")
        case "tool_use":
            if not as_text(as_object(block).get("id")) or not isinstance(as_object(block).get("input"), dict):
                raise refuse(f"{path}: a tool_use block must have an id and an input that is an object.")
        case "tool_result":
            content = as_object(block).get("content", "")
            if not as_text(as_object(block).get("tool_use_id")):
                raise refuse(f"{path}.tool_use_id: the field is required.")
            for position, inner in enumerate(content if isinstance(content, list) else ()):
                if as_object(inner).get("type") not in _IN_RESULTS:
                    raise refuse(f"{path}.content.{position}.type: cannot be in a tool_result.")
                _check_block(inner, f"{path}.content.{position}")
        case "image" | "document" as kind:
            _check_source(as_object(as_object(block).get("source")), kind, f"{path}.source")
        case str():
            pass
        case _:
            raise refuse(f"{path}.type: the field is required.")


def _check_source(source: JSONObject, kind: str, path: str) -> None:
    form = as_text(source.get("type"))
    if form not in _SOURCES[kind]:
        raise refuse(f"{path}.type: must be one of {', '.join(_SOURCES[kind])}.")
    if not source.get(_SOURCE_FIELDS[form]):
        raise refuse(f"{path}.{_SOURCE_FIELDS[form]}: the field is required.")
    if form == "url" and not as_text(source.get("url")).startswith(("https://", "http://")):
        raise refuse(f"{path}.url: only http and https addresses are supported.")
    types = _SOURCES[kind][form]
    if types and source.get("media_type") not in types:
        raise refuse(f"{path}.media_type: must be one of {', '.join(types)}.")


def _blocks(message: JSONObject, kind: str) -> list[JSONObject]:
    return [block for block in as_objects(message["content"]) if block["type"] == kind]


def _check_calls(messages: list[JSONObject]) -> None:
    """All results of one turn must be in the next message, before anything else in it."""
    seen: set[str] = set()
    waiting: list[str] = []
    for index, message in enumerate(messages):
        leading = True
        for position, block in enumerate(as_objects(message["content"])):
            if block["type"] != "tool_result":
                leading = False
                continue
            answered = as_text(block.get("tool_use_id"))
            if message["role"] != "user" or not leading or answered not in waiting:
                raise refuse(
                    f"messages.{index}.content.{position}: the tool_result for {answered!r} has no tool_use "
                    "in the message before, or does not begin its message."
                )
            waiting.remove(answered)
        _refuse_unanswered(waiting, index - 1)
        waiting = [as_text(block.get("id")) for block in _blocks(message, "tool_use")]
        if len({*waiting, *seen}) < len(waiting) + len(seen):
            raise refuse(f"messages.{index}: the ids of tool_use blocks must be unique.")
        seen.update(waiting)
    _refuse_unanswered(waiting, len(messages) - 1)


def _refuse_unanswered(waiting: list[str], index: int) -> None:
    if waiting:
        raise refuse(
            f"messages.{index}: tool_use ids without tool_result blocks right after: {', '.join(waiting)}."
        )


def _check_thinking_came_back(messages: list[JSONObject]) -> None:
    """In a tool loop with a budget, the last answer must begin with the thinking that led to its calls.

    Adaptive thinking may have led to none.
    """
    if len(messages) < 2 or not _blocks(messages[-1], "tool_result"):
        return
    first = as_objects(messages[-2]["content"])[0]["type"]
    if first not in _THINKING_BLOCKS:
        raise refuse(
            f"messages.{len(messages) - 2}.content.0.type: must be thinking or redacted_thinking in a tool "
            f"loop with thinking, not {first}."
        )


def _check_container(body: JSONObject, turns: list[JSONObject]) -> None:
    """While a call of code execution waits for a tool's result, the request must name the container."""
    if len(turns) < 2 or not _blocks(turns[-1], "tool_result"):
        return
    blocks = as_objects(turns[-2]["content"])
    done = {as_text(block.get("tool_use_id")) for block in blocks}
    waits = any(_runs_code(block) and as_text(block.get("id")) not in done for block in blocks)
    container = body.get("container")
    if waits and not (container if isinstance(container, str) else as_object(container).get("id")):
        raise refuse("container_id is required when there are pending tool uses generated by code execution.")


def _runs_code(block: JSONObject) -> bool:
    caller = as_text(as_object(block.get("caller")).get("type"))
    name = as_text(block.get("name"))
    return caller.startswith("code_execution") or (
        block["type"] == "server_tool_use" and name.endswith("code_execution")
    )


def _check_cache_control(body: JSONObject) -> None:
    marked = _marked(body.get("tools"), "tools") + _marked(body.get("system"), "system")
    for index, message in enumerate(as_objects(body.get("messages"))):
        marked += _marked(message.get("content"), f"messages.{index}.content")
    if body.get("cache_control") is not None:
        marked.append(body["cache_control"])
    if len(marked) > _MAX_BREAKPOINTS:
        raise refuse(f"cache_control: {_MAX_BREAKPOINTS} blocks may have it, not {len(marked)}.")
    lifetimes = [as_object(mark).get("ttl", "5m") for mark in marked]
    if lifetimes != sorted(lifetimes, key=lambda lifetime: lifetime != "1h"):
        raise refuse("cache_control.ttl: blocks with 1h must come before those with 5m.")


def _marked(blocks: JSON, path: str) -> list[JSON]:
    """The breakpoints of blocks and of the blocks in their results, in order."""
    marks: list[JSON] = []
    for index, block in enumerate(as_objects(blocks)):
        if block.get("type") == "tool_result":
            marks += _marked(block.get("content"), f"{path}.{index}.content")
        mark = block.get("cache_control")
        if mark is None:
            continue
        check(mark, CacheControl, f"{path}.{index}.cache_control")
        if block.get("type") in _THINKING_BLOCKS or block.get("defer_loading") is True:
            raise refuse(f"{path}.{index}.cache_control: Extra inputs are not permitted.")
        marks.append(mark)
    return marks


def _read_tools(tools: JSON) -> tuple[OfferedTool, ...]:
    offered: list[OfferedTool] = []
    for index, known in enumerate(as_objects(tools)):
        kind = known.get("type", "custom")
        if isinstance(kind, str) and _BUILT_IN_TOOL.fullmatch(kind):
            continue  # the server would run it itself
        if kind != "custom":
            raise refuse(f"tools.{index}.type: there is no tool of the type {kind!r}.")
        name = as_text(known.get("name"))
        if not _TOOL_NAME.fullmatch(name):
            raise refuse(f"tools.{index}.name: must be 1 to 128 letters, digits, _ and -.")
        if as_object(known.get("input_schema")).get("type") != "object":
            raise refuse(f"tools.{index}.input_schema: a JSON schema of the type object is required.")
        offered.append(OfferedTool(name, as_object(known["input_schema"])))
    if len({tool.name for tool in offered}) < len(offered):
        raise refuse("tools: the names must be unique.")
    return tuple(offered)


def _results(messages: list[JSONObject]) -> tuple[ToolResult, ...]:
    """The results in the last message, with the names of the tools that gave them."""
    names: dict[str, str] = {}
    for message in messages:
        for block in _blocks(message, "tool_use"):
            names[as_text(block.get("id"))] = as_text(block.get("name"))
    return tuple(
        ToolResult(names[as_text(block.get("tool_use_id"))], text_of(block.get("content")))
        for block in _blocks(messages[-1], "tool_result")
    )
