"""Responses as each provider serves it.

Sources: OpenAI's SDK; Azure's REST reference ("Create response"); OpenRouter's SDK (`ResponsesRequest`);
vLLM's `ResponsesRequest`; Ollama's source, `openai/responses.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from sansio.content import Message, RefusalPart, Tool
from sansio.endpoints import Endpoint, read_count
from sansio.families.responses import ResponsesDialect
from sansio.families.responses.options import (
    COMMON_OPTIONS,
    OPENAI_RANGES,
    OPENAI_WORDS,
    SERVER_OPTIONS,
    STATE_OPTIONS,
)
from sansio.families.tools import NAMES, WORDS
from sansio.jsontext import JSONObject
from sansio.options import Body, Option, UnsupportedOptionError, narrowed, own, portable
from sansio.profiles import RESPONSES
from sansio.providers.hosts import (
    SYSTEM_ROLES,
    AzureHost,
    OpenAIHost,
    OpenRouterHost,
    cache_key,
)

_COUNTED = (
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "truncation",
    "previous_response_id",
    "conversation",
)
"""The fields of a request that the endpoint for counting accepts (OpenAI's SDK, `InputTokenCountParams`)."""


class OpenAIResponses(OpenAIHost, ResponsesDialect):
    """OpenAI's own rules, also behind a proxy with another address."""

    TYPE = "openai"
    OPTIONS: ClassVar[Mapping[str, Option]] = narrowed(
        ResponsesDialect.OPTIONS, **OPENAI_RANGES, **OPENAI_WORDS
    )

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body = super().build_request_body(messages, tools, stream, **options)
        if options.get("cache") and "prompt_cache_key" not in options:
            said: Any = body["input"]  # Any: JSON
            system = [*takewhile(lambda item: item.get("role") in SYSTEM_ROLES, said)]
            key = cache_key(tools=body.get("tools"), instructions=body.get("instructions"), system=system)
            body |= {} if key is None else {"prompt_cache_key": key}
        return body

    def count_tokens(self, body: JSONObject) -> Endpoint[int]:
        counted = {name: body[name] for name in _COUNTED if name in body}
        return Endpoint(self.url_of("responses/input_tokens"), read_count, counted)

    def tool_choices(self) -> tuple[str, ...] | None:
        return WORDS

    def tool_names(self) -> str | None:
        return NAMES


class CompatibleResponses(OpenAIHost, ResponsesDialect):
    """Everything is left to the server."""

    TYPE = "compatible"


class AzureResponses(AzureHost, ResponsesDialect):
    """The body names the deployment, on both surfaces. Azure also has models of other makers."""

    OPTIONS: ClassVar[Mapping[str, Option]] = narrowed(ResponsesDialect.OPTIONS, **OPENAI_RANGES)

    def model_name(self) -> str | None:
        return self.config.deployment or self.config.model

    def tool_choices(self) -> tuple[str, ...] | None:
        return WORDS

    def tool_names(self) -> str | None:
        return NAMES


_Share = Annotated[float, Meta(ge=0, le=1)]


def _refuse_store(body: Body, value: bool | None) -> None:
    if value:
        raise UnsupportedOptionError("store", "openrouter keeps no responses; leave it out")
    body["store"] = value


class OpenRouterResponses(OpenRouterHost, ResponsesDialect):
    """It keeps no responses: each request has the whole conversation."""

    PROFILE = RESPONSES["openrouter"]
    OPTIONS: ClassVar[Mapping[str, Option]] = narrowed(
        {
            **SERVER_OPTIONS,
            **portable(
                top_k="top_k",
                frequency_penalty="frequency_penalty",
                presence_penalty="presence_penalty",
                verbosity="text.verbosity",
                reasoning_budget="reasoning.max_tokens",
                prompt_cache_key="prompt_cache_key",
                safety_identifier="safety_identifier",
                modalities="modalities",
                store=_refuse_store,
            ),
            **own("models", type=list[str]),
            **own("provider", "image_config", "trace", "prompt", type=dict[str, Any]),
            **own("plugins", type=list[dict[str, Any]]),
            **own("session_id", type=str),
        },
        temperature=Annotated[float, Meta(ge=0, le=2)],
        top_p=_Share,
        top_k=Annotated[int, Meta(ge=0)],
        top_logprobs=Annotated[int, Meta(ge=0, le=20)],
        metadata=dict[str, str],
    )

    def tool_choices(self) -> tuple[str, ...] | None:
        return WORDS


class OllamaResponses(ResponsesDialect):
    """Options that it silently ignores, such as `tool_choice`, are not in its table."""

    TYPE = "ollama"
    PROFILE = RESPONSES["ollama"]
    SENDS = ResponsesDialect.SENDS - {RefusalPart}
    OPTIONS: ClassVar[Mapping[str, Option]] = COMMON_OPTIONS


class VLLMResponses(ResponsesDialect):
    """It keeps responses only if its operator has switched that on."""

    TYPE = "vllm"
    PROFILE = RESPONSES["vllm"]
    OPTIONS: ClassVar[Mapping[str, Option]] = narrowed(
        {
            **SERVER_OPTIONS,
            **STATE_OPTIONS,
            **portable(top_k="top_k", stop="stop", seed="seed"),
            **own("logit_bias", type=dict[str, float]),
            **own("repetition_penalty", type=float),
            **own("priority", type=int),
            **own("ignore_eos", "include_stop_str_in_output", "skip_special_tokens", type=bool),
            **own("request_id", "cache_salt", type=str),
            **own("structured_outputs", "mm_processor_kwargs", type=dict[str, Any]),
        },
        temperature=Annotated[float, Meta(ge=0, le=2)],
        top_p=Annotated[float, Meta(gt=0, le=1)],
        top_k=Annotated[int, Meta(ge=-1)],
        repetition_penalty=Annotated[float, Meta(gt=0)],
    )

    def tool_choices(self) -> tuple[str, ...] | None:
        return WORDS
