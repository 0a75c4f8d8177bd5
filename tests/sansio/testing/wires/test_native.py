"""The fake's half of Ollama's own API and of Cohere's chat: what it writes, reads and refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sansio import (
    AudioPart,
    Citation,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    StreamComplete,
    StreamParser,
    TextPart,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.http import Request, header
from sansio.providers import dialect_named
from sansio.testing import (
    Answer,
    Broken,
    Failure,
    FakeProvider,
    FakeResponse,
    encode_events,
    encode_stream,
    encode_whole,
)
from tests.sansio.wires import WEATHER, Record, config
from tests.support import for_all

OLLAMA, COHERE = "ollama/ollama", "cohere"
PLAN = ReasoningPart("I will call f.", {"field": "tool_plan"})
SPAN = Citation(start=0, end=2, extra={"text": "Hi", "sources": []})
LOGPROB: Record = {"text": "Hi", "token_ids": [1]}
ANSWERS: list[tuple[str, Answer]] = [
    (
        OLLAMA,
        Answer(
            parts=(
                ReasoningPart("Hm. So."),
                TextPart("Hi you"),
                ImagePart(data=b"PNG"),
                UnknownPart("image", {"image": "?"}),
                ToolCall("a", "f", {"x": 1}, '{"x":1}', extra={"function": {"new": 1}}),
                ToolCall("b", "g", {}, "{}"),
            ),
            usage=Usage(input_tokens=3, output_tokens=5, extra={"total_duration": 9}),
            extra={"logprobs": {"content": [{"token": "Hi", "logprob": -0.5}]}, "remote_model": "big"},
        ),
    ),
    (
        COHERE,
        Answer(
            parts=(
                PLAN,
                ReasoningPart("Hm. So."),
                TextPart("Hi you", (SPAN,)),
                UnknownPart("image", {"type": "image", "url": "u"}),
                ToolCall("a", "f", {"x": 1}, '{"x":1}', extra={"new": 1}),
                ToolCall("b", "g", {}, "{}"),
            ),
            usage=Usage(
                input_tokens=3,
                output_tokens=5,
                cached_tokens=2,
                reasoning_tokens=1,
                extra={"billed_units": {"input_tokens": 1}, "tokens": {"image_tokens": 4}},
            ),
            extra={"logprobs": [LOGPROB], "new": 1},
        ),
    ),
]


def read(kind: str, pieces: tuple[bytes, ...]) -> Message:
    parser = StreamParser(kind)
    last = [event for piece in pieces for event in parser.receive_data(piece)][-1]
    assert isinstance(last, StreamComplete)
    return last.message


@for_all((("kind", "answer"), ANSWERS))
def test_an_answer_is_read_as_it_was_meant_whole_and_streamed(kind: str, answer: Answer) -> None:
    streamed = read(kind, encode_stream(kind, answer))
    whole = dialect_named(kind).parse_response(json.loads(encode_whole(kind, answer)))
    for message in (streamed, whole):
        assert sorted(map(repr, message.parts)) == sorted(map(repr, answer.parts))
        assert (message.usage, message.extra) == (answer.usage, answer.extra)
        assert message.finish_reason is FinishReason.TOOL_CALLS
    assert encode_events(
        kind, answer.to_events(model="fake-model", response_id="fake-response")
    ) == encode_stream(kind, answer)


@for_all(("kind", [OLLAMA, COHERE]))
def test_answers_end_in_the_words_of_the_wire(kind: str) -> None:
    for answer, finish in (
        (Answer(text="Hi", refusal="No."), FinishReason.STOP),
        (Answer(text="Hi", finish_reason=FinishReason.LENGTH), FinishReason.LENGTH),
        (Answer(text="Hi", raw_finish_reason="new"), FinishReason.OTHER),
        (Answer(parts=(TextPart(""), ReasoningPart(""), RefusalPart(""))), FinishReason.STOP),
    ):
        assert read(kind, encode_stream(kind, answer)).finish_reason is finish
        message = dialect_named(kind).parse_response(json.loads(encode_whole(kind, answer)))
        assert (message.finish_reason, message.usage) == (finish, None)
    with pytest.raises(ValueError, match="raw_finish_reason"):
        encode_whole(kind, Answer(finish_reason=FinishReason.PAUSE))


@for_all(
    (
        ("kind", "part"),
        [
            (OLLAMA, AudioPart(data=b"x")),
            (OLLAMA, ImagePart(url="https://e/")),
            (OLLAMA, ToolCall("a", "f", {"input": "x"}, kind="custom")),
            (OLLAMA, InvalidToolCall("a", "f", "{", "")),
            (COHERE, AudioPart(data=b"x")),
            (COHERE, ToolCall("a", "f", {"input": "x"}, kind="custom")),
        ],
    )
)
def test_a_part_without_a_place_is_refused(kind: str, part: Part) -> None:
    with pytest.raises(ValueError, match=kind.partition("/")[0]):
        encode_stream(kind, Answer(parts=(part,)))


@for_all(("kind", [OLLAMA, COHERE]))
def test_calls_are_sent_one_after_the_other(kind: str) -> None:
    events = Answer(tool_calls=(ToolCall("a", "f", {"x": 1}), ToolCall("b", "g", {"y": 2}))).to_events()
    first = events.pop(1)
    with pytest.raises(ValueError, match="interleaved"):
        encode_events(kind, [*events[:2], first, *events[2:]])


def test_a_stream_that_breaks_off_or_fails() -> None:
    broken = Broken(answer=Answer(text="Hi you"), after=1)
    failing = Broken(answer=Answer(text="Hi you"), after=1, failure=Failure(status=500, message="Oh."))
    named = Broken(answer=Answer(), after=0, failure=Failure(status=500, message="Oh.", error_type="X"))
    for kind in (OLLAMA, COHERE):
        parser = StreamParser(kind)
        parser.receive_data(b"".join(encode_stream(kind, broken)))
        assert not parser.finished
    assert encode_stream(OLLAMA, failing)[-1] == b'{"error":"Oh."}\n'
    end = b'data: {"type":"message-end","delta":{"finish_reason":"ERROR","usage":{},"error":"Oh.'
    assert end + b'"}}' in encode_stream(COHERE, failing)[-2]
    assert end + b'","error_type":"X"}}' in encode_stream(COHERE, named)[-2]


# Requests.


def ask(fake: FakeProvider, target: str, body: Record | None = None, **headers: str) -> FakeResponse:
    given = (("authorization", "Bearer k"), *headers.items())
    if body is None:
        return fake.respond(Request.get(f"http://localhost{target}", given))
    return fake.respond(Request.post(f"http://localhost{target}", given, json.dumps(body).encode()))


def said(response: FakeResponse) -> Any:
    return json.loads(response.body)


HELLO: Record = {"role": "user", "content": "2 + 3"}
CALL: Record = {"id": "a", "function": {"name": "f", "arguments": {}}}
CALLED: Record = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
RESULT: Record = {"role": "tool", "content": "fine", "tool_call_id": "a"}


@for_all(
    (
        "wrong",
        [
            {"messages": [HELLO]},
            {"model": " ", "messages": [HELLO]},
            {"model": "m", "messages": "Hi"},
            {"model": "m", "messages": [{"role": "robot", "content": "Hi"}]},
            {"model": "m", "messages": [HELLO | {"images": ["?"]}]},
            {
                "model": "m",
                "messages": [HELLO | {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}],
            },
            {"model": "m", "messages": [HELLO], "think": "much"},
            {"model": "m", "messages": [HELLO], "format": "yaml"},
        ],
    )
)
def test_ollama_refuses_what_it_cannot_read(wrong: Record) -> None:
    response = ask(FakeProvider("ollama"), "/api/chat", wrong)
    assert response.status == 400
    assert list(said(response)) == ["error"]
    assert isinstance(said(response)["error"], str)


@for_all(
    (
        "wrong",
        [
            {"messages": [HELLO]},
            {"model": "m", "messages": []},
            {"model": "m", "messages": [HELLO], "stop": ["END"]},
            {"model": "m", "messages": [HELLO], "k": 501},
            {"model": "m", "messages": [HELLO], "tool_choice": "REQUIRED"},
            {"model": "m", "messages": [{"role": "user", "content": ""}]},
            {"model": "m", "messages": [HELLO, {"role": "assistant"}]},
            {"model": "m", "messages": [HELLO, RESULT]},
            {"model": "m", "messages": [HELLO, {"role": "assistant", "tool_calls": [CALLED]}]},
            {"model": "m", "messages": [HELLO, {"role": "assistant", "tool_calls": [CALLED]}, HELLO]},
        ],
    )
)
def test_cohere_refuses_what_it_cannot_read(wrong: Record) -> None:
    response = ask(FakeProvider("cohere"), "/v2/chat", wrong)
    assert response.status == 400
    assert said(response)["message"].startswith("invalid request")
    assert "id" in said(response)


def test_a_request_says_what_the_model_sees() -> None:
    tool: Record = {**WEATHER}
    fake = FakeProvider("ollama")
    seen = HELLO | {"images": ["UE5H"]}
    body: Record = {"model": "m", "messages": [seen], "options": {"num_predict": 1}, "stream": False}
    assert said(ask(fake, "/api/chat", body))["done_reason"] == "length"
    shaped: Record = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    body |= {"options": {}, "format": shaped, "think": True}
    message = said(ask(fake, "/api/chat", body))["message"]
    assert json.loads(message["content"]) == {"a": 0}
    assert message["thinking"]
    calls = [{"role": "assistant", "tool_calls": [CALL]}, RESULT | {"tool_name": "f"}]
    asked = {"model": "m", "messages": [HELLO, *calls], "tools": [tool], "stream": False}
    assert "f said 'fine'" in said(ask(fake, "/api/chat", asked))["message"]["content"]
    cohere = FakeProvider("cohere")
    choice: Record = {"model": "m", "messages": [HELLO], "tools": [tool], "tool_choice": "REQUIRED"}
    assert said(ask(cohere, "/v2/chat", choice))["finish_reason"] == "TOOL_CALL"
    choice |= {"tool_choice": "NONE", "max_tokens": 1, "response_format": {"type": "json_object"}}
    assert said(ask(cohere, "/v2/chat", choice))["finish_reason"] == "MAX_TOKENS"
    blocks = {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "fine"}]}
    looped = [HELLO, {"role": "assistant", "tool_calls": [CALLED]}, blocks]
    given = said(ask(cohere, "/v2/chat", {"model": "m", "messages": looped}))
    assert "f said 'fine'" in given["message"]["content"][0]["text"]


def test_one_server_of_all_types_has_their_paths_too() -> None:
    fake = FakeProvider(script=[Answer(text="One."), Answer(text="Two.")], models=["m", "n"], key="k")
    assert said(ask(fake, "/api/chat", {"model": "m", "messages": [HELLO], "stream": False}))["message"] == {
        "role": "assistant",
        "content": "One.",
    }
    response = ask(fake, "/v2/chat", {"model": "m", "messages": [HELLO]})
    assert said(response)["message"]["content"] == [{"type": "text", "text": "Two."}]
    assert header(response.headers, "content-type") == "application/json"
    assert [row["name"] for row in said(ask(fake, "/api/tags"))["models"]] == ["m", "n"]
    assert ask(fake, "/v1/tokenize", {"model": "m", "text": "one two"}).status == 200
    assert [row["name"] for row in said(ask(fake, "/v1/models?page_size=5"))["models"]] == ["m"]
    unknown = ask(fake, "/v2/chat", {"model": "x", "messages": [HELLO]})
    assert (unknown.status, "message" in said(unknown)) == (404, True)
    lines = ask(fake, "/api/chat", {"model": "m", "messages": [HELLO]})
    assert header(lines.headers, "content-type") == "application/x-ndjson"
    google = ask(fake, "/v1beta/models/m:generateContent", {"contents": [{"parts": [{"text": "Hi"}]}]})
    assert said(google)["modelVersion"] == "m"
    bedrock = ask(fake, "/model/m/converse", {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]})
    assert said(bedrock)["stopReason"] == "end_turn"
    assert len(fake.requests) == 9


def test_the_script_fails_in_the_form_of_the_path() -> None:
    down = Failure(status=503, message="Busy.")
    failing = Broken(answer=Answer(), after=0, failure=down)
    ollama = FakeProvider("ollama", [down, failing, down])
    body: Record = {"model": "m", "messages": [HELLO], "stream": False}
    first = ask(ollama, "/api/chat", body)
    assert (first.status, said(first)) == (503, {"error": "Busy."})
    inside = ask(ollama, "/api/chat", body)
    assert (inside.status, said(inside)) == (200, {"error": "Busy."})
    assert said(ask(ollama, "/api/tags")) == {"error": "Busy."}
    assert "error" in said(ask(ollama, "/v1/chat/completions", {"model": "m"}))
    cohere = FakeProvider("cohere", [Failure(status=400, message="No.", error_type="X")])
    assert said(ask(cohere, "/v2/chat", {"model": "m", "messages": [HELLO]}))["error_type"] == "X"
    assert ask(cohere, "/v2/chat").status == 405
    keyless = cohere.respond(Request.post("http://localhost/v2/chat", (), b"{}"))
    assert (keyless.status, list(said(keyless))) == (401, ["id", "message"])


@for_all(
    (
        ("kind", "target", "body"),
        [
            ("ollama", "/api/embed", {"model": "", "input": ["a"]}),
            ("ollama", "/api/embed", {"model": "m", "input": [5]}),
            ("cohere", "/v2/embed", {"texts": ["a"], "input_type": "search_query"}),
            ("cohere", "/v2/embed", {"model": "m", "texts": [], "input_type": "search_query"}),
            ("cohere", "/v2/embed", {"model": "m", "texts": ["a"]}),
            ("cohere", "/v1/tokenize", {"model": "m", "text": ""}),
        ],
    )
)
def test_what_is_beside_answers_is_checked(kind: str, target: str, body: Record) -> None:
    assert ask(FakeProvider(kind), target, body).status == 400


def fetch(fake: FakeProvider, endpoint: Any) -> Any:
    """What an endpoint gives, all its pages."""
    url, read = endpoint.url, endpoint.read
    while True:
        target = url.removeprefix("https://api.cohere.com").removeprefix("http://localhost:11434")
        found = read(said(ask(fake, target, endpoint.body)))
        if not hasattr(found, "query"):
            return found
        url, read = f"{endpoint.url}&{found.query}", found.read


def test_the_endpoints_beside_answers_are_read_by_their_clients() -> None:
    for kind in (OLLAMA, COHERE):
        fake = FakeProvider(kind.partition("/")[0], models=["a", "b"])
        dialect = Provider(config(kind)).dialect
        assert [model.id for model in fetch(fake, dialect.list_models())] == ["a", "b"]
        other = dialect.with_model("a")
        assert [len(vector) for vector in fetch(fake, other.embed(["x", "y"], 4)).vectors] == [4, 4]
        assert len(fetch(fake, other.embed(["x"])).vectors[0]) == 8
    assert fetch(fake, other.count_tokens({"messages": [{"role": "user", "content": "one two"}]})) == 2
    single: Record = {"model": "m", "input": "x"}
    assert len(said(ask(FakeProvider("ollama"), "/api/embed", single))["embeddings"]) == 1
