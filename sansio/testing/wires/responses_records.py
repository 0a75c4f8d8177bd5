"""Responses of any items, whole and as the events that give them: for what no `Answer` says.

Sources: the event types of OpenAI's SDK (`ResponseStreamEvent`), and recorded streams.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from sansio.jsontext import JSON, JSONObject

_BLANK: dict[str, JSONObject] = {
    "message": {"content": []},
    "reasoning": {"summary": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
    "code_interpreter_call": {"code": "", "outputs": []},
    "mcp_call": {"arguments": "", "output": None},
}
"""What is blank in an item that begins, by its type."""

_GIVEN = {
    "function_call": ("function_call_arguments", "arguments"),
    "custom_tool_call": ("custom_tool_call_input", "input"),
    "code_interpreter_call": ("code_interpreter_call_code", "code"),
    "mcp_call": ("mcp_call_arguments", "arguments"),
}
"""Items with a text that arrives in pieces: the events' name, and the field."""

_BLOCKS = {
    "output_text": ("output_text", "content_part", "content_index", "text"),
    "refusal": ("refusal", "content_part", "content_index", "refusal"),
    "reasoning_text": ("reasoning_text", "content_part", "content_index", "text"),
    "summary_text": ("reasoning_summary_text", "reasoning_summary_part", "summary_index", "text"),
}
"""Blocks of an item: the names of the events of the text and of the block, the field of its place, and that
of its text."""


def response_object(
    items: Sequence[JSONObject], *, response_id: str, model: str, status: str = "completed", **more: JSON
) -> JSONObject:
    """A whole response.

    Args:
        items: its output.
        status: as in the wire.
        **more: further fields, such as `usage`.
    """
    output: list[JSON] = [*items]
    return {
        "id": response_id,
        "object": "response",
        "created_at": 1_767_225_600,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": output,
        "usage": None,
        **more,
    }


def write_events(records: Sequence[JSONObject]) -> tuple[bytes, ...]:
    """Events as server-sent events, numbered and named by their type."""
    return tuple(
        b"event: %b\ndata: %b\n\n"
        % (str(record["type"]).encode(), msgspec.json.encode({**record, "sequence_number": number}))
        for number, record in enumerate(records)
    )


def response_events(response: JSONObject, *, piece: int = 8) -> list[JSONObject]:
    """The events of a response, the last of which has it whole.

    Args:
        response: see `response_object`. Its items need an `id`.
        piece: characters of a text in one delta.
    """
    begun: JSONObject = {**response, "status": "in_progress", "output": [], "usage": None}
    begun["incomplete_details"] = None
    records: list[JSONObject] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    output = response["output"]
    assert isinstance(output, list)
    for at, item in enumerate(output):
        assert isinstance(item, dict)
        records += _item_events(item, at, piece)
    last = "incomplete" if response["status"] == "incomplete" else "completed"
    return [*records, {"type": f"response.{last}", "response": response}]


def _item_events(item: JSONObject, at: int, piece: int) -> Iterator[JSONObject]:
    kind = str(item["type"])
    start: JSONObject = {**item, **_BLANK.get(kind, {})}
    if "status" in item:
        start["status"] = "in_progress"
    yield {"type": "response.output_item.added", "output_index": at, "item": start}
    place: JSONObject = {"item_id": item["id"], "output_index": at}
    if kind in _GIVEN:
        name, field = _GIVEN[kind]
        text = str(item[field])
        for part in _cut(text, piece):
            yield {"type": f"response.{name}.delta", **place, "delta": part}
        yield {"type": f"response.{name}.done", **place, field: text}
    for field in ("summary", "content"):
        blocks = item.get(field) if kind in ("message", "reasoning") else None
        for number, block in enumerate(blocks if isinstance(blocks, list) else ()):
            assert isinstance(block, dict)
            yield from _block_events(block, number, place, piece)
    yield {"type": "response.output_item.done", "output_index": at, "item": item}


def _block_events(block: JSONObject, number: int, place: JSONObject, piece: int) -> Iterator[JSONObject]:
    name, part, index, field = _BLOCKS[str(block["type"])]
    place = {**place, index: number}
    yield {"type": f"response.{part}.added", **place, "part": {**block, field: ""}}
    text = str(block[field])
    beside: JSONObject = {"logprobs": []} if name == "output_text" else {}
    for said in _cut(text, piece):
        yield {"type": f"response.{name}.delta", **place, "delta": said, **beside}
    yield {"type": f"response.{name}.done", **place, field: text, **beside}
    yield {"type": f"response.{part}.done", **place, "part": block}


def _cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]
