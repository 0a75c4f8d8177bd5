"""Converts items of a response to parts and back: `parts_of` and `items_of` are inverses.

How an item is kept:

- **message**: a part for each block of its content, in order: `TextPart`, `RefusalPart`, or `UnknownPart` for
  a block of another type, whose block is `extra["content"]`. The item's own fields (`id`, `status`, `phase`)
  are `extra["item"]`, the same in each of its parts; the block's other fields, such as `logprobs`, are beside
  it in `extra`. Annotations are citations. A message without any block is an `UnknownPart`.
- **reasoning**: a `ReasoningPart` for each text of its summary, then one for each raw text, which has
  `extra["field"] == "content"`. `extra["item"]` has the item's own fields, such as `id` and
  `encrypted_content`. An item without a text is one part without a text.
- **function_call**, **custom_tool_call**: a call whose id is the `call_id`. The item's own `id`, its
  `status`, `namespace` and `caller` are in `extra`.
- **computer_call**, **apply_patch_call**, **shell_call**, **local_shell_call**, which the application runs: a
  call that has the tool's name as name and kind, and the action as arguments. Several actions of the computer
  are `{"actions": [...]}`. A shell call in a container is run by the provider: see the next kind.
- **tools that the provider runs**: a `ServerToolPart`. Its `id` is the `call_id` if that joins a use and
  its result, else the item's `id`. An image that was made is an `ImagePart`.
- **everything else**, such as compaction: an `UnknownPart`, whose `extra` is the item.

When parts become items, neighbours with equal `extra["item"]` are one item. These forms mean the same, and
are not restored exactly: annotations and log probabilities that are absent, null or empty; types that are
absent; a reasoning item without `summary`; blank arguments, which are sent back as `{}`; and arguments that
are not JSON, which are sent back inside an object.

Source: the types of OpenAI's SDK (`ResponseOutputItem`, `ResponseInputItemParam`), and recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from sansio.answers import ToolCallAssembler
from sansio.answers.toolcalls import is_blank, wrap_invalid
from sansio.content import (
    Citation,
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
from sansio.errors import RemoteProtocolError
from sansio.families.fields import base64_bytes, base64_text, rest, text_or_none, without_nulls
from sansio.jsontext import JSON, JSONObject

ITEM = "item"
"""The field of a part's `extra` that has the fields of its item."""
FIELD = "field"
"""The field of a reasoning part's `extra` that names its list in the item, if it is not the summary."""
CONTENT = "content"
SUMMARY = "summary"

_TEXTS = frozenset(("output_text", "text"))
_FILES = frozenset(("file_citation", "container_file_citation"))
"""Annotations whose title is the name of a file."""

CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"""Calls of the application's tools, and the field that holds their arguments as text."""
_KINDS = {
    "computer_call": ("computer", "action"),
    "apply_patch_call": ("apply_patch", "operation"),
    "shell_call": ("shell", "action"),
    "local_shell_call": ("local_shell", "action"),
}
"""Calls of built-in tools that the application runs: the tool's name, and the field of its action."""
_ITEM_OF_KIND = {kind: (name, field) for name, (kind, field) in _KINDS.items()}

BUILT_IN = frozenset(_ITEM_OF_KIND)
"""The kinds of calls of built-in tools that the application runs."""


class _Fields(NamedTuple):
    """The fields of a provider's own tool that hold its id, its input and its output.

    Attributes:
        text: the field of an input that is text, where other inputs are in another field.
    """

    id: str = "id"
    input: str = "arguments"
    output: str = "output"
    text: str = ""


_SERVER_TOOLS: dict[str, _Fields] = {
    # xAI's own search has its arguments as text, instead of an action.
    "web_search_call": _Fields(input="action", output="results", text="arguments"),
    "x_search_call": _Fields(),
    "file_search_call": _Fields(input="queries", output="results"),
    "code_interpreter_call": _Fields(input="code", output="outputs"),
    "image_generation_call": _Fields(input="revised_prompt", output="result"),
    "mcp_list_tools": _Fields(input="", output="tools"),
    "mcp_call": _Fields(),
    "mcp_approval_request": _Fields(output=""),
    "mcp_approval_response": _Fields(id="approval_request_id", input="", output="approve"),
    "tool_search_call": _Fields(id="call_id", output=""),
    "tool_search_output": _Fields(id="call_id", input="", output="tools"),
    "program": _Fields(id="call_id", input="code", output=""),
    "program_output": _Fields(id="call_id", input="", output="result"),
    "shell_call": _Fields(id="call_id", input="action", output=""),
    "shell_call_output": _Fields(id="call_id", input="", output="output"),
}
"""Items of tools that the provider runs."""

_FORMATS = {"svg": "svg+xml"}

SEALED = ("encrypted_content", "fingerprint")
"""Fields that a server encrypts anew in each event that has the item. The last one counts."""

TextualPart: TypeAlias = TextPart | ReasoningPart | RefusalPart


class Block(NamedTuple):
    """One block of a message or reasoning item.

    Attributes:
        field: the list of the item that holds the block, `"content"` or `"summary"`.
        number: the block's position in that list.
        part: the block as a part.
    """

    field: str
    number: int
    part: TextualPart | UnknownPart


class CallItem(NamedTuple):
    """A call of a tool that the application runs, from its item.

    Attributes:
        id: the `call_id`; empty, as the texts below, if the item has none.
        name: the tool's name.
        arguments: JSON text, or a custom tool's free text.
        kind: as in `ToolCall`.
        extra: the item's other fields.
    """

    id: str
    name: str
    arguments: str
    kind: str
    extra: JSONObject


def parts_of(item: JSONObject) -> tuple[Part, ...]:
    """Convert an item of an answer to parts: one, or one for each of its texts.

    Raises:
        RemoteProtocolError: a list of texts, or a text, is of another type.
    """
    if (call := call_in(item)) is not None:
        calls = ToolCallAssembler()
        known = calls.find(None, call.id, call.name)
        known.kind, known.extra = call.kind, call.extra
        calls.add(known, call.arguments, [])
        calls.flush([])
        return (calls.finish(known, whole=True),)
    return tuple(block.part for block in blocks_of(item)) or (part_of(item),)


def blocks_of(item: JSONObject) -> list[Block]:
    """The blocks of a message or of reasoning, in the order of their parts; none for any other item.

    Raises:
        RemoteProtocolError: see `parts_of`.
    """
    kind, own = item.get("type"), item_fields(item)
    if kind == "message":
        return [Block(CONTENT, n, _said(block, own)) for n, block in enumerate(_listed(item, CONTENT))]
    if kind != "reasoning":
        return []
    return [
        Block(field, number, _reasoning(block, field, own))
        for field in (SUMMARY, CONTENT)
        for number, block in enumerate(_listed(item, field))
    ] or [Block(SUMMARY, 0, ReasoningPart("", {ITEM: own}))]


def item_fields(item: JSONObject) -> JSONObject:
    """The fields of a message or reasoning item that are `extra["item"]` in each of its parts."""
    if item.get("type") == "message":
        typed = ("type", "role", CONTENT) if item.get("role") == "assistant" else ("type", CONTENT)
    else:
        typed = ("type", SUMMARY, CONTENT) if item.get(CONTENT) else ("type", SUMMARY)
    return rest(item, *typed)


def call_in(item: JSONObject) -> CallItem | None:
    """The call that an item holds; `None` if it is not a call that the application answers.

    Raises:
        RemoteProtocolError: its id or name is not text.
    """
    kind = str(item.get("type"))
    typed: tuple[str, ...]
    if kind in CALLS:
        field = CALLS[kind]
        given, name, of = item.get(field), item.get("name"), "custom" if field == "input" else "function"
        typed = ("type", "call_id", "name", field)
        arguments = given if isinstance(given, str | None) else msgspec.json.encode(given).decode()
    elif kind in _KINDS and not (kind == "shell_call" and _is_contained(item)):
        of, field = _KINDS[kind]
        name = of
        action = item.get(field)
        if isinstance(item.get("actions"), list):
            field, action = "actions", {"actions": item["actions"]}
        typed = ("type", "call_id", field)
        arguments = None if action is None else msgspec.json.encode(action).decode()
    else:
        return None
    call_id = item.get("call_id")
    if not isinstance(call_id, str | None) or not isinstance(name, str | None):
        raise RemoteProtocolError(f"JSON of an unknown shape: {kind} whose call_id or name is not text")
    extra = {field: value for field, value in item.items() if field not in typed}
    return CallItem(call_id or "", name or "", arguments or "", of, extra)


def part_of(item: JSONObject) -> Part:
    """Convert any other item to a part."""
    kind = str(item.get("type"))
    fields = _SERVER_TOOLS.get(kind)
    if fields is None:
        return UnknownPart(kind, item)
    if kind == "image_generation_call" and (image := _image(item)) is not None:
        return image
    given = item.get(fields.input)
    texts = {"id": item.get(fields.id), "name": item.get("name"), "status": item.get("status")}
    known = {name: value for name, value in texts.items() if isinstance(value, str)}
    field = fields.input
    if given is None and fields.text and isinstance(item.get(fields.text), str):
        field, given = fields.text, item[fields.text]
    elif fields.text and isinstance(given, str):
        field, given = "", None  # it would be sent back as the other field
    typed = ["type", field, fields.output, *(fields.id if name == "id" else name for name in known)]
    return ServerToolPart(
        kind, known.get("id"), known.get("name"), given, item.get(fields.output), known.get("status"),
        rest(item, *typed),
    )  # fmt: skip


def items_of(parts: Sequence[Part]) -> list[JSONObject]:
    """Convert the parts of an answer to items.

    Parts without `extra["item"]`, which are not from this wire, become messages and reasoning without an id;
    texts and refusals beside each other are one message.

    Raises:
        ValueError: a part has no place in an answer here; see `item_of`.
    """
    items: list[JSONObject] = []
    last: tuple[str, JSON] | None = None
    for part in parts:
        item = item_of(part)
        if item is None:
            raise ValueError(f"{type(part).__name__} has no place in a response")
        of = (str(item.get("type")), part.extra.get(ITEM)) if _is_block(part) else None
        if of is not None and of == last:
            _join(items[-1], item)
        else:
            items.append(item)
        last = of
    return items


def item_of(part: Part) -> JSONObject | None:
    """Convert a part to an item; `None` if no answer here can have it."""
    match part:
        case TextPart() | RefusalPart():
            return _message(part, _said_block(part))
        case ReasoningPart():
            return _reasoning_item(part)
        case ToolCall() | InvalidToolCall():
            return _call_item(part)
        case ServerToolPart() if part.kind in _SERVER_TOOLS:
            return _server_item(part)
        case ImagePart() if part.data is not None and part.extra.get("type") == "image_generation_call":
            return {**part.extra, "result": base64_text(part.data)}
        case UnknownPart():
            return _message(part, dict(_block_in(part))) if _is_block(part) else dict(part.extra)
        case _:
            return None


def _listed(item: JSONObject, field: str) -> Iterator[JSONObject]:
    """The blocks of one of an item's lists."""
    listed = item.get(field)
    if listed is None:
        return
    if not isinstance(listed, list):
        raise RemoteProtocolError(f"JSON of an unknown shape: {field} is not a list")
    for block in listed:
        if not isinstance(block, dict):
            raise RemoteProtocolError(f"JSON of an unknown shape: a block of {field} is not an object")
        yield block


def _text(block: JSONObject, field: str) -> str:
    text = block.get(field)
    if not isinstance(text, str | None):
        raise RemoteProtocolError(f"JSON of an unknown shape: the {field} of a block is not text")
    return text or ""


def _said(block: JSONObject, own: JSONObject) -> TextPart | RefusalPart | UnknownPart:
    kind = block.get("type")
    if kind == "refusal":
        return RefusalPart(_text(block, "refusal"), {**rest(block, "type", "refusal"), ITEM: own})
    if not isinstance(kind, str) or kind not in _TEXTS:
        return UnknownPart(str(kind), {ITEM: own, CONTENT: block})
    typed = ["text", *(name for name in ("annotations", "logprobs") if not block.get(name))]
    typed += ["type"] if kind == "output_text" else []
    annotations = block.get("annotations")
    citations: tuple[Citation, ...] = ()
    if isinstance(annotations, list) and all(isinstance(given, dict) for given in annotations):
        citations = tuple(citation_of(given) for given in annotations if isinstance(given, dict))
        typed.append("annotations")
    extra = rest(block, *typed, nulls=("annotations", "logprobs"))
    return TextPart(_text(block, "text"), citations, {**extra, ITEM: own})


def _said_block(part: TextPart | RefusalPart) -> JSONObject:
    extra = rest(part.extra, ITEM)
    if isinstance(part, RefusalPart):
        return {"type": "refusal", "refusal": part.text, **extra}
    annotations: JSON = [annotation_of(citation) for citation in part.citations]
    return {"type": "output_text", "text": part.text, "annotations": annotations, **extra}


def _message(part: TextPart | RefusalPart | UnknownPart, block: JSONObject) -> JSONObject:
    return {"type": "message", "role": "assistant", **_own(part), CONTENT: [block]}


def _reasoning(block: JSONObject, field: str, own: JSONObject) -> ReasoningPart:
    text = _text(block, "text")
    usual = "summary_text" if field == SUMMARY else "reasoning_text"
    # A block without a text keeps its type, which sets it apart from an item without a block.
    typed = ("type", "text") if text and block.get("type") == usual else ("text",)
    extra = {**rest(block, *typed), ITEM: own}
    if not text:
        extra.setdefault("type", usual)
    return ReasoningPart(text, extra if field == SUMMARY else {**extra, FIELD: CONTENT})


def _reasoning_item(part: ReasoningPart) -> JSONObject:
    item: JSONObject = {"type": "reasoning", SUMMARY: [], **_own(part)}
    raw = part.extra.get(FIELD) == CONTENT
    extra = rest(part.extra, ITEM, FIELD) if raw else rest(part.extra, ITEM)
    if part.text or "type" in extra:
        kind = "reasoning_text" if raw else "summary_text"
        item[CONTENT if raw else SUMMARY] = [{"type": kind, "text": part.text, **extra}]
    return item


def _own(part: Part) -> JSONObject:
    own = part.extra.get(ITEM)
    return own if isinstance(own, dict) else {}


def _block_in(part: UnknownPart) -> JSONObject:
    block = part.extra.get(CONTENT)
    return block if isinstance(block, dict) else {}


def _is_block(part: Part) -> bool:
    """Whether a part is a block of an item, not a whole item."""
    if isinstance(part, UnknownPart):
        return part.extra.keys() == {ITEM, CONTENT}
    return isinstance(part, (TextPart, RefusalPart, ReasoningPart))


def _join(item: JSONObject, more: JSONObject) -> None:
    """Add the blocks of an item to those of the same item."""
    for field in (SUMMARY, CONTENT):
        known, added = item.get(field), more.get(field)
        if isinstance(added, list) and added:
            item[field] = [*known, *added] if isinstance(known, list) else added


def _is_contained(item: JSONObject) -> bool:
    """Whether a shell call runs in the provider's container."""
    environment = item.get("environment")
    return isinstance(environment, dict) and environment.get("type") == "container_reference"


def _call_item(call: ToolCall | InvalidToolCall) -> JSONObject:
    typed: JSONObject
    if call.kind == "custom":
        text = call.arguments_text() if isinstance(call, ToolCall) else call.raw_arguments
        typed = {"type": "custom_tool_call", "call_id": call.id, "name": call.name, "input": text}
    elif call.kind in _ITEM_OF_KIND:
        kind, field = _ITEM_OF_KIND[call.kind]
        action = call.arguments if isinstance(call, ToolCall) else wrap_invalid(call)
        several = call.kind == "computer" and action.keys() == {"actions"}
        typed = {"type": kind, "call_id": call.id}
        typed |= action if several else {field: action}
    else:
        text = (
            call.arguments_text()
            if isinstance(call, ToolCall)
            else msgspec.json.encode(wrap_invalid(call)).decode()
        )
        text = "{}" if is_blank(text) else text
        typed = {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": text}
    return {**typed, **call.extra}


def _image(item: JSONObject) -> ImagePart | None:
    result, form = item.get("result"), item.get("output_format")
    data = base64_bytes(result) if isinstance(result, str) else None
    if data is None:
        return None
    media_type = f"image/{_FORMATS.get(form, form)}" if isinstance(form, str) and form else "image/png"
    return ImagePart(data=data, media_type=media_type, extra=rest(item, "result"))


def _server_item(part: ServerToolPart) -> JSONObject:
    fields = _SERVER_TOOLS[part.kind]
    field = fields.text if fields.text and isinstance(part.input, str) else fields.input
    typed = {
        fields.id: part.id,
        "name": part.name,
        field: part.input,
        fields.output: part.output,
        "status": part.status,
    }
    return {"type": part.kind, **without_nulls(typed), **part.extra}


def citation_of(annotation: JSONObject) -> Citation:
    """An annotation of a text as a citation."""
    title = _title_field(annotation)
    start, end = annotation.get("start_index"), annotation.get("end_index")
    typed = [name for name in ("url", title) if isinstance(annotation.get(name), str)]
    typed += [name for name, at in (("start_index", start), ("end_index", end)) if type(at) is int]
    return Citation(
        text_or_none(annotation.get("url")),
        text_or_none(annotation.get(title)),
        None,
        start if type(start) is int else None,
        end if type(end) is int else None,
        rest(annotation, *typed),
    )


def annotation_of(citation: Citation) -> JSONObject:
    """A citation as an annotation. One that does not say its type is of a web page."""
    typed = {
        "url": citation.url,
        _title_field(citation.extra): citation.title,
        "start_index": citation.start,
        "end_index": citation.end,
    }
    return {"type": "url_citation", **citation.extra, **without_nulls(typed)}


def _title_field(annotation: JSONObject) -> str:
    return "filename" if str(annotation.get("type")) in _FILES else "title"
