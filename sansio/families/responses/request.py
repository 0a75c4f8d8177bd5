"""OpenAI's Responses: the dialect, and requests.

Messages of the system and the developer are items of the input, in their places, so that a conversation means
the same however it is continued: the field `instructions` is for one request, and is not kept by the server.
It is an option of the call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import msgspec

from sansio.content import (
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    UnknownPart,
)
from sansio.errors import InvalidRequestError
from sansio.families.beside import OpenAIEndpoints
from sansio.families.fields import with_extra, without_nulls
from sansio.families.forms import check_form
from sansio.families.media import data_url, document_text, media_type_of, with_true_type
from sansio.families.responses.faults import STATUS_BY_ERROR
from sansio.families.responses.options import (
    OPENAI_OPTIONS,
    continues,
    decides_reasoning,
    write_include,
    write_state,
)
from sansio.families.responses.outputs import output_item
from sansio.families.responses.parts import BUILT_IN, ITEM, item_of, items_of
from sansio.families.responses.reader import ResponsesReader
from sansio.families.responses.tools import check_choice, narrow_choice, wire_tool
from sansio.families.tools import check_names
from sansio.jsontext import JSONObject
from sansio.options import Option, write_options

_EASY = frozenset(("type", "role", "content"))
"""The fields of a message that says nothing of its own item, so that its text alone says the same."""

_OWN_ITEMS = frozenset(
    (
        "additional_tools",
        "compaction",
        "compaction_trigger",
        "computer_call_output",
        "configuration_update",
        "item_reference",
        "mcp_approval_response",
        "tool_search_output",
    )
)
"""Items that the application writes and that belong into no message: an `UnknownPart` of such a kind in a
message of the system, the developer or the user is sent as an item in its place (OpenAI's SDK,
`ResponseInputItemParam`)."""


class ResponsesDialect(OpenAIEndpoints):
    """OpenAI's Responses. Compatible servers are subclasses that hold their difference.

    By default the server is asked to keep nothing, and to include what it needs back: each request has the
    whole conversation. `store=True`, `previous_response_id`, `conversation` and `background` use its state.
    """

    API = "responses"
    SENDS = frozenset((TextPart, RefusalPart, ToolCall, InvalidToolCall))
    SENDS_EMPTY = False
    SENDS_CITATIONS = True
    SENDS_DETAIL = True
    STATUS_BY_ERROR = STATUS_BY_ERROR
    ROLES: ClassVar[Mapping[Role, str]] = {role: role.value for role in Role}
    """Each role in the server's own word."""
    OPENAI_TOOLS: ClassVar[bool] = True
    """Whether the server knows custom tools, built-in tools and the tool choice `allowed_tools`. If not, a
    custom tool is a function with one text, `input`, and only the allowed tools are offered."""
    KEEPS_NOTHING: ClassVar[bool] = False
    """Whether the server has no state, so that a request says nothing of it."""
    SEALS_REASONING: ClassVar[bool] = True
    """Whether the server encrypts reasoning, and refuses it without the item that it led to."""
    OPTIONS: ClassVar[Mapping[str, Option]] = OPENAI_OPTIONS

    def build_endpoint(self, stream: bool = False) -> str:
        return self.url_of("responses")

    def open_stream(self) -> ResponsesReader:
        return ResponsesReader(self)

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body: dict[str, Any] = {"model": self.model_name()}
        first = _first_new(messages, options.get("previous_response_id"))
        body["input"] = [*self._items(messages, first)]
        if tools:
            check_names(tools, self.tool_names())
            custom = self.OPENAI_TOOLS
            body["tools"] = [wire_tool(tool, position, custom=custom) for position, tool in enumerate(tools)]
        if stream:
            body["stream"] = True
        if self.config.reasoning and not decides_reasoning(options):
            body["reasoning"] = self.reasoning_options()
        write_options(body, options, self.options(), self.origin)
        if not self.KEEPS_NOTHING:
            write_state(body, options)
        write_include(body, options, sealed=self.SEALS_REASONING)
        check_choice(body, self.tool_choices())
        if not self.OPENAI_TOOLS:
            narrow_choice(body)
        return without_nulls(body)

    def reasoning_options(self) -> dict[str, object]:
        """What asks for extended thinking, in the field `reasoning`."""
        return {"effort": "medium", "summary": "auto"}

    def continues(self, options: Mapping[str, object]) -> bool:
        return not self.KEEPS_NOTHING and continues(options)

    def takes_call_kind(self, kind: str) -> bool:
        return kind == "function" or (self.OPENAI_TOOLS and (kind == "custom" or kind in BUILT_IN))

    def takes_tool_error(self, kind: str) -> bool:
        return kind in ("shell", "apply_patch") and self.OPENAI_TOOLS

    def tool_choices(self) -> tuple[str, ...] | None:
        """The words that `tool_choice` may be; `None` if the server is left to say what it takes."""
        return None

    def tool_names(self) -> str | None:
        """The pattern of the names that tools may have; `None` if the server is left to say."""
        return None

    def takes(self, part: Part) -> bool:
        """Whether a message of the system, the user or a tool may have such a part here.

        A text document is sent as text where it is not taken as a file; everything else is refused.
        """
        return True

    def misplaced(self, parts: Sequence[Part]) -> Mapping[int, str]:
        """Reasoning at the end: an answer that was cut, or whose last call must not be sent.

        OpenAI refuses it: "Item of type 'reasoning' was provided without its required following item".
        """
        if not self.SEALS_REASONING:
            return {}
        end = len(parts)
        while end and isinstance(parts[end - 1], ReasoningPart):
            end -= 1
        return dict.fromkeys(range(end, len(parts)), "nothing follows that the reasoning led to")

    def _items(self, messages: Sequence[Message], first: int) -> Iterator[JSONObject]:
        """The items of a conversation.

        Args:
            first: the place of the first message that the server does not have.
        """
        kinds: dict[str, str] = {}  # of the calls of the assistant's turn before
        for index, message in enumerate(messages):
            if message.role is Role.ASSISTANT:
                kinds = {call.id: call.kind for call in message.all_tool_calls}
            if index < first:
                continue
            match message.role:
                case Role.ASSISTANT:
                    yield from self._answer(message, index)
                case Role.TOOL:
                    yield self._result(message, index, kinds.get(message.tool_call_id or ""))
                case _:
                    yield from self._message(message, index)

    def _message(self, message: Message, index: int) -> Iterator[JSONObject]:
        """A message of the system, the developer or the user; it ends where an item has its place."""
        head: JSONObject = {"role": self.ROLES[message.role]}
        self.check_extra({**head, "type": None, "content": None}, message.extra, index)
        if isinstance(message.content, str):
            yield {**head, "content": message.content, **message.extra}
            return
        blocks: list[JSONObject] = []
        for number, part in enumerate(message.content):
            if isinstance(part, UnknownPart) and part.kind in _OWN_ITEMS:
                if blocks:
                    yield {**head, "content": blocks, **message.extra}
                    blocks = []
                yield dict(part.extra)
            else:
                blocks.append(self._block(part, index, number))
        if blocks:
            yield {**head, "content": blocks, **message.extra}

    def _answer(self, message: Message, index: int) -> Iterator[JSONObject]:
        own = message.origin is None
        parts = message.parts
        if own:
            for number, part in enumerate(parts):
                check_form(part, index, number)
                if item_of(part) is None:
                    raise self.cannot_send(part, index, number, "here")
                if part.extra and not isinstance(part, UnknownPart):
                    typed = item_of(_bare(part))
                    self.check_extra(_flat(typed), part.extra, index, number)
            for number, why in self.misplaced(parts).items():
                raise self.cannot_send(parts[number], index, number, f"here, since {why}; leave it out")
        extra = message.extra if own else {}
        self.check_extra(dict.fromkeys(_EASY), extra, index)
        for item in items_of(parts):
            if item.get("type") == "message":
                yield {**_easy(item), **extra}
            else:
                yield item

    def _result(self, message: Message, index: int, kind: str | None) -> JSONObject:
        ...

    def _block(self, part: Part, index: int, number: int) -> JSONObject:
        """One content part of the application's."""
        check_form(part, index, number)
        if isinstance(part, DocumentPart) and not self.takes(part) and (text := document_text(part)) is not None:
            part = TextPart(text, extra=part.extra)
        if not self.takes(part) or (block := self.encode_part(part)) is None:
            raise self.cannot_send(part, index, number)
        if part.extra and not isinstance(part, UnknownPart):
            self.check_extra(self.encode_part(_bare(part)), part.extra, index, number)
        return block

    def encode_part(self, part: Part) -> JSONObject | None:
        """One content part of a request in the wire's form; `None` if the server cannot take it."""
        match part:
            case TextPart() if not part.citations:
                return with_extra({"type": "input_text", "text": part.text}, part.extra)
            case ImagePart():
                image = with_true_type(part)
                url = image.url or (None if image.data is None else data_url(image.media_type, image.data))
                known = {"image_url": url, "file_id": image.file_id}
                block: JSONObject = {"type": "input_image", "detail": image.detail or "auto"}
                return with_extra({**block, **without_nulls(known)}, part.extra)
            case DocumentPart():
                file: JSONObject = {"file_url": part.url, "file_id": part.file_id, "filename": part.name}
                if part.data is not None:
                    file["filename"] = part.name or "document"
                    file["file_data"] = data_url(media_type_of(part), part.data)
                return with_extra({"type": "input_file", **without_nulls(file)}, part.extra)
            case UnknownPart():
                return dict(part.extra)
            case _:
                return None
