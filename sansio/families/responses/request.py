"""Requests of Responses.

Messages of the system and the developer are items of the input, at their positions, so that a conversation
means the same however it is continued. The field `instructions` is an option of the call instead: it is for
one request, and the server does not keep it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar

import msgspec

from sansio.content import (
    ASSISTANT,
    TOOL,
    AudioPart,
    DocumentPart,
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
from sansio.defaults import ResponsesProfile
from sansio.errors import InvalidRequestError
from sansio.families.beside import OpenAIEndpoints
from sansio.families.fields import rest, with_extra, without_nulls
from sansio.families.forms import check_form
from sansio.families.media import data_url, document_text, media_type_of, with_true_type
from sansio.families.responses.options import (
    OPENAI_OPTIONS,
    continues,
    forbids_reasoning,
    options_of,
    write_include,
    write_state,
)
from sansio.families.responses.parts import BUILT_IN, ITEM, item_of, items_of
from sansio.families.responses.tools import check_choice, narrow_choice, wire_tool
from sansio.families.tools import check_names, is_forced
from sansio.jsontext import JSON, JSONObject
from sansio.options import Option, UnsupportedOptionError, write_options

_PLAIN = ("type", "role", "content")
"""The fields of a message whose item has nothing else."""

OUTPUTS: Mapping[str, str] = {
    "function": "function_call_output",
    "custom": "custom_tool_call_output",
    "computer": "computer_call_output",
    "shell": "shell_call_output",
    "local_shell": "local_shell_call_output",
    "apply_patch": "apply_patch_call_output",
}
"""The items that answer calls, by the kind of the call."""

OWN_ITEMS = frozenset(
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
"""Items that the application writes outside of messages: a part of such a kind in a message of the system,
the developer or the user becomes an item at its position (OpenAI's SDK, `ResponseInputItemParam`)."""

_REQUIRED: Mapping[str, JSONObject] = {
    "apply_patch_call": {"status": "completed"},
    "local_shell_call": {"status": "completed"},
    "computer_call": {"status": "completed", "pending_safety_checks": []},
}
"""Fields that calls of built-in tools must have (OpenAI's SDK), and that calls from other endpoints lack."""


class ResponsesRequests(OpenAIEndpoints):
    """What the dialect sends.

    By default the server is asked to keep nothing, and to include what it needs back: each request has the
    whole conversation. `store=True`, `previous_response_id`, `conversation` and `background` use its state.
    """

    API = "responses"
    SENDS = frozenset((TextPart, RefusalPart, ToolCall, InvalidToolCall))
    SENDS_EMPTY = False
    SENDS_CITATIONS = True
    CITATION_FIELDS = frozenset(("url", "title", "start", "end"))
    SENDS_DETAIL = True
    OPTIONS: ClassVar[Mapping[str, Option]] = OPENAI_OPTIONS
    PROFILE: ClassVar[ResponsesProfile] = ResponsesProfile()
    """How the server differs from others. By default it takes everything that OpenAI's does."""

    @classmethod
    def of(cls, profile: ResponsesProfile) -> type[Self]:
        """The same dialect for servers that a profile describes."""
        fields = {
            "PROFILE": profile,
            "OPTIONS": options_of(cls.OPTIONS, profile),
            "__module__": cls.__module__,
        }
        return type(cls.__name__, (cls,), fields)

    def build_endpoint(self, stream: bool = False) -> str:
        return self.url_of("responses")

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        profile = self.PROFILE
        body: dict[str, Any] = {"model": self.model_name()}
        first = _first_new(messages, options.get("previous_response_id"))
        body["input"] = [*self._items(messages, first)]
        if tools:
            check_names(tools, self.tool_names())
            custom = profile.custom_tools
            body["tools"] = [wire_tool(tool, position, custom=custom) for position, tool in enumerate(tools)]
        if stream:
            body["stream"] = True
        if self.config.reasoning and not forbids_reasoning(options):
            body["reasoning"] = dict(profile.reasoning_on)
        write_options(body, options, self.options(), self.origin)
        for name in ("reasoning", "text"):  # an option that is None may leave them empty
            if not body.get(name):
                body.pop(name, None)
        if profile.keeps:
            write_state(body, options)
        write_include(body, options, sealed=profile.sealed)
        check_choice(body, self.tool_choices())
        if not profile.custom_tools:
            narrow_choice(body)
        if not profile.tool_choice_forced and is_forced(body.get("tool_choice")):
            raise UnsupportedOptionError(
                "tool_choice", f"{self.origin} cannot be made to call a tool; leave it out"
            )
        return without_nulls(body)

    def continues(self, options: Mapping[str, object]) -> bool:
        return self.PROFILE.keeps and continues(options)

    def takes_call_kind(self, kind: str) -> bool:
        return kind == "function" or (self.PROFILE.custom_tools and (kind == "custom" or kind in BUILT_IN))

    def takes_tool_error(self, kind: str) -> bool:
        return kind in ("shell", "apply_patch") and self.PROFILE.custom_tools

    def tool_choices(self) -> tuple[str, ...] | None:
        """The words that `tool_choice` may be; `None` to leave the check to the server."""
        return None

    def tool_names(self) -> str | None:
        """The pattern of the names that tools may have; `None` to leave the check to the server."""
        return None

    def takes(self, part: Part) -> bool:
        """Whether a message of the system, the user or a tool may have such a part here.

        A text document is sent as text if the server does not accept it as a file; all else is refused.
        """
        profile = self.PROFILE
        match part:
            case DocumentPart():
                return profile.files
            case ImagePart():
                return profile.images and (profile.image_urls or part.data is not None)
            case _:
                return True

    def refuses(self, part: Part) -> str | None:
        return super().refuses(part) if item_of(part) is not None else f"{self.origin} has no item for it"

    def misplaced(self, parts: Sequence[Part]) -> Mapping[int, str]:
        """Reasoning at the end: an answer that was cut, or whose last call must not be sent.

        OpenAI refuses it: "Item of type 'reasoning' was provided without its required following item".
        """
        if not self.PROFILE.sealed:
            return {}
        end = len(parts)
        while end and isinstance(parts[end - 1], ReasoningPart):
            end -= 1
        return dict.fromkeys(range(end, len(parts)), "nothing follows that the reasoning led to")

    def _items(self, messages: Sequence[Message], first: int) -> Iterator[JSONObject]:
        """The items of a conversation.

        Args:
            first: the position of the first message that the server does not have.
        """
        kinds: dict[str, str] = {}  # of the calls of the assistant's turn before
        for index, message in enumerate(messages):
            role = message.role
            if role is ASSISTANT:
                kinds = {call.id: call.kind for call in message.all_tool_calls}
            if index < first:
                continue
            if role is ASSISTANT:
                yield from self._answer(message, index)
            elif role is TOOL:
                yield self._result(message, index, kinds.get(message.tool_call_id or ""))
            else:
                yield from self._message(message, index)

    def _message(self, message: Message, index: int) -> Iterator[JSONObject]:
        """A message of the system, the developer or the user; an item in it divides it in two."""
        role = message.role
        head: JSONObject = {"role": self.PROFILE.developer_role if role is Role.DEVELOPER else role.value}
        self.check_extra({**head, "type": None, "content": None}, message.extra, index)
        if isinstance(message.content, str):
            yield {**head, "content": message.content, **message.extra}
            return
        blocks: list[JSON] = []
        said = False
        for number, part in enumerate(message.content):
            own = isinstance(part, (UnknownPart, ServerToolPart)) and part.kind in OWN_ITEMS
            if own and (item := item_of(part)) is not None:
                if blocks:
                    yield {**head, "content": blocks, **message.extra}
                    blocks = []
                yield item
            else:
                blocks.append(self._block(part, index, number))
                said = True
        if blocks:
            yield {**head, "content": blocks, **message.extra}
        _check_place(message.extra, said, index)

    def _answer(self, message: Message, index: int) -> Iterator[JSONObject]:
        """The items of an answer, or of an assistant's message that the application wrote."""
        if message.origin is None:
            self._check_said(message, index)
            extra = message.extra
        else:
            extra = {}
        said = False
        for item in items_of(message.parts):
            kind = str(item.get("type"))
            said = said or kind == "message"
            yield {**_plain(item), **extra} if kind == "message" else {**_REQUIRED.get(kind, {}), **item}
        _check_place(extra, said, index)

    def _check_said(self, message: Message, index: int) -> None:
        """Refuse parts that the application put into an assistant's message and that no item can hold."""
        self.check_extra(dict.fromkeys(_PLAIN), message.extra, index)
        misplaced = self.misplaced(message.parts)
        for number, part in enumerate(message.parts):
            check_form(part, index, number)
            if (item := item_of(part)) is None:
                media = isinstance(part, (ImagePart, DocumentPart))
                what = "here; put it into a user's message" if media else _INSTEAD.get(type(part), "")
                raise self.cannot_send(part, index, number, what)
            if number in misplaced or (isinstance(part, ReasoningPart) and not self._can_return(part)):
                raise self.cannot_send(part, index, number)
            if isinstance(part, (TextPart, RefusalPart, ToolCall, InvalidToolCall)) and part.extra:
                self.check_extra(_fields_of(item_of(_bare(part)) or item), part.extra, index, number)

    def _can_return(self, part: ReasoningPart) -> bool:
        """Whether the server can recognise the reasoning by the fields of its item."""
        own = part.extra.get(ITEM)
        known = isinstance(own, dict) and (own.get("id") or own.get("encrypted_content"))
        return bool(known) or not self.PROFILE.sealed

    def _result(self, message: Message, index: int, kind: str | None) -> JSONObject:
        """A tool's message as the item that answers its call.

        Args:
            kind: the call's kind; `None` if the server has the call; `extra["type"]` may then name the item.
        """
        extra = message.extra
        if kind is None:
            item_type = extra.get("type", "function_call_output")
            kind = next((kind for kind, known in OUTPUTS.items() if known == item_type), None)
            if kind is None:
                raise InvalidRequestError(
                    f"message {index}: type is {item_type!r:.80} in its extra; use one of "
                    f"{', '.join(OUTPUTS.values())}",
                    index=index,
                )
            extra = rest(extra, "type")
        item: JSONObject = {"type": OUTPUTS[kind], "call_id": message.tool_call_id}
        match kind:
            case "computer":
                item["output"] = self._screenshot(message, index)
            case "shell":
                item["output"] = [*self._printed(message, index)]
            case "local_shell":
                # Its id is that of the call (OpenAI's SDK, `LocalShellCallOutput`).
                item = {"type": OUTPUTS[kind], "id": message.tool_call_id}
                item["output"] = self._text(message, index)
            case "apply_patch":
                item["status"] = "failed" if message.is_error else "completed"
                item["output"] = self._text(message, index)
            case _:
                item["output"] = self._content(message, index)
        self.check_extra(item, extra, index)
        return {**item, **extra}

    def _screenshot(self, message: Message, index: int) -> JSONObject:
        match message.parts:
            case (ImagePart() as part,):
                return {**rest(self._block(part, index, 0), "detail"), "type": "computer_screenshot"}
            case _:
                raise InvalidRequestError(
                    f"message {index}: the result of a call of the computer is one ImagePart, the screenshot",
                    index=index,
                )

    def _printed(self, message: Message, index: int) -> Iterator[JSONObject]:
        """The output of commands: each text is one command's, and its `extra` may have further fields."""
        ended: JSONObject = {"type": "exit", "exit_code": int(message.is_error)}
        for number, part in enumerate(message.parts):
            if not isinstance(part, TextPart):
                raise self.cannot_send(part, index, number, "in a shell's result; give its text")
            self.check_extra({"stdout": None}, part.extra, index, number)
            yield {"stdout": part.text, "stderr": "", "outcome": ended, **part.extra}

    def _text(self, message: Message, index: int) -> str:
        for number, part in enumerate(message.parts):
            if not isinstance(part, TextPart) or part.extra:
                raise self.cannot_send(part, index, number, "in a result that is text only")
        return message.text

    def _content(self, message: Message, index: int) -> JSON:
        if isinstance(message.content, str):
            return message.content
        return [self._block(part, index, number) for number, part in enumerate(message.content)]

    def _block(self, part: Part, index: int, number: int) -> JSONObject:
        """One content part of the application's."""
        check_form(part, index, number)
        if (
            isinstance(part, DocumentPart)
            and not self.takes(part)
            and (text := document_text(part)) is not None
        ):
            part = TextPart(text, extra=part.extra)
        if isinstance(part, TextPart) and part.citations:
            raise self.cannot_send(part, index, number, "with citations here; say them in its text")
        if not self.takes(part) or (block := self.encode_part(part)) is None:
            raise self.cannot_send(part, index, number, _INSTEAD.get(type(part), ""))
        if part.extra:
            self.check_extra(self.encode_part(_bare(part)), part.extra, index, number)
        return block

    def encode_part(self, part: Part) -> JSONObject | None:
        """One content part of a request in the wire's form; `None` if the server cannot take it."""
        match part:
            case TextPart():
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


_INSTEAD: Mapping[type[Part], str] = {AudioPart: "here; give what is said as a TextPart"}
"""What to do about a part that cannot be sent here in any form."""

_P = TypeVar("_P", bound=Part)


def _bare(part: _P) -> _P:
    """The part with its typed fields alone."""
    return msgspec.structs.replace(part, extra={})


def _check_place(extra: JSONObject, said: bool, index: int) -> None:
    """Refuse a message's `extra` if none of its items is a message.

    Args:
        said: whether one of its items is a message.
        index: the message's position in the conversation.
    """
    if extra and not said:
        raise InvalidRequestError(
            f"message {index}: its extra has {', '.join(extra)}, and it has no text that this could go with; "
            "give it to a part",
            index=index,
        )


def _fields_of(item: JSONObject) -> JSONObject:
    """The fields that a part's `extra` is merged with: those of the item, or of its one block."""
    match item.get("content"):
        case [dict(block)]:
            return block
        case _:
            return item


def _plain(item: JSONObject) -> JSONObject:
    """An assistant's message in its shortest form, if it has only text.

    The longer form is for the server's own items, which have an id (OpenAI's SDK,
    `ResponseOutputMessageParam`).
    """
    blocks = item["content"]
    if item.keys() != set(_PLAIN) or not isinstance(blocks, list):
        return item
    texts: list[str] = []
    for block in blocks:
        if not isinstance(block, dict) or block != {**_NO_TEXT, "text": block.get("text")}:
            return item
        texts.append(str(block["text"]))
    return {"role": "assistant", "content": "".join(texts)}


_NO_TEXT: JSONObject = {"type": "output_text", "annotations": []}


def _first_new(messages: Sequence[Message], previous: object) -> int:
    """The position of the first message that comes after a response which the server has.

    Args:
        previous: the response's id; `None` if there is none.

    Raises:
        InvalidRequestError: the response is the last message.
    """
    if previous is None:
        return 0
    known = [
        index
        for index, message in enumerate(messages)
        if message.role is ASSISTANT and message.response_id == previous
    ]
    first = known[-1] + 1 if known else 0
    if first == len(messages):
        raise InvalidRequestError(
            f"previous_response_id: message {first - 1} is that response; append what comes after it",
            index=first - 1,
        )
    return first
