"""Ollama's own API: the dialect, requests, and the endpoints beside them.

Sources: Ollama's repository, `api/types.go`, `server/routes.go` and `docs/api.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import msgspec

from sansio.config import ProviderConfig
from sansio.content import (
    ASSISTANT,
    TOOL,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.endpoints import Embeddings, Endpoint, ModelInfo, Row, read_models, read_vectors
from sansio.errors import APIStatusError, ConfigError, RemoteProtocolError
from sansio.families.base import Dialect
from sansio.families.fields import text_or_none, usage_of, without_nulls
from sansio.families.media import data_in, document_text, not_as_text
from sansio.families.ollama.options import OPTIONS
from sansio.families.ollama.parts import call_block, image_text
from sansio.families.ollama.reader import OllamaReader
from sansio.families.tools import wire_tool
from sansio.framing.base import Framer
from sansio.framing.ndjson import NDJSONFramer
from sansio.jsontext import JSONObject
from sansio.options import Option, write_options

_MESSAGE_FIELDS = ("thinking", "images", "tool_calls", "tool_name", "tool_call_id")
"""Fields of a message that belong to typed fields, even if these are empty. `extra` may not have them."""


def check(config: ProviderConfig) -> None:
    """Refuse the address of another API of the same server.

    Raises:
        ConfigError: the address has another API's path. The error shows the right address.
    """
    for end in ("/v1", "/api", "/api/chat"):
        if config.base_url.endswith(end):
            right = config.base_url.removesuffix(end)
            raise ConfigError(
                f"base_url: {config.base_url!r} must end before {end}: Ollama's own API is at "
                f"{right}/api/chat; write base_url={right!r}",
                field="base_url",
            )


class OllamaDialect(Dialect):
    """Ollama's `/api/chat`: lines of JSON, and `options` for the model's run, such as `num_ctx`."""

    TYPE = "ollama"
    API = "ollama"
    SENDS = frozenset((TextPart, ReasoningPart, ToolCall, InvalidToolCall))
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {
        "stop": FinishReason.STOP,
        "length": FinishReason.LENGTH,
    }
    OPTIONS: ClassVar[Mapping[str, Option]] = OPTIONS

    def build_endpoint(self, stream: bool = False) -> str:
        return f"{self.config.base_url}/api/chat"

    def open_stream(self) -> OllamaReader:
        return OllamaReader(self)

    def framer(self, content_type: str) -> Framer:
        """Lines, unless a gateway made server-sent events of them."""
        if content_type == "text/event-stream":
            return super().framer(content_type)
        return NDJSONFramer(self.limits.max_event_bytes)

    def finish_reason(self, said: str | None) -> FinishReason | None:
        """Older servers report that an answer is done, but not why."""
        return super().finish_reason(said) if said else FinishReason.STOP

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> APIStatusError:
        """Inside an answer, an error is a plain text: the server failed while the model ran."""
        return super().build_error({"status_code": 500, **error} if status < 300 else error, status, data)

    def refuses(self, part: Part) -> str | None:
        # An answer's image has bytes and can be sent back; if they were unreadable, it is an UnknownPart.
        if type(part) in self.SENDS or image_text(part) is not None:
            return None
        return f"{self.origin} does not take it back"

    def unsent_extra(self, part: Part, role: Role) -> Sequence[str]:
        """The texts of an answer are one field, and its images are base64 only.

        In other messages, an `extra` is refused.
        """
        whole = isinstance(part, (TextPart, ReasoningPart, ImagePart))
        return tuple(part.extra) if whole and role is ASSISTANT else ()

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        names = {call.id: call.name for message in messages for call in message.all_tool_calls}
        body: dict[str, Any] = {
            "model": self.config.model,
            "messages": [self._message(message, index, names) for index, message in enumerate(messages)],
            "stream": stream,
        }
        if tools:
            body["tools"] = [wire_tool(tool, place, custom=False) for place, tool in enumerate(tools)]
        write_options(body, options, self.options(), self.origin)
        if self.config.reasoning and "think" not in body:
            body["think"] = True
        return without_nulls(body)

    def list_models(self) -> Endpoint[tuple[ModelInfo, ...]]:
        """The models on the server. Their limits are not reported."""
        read = partial(read_models, read=_read_model, cursor="", rows="models")
        return Endpoint(f"{self.config.base_url}/api/tags", read)

    def embed(self, texts: Sequence[str], dimensions: int | None = None) -> Endpoint[Embeddings]:
        body = {"model": self.config.model, "input": list(texts), "dimensions": dimensions}
        read = partial(_read_embeddings, count=len(texts))
        return Endpoint(f"{self.config.base_url}/api/embed", read, without_nulls(body))

    def _message(self, message: Message, index: int, names: Mapping[str, str]) -> dict[str, object]:
        role = Role.SYSTEM if message.role is Role.DEVELOPER else message.role
        wire: dict[str, object] = {"role": role.value}
        if message.role is ASSISTANT:
            wire |= self._answer(message, index)
        else:
            texts, images = self._content(message, index)
            wire["content"] = "\n\n".join(texts)
            if images:
                wire["images"] = images
        if message.role is TOOL:
            # Templates use the tool's name; the id is for models whose calls have one.
            call_id = message.tool_call_id or ""
            wire |= {"tool_name": names[call_id]} if call_id in names else {}
            wire["tool_call_id"] = call_id
        if message.origin is None and message.extra:
            self.check_extra({**dict.fromkeys(_MESSAGE_FIELDS), **wire}, message.extra, index)
            wire |= message.extra
        return wire

    def _answer(self, message: Message, index: int) -> dict[str, object]:
        images: list[str] = []
        calls: list[JSONObject] = []
        for number, part in enumerate(message.parts):
            match part:
                case TextPart() | ReasoningPart():
                    pass
                case ToolCall() | InvalidToolCall():
                    if message.origin is None and part.extra:
                        self.check_extra(_typed(part), part.extra, index, number)
                    calls.append(call_block(part))
                case ImagePart() | UnknownPart() if (image := image_text(part)) is not None:
                    images.append(image)
                case _:
                    raise self.cannot_send(part, index, number)
        wire: dict[str, object] = {"content": message.text}
        fields = {"thinking": message.reasoning, "images": images, "tool_calls": calls}
        return wire | {name: value for name, value in fields.items() if value}

    def _content(self, message: Message, index: int) -> tuple[list[str], list[str]]:
        """The texts and the images of a message; this wire has a separate field for each."""
        texts: list[str] = []
        images: list[str] = []
        for number, part in enumerate(message.parts):
            if not isinstance(part, UnknownPart) and part.extra:
                named = ", ".join(part.extra)
                raise self.cannot_send(part, index, number, f"with the extra fields {named}; leave them out")
            if isinstance(part, TextPart):
                texts.append(part.text)
            elif isinstance(part, DocumentPart) and (text := document_text(part)) is not None:
                texts.append(text)
            elif isinstance(part, ImagePart) and (image := image_text(_with_bytes(part))) is not None:
                images.append(image)
            else:
                raise self.cannot_send(part, index, number, not_as_text(part))
        return texts, images


def _with_bytes(part: ImagePart) -> ImagePart:
    """The image with the bytes of its `data:` URL: Ollama fetches no address."""
    held = data_in(part.url) if part.url is not None else None
    return part if held is None else ImagePart(data=held[1])


def _typed(call: ToolCall | InvalidToolCall) -> JSONObject:
    """A call in the wire's form, without its `extra`. `arguments` is hidden: it may have any fields."""
    block = call_block(msgspec.structs.replace(call, extra={}))
    return {**block, "function": {"name": None, "arguments": None}}


def _read_model(row: Row) -> ModelInfo:
    name = row.text("model", "name")
    if name is None:
        raise RemoteProtocolError("a model in the list has no name")
    return ModelInfo(id=name, name=row.text("name"), extra=row.rest)


def _read_embeddings(data: JSONObject, count: int) -> Embeddings:
    vectors = data.get("embeddings")
    if not isinstance(vectors, list):
        raise RemoteProtocolError("the response has no list 'embeddings'")
    read = ("model", "embeddings", "prompt_eval_count")
    counts = {name: data[name] for name in read[2:] if name in data}
    usage: Usage | None = usage_of(counts, input_tokens=("prompt_eval_count",)) if counts else None
    return Embeddings(
        vectors=read_vectors([{"embedding": vector} for vector in vectors], count),
        model=text_or_none(data.get("model")),
        usage=usage,
        extra={name: value for name, value in data.items() if name not in read},
    )
