"""Tools and the choice among them, in Gemini's form.

Sources: `Tool`, `FunctionDeclaration` and `FunctionCallingConfig` of Google's SDK.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sansio.content import Tool
from sansio.errors import InvalidRequestError
from sansio.families.tools import check_forced, check_format, choice_word, free_text_tool
from sansio.options import Body, merged

NAMES = r"[a-zA-Z0-9_.:-]{1,128}"
"""The pattern of a function's name (the Gemini API's reference, `FunctionDeclaration.name`)."""
_MODES: Mapping[str, str] = {"auto": "AUTO", "none": "NONE", "required": "ANY", "any": "ANY"}


def wire_tools(tools: Sequence[Tool]) -> list[Body]:
    """Convert tools of OpenAI's format to one list of functions; all others are Google's own.

    Google's own tools are named by their type: `{"type": "googleSearch"}` is sent as `{"googleSearch": {}}`.

    Raises:
        InvalidRequestError: a tool has another format. The message says what to write.
    """
    functions = [*_functions(tools)]
    own = [_own(tool, position) for position, tool in enumerate(tools) if not _is_function(tool)]
    return ([{"functionDeclarations": functions}] if functions else []) + own


def _is_function(tool: Tool) -> bool:
    return isinstance(tool.get("function", tool.get("custom")), Mapping)


def _functions(tools: Sequence[Tool]) -> Iterator[Body]:
    for position, tool in enumerate(tools):
        if not _is_function(tool):
            continue
        custom = tool.get("custom")
        if isinstance(custom, Mapping):
            described, schema = free_text_tool(custom, position)
            yield {**described, "parametersJsonSchema": schema}
            continue
        function = tool["function"]
        assert isinstance(function, Mapping)
        declared = {name: value for name, value in function.items() if name != "parameters"}
        # A function without parameters gets none: older models refuse an object without properties.
        parameters = function.get("parameters")
        if isinstance(parameters, Mapping) and parameters.get("properties") != {}:
            declared["parametersJsonSchema"] = parameters
        yield declared


def _own(tool: Tool, position: int) -> Body:
    check_format(tool, position)
    kind = tool.get("type")
    if not isinstance(kind, str) or kind in ("function", "custom"):
        raise InvalidRequestError(
            f"tool {position} has another form; write a function as "
            '{"type": "function", "function": {"name": …, "parameters": …}}, or a tool of Google\'s as '
            '{"type": "googleSearch"}'
        )
    return {kind: {name: value for name, value in tool.items() if name != "type"}}


def write_choice(body: Body, value: str | Mapping[str, Any] | None) -> None:
    """Write OpenAI's forms of `tool_choice`, or Anthropic's, as `functionCallingConfig`.

    Raises:
        InvalidRequestError: the choice has another form.
    """
    value = choice_word(value)
    if value is None:
        return
    if isinstance(value, str):
        if value not in _MODES:
            raise InvalidRequestError(
                f"tool_choice: {value!r} is unknown; use one of {', '.join(_MODES)}, or an object"
            )
        chosen: Body = {"mode": _MODES[value]}
    elif isinstance(named := value.get("function", value.get("custom")), Mapping):
        chosen = {"mode": "ANY", "allowedFunctionNames": [named.get("name")]}
    elif value.get("type") == "tool":
        chosen = {"mode": "ANY", "allowedFunctionNames": [value.get("name")]}
    elif value.get("type") == "allowed_tools":
        allowed = value["allowed_tools"]
        names = [_name_of(tool) for tool in allowed["tools"]]
        # Only these two modes take names, and only the second leaves it to the model whether to call.
        mode = "ANY" if allowed.get("mode") == "required" else "VALIDATED"
        chosen = {"mode": mode, "allowedFunctionNames": names}
    else:
        raise InvalidRequestError(
            f"tool_choice: {dict(value)!r:.80} is unknown to Google; use one of {', '.join(_MODES)}, "
            'or {"type": "function", "function": {"name": ...}}'
        )
    _write_calling(body, chosen)


_write_calling = merged("toolConfig.functionCallingConfig")


def _name_of(tool: Mapping[str, Any]) -> object:
    inner = tool.get("function", tool.get("custom"))
    return (inner if isinstance(inner, Mapping) else tool).get("name")


def check_choice(body: Body, tools: Sequence[Tool], given: object) -> None:
    """Refuse a choice of tools that the request does not have.

    Args:
        given: the option `tool_choice`.

    Raises:
        InvalidRequestError: the choice is refused. The error names the tools of the request.
    """
    if choice_word(given) in (None, "none"):
        return
    if not tools:
        raise InvalidRequestError(
            "tool_choice: there are no tools to choose from; give tools, or leave it out"
        )
    config = body["toolConfig"]["functionCallingConfig"]
    for name in config.get("allowedFunctionNames") or ():
        check_forced(name, tools)
