"""A wire family as an application would add it, by public names only: Amazon Bedrock's Converse.

Wire facts: the references of Bedrock ("Converse") and IAM ("Signature Version 4"), and recorded traffic.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from msgspec import structs

import sansio
from sansio import ConfigError, FinishReason, JSONObject, Message, Part, Request, Role, StreamEvent

Body = dict[str, Any]  # Any: JSON that is written to, or looked at by hand


def part_of(block: Body) -> Part:
    """A block of the wire as a part. A tool of the server's is in a `toolUse` too, and is kept as it is."""
    match block:
        case {"text": str(text)}:
            return sansio.TextPart(text, extra=sansio.rest(block, "text"))
        case {"citationsContent": {"content": [{"text": str(text)}], "citations": [dict(), *_] as sources}}:
            return sansio.TextPart(text, tuple(sansio.Citation(extra=each) for each in sources))
        case {"reasoningContent": {"reasoningText": {"text": str(text)} as thought}}:
            return sansio.ReasoningPart(text, sansio.rest(thought, "text"))
        case {"toolUse": {"toolUseId": str(id), "name": str(name), "input": dict(given)} as use}:
            if use.get("type") != "server_tool_use":
                return sansio.ToolCall(id, name, given, extra=sansio.rest(use, "toolUseId", "name", "input"))
    return sansio.UnknownPart(next(iter(block), ""), block)


def block_of(part: Part) -> JSONObject | None:
    """The inverse of `part_of`; `None` for a part that has no place here."""
    match part:
        case sansio.TextPart(citations=()):
            return {"text": part.text, **part.extra}
        case sansio.TextPart():
            sources: list[sansio.JSON] = [each.extra for each in part.citations]
            return {"citationsContent": {"content": [{"text": part.text}], "citations": sources}}
        case sansio.ReasoningPart():
            return {"reasoningContent": {"reasoningText": {"text": part.text, **part.extra}}}
        case sansio.ToolCall() | sansio.InvalidToolCall():
            given = part.arguments if isinstance(part, sansio.ToolCall) else sansio.wrap_invalid(part)
            return {"toolUse": {"toolUseId": part.id, "name": part.name, "input": given, **part.extra}}
    return part.extra if isinstance(part, sansio.UnknownPart) else None


def sign(request: Request, key: str, region: str, service: str, now: float) -> Request:
    """A request with its signature. The key is `ACCESS:SECRET`; now is in seconds since the epoch."""
    access, _, secret = key.partition(":")
    if not access or not secret:
        del key, access, secret  # a traceback that shows locals must not show them
        raise ConfigError("the key must have the form ACCESS:SECRET", field="api_key_env")
    at = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = (*request.headers, ("x-amz-date", at))
    signed = {name: sansio.header(headers, name) or "" for name in ("content-type", "host", "x-amz-date")}
    names = ";".join(signed)
    path, _, query = request.target.partition("?")
    path = quote(path, safe="/~")  # what is encoded already is encoded once more
    lines = [f"{name}:{' '.join(value.split())}" for name, value in signed.items()]
    body = hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join([request.method, path, "&".join(sorted(query.split("&"))), *lines, "", names, body])
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = f"AWS4{secret}".encode()
    for step in (*scope.split("/"), text):
        signature = hmac.digest(signature, step.encode(), "sha256")
    value = f"Credential={access}/{scope}, SignedHeaders={names}, Signature={signature.hex()}"
    return structs.replace(request, headers=(*headers, ("authorization", f"AWS4-HMAC-SHA256 {value}")))


class ConverseDialect(sansio.Dialect):
    """Binary frames, and requests that are signed over body and time. The model is in the path."""

    TYPE, API = "my-bedrock", "mine"
    SENDS_EMPTY, SENDS_CITATIONS = False, True
    STATUS_BY_ERROR: ClassVar = {"throttlingException": 429, "internalServerException": 500}
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {
        **dict.fromkeys(("end_turn", "stop_sequence"), FinishReason.STOP),
        "tool_use": FinishReason.TOOL_CALLS,
        **dict.fromkeys(("max_tokens", "model_context_window_exceeded"), FinishReason.LENGTH),
        **dict.fromkeys(("content_filtered", "guardrail_intervened"), FinishReason.CONTENT_FILTER),
    }
    OPTIONS: ClassVar[Mapping[str, sansio.Option]] = {
        **sansio.portable(temperature="inferenceConfig.temperature", max_tokens="inferenceConfig.maxTokens"),
        **sansio.portable(stop=sansio.listed("inferenceConfig.stopSequences")),
    }

    def build_endpoint(self, stream: bool = False) -> str:
        verb = "converse-stream" if stream else "converse"
        return f"{self.config.base_url}/model/{quote(self.config.model or '', safe='')}/{verb}"

    def authorize(self, request: Request, key: sansio.Key | None, *, now: float = 0.0) -> Request:
        region = request.host.split(".")[1] if request.host.endswith(".amazonaws.com") else "us-east-1"
        try:
            return sign(request, self.usable_key(key), region, "bedrock", now)
        finally:
            del key  # a traceback that shows locals must not show it

    def framer(self, content_type: str) -> sansio.Framer:
        return sansio.AWSFramer(self.limits.max_event_bytes)

    def open_stream(self) -> ConverseReader:
        return ConverseReader(self)

    def parse_error(self, status: int, headers: sansio.Headers, body: str) -> sansio.APIStatusError:
        error = super().parse_error(status, headers, body)
        kind = (sansio.header(headers, "x-amzn-errortype") or "").partition(":")[0]
        return error.with_context(error_type=kind) if kind else error

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[sansio.Tool], stream: bool, **options: object
    ) -> Body:
        body: Body = {"messages": []}
        for index, message in enumerate(messages):
            blocks: list[Body] = [*self.write_parts(message, index, block_of)]
            if message.role is Role.TOOL:
                blocks = [{"toolResult": {"toolUseId": message.tool_call_id, "content": blocks}}]
            role = "assistant" if message.role is Role.ASSISTANT else "user"
            if message.role in (Role.SYSTEM, Role.DEVELOPER):
                body.setdefault("system", []).extend(blocks)
            elif body["messages"] and body["messages"][-1]["role"] == role:  # turns alternate
                body["messages"][-1]["content"] += blocks
            else:
                body["messages"].append({"role": role, "content": blocks})
        for tool in tools:
            function: Any = tool.get("function", tool)
            schema = {"json": function.get("parameters") or {"type": "object"}}
            spec = {**sansio.rest(function, "parameters"), "inputSchema": schema}
            body.setdefault("toolConfig", {"tools": []})["tools"].append({"toolSpec": spec})
        sansio.write_options(body, options, self.OPTIONS, self.origin)
        return body


class ConverseReader(sansio.AnswerReader):
    """One answer, whole at `messageStop`; usage may follow. Servers' own tools are not read in streams."""

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        record: Body = sansio.decode_object(data.decode("utf-8", "replace"), self._max_depth)
        if name.startswith("exception:"):
            raise self._dialect.build_error({**record, "type": name.partition(":")[2]}, 200, record)
        self.progress += 1
        answer, index = self._answer, record.get("contentBlockIndex")
        at = index if isinstance(index, int) else 0
        if "delta" not in record:
            answer.end(events)
        match record:
            case {"start": {"toolUse": dict(use)}}:
                begun = part_of({"toolUse": {"input": {}, **use}})
                if isinstance(begun, sansio.ToolCall):
                    call = answer.calls.find(at, begun.id, begun.name)
                    call.extra = begun.extra
                    answer.calls.add(call, "", events)
            case {"delta": {"toolUse": {"input": str(piece)}}}:
                answer.calls.add_more(at, piece, events)
            case {"delta": {"text": str(text)}}:
                answer.say(sansio.TextPart, text, events)
            case {"delta": {"citation": dict(source)}}:
                answer.say(sansio.TextPart, "", events).citations.append(sansio.Citation(extra=source))
            case {"delta": {"reasoningContent": dict(thought)}} if "redactedContent" not in thought:
                part = answer.say(sansio.ReasoningPart, str(thought.get("text") or ""), events)
                part.extra |= sansio.rest(thought, "text")
            case {"start": dict(block)} | {"delta": dict(block)}:
                answer.take(part_of(block), events)
            case {"stopReason": _} | {"usage": _}:
                self._finish(record)
        return name == "metadata" and answer.raw_finish_reason is not None

    def receive_whole(self, data: JSONObject) -> None:
        match data:
            case {"output": {"message": {"content": [*blocks]}}}:
                for block in blocks:
                    self._answer.take(part_of(block if isinstance(block, dict) else {}), [])
                self._finish(data)
            case _:
                raise sansio.RemoteProtocolError("the response holds no message, so no answer")

    def _finish(self, data: JSONObject) -> None:
        answer = self._answer
        answer.raw_finish_reason = sansio.text_or_none(data.get("stopReason")) or answer.raw_finish_reason
        if isinstance(counts := data.get("usage"), dict):
            answer.usage = sansio.usage_of(
                counts,
                input_tokens=("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"),
                output_tokens=("outputTokens",),
                cached_tokens=("cacheReadInputTokens",),
                cache_write_tokens=("cacheWriteInputTokens",),
            )
        answer.extra |= sansio.rest(data, "output", "stopReason", "usage", "p", nulls=("trace",))
