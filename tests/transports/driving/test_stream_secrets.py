"""What every driver does with keys and raw logs, over asyncio, over trio and blocking."""

from __future__ import annotations

import traceback

import pytest

from sansio import (
    APIConnectionError,
    AuthenticationError,
    Body,
    ConfigError,
    End,
    Head,
    ProviderConfig,
    StreamTruncatedError,
)
from sansio.jsontext import JSONObject
from tests.transports.scripted import (
    KEY,
    STREAMING,
    Item,
    Kind,
    Late,
    Reader,
    Refuse,
    answer,
    delta,
    error_body,
    openai,
    texts,
)

_KINDS: list[Kind] = ["asyncio", "trio", "blocking"]


@pytest.fixture(params=_KINDS)
def reader(request: pytest.FixtureRequest) -> Reader:
    """Each driver in turn."""
    return Reader(request.param)


class Log:
    """A raw log that keeps its records."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object, JSONObject]] = []

    def on_request(self, endpoint: str, payload: JSONObject) -> None:
        self.told.append(("request", endpoint, payload))

    def on_response(self, status: int, body: JSONObject) -> None:
        self.told.append(("response", status, body))

    def on_chunk(self, chunk: JSONObject) -> None:
        self.told.append(("chunk", None, chunk))


# Keys and what a server echoes


def test_a_missing_key_is_named_before_any_connection(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    outcome = reader.read(answer("Hi"), key=None)
    assert isinstance(outcome.error, ConfigError)
    assert "OPENAI_API_KEY" in str(outcome.error)
    assert isinstance(outcome.answer, ConfigError)
    assert outcome.script.log == []


def test_the_variable_is_read_at_call_time_and_stripped(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"  {KEY}\n")
    outcome = reader.read(answer("Hi"), key=None)
    assert ("authorization", f"Bearer {KEY}") in outcome.script.requests[0].headers


def test_a_callable_is_asked_once_per_attempt(reader: Reader) -> None:
    keys = iter(["first-token", "second-token"])
    outcome = reader.read([Late()], answer("Hi"), key=lambda: next(keys))
    signed = [dict(request.headers)["authorization"] for request in outcome.script.requests]
    assert signed == ["Bearer first-token", "Bearer second-token"]


def test_a_stale_connection_is_replaced_within_the_attempt_with_the_same_key(reader: Reader) -> None:
    keys = iter(["first-token", "second-token"])
    stale = APIConnectionError("gone", reused=True)
    outcome = reader.read([stale], answer("Hi"), key=lambda: next(keys))
    signed = [dict(request.headers)["authorization"] for request in outcome.script.requests]
    assert signed == ["Bearer first-token", "Bearer first-token"]


def test_a_key_in_place_of_its_variable_is_not_shown(reader: Reader) -> None:
    misplaced = ProviderConfig(type="openai", model="m", api_key_env="sk-not-a-name")
    outcome = reader.read(answer("Hi"), config=misplaced, key=None)
    assert isinstance(outcome.error, ConfigError)
    assert "sk-not-a-name" not in shown(outcome.error)


def test_a_key_that_no_header_can_hold_is_refused_before_any_connection(reader: Reader) -> None:
    outcome = reader.read(answer("Hi"), key=f"{KEY}\r\nx-evil: 1")
    assert isinstance(outcome.error, ConfigError)
    assert outcome.script.log == []
    assert KEY not in shown(outcome.error)


def test_an_echoed_key_is_masked_in_the_error_and_nowhere_kept(reader: Reader) -> None:
    outcome = reader.read([Head(401), error_body(f"Incorrect API key provided: {KEY}."), End()])
    assert isinstance(outcome.error, AuthenticationError)
    assert "Incorrect API key provided: [key]." in str(outcome.error)
    assert KEY not in shown(outcome.error)
    assert isinstance(outcome.answer, AuthenticationError)
    assert KEY not in shown(outcome.answer)


@pytest.mark.parametrize("shown_of_it", [*range(1, 4), len(KEY) // 2, len(KEY) - 1, len(KEY)])
def test_an_echoed_key_is_masked_where_the_excerpt_of_an_error_cuts_it(
    reader: Reader, shown_of_it: int
) -> None:
    """An error that is not JSON is shown by its first 500 characters."""
    body = "x" * (500 - shown_of_it) + KEY + " is wrong"
    outcome = reader.read([Head(401), Body(body.encode()), End()])
    assert isinstance(outcome.error, AuthenticationError)
    assert KEY[:4] not in shown(outcome.error)
    assert ("[key]" in outcome.error.message) == (shown_of_it >= 4)


@pytest.mark.parametrize("shown_of_it", [4, len(KEY) // 2, len(KEY) - 1, len(KEY)])
@pytest.mark.parametrize("ended", [True, False])
def test_an_echoed_key_is_masked_where_the_limit_or_the_peer_cuts_an_error_body(
    reader: Reader, shown_of_it: int, ended: bool
) -> None:
    log = Log()
    body = (" " * 95 + "bad: " + KEY + " is wrong").encode()
    config = openai(limits={"max_error_bytes": 100 + shown_of_it}, max_attempts=1)
    body = body if ended else body[: 100 + shown_of_it - 1]
    end: Item = End() if ended else APIConnectionError("reset")
    outcome = reader.read([Head(401), Body(body), end], config=config, raw_log=log)
    assert isinstance(outcome.error, AuthenticationError)
    assert KEY[:4] not in shown(outcome.error)
    assert KEY[:4] not in str(log.told)
    assert ("[key]" in outcome.error.message) == ("[key]" in str(log.told)) == (ended or shown_of_it > 4)


def test_a_key_in_the_words_of_a_transport_is_masked_in_the_cause_too(reader: Reader) -> None:
    outcome = reader.read([STREAMING, delta("Hel"), APIConnectionError(f"proxy refused {KEY}")])
    assert isinstance(outcome.error, StreamTruncatedError)
    assert KEY not in shown(outcome.error)
    assert "proxy refused [key]" in str(outcome.error.__cause__)


def test_a_server_that_needs_no_key_gets_none(reader: Reader) -> None:
    local = ProviderConfig(type="ollama", model="llama3.2")
    outcome = reader.read([APIConnectionError("reset")], answer("Hi"), config=local, key=None)
    assert texts(outcome) == ["Hi"]
    assert {name for request in outcome.script.requests for name, _ in request.headers}.isdisjoint(
        ("authorization", "api-key", "x-api-key")
    )


def test_a_short_key_is_not_masked_out_of_ordinary_words(reader: Reader) -> None:
    outcome = reader.read([Head(401), error_body("a bad api key"), End()], key="key")
    assert "a bad api key" in str(outcome.error)


def test_no_local_variable_of_a_traceback_shows_the_key(reader: Reader) -> None:
    outcome = reader.read([STREAMING, delta("Hel"), APIConnectionError("reset")])
    assert outcome.error is not None
    assert KEY not in shown(outcome.error)


def test_no_local_variable_of_a_foreign_exception_shows_the_key(reader: Reader) -> None:
    with pytest.raises(ValueError, match="a bug") as caught:
        reader.read(Refuse(ValueError("a bug")))
    assert KEY not in shown(caught.value)


def shown(error: BaseException) -> str:
    """An error as the most talkative tools show it: chained, with all locals but this file's own."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in report.stack if "/tests/" not in frame.filename]
    local = "".join(str(frame.locals) for frame in frames)
    return f"{error!r} {error} {vars(error)} {local}" + (shown(error.__cause__) if error.__cause__ else "")


# The raw log


def test_the_raw_log_receives_every_attempt_in_order_and_no_key(reader: Reader) -> None:
    log = Log()
    refused: list[Item] = [Head(500), error_body(f"the key {KEY} is down"), End()]
    outcome = reader.read(refused, [Head(502), Body(b"<html>"), End()], answer(KEY), raw_log=log)
    assert [kind for kind, _, _ in log.told[:5]] == ["request", "response", "request", "response", "request"]
    assert log.told[0][1] == "https://api.openai.com/v1/chat/completions"
    assert log.told[0][2]["model"] == "gpt-x"
    assert log.told[1][1:] == (500, {"error": {"message": "the key [key] is down", "type": "some_error"}})
    assert log.told[3][1:] == (502, {"text": "<html>"})
    assert {kind for kind, _, _ in log.told[5:]} == {"chunk"}
    assert KEY not in str(log.told)
    assert texts(outcome) == [KEY]


def test_the_raw_log_receives_a_chunk_before_its_event_is_handed_out(reader: Reader) -> None:
    log = Log()
    heard: list[int] = []
    reader.read(answer("a", "b"), raw_log=log, between=lambda _: heard.append(len(log.told)))
    assert heard[:2] == [2, 3]


def test_a_request_that_no_key_could_be_found_for_is_not_logged(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    log = Log()
    outcome = reader.read(answer("Hi"), key=None, raw_log=log)
    assert log.told == []
    assert isinstance(outcome.error, ConfigError)
