"""Claude's messages as Amazon Bedrock's InvokeModel has them: events in chunks, and the version in the body.

Sources: the reference of Amazon Bedrock's runtime ("InvokeModel", "InvokeModelWithResponseStream"), its user
guide ("Anthropic Claude Messages API"), and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import structs

from sansio.content import Message
from sansio.families.fields import base64_text
from sansio.http import Request
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import refuse
from sansio.testing.prompt import Prompt, as_object, as_objects, as_text
from sansio.testing.records import data_of, read_records
from sansio.testing.routes import Route, split_target
from sansio.testing.script import Delta, Failure
from sansio.testing.wires.messages import encode_message_events
from sansio.testing.wires.messages_fields import STRICT_VERSION, check, version_of
from sansio.testing.wires.messages_requests import read_messages
from sansio.testing.wires.runtime import asks_for_stream, exception, frame, model_of

METRICS = "amazon-bedrock-invocationMetrics"
"""The field of the last event in which Bedrock has its own counts; a message has it in its `extra`."""
_OWN_VERSION = "bedrock-2023-05-31"
_FIRST_STRICT = (4, 7)
_NOT_HERE = ("model", "stream", "container", "mcp_servers", "inference_geo", "service_tier", "speed",
             "workspace_id")  # fmt: skip


def encode_chunks(
    type: str, deltas: Sequence[Delta], head: Message, end: Message | Failure | None, usage: bool
) -> tuple[bytes, ...]:
    """A stream as binary frames, each with one of Anthropic's events.

    Args:
        head: as for `encode_message_events`.
        end: the whole message, an error inside the stream, or `None` for a truncated stream.
        usage: ignored, since the usage is always sent.

    Raises:
        ValueError: as for `encode_message_events`.
    """
    metrics: JSON = None
    failure = end if isinstance(end, Failure) else None
    if isinstance(end, Message):
        metrics = end.extra.get(METRICS)
        extra = {name: value for name, value in end.extra.items() if name != METRICS}
        end = structs.replace(end, extra=extra)
    events = encode_message_events(type, deltas, head, None if failure else end, usage)
    records = [msgspec.json.decode(data_of(record), type=dict[str, JSON]) for record in read_records(events)]
    if metrics is not None:
        records[-1][METRICS] = metrics
    pieces = [chunk(record) for record in records if record["type"] != "ping"]
    return tuple(pieces if failure is None else [*pieces, exception(failure)])


def chunk(record: JSONObject) -> bytes:
    """One of Anthropic's events as a frame."""
    return frame("chunk", {"bytes": base64_text(msgspec.json.encode(record))})


def read_invoke_request(route: Route, request: Request, body: JSONObject) -> Prompt:
    """Check a request and return what the model sees of it.

    Raises:
        Refused: with Bedrock's status and the path of the faulty field.
    """
    return read_invoke(split_target(request)[0], body)


def read_invoke(path: str, body: JSONObject) -> Prompt:
    """Check the body of a request, and return what the model sees of it.

    Args:
        path: has the model, and says whether a stream is asked for.
        body: the body.

    Raises:
        Refused: as for `read_invoke_request`.
    """
    body = dict(body)
    model = model_of(path)
    for name in _NOT_HERE:
        if name in body:
            raise refuse(f"{name}: Extra inputs are not permitted")
    version = _date_of(body.pop("anthropic_version", None), model)
    betas = body.pop("anthropic_beta", [])
    check(betas, list[str], "anthropic_beta")
    for index, message in enumerate(as_objects(body.get("messages"))):
        _check_sources(message.get("content"), f"messages.{index}.content")
    body |= {"model": model, "stream": asks_for_stream(path)}
    return read_messages(body, version, beta=bool(betas))


def _date_of(version: JSON, model: str) -> str:
    """The date of the version that a body names."""
    if version == _OWN_VERSION:
        return "2023-06-01"
    known = version_of(model)
    if version == STRICT_VERSION and (known is None or known >= _FIRST_STRICT):
        return STRICT_VERSION
    raise refuse(f"anthropic_version: must be {_OWN_VERSION}, or {STRICT_VERSION} for newer models.")


def _check_sources(content: Any, path: str) -> None:  # Any: JSON of any kind
    """Refuse files that are given by their address or id, also in results of tools."""
    for position, block in enumerate(as_objects(content)):
        where = f"{path}.{position}"
        if as_text(as_object(block.get("source")).get("type")) in ("url", "file"):
            raise refuse(f"{where}.source: URL sources are not supported")
        _check_sources(block.get("content"), f"{where}.content")
