"""Anthropic's message batches: requests inside the JSON that makes a batch, and a file of results.

Sources: Anthropic's own SDK (`MessageBatch`, `MessageBatchResult`, `BatchCreateParams`) and its page "Batch
processing": 100,000 requests or 256 MB a batch, and results in any order. The service refuses a `custom_id`
of more than 64 letters, digits, `_` and `-`. The address of the results is not taken from the response, since
the key is sent there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec import structs

from sansio.batches.codec import BatchCodec, number, quoted
from sansio.batches.state import BatchPart, BatchStatus
from sansio.content import Message
from sansio.endpoints import Content
from sansio.errors import ProviderError, RemoteProtocolError
from sansio.jsontext import JSONObject

_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_UNANSWERED = {"expired": "expired", "canceled": "cancelled"}


class AnthropicBatches(BatchCodec):
    """One batch is one POST, and may have requests for several models."""

    ENDPOINTS: ClassVar[Mapping[str, str]] = {"messages": "/v1/messages"}
    MOST_REQUESTS = 100_000
    MOST_BYTES = 256_000_000
    ONE_MODEL = False
    STATUSES: ClassVar[Mapping[str, BatchStatus]] = {"canceling": "cancelling", "ended": "completed"}

    def id_fault(self, custom_id: str) -> str | None:
        if _CUSTOM_ID.fullmatch(custom_id):
            return None
        return "is refused by Anthropic; use 1 to 64 letters, digits, _ and -"

    def line(self, custom_id: str, body: JSONObject) -> JSONObject:
        return {"custom_id": custom_id, "params": body}

    def url(self, *steps: str) -> str:
        base = f"{self.dialect.build_endpoint()}/batches"
        return f"{base}/{quoted(*steps)}" if steps else base

    def body(self, part: BatchPart, lines: Sequence[bytes]) -> JSONObject | Content:
        return Content("application/json", b"".join((b'{"requests":[', b",".join(lines), b"]}")))

    def files(self, part: BatchPart) -> tuple[str, ...]:
        return (self.url(part.id, "results"),)

    def read_batch(self, part: BatchPart, data: JSONObject) -> BatchPart:
        counts = data.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        seen = self.updated(part, data, data.get("processing_status"))
        cancelled = seen.status == "completed" and data.get("cancel_initiated_at") is not None
        return structs.replace(
            seen,
            status="cancelled" if cancelled else seen.status,
            answered=number(counts.get("succeeded")),
            failed=sum(number(counts.get(kind)) for kind in ("errored", "canceled", "expired")),
        )

    def read_row(self, part: BatchPart, row: JSONObject) -> Message | ProviderError:
        result = row.get("result")
        if not isinstance(result, dict):
            return RemoteProtocolError("the row has no result")
        kind = result.get("type")
        if isinstance(kind, str) and kind in _UNANSWERED:
            return self.unanswered(part, _UNANSWERED[kind])
        if kind == "succeeded":
            return self.answer(part, result.get("message"))
        error = self.dialect.error_in(result.get("error"))
        return error or RemoteProtocolError(f"the result is of an unknown type, {kind!r}")
