"""Calls beside answers: token counts, models and embeddings, by the same machine as every call."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sansio import (
    APIConnectionError,
    AuthenticationError,
    Body,
    ChatDialect,
    Dialect,
    End,
    Fetch,
    Head,
    InternalServerError,
    InvalidRequestError,
    LimitExceededError,
    LocalProtocolError,
    Lost,
    Message,
    Provider,
    ProviderConfig,
    ProviderDefaults,
    ProviderError,
    RemoteProtocolError,
    Request,
    Role,
    Send,
    StreamEvent,
    StreamFailed,
    StreamTruncatedError,
    Wait,
    register_provider,
)
from sansio.endpoints import Endpoint, read_count
from sansio.families.messages.beside import NOT_COUNTED
from sansio.jsontext import JSONObject
from sansio.states import CallState
from sansio.steps import RequestRecord, ResponseRecord
from sansio.testing import Answer, Failure, FakeProvider, FakeResponse
from tests.sansio.exchanges import RESET, STALE, Input, error_body, whole
from tests.sansio.testing.asking import inputs_of
from tests.sansio.wires import ASK, COMPATIBLE, TYPES, WEATHER, config
from tests.wire_types import fields, needs_types

MODELS: JSONObject = {"data": [{"id": "a"}, {"id": "b"}]}


def provider(kind: str, **fields: Any) -> Provider:
    return Provider(config(kind, **fields))


def ask(call: Fetch[Any], fake: FakeProvider) -> list[Send | Wait]:
    """Drive a call to its end with the fake's responses; returns the steps."""
    steps: list[Send | Wait] = []
    while (step := call.next_step()) is not None:
        steps.append(step)
        if isinstance(step, Send):
            for value in inputs_of(fake.respond(keyed(step.request))):
                call.receive(value)
    return steps


def keyed(request: Request) -> Request:
    headers = (*request.headers, ("authorization", "Bearer sk"), ("api-key", "sk"), ("x-api-key", "sk"))
    return Request(
        request.method, request.scheme, request.host, request.port, request.target, headers, request.body
    )


def feed(call: Fetch[Any], *exchange: Input) -> list[StreamEvent]:
    assert isinstance(call.next_step(), Send)
    events: list[StreamEvent] = []
    for value in exchange:
        events += call.receive(value)
    return events


def failure(call: Fetch[Any]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        call.result()
    return caught.value


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_lists_its_models(kind: str) -> None:
    call = provider(kind).list_models()
    (step,) = ask(call, FakeProvider(kind))
    (model,) = call.result()
    assert model.id == "fake-model"
    assert model.created == 1_767_225_600
    assert isinstance(step, Send)
    names = [name for name, _ in step.request.headers]
    assert (step.request.method, step.request.body) == ("GET", b"")
    assert "content-type" not in names
    assert "content-length" not in names
    assert names.count("accept") == 1


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_texts_become_vectors(kind: str) -> None:
    call = provider(kind).embed(["one", "two words"], model="an-embedder", dimensions=3)
    ask(call, FakeProvider(kind))
    embedded = call.result()
    assert [len(vector) for vector in embedded.vectors] == [3, 3]
    assert embedded.vectors[0] != embedded.vectors[1]
    assert embedded.model is not None
    assert embedded.usage is not None
    assert (embedded.usage.input_tokens, embedded.usage.output_tokens) == (3, 0)
    assert embedded.usage.extra == {"total_tokens": 3}


def test_base64_and_numbers_say_the_same() -> None:
    packed, numbers = (
        provider("openai").embed("a text", extra_body=extra) for extra in ({}, {"encoding_format": "float"})
    )
    fake = FakeProvider("openai")
    ask(packed, fake)
    ask(numbers, fake)
    assert packed.result() == numbers.result()
    assert [json.loads(request.body).get("encoding_format") for request in fake.requests] == [
        "base64",
        "float",
    ]


def test_the_provider_counts_the_tokens_of_a_request() -> None:
    fake = FakeProvider("anthropic")
    counts = []
    for tools in (None, [WEATHER]):
        call = provider("anthropic").count_tokens(
            [Message(Role.SYSTEM, "Be brief."), *ASK], tools, temperature=0.5, max_tokens=9, cache=True
        )
        ask(call, fake)
        counts.append(call.result())
    assert 0 < counts[0] < counts[1]
    sent = json.loads(fake.requests[0].body)
    assert fake.requests[0].target == "/v1/messages/count_tokens"
    assert {"model", "system", "messages"} <= sent.keys()
    assert not sent.keys() & {"max_tokens", "temperature", "stream"}


@pytest.mark.parametrize(
    "option",
    [
        {"stop": ["x"]},
        {"top_p": 0.5},
        {"top_k": 5},
        {"metadata": {"user_id": "u"}},
        {"service_tier": "auto"},
        {"inference_geo": "us"},
        {"fallbacks": [{"model": "m"}]},
    ],
)
def test_a_count_has_no_field_that_only_a_message_has(option: dict[str, Any]) -> None:
    """The parameters of `count_tokens` in Anthropic's own SDK, `MessageCountTokensParams`."""
    fake = FakeProvider("anthropic")
    counting = provider("anthropic")
    ask(counting.count_tokens(ASK, **option), fake)
    assert json.loads(fake.requests[0].body).keys() == {"model", "messages"}
    assert counting.prepare(ASK, **option).body.keys() > {"model", "messages"}


@needs_types
def test_a_count_has_the_fields_of_the_sdks_types_alone() -> None:
    listed = fields("anthropic-beta", "MessageCreateParamsBase").keys()
    counted = fields("anthropic-beta", "MessageCountTokensParams").keys()
    assert listed - counted - {"betas"} == (listed & NOT_COUNTED) - {"betas"}


def test_a_count_reports_what_is_left_out() -> None:
    call = provider("anthropic").count_tokens(ASK, unsupported="drop", seed=1)
    assert [left.option for left in call.left_out] == ["seed"]


@pytest.mark.parametrize(
    ("kind", "method", "begin"),
    [
        *((kind, "count_tokens", lambda made: made.count_tokens(ASK)) for kind in COMPATIBLE),
        ("anthropic", "embed", lambda made: made.embed("text")),
    ],
)
def test_a_type_without_the_endpoint_is_refused_by_its_name_and_the_method(
    kind: str, method: str, begin: Callable[[Provider], object]
) -> None:
    with pytest.raises(InvalidRequestError, match=f"^{method}: {kind}/"):
        begin(provider(kind))


class Bare(ChatDialect):
    """A dialect whose author wrote nothing but requests and answers."""

    list_models = Dialect.list_models
    embed = Dialect.embed


def test_a_dialect_has_none_of_them_unless_its_author_wrote_them() -> None:
    register_provider("bare-test", Bare, ProviderDefaults(base_url="https://api.example.com/v1"))
    made = Provider(ProviderConfig(type="bare-test", model="m"))
    with pytest.raises(InvalidRequestError, match="list_models: bare-test/chat"):
        made.list_models()
    with pytest.raises(InvalidRequestError, match="embed: bare-test/chat"):
        made.embed("text")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_it_is_tried_again_as_every_call(status: int) -> None:
    call = provider("openai").list_models()
    steps = ask(call, FakeProvider("openai", [Failure(status=status), Failure(status=status)]))
    assert [type(step) for step in steps] == [Send, Wait, Send, Wait, Send]
    assert call.attempts == 3
    assert call.result()[0].id == "fake-model"
    assert call.response is not None
    assert call.response.attempts == 3


def test_it_is_tried_as_often_as_its_own_options_say() -> None:
    call = provider("openai").list_models(max_attempts=1, timeout=3, extra_headers={"x-mine": "yes"})
    (step,) = ask(call, FakeProvider("openai", [Failure(status=500)]))
    assert isinstance(step, Send)
    assert ("x-mine", "yes") in step.request.headers
    assert call.timeouts.total == 3
    assert isinstance(failure(call), InternalServerError)


def test_a_refused_key_fails_at_once_with_what_is_known_of_the_call() -> None:
    call = provider("openai").embed("text")
    (_,) = ask(call, FakeProvider("openai", key="another"))
    error = failure(call)
    assert isinstance(error, AuthenticationError)
    assert (error.provider, error.attempts, error.status) == ("openai", 1, 401)
    assert error.response is not None


def test_an_answer_in_a_script_waits_for_a_request_that_asks_for_one() -> None:
    response = FakeResponse(headers=(("content-type", "application/json"),), pieces=(b'{"data": []}',))
    fake = FakeProvider("openai", [response, Answer(text="mine")])
    listed, again = provider("openai").list_models(), provider("openai").list_models()
    ask(listed, fake)
    ask(again, fake)
    assert listed.result() == ()
    assert len(again.result()) == 1
    answered = provider("openai").call(ASK, stream=False)
    ask(answered, fake)
    assert answered.result().text == "mine"


def test_a_stale_connection_is_replaced_at_once() -> None:
    call = provider("openai").list_models()
    assert feed(call, Lost(STALE)) == []
    step = call.next_step()
    assert isinstance(step, Send)
    assert step.fresh
    for value in whole(MODELS):
        assert call.receive(value) == []
    assert (call.attempts, len(call.result()), call.progress) == (1, 2, 0)
    assert call.next_step() is None


def test_a_raw_log_gets_the_request_and_the_response() -> None:
    listed = provider("openai").list_models(record=True)
    feed(listed, *whole(MODELS))
    assert listed.take_records() == [
        RequestRecord("https://api.openai.com/v1/models", {}),
        ResponseRecord(200, MODELS),
    ]
    embedded = provider("openai").embed("text", record=True)
    feed(embedded, *error_body(500))
    request, response = embedded.take_records()
    assert isinstance(request, RequestRecord)
    assert request.payload["input"] == ["text"]
    assert response == ResponseRecord(500, {"error": {"message": "no"}})


def models_of_anthropic(count: int) -> tuple[FakeProvider, list[str]]:
    ids = [f"model {index}&" for index in range(count)]
    return FakeProvider("anthropic", models=ids), ids


def shorten(call: Fetch[Any], fake: FakeProvider, limit: int) -> list[Send | Wait]:
    """Drive a call whose server gives pages of at most `limit` models, whatever was asked for."""
    steps: list[Send | Wait] = []
    while (step := call.next_step()) is not None:
        steps.append(step)
        if isinstance(step, Send):
            asked = keyed(step.request)
            asked = structs.replace(asked, target=asked.target.replace("limit=1000", f"limit={limit}"))
            for value in inputs_of(fake.respond(asked)):
                call.receive(value)
    return steps


@given(st.integers(0, 7), st.integers(1, 8))
def test_every_page_of_anthropics_models_is_asked_for(count: int, size: int) -> None:
    fake, ids = models_of_anthropic(count)
    call = provider("anthropic").list_models()
    steps = shorten(call, fake, size)
    assert [model.id for model in call.result()] == ids
    assert len(steps) == max(1, -(-count // size))


def test_the_list_of_a_compatible_server_may_have_pages() -> None:
    call = provider("openai").list_models(record=True)
    targets = []
    for data in (
        {"data": [{"id": "a b"}], "has_more": True},
        {"data": [{"id": "c"}], "has_more": True, "last_id": "d"},
        {"data": [{"id": "e"}], "has_more": False, "last_id": "e"},
    ):
        step = call.next_step()
        assert isinstance(step, Send)
        assert not step.fresh
        targets.append(step.request.target)
        for value in whole(data):
            assert call.receive(value) == []
    assert targets == ["/v1/models", "/v1/models?after=a+b", "/v1/models?after=d"]
    assert [model.id for model in call.result()] == ["a b", "c", "e"]
    assert [type(record) for record in call.take_records()] == [RequestRecord, ResponseRecord] * 3


def test_the_next_page_of_azures_list_keeps_the_version() -> None:
    azure = ProviderConfig(
        type="azure", base_url="https://r.openai.azure.com", deployment="d", api_version="2024-10-21"
    )
    call = Provider(azure).list_models()
    feed(call, *whole({"data": [{"id": "a"}], "has_more": True}))
    step = call.next_step()
    assert isinstance(step, Send)
    assert step.request.target == "/openai/models?api-version=2024-10-21&after=a"


def test_each_page_has_its_own_attempts() -> None:
    call = provider("openai", max_attempts=2).list_models()
    feed(call, *error_body(500))
    assert isinstance(call.next_step(), Wait)
    feed(call, *whole({"data": [{"id": "a"}], "has_more": True}))
    feed(call, *error_body(500))
    assert isinstance(call.next_step(), Wait)
    (event,) = feed(call, *error_body(503))
    assert isinstance(event, StreamFailed)
    error = failure(call)
    assert isinstance(error, InternalServerError)
    assert (error.status, error.attempts) == (503, 2)


def test_a_page_on_a_stale_connection_is_asked_for_again_at_once() -> None:
    call = provider("openai").list_models()
    feed(call, Lost(STALE))
    feed(call, *whole({"data": [{"id": "a"}], "has_more": True}))
    feed(call, Lost(STALE))
    step = call.next_step()
    assert isinstance(step, Send)
    assert step.fresh
    assert step.request.target == "/v1/models?after=a"
    for value in whole({"data": [{"id": "b"}]}):
        call.receive(value)
    assert [model.id for model in call.result()] == ["a", "b"]


@pytest.mark.parametrize(
    "second",
    [
        {"data": [{"id": "a"}], "has_more": True},
        {"data": [], "has_more": True},
        {"data": [{"id": "b"}], "has_more": True, "last_id": "a"},
        {"data": [{"id": "b"}], "has_more": True, "last_id": 3},
    ],
)
def test_a_list_that_does_not_go_on_is_malformed(second: JSONObject) -> None:
    call = provider("openai").list_models()
    feed(call, *whole({"data": [{"id": "a"}], "has_more": True}))
    feed(call, *whole(second))
    error = failure(call)
    assert isinstance(error, RemoteProtocolError)
    assert "has_more" in error.message


def test_a_list_without_an_end_is_an_error() -> None:
    call = provider("openai").list_models()
    asked = 0
    while call.state is CallState.READY:
        feed(call, *whole({"data": [{"id": f"m{asked}"}], "has_more": True}))
        asked += 1
    assert asked == 100
    assert isinstance(failure(call), RemoteProtocolError)


def test_all_pages_of_a_list_share_the_limit_of_bytes() -> None:
    call = provider("openai", limits={"max_answer_bytes": 100}).list_models()
    feed(call, *whole({"data": [{"id": "a" * 40}], "has_more": True}))
    feed(call, *whole({"data": [{"id": "b" * 40}], "has_more": True}))
    error = failure(call)
    assert isinstance(error, LimitExceededError)
    assert error.field == "max_answer_bytes"


HTML = Head(200, (("content-type", "text/html"),))
JSON = Head(200, (("content-type", "application/json"),))


@pytest.mark.parametrize(
    ("exchange", "kind"),
    [
        ([HTML], RemoteProtocolError),
        ([JSON, Body(b"[]"), End()], RemoteProtocolError),
        ([JSON, Body(b'{"object": "list"}'), End()], RemoteProtocolError),
        ([JSON, Body(b'{"data": [{"name": "no id"}]}'), End()], RemoteProtocolError),
        ([Head(200, (("content-encoding", "br"),))], RemoteProtocolError),
    ],
)
def test_a_response_that_cannot_be_read_fails_without_another_attempt(
    exchange: list[Input], kind: type[ProviderError]
) -> None:
    call = provider("openai").list_models()
    (event,) = feed(call, *exchange)
    assert isinstance(event, StreamFailed)
    assert type(failure(call)) is kind
    assert call.next_step() is None


def test_a_list_that_is_too_long_fails() -> None:
    call = provider("openai", limits={"max_answer_bytes": 10}).list_models()
    feed(call, JSON, Body(b'{"data": [' + b" " * 20))
    assert isinstance(failure(call), LimitExceededError)


def test_a_list_that_breaks_off_is_tried_again() -> None:
    call = provider("openai").list_models()
    assert feed(call, JSON, Body(b'{"data": ['), Lost(RESET)) == []
    assert isinstance(call.next_step(), Wait)
    assert feed(call, JSON, Body(b'{"data": ['), End()) == []
    assert isinstance(call.next_step(), Wait)
    (event,) = feed(call, JSON, Body(b'{"data": ['), End())
    assert isinstance(event, StreamFailed)
    assert isinstance(failure(call), StreamTruncatedError)


def test_an_error_inside_a_200_is_that_error() -> None:
    call = provider("openai", max_attempts=1).list_models()
    feed(call, *whole({"error": {"message": "no", "type": "invalid_api_key"}}))
    assert isinstance(failure(call), AuthenticationError)


def test_there_is_no_result_before_the_end_and_it_may_be_ended_from_outside() -> None:
    call = provider("openai").list_models()
    with pytest.raises(LocalProtocolError, match="before the end"):
        call.result()
    (event,) = call.fail(APIConnectionError("dropped"))
    assert isinstance(event, StreamFailed)
    assert failure(call).message.startswith("dropped")
    assert call.fail(APIConnectionError("again")) == []


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        (lambda made: made.embed([]), "texts: is empty"),
        (lambda made: made.embed(["a", 1]), r"texts\[1\]: must be a str, not int"),
        (lambda made: made.embed(["\ud800"]), r"texts\[0\] holds half a surrogate"),
        (lambda made: made.embed("a", dimensions=0), "dimensions: must be an int"),
        (lambda made: made.embed("a", dimensions=True), "dimensions: must be an int"),
        (lambda made: made.embed("a", model=" "), "model: must be the name"),
        (lambda made: made.embed("a", extra_body={"x": float("nan")}), "extra_body"),
        (lambda made: made.list_models(timeout=0), "timeout: must be a number"),
        (lambda made: made.list_models(max_attempts=0), "max_attempts: must be an int"),
        (lambda made: made.list_models(extra_headers=3), "extra_headers: must be a mapping"),
        (lambda made: made.list_models(model="m"), "model: .*; use one of timeout, .*extra_headers$"),
        (lambda made: made.embed("a", temperature=0), "temperature: .*; use .*dimensions"),
        (lambda made: made.embed("a", read_timeout="1"), "read_timeout: must be a number"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_by_its_name(begin: Callable[[Any], object], said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        begin(provider("openai"))


def test_a_header_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="extra_headers"):
        provider("openai").list_models(extra_headers={"x": "a\nb"})


CLOCKS = ["connect_timeout", "write_timeout", "read_timeout", "event_timeout", "first_event_timeout"]


@pytest.mark.parametrize("begin", ["list_models", "embed"])
@pytest.mark.parametrize("seconds", [7.5, None])
def test_each_clock_can_be_given_with_a_call(begin: str, seconds: float | None) -> None:
    made = provider("openai")
    texts = ["a"] if begin == "embed" else []
    without = getattr(made, begin)(*texts).timeouts
    for clock in CLOCKS:
        timeouts = getattr(made, begin)(*texts, **{clock: seconds}).timeouts
        assert getattr(timeouts, clock.removesuffix("_timeout")) == seconds
        assert timeouts != without
    assert getattr(made, begin)(*texts, timeout=seconds).timeouts.total == seconds


@pytest.mark.parametrize("status", [400, 429, 500, 502, 503, 504, 529])
def test_what_may_be_done_once_only_is_asked_for_again_only_if_the_server_refused_to_begin(
    status: int,
) -> None:
    made = provider("openai", max_attempts=2)
    for once in (True, False):
        endpoint = Endpoint("https://api.openai.com/v1/batches", read_count, {}, once=once)
        call = made.fetch(endpoint, random=lambda: 0.0)
        step = call.next_step()
        assert isinstance(step, Send)
        assert step.fresh is once
        for value in error_body(status):
            call.receive(value)
        again = status in (429, 503, 529) or (not once and status in (500, 502, 504))
        assert isinstance(call.next_step(), Wait) is again, once


def test_what_may_be_done_once_only_is_not_asked_for_again_on_a_connection_that_was_lost() -> None:
    endpoint = Endpoint("https://api.openai.com/v1/batches", read_count, {}, once=True)
    for lost in (RESET, STALE):
        call = provider("openai").fetch(endpoint, random=lambda: 0.0)
        feed(call, Lost(lost))
        assert call.state is CallState.FAILED
        assert isinstance(failure(call), APIConnectionError)


def test_an_input_out_of_order_is_named() -> None:
    head = Head(200, (("content-type", "application/json"),))
    orders: list[list[Input]] = [[Body(b"{}")], [End()], [head, head]]
    for *before, last in orders:
        call = provider("openai").list_models()
        assert call.next_step() is not None
        for value in before:
            call.receive(value)
        name = type(last).__name__
        with pytest.raises(LocalProtocolError, match=f"{name} out of order: a Head comes first"):
            call.receive(last)
        with pytest.raises(LocalProtocolError, match="give its input first"):
            call.next_step()
