"""What is refused as a provider with batches, and as a response about one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sansio import (
    BatchPart,
    BatchState,
    InvalidRequestError,
    Profile,
    Provider,
    ProviderConfig,
    ProviderError,
    RemoteProtocolError,
    register_provider,
)
from sansio.batches.files import OpenAIBatches
from sansio.testing import FakeResponse
from tests.sansio.batches.bare import Bare
from tests.sansio.batches.driving import (
    batches,
    config_of,
    requests,
    timed,
)

JSON = (("content-type", "application/json"),)


@pytest.mark.parametrize(
    "config",
    [
        ProviderConfig(type="ollama", model="m"),
        ProviderConfig(type="azure", api="messages", model="m", base_url="https://r.example.com/anthropic"),
    ],
    ids=["ollama", "azure messages"],
)
def test_a_provider_without_batches_is_refused(config: ProviderConfig) -> None:
    with pytest.raises(InvalidRequestError, match=r"batches: .* has no endpoint"):
        batches(config)


def test_what_is_no_codec_is_refused() -> None:
    register_provider("odd", Profile(base_url="https://odd.example.com/v1", batches="json:JSONDecoder"))
    with pytest.raises(InvalidRequestError, match="json:JSONDecoder is not a BatchCodec"):
        batches(ProviderConfig(type="odd", model="m"))


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("openai", {"status": "completed"}, "not about batch b: its id is None"),
        ("openai", {"error": {"message": "overloaded", "code": 503}}, "as HTTP 503.*overloaded"),
        ("openai", {"id": "other", "status": "completed"}, "its id is 'other'"),
        ("openai", {"id": "b"}, "no status of batch b"),
        ("mistral", {"id": "b", "status": 1}, "no status of batch b"),
        ("anthropic", {"id": "b", "status": "ended"}, "no status of batch b"),
    ],
)
def test_a_response_that_is_about_no_batch_is_an_error(kind: str, data: object, said: str) -> None:
    origin = Provider(config_of(kind)).dialect.origin
    part = BatchPart(id="b", count=1, digest="")
    job = batches(config_of(kind)).status(BatchState(origin=origin, submitted=0.0, parts=(part,)))
    response = FakeResponse(headers=JSON, pieces=(json.dumps(data).encode(),))
    with pytest.raises(ProviderError, match=said):
        timed(job, lambda request: response)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("openai", {"status": "pondering", "request_counts": None, "errors": []}),
        ("openai", {"status": "in_progress", "request_counts": {"completed": "1"}, "errors": {"data": [1]}}),
        ("mistral", {"status": "QUEUED", "errors": "none"}),
        ("openrouter", {"status": "finalizing", "request_counts": [], "error": "none"}),
        ("anthropic", {"processing_status": "archiving", "request_counts": []}),
    ],
)
def test_a_word_or_a_form_that_is_new_does_not_end_a_batch(kind: str, data: dict[str, Any]) -> None:
    origin = Provider(config_of(kind)).dialect.origin
    part = BatchPart(id="b", count=1, digest="")
    job = batches(config_of(kind)).status(BatchState(origin=origin, submitted=0.0, parts=(part,)))
    response = FakeResponse(headers=JSON, pieces=(json.dumps({"id": "b", **data}).encode(),))
    state, _ = timed(job, lambda request: response)
    assert (state.finished, state.answered) == (False, 0)


def test_a_file_without_an_id_is_an_error() -> None:
    response = FakeResponse(headers=JSON, pieces=(b'{"object": "file"}',))
    with pytest.raises(RemoteProtocolError, match="no id of the file"):
        timed(batches(config_of("openai")).submit(requests("a")), lambda request: response)


def test_a_custom_dialect_needs_openai_s_addresses() -> None:
    with pytest.raises(InvalidRequestError, match="batches"):
        OpenAIBatches(Bare(ProviderConfig(type="openai", model="m")))
