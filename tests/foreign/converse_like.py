"""A wire family as an application would add it, by public names only: Amazon Bedrock's Converse.

Wire facts: the Amazon Bedrock API reference, "Converse" and "ConverseStream", and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from msgspec import structs

import sansio
from sansio import FinishReason, JSONObject, Message, Part, Role
from tests.foreign.converse_parts import block_of
from tests.foreign.converse_reader import ConverseReader
from tests.foreign.sigv4 import signature_headers

Body = dict[str, Any]  # Any: a body under way, whose inner objects are written to


def _write_stop(body: Body, value: str | list[str] | None) -> None:
    config = body.setdefault("inferenceConfig", {})
    config["stopSequences"] = [value] if isinstance(value, str) else value


def _write_choice(body: Body, value: str | Mapping[str, Any] | None) -> None:
    """OpenAI's forms in Converse's; Converse's own pass unchanged."""
    if isinstance(value, str):
        value = {"any" if value == "required" else value: {}}
    elif value is not None and "function" in value:
        value = {"tool": {"name": value["function"]["name"]}}
    if value is not None:
        body.setdefault("toolConfig", {})["toolChoice"] = value


class ConverseDialect(sansio.Dialect):
    """Binary frames, and requests that are signed over body and time. The model is in the path."""

    TYPE, API = "bedrock", "converse"
    SENDS_EMPTY = False
    SENDS_CITATIONS = True
    SENDS_TOOL_ERRORS = True
    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = {
        "validationException": 400,
        "modelTimeoutException": 408,
        "modelStreamErrorException": 424,
        "throttlingException": 429,
        "internalServerException": 500,
        "serviceUnavailableException": 503,
    }
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {
        "end_turn": FinishReason.STOP,
        "stop_sequence": FinishReason.STOP,
        "tool_use": FinishReason.TOOL_CALLS,
        "max_tokens": FinishReason.LENGTH,
        "model_context_window_exceeded": FinishReason.LENGTH,
        "content_filtered": FinishReason.CONTENT_FILTER,
        "guardrail_intervened": FinishReason.CONTENT_FILTER,
        "malformed_model_output": FinishReason.ERROR,
        "malformed_tool_use": FinishReason.ERROR,
    }
    OPTIONS: ClassVar[Mapping[str, sansio.Option]] = {
        **sansio.portable(
            temperature="inferenceConfig.temperature",
            top_p="inferenceConfig.topP",
            top_k="additionalModelRequestFields.top_k",
            max_tokens="inferenceConfig.maxTokens",
            stop=_write_stop,
            tool_choice=_write_choice,
            metadata="requestMetadata",
            service_tier="serviceTier.type",
        ),
        **sansio.own("additionalModelRequestFields", "guardrailConfig", type=dict[str, Any]),
    }

    def build_endpoint(self, stream: bool = False) -> str:
        verb = "converse-stream" if stream else "converse"
        return f"{self.config.base_url}/model/{quote(self.config.model or '', safe='')}/{verb}"

    def build_headers(self) -> dict[str, str]:
        return {"accept": "*/*", **super().build_headers()}

    def authorize(self, request: sansio.Request, key: str | None, *, now: float = 0.0) -> sansio.Request:
        try:
            usable = self.usable_key(key)
            labels = request.host.split(".")  # bedrock-runtime.us-east-1.amazonaws.com
            region = labels[1] if len(labels) == 4 and labels[2] == "amazonaws" else "us-east-1"
            signed = signature_headers(request, usable, region, "bedrock", now)
        finally:
            key, usable = None, ""  # a traceback that shows locals must not show it
        return structs.replace(request, headers=(*request.headers, *signed))

    def framer(self, content_type: str) -> sansio.Framer:
        return sansio.AWSFramer(self.limits.max_event_bytes)

    def open_stream(self) -> ConverseReader:
        return ConverseReader(self)

    def refuses(self, part: Part) -> str | None:
        if isinstance(part, sansio.TextPart) and not part.text.strip():
            return "a blank text block is refused"
        return None

    def parse_error(self, status: int, headers: sansio.Headers, body: str) -> sansio.APIStatusError:
        error = super().parse_error(status, headers, body)
        kind = (sansio.header(headers, "x-amzn-errortype") or "").partition(":")[0]
        return error.with_context(error_type=kind) if kind else error

    def error_in(self, data: JSONObject, status: int = 200) -> sansio.APIStatusError | None:
        message = data.get("message") or data.get("Message")
        if status < 300 or not isinstance(message, str):
            return super().error_in(data, status)
        return self.build_error({"message": message, "type": data.get("__type")}, status, data)

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[sansio.Tool], stream: bool, **options: object
    ) -> Body:
        system: list[JSONObject] = []
        turns: list[Body] = []
        for index, message in enumerate(messages):
            blocks = [block_of(part, index) for part in message.parts]
            if message.role is Role.TOOL:
                status = "error" if message.is_error else "success"
                result = {"toolUseId": message.tool_call_id, "content": blocks, "status": status}
                blocks = [{"toolResult": result | message.extra}]  # type: ignore[dict-item]  # it is JSON
            role = "assistant" if message.role is Role.ASSISTANT else "user"
            if message.role in (Role.SYSTEM, Role.DEVELOPER):
                system += blocks
            elif turns and turns[-1]["role"] == role:  # turns alternate; all results are in one
                turns[-1]["content"] += blocks
            else:
                turns.append({"role": role, "content": blocks})
        body: Body = {"messages": turns, "system": system or None}
        if tools:
            body["toolConfig"] = {"tools": list(map(_tool, tools))}
        sansio.write_options(body, options, self.OPTIONS, self.origin)
        return sansio.without_nulls(body)


def _tool(tool: Any) -> Body:
    """A tool of OpenAI's format in Converse's; any other is Converse's own already."""
    function = tool.get("function")
    if function is None:
        return dict(tool)
    spec = {name: function[name] for name in ("name", "description", "strict") if name in function}
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    return {"toolSpec": {**spec, "inputSchema": {"json": parameters}}}
