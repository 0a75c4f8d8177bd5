"""What each provider says of its batches: limits, addresses, words and rows."""

from __future__ import annotations

import json
import re
import string
from typing import Any, TypeAlias

import pytest

from sansio import (
    APIStatusError,
    BatchPart,
    BatchRequest,
    InvalidRequestError,
    Message,
    Provider,
    ProviderError,
    RemoteProtocolError,
    UnansweredError,
)
from sansio.batches.codec import BatchCodec, Page, codec_for
from sansio.endpoints import Content, Endpoint
from tests.sansio.batches.driving import FILES, KINDS, batches, config_of, fake_of, perform
from tests.support import for_each

Record: TypeAlias = dict[str, Any]  # Any: JSON as a provider might send it

PART = BatchPart(id="b/1", count=2, digest="", model="m")
LINES = [b'{"a":1}', b'{"a":2}']


def codec_of(kind: str) -> BatchCodec:
    return codec_for(Provider(config_of(kind)).dialect)


def outcome(kind: str, row: Record, **fields: Any) -> Message | ProviderError:
    part = BatchPart(id="b", count=2, digest="", **fields)
    return codec_of(kind).result(part, {"custom_id": "a", **row}).outcome


LIMITS = {
    # OpenAI's guide "Batch API" and Azure's how-to "Batch": 50,000 requests, 200 MB.
    **dict.fromkeys(
        ("openai", "openai/responses", "azure", "azure/responses", "groq"), (50_000, 200_000_000)
    ),
    # Mistral's "Batch Inference": a million requests, and 512 MB a file.
    "mistral": (1_000_000, 512_000_000),
    # Anthropic's "Batch processing": 100,000 requests or 256 MB.
    "anthropic": (100_000, 256_000_000),
    "openrouter": (50_000, 200_000_000),
}


@for_each(LIMITS)
def test_a_batch_is_not_larger_than_its_provider_takes(kind: str) -> None:
    codec = codec_of(kind)
    assert LIMITS[kind] == (codec.MOST_REQUESTS, codec.MOST_BYTES)


API = "https://api.openai.com/v1"
CLASSIC = "https://res.openai.azure.com/openai"
ADDRESSES: dict[str, tuple[str, str, str]] = {
    "openai": (f"{API}/batches", "", "/v1/chat/completions"),
    "openai/responses": (f"{API}/batches", "", "/v1/responses"),
    "azure": (f"{CLASSIC}/batches", "?api-version=2024-10-21", "/chat/completions"),
    "azure v1": (f"{CLASSIC}/v1/batches", "", "/v1/chat/completions"),
    "groq": ("https://api.groq.com/openai/v1/batches", "", "/v1/chat/completions"),
    "mistral": ("https://api.mistral.ai/v1/batch/jobs", "", "/v1/chat/completions"),
    "openrouter": ("https://openrouter.ai/api/v1/batches", "", "/v1/chat/completions"),
    "openrouter/responses": ("https://openrouter.ai/api/v1/batches", "", "/v1/responses"),
    "openrouter/messages": ("https://openrouter.ai/api/v1/batches", "", "/v1/messages"),
    "anthropic": ("https://api.anthropic.com/v1/messages/batches", "", "/v1/messages"),
}
"""Where the batches are, the query, and the endpoint that is named for the requests."""


@for_each(ADDRESSES)
def test_each_call_of_a_batch_is_at_its_address(kind: str) -> None:
    codec = codec_of(kind)
    address, query, named = ADDRESSES[kind]
    made = codec.create(PART, LINES)
    assert (made.url, made.once) == (f"{address}{query}", True)
    look = codec.look(PART)
    assert (look.url, look.body, look.once) == (f"{address}/b%2F1{query}", None, False)
    if not kind.startswith("openrouter"):
        cancel = codec.cancel(PART)
        assert (cancel.url, cancel.body) == (f"{address}/b%2F1/cancel{query}", {})
    assert codec.endpoint == named


def sent(body: object) -> Record:
    if isinstance(body, Content):
        assert body.type == "application/json"
        return dict(json.loads(body.data))
    assert isinstance(body, dict)
    return body


@for_each([*KINDS])
def test_what_makes_a_batch_is_in_its_provider_s_form(kind: str) -> None:
    codec = codec_of(kind)
    part = BatchPart(id="", count=2, digest="", model="m", input_file="f")
    body = sent(codec.body(part, LINES))
    line = codec.line("a", {"x": 1})
    rows = [{"a": 1}, {"a": 2}]
    match kind.partition("/")[0]:
        case "anthropic":
            assert (body, line) == ({"requests": rows}, {"custom_id": "a", "params": {"x": 1}})
            assert codec.upload(LINES) is None
        case "openrouter":
            head = {"endpoint": codec.endpoint, "model": "m", "completion_window": "24h"}
            assert (body, line) == ({**head, "requests": rows}, {"custom_id": "a", "body": {"x": 1}})
            assert [*body][-1] == "requests"
            assert codec.upload(LINES) is None
        case "mistral":
            form = {"input_files": ["f"], "endpoint": codec.endpoint, "model": "m", "timeout_hours": 24}
            assert (body, line) == (form, {"custom_id": "a", "body": {"x": 1}})
        case _:
            form = {"input_file_id": "f", "endpoint": codec.endpoint, "completion_window": "24h"}
            row = {"custom_id": "a", "method": "POST", "url": codec.endpoint, "body": {"x": 1}}
            assert (body, line) == (form, row)


@for_each(FILES)
def test_a_file_of_requests_is_uploaded_as_a_form(kind: str) -> None:
    upload = codec_of(kind).upload(LINES)
    assert upload is not None
    assert upload.url.partition("?")[0].endswith("/files")
    assert isinstance(upload.body, Content)
    kind_of_body, _, boundary = upload.body.type.partition("; boundary=")
    assert kind_of_body == "multipart/form-data"
    assert 0 < len(boundary) <= 70  # RFC 2046
    empty, purpose, file, end = upload.body.data.split(f"--{boundary}".encode())
    assert (empty, end) == (b"", b"--\r\n")
    assert purpose == b'\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    head, _, data = file.partition(b"\r\n\r\n")
    assert b'name="file"; filename="requests.jsonl"' in head
    assert data == b"".join(line + b"\n" for line in LINES) + b"\r\n"
    assert upload.read({"id": "f"}) == "f"
    other = codec_of(kind).upload(LINES[:1])
    assert other is not None
    assert isinstance(other.body, Content)
    assert other.body.type != upload.body.type


OPENAI = {
    # The SDK's type `Batch`.
    "validating": "running",
    "in_progress": "running",
    "finalizing": "running",
    "cancelling": "cancelling",
    "completed": "completed",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
}
WORDS: dict[str, dict[str, str]] = {
    **dict.fromkeys(("openai", "azure", "groq", "openrouter"), OPENAI),
    "mistral": {
        # `BatchJobStatus` of its OpenAPI description.
        "QUEUED": "running",
        "RUNNING": "running",
        "SUCCESS": "completed",
        "FAILED": "failed",
        "TIMEOUT_EXCEEDED": "expired",
        "CANCELLATION_REQUESTED": "cancelling",
        "CANCELLED": "cancelled",
    },
    # `MessageBatch.processing_status`.
    "anthropic": {"in_progress": "running", "canceling": "cancelling", "ended": "completed"},
}


@for_each([(kind, word) for kind, words in WORDS.items() for word in words])
def test_each_word_of_a_provider_has_its_meaning(case: tuple[str, str]) -> None:
    kind, word = case
    field = "processing_status" if kind == "anthropic" else "status"
    read = codec_of(kind).read_batch(BatchPart(id="b", count=2, digest="d"), {"id": "b", field: word})
    assert (read.status, read.said) == (WORDS[kind][word], word)
    assert (read.id, read.count, read.digest) == ("b", 2, "d")
    assert (read.answered, read.failed, read.error) == (0, 0, None)
    assert (read.output_file, read.error_file) == (None, None)


READ: dict[str, tuple[Record, Record]] = {
    "openai": (
        {
            "status": "failed",
            "request_counts": {"total": 9, "completed": 4, "failed": 5},
            "output_file_id": "o",
            "error_file_id": "e",
            "errors": {"object": "list", "data": [{"message": "first"}, {"message": "second"}]},
        },
        {"answered": 4, "failed": 5, "output_file": "o", "error_file": "e", "error": "first"},
    ),
    "mistral": (
        {
            "status": "FAILED",
            "total_requests": 9,
            "succeeded_requests": 4,
            "failed_requests": 5,
            "output_file": "o",
            "error_file": "e",
            "errors": [{"message": "first", "count": 1}],
        },
        {"answered": 4, "failed": 5, "output_file": "o", "error_file": "e", "error": "first"},
    ),
    "openrouter": (
        {"status": "failed", "request_counts": {"completed": 4, "failed": 5}, "error": {"message": "first"}},
        {"answered": 4, "failed": 5, "error": "first"},
    ),
    "anthropic": (
        {
            "processing_status": "ended",
            "request_counts": {"processing": 7, "succeeded": 4, "errored": 1, "canceled": 2, "expired": 3},
            "cancel_initiated_at": "2026-01-01T00:00:00Z",
        },
        {"answered": 4, "failed": 6, "status": "cancelled"},
    ),
}
"""A response about a batch, and what is read from it."""


@for_each(READ)
def test_a_response_about_a_batch_is_read(kind: str) -> None:
    data, wanted = READ[kind]
    read = codec_of(kind).read_batch(BatchPart(id="", count=9, digest="d"), {"id": "new", **data})
    assert read.id == "new"
    assert {name: getattr(read, name) for name in wanted} == wanted


@for_each([None, "x", -1, 1.5, True, [1], {}])
def test_a_value_that_is_not_a_count_is_ignored(count: object) -> None:
    counts: Record = {
        "request_counts": {"completed": count, "failed": count, "succeeded": count, "expired": count}
    }
    for kind in ("openai", "anthropic"):
        said: Record = {"id": "b", "status": "completed", "processing_status": "ended", **counts}
        read = codec_of(kind).read_batch(PART_B, said)
        assert (read.answered, read.failed) == (0, 0)


PART_B = BatchPart(id="b", count=2, digest="")


CANCELS: list[Record] = [
    {"cancel_initiated_at": None},
    {"processing_status": "canceling", "cancel_initiated_at": "x"},
]


@for_each(CANCELS)
def test_a_batch_of_anthropic_s_is_cancelled_only_at_its_end(fields: Record) -> None:
    read = codec_of("anthropic").read_batch(PART_B, {"id": "b", "processing_status": "ended", **fields})
    assert read.status == ("completed" if fields["cancel_initiated_at"] is None else "cancelling")


def test_a_file_of_results_and_one_of_requests_are_at_their_addresses() -> None:
    part = BatchPart(id="b", count=2, digest="", input_file="i", output_file="o/1", error_file="e")
    codec = codec_of("openai")
    assert codec.files(part) == (f"{API}/files/o%2F1/content", f"{API}/files/e/content")
    assert codec.requests_file(part) == f"{API}/files/i/content"
    assert (codec.files(PART_B), codec.requests_file(PART_B), codec.page(PART_B, None)) == ((), None, None)
    azure = codec_of("azure").files(part)
    assert azure[1] == f"{CLASSIC}/files/e/content?api-version=2024-10-21"
    claude = codec_of("anthropic")
    assert claude.files(part) == ("https://api.anthropic.com/v1/messages/batches/b/results",)
    assert (claude.requests_file(part), claude.page(part, None)) == (None, None)


def test_openrouter_s_results_have_pages() -> None:
    codec = codec_of("openrouter")
    first, second = codec.page(PART_B, None), codec.page(PART_B, "c&d")
    assert first is not None
    assert second is not None
    assert first.url == "https://openrouter.ai/api/v1/batches/b/results"
    assert second.url == f"{first.url}?cursor=c%26d"
    rows: list[Any] = [{"custom_id": "a"}]
    assert first.read({"data": rows, "has_more": True, "next_cursor": "c"}) == Page((rows[0],), "c")
    assert first.read({"data": rows, "has_more": False, "next_cursor": None}) == Page((rows[0],))
    assert first.read({"data": []}) == Page(())
    with pytest.raises(RemoteProtocolError, match="next_cursor"):
        first.read({"data": rows, "has_more": True})
    assert (codec.files(PART_B), codec.requests_file(PART_B)) == ((), None)


# Rows.

CODES = {"batch_expired": "expired", "batch_cancelled": "cancelled"}


@for_each(CODES)
def test_a_request_without_an_answer_has_a_code_of_openai_s(code: str) -> None:
    found = outcome("openai", {"response": None, "error": {"code": code, "message": "No time."}})
    assert isinstance(found, UnansweredError)
    assert (found.code, found.provider_message) == (CODES[code], "No time.")
    assert "No time." in str(found)
    bare = outcome("openai", {"error": {"code": code}}, error="all of it failed")
    assert isinstance(bare, UnansweredError)
    assert (bare.code, bare.provider_message) == (CODES[code], "all of it failed")


@for_each([("expired", "expired"), ("canceled", "cancelled")])
def test_a_request_without_an_answer_has_a_type_of_anthropic_s(case: tuple[str, str]) -> None:
    word, code = case
    found = outcome("anthropic", {"result": {"type": word}})
    assert isinstance(found, UnansweredError)
    assert (found.code, found.provider, found.model, found.provider_message) == (code, "anthropic", "m", None)
    assert word.removesuffix("ed")[:5] in str(found)
    assert "batch b: " in str(found)


@for_each(["completed", "running", "failed", "expired", "cancelled"])
def test_a_request_without_a_row_has_no_answer_for_the_reason_of_its_batch(status: str) -> None:
    part = BatchPart(id="b", count=2, digest="", status=status, model="n")  # type: ignore[arg-type]  # a status
    found = codec_of("openai").unanswered(part)
    assert found.code == (status if status in ("failed", "expired", "cancelled") else "missing")
    assert (found.provider, found.model, found.provider_message) == ("openai", "n", None)
    assert ("no result" in str(found)) is (found.code == "missing")
    assert re.fullmatch("batch b: the [a-z ]+", found.message)
    said = codec_of("openai").unanswered(part, words="in its words")
    assert said.message == f"{found.message}: in its words"


GOOD: Record = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
WRONG: Record = {"error": {"message": "no", "code": "x"}}


def test_a_row_has_the_status_and_the_id_of_its_request() -> None:
    for status in (200, 299, 300, 399, None, "400"):
        found = outcome("openai", {"response": {"status_code": status, "request_id": "r", "body": GOOD}})
        assert isinstance(found, Message)
        assert (found.text, found.request_id) == ("Hi", "r")
    for status in (400, 404, 500):
        error = outcome("openai", {"response": {"status_code": status, "request_id": "r", "body": WRONG}})
        assert isinstance(error, APIStatusError)
        assert (error.status, error.request_id, error.provider_message) == (status, "r", "no")
    whole = outcome("openai", {"response": {"body": {**GOOD, "id": "x"}}})
    assert isinstance(whole, Message)
    assert whole.request_id is None
    named = outcome("openai", {"response": {"status_code": 400, "body": {**WRONG, "request_id": "q"}}})
    assert isinstance(named, APIStatusError)
    assert named.request_id == "q"
    hidden = outcome("openai", {"response": {"status_code": 200, "request_id": "r", "body": WRONG}})
    assert isinstance(hidden, APIStatusError)
    assert hidden.request_id == "r"
    other = outcome("openai", {"error": {"code": "server_error", "message": "no"}})
    assert isinstance(other, APIStatusError)
    assert (other.code, other.provider_message) == ("server_error", "no")


@for_each([5, None, "text", [GOOD]])
def test_a_body_in_the_results_must_be_an_object(body: object) -> None:
    found = outcome("openai", {"response": {"status_code": 200, "request_id": "r", "body": body}})
    assert isinstance(found, RemoteProtocolError)
    assert found.request_id == "r"


def test_a_row_that_names_no_request_is_an_error_of_the_batch_or_the_provider_s() -> None:
    codec = codec_of("openai")
    rows: list[Record] = [{}, {"custom_id": None}, {"custom_id": 5}]
    for row in rows:
        with pytest.raises(RemoteProtocolError, match=r"batch b has no custom_id"):
            codec.result(PART_B, row)
    with pytest.raises(APIStatusError, match="overloaded"):
        codec.result(PART_B, {"error": {"message": "overloaded"}})


@for_each([("", "a new batch"), ("b", "batch b")])
def test_a_response_about_another_batch_is_an_error(case: tuple[str, str]) -> None:
    known, named = case
    part = BatchPart(id=known, count=1, digest="")
    for wrong in (None, 5, "", *(("c",) if known else ())):
        with pytest.raises(RemoteProtocolError, match=f"not about {named}: its id is {wrong!r}"):
            codec_of("openai").read_batch(part, {"id": wrong, "status": "completed"})


# Names, models and errors.


@for_each([*string.ascii_letters, *string.digits, "_", "-", "a" * 64, "5" * 64])
def test_anthropic_takes_a_name_of_letters_digits_and_dashes(custom_id: str) -> None:
    assert codec_of("anthropic").id_fault(custom_id) is None
    assert codec_of("openai").id_fault(custom_id) is None


@for_each(["", "a" * 65, "a.b", "a b", "[", "`", "{", "@", "/", ":", "é", "a\n"])
def test_anthropic_takes_no_other_name(custom_id: str) -> None:
    assert "64 letters" in str(codec_of("anthropic").id_fault(custom_id))
    assert (codec_of("openai").id_fault(custom_id) is None) is bool(custom_id)


@for_each(["azure", "azure v1"])
def test_a_line_of_azure_s_names_the_model_that_was_asked_for_or_the_deployment(kind: str) -> None:
    machine, fake = batches(config_of(kind)), fake_of(kind)
    listed = [BatchRequest("a", "Hi"), BatchRequest("b", "Hi", options={"model": "other"})]
    state = perform(machine.submit(listed), fake)
    assert [part.model for part in state.parts] == ["gpt" if kind == "azure" else "m", "other"]


def test_the_error_about_batches_names_the_types_that_have_them() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        codec_for(Provider(config_of("openai", type="deepseek")).dialect)
    listed = caught.value.message.partition("these types have: ")[2].split(", ")
    assert {*listed} >= {"openai", "azure", "groq", "mistral", "openrouter", "anthropic"}
    assert not {"deepseek", "ollama", "google"} & {*listed}
    assert "deepseek/chat" in caught.value.message
    with pytest.raises(InvalidRequestError, match="openrouter has no endpoint"):
        codec_of("openrouter").cancel(PART_B)


def test_why_a_batch_failed_is_not_an_error_of_the_response() -> None:
    asked: Endpoint[BatchPart] = codec_of("openrouter").look(PART_B)
    assert asked.own_error
    read = asked.read({"id": "b", "status": "failed", "error": {"message": "no"}})
    assert isinstance(read, BatchPart)
    assert (read.status, read.error) == ("failed", "no")
