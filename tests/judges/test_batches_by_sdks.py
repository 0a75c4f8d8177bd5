"""The official SDKs make batches at the fake and read the results."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sansio.testing import Answer, BatchScript, Failure, FakeProvider, Outcome
from tests.judges.sdks import package
from transports.testing.loopback import loopback_thread

pytestmark = pytest.mark.judges

SCRIPT: list[Outcome] = [Answer(text="one"), Failure(status=400, message="no"), Answer(text="three")]
NAMES = ("a", "b", "c")
GOING = BatchScript(looks=1, reverse=True)


def test_openai_s() -> None:
    with loopback_thread(FakeProvider("openai", SCRIPT, batches=GOING)) as server:
        client: Any = package("openai").OpenAI(
            api_key="sk", base_url=server.base_url("openai"), max_retries=0, timeout=60
        )
        rows = [
            {
                "custom_id": name,
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": "m", "messages": [{"role": "user", "content": name}]},
            }
            for name in NAMES
        ]
        data = "\n".join(map(json.dumps, rows)).encode()
        file = client.files.create(file=("f.jsonl", data), purpose="batch")
        batch = client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        assert client.batches.retrieve(batch.id).status == "in_progress"
        batch = client.batches.retrieve(batch.id)
        assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == (
            "completed",
            2,
            1,
        )
        found = [
            json.loads(line)
            for id in (batch.output_file_id, batch.error_file_id)
            for line in client.files.content(id).text.splitlines()
        ]
        assert [row["custom_id"] for row in found] == ["c", "a", "b"]
        chat = package("openai.types.chat")
        answer = chat.ChatCompletion.model_validate(found[0]["response"]["body"])
        assert answer.choices[0].message.content == "three"
        assert client.files.content(file.id).content.strip() == data
        waiting = client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        assert client.batches.cancel(waiting.id).status == "cancelling"


def test_anthropic_s() -> None:
    with loopback_thread(FakeProvider("anthropic", SCRIPT, batches=GOING)) as server:
        client: Any = package("anthropic").Anthropic(
            api_key="sk", base_url=server.base_url("anthropic"), max_retries=0, timeout=60
        )
        params = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
        asked = [{"custom_id": name, "params": params} for name in NAMES]
        batch = client.messages.batches.create(requests=asked)
        assert client.messages.batches.retrieve(batch.id).processing_status == "in_progress"
        batch = client.messages.batches.retrieve(batch.id)
        assert (batch.processing_status, batch.request_counts.succeeded) == ("ended", 2)
        waiting = client.messages.batches.create(requests=asked)
        assert client.messages.batches.cancel(waiting.id).processing_status == "canceling"
        own = client.copy(base_url=server.base_url("anthropic"))
        found = [*own.messages.batches.results(batch.id)]
        assert [(row.custom_id, row.result.type) for row in found] == [
            ("c", "succeeded"),
            ("b", "errored"),
            ("a", "succeeded"),
        ]
        assert found[0].result.message.content[0].text == "three"
