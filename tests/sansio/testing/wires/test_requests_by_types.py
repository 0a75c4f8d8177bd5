"""The fake knows each field of a request, and each of its words, that the official SDKs' types list."""

from __future__ import annotations

import json
import re

import pytest

from sansio import Body
from sansio.testing import FakeProvider
from tests.sansio.testing.asking import HELLO, Object, inputs_of, message_in, request_for
from tests.wire_types import fields, kinds, needs_types, words

CHAT = "openai-chat-embeddings-batch"
RESPONSES = "openai-responses"
ASKED: Object = {"model": "m", "input": "a"}
SAID: Object = {"model": "m", "messages": HELLO}
TYPES = [
    ("openai", "/v1/chat/completions", SAID, CHAT, "CompletionCreateParamsBase"),
    ("openai", "/v1/embeddings", ASKED, CHAT, "EmbeddingCreateParams"),
    ("openai", "/v1/responses", ASKED, RESPONSES, "ResponseCreateParamsBase"),
    ("openai", "/v1/responses/input_tokens", ASKED, RESPONSES, "InputTokenCountParams"),
    ("anthropic", "/v1/messages", {**SAID, "max_tokens": 9}, "anthropic-ga", "MessageCreateParamsBase"),
    ("anthropic", "/v1/messages/count_tokens", SAID, "anthropic-ga", "MessageCountTokensParams"),
]


def refusal(type: str, path: str, body: Object) -> str:
    """What the fake says against a request; empty if it answers."""
    response = FakeProvider(type).respond(request_for(type, body, path=path))
    if response.status == 200:
        return ""
    data = b"".join(part.data for part in inputs_of(response) if isinstance(part, Body))
    return message_in(type, json.loads(data))


@needs_types
@pytest.mark.parametrize(("type", "path", "body", "file", "name"), TYPES)
def test_each_field_is_known_and_no_other(type: str, path: str, body: Object, file: str, name: str) -> None:
    unknown = refusal(type, path, {**body, "nonsense": None})
    assert "nonsense" in unknown
    for field in fields(file, name).keys() - body.keys():
        assert refusal(type, path, {**body, field: None}) != unknown.replace("nonsense", field), field


@needs_types
def test_a_response_repeats_what_its_request_says() -> None:
    given = fields(RESPONSES, "ResponseCreateParamsBase")
    plain: dict[str, object] = {"str": "abc", "bool": True, "int": 16, "float": 0.5}
    repeated = 0
    for field in fields(RESPONSES, "Response").keys() & given.keys() - ASKED.keys():
        listed = given[field].removeprefix("?").strip("[]")
        value = plain.get(listed) or next(iter(sorted(words(listed))), None)
        if value is None or "{" in listed or field == "previous_response_id":  # which must be known
            continue
        response = FakeProvider("openai").respond(
            request_for("openai", {**ASKED, field: value}, path="/v1/responses")
        )
        data = json.loads(b"".join(part.data for part in inputs_of(response) if isinstance(part, Body)))
        assert data[field] == value, field
        repeated += 1
    assert repeated > 10


@needs_types
def test_each_kind_of_item_and_of_tool_is_known_and_no_other() -> None:
    def asked(items: list[Object], tools: list[Object]) -> str:
        return refusal("openai", "/v1/responses", {"model": "m", "input": items, "tools": tools})

    message = {"role": "user", "content": "a"}
    for union, place in (("ResponseInputItemParam", "items"), ("ToolParam", "tools")):
        known = kinds(RESPONSES, union)
        assert len(known) > 10
        said = {}
        for kind in (*known, "nonsense"):
            entry = {"type": kind}
            said[kind] = asked([message, entry], []) if place == "items" else asked([message], [entry])
        assert "nonsense" in said["nonsense"]
        for kind in known:
            assert said[kind] != said["nonsense"].replace("nonsense", kind), kind


@needs_types
@pytest.mark.parametrize(("type", "path", "body", "file", "name"), TYPES)
def test_each_word_of_a_field_is_known_and_no_other(
    type: str, path: str, body: Object, file: str, name: str
) -> None:
    for field, listed in fields(file, name).items():
        if field != "model" and re.fullmatch(r"\?\['[^\[\]]*'\]|'[^\[\]]*'", listed):
            for word in words(listed):
                assert refusal(type, path, {**body, field: word}) == "", (field, word)
            assert field in refusal(type, path, {**body, field: "nonsense"})


RIGHT_AND_WRONG: Object = {"str": ("abc", 5), "bool": (True, "x"), "int": (16, "x"), "float": (0.5, "x")}
BY_OTHERS = ("n", "top_logprobs", "previous_response_id")
"""Fields whose value must also agree with others, or be in a range."""


@needs_types
@pytest.mark.parametrize(("type", "path", "body", "file", "name"), TYPES)
def test_each_field_of_a_plain_type_takes_that_and_nothing_else(
    type: str, path: str, body: Object, file: str, name: str
) -> None:
    for field, listed in fields(file, name).items():
        plain = listed.removeprefix("?").strip("[]")
        if field not in body and plain in RIGHT_AND_WRONG:
            right, wrong = RIGHT_AND_WRONG[plain]
            if field not in BY_OTHERS:
                assert refusal(type, path, {**body, field: right}) == "", field
            if (path, field) != ("/v1/embeddings", "user"):  # which the fake does not look at
                assert field in refusal(type, path, {**body, field: wrong}), field
