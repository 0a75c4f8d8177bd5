"""Converse: the dialect, and requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any, ClassVar, assert_never

import msgspec

from sansio.content import (
    AudioPart,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    Tool,
    ToolCall,
    UnknownPart,
)
from sansio.endpoints import Endpoint
from sansio.errors import InvalidRequestError
from sansio.families.claude import check_budget, takes_budget, takes_schema
from sansio.families.converse.options import (
    OPTIONS,
    check_choice,
    default_reasoning,
    maker_of,
    options_of,
)
from sansio.families.converse.parts import DOCUMENTS, IMAGES, SOUNDS, block_of
from sansio.families.converse.reader import ConverseReader
from sansio.families.media import data_in, media_type_of
from sansio.families.runtime import BedrockRuntime, read_count
from sansio.families.tools import NAMES, check_format, check_names, free_text_tool
from sansio.jsontext import JSON, JSONObject
from sansio.options import Option, write_options

_CALL_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_()\[\]-]")
"""The characters that a word of a document's name may not have (the reference, "DocumentBlock"; recorded
requests have `_`)."""
_LONGEST_NAME = 200
"""How many characters a document's name may have (botocore, `DocumentBlockNameString`)."""
_NEVER_SAID = (AudioPart, DocumentPart)
"""Parts for which there are blocks, but not in an assistant's message."""
_DEFAULT_MAX_TOKENS = 8192
"""`maxTokens` of a request with a thinking budget, unless the caller gives another limit: it must be greater
than the budget. Anthropic's messages have the same default."""
_COUNTED = ("messages", "system", "toolConfig", "additionalModelRequestFields")
"""The fields of a request that CountTokens accepts (botocore, `ConverseTokensRequest`)."""
_OWN_TOOLS = ("systemTool", "cachePoint")
"""The types of Bedrock's own tools. A tool has a field with the name of its type."""

_Block = dict[str, Any]  # Any: JSON that this module writes


class ConverseDialect(BedrockRuntime):
    """Bedrock's Converse: answers in binary frames, and content blocks whose one field names their kind."""

    API = "converse"
    SENDS = frozenset((TextPart, ToolCall, InvalidToolCall))
    SENDS_EMPTY = False
    SENDS_CITATIONS = True
    CITATION_FIELDS = frozenset(("url", "title", "quote"))
    SENDS_TOOL_ERRORS = True
    OPTIONS: ClassVar[Mapping[str, Option]] = OPTIONS
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {
        "end_turn": FinishReason.STOP,
        "stop_sequence": FinishReason.STOP,
        "tool_use": FinishReason.TOOL_CALLS,
        "max_tokens": FinishReason.LENGTH,
        "model_context_window_exceeded": FinishReason.LENGTH,
        "guardrail_intervened": FinishReason.CONTENT_FILTER,
        "content_filtered": FinishReason.CONTENT_FILTER,
        "malformed_model_output": FinishReason.ERROR,
        "malformed_tool_use": FinishReason.ERROR,
    }

    def build_endpoint(self, stream: bool = False) -> str:
        return self.url_of("converse-stream" if stream else "converse")

    def open_stream(self) -> ConverseReader:
        return ConverseReader(self)

    def options(self) -> Mapping[str, Option]:
        return self.OPTIONS if self._config is None else options_of(str(self.config.model))

    def takes_schema(self) -> bool:
        model = str(self.config.model)
        match maker_of(model):
            case "anthropic":
                return takes_schema(model)
            case "amazon":
                return False  # its user guide, "Structured output", names none of these models
            case _:
                return True

    def takes_call_id(self, call_id: str) -> bool:
        return _CALL_ID.fullmatch(call_id) is not None

    def refuses(self, part: Part) -> str | None:
        if isinstance(part, TextPart) and not part.text.strip() and not part.citations:
            return "a blank text block is refused"
        if isinstance(part, (RefusalPart, ImagePart, AudioPart, DocumentPart)) and block_of(part) is None:
            return f"{self.origin} has no block for it"
        return super().refuses(part)

    def count_tokens(self, body: JSONObject) -> Endpoint[int]:
        counted: JSONObject = {name: body[name] for name in _COUNTED if name in body}
        return Endpoint(self.url_of("count-tokens"), read_count, {"input": {"converse": counted}})

    # Requests.

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body = _without_empty(
            {
                "system": [*self._system(messages)],
                "messages": self._turns(messages),
                "toolConfig": {"tools": [*self._tools(tools)]} if tools else {},
            }
        )
        if "messages" not in body:
            raise InvalidRequestError(f"{self.TYPE} needs a user's message beside the system's")
        write_options(body, options, self.options(), self.origin)
        self._ask_for_reasoning(body)
        check_choice(body)
        if isinstance(budget := options.get("reasoning_budget"), int):
            check_budget(budget, (body.get("inferenceConfig") or {}).get("maxTokens"))
        return body

    def check_body(self, body: JSONObject) -> None:
        """Refuse calls and results in a request without tools, as Bedrock does.

        Raises:
            InvalidRequestError: there are some. It says what to do.
        """
        if "toolConfig" not in body and any(_has_calls(turn) for turn in _listed(body.get("messages"))):
            raise InvalidRequestError(
                "tools: the conversation has tool calls, which Bedrock takes only together with tools; give "
                "the tools again"
            )

    def _ask_for_reasoning(self, body: _Block) -> None:
        model = str(self.config.model)
        known = body.get("additionalModelRequestFields") or {}
        if not self.config.reasoning or not known.keys().isdisjoint(("thinking", "reasoningConfig")):
            return
        limits = body.get("inferenceConfig") or {}
        if maker_of(model) == "anthropic" and takes_budget(model):
            limits = body["inferenceConfig"] = {"maxTokens": _DEFAULT_MAX_TOKENS, **limits}
        if added := default_reasoning(model, limits.get("maxTokens")):
            body["additionalModelRequestFields"] = {**known, **added}

    def _system(self, messages: Sequence[Message]) -> Iterator[_Block]:
        """The blocks of the system messages at the beginning of the conversation."""
        for index, message in enumerate(messages):
            if message.role not in (Role.SYSTEM, Role.DEVELOPER):
                return
            yield from self._blocks(message, index)

    def _turns(self, messages: Sequence[Message]) -> list[_Block]:
        """The conversation as turns: consecutive messages of one role become one message."""
        turns: list[_Block] = []
        begun = False
        for index, message in enumerate(messages):
            match message.role:
                case Role.SYSTEM | Role.DEVELOPER:
                    if not begun:
                        continue
                    role, blocks = "system", self._blocks(message, index)
                case Role.USER:
                    role, blocks = "user", self._blocks(message, index)
                case Role.TOOL:
                    role, blocks = "user", [self._result(message, index)]
                case Role.ASSISTANT:
                    role, blocks = "assistant", self._blocks(message, index)
                case _:
                    assert_never(message.role)
            begun = True
            if turns and turns[-1]["role"] == role:
                turns[-1]["content"] += blocks
            else:
                turns.append({"role": role, "content": blocks})
        _name_documents(turns)
        return turns

    def _result(self, message: Message, index: int) -> _Block:
        result: _Block = {"toolUseId": message.tool_call_id, "content": self._blocks(message, index)}
        if message.is_error:
            result["status"] = "error"
        self.check_extra({"status": None, **result} if message.is_error else result, message.extra, index)
        return {"toolResult": {**result, **message.extra}}

    def _blocks(self, message: Message, index: int) -> list[_Block]:
        """The blocks of one message.

        Raises:
            InvalidRequestError: a part cannot be in this message, or the message would be empty.
        """
        said = message.role is Role.ASSISTANT
        may_be_empty = message.role is Role.TOOL  # many tools say nothing, or print a line's end only
        if message.extra and message.origin is None and message.role is not Role.TOOL:
            raise InvalidRequestError(
                f"message {index}: Converse's messages have a role and content only, not "
                f"{', '.join(message.extra)}; leave it out, or say it in the content",
                index=index,
            )
        blocks: list[_Block] = []
        for number, part in enumerate(message.parts):
            if not said or message.origin is None:
                part = self._checked(part, message.role, index, number)
            if isinstance(part, TextPart) and not part.text.strip() and not part.citations:
                if not said and not may_be_empty:
                    raise _empty(index)
                continue
            if (block := block_of(part)) is None:
                raise self._unreadable(part, index, number)
            blocks.append({**block})
        if not blocks and not may_be_empty:
            raise _empty(index)
        return blocks

    def _checked(self, part: Part, role: Role, index: int, number: int) -> Part:
        """Check that a part that the application wrote may be in a message of a role, and return it.

        Raises:
            InvalidRequestError: it may not. The message names the part and the remedy.
        """
        if role is Role.ASSISTANT:
            misplaced = isinstance(part, _NEVER_SAID)
        else:
            misplaced = isinstance(part, (ReasoningPart, ToolCall, InvalidToolCall, ServerToolPart))
        if role in (Role.SYSTEM, Role.DEVELOPER):
            misplaced = not isinstance(part, (TextPart, UnknownPart))
        if misplaced:
            raise self.cannot_send(part, index, number, "here")
        if (
            isinstance(part, (ImagePart, AudioPart, DocumentPart))
            and part.url
            and (held := data_in(part.url))
        ):
            part = msgspec.structs.replace(part, url=None, data=held[1], media_type=held[0])
        if part.extra:
            bare = block_of(msgspec.structs.replace(part, extra={})) or {}
            inner = next(iter(bare.values()), None)
            typed = {**inner} if isinstance(inner, dict) else bare
            if "input" in typed:
                typed["input"] = None  # no further fields belong in a call's arguments
            self.check_extra(typed, part.extra, index, number)
        return part

    def _unreadable(self, part: Part, index: int, number: int) -> InvalidRequestError:
        """The error for a file of a type that Bedrock does not read, or for one that it cannot fetch."""
        if isinstance(part, (ImagePart, AudioPart, DocumentPart)):
            known = IMAGES if isinstance(part, ImagePart) else DOCUMENTS
            if isinstance(part, AudioPart):
                known = SOUNDS
            kind = media_type_of(part)
            if kind not in known:
                return self.cannot_send(part, index, number, f"of {kind}; use one of {', '.join(known)}")
        return self.cannot_send(part, index, number)

    def _tools(self, tools: Sequence[Tool]) -> Iterator[_Block]:
        check_names(tools, NAMES)
        for position, tool in enumerate(tools):
            yield _tool(tool, position)


def _has_calls(turn: JSON) -> bool:
    blocks = _listed(turn.get("content")) if isinstance(turn, dict) else []
    return any(isinstance(block, dict) and ("toolUse" in block or "toolResult" in block) for block in blocks)


def _listed(value: JSON) -> list[JSON]:
    """A list; an empty one for any other value, which `extra_body` may have."""
    return value if isinstance(value, list) else []


def _tool(tool: Tool, position: int) -> _Block:
    """A tool of OpenAI's format in Converse's format. One of Bedrock's own only loses its `type`."""
    if (kind := tool.get("type")) in _OWN_TOOLS:
        if not isinstance(tool.get(str(kind)), Mapping):
            raise InvalidRequestError(
                f"tool {position}: the type {kind!r} needs an object of the same name; write "
                f'{{"type": "{kind}", "{kind}": {{...}}}}'
            )
        return {name: value for name, value in tool.items() if name != "type"}
    check_format(tool, position)
    function, custom = tool.get("function"), tool.get("custom")
    if isinstance(custom, Mapping):
        described, schema = free_text_tool(custom, position)
        return {"toolSpec": {**described, "inputSchema": {"json": schema}}}
    if not isinstance(function, Mapping):
        raise InvalidRequestError(
            f"tool {position} is another provider's own; use functions, or Bedrock's own tools as "
            '{"type": "systemTool", "systemTool": {"name": ...}}'
        )
    spec = {
        name: value for name, value in function.items() if name != "parameters" and value not in (None, "")
    }
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    beside = {name: value for name, value in tool.items() if name not in ("type", "function")}
    return {"toolSpec": {**spec, **beside, "inputSchema": {"json": schema}}}


def _name_documents(turns: list[_Block]) -> None:
    """Give each document a name, which is required, must be unique, and may not have all characters.

    A name depends only on the documents before it, so that the prompt's beginning stays the same from request
    to request, and cached prompts stay valid.
    """
    names: set[str] = set()
    for turn in turns:
        turn["content"] = [_named(block, names) for block in turn["content"]]


def _named(block: Mapping[str, Any], names: set[str]) -> _Block:
    """A copy of a block in which each document has a name; the block may be the caller's or an answer's.

    Args:
        block: a block of a turn, or of a tool's result. Any: what an answer or an extra field had there.
        names: the names so far; those of the block are added.
    """
    named = dict(block)
    document, result = block.get("document"), block.get("toolResult")
    if isinstance(document, Mapping):
        name = next(name for name in _names_for(document, len(names) + 1) if name not in names)
        names.add(name)
        named["document"] = {**document, "name": name}
    if isinstance(result, Mapping) and isinstance(inner := result.get("content"), (list, tuple)):
        listed = [_named(each, names) if isinstance(each, Mapping) else each for each in inner]
        named["toolResult"] = {**result, "content": listed}
    return named


def _names_for(document: Mapping[str, Any], number: int) -> Iterator[str]:
    """Names that Bedrock accepts for a document, best first.

    Args:
        number: the document's number in the request, for a document without a name.
    """
    name = " ".join(_NOT_IN_NAMES.sub(" ", str(document.get("name") or "")).split())
    if not name:
        return (f"Document {more}" for more in count(number))
    numbered = (f"{name[: _LONGEST_NAME - len(str(more)) - 1].rstrip()} {more}" for more in count(2))
    return chain((name,), numbered)


def _without_empty(body: Mapping[str, Any]) -> _Block:
    return {name: value for name, value in body.items() if value}


def _empty(index: int) -> InvalidRequestError:
    return InvalidRequestError(
        f"message {index} has no text, which Converse refuses; leave the message out or say something",
        index=index,
    )
