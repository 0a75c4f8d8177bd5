"""OpenRouter's batches: requests inside the JSON that makes a batch, and results in pages.

Sources: OpenRouter's API reference ("Create a batch", "Get a batch", "Get batch results"), its SDK's types
(`BatchObject`, `BatchResultsPageResponse`, `BatchResult`), and its "Batch API Quickstart": one endpoint and
one model a batch, which are written before the requests, since the server reads them first. Neither names a
limit of requests, so OpenAI's are kept, nor an endpoint that cancels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlencode

import msgspec
from msgspec import structs

from sansio.batches.codec import BatchCodec, Page, quoted
from sansio.batches.state import BatchPart
from sansio.endpoints import Content, Endpoint, rows_of
from sansio.errors import InvalidRequestError, RemoteProtocolError
from sansio.families.fields import text_or_none
from sansio.jsontext import JSONObject


class OpenRouterBatches(BatchCodec):
    """One batch is one POST."""

    ENDPOINTS: ClassVar[Mapping[str, str]] = {
        "chat": "/v1/chat/completions",
        "responses": "/v1/responses",
        "messages": "/v1/messages",
    }
    MOST_REQUESTS = 50_000
    MOST_BYTES = 200_000_000

    def line(self, custom_id: str, body: JSONObject) -> JSONObject:
        return {"custom_id": custom_id, "body": body}

    def url(self, *steps: str) -> str:
        base = f"{self.dialect.config.base_url}/batches"
        return f"{base}/{quoted(*steps)}" if steps else base

    def body(self, part: BatchPart, lines: Sequence[bytes]) -> JSONObject | Content:
        head = {"endpoint": self.endpoint, "model": part.model, "completion_window": "24h"}
        begun = msgspec.json.encode(head).removesuffix(b"}")
        return Content("application/json", b"".join((begun, b',"requests":[', b",".join(lines), b"]}")))

    def cancel(self, part: BatchPart) -> Endpoint[BatchPart]:
        raise InvalidRequestError(
            "batches.cancel: openrouter has no endpoint for it; a batch ends by itself within 24 hours"
        )

    def page(self, part: BatchPart, cursor: str | None) -> Endpoint[Page] | None:
        query = "" if cursor is None else f"?{urlencode({'cursor': cursor})}"
        return Endpoint(f"{self.url(part.id, 'results')}{query}", _read_page)

    def read_batch(self, part: BatchPart, data: JSONObject) -> BatchPart:
        error = data.get("error")
        words = text_or_none(error.get("message")) if isinstance(error, dict) else None
        return structs.replace(self.counted(part, data), error=words)


def _read_page(data: JSONObject) -> Page:
    cursor = text_or_none(data.get("next_cursor"))
    if data.get("has_more") is True and cursor is None:
        raise RemoteProtocolError("there are more results (has_more), but next_cursor does not say where")
    return Page(tuple(rows_of(data)), cursor)
