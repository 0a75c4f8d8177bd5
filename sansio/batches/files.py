"""Batches of requests in a file: OpenAI's, and those of providers that took over their form.

Sources: OpenAI's API reference and SDK ("Batches", "Files": 50,000 requests and 200 MB a batch, all for one
model) and its guide "Batch API" (expired requests are in the error file, with the code `batch_expired`);
Microsoft Foundry's REST reference ("Batches - Create batch": the same limits) and its how-to "Batch" (the
deployment is the model, and the classic surface leaves `/v1` out); Groq, "Batch Processing" (the same
limits); Mistral, "Batch Inference", and its OpenAPI description (`BatchJobOut`; a million requests a job, and
512 MB a file).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec import structs

from sansio.batches.codec import BatchCodec, no_batches, number, quoted
from sansio.batches.state import BatchPart, BatchStatus
from sansio.endpoints import Content, Endpoint
from sansio.errors import RemoteProtocolError
from sansio.families.base import Dialect
from sansio.families.beside import OpenAIEndpoints
from sansio.families.fields import text_or_none
from sansio.jsontext import JSON, JSONObject
from sansio.providers.hosts import is_v1


class OpenAIBatches(BatchCodec):
    """OpenAI's, and Groq's: a file of requests is uploaded; a file of answers and one of errors result."""

    ENDPOINTS: ClassVar[Mapping[str, str]] = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}
    MOST_REQUESTS = 50_000
    MOST_BYTES = 200_000_000
    PATH: ClassVar[str] = "batches"
    """Where the batches are, below the address of the API."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        if not isinstance(dialect, OpenAIEndpoints):
            raise no_batches(dialect)
        self._urls = dialect

    def line(self, custom_id: str, body: JSONObject) -> JSONObject:
        return {"custom_id": custom_id, "method": "POST", "url": self.endpoint, "body": body}

    def upload(self, lines: Sequence[bytes]) -> Endpoint[str] | None:
        return Endpoint(self._urls.url_of("files"), _read_file, _form(b"\n".join(lines) + b"\n"))

    def url(self, *steps: str) -> str:
        return self._urls.url_of(f"{self.PATH}/{quoted(*steps)}" if steps else self.PATH)

    def body(self, part: BatchPart, lines: Sequence[bytes]) -> JSONObject | Content:
        return {"input_file_id": part.input_file, "endpoint": self.endpoint, "completion_window": "24h"}

    def files(self, part: BatchPart) -> tuple[str, ...]:
        return tuple(self._content(id) for id in (part.output_file, part.error_file) if id)

    def requests_file(self, part: BatchPart) -> str | None:
        return self._content(part.input_file) if part.input_file else None

    def read_batch(self, part: BatchPart, data: JSONObject) -> BatchPart:
        errors = data.get("errors")
        return structs.replace(
            self.counted(part, data),
            output_file=text_or_none(data.get("output_file_id")),
            error_file=text_or_none(data.get("error_file_id")),
            error=_first_message(errors.get("data") if isinstance(errors, dict) else None),
        )

    def _content(self, file: str) -> str:
        return self._urls.url_of(f"files/{quoted(file)}/content")


class AzureBatches(OpenAIBatches):
    """Azure's: the deployment is the model, and it must be one for batches."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        if dialect.API == "chat" and not is_v1(dialect.config):
            self.endpoint = "/chat/completions"

    def model_of(self, body: JSONObject, asked: str | None) -> str | None:
        return asked or self.dialect.config.deployment or super().model_of(body, asked)


class MistralBatches(OpenAIBatches):
    """Mistral's: jobs, with other words for the same facts."""

    MOST_REQUESTS = 1_000_000
    MOST_BYTES = 512_000_000
    STATUSES: ClassVar[Mapping[str, BatchStatus]] = {
        "CANCELLATION_REQUESTED": "cancelling",
        "SUCCESS": "completed",
        "FAILED": "failed",
        "TIMEOUT_EXCEEDED": "expired",
        "CANCELLED": "cancelled",
    }
    PATH = "batch/jobs"

    def line(self, custom_id: str, body: JSONObject) -> JSONObject:
        return {"custom_id": custom_id, "body": body}

    def body(self, part: BatchPart, lines: Sequence[bytes]) -> JSONObject | Content:
        return {
            "input_files": [part.input_file],
            "endpoint": self.endpoint,
            "model": part.model,
            "timeout_hours": 24,
        }

    def read_batch(self, part: BatchPart, data: JSONObject) -> BatchPart:
        return structs.replace(
            self.updated(part, data, data.get("status")),
            answered=number(data.get("succeeded_requests")),
            failed=number(data.get("failed_requests")),
            output_file=text_or_none(data.get("output_file")),
            error_file=text_or_none(data.get("error_file")),
            error=_first_message(data.get("errors")),
        )


def _read_file(data: JSONObject) -> str:
    file = text_or_none(data.get("id"))
    if file is None:
        raise RemoteProtocolError("the response to an upload has no id of the file")
    return file


def _first_message(errors: JSON) -> str | None:
    first = errors[0] if isinstance(errors, list) and errors else None
    return text_or_none(first.get("message")) if isinstance(first, dict) else None


def _form(lines: bytes) -> Content:
    """A file for batches as `multipart/form-data` (RFC 7578)."""
    # The data cannot in practice contain its own hash, and the same requests give the same bytes.
    boundary = f"sansio-{hashlib.sha256(lines).hexdigest()[:32]}"
    fields = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="requests.jsonl"\r\n'
        "Content-Type: application/jsonl\r\n\r\n"
    )
    data = b"".join((fields.encode(), lines, f"\r\n--{boundary}--\r\n".encode()))
    return Content(f"multipart/form-data; boundary={boundary}", data)
