"""The records that a raw log receives."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from sansio.errors import ConfigError
from sansio.jsontext import JSONObject
from sansio.steps import ChunkRecord, Record, RequestRecord, ResponseRecord
from tests.transports.scripted import KEY, openai
from transports import create_provider, create_sync_provider
from transports.driving.facade import BaseProvider
from transports.driving.keys import Secret
from transports.driving.records import dispatch

_CREATORS: list[Callable[..., BaseProvider[Any]]] = [create_provider, create_sync_provider]


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


class _Async(Log):
    async def on_chunk(self, chunk: JSONObject) -> None:  # type: ignore[override]  # wrong, on purpose
        raise AssertionError


class _Partial(Log):
    on_response = functools.partial(_Async.on_chunk, 5)  # type: ignore[assignment,arg-type]  # wrong, on purpose


class _Calling:
    async def __call__(self, endpoint: str, payload: JSONObject) -> None:
        raise AssertionError


class _Object(Log):
    on_request = _Calling()  # type: ignore[assignment]  # wrong, on purpose


class _Incomplete:
    def on_request(self, endpoint: str, payload: JSONObject) -> None:
        raise AssertionError

    on_response = "not callable"


@pytest.mark.parametrize("create", _CREATORS)
@pytest.mark.parametrize(
    ("log", "words"),
    [
        (_Async(), "on_chunk is async"),
        (_Partial(), "on_response is async"),
        (_Object(), "on_request is async"),
        (_Incomplete(), "no method on_response"),
        (print, "no method on_request"),
    ],
)
def test_a_log_that_could_not_be_called_is_refused_at_once(
    create: Callable[..., BaseProvider[Any]], log: object, words: str
) -> None:
    """An async method would give a coroutine that nothing awaits, with each record."""
    transport = object()
    with pytest.raises(ConfigError) as caught:
        create(openai(), log, transport=transport)
    assert (caught.value.field, words in str(caught.value)) == ("raw_log", True)
    provider = create(openai(), Log(), transport=transport)
    with pytest.raises(ConfigError):
        provider.set_raw_log_callback(log)  # type: ignore[arg-type]
    provider.set_raw_log_callback(None)
