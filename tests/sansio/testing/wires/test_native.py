"""The fake's half of Ollama's own API and of Cohere's chat: what it writes, reads and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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
OF_PLAN: Record = {"start": 0, "end": 1, "type": "PLAN"}
PLAN = ReasoningPart("I will call f.", {"field": "tool_plan", "citations": [OF_PLAN]})
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


# What a request may hold: a whole one, changed in one place.

SAID_TO_COHERE: list[Record] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "f now"}]},
    {
        "role": "assistant",
        "content": [{"type": "text", "text": "So."}],
        "tool_plan": "I will.",
        "tool_calls": [CALLED],
        "citations": [{"start": 0}],
    },
    {"role": "tool", "tool_call_id": "a", "content": "fine"},
]
WHOLE_COHERE: Record = {
    "model": "m",
    "messages": SAID_TO_COHERE,
    "stream": False,
    "tools": [
        {"type": "function", "function": {"name": "f", "description": "F.", "parameters": {"type": "object"}}}
    ],
    "strict_tools": True,
    "documents": ["a", {"data": {}}],
    "citation_options": {"mode": "FAST"},
    "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
    "safety_mode": "STRICT",
    "max_tokens": 500,
    "stop_sequences": ["END"],
    "temperature": 0.5,
    "seed": 1,
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "k": 5,
    "p": 0.5,
    "logprobs": True,
    "tool_choice": "NONE",
    "thinking": {"type": "enabled", "token_budget": 9},
    "priority": 1,
}
WHOLE_OLLAMA: Record = {
    "model": "m",
    "messages": [
        {"role": "user", "content": "f now", "images": ["UE5H"]},
        {"role": "assistant", "content": "So.", "thinking": "Hm.", "tool_calls": [CALL]},
        {"role": "tool", "content": "fine", "tool_name": "f", "tool_call_id": "a"},
    ],
    "stream": False,
    "format": "json",
    "options": {"num_ctx": 5},
    "think": "low",
    "keep_alive": "5m",
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "logprobs": True,
    "top_logprobs": 3,
}
OPEN = (
    "documents",
    "citation_options",
    "json_schema",
    "parameters",
    "citations",
    "options",
    "tools",
    "content",
)
"""Fields whose inside is not checked."""
Place = tuple[str | int, ...]


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """The places inside a body, except for those that nobody checks."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield (*at, name)
        if name not in OPEN or (name == "tools" and "k" in value):
            yield from places(each, (*at, name))


def changed(body: Record, place: Place, change: Callable[[Any, Any], object]) -> Record:
    """A copy of a body with a change at a place: what holds the value there, and the last step to it."""
    copy = json.loads(json.dumps(body))
    holder = copy
    for step in place[:-1]:
        holder = holder[step]
    change(holder, place[-1])
    return dict(copy)


def wrong(holder: Any, step: Any) -> None:
    holder[step] = "no" if isinstance(holder[step], bool | list | dict) else True


@for_all(
    (
        ("kind", "target", "body"),
        [("cohere", "/v2/chat", WHOLE_COHERE), ("ollama", "/api/chat", WHOLE_OLLAMA)],
    )
)
def test_a_value_of_another_type_is_refused_wherever_it_is(kind: str, target: str, body: Record) -> None:
    fake = FakeProvider(kind)
    assert ask(fake, target, body).status == 200
    seen = 0
    for place in places(body):
        given = ask(fake, target, changed(body, place, wrong))
        # A text is good where an object or a boolean may be, too.
        if place[-1] not in ("think", "content"):
            assert given.status == 400, place
            seen += 1
    assert seen > 15


def test_cohere_refuses_a_field_that_it_does_not_know_wherever_it_is() -> None:
    fake = FakeProvider("cohere")

    def add(holder: Any, step: Any) -> None:
        holder[step]["nonsense"] = 1

    for place in places(WHOLE_COHERE):
        value: Any = WHOLE_COHERE
        for step in place:
            value = value[step]
        if isinstance(value, dict) and not set(OPEN[:7]) & {*place} - {"tools"}:
            assert ask(fake, "/v2/chat", changed(WHOLE_COHERE, place, add)).status == 400, place


REQUIRED_BY = {
    "cohere": ["model", "messages", ("tools", 0, "function", "name"), ("messages", 3, "tool_call_id")],
    "ollama": ["model", "messages", ("messages", 0, "role")],
}


@for_all(("kind", REQUIRED_BY))
def test_only_what_is_required_may_not_be_left_out(kind: str) -> None:
    body, target = (WHOLE_COHERE, "/v2/chat") if kind == "cohere" else (WHOLE_OLLAMA, "/api/chat")
    fake = FakeProvider(kind)

    def leave(holder: Any, step: Any) -> None:
        del holder[step]

    for name in body:
        needed = name in REQUIRED_BY[kind] or (kind == "cohere" and name == "tools")  # for its tool_choice
        assert (ask(fake, target, changed(body, (name,), leave)).status == 400) is needed, name
    for place in REQUIRED_BY[kind]:
        if isinstance(place, tuple):
            assert ask(fake, target, changed(body, place, leave)).status == 400, place


@for_all(
    (
        ("name", "good", "bad"),
        [
            ("k", (0, 500), (-1, 501)),
            ("p", (0, 1), (-0.1, 1.1)),
            ("frequency_penalty", (0, 1), (-0.1, 1.1)),
            ("presence_penalty", (0, 1), (-0.1, 1.1)),
            ("temperature", (0, 5), (-0.1,)),
            ("max_tokens", (0, 1), (-1,)),
            ("stop_sequences", (["a"] * 5,), (["a"] * 6,)),
            ("thinking", ({"type": "disabled"},), ({"type": "enabled", "token_budget": 0}, {"type": "on"})),
            ("tool_choice", ("REQUIRED", "NONE"), ("AUTO",)),
            ("safety_mode", ("CONTEXTUAL", "OFF"), ("strict",)),
            ("response_format", ({"type": "text"},), ({"type": "json_schema"},)),
        ],
    )
)
def test_coheres_ranges_and_words(name: str, good: tuple[Any, ...], bad: tuple[Any, ...]) -> None:
    fake = FakeProvider("cohere")
    for value in good:
        assert ask(fake, "/v2/chat", WHOLE_COHERE | {name: value}).status == 200, value
    for value in bad:
        assert ask(fake, "/v2/chat", WHOLE_COHERE | {name: value}).status == 400, value


def test_cohere_calls_tools_as_the_choice_says_and_thinks_if_it_is_asked_to() -> None:
    fake = FakeProvider("cohere")
    asked: Record = {
        "model": "m",
        "messages": [HELLO | {"content": "get_weather in Paris"}],
        "tools": [WEATHER],
    }
    assert said(ask(fake, "/v2/chat", asked))["finish_reason"] == "TOOL_CALL"
    assert said(ask(fake, "/v2/chat", asked | {"tool_choice": "NONE"}))["finish_reason"] == "COMPLETE"

    def kinds(**more: Any) -> list[str]:
        given = said(ask(fake, "/v2/chat", {"model": "m", "messages": [HELLO], **more}))
        return [block["type"] for block in given["message"]["content"]]

    assert kinds() == kinds(thinking={"type": "disabled"}) == ["text"]
    assert kinds(thinking={"type": "enabled"}) == ["thinking", "text"]
    shape = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    shaped = {"type": "json_object", "json_schema": shape}
    given = said(ask(fake, "/v2/chat", {"model": "m", "messages": [HELLO], "response_format": shaped}))
    assert json.loads(given["message"]["content"][0]["text"]) == {"a": 0}


@for_all((("kind", "target"), [("cohere", "/v2/chat"), ("ollama", "/api/chat")]))
def test_the_model_answers_the_last_text_of_the_user(kind: str, target: str) -> None:
    fake = FakeProvider(kind)

    def text(*messages: Record) -> str:
        message = said(ask(fake, target, {"model": "m", "messages": [*messages], "stream": False}))["message"]
        content = message["content"]
        return str(content if isinstance(content, str) else content[0]["text"])

    answer: Record = {"role": "assistant", "content": "5"}
    first, last = text(HELLO), text(HELLO | {"content": "4 + 9"})
    assert first != last
    assert text(HELLO | {"content": "4 + 9"}, answer, HELLO) == first
    assert text({"role": "system", "content": "4 + 9"}, HELLO) == first
    assert text(HELLO, answer | {"content": "4 + 9"}) == first
    assert "nothing" in text({"role": "system", "content": "4 + 9"})


def test_ollama_limits_an_answer_only_by_a_number_that_is_not_negative() -> None:
    fake = FakeProvider("ollama")
    for limit, reason in ((0, "length"), (1, "length"), (-1, "stop"), (-2, "stop"), (500, "stop")):
        body: Record = {"model": "m", "messages": [HELLO], "stream": False, "options": {"num_predict": limit}}
        assert said(ask(fake, "/api/chat", body))["done_reason"] == reason, limit
    forced: Record = {
        "model": "m",
        "messages": [HELLO | {"content": "get_weather in Paris"}],
        "tools": [WEATHER],
    }
    calls = said(ask(fake, "/api/chat", forced | {"stream": False}))["message"]["tool_calls"]
    assert [each["function"]["name"] for each in calls] == ["get_weather"]
    for level in ("low", "medium", "high", "max", True):
        thinking: Record = {"model": "m", "messages": [HELLO], "stream": False, "think": level}
        assert said(ask(fake, "/api/chat", thinking))["message"]["thinking"]
    for form in ("", "json"):
        formed: Record = {"model": "m", "messages": [HELLO], "stream": False, "format": form}
        assert ask(fake, "/api/chat", formed).status == 200
    for off in (False, None):
        plain: Record = {"model": "m", "messages": [HELLO], "stream": False, "think": off}
        assert "thinking" not in said(ask(fake, "/api/chat", plain))["message"]


# What is written.


def test_each_block_and_call_of_a_stream_begins_and_ends_and_is_numbered() -> None:
    parts = (
        PLAN,
        TextPart("One.", (SPAN,)),
        ReasoningPart("Hm."),
        TextPart("Two."),
        UnknownPart("image", {"type": "image"}),
        TextPart(""),
        ToolCall("a", "f", {"x": 1}),
        TextPart("Three."),
        ToolCall("b", "g", {}),
    )
    pieces = b"".join(encode_stream(COHERE, Answer(parts=parts))).split(b"\n\n")
    records = [json.loads(piece.partition(b"data: ")[2]) for piece in pieces if b"data: {" in piece]
    assert all(
        piece.startswith(b"event: " + record["type"].encode())
        for piece, record in zip(pieces, records, strict=False)
    )
    assert records[0]["delta"]["message"]["role"] == "assistant"
    for record in records:
        if record["type"] == "content-start":
            block = record["delta"]["message"]["content"]
            assert block["type"] == "image" or block[block["type"]] == "", record
    logged = encode_stream(COHERE, Answer(text="Hi", extra={"logprobs": [LOGPROB]}))
    holders = [json.loads(piece.partition(b"data: ")[2]) for piece in logged if b"token_ids" in piece]
    assert [(each["type"], each["index"]) for each in holders] == [("content-delta", 0)]
    open_: list[tuple[str, int]] = []
    begun: dict[str, list[int]] = {"content": [], "tool-call": [], "citation": []}
    for record in records:
        kind, _, what = record["type"].rpartition("-")
        if kind not in begun:
            continue
        if what == "start":
            assert open_ == [], record
            open_.append((kind, record["index"]))
            begun[kind].append(record["index"])
        else:
            assert open_ == [(kind, record["index"])], record
            if what == "end":
                open_.clear()
    assert open_ == []
    assert begun == {"content": [*range(6)], "tool-call": [0, 1], "citation": [0, 1]}


def test_calls_of_ollama_are_numbered_and_its_counts_are_read() -> None:
    calls = (ToolCall("a", "f", {"x": 1}), ToolCall("b", "g", {}))
    whole = json.loads(encode_whole(OLLAMA, Answer(tool_calls=calls)))
    streamed = [json.loads(line) for line in encode_stream(OLLAMA, Answer(tool_calls=calls))]
    listed = [call for line in streamed for call in line["message"].get("tool_calls", ())]
    for found in (whole["message"]["tool_calls"], listed):
        assert [each["function"]["index"] for each in found] == [0, 1]
        assert [each["function"]["arguments"] for each in found] == [{"x": 1}, {}]
    assert [line["done"] for line in streamed][-2:] == [False, True]
    images = Answer(parts=(ImagePart(data=b"PNG"), TextPart("Hi"), ReasoningPart("Hm.")))
    for line in encode_stream(OLLAMA, images):
        assert json.loads(line)["message"].keys() >= {"role", "content"}


def test_what_is_beside_answers_has_what_the_sdks_list() -> None:
    fake = FakeProvider("cohere", models=["m"])
    (row,) = said(ask(fake, "/v1/models"))["models"]
    assert row.keys() >= {"name", "endpoints", "finetuned", "context_length"}
    assert row["endpoints"] == ["chat"]
    tokens = said(ask(fake, "/v1/tokenize", {"model": "m", "text": "one two"}))
    assert tokens["tokens"] == [0, 1]
    assert (tokens["token_strings"], tokens["meta"]["api_version"]) == ([], {"version": "1"})
    body: Record = {"model": "m", "texts": ["one two", "three"]}
    for purpose in ("search_document", "search_query", "classification", "clustering", "image"):
        given = said(ask(fake, "/v2/embed", body | {"input_type": purpose}))
        assert given["texts"] == body["texts"]
        assert given["meta"]["billed_units"]["input_tokens"] == 3
    assert ask(fake, "/v2/embed", body | {"input_type": "other"}).status == 400
    ollama = said(ask(FakeProvider("ollama"), "/api/embed", {"model": "m", "input": ["one two", "three"]}))
    assert (ollama["model"], ollama["prompt_eval_count"]) == ("m", 3)
    (listed,) = said(ask(FakeProvider("ollama", models=["m"]), "/api/tags"))["models"]
    assert listed.keys() >= {"name", "model", "modified_at", "size", "digest", "details"}
