"""Batches of a fake provider, in memory.

Sources: those of `sansio.batches`. A batch is checked as a whole when it is made. An invalid one ends as
`failed`, as at OpenAI and Mistral; OpenRouter and Anthropic refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from sansio.http import Headers, Request, header
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import Refused, refuse
from sansio.testing.prompt import as_object, as_text
from sansio.testing.routes import Route, read_body, split_target
from sansio.testing.script import FakeResponse
from sansio.testing.wires.chat import CREATED

Answer: TypeAlias = Callable[[str, JSONObject, str], FakeResponse]
"""Answers a request of a batch: the wire family that it speaks, its body, and a mark."""

_JSON: Headers = (("content-type", "application/json"),)
_LINES: Headers = (("content-type", "application/octet-stream"),)
_ENDPOINTS = {
    "/v1/chat/completions": "chat",
    "/chat/completions": "chat",
    "/v1/responses": "responses",
    "/v1/messages": "messages",
}
_BOUNDARY = re.compile(r'multipart/form-data;.*boundary="?([^";]+)')
_NAME = re.compile(rb'name="([^"]*)"')
_JOB_WORDS = {
    "in_progress": "RUNNING",
    "cancelling": "CANCELLATION_REQUESTED",
    "completed": "SUCCESS",
    "failed": "FAILED",
    "expired": "TIMEOUT_EXCEEDED",
    "cancelled": "CANCELLED",
}
_SCRIPTED = "The script of the fake provider asks for a failure."
_TIME = "2026-01-01T00:00:00Z"
_ROWS = msgspec.json.Decoder(dict[str, JSON])


class BatchScript(Struct, frozen=True, kw_only=True):
    """How the batches of a fake provider proceed and end.

    Args:
        looks: how many times a client that asks for a batch's status finds it still under way.
        ending: how a batch ends, unless it is cancelled.
        answered: how many requests of a batch, from the first on, are answered; `None` for all. The others
            expire or are cancelled. A batch that failed has no answers.
        reverse: whether the results are in the reverse order of the requests.
        page: how many results a page has, if the provider's results have pages.
    """

    looks: int = 0
    ending: Literal["completed", "failed", "expired", "cancelled"] = "completed"
    answered: int | None = None
    reverse: bool = False
    page: int = 2


DEFAULT_BATCHES = BatchScript()


@dataclass
class _Batch:
    """A batch, and what will become of it."""

    id: str
    endpoint: str
    model: str | None
    input_file: str | None
    looks: int
    ending: str
    error: str | None = None
    cancelled: bool = False
    written: tuple[str | None, str | None] | None = None
    rows: list[tuple[str, FakeResponse | None]] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.looks <= 0

    @property
    def word(self) -> str:
        """OpenAI's word for the batch's state."""
        if not self.over:
            return "cancelling" if self.cancelled else "in_progress"
        return "cancelled" if self.cancelled else self.ending

    def counts(self) -> tuple[int, int]:
        """How many requests have an answer, and how many an error or none: 0 before the end."""
        if not self.over:
            return 0, 0
        answered = sum(response is not None and _is_answer(response) for _, response in self.rows)
        return answered, len(self.rows) - answered


class FakeBatches:
    """The batches and files of one server.

    Args:
        script: how each batch proceeds and ends.
    """

    def __init__(self, script: BatchScript) -> None:
        self._script = script
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, _Batch] = {}

    def serve(self, route: Route, request: Request, answer: Answer) -> FakeResponse:
        """The response to one request.

        Raises:
            Refused: the request is invalid, or names something that is not there.
        """
        match route.deed:
            case "upload":
                return _said(self._upload(request))
            case "download":
                return FakeResponse(headers=_LINES, pieces=(self._file(route.id),))
            case "create":
                batch = self._create(route, request, answer)
                shown = self._shown(route, request, batch)
                batch.looks -= 1
                return _said(shown, 202 if route.type == "openrouter" else 200)
            case "look":
                batch = self._batch(route.id)
                shown = self._shown(route, request, batch)
                batch.looks -= 1
                return _said(shown)
            case "cancel":
                batch = self._batch(route.id)
                batch.cancelled = batch.cancelled or not batch.over
                return _said(self._shown(route, request, batch))
            case _:
                return self._results(route, request)

    def _upload(self, request: Request) -> JSONObject:
        boundary = _BOUNDARY.match(header(request.headers, "content-type") or "")
        if boundary is None:
            raise refuse("A file is sent as multipart/form-data.")
        form: dict[str, bytes] = {}
        for part in request.body.split(b"--" + boundary[1].encode())[1:-1]:
            head, _, data = part.partition(b"\r\n\r\n")
            if (name := _NAME.search(head)) is not None:
                form[name[1].decode()] = data.removesuffix(b"\r\n")
        if form.get("purpose") != b"batch" or "file" not in form:
            raise refuse("A file for batches has the purpose 'batch'.", param="purpose")
        file = self._keep(form["file"])
        return {
            "id": file,
            "object": "file",
            "bytes": len(form["file"]),
            "created_at": CREATED,
            "filename": "requests.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def _keep(self, data: bytes) -> str:
        file = f"file-{len(self._files) + 1}"
        self._files[file] = data
        return file

    def _file(self, id: str | None) -> bytes:
        if id not in self._files:
            raise refuse(f"There is no file {id!r}.", status=404)
        return self._files[id]

    def _batch(self, id: str | None) -> _Batch:
        if id not in self._batches:
            raise refuse(f"There is no batch {id!r}.", status=404)
        return self._batches[id]

    def _create(self, route: Route, request: Request, answer: Answer) -> _Batch:
        body = read_body(request)
        inline = route.type in ("openrouter", "anthropic")
        files = body.get("input_files")
        named = files[0] if isinstance(files, list) and files else body.get("input_file_id")
        file = as_text(named)
        listed = body.get("requests") if inline else _rows(self._file(file))
        if not isinstance(listed, list) or not listed:
            raise refuse("A batch has at least one request.", param="requests")
        rows = [as_object(row) for row in listed]
        endpoint = "/v1/messages" if route.type == "anthropic" else as_text(body.get("endpoint"))
        if endpoint not in _ENDPOINTS:
            raise refuse(f"The endpoint {endpoint!r} takes no batches.", param="endpoint")
        if route.type == "openrouter" and [*body].index("requests") < 2:
            raise refuse("Endpoint and model come before the requests.", param="requests")
        script = self._script
        batch = _Batch(
            id=f"batch_{len(self._batches) + 1}",
            endpoint=endpoint,
            model=as_text(body.get("model")),
            input_file=file,
            looks=script.looks + 1,  # a batch that was just made is never finished
            ending=script.ending,
            error=_SCRIPTED if script.ending == "failed" else None,
        )
        try:
            _check(route, body, rows, endpoint)
        except Refused as refused:
            if inline:
                raise
            batch.ending, batch.error = "failed", refused.failure.message
        count = len(rows) if script.answered is None else script.answered
        for index, row in enumerate(rows):
            custom_id = as_text(row.get("custom_id"))
            said = None
            if batch.ending != "failed" and index < count:
                sent = as_object(row.get("params" if route.type == "anthropic" else "body"))
                if route.type == "openrouter":
                    sent = {"model": batch.model, **sent}
                said = answer(_ENDPOINTS[endpoint], sent, f"{batch.id}-{index}")
            batch.rows.append((custom_id, said))
        self._batches[batch.id] = batch
        return batch

    def _results(self, route: Route, request: Request) -> FakeResponse:
        batch = self._batch(route.id)
        if not batch.over or (route.type == "openrouter" and batch.word == "failed"):
            raise refuse("The batch has no results.", status=404)
        if route.type == "anthropic":
            rows = [_anthropic_row(batch, custom_id, said) for custom_id, said in self._ordered(batch)]
            return FakeResponse(headers=_LINES, pieces=(_lines(rows),))
        ready = [_row(id, said) for id, said in self._ordered(batch) if said is not None]
        begin = int(parse_qs(split_target(request)[1]).get("cursor", ["0"])[0])
        end = begin + self._script.page
        more = end < len(ready)
        page: JSONObject = {"object": "list", "data": [*ready[begin:end]], "has_more": more}
        return _said({**page, "next_cursor": str(end) if more else None})

    def _ordered(self, batch: _Batch) -> Sequence[tuple[str, FakeResponse | None]]:
        return batch.rows[::-1] if self._script.reverse else batch.rows

    def _shown(self, route: Route, request: Request, batch: _Batch) -> JSONObject:
        if route.type == "anthropic":
            return _anthropic_batch(batch, request)
        if route.type == "openrouter":
            return _openrouter_batch(batch)
        output, errors = self._written(batch)
        return _job(batch, output, errors) if route.jobs else _openai_batch(batch, output, errors)

    def _written(self, batch: _Batch) -> tuple[str | None, str | None]:
        """The ids of a finished batch's files: that of answers and that of errors.

        An empty file is not made.
        """
        if not batch.over:
            return None, None
        if batch.written is not None:
            return batch.written
        good: list[JSONObject] = []
        bad: list[JSONObject] = []
        for custom_id, said in self._ordered(batch):
            if said is not None:
                (good if _is_answer(said) else bad).append(_row(custom_id, said))
            elif batch.word == "expired":
                error: JSONObject = {"code": "batch_expired", "message": "The completion window is over."}
                bad.append({"id": None, "custom_id": custom_id, "response": None, "error": error})
        output, errors = (self._keep(_lines(rows)) if rows else None for rows in (good, bad))
        batch.written = output, errors
        return batch.written


def _check(route: Route, body: JSONObject, rows: Sequence[JSONObject], endpoint: str) -> None:
    """Refuse what makes a whole batch invalid."""
    seen: set[str] = set()
    models = {as_text(body.get("model"))} - {""}
    for index, row in enumerate(rows):
        custom_id = as_text(row.get("custom_id"))
        if not custom_id or custom_id in seen:
            raise refuse(f"Request {index} has no custom_id, or that of another request.")
        seen.add(custom_id)
        if route.type == "anthropic":
            if len(custom_id) > 64 or not re.fullmatch(r"[a-zA-Z0-9_-]*", custom_id):
                raise refuse(f"requests.{index}.custom_id: String should have at most 64 characters.")
            continue
        if route.type != "openrouter" and not route.jobs and row.get("url") != endpoint:
            raise refuse(f"Request {index} is for another endpoint.")
        models.add(as_text(as_object(row.get("body")).get("model")) or as_text(body.get("model")))
    if len(models) > 1:
        raise refuse("A batch has requests for one model.")


def _rows(data: bytes) -> list[JSON]:
    try:
        return [_ROWS.decode(line) for line in data.splitlines() if line.strip()]
    except ValueError:
        raise refuse("Each line must be a JSON object.", param="input_file_id") from None


def _is_answer(said: FakeResponse) -> bool:
    return said.status < 400


def _json_in(said: FakeResponse) -> JSONObject | None:
    try:
        return _ROWS.decode(said.body)
    except ValueError:
        return None


_LOST = "The answer was lost."


def _row(custom_id: str, said: FakeResponse) -> JSONObject:
    body = _json_in(said)
    row: JSONObject = {"id": f"batch_req_{custom_id}", "custom_id": custom_id}
    if body is None:
        error: JSONObject = {"code": "server_error", "message": _LOST}
        return {**row, "response": None, "error": error}
    response: JSONObject = {"status_code": said.status, "request_id": f"req_{custom_id}", "body": body}
    return {**row, "response": response, "error": None}


def _anthropic_row(batch: _Batch, custom_id: str, said: FakeResponse | None) -> JSONObject:
    result: JSONObject
    if said is None:
        result = {"type": "canceled" if batch.word == "cancelled" else "expired"}
    elif _is_answer(said) and (message := _json_in(said)) is not None:
        result = {"type": "succeeded", "message": message}
    else:
        lost: JSONObject = {"type": "error", "error": {"type": "api_error", "message": _LOST}}
        result = {"type": "errored", "error": _json_in(said) or lost}
    return {"custom_id": custom_id, "result": result}


def _openai_batch(batch: _Batch, output: str | None, errors: str | None) -> JSONObject:
    answered, failed = batch.counts()
    listed: JSON = None
    if batch.word == "failed":
        listed = {"object": "list", "data": [{"code": "invalid", "message": batch.error, "line": 1}]}
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": listed,
        "input_file_id": batch.input_file,
        "completion_window": "24h",
        "status": batch.word,
        "output_file_id": output,
        "error_file_id": errors,
        "created_at": CREATED,
        "request_counts": {"total": len(batch.rows), "completed": answered, "failed": failed},
    }


def _job(batch: _Batch, output: str | None, errors: str | None) -> JSONObject:
    answered, failed = batch.counts()
    failure: JSON = [{"message": batch.error, "count": 1}] if batch.word == "failed" else []
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "model": batch.model,
        "input_files": [batch.input_file],
        "status": _JOB_WORDS[batch.word],
        "errors": failure,
        "output_file": output,
        "error_file": errors,
        "created_at": CREATED,
        "total_requests": len(batch.rows),
        "completed_requests": answered + failed,
        "succeeded_requests": answered,
        "failed_requests": failed,
    }


def _openrouter_batch(batch: _Batch) -> JSONObject:
    answered, failed = batch.counts()
    error: JSON = {"code": 400, "message": batch.error} if batch.word == "failed" else None
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "model": batch.model,
        "completion_window": "24h",
        "status": batch.word,
        "created_at": CREATED,
        "finalized_at": None,
        "error": error,
        "results": None,
        "usage": None,
        "request_counts": {"total": len(batch.rows), "completed": answered, "failed": failed},
    }


def _anthropic_batch(batch: _Batch, request: Request) -> JSONObject:
    over = batch.over
    host = header(request.headers, "host")
    results = f"{request.scheme}://{host}/v1/messages/batches/{batch.id}/results"
    named = "canceling" if batch.cancelled else "in_progress"
    counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    for _, said in batch.rows:
        if not over:
            counts["processing"] += 1
        elif said is None:
            counts["canceled" if batch.word == "cancelled" else "expired"] += 1
        else:
            counts["succeeded" if _is_answer(said) else "errored"] += 1
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": "ended" if over else named,
        "request_counts": {**counts},
        "created_at": _TIME,
        "expires_at": "2026-01-02T00:00:00Z",
        "ended_at": _TIME if over else None,
        "archived_at": None,
        "cancel_initiated_at": _TIME if batch.word == "cancelled" or batch.cancelled else None,
        "results_url": results if over else None,
    }


def _lines(rows: Sequence[JSONObject]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _said(value: JSONObject, status: int = 200) -> FakeResponse:
    return FakeResponse(status=status, headers=_JSON, pieces=(msgspec.json.encode(value),))
