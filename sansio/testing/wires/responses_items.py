"""Items of a response as servers write them, from the parts of an answer.

Sources: the types of OpenAI's SDK (`ResponseOutputItem`), and recorded responses.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import assert_never

import msgspec
from msgspec import Struct

from sansio.content import (
    AudioPart,
    Citation,
    DocumentPart,
    ImagePart,
    InvalidToolCall,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.families.responses.records import ARGUMENTS
from sansio.families.responses.records import begun as begun_item
from sansio.jsontext import JSON, JSONObject
from sansio.testing.script import arguments_text

_CALLS = {"function": ("function_call", "arguments"), "custom": ("custom_tool_call", "input")}
"""Calls whose arguments are text: the item's type, and the field that has it."""
_ACTIONS = {
    "computer": ("computer_call", "action"),
    "apply_patch": ("apply_patch_call", "operation"),
    "shell": ("shell_call", "action"),
    "local_shell": ("local_shell_call", "action"),
}
"""Calls of built-in tools: the item's type, and the field that has the action."""

_USES: Mapping[str, tuple[str, str]] = {
    "web_search_call": ("action", "results"),
    "x_search_call": ("arguments", "output"),
    "file_search_call": ("queries", "results"),
    "code_interpreter_call": ("code", "outputs"),
    "image_generation_call": ("revised_prompt", "result"),
    "mcp_list_tools": ("", "tools"),
    "mcp_call": ("arguments", "output"),
    "mcp_approval_request": ("arguments", ""),
    "tool_search_call": ("arguments", ""),
    "tool_search_output": ("", "tools"),
    "program": ("code", ""),
    "program_output": ("", "result"),
    "shell_call": ("action", ""),
    "shell_call_output": ("", "output"),
}
"""Items of tools that the server runs: the fields of their inputs and outputs."""
_BEGUN: Mapping[str, JSON] = {
    "code_interpreter_call": "",
    "file_search_call": [],
    "mcp_call": "",
    "program": "",
    "shell_call": {"commands": [], "max_output_length": None, "timeout_ms": None},
    "tool_search_call": {},
}
"""The inputs that are blank when their items begin, as recorded; the others are there from the beginning."""
_JOINED = (
    "tool_search_call",
    "tool_search_output",
    "program",
    "program_output",
    "shell_call",
    "shell_call_output",
)
"""Items of the server's tools that `call_id` joins to each other."""
_FILES = ("file_citation", "container_file_citation")
"""Annotations whose title is the field `filename`."""
_FORMATS = {"svg+xml": "svg"}
_PREFIXES = {"message": "msg", "reasoning": "rs"}
_WITHOUT_STATUS = ("reasoning", "mcp_list_tools", "mcp_approval_request", "program")
_KNOWN = frozenset(("message", "reasoning", *ARGUMENTS, *(kind for kind, _ in _ACTIONS.values()), *_USES))
"""Types of items that always have an id."""
_SEAL = "fake"


def seal(text: str) -> str:
    """The fake's encrypted form of reasoning. The fake accepts only texts of this form back."""
    return _SEAL + hashlib.sha256(text.encode()).hexdigest()


def is_sealed(value: JSON) -> bool:
    """Whether encrypted reasoning may be from this fake."""
    return isinstance(value, str) and value.startswith(_SEAL)


class Item(Struct, frozen=True):
    """A finished item, and the parts that its texts belong to.

    Args:
        whole: the item when it is finished.
        blocks: for each of its texts, by the part's index: the list that has the text, and its position
            there.
    """

    whole: JSONObject
    blocks: dict[int, tuple[str, int]]

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.whole["type"])


def write_items(
    type: str, parts: Sequence[Part], response_id: str, *, incomplete: bool = False
) -> list[Item]:
    """The items of an answer. Neighbours whose `extra["item"]` is equal are one item.

    Args:
        type: the provider type.
        parts: the answer's parts.
        response_id: the response's id, from which ids are made for items without one.
        incomplete: whether the answer was cut, and with it its last item.

    Raises:
        ValueError: a part has no place in a response.
    """
    items: list[Item] = []
    last: tuple[str, JSON] | None = None
    for place, part in enumerate(parts):
        kind, field, block = _block(type, part)
        of = (kind, part.extra["item"]) if kind and "item" in part.extra else None
        if of is not None and of == last and block is not None:
            listed = items[-1].whole.setdefault(field, [])
            assert isinstance(listed, list)
        else:
            if isinstance(part, TextPart | ReasoningPart | RefusalPart) or kind:
                item = _textual(kind, part)
            else:
                item = _whole(part)
            ended = "incomplete" if incomplete and place == len(parts) - 1 else "completed"
            items.append(Item(_with_id(item, response_id, len(items), ended), {}))
            listed = []
            if block is not None:
                items[-1].whole[field] = listed
        if block is not None:
            items[-1].blocks[place] = (field, len(listed))
            listed.append(block)
        last = of
    return items


def _block(type: str, part: Part) -> tuple[str, str, JSONObject | None]:
    """The type of item that a part is a block of, the list there, and the block.

    The type is empty for a part that is an item, and the block `None` for reasoning without a text.
    """
    extra = {name: value for name, value in part.extra.items() if name not in ("item", "field")}
    match part:
        case TextPart():
            said: JSONObject = {
                "type": "output_text",
                "text": part.text,
                "annotations": [],
                "logprobs": [],
                **extra,
            }
            if part.citations:
                said["annotations"] = [annotation(citation) for citation in part.citations]
            return "message", "content", said
        case RefusalPart():
            return "message", "content", {"type": "refusal", "refusal": part.text, **extra}
        case UnknownPart() if part.extra.keys() == {"item", "content"}:
            block = part.extra["content"]
            return "message", "content", dict(block) if isinstance(block, dict) else {}
        case ReasoningPart():
            raw = (
                part.extra.get("field", "content" if type == "vllm" and "item" not in part.extra else "")
                == "content"
            )
            field, usual = ("content", "reasoning_text") if raw else ("summary", "summary_text")
            if not part.text and "type" not in extra:
                return "reasoning", field, None
            return "reasoning", field, {"type": usual, "text": part.text, **extra}
        case _:
            return "", "", None


def _textual(kind: str, part: Part) -> JSONObject:
    """A message or reasoning, without its texts."""
    own = part.extra.get("item")
    fields = own if isinstance(own, dict) else {}
    if kind == "message":
        return {"type": kind, "role": "assistant", **fields, "content": []}
    return {"type": kind, "summary": [], **fields}


def _whole(
    part: ToolCall | InvalidToolCall | ServerToolPart | ImagePart | AudioPart | DocumentPart | UnknownPart,
) -> JSONObject:
    match part:
        case ToolCall() | InvalidToolCall():
            return _call(part)
        case ServerToolPart() if part.kind in _USES:
            given, gave = _USES[part.kind]
            id_field = "call_id" if part.kind in _JOINED else "id"
            known: JSONObject = {id_field: part.id, "name": part.name, "status": part.status}
            known |= {name: value for name, value in ((given, part.input), (gave, part.output)) if name}
            kept = {name: value for name, value in known.items() if value is not None}
            return {"type": part.kind, **kept, **part.extra}
        case ImagePart() if part.data is not None:
            form = part.media_type.partition("/")[2]
            image: JSONObject = {"type": "image_generation_call", "output_format": _FORMATS.get(form, form)}
            data = binascii.b2a_base64(part.data, newline=False).decode()
            return {**image, **part.extra, "result": data}
        case UnknownPart():
            return dict(part.extra)
        case ServerToolPart() | ImagePart() | AudioPart() | DocumentPart():
            raise ValueError(f"a response has no place for this {part.__class__.__name__}")
        case _:
            assert_never(part)


def _call(call: ToolCall | InvalidToolCall) -> JSONObject:
    if call.kind in _ACTIONS:
        kind, field = _ACTIONS[call.kind]
        action = _action(call)
        several = isinstance(action, dict) and call.kind == "computer" and action.keys() == {"actions"}
        given = action if several and isinstance(action, dict) else {field: action}
        return {"type": kind, "call_id": call.id, **given, **call.extra}
    kind, field = _CALLS["custom" if call.kind == "custom" else "function"]
    named: JSONObject = {"type": kind, "call_id": call.id, "name": call.name}
    return {**named, field: arguments_text(call), **call.extra}


def _action(call: ToolCall | InvalidToolCall) -> JSON:
    if isinstance(call, ToolCall):
        return call.arguments
    try:
        action: JSON = msgspec.json.decode(call.raw_arguments)
    except (ValueError, RecursionError):
        return call.raw_arguments
    return action


def _with_id(item: JSONObject, response_id: str, number: int, status: str) -> JSONObject:
    """The item with the id and the status that items of its type always have, if the fake knows the type."""
    if item.get("type") not in _KNOWN:
        return item
    kind = str(item["type"])
    prefix = _PREFIXES.get(kind) or "".join(word[0] for word in kind.split("_"))
    made: JSONObject = {"id": f"{prefix}_{response_id.partition('_')[2] or response_id}_{number}"}
    if kind not in _WITHOUT_STATUS:
        made["status"] = status
    return {**made, **item}


def begun(item: JSONObject) -> JSONObject:
    """The item as it is when it begins."""
    start = begun_item(item)
    kind = str(item.get("type"))
    if kind in _USES:
        given, gave = _USES[kind]
        if kind in _BEGUN and start.get(given) is not None:
            start[given] = _BEGUN[kind]
        if gave in start and kind != "tool_search_output":  # which is sent whole
            start[gave] = [] if isinstance(start[gave], list) and kind != "file_search_call" else None
    if kind == "shell_call_output":
        start["status"] = "completed"  # as recorded, before its output is there
    return start


def annotation(citation: Citation) -> JSONObject:
    """A citation as an annotation of a text; by default of a web page."""
    title = "filename" if citation.extra.get("type") in _FILES else "title"
    typed: JSONObject = {
        "url": citation.url,
        title: citation.title,
        "start_index": citation.start,
        "end_index": citation.end,
    }
    known = {name: value for name, value in typed.items() if value is not None}
    return {"type": "url_citation", **known, **citation.extra}
