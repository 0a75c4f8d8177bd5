"""The fields of a chat-completions request, with their types and ranges, as each server's schema has them.

Sources: OpenAI's API reference, "Create chat completion"; OpenRouter's and vLLM's request models, which pass
over fields that they do not know; Ollama's, which looks at types only.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from sansio.jsontext import JSONObject
from sansio.testing.script import ProviderType
from sansio.testing.wires.shapes import check_shape

_Limit: TypeAlias = Annotated[int, Meta(ge=1)]
_Penalty: TypeAlias = Annotated[float, Meta(ge=-2, le=2)]
_Bias: TypeAlias = Annotated[float, Meta(ge=-100, le=100)]
_Object: TypeAlias = dict[str, Any]  # JSON of any kind


class _StreamOptions(Struct):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class _Schema(Struct):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    schema: _Object | None = None
    description: str | None = None
    strict: bool | None = None


class _AnyFormat(Struct):
    pass


class _TextFormat(_AnyFormat, tag="text"):
    pass


class _ObjectFormat(_AnyFormat, tag="json_object"):
    pass


class _SchemaFormat(_AnyFormat, tag="json_schema"):
    json_schema: _Schema


class _GrammarFormat(_AnyFormat, tag="grammar"):
    grammar: str


class _PythonFormat(_AnyFormat, tag="python"):
    pass


class _StructuralFormat(_AnyFormat, tag="structural_tag"):
    pass


_Format: TypeAlias = _TextFormat | _ObjectFormat | _SchemaFormat


class _Common(Struct, kw_only=True):
    """Messages and tools are looked at elsewhere."""

    messages: Any = None
    model: Any = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: _AnyFormat | None = None
    reasoning_effort: str | None = None
    tools: Any = None


class _Ranged(_Common, kw_only=True):
    max_tokens: _Limit | None = None
    max_completion_tokens: _Limit | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    frequency_penalty: _Penalty | None = None
    presence_penalty: _Penalty | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    n: Literal[1] | None = None  # the fake has one answer
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    user: str | None = None
    logit_bias: dict[str, _Bias] | None = None


class _OpenAI(_Ranged, kw_only=True, forbid_unknown_fields=True):
    response_format: _Format | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    audio: _Object | None = None
    prediction: _Object | None = None
    web_search_options: _Object | None = None
    moderation: _Object | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: _Object | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    safety_identifier: str | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    store: bool | None = None
    metadata: Annotated[dict[str, str], Meta(max_length=16)] | None = None
    functions: list[_Object] | None = None
    function_call: str | _Object | None = None


class _CacheControl(Struct):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class _OpenRouter(_Ranged, kw_only=True):
    response_format: _Format | _GrammarFormat | _PythonFormat | None = None
    cache_control: _CacheControl | None = None
    models: list[str] | None = None
    provider: _Object | None = None
    plugins: list[_Object] | None = None
    reasoning: _Object | None = None
    top_k: int | None = None
    min_p: float | None = None
    top_a: float | None = None
    repetition_penalty: float | None = None


class _VLLM(_Ranged, kw_only=True):
    response_format: _Format | _StructuralFormat | None = None
    top_k: int | None = None
    min_p: float | None = None
    min_tokens: Annotated[int, Meta(ge=0)] | None = None
    repetition_penalty: float | None = None
    chat_template_kwargs: _Object | None = None
    structured_outputs: _Object | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool | None = None


_FIELDS: dict[str, type[_Common]] = {
    "openrouter": _OpenRouter,
    "vllm": _VLLM,
    "ollama": _Common,
}


def check_fields(type: ProviderType, body: JSONObject, *, own: bool) -> None:
    """Refuse fields that the server does not know, and values of a wrong type or out of range.

    Args:
        type: the provider's type.
        body: the request's body.
        own: whether the server is OpenAI's own service or Azure's. A compatible server has more fields.

    Raises:
        Refused: a field is unknown or has an invalid value; the error names it.
    """
    check_shape(body, _OpenAI if own else _FIELDS.get(type, _Ranged))
