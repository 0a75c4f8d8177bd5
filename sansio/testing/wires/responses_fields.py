"""The fields of a Responses request and of its items, with their types and ranges.

Sources: the parameter types of OpenAI's SDK (`ResponseCreateParams`, `ResponseInputItemParam`); its API
reference, for ranges; Ollama's and vLLM's request models, which pass over fields that they do not know.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from sansio.jsontext import JSONObject
from sansio.testing.failures import refuse
from sansio.testing.script import ProviderType
from sansio.testing.wires.shapes import check_shape

_Object: TypeAlias = dict[str, Any]  # JSON of any kind
_Name: TypeAlias = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
_Text: TypeAlias = Annotated[str, Meta(min_length=1)]
_Limit: TypeAlias = Annotated[int, Meta(ge=1)]


class _AnyFormat(Struct):
    pass


class _TextFormat(_AnyFormat, tag="text"):
    pass


class _ObjectFormat(_AnyFormat, tag="json_object"):
    pass


class _SchemaFormat(_AnyFormat, tag="json_schema"):
    name: _Name
    schema: _Object
    description: str | None = None
    strict: bool | None = None


class _Words(Struct, kw_only=True):
    format: _TextFormat | _ObjectFormat | _SchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class _OwnWords(_Words, kw_only=True, forbid_unknown_fields=True):
    pass


class _Reasoning(Struct, kw_only=True):
    effort: str | None = None
    summary: str | None = None


class _OwnReasoning(_Reasoning, kw_only=True, forbid_unknown_fields=True):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    mode: Literal["standard", "pro"] | None = None


class _Common(Struct, kw_only=True):
    """Items, tools and the tool choice are checked elsewhere."""

    model: _Text | None = None
    input: Any = None
    tools: Any = None
    tool_choice: Any = None
    instructions: str | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    text: _Words | None = None
    reasoning: _Reasoning | None = None
    truncation: Literal["auto", "disabled"] | None = None


class _Served(_Common, kw_only=True):
    """Fields of servers that do more than fill a template."""

    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_output_tokens: _Limit | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: int | None = None
    previous_response_id: str | None = None
    conversation: str | _Object | None = None
    store: bool | None = None
    background: bool | None = None
    include: Any = None
    metadata: dict[str, str] | None = None


class _Background(Struct, kw_only=True, forbid_unknown_fields=True):
    completion_window: Literal["soonest", "2h", "8h"] | None = None
    continuation_id: str | None = None


class _StreamOptions(Struct, kw_only=True, forbid_unknown_fields=True):
    include_obfuscation: bool | None = None


class _OpenAI(_Served, kw_only=True, forbid_unknown_fields=True):
    text: _OwnWords | None = None
    reasoning: _OwnReasoning | None = None
    max_output_tokens: Annotated[int, Meta(ge=16)] | None = None
    metadata: Annotated[dict[str, str], Meta(max_length=16)] | None = None
    include: (
        list[
            Literal[
                "file_search_call.results",
                "web_search_call.results",
                "web_search_call.action.sources",
                "message.input_image.image_url",
                "computer_call_output.output.image_url",
                "code_interpreter_call.outputs",
                "reasoning.encrypted_content",
                "message.output_text.logprobs",
            ]
        ]
        | None
    ) = None
    background_options: _Background | None = None
    stream_options: _StreamOptions | None = None
    context_management: list[_Object] | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: _Object | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    safety_identifier: str | None = None
    moderation: _Object | None = None
    prompt: _Object | None = None
    image: _Object | None = None
    access_programs: _Object | None = None
    user: str | None = None


def check_fields(type: ProviderType, body: JSONObject, *, own: bool) -> None:
    """Refuse fields that the server does not know, and values of a wrong type or out of range.

    Args:
        own: the server is OpenAI's own service or Azure's. A compatible server has more fields.

    Raises:
        Refused: it names the field.
    """
    check_shape(body, _OpenAI if own else _Common if type == "ollama" else _Served)


class _InputText(Struct, tag="input_text"):
    text: str


class _InputImage(Struct, tag="input_image"):
    image_url: str | None = None
    file_id: str | None = None
    detail: Literal["low", "high", "auto", "original"] | None = None


class _InputFile(Struct, tag="input_file"):
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None


class _OutputText(Struct, tag="output_text"):
    text: str
    annotations: list[_Object] | None = None
    logprobs: list[_Object] | None = None


class _Refusal(Struct, tag="refusal"):
    refusal: str


_Given: TypeAlias = _InputText | _InputImage | _InputFile
_Content: TypeAlias = str | Annotated[list[_Given], Meta(min_length=1)]


class _Item(Struct, kw_only=True, forbid_unknown_fields=True):
    type: str | None = None
    id: str | None = None
    status: Literal["in_progress", "completed", "incomplete", "failed"] | None = None


class _Said(_Item, kw_only=True):
    """A message of the application's."""

    role: Literal["user", "system", "developer"]
    content: _Content


class _Answered(_Item, kw_only=True):
    role: Literal["assistant"]
    content: str | list[_OutputText | _Refusal]
    phase: Literal["commentary", "final_answer"] | None = None


class _SummaryText(Struct, tag="summary_text"):
    text: str


class _ReasoningText(Struct, tag="reasoning_text"):
    text: str


class _Thought(_Item, kw_only=True):
    summary: list[_SummaryText]
    content: list[_ReasoningText] | None = None
    encrypted_content: str | None = None


class _FunctionCall(_Item, kw_only=True, rename={"asynchronous": "async"}):
    call_id: _Text
    name: _Text
    arguments: str
    namespace: str | None = None
    caller: _Object | None = None
    asynchronous: bool | None = None


class _CustomCall(_Item, kw_only=True, rename={"asynchronous": "async"}):
    call_id: _Text
    name: _Text
    input: str
    namespace: str | None = None
    caller: _Object | None = None
    asynchronous: bool | None = None


class _Result(_Item, kw_only=True):
    call_id: _Text
    output: str | list[_Given]
    name: str | None = None
    namespace: str | None = None
    caller: _Object | None = None


class _Reference(_Item, kw_only=True):
    id: _Text


_ITEMS: dict[str, Any] = {
    "reasoning": _Thought,
    "function_call": _FunctionCall,
    "custom_tool_call": _CustomCall,
    "function_call_output": _Result,
    "custom_tool_call_output": _Result,
    "item_reference": _Reference,
}
OTHER_ITEMS = (
    *("file_search_call", "web_search_call", "code_interpreter_call", "image_generation_call"),
    *("mcp_list_tools", "mcp_call", "mcp_approval_request", "mcp_approval_response"),
    *("computer_call", "computer_call_output", "shell_call", "shell_call_output", "local_shell_call"),
    *("local_shell_call_output", "apply_patch_call", "apply_patch_call_output", "tool_search_call"),
    *("tool_search_output", "additional_tools", "configuration_update", "compaction", "compaction_trigger"),
    *("program", "program_output"),
)
"""Types of items whose fields are not checked."""


def check_item(item: JSONObject, at: str, *, own: bool) -> None:
    """Refuse an item of the input that has another shape.

    Args:
        at: where it is in the request.
        own: as for `check_fields`. A compatible server's items have more fields, and more types.

    Raises:
        Refused: it names the field.
    """
    kind = item.get("type", "message")
    if kind in OTHER_ITEMS:
        return
    if kind == "message":
        shape: Any = _Answered if item.get("role") == "assistant" else _Said
    elif kind in _ITEMS:
        shape = _ITEMS[str(kind)]
    else:
        if own:
            known = ", ".join(("message", *_ITEMS, *OTHER_ITEMS))
            raise refuse(
                f"There is no type of items {kind!r}: use one of {known}.",
                param=f"{at}.type",
                code="invalid_value",
            )
        return
    fields = shape.__struct_encode_fields__
    check_shape(item if own else {name: item[name] for name in fields if name in item}, shape, at)
