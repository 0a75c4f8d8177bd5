"""A wire family as an application would add it, by public names only: Google's `generateContent`.

Wire facts: the Gemini API reference, "generateContent" and "streamGenerateContent", and recorded traffic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from msgspec import json, structs

import sansio
from sansio import FinishReason, JSONObject, Message, Part, Role
from tests.foreign.bare_errors import BareErrorFramer
from tests.foreign.gemini_parts import response_of, wire_of
from tests.foreign.gemini_reader import GeminiReader

_DELAY = re.compile(r'"retryDelay":"([0-9.]+)s"')
Body = dict[str, Any]  # Any: a body under way, whose inner objects are written to
_BLOCKED = "SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII LANGUAGE IMAGE_SAFETY MODEL_ARMOR JAILBREAK"
_FAILED = "MALFORMED_FUNCTION_CALL UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS MALFORMED_RESPONSE OTHER"


def _write_stop(body: Body, value: str | list[str] | None) -> None:
    config = body.setdefault("generationConfig", {})
    config["stopSequences"] = [value] if isinstance(value, str) else value


def _write_choice(body: Body, value: str | Mapping[str, Any] | None) -> None:
    """OpenAI's forms in Google's; Google's own pass unchanged."""
    if isinstance(value, str):
        value = {"mode": {"required": "ANY"}.get(value, value.upper())}
    elif value is not None and "function" in value:
        value = {"mode": "ANY", "allowedFunctionNames": [value["function"]["name"]]}
    body["toolConfig"] = None if value is None else {"functionCallingConfig": dict(value)}


def _write_format(body: Body, value: Mapping[str, Any] | None) -> None:
    if value is not None and value.get("type") != "text":
        config = body.setdefault("generationConfig", {})
        config["responseMimeType"] = "application/json"
        if schema := (value.get("json_schema") or {}).get("schema"):
            config["responseJsonSchema"] = schema


_IN_CONFIG = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "reasoning_budget": "thinkingConfig.thinkingBudget",
    "reasoning_effort": "thinkingConfig.thinkingLevel",
}


class GeminiDialect(sansio.Dialect):
    """The model is in the path, the key in a header of Google's, and the parts are in order."""

    TYPE, API = "google", "gemini"
    SENDS = frozenset((sansio.TextPart, sansio.ToolCall, sansio.InvalidToolCall, sansio.ImagePart))
    SENDS_EMPTY = False
    SENDS_TOOL_ERRORS = True
    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = {"RESOURCE_EXHAUSTED": 429, "UNAVAILABLE": 503}
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {
        "STOP": FinishReason.STOP,
        "MAX_TOKENS": FinishReason.LENGTH,
        "CONTINUATION": FinishReason.PAUSE,
        **dict.fromkeys(_BLOCKED.split(), FinishReason.CONTENT_FILTER),
        **dict.fromkeys(_FAILED.split(), FinishReason.ERROR),
    }
    OPTIONS: ClassVar[Mapping[str, sansio.Option]] = {
        **sansio.portable(**{name: f"generationConfig.{to}" for name, to in _IN_CONFIG.items()}),
        **sansio.portable(stop=_write_stop, tool_choice=_write_choice, response_format=_write_format),
        **sansio.portable(service_tier="serviceTier", metadata="labels"),
        **sansio.own("cachedContent", type=str),
        **sansio.own("safetySettings", type=list[dict[str, Any]]),
    }

    def build_endpoint(self, stream: bool = False) -> str:
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"{self.config.base_url}/v1beta/models/{quote(self.config.model or '', safe='')}:{verb}"

    def authorize(self, request: sansio.Request, key: str | None, *, now: float = 0.0) -> sansio.Request:
        signed = (*request.headers, ("x-goog-api-key", self.usable_key(key)))
        return structs.replace(request, headers=signed)

    def framer(self, content_type: str) -> sansio.Framer:
        return BareErrorFramer(self.limits.max_event_bytes)

    def open_stream(self) -> GeminiReader:
        return GeminiReader(self)

    def parse_error(self, status: int, headers: sansio.Headers, body: str) -> sansio.APIStatusError:
        return super().parse_error(status, headers, body.strip().strip("[]"))  # some are in an array

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> sansio.APIStatusError:
        built = super().build_error({**error, "type": error.get("status")}, status, data)
        delay = _DELAY.search(json.encode(error.get("details")).decode())
        return built.with_context(retry_after=float(delay[1])) if delay else built

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[sansio.Tool], stream: bool, **options: object
    ) -> Body:
        system: list[JSONObject] = []
        contents: list[Body] = []
        calls: dict[str, Part] = {}
        for index, message in enumerate(messages):
            calls |= {call.id: call for call in message.tool_calls}
            calls |= {call.id: call for call in message.invalid_tool_calls}
            if message.role is Role.TOOL:
                parts = [response_of(message, calls[message.tool_call_id or ""], index)]
            else:
                parts = [wire_of(part, index) for part in message.parts]
            role = "model" if message.role is Role.ASSISTANT else "user"
            if message.role in (Role.SYSTEM, Role.DEVELOPER):
                system += parts
            elif contents and contents[-1]["role"] == role:  # all results of one turn are in one content
                contents[-1]["parts"] += parts
            else:
                contents.append({"role": role, "parts": parts})
        functions = [tool["function"] for tool in tools if "function" in tool]
        own = [{str(tool["type"]): tool.get("config", {})} for tool in tools if "function" not in tool]
        declared = [{"functionDeclarations": list(map(_declaration, functions))}] if functions else []
        body: Body = {"contents": contents, "tools": declared + own or None}
        if system:
            body["systemInstruction"] = {"parts": system}
        if self.config.reasoning:
            body["generationConfig"] = {"thinkingConfig": {"includeThoughts": True}}
        sansio.write_options(body, options, self.OPTIONS, self.origin)
        return sansio.without_nulls(body)


def _declaration(function: Any) -> Body:
    """A function of OpenAI's format in Google's."""
    declared = {"parametersJsonSchema" if name == "parameters" else name: function[name] for name in function}
    declared.pop("strict", None)
    return declared
