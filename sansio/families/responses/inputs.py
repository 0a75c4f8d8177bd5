"""Reads a request of Responses into this library's terms: messages, and options under portable names.

`request.py` writes what is read here. Source: OpenAI's SDK (`ResponseCreateParams`, and its
`ResponseInputItemParam`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sansio.content import (
    DocumentPart,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    RefusalPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    UnknownPart,
)
from sansio.errors import InvalidRequestError, RemoteProtocolError
from sansio.families.fields import rest, text_or_none
from sansio.families.media import data_in
from sansio.families.responses.parts import CALLS, ITEM, part_of, parts_of
from sansio.families.responses.request import OUTPUTS, OWN_ITEMS
from sansio.families.serving import Lost
from sansio.jsontext import JSON, JSONObject

_OWN = "it is known to Responses only"
_KIND_OF_OUTPUT = {output: kind for kind, output in OUTPUTS.items()}
_NEEDS_STATE = ("previous_response_id", "conversation", "prompt", "background")
"""Options about what the server keeps. Without that, the request would ask for something else; or it asks for
an answer that can be fetched later."""
_NOT_OPTIONS = (*_NEEDS_STATE, "model", "input", "instructions", "tools", "stream")
_SAME_NAMES = (
    "temperature", "top_p", "top_logprobs", "parallel_tool_calls", "user", "metadata", "service_tier",
    "store", "prompt_cache_key", "safety_identifier",
)  # fmt: skip
_DEFAULTS: Mapping[str, JSON] = {
    "truncation": "disabled",
    "metadata": {},
    "tool_choice": "auto",
    "top_logprobs": 0,
}
"""Values that mean the same as a missing field."""
_LOGPROBS = "message.output_text.logprobs"


def read_input(body: JSONObject, same: bool) -> list[Message]:
    """A request's conversation. Neighbouring items of the model become one message of the assistant.

    Args:
        body: the request.
        same: whether the request goes to the same family, whose server may have a part of the conversation.

    Raises:
        InvalidRequestError: the request is malformed; or it goes to another family and needs what the
            client's server keeps.
    """
    for name in () if same else _NEEDS_STATE:
        if body.get(name):
            raise InvalidRequestError(
                f"{name}: the server that answers keeps nothing; leave it out, and give the whole "
                "conversation as input"
            )
    given = body.get("input")
    items: Sequence[JSON] = [{"role": "user", "content": given}] if isinstance(given, str) else []
    if isinstance(given, list):
        items = given
    if not items:
        raise InvalidRequestError("input: a text, or a list with at least one item, is required")
    reader = _Reader()
    instructions = body.get("instructions")
    if isinstance(instructions, str) and instructions and not same:
        reader.messages.append(Message(Role.SYSTEM, instructions))
    for index, item in enumerate(items):
        try:
            reader.read(item, index)
        except RemoteProtocolError as error:
            raise InvalidRequestError(f"input[{index}]: {error.message}", index=index) from None
    reader.end_answer()
    return reader.messages


class _Reader:
    """Reads items, and keeps the answer that is being read and the calls that were made."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._answer: list[Part] = []
        self._kinds: dict[str, str] = {}  # of the application's calls
        self._served: set[str] = set()  # calls of shells that the server runs

    def end_answer(self) -> None:
        """End the assistant's message, if one is open."""
        if self._answer:
            self.messages.append(Message(Role.ASSISTANT, tuple(self._answer)))
            self._answer = []

    def read(self, item: JSON, index: int) -> None:
        """Read one item.

        Raises:
            InvalidRequestError: the item is malformed.
            RemoteProtocolError: an item that the model made is malformed.
        """
        if not isinstance(item, dict):
            raise _refuse(index, "must be an object")
        kind = item.get("type") or "message"
        role = item.get("role")
        result = _KIND_OF_OUTPUT.get(str(kind))
        if kind == "message" and role != "assistant":
            self.end_answer()
            self.messages.append(_message(item, index))
        elif result is not None and item.get("call_id") not in self._served:
            self.end_answer()
            self.messages.append(self._result(result, item, index))
        elif kind in OWN_ITEMS:
            self.end_answer()
            self.messages.append(Message(Role.USER, (part_of(item),)))
        else:
            self._read_models(str(kind), item, index)

    def _read_models(self, kind: str, item: JSONObject, index: int) -> None:
        """Read an item that the model made."""
        if kind in CALLS and not all(isinstance(item.get(n), str) for n in ("call_id", "name", CALLS[kind])):
            raise _refuse(index, f"a {kind} needs a call_id, a name and its {CALLS[kind]}, all text")
        if kind == "message":
            item = {**item, "type": kind}
            if isinstance(item.get("content"), str):
                item["content"] = [{"type": "output_text", "text": item["content"]}]
            if not item.get("content"):
                raise _refuse(index, "a message needs its content")
        parts = [_without_empty_item(part) for part in parts_of(item)]
        if kind == "message" and self._answer and _would_join(self._answer[-1], parts[0]):
            self.end_answer()
        for part in parts:
            if isinstance(part, (ToolCall, InvalidToolCall)):
                self._kinds[part.id] = part.kind
            elif kind == "shell_call":
                self._served.add(str(item.get("call_id")))
        self._answer += parts

    def _result(self, kind: str, item: JSONObject, index: int) -> Message:
        """Convert an item that answers a call to a tool's message."""
        name = "id" if kind == "local_shell" else "call_id"
        call_id, output = item.get(name), item.get("output")
        if not isinstance(call_id, str):
            raise _refuse(index, f"a result needs the {name} of its call")
        typed = ["type", name, "output"]
        failed = False
        parts: list[Part]
        if kind == "computer" and isinstance(output, dict):
            parts = [_part({**output, "type": "input_image"})]
        elif kind == "shell" and isinstance(output, list):
            printed = [block for block in output if isinstance(block, dict)]
            parts = [
                TextPart(str(block.get("stdout") or ""), extra=rest(block, "stdout")) for block in printed
            ]
            failed = any(_exit_code(block) for block in printed)
        else:
            parts = _content(output if output is not None else "", index)
        if kind == "apply_patch":
            typed.append("status")
            failed = item.get("status") == "failed"
        extra = rest(item, *typed)
        if self._kinds.get(call_id) != kind and kind != "function":
            extra["type"] = item["type"]  # the server has the call, and nothing else says its kind
        return Message(Role.TOOL, tuple(parts), call_id, is_error=failed, extra=extra)


def _refuse(index: int, why: str) -> InvalidRequestError:
    return InvalidRequestError(f"input[{index}]: {why}", index=index)


def _message(item: JSONObject, index: int) -> Message:
    """A message of the user, the system or the developer."""
    role, content = item.get("role"), item.get("content")
    if role not in ("user", "system", "developer"):
        raise _refuse(index, f"role is {role!r:.40}; use user, system, developer or assistant")
    parts = _content(content, index)
    return Message(
        Role(str(role)), tuple(parts), extra=rest(item, "type", "role", "content", nulls=("type",))
    )


def _content(content: JSON, index: int) -> list[Part]:
    if isinstance(content, str):
        return [TextPart(content)]
    if isinstance(content, list):
        blocks = [block for block in content if isinstance(block, dict)]
        if len(blocks) == len(content):
            return [_part(block) for block in blocks]
    raise _refuse(index, "the content must be a text or a list of blocks")


def _part(block: JSONObject) -> Part:
    """Convert the application's block to a part; one that names no known source is kept as it is."""
    kind = str(block.get("type"))
    text = block.get("text")
    if kind == "input_text" and isinstance(text, str):
        return TextPart(text, extra=rest(block, "type", "text"))
    if kind == "input_image" and (source := _source(block)):
        detail = block.get("detail")
        # "auto" is what a request without a detail says, too.
        wanted = detail if isinstance(detail, str) and detail != "auto" else None
        return ImagePart(**source, detail=wanted, extra=rest(block, "type", "detail", *_SOURCES))
    if kind == "input_file" and (source := _source(block)):
        name = text_or_none(block.get("filename"))
        return DocumentPart(**source, name=name, extra=rest(block, "type", "filename", *_SOURCES))
    return UnknownPart(kind, block)


_SOURCES = ("image_url", "file_url", "file_data", "file_id")


def _source(block: JSONObject) -> dict[str, Any]:
    """A file's source, as the arguments of a part; empty if the block names none."""
    image, file, data, file_id = (text_or_none(block.get(name)) for name in _SOURCES)
    url = image or file
    if (held := data_in(data or url or "")) is not None:
        return {"media_type": held[0], "data": held[1]}
    return {"url": url} if url else {"file_id": file_id} if file_id else {}


def _exit_code(block: JSONObject) -> bool:
    outcome = block.get("outcome")
    return isinstance(outcome, dict) and (outcome.get("type") != "exit" or bool(outcome.get("exit_code")))


def _without_empty_item(part: Part) -> Part:
    """The part in the form that the application writes, if its item has only the text."""
    if isinstance(part, (TextPart, RefusalPart)) and part.extra.get(ITEM) == {}:
        return msgspec.structs.replace(part, extra=rest(part.extra, ITEM))
    return part


def _would_join(last: Part, new: Part) -> bool:
    """Whether neighbouring parts of two messages would be sent back as one message."""
    texts = (TextPart, RefusalPart)
    same = last.extra.get(ITEM) == new.extra.get(ITEM)
    return isinstance(last, texts) and isinstance(new, texts) and same


def read_tools(tools: Sequence[JSONObject], same: bool, lost: list[Lost]) -> list[Tool]:
    """Convert tools to chat's format, which is nested where Responses is flat.

    Args:
        same: whether they go to the same family; the server's own tools and all fields are then kept.
        lost: receives what no other family accepts.
    """
    found: list[Tool] = []
    for tool in tools:
        kind = str(tool.get("type"))
        known = _TOOL_FIELDS.get(kind)
        if known is None:
            if same:
                found.append(tool)
                continue
            named = tool.get("name") or tool.get("server_label") or kind
            lost.append(Lost(f"tool {named}", "it is OpenAI's own, which runs it", option=True))
            continue
        inner = {name: tool[name] for name in known if tool.get(name) is not None}
        beside = rest(tool, "type", *known)
        if same and kind == "function":
            inner.setdefault("strict", None)  # a function that does not say it is made strict where it can be
        if isinstance(form := inner.get("format"), dict) and form.get("type") == "grammar":
            inner["format"] = {"type": "grammar", "grammar": rest(form, "type")}
        found.append({"type": kind, kind: inner, **(beside if same else {})})
        if beside and not same:
            words = f"tool {tool.get('name')}: {', '.join(beside)}"
            lost.append(Lost(words, _OWN, option=True))
    return found


_TOOL_FIELDS = {
    "function": ("name", "description", "parameters", "strict"),
    "custom": ("name", "description", "format"),
}


def read_options(body: JSONObject, lost: list[Lost]) -> dict[str, object]:
    """A request's options under portable names.

    Args:
        body: the request.
        lost: receives the options without a portable name.
    """
    options: dict[str, object] = {}
    for name, value in body.items():
        if name in _NOT_OPTIONS or value is None or _DEFAULTS.get(name) == value:
            continue
        match name, value:
            case _ if name in _SAME_NAMES:
                options[name] = value
            case "max_output_tokens", _:
                options["max_tokens"] = value
            case "tool_choice", _:
                options[name] = read_choice(value)
            case "text", dict(text):
                _read_text(text, options, lost)
            case "reasoning", dict(reasoning):
                _read_reasoning(reasoning, options, lost)
            case "include", list(included):
                for each in included:
                    if each == _LOGPROBS:
                        options["logprobs"] = True
                    else:
                        lost.append(Lost(f"include: {each}", _OWN, option=True))
            case _:
                lost.append(Lost(name, _OWN, option=True))
    return options


def _read_text(text: JSONObject, options: dict[str, object], lost: list[Lost]) -> None:
    for name, value in text.items():
        match name, value:
            case _, None:
                pass
            case "format", {"type": "text"}:
                pass
            case "format", {"type": "json_schema", **schema}:
                options["response_format"] = {"type": "json_schema", "json_schema": schema}
            case "format", dict():
                options["response_format"] = value
            case "verbosity", _:
                options["verbosity"] = value
            case _:
                lost.append(Lost(f"text.{name}", _OWN, option=True))


def _read_reasoning(reasoning: JSONObject, options: dict[str, object], lost: list[Lost]) -> None:
    for name, value in reasoning.items():
        if name == "effort" and value is not None:
            options["reasoning_effort"] = value
        elif value is not None:
            lost.append(Lost(f"reasoning.{name}", _OWN, option=True))


def read_choice(choice: JSON) -> JSON:
    """A tool choice in chat's form."""
    kind = choice.get("type") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or kind not in (*_TOOL_FIELDS, "allowed_tools"):
        return choice
    inner = rest(choice, "type")
    if isinstance(tools := inner.get("tools"), list):
        inner["tools"] = [read_choice(tool) for tool in tools]
    return {"type": kind, str(kind): inner}
