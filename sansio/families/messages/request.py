"""Anthropic's messages: the dialect, and requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, ClassVar, Self, assert_never

import msgspec

from sansio.content import (
    ASSISTANT,
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
from sansio.defaults import MessagesProfile
from sansio.endpoints import Endpoint, ModelInfo, read_count, read_models
from sansio.errors import APIStatusError, InvalidRequestError
from sansio.families.base import Dialect
from sansio.families.claude import default_thinking, takes_budget, takes_schema
from sansio.families.fields import base64_bytes, without_nulls
from sansio.families.media import media_type_of
from sansio.families.messages.beside import MOST_MODELS, NOT_COUNTED, read_model
from sansio.families.messages.caching import check_breakpoints
from sansio.families.messages.containers import container_of
from sansio.families.messages.options import (
    DEFAULT_VERSION,
    OPTIONS,
    check_format,
    check_together,
    check_tool_choice,
    is_strict,
    options_of,
)
from sansio.families.messages.parts import RUNS, block_of
from sansio.families.messages.reader import MessagesReader
from sansio.families.tools import free_text_tool
from sansio.jsontext import JSONObject
from sansio.options import Option, write_options

_DEFAULT_MAX_TOKENS = 8192
"""The default of `max_tokens`, which is required; every current model accepts this value."""
_NEVER_SAID = (ImagePart, AudioPart, DocumentPart, RefusalPart)
"""Parts that an assistant's message cannot have here."""
_SYSTEM_ROLES = (Role.SYSTEM, Role.DEVELOPER)
_IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
"""The media types of a base64 image (Anthropic's SDK, `Base64ImageSourceParam`)."""

_Block = dict[str, object]


class MessagesDialect(Dialect):
    """Anthropic's messages: system at the top, content in blocks, thinking that is sent back unchanged."""

    API = "messages"
    SENDS = frozenset((TextPart, ToolCall, InvalidToolCall))
    SENDS_EMPTY = False
    SENDS_CITATIONS = True
    CITATION_FIELDS = frozenset(("url", "title", "quote"))
    SENDS_TOOL_ERRORS = True
    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "api_error": 500,
        "timeout_error": 504,
        "overloaded_error": 529,
    }
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {
        "end_turn": FinishReason.STOP,
        "stop_sequence": FinishReason.STOP,
        "max_tokens": FinishReason.LENGTH,
        "model_context_window_exceeded": FinishReason.LENGTH,
        "tool_use": FinishReason.TOOL_CALLS,
        "pause_turn": FinishReason.PAUSE,
        "compaction": FinishReason.PAUSE,
        "refusal": FinishReason.REFUSAL,
    }
    OPTIONS: ClassVar[Mapping[str, Option]] = OPTIONS
    PROFILE: ClassVar[MessagesProfile] = MessagesProfile(claude=True, caches=True, counts=True, lists=True)
    """How the host differs from others. By default it takes everything that Anthropic's does."""

    @classmethod
    def of(cls, profile: MessagesProfile) -> type[Self]:
        """The same dialect for hosts that a profile describes."""
        sends = {ReasoningPart} if profile.reasoning_of_others else set()
        fields = {
            "PROFILE": profile,
            "OPTIONS": options_of(profile),
            "SENDS": cls.SENDS | sends,
            "__module__": cls.__module__,
        }
        return type(cls.__name__, (cls,), fields)

    def build_endpoint(self, stream: bool = False) -> str:
        return f"{self.config.base_url}{self.PROFILE.path}"

    def model_name(self) -> str | None:
        """The request's `model`."""
        return self.config.model

    def build_headers(self) -> dict[str, str]:
        return {"anthropic-version": self.version, **super().build_headers()}

    @property
    def version(self) -> str:
        """The API version that requests name: the config's `api_version`, unless its headers name another."""
        return _version_in(self.config.extra_headers) or self.config.api_version or DEFAULT_VERSION

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """Bind another version, if the headers name one: it decides which options a request may have."""
        if _version_in(headers) is None:
            return self
        return type(self)(self.config.replace(extra_headers={**self.config.extra_headers, **headers}))

    def open_stream(self) -> MessagesReader:
        return MessagesReader(self)

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> APIStatusError:
        """Add the code that is under `details`, such as a spend limit's (Anthropic's SDK, `ErrorDetails`)."""
        details = error.get("details")
        if isinstance(details, dict) and "error_code" in details:
            error = {"code": details["error_code"], **error}
        return super().build_error(error, status, data)

    def takes_schema(self) -> bool:
        return not self.PROFILE.claude or takes_schema(str(self.model_name()))

    def count_tokens(self, body: JSONObject) -> Endpoint[int]:
        if not self.PROFILE.counts:
            raise self.has_no("count_tokens", "anthropic")
        counted = {name: value for name, value in body.items() if name not in NOT_COUNTED}
        return Endpoint(f"{self.build_endpoint()}/count_tokens", read_count, counted)

    def list_models(self) -> Endpoint[tuple[ModelInfo, ...]]:
        if not self.PROFILE.lists:
            raise self.has_no("list_models", "anthropic")
        read = partial(read_models, read=read_model, cursor="after_id")
        return Endpoint(f"{self.config.base_url}/v1/models?limit={MOST_MODELS}", read)

    def refuses(self, part: Part) -> str | None:
        if isinstance(part, TextPart) and not part.text.strip():
            return "a blank text block is refused"
        if isinstance(part, RefusalPart):
            return "the explanation of a refusal is not part of the conversation"
        if isinstance(part, AudioPart):
            return "sound is refused"
        return super().refuses(part)

    def unsent(self, part: Part, role: Role) -> Sequence[str]:
        if isinstance(part, ServerToolPart):
            return ("output", "status") if part.kind in RUNS else ("name", "input", "status")
        return super().unsent(part, role)

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        turns = next((i for i, m in enumerate(messages) if m.role not in _SYSTEM_ROLES), len(messages))
        if turns == len(messages):
            raise InvalidRequestError(f"{self.origin} needs a user's message beside the system's")
        if self.PROFILE.caches:
            check_breakpoints(messages, tools, options.get("cache_control"))
        body: dict[str, Any] = {
            "model": self.model_name(),
            "max_tokens": _DEFAULT_MAX_TOKENS,
            "system": self._system(messages[:turns]),
            "messages": self._turns(messages, turns),
            "container": container_of(messages),
        }
        if tools:
            body["tools"] = [*map(_tool, tools, count())]
        if stream:
            body["stream"] = True
        if "cache" in options:  # last, since it counts the breakpoints that other options set
            options["cache"] = options.pop("cache")
        if self.output_tool:  # two calls of it would be two answers in one text
            options["parallel_tool_calls"] = False
        check_format(options.get("response_format"), self.origin)
        write_options(body, options, self.options(), self.origin)
        if self.config.reasoning and "thinking" not in body and "thinking" not in options:
            body["thinking"] = default_thinking(self._takes_budget(), body.get("max_tokens"))
        if self.output_tool and (body.get("thinking") or {}).get("type") in ("enabled", "adaptive"):
            raise InvalidRequestError(
                f"response_format: {self.model_name()} takes no JSON schema, and no tool can be forced in "
                "its place beside thinking; switch thinking off with reasoning_effort='none', or ask a newer "
                "model"
            )
        check_tool_choice(body)
        if self.PROFILE.claude:
            check_together(body, options, self.version)
        if self.PROFILE.claude and (body.get("thinking") or {}).get("type") == "enabled":
            _check_loop(messages, body["messages"])
        return without_nulls(body)

    def _takes_budget(self) -> bool:
        """Whether the model thinks within a budget of tokens."""
        return not self.PROFILE.claude or takes_budget(str(self.model_name()))

    def _turns(self, messages: Sequence[Message], first: int) -> list[_Block]:
        """User and assistant alternate; all results of one assistant's turn are first in one user message."""
        turns: list[_Block] = []
        after_results: list[_Block] | None = None
        for index in range(first, len(messages)):
            message = messages[index]
            match message.role:
                case Role.SYSTEM | Role.DEVELOPER:
                    after_results = None
                    if messages[index - 1].role not in _SYSTEM_ROLES:
                        turns.append(self._late_system(messages, index, turns))
                case Role.TOOL:
                    if after_results is None:
                        after_results = []
                        turns.append({"role": "user", "content": after_results})
                    after_results.append(self._tool_result(message, index))
                case Role.USER if after_results is not None:
                    after_results += self._blocks(message, index)
                    after_results = None
                case Role.USER:
                    self.check_extra(dict.fromkeys(("role", "content")), message.extra, index)
                    turns.append({"role": "user", "content": self._content(message, index), **message.extra})
                case Role.ASSISTANT:
                    after_results = None
                    extra = message.extra if message.origin is None else {}
                    self.check_extra(dict.fromkeys(("role", "content")), extra, index)
                    turns.append({"role": "assistant", "content": self._assistant(message, index), **extra})
                case _:
                    assert_never(message.role)
        return turns

    def _late_system(self, messages: Sequence[Message], first: int, turns: Sequence[_Block]) -> _Block:
        """System messages in mid-conversation, as one: Anthropic does not accept two in a row.

        The provider checks whether the model accepts them. The positions are the same for all models.
        """
        end = next((i for i in range(first, len(messages)) if messages[i].role not in _SYSTEM_ROLES), None)
        if not _is_open(turns[-1]) or (end is not None and messages[end].role is not ASSISTANT):
            raise InvalidRequestError(
                f"message {first}: {self.origin} takes a system message in mid-conversation only directly "
                "after a user's message or tool results, and only at the end or before an assistant's "
                "message; move it there, or before all others",
                index=first,
            )
        run = messages[first:end]
        content = self._system(run, first) if len(run) > 1 else self._texts(run[0], first)
        return {"role": "system", "content": content, **run[0].extra}

    def _assistant(self, message: Message, index: int) -> str | list[_Block]:
        if isinstance(message.content, str):
            return self._text(message.content, index)
        blocks: list[_Block] = []
        for number, part in enumerate(message.content):
            if message.origin is None:
                self._check_said(part, index, number)
                self._check_part_extra(part, index, number)
            block = block_of(part)
            if block is not None:
                blocks.append({**block})
        if not blocks:
            raise self._empty(index)
        return blocks

    def _text(self, text: str, index: int) -> str:
        if not text or text.isspace():
            raise self._empty(index)
        return text

    def _empty(self, index: int) -> InvalidRequestError:
        return InvalidRequestError(
            f"message {index} has no text, which {self.origin} refuses; leave the message out or say "
            "something",
            index=index,
        )

    def _check_said(self, part: Part, index: int, number: int) -> None:
        """Refuse parts that the application put into an assistant's message and that no answer can have."""
        if isinstance(part, _NEVER_SAID):
            raise self.cannot_send(part, index, number, "here")
        if isinstance(part, ReasoningPart) and (why := self.refuses(part)) is not None:
            raise InvalidRequestError(
                f"message {index}, part {number}: {why}; leave the part out, or append the answer that it is "
                "from, which has the signature in its extra",
                index=index,
            )
        if isinstance(part, ServerToolPart) and (fault := _fault_of(part)):
            raise self.cannot_send(
                part, index, number, f"{fault}; append the answer that it is from, unchanged"
            )

    def _system(self, messages: Sequence[Message], first: int = 0) -> str | list[_Block] | None:
        """System messages as one.

        Args:
            first: the position of the first one in the conversation.
        """
        if not messages:
            return None
        for index, message in enumerate(messages, first):
            if message.extra:
                raise InvalidRequestError(
                    f"message {index}: a system message has no extra fields here; give them to a part, "
                    "such as TextPart(text, extra={'cache_control': ...})",
                    index=index,
                )
        contents = [self._texts(message, index) for index, message in enumerate(messages, first)]
        if all(isinstance(content, str) for content in contents):
            return "\n\n".join(map(str, contents))
        return [block for content in contents for block in _as_blocks(content)]

    def _texts(self, message: Message, index: int) -> str | list[_Block]:
        """The content of a system message, which can be text only."""
        for number, part in enumerate(message.parts):
            if not isinstance(part, (TextPart, UnknownPart)):
                raise self.cannot_send(part, index, number, "here")
        return self._content(message, index)

    def _content(self, message: Message, index: int) -> str | list[_Block]:
        if isinstance(message.content, str):
            return self._text(message.content, index)
        return self._blocks(message, index)

    def _blocks(self, message: Message, index: int) -> list[_Block]:
        if isinstance(message.content, str):
            return _as_blocks(self._text(message.content, index))
        return [self._block(part, index, number) for number, part in enumerate(message.content)]

    def _block(self, part: Part, index: int, number: int) -> _Block:
        match part:
            case TextPart():
                self._text(part.text, index)
                if part.citations and self.PROFILE.claude and is_strict(self.version):
                    raise self.cannot_send(
                        part, index, number, f"with citations under anthropic-version {self.version}"
                    )
            case DocumentPart() if not self.PROFILE.documents:
                raise self.cannot_send(part, index, number, "here; give its text as a TextPart")
            case ImagePart() | DocumentPart():
                part = self._with_data(part, index, number)
                self._check_media(part, index, number)
            case UnknownPart():
                pass
            case _:
                raise self.cannot_send(part, index, number, "here")
        self._check_part_extra(part, index, number)
        return {**(block_of(part) or {})}

    def _check_part_extra(self, part: Part, index: int, number: int) -> None:
        """Refuse an `extra` that would replace typed fields; that of reasoning may be the whole block."""
        if part.extra and not isinstance(part, (UnknownPart, ReasoningPart)):
            bare = msgspec.structs.replace(part, extra={})
            typed = block_of(bare) or {}
            if "input" in typed:
                typed["input"] = None  # no further fields belong in a call's arguments
            self.check_extra(typed, part.extra, index, number)

    def _with_data(self, part: ImagePart | DocumentPart, index: int, number: int) -> ImagePart | DocumentPart:
        """The part with the bytes of its `data:` URL, which Anthropic does not take as an address."""
        if part.url is None or not part.url.startswith("data:"):
            return part
        kind, _, text = part.url[5:].partition(";base64,")
        if (data := base64_bytes(text)) is None:
            raise InvalidRequestError(
                f"message {index}, part {number}: the url is a data: URL without valid base64; give the "
                f"bytes instead, as {type(part).__name__}(data=..., media_type={kind[:40] or 'image/png'!r})",
                index=index,
            )
        return msgspec.structs.replace(part, url=None, data=data, media_type=kind or part.media_type)

    def _check_media(self, part: ImagePart | DocumentPart, index: int, number: int) -> None:
        """Refuse bytes of a kind that Anthropic does not read, and addresses where the host takes none."""
        if part.data is None:
            if not self.PROFILE.addresses:
                raise self.cannot_send(part, index, number)
            return
        kind = media_type_of(part)
        if isinstance(part, ImagePart):
            if kind not in _IMAGE_TYPES:
                raise self.cannot_send(
                    part, index, number, f"of {kind}; use one of {', '.join(_IMAGE_TYPES)}"
                )
        elif kind.startswith("text/"):
            try:
                part.data.decode()
            except UnicodeDecodeError:
                raise self.cannot_send(part, index, number, f"of {kind} that is not UTF-8") from None
        elif kind != "application/pdf":
            raise self.cannot_send(
                part, index, number, f"of {kind}; give application/pdf, or text with media_type='text/plain'"
            )

    def _tool_result(self, message: Message, index: int) -> _Block:
        block: _Block = {"type": "tool_result", "tool_use_id": message.tool_call_id}
        if message.content:
            text = message.content
            block["content"] = text if isinstance(text, str) else self._blocks(message, index)
        if message.is_error:
            block["is_error"] = True
        self.check_extra({"content": None, "is_error": None, **block}, message.extra, index)
        return {**block, **message.extra}


def _version_in(headers: Mapping[str, str]) -> str | None:
    return {name.lower(): value for name, value in headers.items()}.get("anthropic-version")


def _fault_of(part: ServerToolPart) -> str:
    """Why a server tool's block cannot be sent; empty if it can. All these fields are required."""
    if part.kind not in RUNS and not part.kind.endswith("_tool_result"):
        return f"of the kind {part.kind!r}"
    if not part.id:
        return "without an id"
    if part.kind not in RUNS:
        return "" if part.output is not None else "without an output"
    if not part.name:
        return "without a name"
    return "" if isinstance(part.input, dict) else "without an input (a dict)"


def _check_loop(messages: Sequence[Message], turns: Sequence[_Block]) -> None:
    """Refuse tool results for an answer without thinking, such as another provider's, if a budget is set."""
    *_, before, last = [{}, *(turn["content"] for turn in turns if turn["role"] != "system")]
    if not (isinstance(last, list) and last[0].get("type") == "tool_result"):
        return
    if isinstance(before, list) and before[0].get("type") not in ("thinking", "redacted_thinking"):
        index = max(i for i, message in enumerate(messages) if message.role is ASSISTANT)
        raise InvalidRequestError(
            f"message {index}: the answer that the tool results are for does not begin with thinking, which "
            "Anthropic wants beside a thinking budget; switch thinking off with reasoning_effort='none' "
            "until the tool loop ends",
            index=index,
        )


def _is_open(turn: _Block) -> bool:
    """Whether the assistant is to speak next: the turn is a user's, or waits for a tool of the provider."""
    content = turn["content"]
    if turn["role"] == "user":
        return True
    return isinstance(content, list) and content[-1].get("type") in RUNS


def _as_blocks(content: str | list[_Block]) -> list[_Block]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _tool(tool: Tool, position: int) -> Tool:
    """Convert a tool from OpenAI's format to Anthropic's; any other is already Anthropic's own."""
    function = tool.get("function")
    custom = tool.get("custom")
    if tool.get("type") == "custom" and isinstance(custom, Mapping):
        described, schema = free_text_tool(custom, position)
        return {**described, "input_schema": schema}
    if not isinstance(function, Mapping):
        return tool
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    beside = {name: value for name, value in tool.items() if name not in ("type", "function")}
    known = {name: function[name] for name in ("name", "description", "strict") if name in function}
    return {**known, "input_schema": parameters, **beside}
