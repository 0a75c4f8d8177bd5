"""The fake's rarer cases: parts, fractions, made-up arguments, marks on tools, and a given length."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sansio import HTTPExchange, Request, Usage
from sansio.testing import PROVIDER_TYPES, Answer, Broken, FakeConnection, FakeProvider, FakeResponse
from tests.sansio.testing.asking import ask, chunks, request_for, said, told

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
