"""A wire family is found by its api; an application's one can be registered, and its provider faked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pytest

from sansio import (
    AnswerReader,
    ContentDelta,
    Dialect,
    Message,
    NDJSONFramer,
    Provider,
    ProviderConfig,
    ProviderDefaults,
    Role,
    Send,
    StreamComplete,
    StreamEvent,
    TextPart,
    register_provider,
)
from sansio.config import PROVIDER_DEFAULTS
from sansio.families.chat import ChatDialect
from sansio.families.responses import ResponsesDialect
from sansio.framing import Framer
from sansio.http import Request
from sansio.jsontext import JSONObject
from sansio.testing import (
    Answer,
    Failure,
    FakeProvider,
    Wire,
    encode_events,
    encode_stream,
    encode_whole,
    register_wire,
)
from sansio.testing.failures import refuse
from sansio.testing.prompt import Prompt
from sansio.testing.routes import Route
from sansio.testing.script import Delta
from sansio.testing.wires import wire_for
from tests.sansio.testing.asking import body_for, inputs_of, request_for


class LinesReader(AnswerReader):
    """Reads `{"say": ...}` and `{"end": ...}`."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._text = self._answer.open(TextPart)

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        record = json.loads(data)
        self._answer.add(self._text, record.get("say", ""), events)
        self._answer.raw_finish_reason = record.get("end")
        return "end" in record

    def receive_whole(self, data: JSONObject) -> None:
        self._answer.add(self._text, str(data["say"]), [])
        self._answer.raw_finish_reason = "done"


class LinesDialect(Dialect):
    """A family that has only text, in lines of JSON."""

    TYPE = "lines"
    API = "lines"

    def build_endpoint(self, stream: bool = False) -> str:
        return f"{self.config.base_url}/say"

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Any], stream: bool, **options: object
    ) -> dict[str, object]:
        return {"said": [message.text for message in messages], "stream": stream}

    def open_stream(self) -> LinesReader:
        return LinesReader(self)

    def framer(self, content_type: str) -> Framer:
        return NDJSONFramer()


def write_stream(
    type: str, deltas: Sequence[Delta], head: Message, end: Message | Failure | None, usage: bool
) -> tuple[bytes, ...]:
    lines: list[object] = [{"say": delta.text} for delta in deltas if isinstance(delta, ContentDelta)]
    if isinstance(end, Message):
        lines.append({"end": "done"})
    return tuple(json.dumps(line).encode() + b"\n" for line in lines)


def write_whole(type: str, message: Message) -> bytes:
    return json.dumps({"say": message.text, "by": type}).encode()


def read(route: Route, request: Request, body: JSONObject) -> Prompt:
    said = body.get("said")
    if not isinstance(said, list) or not said:
        raise refuse("Nothing was said.")
    return Prompt(
        model="m",
        stream=body.get("stream") is True,
        include_usage=False,
        user=str(said[-1]),
        turns=len(said),
        results=(),
        tools=(),
        forced_tool=None,
        reasoning=False,
        max_tokens=None,
        tokens=1,
    )


@pytest.fixture
def foreign() -> Iterator[None]:
    """Two provider types: one of a foreign family, and one that speaks chat completions."""
    register_wire("lines", Wire(write_stream, write_whole, read))
    base = ProviderDefaults(base_url="http://localhost:1")
    register_provider("lines", LinesDialect, base)
    register_provider("mine", ChatDialect, base)
    register_provider("both", {"chat": ChatDialect, "responses": ResponsesDialect}, base)
    yield
    for name in ("lines", "mine", "both"):
        PROVIDER_DEFAULTS.pop(name, None)


def ask(type: str, fake: FakeProvider, *, stream: bool) -> Message:
    provider = Provider(ProviderConfig(type=type, model="m"))
    call = provider.call([Message(Role.USER, "Hello")], stream=stream)
    step = call.next_step()
    assert isinstance(step, Send)
    for value in inputs_of(fake.respond(provider.authorize(step.request, "sk"))):
        if call.wants_input:
            call.receive(value)
    return call.result()


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize("type", ["lines", "mine"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_registered_type_has_a_fake(type: str, stream: bool) -> None:
    fake = FakeProvider(type, [Answer(text="Hi there.")])
    assert ask(type, fake, stream=stream).text == "Hi there."
    assert "small model" in ask(type, fake, stream=stream).text


@pytest.mark.usefixtures("foreign")
def test_a_foreign_family_is_found_by_type_and_by_api() -> None:
    answer = Answer(text="Hi")
    assert encode_stream("lines", answer) == (b'{"say": "Hi"}\n', b'{"end": "done"}\n')
    assert encode_stream("mine/chat", answer) == encode_stream("openai", answer)
    events: list[StreamEvent] = [ContentDelta("Hi"), StreamComplete(answer.to_message())]
    assert encode_events("lines/lines", events) == encode_stream("lines", answer)
    assert encode_whole("lines", answer) == b'{"say": "Hi", "by": "lines"}'
    assert wire_for("openrouter") is wire_for("mine")
    assert wire_for("anthropic") is wire_for("anthropic/messages")


RESPONSE_PATHS: list[tuple[str, str, int]] = [
    ("POST", "/custom/responses", 200),
    ("POST", "/custom/chat/completions", 200),
    ("POST", "/custom/responses/input_tokens", 200),
    ("GET", "/custom/responses/resp_1", 404),
    ("POST", "/custom/responses/resp_1/cancel", 404),
    ("GET", "/custom/models", 200),
]


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize(("method", "path", "status"), RESPONSE_PATHS)
def test_a_registered_type_of_two_families_answers_by_the_end_of_the_path(
    method: str, path: str, status: int
) -> None:
    body = {"model": "m", "input": "Hello"} if "responses" in path else body_for("openai")
    headers = (("authorization", "Bearer sk"),)
    request = Request.post(f"http://localhost:1{path}", headers, json.dumps(body).encode())
    response = FakeProvider("both").respond(msgspec.structs.replace(request, method=method))
    assert response.status == status
    if response.status == 200 and method == "POST" and "input_tokens" not in path:
        assert json.loads(response.body)["object"] == (
            "response" if "responses" in path else "chat.completion"
        )


@pytest.mark.usefixtures("foreign")
def test_a_family_that_keeps_nothing_has_nothing_to_fetch() -> None:
    headers = (("authorization", "Bearer sk"),)
    request = Request.post("http://localhost:1/v1/responses/resp_1/cancel", headers, b"")
    assert FakeProvider("lines").respond(request).status == 404


def test_a_fake_of_one_api_answers_at_its_path_only() -> None:
    fake = FakeProvider("openai/responses")
    assert fake.respond(request_for("openai")).status == 404
    body = {"model": "m", "input": "Hello"}
    assert fake.respond(request_for("openai", body, path="/v1/responses")).status == 200
    assert fake.respond(request_for("openai", body, path="/other/responses")).status == 404
    assert fake.respond(request_for("openai", path="/v1/models", method="GET")).status == 200


@pytest.mark.usefixtures("foreign")
def test_a_foreign_family_refuses_a_request_in_its_own_words_and_wants_a_key() -> None:
    request = Request.post("http://localhost:1/anything", (("authorization", "Bearer sk"),), b"{}")
    response = FakeProvider("lines").respond(request)
    assert response.status == 400
    assert b"Nothing was said." in response.body
    assert FakeProvider("lines", key="other").respond(request).status == 401


@pytest.mark.parametrize("name", ["nobody", "openai/messages2", "lines2", "", "openai/"])
def test_a_family_without_a_wire_is_refused_with_the_names_of_those_that_have_one(name: str) -> None:
    if name == "openai/":  # no api is the default one
        assert wire_for(name) is wire_for("openai")
        return
    makers: list[Callable[[], object]] = [lambda: wire_for(name), lambda: FakeProvider(name)]
    for make in makers:
        with pytest.raises(ValueError, match="no fake provider of this type; use one of openrouter, openai"):
            make()


@pytest.mark.parametrize("api", ["", "chat", "messages", "responses", "a/b"])
def test_a_built_in_family_cannot_be_replaced(api: str) -> None:
    with pytest.raises(ValueError, match="cannot be registered; choose another name"):
        register_wire(api, wire_for("openai"))
