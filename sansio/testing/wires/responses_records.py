"""Responses of any items, whole and as events: for content that an `Answer` cannot express."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sansio.families.responses import records as written
from sansio.jsontext import JSON, JSONObject
from sansio.testing.wires.chat import CREATED
from sansio.testing.wires.responses_items import begun

_INPUTS = {**written.ARGUMENTS, "code_interpreter_call": "code", "mcp_call": "arguments"}
"""Items with a text that arrives in pieces, and the field that has it."""
_TEXTS = {"output_text": "text", "refusal": "refusal", "summary_text": "text", "reasoning_text": "text"}
"""Blocks of an item, and the field that has their text."""


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
    begun = written.response_object(response_id, model, CREATED)
    return {**begun, "status": status, "output": output, **more}


def write_events(records: Sequence[JSONObject]) -> tuple[bytes, ...]:
    """Events as server-sent events, numbered and named by their type."""
    return tuple(written.numbered(record, number) for number, record in enumerate(records))


def response_events(response: JSONObject, *, piece: int = 8) -> list[JSONObject]:
    """The events of a response. The last one has the whole response.

    Args:
        response: see `response_object`. Its items need an `id`.
        piece: characters of a text in one delta.
    """
    start: JSONObject = {**response, "status": "in_progress", "output": [], "usage": None}
    start["incomplete_details"] = None
    records: list[JSONObject] = [
        {"type": "response.created", "response": start},
        {"type": "response.in_progress", "response": start},
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
    yield written.item_added(begun(item), at)
    place = written.place_of(item, at)
    if (field := _INPUTS.get(kind)) is not None:
        text = str(item[field])
        for part in _cut(text, piece):
            yield written.input_delta(kind, place, part)
        yield written.input_done(kind, place, field, text)
    for field in ("summary", "content"):
        blocks = item.get(field) if kind in ("message", "reasoning") else None
        for number, block in enumerate(blocks if isinstance(blocks, list) else ()):
            assert isinstance(block, dict)
            yield from _block_events(block, written.block_place(place, field, number), piece)
    yield written.item_done(item, at)


def _block_events(block: JSONObject, place: JSONObject, piece: int) -> Iterator[JSONObject]:
    kind = str(block["type"])
    yield written.block_added(place, block)
    for said in _cut(str(block[_TEXTS[kind]]), piece):
        beside: dict[str, list[JSON]] = {"logprobs": []} if kind == "output_text" else {}
        yield written.text_delta(kind, place, said, **beside)
    yield from written.block_done(place, block)


def _cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]
