"""Tools that are Python functions: their definitions, and a call's arguments as the function takes them."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from sansio.content import ToolCall
from sansio.jsontext import JSON, JSONObject
from sansio.structured import strict_schema, without_added_nulls

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""The tool names that both OpenAI and Anthropic accept, with at most 64 characters (their API references)."""
_SECTION = re.compile(
    r"(?:args|arguments|parameters|returns?|raises|yields?|examples?|notes?)\s*:\s*", re.IGNORECASE
)
_OF_ARGUMENTS = ("args", "arguments", "parameters")
_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
_FIELD = re.compile(r":param\s+(?:[^:\s]+\s+)?(\w+)\s*:\s*(.*)")


class FunctionTool(dict[str, object]):
    """A tool that is a Python function. Make one with `tool`.

    It is the tool's definition in OpenAI's format: pass it in `tools=`, for every provider. It can be called
    like the function itself, and it converts a call's arguments to those of the function.

    Attributes:
        name: the name by which the model calls it.
        function: the function that runs.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        definition: JSONObject,
        form: type[Any],
        schema: JSONObject | None,
    ) -> None:
        super().__init__(definition)
        self.name = name
        self.function = function
        self._form = form
        self._loose = schema

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function."""
        return self.function(*args, **kwargs)

    def arguments(self, call: ToolCall) -> dict[str, Any]:
        """A call's arguments, converted to the types of the function: dates, enums, dataclasses and so on.

        Args:
            call: a call of this tool.

        Returns:
            Keyword arguments. An argument that the model left out is missing, so that the function's default
            applies.

        Raises:
            ValueError: an argument is missing, unknown or of a wrong type. The message names it; send it to
                the model as the tool's result.

        Example:
            ```python
            result = weather.function(**weather.arguments(call))
            ```
        """
        said: JSON = call.arguments
        if self._loose is not None:
            said = without_added_nulls(said, self._loose)
        given = msgspec.convert(said, self._form)
        found = {name: getattr(given, name) for name in self._form.__struct_fields__}
        return {name: value for name, value in found.items() if value is not UNSET}


def tool(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool | None = None,
) -> FunctionTool:
    """Make a tool from a typed Python function; also usable as a decorator.

    The schema is made from the signature: each parameter's annotation, its default, and its line in the
    docstring (Google's `Args:` or Sphinx's `:param name:`). A parameter without an annotation accepts any
    value. `Annotated[int, msgspec.Meta(ge=0)]` sets bounds. The docstring's text before its sections is the
    tool's description.

    Args:
        function: sync or async. `run_tools` of `transports` runs either.
        name: the name by which the model calls the tool. Default: the function's name.
        description: explains the tool to the model. Default: from the docstring.
        strict: OpenAI's `strict`: the model's arguments then always fit the schema. `True` also converts the
            schema to the form that strict mode requires, in which optional arguments may be `null`. `None`
            does not send the field.

    Returns:
        The tool.

    Raises:
        TypeError: a parameter cannot be given by name, or has a type that JSON cannot express.
        ValueError: providers do not accept the name.

    Example:
        ```python
        @tool
        def weather(city: str, days: int = 1) -> str:
            \"\"\"The weather of the next days.

            Args:
                city: its English name.
            \"\"\"
        ```
    """
    name = name or str(getattr(function, "__name__", type(function).__name__))
    if _NAME.fullmatch(name) is None:
        raise ValueError(
            f"name: {name!r} must be 1 to 64 letters, digits, '_' or '-'; give another with name="
        )
    text, explained = _read_docstring(inspect.getdoc(function) or "")
    form, parameters = _form_of(function, name, explained)
    definition: dict[str, Any] = {"name": name}
    if description or text:
        definition["description"] = description or text
    definition["parameters"] = parameters
    if strict is not None:
        definition["strict"] = strict
    if strict:
        definition["parameters"] = strict_schema(parameters)
    loose = parameters if strict else None
    return FunctionTool(function, name, {"type": "function", "function": definition}, form, loose)


def _form_of(
    function: Callable[..., Any], name: str, explained: Mapping[str, str]
) -> tuple[type[Any], dict[str, Any]]:
    """A structure with a field for each parameter, and its JSON schema."""
    plain = function.func if isinstance(function, partial) else function
    plain = plain if inspect.isroutine(plain) else type(plain).__call__
    hints = typing.get_type_hints(plain, include_extras=True)
    fields: list[Any] = []
    defaults: dict[str, object] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            raise TypeError(f"{name}: the parameter {str(parameter)!r} cannot be given by name")
        kind = hints.get(parameter.name, Any)
        if explanation := explained.get(parameter.name):
            kind = typing.Annotated[kind, msgspec.Meta(description=explanation)]
        if parameter.default is parameter.empty:
            fields.append((parameter.name, kind))
        else:
            fields.append((parameter.name, kind | UnsetType, UNSET))
            defaults[parameter.name] = parameter.default
    form = msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)
    try:
        (reference,), components = msgspec.json.schema_components([form], ref_template="#/$defs/{name}")
    except TypeError as error:
        raise TypeError(f"{name}: a parameter has a type that has no JSON schema: {error}") from None
    schema = components.pop(reference["$ref"].rpartition("/")[2])
    del schema["title"]
    for field, default in defaults.items():
        if default is not None and (shown := _as_json(default)) is not UNSET:
            schema["properties"][field]["default"] = shown
    if components:
        schema["$defs"] = components
    return form, schema


def _as_json(value: object) -> object:
    """A default value as JSON, for the schema; `UNSET` if JSON cannot express it."""
    try:
        return msgspec.to_builtins(value)
    except TypeError:
        return UNSET


def _read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description of the function and of each parameter, from a docstring without indentation."""
    said: list[str] = []
    explained: dict[str, str] = {}
    in_text, in_arguments = True, False
    entry, margin = "", 0
    for line in text.splitlines():
        stripped = line.strip()
        indent = len(line) - len(line.lstrip())
        if (field := _FIELD.match(stripped)) is not None:
            explained[field[1]] = field[2]
            in_text, in_arguments, entry, margin = False, True, field[1], -1
        elif stripped.startswith(":") or (indent == 0 and _SECTION.fullmatch(stripped)):
            in_text, in_arguments, entry = False, stripped.lower().startswith(_OF_ARGUMENTS), ""
        elif in_text:
            said.append(line)
        elif in_arguments and stripped:
            if not entry:
                margin = indent
            found = _ENTRY.match(stripped) if indent == margin else None
            if found is not None:
                entry = found[1]
                explained[entry] = found[2]
            elif entry:
                explained[entry] = f"{explained[entry]} {stripped}".strip()
    return "\n".join(said).strip(), explained
