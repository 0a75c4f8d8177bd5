"""The records that a raw log receives."""

from __future__ import annotations

from sansio.jsontext import JSONObject
from sansio.steps import ChunkRecord, Record, RequestRecord, ResponseRecord
from tests.transports.scripted import KEY
from transports.driving.keys import Secret
from transports.driving.records import dispatch


class Log:
    """Keeps its records, and modifies them afterwards, as a careless logger may."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def on_request(self, endpoint: str, payload: JSONObject) -> None:
        self.told.append(f"request {endpoint} {payload}")
        payload.clear()

    def on_response(self, status: int, body: JSONObject) -> None:
        self.told.append(f"response {status} {body}")
        body.clear()

    def on_chunk(self, chunk: JSONObject) -> None:
        self.told.append(f"chunk {chunk}")
        chunk.clear()


def test_each_kind_of_record_has_its_callback_in_order() -> None:
    log = Log()
    records: list[Record] = [
        RequestRecord("http://localhost/v1", {"model": "m"}),
        ChunkRecord({"id": 1}),
        ResponseRecord(500, {"text": "down"}),
    ]
    dispatch(records, log, None)
    assert log.told == [
        "request http://localhost/v1 {'model': 'm'}",
        "chunk {'id': 1}",
        "response 500 {'text': 'down'}",
    ]


def test_a_key_that_a_server_echoes_is_masked_in_the_records() -> None:
    log = Log()
    records: list[Record] = [
        RequestRecord("http://localhost/v1", {"messages": [{"content": f"my key is {KEY}"}]}),
        ResponseRecord(401, {"error": {"message": KEY}}),
        ChunkRecord({KEY: [KEY]}),
    ]
    dispatch(records, log, Secret(KEY))
    assert KEY not in str(log.told)
    assert len(log.told) == 3


def test_a_log_that_changes_what_it_is_given_changes_nothing_else() -> None:
    record = RequestRecord("http://localhost/v1", {"model": "m"})
    dispatch([record], Log(), None)
    assert record.payload == {"model": "m"}
