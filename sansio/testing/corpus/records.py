"""Builds the records of each wire, for the cases that are made by hand."""

from __future__ import annotations

import msgspec

from sansio.errors import LimitExceededError, ProviderError, RemoteProtocolError, StreamTruncatedError
from sansio.events import StreamEvent, StreamFailed
from sansio.jsontext import JSON, JSONObject
from sansio.testing.corpus.plain import outcome

TRUNCATED = StreamTruncatedError("the stream ended")
MALFORMED = RemoteProtocolError("malformed")
LIMIT = LimitExceededError("too much", field="max_json_depth")


def data(*records: JSONObject | str) -> bytes:
    """Events without names; a text is sent as it is."""
    return b"".join(b"data: %b\n\n" % _text(record) for record in records)


def named(*records: JSONObject) -> bytes:
    """Events with their types as names, as Anthropic sends them."""
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (str(record["type"]).encode(), _text(record)) for record in records
    )


def _text(record: JSONObject | str) -> bytes:
    return record.encode() if isinstance(record, str) else msgspec.json.encode(record)


def broken(error: ProviderError, *events: StreamEvent) -> JSONObject:
    """The meaning of a stream that gives these events and then fails with this error."""
    return outcome([*events, StreamFailed(error)])


def chunk(delta: JSON, finish: str | None = None, **more: JSON) -> JSONObject:
    """A chunk of a chat completion with one choice."""
    choice: JSONObject = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **more}


def text_chunk(text: str, finish: str | None = None) -> JSONObject:
    """A chunk with a piece of text."""
    return chunk({"content": text}, finish)


def calls_chunk(*calls: JSONObject) -> JSONObject:
    """A chunk with pieces of tool calls."""
    return chunk({"tool_calls": list[JSON](calls)})


def call_piece(arguments: JSON, *, name: str | None = None, **more: JSON) -> JSONObject:
    """A piece of a tool call. Only the given fields are sent."""
    function: JSONObject = (
        {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    )
    return {**more, "function": function}


def message_start(**more: JSON) -> JSONObject:
    """Anthropic's first event."""
    message: JSONObject = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 9, "output_tokens": 1},
        **more,
    }
    return {"type": "message_start", "message": message}


def block(index: int, content: JSONObject, *deltas: JSONObject) -> list[JSONObject]:
    """The events of one of Anthropic's blocks."""
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *(block_delta(index, delta) for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def block_delta(index: int, delta: JSONObject) -> JSONObject:
    """A piece of one of Anthropic's blocks."""
    return {"type": "content_block_delta", "index": index, "delta": delta}


def text_block(index: int, *pieces: str) -> list[JSONObject]:
    """The events of a block of text."""
    deltas: list[JSONObject] = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas)


def use_block(index: int, id: str, name: str, *pieces: str) -> list[JSONObject]:
    """The events of a block with a tool call."""
    deltas: list[JSONObject] = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return block(index, {"type": "tool_use", "id": id, "name": name, "input": {}}, *deltas)


def message_end(reason: str | None = "end_turn", output_tokens: int = 5) -> list[JSONObject]:
    """Anthropic's last two events."""
    delta: JSONObject = {"stop_reason": reason, "stop_sequence": None}
    return [
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": output_tokens}},
        {"type": "message_stop"},
    ]


def response(status: str, *output: JSONObject, **more: JSON) -> JSONObject:
    """A response object."""
    return {
        "id": "resp_1",
        "object": "response",
        "status": status,
        "model": "m",
        "output": list[JSON](output),
        **more,
    }


def of_response(name: str, status: str, *output: JSONObject, **more: JSON) -> JSONObject:
    """An event that has the response in it."""
    return {"type": f"response.{name}", "response": response(status, *output, **more)}


def of_item(name: str, item: JSONObject, at: int = 0) -> JSONObject:
    """The beginning (`added`) or end (`done`) of an item."""
    return {"type": f"response.output_item.{name}", "output_index": at, "item": item}


def piece(name: str, delta: str, at: int = 0, **more: JSON) -> JSONObject:
    """A piece of an item, such as of its `output_text`."""
    return {"type": f"response.{name}.delta", "output_index": at, "delta": delta, **more}


def message_item(*texts: str, status: str = "completed") -> JSONObject:
    """An item with the model's words."""
    content: list[JSON] = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": status, "content": content}


def call_item(arguments: str, *, id: str = "call_1", name: str = "weather") -> JSONObject:
    """An item with a tool call."""
    return {"type": "function_call", "id": f"fc_{id}", "call_id": id, "name": name, "arguments": arguments}
