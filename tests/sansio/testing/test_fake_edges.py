"""The fake's rarer cases: parts, fractions, made-up arguments, marks on tools, and a given length."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sansio import HTTPExchange, Request, Usage
from sansio.testing import PROVIDER_TYPES, Answer, Broken, Failure, FakeConnection, FakeProvider, FakeResponse
from tests.sansio.testing.asking import Object, ask, body_for, chunks, request_for, said, told
from tests.support import for_each

WORDS = "one two three"
CACHED = {"type": "ephemeral"}


@pytest.mark.parametrize("type", ["openai", "anthropic"])
def test_text_in_parts_is_answered_as_text(type: str) -> None:
    plain = said(ask(type, [{"role": "user", "content": WORDS}]))
    parts = said(ask(type, [{"role": "user", "content": [{"type": "text", "text": WORDS}]}]))
    key = "content" if type == "anthropic" else "choices"
    assert parts[key] == plain[key]


@pytest.mark.parametrize(("question", "reply"), [("5 / 2", "2.5"), ("6 / 2", "3"), ("1 / 4", "0.25")])
def test_a_quotient_is_whole_or_a_fraction(question: str, reply: str) -> None:
    answered = said(ask("openai", [{"role": "user", "content": f"What is {question}?"}]))
    assert reply in answered["choices"][0]["message"]["content"]


def test_a_number_that_is_not_in_the_message_is_1() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    tool = {"type": "function", "function": {"name": "roll", "parameters": schema}}
    (choice,) = said(ask("openai", [{"role": "user", "content": "Please roll"}], tools=[tool]))["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "roll", "arguments": '{"n":1}'}


@pytest.mark.parametrize(("marked", "status"), [(2, 200), (3, 400)])
def test_marks_on_tools_count_among_the_four(marked: int, status: int) -> None:
    tools = [
        {"name": f"f{n}", "input_schema": {"type": "object"}, "cache_control": CACHED} for n in range(marked)
    ]
    said: list[dict[str, Any]] = [{"type": "text", "text": "Hi", "cache_control": CACHED}] * 2
    assert ask("anthropic", [{"role": "user", "content": said}], tools=tools).status == status


class Own(FakeProvider):
    """Sends its own content-length."""

    def respond(self, request: Request) -> FakeResponse:
        return FakeResponse(status=200, headers=(("content-length", "2"),), pieces=(b"{", b"}"))


def test_a_target_that_utf_8_cannot_write_is_answered() -> None:
    request = Request("GET", "https", "localhost", 443, "/v1/models?after=\udcff", (), b"")
    assert FakeProvider("openai").respond(request).status == 401


def test_a_length_that_the_response_has_is_not_sent_twice() -> None:
    connection = FakeConnection(Own("openai"))
    sent = b"".join(connection.receive_data(HTTPExchange(request_for("openai")).data_to_send()))
    assert sent.lower().count(b"content-length") == 1
    assert b"transfer-encoding" not in sent.lower()
    assert sent.endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize(
    ("type", "prefix"),
    [
        ("openrouter", "gen-"),
        ("openai", "chatcmpl-"),
        ("azure", "chatcmpl-"),
        ("anthropic", "msg_"),
        ("ollama", "chatcmpl-"),
        ("vllm", "chatcmpl-"),
    ],
)
def test_an_answer_s_id_is_spelled_as_the_provider_spells_it(type: str, prefix: str) -> None:
    spelled = rf"{prefix}[0-9a-f]{{24}}"
    assert re.fullmatch(spelled, said(ask(type))["id"])
    last = chunks(ask(type, stream=True).pieces)[0 if type == "anthropic" else -1]
    assert re.fullmatch(spelled, last["message"]["id"] if type == "anthropic" else last["id"])


@pytest.mark.parametrize("type", PROVIDER_TYPES)
def test_a_stream_and_a_whole_answer_have_each_its_content_type(type: str) -> None:
    assert told(ask(type), "content-type") == "application/json"
    assert told(ask(type, stream=True), "content-type") == "text/event-stream; charset=utf-8"


def test_half_a_body_is_half_of_its_bytes() -> None:
    answer = Answer(text="one two three four five", usage=Usage(input_tokens=3, output_tokens=5))
    whole, half = (
        FakeProvider("openai", [outcome]).respond(request_for("openai"))
        for outcome in (answer, Broken(answer=answer, after=1))
    )
    assert half.body == whole.body[: len(whole.body) // 2]
    assert (half.status, half.headers) == (whole.status, whole.headers)


def cohere(key: str = "sk", **fields: object) -> Request:
    body = {"model": "small", "messages": [{"role": "user", "content": "Hi"}], **fields}
    return request_for("openai", body, path="/v2/chat", headers=(("authorization", f"Bearer {key}"),))


def test_the_server_of_all_types_serves_a_type_s_own_path_by_the_same_script_key_and_models() -> None:
    fake = FakeProvider(script=[Failure(status=503), Answer(text="Mine.")], key="sk", models=["small"])
    asked = [
        (cohere(), 503),
        (cohere("other"), 401),
        (cohere(model="large"), 404),
        (cohere(), 200),
    ]
    for request, status in asked:
        assert fake.respond(request).status == status
    assert fake.requests == [request for request, _ in asked]
    assert not fake.script
    assert "small model" in json.dumps(said(fake.respond(cohere())))


def test_another_target_or_body_has_another_id() -> None:
    fake = FakeProvider("openai")
    ids = {
        said(fake.respond(request))["id"]
        for request in (
            request_for("openai"),
            request_for("openai", path="/v1/chat/completions?a=1"),
            request_for("openai", body_for("openai", seed=1)),
            request_for("openai", body_for("openai", seed=2)),
        )
    }
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("type", "name"),
    [
        ("openrouter", "x-generation-id"),
        ("openai", "x-request-id"),
        ("azure", "apim-request-id"),
        ("anthropic", "request-id"),
    ],
)
def test_each_response_has_the_id_of_its_request(type: str, name: str) -> None:
    paths = {
        "openrouter": "/api/v1/models",
        "openai": "/v1/models",
        "azure": "/openai/v1/models",
        "anthropic": "/v1/models",
    }
    listed = request_for(type, path=paths[type], method="GET")
    refused = request_for(type, {})
    fake = FakeProvider(type, [Failure(status=500)])
    found = [told(fake.respond(request), name) for request in (request_for(type), request_for(type), listed)]
    found += [told(FakeProvider(type).respond(request), name) for request in (refused,)]
    assert all(re.fullmatch("req_[0-9a-f]{24}", each) for each in found)
    assert found[0] == found[1]
    assert len(set(found)) == 3


@pytest.mark.parametrize("path", ["/v1/responses/resp_1", "/v1/responses/resp_1/cancel"])
def test_where_nothing_is_kept_nothing_can_be_fetched(path: str) -> None:
    method = "POST" if path.endswith("cancel") else "GET"
    fake = FakeProvider("openai", [Failure(status=500), Answer(text="no")])
    response = fake.respond(request_for("openai", path=path, method=method))
    assert response.status == 500
    missing = fake.respond(request_for("openai", path=path, method=method))
    assert missing.status == 404
    assert "resp_1" in said(missing)["error"]["message"]
    assert len(fake.script) == 1


def test_whole_responses_of_a_script_go_out_at_every_endpoint_and_answers_wait() -> None:
    page = FakeResponse(status=502, pieces=(b"<html>",))
    answer = Answer(text="Mine.")
    fake = FakeProvider("openai", [page, answer, Failure(status=429)])
    models = request_for("openai", path="/v1/models", method="GET")
    assert fake.respond(models) is page
    assert fake.respond(models).status == 200
    assert [*fake.script] == [answer, Failure(status=429)]
    assert b"Mine." in fake.respond(request_for("openai")).body
    assert fake.respond(models).status == 429


SPELLED: list[tuple[str, Object, str, str]] = [
    ("/v1/responses", {"model": "m", "input": "Hi"}, "id", "resp_"),
    ("/v2/chat", {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}, "id", ""),
    ("/v1beta/models/m:generateContent", {"contents": [{"parts": [{"text": "Hi"}]}]}, "responseId", ""),
    (
        "/model/anthropic.claude/invoke",
        {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 5,
            "messages": [{"role": "user", "content": "Hi"}],
        },
        "id",
        "msg_bdrk_",
    ),
]


@for_each(SPELLED)
def test_each_family_spells_its_ids_in_its_own_way(case: tuple[str, Object, str, str]) -> None:
    path, body, name, prefix = case
    headers = (("authorization", "Bearer sk"), ("x-goog-api-key", "sk"))
    response = FakeProvider().respond(request_for("openai", body, path=path, headers=headers))
    assert re.fullmatch(f"{prefix}[0-9a-f]{{24}}", said(response)[name])
