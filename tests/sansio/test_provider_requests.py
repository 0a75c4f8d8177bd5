"""The requests of a provider, in every field: of calls, of endpoints, and with the options of one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from sansio import (
    ConfigError,
    Credentials,
    InvalidRequestError,
    LeftOut,
    Lost,
    Message,
    Provider,
    ReasoningPart,
    Role,
    Send,
    TextPart,
    header,
)
from sansio.endpoints import Content, Endpoint
from sansio.http import Request
from sansio.provider import Prepared
from sansio.timeouts import Timeouts
from tests.sansio.exchanges import REFUSED
from tests.sansio.wires import ASK, WEATHER, config
from tests.support import for_all

URL = "https://api.openai.com/v1"
COMMON = {
    "host": "api.openai.com",
    "content-type": "application/json",
    "accept-encoding": "identity",
    "user-agent": "sansio-llm",
}


def openai(**fields: Any) -> Provider:
    return Provider(config("openai", model="gpt-5.4", **fields))


def loose() -> Any:
    """The same for arguments of wrong types."""
    return openai()


def waits(machine: Any) -> list[float]:
    """The waits between the attempts if each request is lost."""
    found: list[float] = []
    while (step := machine.next_step()) is not None:
        if isinstance(step, Send):
            machine.receive(Lost(REFUSED))
        else:
            found.append(step.seconds)
    return found


def request_of(machine: Any) -> Request:
    step = machine.next_step()
    assert isinstance(step, Send)
    return step.request


def body_of(request: Request) -> Any:
    assert header(request.headers, "content-length") == str(len(request.body))
    return msgspec.json.decode(request.body)


MESSAGES = [{"role": "user", "content": ASK[0].text}]


@pytest.mark.parametrize("stream", [True, False])
def test_a_call_sends_what_prepare_shows(stream: bool) -> None:
    provider = openai(extra_headers={"X-Team": "a"})
    shown = provider.prepare(ASK, [WEATHER], stream=stream, extra_headers={"X-Call": "b"}, seed=1)
    request = request_of(provider.call(ASK, [WEATHER], stream=stream, extra_headers={"X-Call": "b"}, seed=1))
    accept = "text/event-stream" if stream else "application/json"
    headers = dict(request.headers)
    assert (request.method, request.url) == ("POST", f"{URL}/chat/completions")
    assert headers == {
        **COMMON,
        "accept": accept,
        "x-team": "a",
        "x-call": "b",
        "content-length": str(len(request.body)),
    }
    body = body_of(request)
    assert body["messages"] == MESSAGES
    assert (body["model"], body["seed"], body.get("stream", False)) == ("gpt-5.4", 1, stream)
    assert body["tools"] == [WEATHER]
    assert (shown.url, shown.body, shown.left_out, shown.output_tool) == (request.url, body, (), "")
    assert {**shown.headers, "content-length": headers["content-length"]} == headers


def test_a_call_streams_unless_stream_is_false() -> None:
    provider = openai()
    assert provider.prepare(ASK).headers["accept"] == "text/event-stream"
    assert header(request_of(provider.call(ASK)).headers, "accept") == "text/event-stream"
    # The next request is another one: the last is kept, and must not be mixed up with it.
    assert provider.prepare(ASK, stream=False).headers["accept"] == "application/json"
    assert provider.prepare(ASK).headers["accept"] == "text/event-stream"
    assert "x-a" not in provider.prepare(ASK).headers
    assert provider.prepare(ASK, extra_headers={"X-A": "1"}).headers["x-a"] == "1"
    assert provider.prepare(ASK, extra_headers={"X-A": "2"}).headers["x-a"] == "2"
    assert "x-a" not in provider.prepare(ASK).headers


def test_another_model_is_that_of_its_call_alone() -> None:
    provider = Provider(config("azure", deployment="one"))
    for model in ("two", "three", "two"):
        assert f"/deployments/{model}/" in provider.prepare(ASK, model=model).url
        assert "/deployments/one/" in provider.prepare(ASK).url
    wrong: list[Any] = ["", " ", 5, ["x"]]
    for name in wrong:
        with pytest.raises(InvalidRequestError, match=r"^model: must be the name of a model, not ") as caught:
            provider.prepare(ASK, model=name)
        assert repr(name) in caught.value.message
    assert provider.prepare(ASK, model=None).url == provider.prepare(ASK).url


def test_counting_embedding_and_listing_have_their_own_requests() -> None:
    provider = Provider(config("anthropic", model="claude-sonnet-5-5"))
    request = request_of(
        provider.count_tokens(ASK, [WEATHER], extra_headers={"X-A": "1"}, extra_body={"x": 1})
    )
    assert (request.method, request.target) == ("POST", "/v1/messages/count_tokens")
    assert header(request.headers, "accept") == "application/json"
    assert header(request.headers, "x-a") == "1"
    body = body_of(request)
    assert (body["messages"][0]["role"], body["tools"][0]["name"], body["x"]) == ("user", "get_weather", 1)
    request = request_of(openai().list_models(extra_headers={"X-A": "1"}))
    assert (request.method, request.url, request.body) == ("GET", f"{URL}/models", b"")
    assert header(request.headers, "accept") == "application/json"
    assert header(request.headers, "x-a") == "1"
    for texts in ("a", ["a"], iter(["a"])):
        request = request_of(openai().embed(texts, model="e", dimensions=2, extra_body={"y": 2}))  # type: ignore[arg-type]  # an iterator is read once
        assert (request.method, request.url) == ("POST", f"{URL}/embeddings")
        body = body_of(request)
        assert (body["model"], body["input"], body["dimensions"], body["y"]) == ("e", ["a"], 2, 2)
    assert "dimensions" not in body_of(request_of(openai().embed("a")))


def test_any_endpoint_and_any_file_can_be_fetched() -> None:
    url = f"{URL}/files"
    upload = Endpoint(url, lambda *_: 1, Content("text/plain", b"abc"))
    request = request_of(openai().fetch(upload, extra_headers={"X-A": "1"}))
    assert (request.method, request.url, request.body) == ("POST", url, b"abc")
    assert (header(request.headers, "content-type"), header(request.headers, "x-a")) == ("text/plain", "1")
    request = request_of(openai().fetch(Endpoint(url, lambda *_: 1)))
    assert (request.method, request.url, request.body) == ("GET", url, b"")
    request = request_of(openai().fetch(Endpoint(url, lambda *_: 1, {"b": 1, "a": 2})))
    assert (request.method, request.body) == ("POST", b'{"b":1,"a":2}')
    request = request_of(openai().fetch_lines(f"{url}/f/content", extra_headers={"X-A": "1"}))
    assert (request.method, request.url) == ("GET", f"{url}/f/content")
    assert (header(request.headers, "accept"), header(request.headers, "x-a")) == ("*/*", "1")


MACHINES: list[Callable[..., Any]] = [
    lambda provider, **options: provider.call(ASK, **options),
    lambda provider, **options: provider.list_models(**options),
    lambda provider, **options: provider.embed("a", **options),
    lambda provider, **options: provider.fetch(Endpoint(f"{URL}/x", lambda *_: 1), **options),
    lambda provider, **options: provider.fetch_lines(f"{URL}/x", **options),
]


@pytest.mark.parametrize("make", MACHINES, ids=["call", "list_models", "embed", "fetch", "fetch_lines"])
def test_every_request_has_the_configs_clocks_and_attempts_unless_it_is_given_others(
    make: Callable[..., Any],
) -> None:
    provider = openai(read_timeout=7, total_timeout=70, max_attempts=2, max_retry_after=5)
    plain = make(provider)
    assert plain.timeouts == Timeouts(connect=10, write=60, read=7, event=300, first_event=300, total=70)
    other = make(provider, read_timeout=8, timeout=None, max_attempts=1)
    assert (other.timeouts.read, other.timeouts.total, other.timeouts.event) == (8, None, 300)
    assert (waits(plain), waits(other)) == ([1.0], [])
    assert waits(make(provider, random=lambda: 0.25, max_attempts=3)) == [1.25, 2.25]
    recorded = make(provider, record=True)
    recorded.next_step()
    assert recorded.take_records()
    plain = make(provider)
    plain.next_step()
    assert not plain.take_records()


@dataclass
class City:
    name: str


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"options": 5}, "options: must be a mapping, not int"),
    ({"extra_body": [1]}, "extra_body: must be a mapping, not list"),
    ({"extra_headers": "x"}, "extra_headers: must be a mapping, not str"),
    ({"extra_headers": {"Host": "x"}}, "extra_headers: 'Host' is set by the library"),
    ({"max_attempts": 0}, "max_attempts: must be an int of at least 1, not 0"),
    ({"max_attempts": True}, "max_attempts: must be an int of at least 1, not True"),
    ({"max_attempts": 1.0}, "max_attempts: must be an int of at least 1, not 1.0"),
    ({"read_timeout": 0}, "read_timeout: must be a number of seconds greater than 0"),
    ({"timeout": -1}, "timeout: must be a number of seconds greater than 0"),
    ({"timeout": float("nan")}, "timeout: must be a number of seconds greater than 0"),
    ({"timeout": "1"}, "timeout: must be a number of seconds greater than 0"),
    ({"timeout": True}, "timeout: must be a number of seconds greater than 0"),
    ({"seed": 1, "options": {"seed": 2}}, "seed: is given twice, as a keyword and in options"),
    ({"options": {"options": {"options": {"seed": 1}}}}, "options: contains a second level of options"),
    ({"unsupported": "x"}, "unsupported: must be 'refuse' or 'drop', not 'x'"),
    ({"response_format": 5}, "response_format: 5 is neither a class nor a mapping"),
    ({"response_format": "x" * 100}, f"response_format: '{'x' * 79} is neither a class nor a mapping"),
    ({"extra_body": {"n": 2}}, "n: must be 1, not 2"),
    ({"tool_choice": {"type": "function"}}, "tool_choice: names no tool"),
]


@for_all((("options", "words"), WRONG))
def test_a_wrong_option_of_a_call_is_refused_by_its_name(options: dict[str, Any], words: str) -> None:
    for deed in (openai().prepare, openai().call):
        with pytest.raises(InvalidRequestError) as caught:
            deed(ASK, [WEATHER], **options)
        assert caught.value.message.startswith(words)


def test_options_may_be_nested_once_and_empty() -> None:
    provider = openai()
    for options in ({"seed": 1}, {"options": {"seed": 1}}, {"options": {"options": {"seed": 1}}}):
        assert provider.prepare(ASK, **options).body["seed"] == 1
    assert "seed" not in provider.prepare(ASK, options={}).body
    assert "seed" not in provider.prepare(ASK, options=None).body


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (
            lambda: loose().list_models(seed=1),
            "seed: is not an option of this request; use one of timeout, ",
        ),
        (lambda: loose().embed("a", seed=1), "seed: is not an option of this request; use one of "),
        (
            lambda: loose().fetch_lines(URL, model="x"),
            "model: is not an option of this request; use one of ",
        ),
        (lambda: loose().embed([]), "texts: is empty; give at least one text"),
        (lambda: loose().embed(["a", 5]), "texts[1]: must be a str, not int"),
        (lambda: loose().embed(["a", "\ud800"]), "texts[1] holds half a surrogate pair"),
        (lambda: loose().embed("a", dimensions=0), "dimensions: must be an int of at least 1, not 0"),
        (lambda: loose().embed("a", dimensions=True), "dimensions: must be an int of at least 1, not True"),
        (lambda: loose().embed("a", dimensions=1.5), "dimensions: must be an int of at least 1, not 1.5"),
        (lambda: loose().embed("a", model=" "), "model: must be the name of a model, not ' '"),
        (lambda: loose().call(ASK, "tools"), "tools: give a list of tools, not a str"),
        (lambda: loose().count_tokens([]), "the message list is empty"),
        (lambda: loose().call([]), "the message list is empty"),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(deed: Callable[[], object], words: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        deed()
    assert caught.value.message.startswith(words)
    assert caught.value.index == (1 if words.startswith("texts[1]") else None)


def test_a_schema_is_sent_as_a_forced_tool_where_there_is_no_other_way() -> None:
    provider = Provider(config("deepseek"))
    shown = provider.prepare(ASK, response_format=City)
    assert shown.output_tool == "City"
    assert [tool["function"]["name"] for tool in shown.body["tools"]] == ["City"]  # type: ignore[index, union-attr, call-overload]  # it is JSON
    assert shown.body["tool_choice"] == {"type": "function", "function": {"name": "City"}}
    assert "response_format" not in shown.body
    for options, beside in (({"tool_choice": "auto"}, "tool_choice"), ({}, "tools")):
        with pytest.raises(InvalidRequestError) as caught:
            provider.prepare(ASK, [WEATHER] if beside == "tools" else None, response_format=City, **options)  # type: ignore[arg-type]  # of several shapes
        assert caught.value.message.startswith("response_format: deepseek/chat takes no JSON schema with ")
        assert f"leave out {beside}, or use another model" in caught.value.message
    assert provider.prepare(ASK, response_format=City, tool_choice=None).output_tool == "City"
    assert provider.prepare(ASK).output_tool == ""


def test_what_is_left_out_is_reported_in_the_order_of_the_steps() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    history: list[Any] = [
        *ASK,
        Message(Role.ASSISTANT, (ReasoningPart("Hm."), TextPart("Hi")), origin="anthropic/messages"),
        *ASK,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "user", "content": "And?"},
        {"role": "tool", "tool_call_id": "a", "content": "x"},
    ]
    provider = openai()
    shown = provider.prepare(history, top_k=5, unsupported="drop")
    assert [(left.what, left.message, left.option) for left in shown.left_out] == [
        ("order", 5, None),
        ("ReasoningPart", 1, None),
        ("option", None, "top_k"),
    ]
    assert shown.left_out[-1].why == "openai/chat has no such option"
    machine = provider.call(history, top_k=5, unsupported="drop")
    assert machine.left_out == shown.left_out
    assert Prepared("u", {}, {}) == Prepared("u", {}, {}, (), "")
    assert isinstance(shown.left_out[0], LeftOut)


def test_extra_fields_are_merged_last_into_every_body() -> None:
    shown = openai().prepare(ASK, temperature=1, extra_body={"temperature": None, "x": {"y": 1}})
    assert "temperature" not in shown.body
    assert shown.body["x"] == {"y": 1}
    assert request_of(openai().call(ASK, extra_body={"x": 1})).body.endswith(b'"x":1}')


def test_a_key_is_sent_by_plain_http_to_this_machine_alone() -> None:
    class Elsewhere(type(openai().dialect)):  # type: ignore[misc]  # a class that is known at run time
        address = "http://example.com/v1"

        def build_endpoint(self, stream: bool) -> str:
            return self.address

    provider = openai()
    provider.dialect = Elsewhere(provider.config)
    with pytest.raises(ConfigError, match=r"base_url: .*plain text"):
        provider.prepare(ASK)
    free = openai(allow_http=True)
    free.dialect = Elsewhere(free.config)
    assert free.prepare(ASK).url == "http://example.com/v1"
    keyless = Provider(config("vllm"))
    assert keyless.prepare(ASK).url.startswith("http://localhost:8000/")


CLOCKS = ("connect", "write", "read", "event", "first_event", "total")


@pytest.mark.parametrize("clock", CLOCKS)
def test_each_clock_of_a_call_has_the_name_of_its_field(clock: str) -> None:
    provider = loose()
    name = "timeout" if clock == "total" else f"{clock}_timeout"
    plain = provider.call(ASK).timeouts
    changed = provider.call(ASK, **{name: 1.5}).timeouts
    also = {"first_event": 1.5} if clock == "event" else {}
    assert changed == msgspec.structs.replace(plain, **{clock: 1.5}, **also)
    with pytest.raises(InvalidRequestError, match=f"^{name}: "):
        provider.call(ASK, **{name: 0})


def test_the_configs_depth_holds_for_messages() -> None:
    message = Message(Role.USER, "x", extra={"a": {"b": {}}})
    assert openai(limits={"max_json_depth": 3}).prepare([message]).body
    with pytest.raises(InvalidRequestError, match="too deep") as caught:
        openai(limits={"max_json_depth": 2}).prepare([*ASK, message])
    assert caught.value.index == 1


def test_a_count_of_tokens_is_not_recorded_by_default_and_names_the_message_at_fault() -> None:
    provider = Provider(config("anthropic"))
    for record in (False, True):
        machine = provider.count_tokens(ASK, record=record) if record else provider.count_tokens(ASK)
        machine.next_step()
        assert bool(machine.take_records()) is record
    assert waits(provider.count_tokens(ASK, random=lambda: 0.5))[0] == 1.5
    with pytest.raises(InvalidRequestError) as caught:
        provider.count_tokens([*ASK, Message(Role.USER, "\ud800")])
    assert caught.value.index == 1


def test_a_schema_alone_is_a_response_format() -> None:
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    forms: list[tuple[Any, str]] = [
        (schema, "json_schema"),
        ({"type": "json_object"}, "json_object"),
        (City, "json_schema"),
    ]
    for form, kind in forms:
        body: Any = openai().prepare(ASK, response_format=form).body
        assert body["response_format"]["type"] == kind
    assert body["response_format"]["json_schema"]["name"] == "City"


def test_the_time_of_a_signature_is_that_of_the_call() -> None:
    provider = Provider(config("bedrock"))
    request = request_of(provider.call(ASK))
    signed = provider.authorize(request, Credentials("AKID", "secret"), now=1_440_938_160.0)
    assert header(signed.headers, "x-amz-date") == "20150830T123600Z"
    assert header(openai().authorize(request, "sk-1").headers, "authorization") == "Bearer sk-1"
