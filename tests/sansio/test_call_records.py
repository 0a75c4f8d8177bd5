"""Records are bounded like everything that is read: what nests too deep is recorded as text."""

from __future__ import annotations

import json

import pytest

from sansio.steps import ChunkRecord, ResponseRecord
from tests.sansio.exchanges import call, run, streamed, whole
from tests.sansio.wires import DONE, chunk, sse


@pytest.mark.parametrize(("levels", "as_text"), [(3, False), (4, True), (300, True)])
@pytest.mark.parametrize("status", [200, 400])
def test_a_body_that_nests_too_deep_is_recorded_as_text(levels: int, as_text: bool, status: int) -> None:
    body = {"deep": json.loads("[" * levels + "]" * levels)}
    subject = call("openai", stream=False, record=True, limits={"max_json_depth": 4})
    run(subject, whole(body, status))
    (_, record) = subject.take_records()
    assert isinstance(record, ResponseRecord)
    told = json.loads(str(record.body["text"])) if as_text else record.body
    assert told == body


@pytest.mark.parametrize(("levels", "as_text"), [(3, False), (4, True)])
def test_so_is_an_event_of_a_stream(levels: int, as_text: bool) -> None:
    odd = {"choices": [], "deep": json.loads("[" * levels + "]" * levels)}
    subject = call("openai", record=True, limits={"max_json_depth": 4})
    run(subject, streamed(sse(odd), sse(chunk({"content": "Hi"}, "stop")), DONE))
    records = [record.chunk for record in subject.take_records() if isinstance(record, ChunkRecord)]
    assert (list(records[0]) == ["text"]) is as_text
    assert as_text or records[0] == odd
