"""The bytes of one family given to the reader of another: an error that names the family, and no answer."""

from __future__ import annotations

import json
import re

import pytest

from sansio import (
    ChatDialect,
    Provider,
    ProviderConfig,
    ProviderError,
    RemoteProtocolError,
    StreamFailed,
    StreamParser,
)
from sansio.config import PROVIDER_DEFAULTS
from sansio.families.base import Dialect
from sansio.families.foreign import family_of, foreign_error
from sansio.providers import dialect_named
from tests.sansio.families.responses.frames import added, completed, created, done, message, reading, response
from tests.sansio.wires import ANTHROPIC_STREAM, OPENAI_STREAM, WHOLES, Record, config, sse

STREAMS: dict[str, bytes] = {
    "chat": OPENAI_STREAM,
    "messages": ANTHROPIC_STREAM,
    "responses": sse(created(), added(message()), done(message("Hi")), completed(message("Hi"))),
}
ANSWERS: dict[str, Record] = {
    "chat": WHOLES["openai"],
    "messages": WHOLES["anthropic"],
    "responses": response(message("Hi")),
}
DIALECTS: dict[str, Dialect] = {
    "chat": dialect_named("openai"),
    "messages": dialect_named("anthropic"),
    "responses": reading(),
}


class RenamedChat(ChatDialect):
    TYPE, API = "mine", "an_api"

    def build_endpoint(self, stream: bool = False) -> str:
        raise NotImplementedError


PAIRS = [(ours, theirs) for ours in STREAMS for theirs in STREAMS if ours != theirs]


def check(error: ProviderError, ours: str, theirs: str) -> None:
    assert type(error) is RemoteProtocolError
    assert f"the {theirs} API" in str(error)
    assert f"the {ours} API" in str(error)
    assert f"api='{theirs}'" in str(error)
    assert "base_url" in str(error)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_a_stream_of_another_family_is_named(ours: str, theirs: str) -> None:
    parser = StreamParser(DIALECTS[ours])
    events = parser.receive_data(STREAMS[theirs]) + parser.receive_eof()
    (last,) = events
    assert isinstance(last, StreamFailed)
    check(last.error, ours, theirs)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_a_whole_answer_of_another_family_is_named(ours: str, theirs: str) -> None:
    if (ours, theirs) == ("responses", "messages"):
        assert family_of(ANSWERS[theirs]) == "messages"
    with pytest.raises(RemoteProtocolError) as caught:
        DIALECTS[ours].parse_response(ANSWERS[theirs])
    check(caught.value, ours, theirs)


def test_each_kind_of_event_shows_its_family() -> None:
    starts = ("message_start", "message_delta", "message_stop", "content_block_start")
    for kind in (*starts, "content_block_delta", "content_block_stop"):
        assert family_of({"type": kind}) == "messages"
    for thing in ("chat.completion", "chat.completion.chunk"):
        assert family_of({"object": thing}) == "chat"
    assert family_of({"type": "response.new"}) == family_of({"object": "response"}) == "responses"
    for other in ("ping", "error", "message", "chat", None, 1):
        assert family_of({"type": other, "object": other}) is None


MARKS: list[tuple[str | None, Record]] = [
    ("chat", {"choices": []}),
    ("gemini", {"candidates": []}),
    ("responses", {"object": "response"}),
    ("messages", {"type": "message", "content": [], "stop_reason": None}),
    ("ollama", {"message": {}, "done": False}),
    *(
        ("cohere", {"type": kind})
        for kind in ("message-start", "content-start", "content-delta", "tool-plan-delta", "message-end")
    ),
    ("cohere", {"message": {}, "finish_reason": None}),
    (None, {"candidates": {}}),
    (None, {"choices": {}}),
    (None, {"type": "message", "content": {}, "stop_reason": None}),
    (None, {"type": "message", "content": []}),
    (None, {"message": {}, "done": 1}),
    (None, {"message": "x", "done": True}),
    (None, {"message": "x", "finish_reason": None}),
    (None, {"message": {}}),
    (None, {"content": [], "stop_reason": None}),
    (None, {"type": "a response."}),
    (None, {"type": ["message-start"]}),
]
"""A family, or none, and what shows it: the fields that its SDK's types always have."""


@pytest.mark.parametrize(("family", "record"), MARKS)
def test_a_family_is_known_by_the_fields_that_only_it_has(family: str | None, record: Record) -> None:
    assert family_of(record) == family
    error = foreign_error(record, "own", RenamedChat())
    assert (error is None) == (family is None)
    if error is not None:
        assert f"the {family} API" in error.message
        assert "the own API" in error.message
        assert f"api='{family}'" in error.hint
        assert "own" in error.hint


@pytest.mark.parametrize("family", STREAMS)
def test_a_familys_own_bytes_are_not_foreign(family: str) -> None:
    assert family_of(ANSWERS[family]) == family
    assert foreign_error(ANSWERS[family], family, DIALECTS[family]) is None


@pytest.mark.parametrize(
    "record", [{}, {"type": "ping"}, {"type": 5}, {"type": "message"}, {"object": "error"}, {"choices": None}]
)
def test_what_has_no_familys_marks_is_not_foreign(record: Record) -> None:
    assert family_of(record) is None
    assert foreign_error(record, "chat", DIALECTS["chat"]) is None


def test_a_family_under_another_name_is_not_foreign() -> None:
    usage = {"object": "chat.completion.chunk", "choices": [], "usage": {"prompt_tokens": 3}}
    parser = StreamParser(RenamedChat())
    assert parser.receive_data(sse(usage)) == []
    assert not parser.finished


@pytest.mark.parametrize(
    ("kind", "api"),
    [("google", "gemini"), ("bedrock", "converse"), ("cohere", "cohere"), ("ollama/ollama", "ollama")],
)
def test_a_native_api_is_named_where_another_one_answers(kind: str, api: str) -> None:
    for read in (
        lambda: dialect_named(kind).parse_response({"choices": []}),
        lambda: dialect_named(kind).open_stream().receive(b'{"choices": []}', [], "other"),
    ):
        with pytest.raises(RemoteProtocolError, match=f"the {api} API was expected") as caught:
            read()
        assert api in str(caught.value.hint)


BUILT_IN = [f"{type}/{api}" for type, row in PROVIDER_DEFAULTS.items() for api in row.apis]
FAMILIES = {family: record for family, record in MARKS if family is not None}


@pytest.mark.parametrize("pair", BUILT_IN)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_remedy_followed_makes_a_valid_config_that_speaks_the_family(pair: str, family: str) -> None:
    given = config(pair)
    error = foreign_error(FAMILIES[family], given.api or "", Provider(given).dialect)
    if error is None:
        assert given.api == family
        return
    remedy, _, other = error.hint.partition(";")
    fields = dict(re.findall(r"(type|api)='(\w+)'", remedy))
    assert ("base_url" in remedy) is ("type" in fields) is (family not in PROVIDER_DEFAULTS[given.type].apis)
    if "type" in fields:
        followed = ProviderConfig(model="some-model", base_url="https://llm.example.com", **fields)
    else:
        followed = given.replace(**fields)
    assert family == Provider(followed).dialect.API
    assert f"speaks {given.api}" in other


OTHERS = {"google": "gemini", "bedrock": "converse", "cohere": "cohere", "ollama/ollama": "ollama"}
"""Types whose families cannot be chosen with `api`, and these families."""


@pytest.mark.parametrize("ours", OTHERS)
@pytest.mark.parametrize("theirs", ANSWERS)
def test_an_answer_of_another_family_is_named_to_those_with_an_own_type_too(ours: str, theirs: str) -> None:
    dialect = dialect_named(ours)
    with pytest.raises(RemoteProtocolError) as whole:
        dialect.parse_response(ANSWERS[theirs])
    with pytest.raises(RemoteProtocolError) as streamed:
        dialect.open_stream().receive(json.dumps(ANSWERS[theirs]).encode(), [])
    for error in (whole.value, streamed.value):
        check(error, OTHERS[ours], theirs)
        assert f"speaks {OTHERS[ours]}." in str(error)
