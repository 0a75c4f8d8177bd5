"""Cohere's chat: the dialect and requests.

Source: the types of Cohere's own SDK (`ChatMessageV2`, `V2Client.chat`), and recorded traffic.
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
)
from sansio.endpoints import Embeddings, Endpoint, ModelInfo, read_models
from sansio.errors import APIStatusError, ConfigError, InvalidRequestError
from sansio.families.base import Dialect
from sansio.families.cohere.beside import MOST_MODELS, read_embeddings, read_model, read_tokens, texts_in
from sansio.families.cohere.options import OPTIONS
from sansio.families.cohere.parts import block_of, call_block, citations_of, is_plan
from sansio.families.cohere.reader import CohereReader
from sansio.families.fields import text_or_none, without_nulls
from sansio.families.media import document_text, not_as_text
from sansio.families.tools import wire_tool
from sansio.jsontext import JSONObject
from sansio.options import Option, write_options

_MESSAGE_FIELDS = ("content", "tool_plan", "tool_calls", "tool_call_id", "citations")
"""Fields of a message that this library's typed fields set, even if those are empty."""


def check(config: ProviderConfig) -> None:
    """Refuse the address of a version or of another API of the same server.

    Raises:
        ConfigError: the address is refused. The error says what to write.
    """
    for end in ("/compatibility/v1", "/v1", "/v2", "/v2/chat"):
        if config.base_url.endswith(end):
            right = config.base_url.removesuffix(end)
            other = f", or type='compatible' for {config.base_url}" if end.startswith("/comp") else ""
            raise ConfigError(
                f"base_url: {config.base_url!r} must end before {end}: chat is at {right}/v2/chat; "
                f"write base_url={right!r}{other}",
                field="base_url",
            )


class CohereDialect(Dialect):
    """Cohere's chat, version 2: typed content blocks, plans for tools, and citations."""

    TYPE = "cohere"
    API = "cohere"
    SENDS_EMPTY = False
    SENDS_CITATIONS = True
    CITATION_FIELDS = frozenset(("start", "end"))
    SENDS_DETAIL = True
    FLAT_ERRORS = True
    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = {
        "TOO_MANY_TOKENS": 400,
        "TIMEOUT": 504,
    }
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {
        "COMPLETE": FinishReason.STOP,
        "STOP_SEQUENCE": FinishReason.STOP,
        "MAX_TOKENS": FinishReason.LENGTH,
        "TOOL_CALL": FinishReason.TOOL_CALLS,
    }
    OPTIONS: ClassVar[Mapping[str, Option]] = OPTIONS

    def build_endpoint(self, stream: bool = False) -> str:
        return f"{self.config.base_url}/v2/chat"

    def open_stream(self) -> CohereReader:
        return CohereReader(self)

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> APIStatusError:
        """Add the error's type and the request's id, under the names that Cohere uses."""
        named = {"type": error["error_type"], **error} if "error_type" in error else error
        built = super().build_error(named, status, data)
        return built.with_context(request_id=built.request_id or text_or_none(data.get("id")))

    def refuses(self, part: Part) -> str | None:
        if isinstance(part, (TextPart, ReasoningPart, ToolCall, InvalidToolCall, UnknownPart)):
            return None
        return f"{self.origin} does not take it back"

    def unsent(self, part: Part, role: Role) -> Sequence[str]:
        """Only an answer has citations."""
        if isinstance(part, TextPart) and role is not ASSISTANT:
            return ("citations",)
        return super().unsent(part, role)

    def misplaced(self, parts: Sequence[Part]) -> Mapping[int, str]:
        """A plan for tools whose calls were cut. Cohere takes no message without content or calls."""
        if not all(map(is_plan, parts)):
            return {}
        return dict.fromkeys(range(len(parts)), "it is a plan for tools whose calls are not sent")

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body: dict[str, Any] = {
            "model": self.config.model,
            "messages": [self._message(message, index) for index, message in enumerate(messages)],
            "stream": stream,
        }
        if tools:
            self._write_tools(body, tools)
        write_options(body, options, self.options(), self.origin)
        if self.config.reasoning and "thinking" not in body:
            body["thinking"] = {"type": "enabled"}
        if body.get("tool_choice") is not None and not body.get("tools"):
            raise InvalidRequestError(
                "tool_choice: there are no tools to choose from; give tools, or leave it out"
            )
        return without_nulls(body)

    def count_tokens(self, body: JSONObject) -> Endpoint[int]:
        """The tokens of the texts alone, as Cohere bills them; it has no endpoint for a whole request."""
        text = "\n".join(texts_in(body.get("messages")))
        asked: JSONObject = {"model": self.config.model, "text": text}
        return Endpoint(f"{self.config.base_url}/v1/tokenize", read_tokens, asked)

    def list_models(self) -> Endpoint[tuple[ModelInfo, ...]]:
        read = partial(
            read_models, read=read_model, cursor="page_token", rows="models", token="next_page_token"
        )
        return Endpoint(f"{self.config.base_url}/v1/models?page_size={MOST_MODELS}", read)

    def embed(self, texts: Sequence[str], dimensions: int | None = None) -> Endpoint[Embeddings]:
        body: JSONObject = {
            "model": self.config.model,
            "texts": list(texts),
            # It is required, and says what the vectors are for; `extra_body` may say something else.
            "input_type": "search_document",
            "embedding_types": ["float"],
            "output_dimension": dimensions,
        }
        read = partial(read_embeddings, count=len(texts))
        return Endpoint(f"{self.config.base_url}/v2/embed", read, without_nulls(body))

    def _write_tools(self, body: dict[str, Any], tools: Sequence[Tool]) -> None:
        """Write the tools. Cohere has one field for all of them that says whether they are strict."""
        listed: list[Tool] = []
        for position, tool in enumerate(tools):
            made = wire_tool(tool, position, custom=False)
            function = made.get("function")
            if isinstance(function, Mapping) and "strict" in function:
                if function["strict"]:
                    body["strict_tools"] = True
                kept = {name: value for name, value in function.items() if name != "strict"}
                made = {**made, "function": kept}
            listed.append(made)
        body["tools"] = listed

    def _message(self, message: Message, index: int) -> dict[str, object]:
        role = Role.SYSTEM if message.role is Role.DEVELOPER else message.role
        wire: dict[str, object] = {"role": role.value}
        if message.role is ASSISTANT:
            wire |= self._answer(message, index)
        elif isinstance(message.content, str):
            wire["content"] = message.content
        else:
            wire["content"] = [
                self._block(part, message.role, index, number) for number, part in enumerate(message.content)
            ]
        if message.role is TOOL:
            wire["tool_call_id"] = message.tool_call_id
        if message.origin is None and message.extra:
            self.check_extra({**dict.fromkeys(_MESSAGE_FIELDS), **wire}, message.extra, index)
            wire |= message.extra
        return wire

    def _answer(self, message: Message, index: int) -> dict[str, object]:
        content: list[Part] = []
        plan: ReasoningPart | None = None
        calls: list[JSONObject] = []
        for number, part in enumerate(message.parts):
            if message.origin is None:
                self._check(part, index, number)
            match part:
                case ReasoningPart() if is_plan(part):
                    # An answer has one plan. If the application joined several answers, their plans are
                    # joined too.
                    plan = part if plan is None else msgspec.structs.replace(plan, text=plan.text + part.text)
                case TextPart() | ReasoningPart() | UnknownPart():
                    content.append(part)
                case ToolCall() | InvalidToolCall():
                    calls.append(call_block(part))
                case _:
                    raise self.cannot_send(part, index, number)
        wire: dict[str, object] = {
            "content": _content(content),
            "tool_plan": plan.text if plan is not None else None,
            "tool_calls": calls,
            "citations": citations_of(content, plan),
        }
        return {name: value for name, value in wire.items() if value}

    def _block(self, part: Part, role: Role, index: int, number: int) -> JSONObject:
        """One content block of a message that is not an answer."""
        if isinstance(part, DocumentPart) and (text := document_text(part)) is not None:
            if role is Role.TOOL:  # a document, which the answer can cite
                return _document(part)
            part = TextPart(text, extra=part.extra)
        if isinstance(part, ReasoningPart):
            raise self.cannot_send(part, index, number)
        if isinstance(part, ImagePart) and role is not Role.USER:
            raise self.cannot_send(
                part, index, number, f"in a message of the role {role.value}; put it into a user's message"
            )
        if (block := block_of(part)) is None:
            raise self.cannot_send(part, index, number, not_as_text(part))
        self._check(part, index, number)
        return block

    def _check(self, part: Part, index: int, number: int) -> None:
        """Refuse an `extra` that would replace what the typed fields of an application's part say."""
        if part.extra:
            self.check_extra(_typed(part), part.extra, index, number)


def _content(parts: Sequence[Part]) -> object:
    """An answer's content: a single plain text is sent as text."""
    match parts:
        case [TextPart(text=text, extra=extra)] if not extra:
            return text
    return [block_of(part) for part in parts]


def _typed(part: Part) -> JSONObject | None:
    """A part with its typed fields alone. A call's arguments must not get further fields."""
    bare = msgspec.structs.replace(part, extra={})
    return call_block(bare) if isinstance(bare, (ToolCall, InvalidToolCall)) else block_of(bare)


def _document(part: DocumentPart) -> JSONObject:
    """A document of text in a tool's result."""
    assert part.data is not None
    data: JSONObject = {"text": part.data.decode()}
    if part.name:
        data["title"] = part.name
    return {"type": "document", "document": {"data": data}, **part.extra}
