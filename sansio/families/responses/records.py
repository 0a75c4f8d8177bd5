"""Responses and their events as a server writes them: first as objects, which are then numbered.

Sources: the types of OpenAI's SDK (`Response`, `ResponseStreamEvent`); recorded streams, for the order of
events and for errors inside a stream.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sansio.content import Usage
from sansio.jsontext import JSON, JSONObject

ARGUMENTS = {"function_call": "arguments", "custom_tool_call": "input"}
"""Calls whose arguments arrive in pieces: the item's type, and the field that has the whole."""
_PIECES = {
    "function_call": "function_call_arguments",
    "custom_tool_call": "custom_tool_call_input",
    "code_interpreter_call": "code_interpreter_call_code",
    "mcp_call": "mcp_call_arguments",
}
"""The events that give an item's text in pieces, by the item's type."""
_TEXTS = {
    "output_text": ("output_text", "text"),
    "refusal": ("refusal", "refusal"),
    "summary_text": ("reasoning_summary_text", "text"),
    "reasoning_text": ("reasoning_text", "text"),
}
"""Blocks with a text: the events that give it in pieces, and the field that has the whole."""
_BLANK: dict[str, JSONObject] = {
    "message": {"content": []},
    "reasoning": {"summary": []},
    **{kind: {field: ""} for kind, field in ARGUMENTS.items()},
}
_FAILED_CODES = {429: "rate_limit_exceeded"}


def response_object(response_id: str, model: str, created: int) -> JSONObject:
    """A response without output yet, with all the fields that the SDK's type requires.

    Args:
        created: seconds since the epoch.
    """
    return {
        "id": response_id,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None,
    }


def usage_object(usage: Usage) -> JSONObject:
    """Token counts in OpenAI's form."""
    read: JSONObject = {
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
    }
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": read,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def begun(item: JSONObject) -> JSONObject:
    """An item in the form in which it begins: its texts are blank."""
    kind = str(item.get("type"))
    start: JSONObject = {**item, **_BLANK.get(kind, {})}
    if kind == "reasoning":
        start.pop("content", None)
    if "status" in start:
        start["status"] = "in_progress"
    return start


def item_added(item: JSONObject, at: int) -> JSONObject:
    """The event of an item that begins.

    Args:
        item: from `begun`.
        at: the item's position in the response's output.
    """
    return {"type": "response.output_item.added", "output_index": at, "item": item}


def item_done(item: JSONObject, at: int) -> JSONObject:
    """The event of a finished item."""
    return {"type": "response.output_item.done", "output_index": at, "item": item}


def place_of(item: JSONObject, at: int) -> JSONObject:
    """The fields that say which item an event is about."""
    return {"item_id": str(item.get("id") or ""), "output_index": at}


def block_place(place: JSONObject, field: str, number: int) -> JSONObject:
    """The fields that say which block of an item an event is about.

    Args:
        place: the item's fields, from `place_of`.
        field: the item's list, `"summary"` or `"content"`.
        number: the block's position there.
    """
    return {**place, "summary_index" if field == "summary" else "content_index": number}


def block_added(place: JSONObject, block: JSONObject) -> JSONObject:
    """The event of a block that begins.

    Args:
        place: the block's fields, from `block_place`.
        block: the finished block; what its deltas give is left out of it.
    """
    blank: JSONObject = {
        name: "" if name in ("text", "refusal") else [] if name in ("annotations", "logprobs") else value
        for name, value in block.items()
    }
    return {"type": f"response.{_part(place)}.added", **place, "part": blank}


def text_delta(kind: str, place: JSONObject, text: str, **beside: list[JSON]) -> JSONObject:
    """The event of a piece of a block's text.

    Args:
        kind: the block's type.
        place: the block's fields, from `block_place`.
        text: the piece.
        **beside: further fields, such as `logprobs`.
    """
    return {"type": f"response.{_TEXTS[kind][0]}.delta", **place, "delta": text, **beside}


def block_done(place: JSONObject, block: JSONObject) -> Iterator[JSONObject]:
    """The events at the end of a block: its annotations, its text and the whole."""
    kind = str(block.get("type"))
    annotations = block.get("annotations")
    if kind == "output_text" and isinstance(annotations, list):
        for number, annotation in enumerate(annotations):
            noted: JSONObject = {"annotation_index": number, "annotation": annotation}
            yield {"type": "response.output_text.annotation.added", **place, **noted}
    if kind in _TEXTS:
        name, field = _TEXTS[kind]
        beside: JSONObject = {"logprobs": block.get("logprobs") or []} if kind == "output_text" else {}
        yield {"type": f"response.{name}.done", **place, field: block[field], **beside}
    yield {"type": f"response.{_part(place)}.done", **place, "part": block}


def input_delta(kind: str, place: JSONObject, text: str) -> JSONObject:
    """The event of a piece of a call's arguments, or of the input of a server's tool.

    Args:
        kind: the item's type.
        place: the item's fields, from `place_of`.
        text: the piece.
    """
    return {"type": f"response.{_PIECES[kind]}.delta", **place, "delta": text}


def input_done(kind: str, place: JSONObject, field: str, text: str) -> JSONObject:
    """The event at the end of that text.

    Args:
        field: the item's field that has the text.
    """
    return {"type": f"response.{_PIECES[kind]}.done", **place, field: text}


def failure(response: JSONObject, error: JSONObject, status: int) -> Iterator[JSONObject]:
    """The events of an error inside a stream.

    Args:
        response: from `response_object`.
        error: OpenAI's error object.
        status: the HTTP status, which decides the code if the error has none.
    """
    yield {"type": "error", "error": error}
    code = error.get("code") or _FAILED_CODES.get(status, "server_error")
    failed: JSONObject = {"status": "failed", "error": {"code": code, "message": error.get("message")}}
    yield {"type": "response.failed", "response": {**response, **failed}}


def numbered(record: JSONObject, number: int, *, named: bool = True) -> bytes:
    """An event as a server-sent event.

    Args:
        record: the event.
        number: its position in the stream, from 0.
        named: whether the event's type is also sent as its name.
    """
    kind = record["type"]
    data = msgspec.json.encode({"type": kind, "sequence_number": number, **record})
    name = f"event: {kind}\n".encode() if named else b""
    return name + b"data: " + data + b"\n\n"


def _part(place: JSONObject) -> str:
    return "reasoning_summary_part" if "summary_index" in place else "content_part"
