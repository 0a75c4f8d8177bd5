"""The fake provider: scripts, sequences, broken streams, and whole conversations with real calls."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sansio import (
    ContentDelta,
    FinishReason,
    Message,
    Provider,
    ProviderConfig,
    RateLimitError,
    ReasoningDelta,
    Role,
    Send,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamTruncatedError,
    ToolCall,
    ToolCallStarted,
    Usage,
    Wait,
)
from sansio.testing import (
    PROVIDER_TYPES,
    Answer,
    Broken,
    Ending,
    Failure,
    FakeProvider,
    FakeResponse,
    Outcome,
)
from tests.sansio.testing.asking import ask, body_for, chunks, inputs_of, request_for, said, told

TYPES = pytest.mark.parametrize("type", PROVIDER_TYPES)
STREAM = pytest.mark.parametrize("stream", [True, False])
HI = [Message(Role.USER, "Good news everyone")]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: list[dict[str, object]] = [
    {"type": "function", "function": {"name": name, "parameters": CITY}}
    for name in ("get_weather", "get_time")
]


def config_for(type: str, **fields: object) -> ProviderConfig:
    azure = {"base_url": "https://a.test", "deployment": "d", "api_version": "2024-10-21"}
    return ProviderConfig.from_dict(
        {"type": type, **(azure if type == "azure" else {"model": "m"}), **fields}
    )


def converse(
    fake: FakeProvider,
    config: ProviderConfig,
    messages: list[Message],
    tools: list[dict[str, object]] | None = None,
    *,
    stream: bool = True,
) -> tuple[Message, list[StreamEvent], list[float]]:
    """Drive a call to its end against the fake: the message, the events, and the waits between attempts."""
    provider = Provider(config)
    call = provider.call(messages, tools, stream=stream)
    events: list[StreamEvent] = []
    waits: list[float] = []
    while (step := call.next_step()) is not None:
        match step:
            case Wait(seconds=seconds):
                waits.append(seconds)
            case Send(request=request):
                response = fake.respond(provider.authorize(request, "sk"))
                for received in inputs_of(response):
                    if call.wants_input:
                        events += call.receive(received)
    return call.result(), events, waits


@TYPES
@STREAM
def test_a_scripted_answer_is_what_the_client_gets(type: str, stream: bool) -> None:
    answer = Answer(
        text="Two words",
        reasoning="I think.",
        tool_calls=(ToolCall("call_x", "f", {"a": [1]}),),
        usage=Usage(input_tokens=7, output_tokens=5),
    )
    message, events, _ = converse(FakeProvider(type, [answer]), config_for(type), HI, stream=stream)
    assert (message.text, message.reasoning) == ("Two words", "I think.")
    assert [(call.id, call.name, call.arguments) for call in message.tool_calls] == [
        ("call_x", "f", {"a": [1]})
    ]
    assert message.finish_reason is FinishReason.TOOL_CALLS
    assert message.usage is not None
    assert (message.usage.input_tokens, message.usage.output_tokens) == (7, 5)
    assert events[-1] == StreamComplete(message)
    assert any(isinstance(event, ReasoningDelta) for event in events) == stream


@TYPES
def test_outcomes_come_in_order_and_then_the_embedded_model_answers(type: str) -> None:
    script: list[Outcome] = [
        Failure(status=503),
        Failure(status=429, headers=(("retry-after", "7"),)),
        Answer(text="At last."),
    ]
    fake = FakeProvider(type, script)
    message, _, waits = converse(fake, config_for(type), HI)
    assert message.text == "At last."
    assert waits == [1.0, 7.0]
    assert len(fake.requests) == 3
    assert not fake.script
    assert "small model" in converse(fake, config_for(type), HI)[0].text


def test_a_test_may_add_to_the_script() -> None:
    fake = FakeProvider("openai")
    fake.script.append(Answer(text="Added."))
    assert converse(fake, config_for("openai"), HI)[0].text == "Added."


@TYPES
@STREAM
def test_a_tool_loop_of_two_turns_with_two_parallel_calls(type: str, stream: bool) -> None:
    fake = FakeProvider(type)
    messages = [
        Message(Role.SYSTEM, "Be brief."),
        Message(Role.USER, "Please use get_weather and get_time for Paris"),
    ]
    config = config_for(type, reasoning=True)
    asked, events, _ = converse(fake, config, messages, TOOLS, stream=stream)
    assert [(call.name, call.arguments) for call in asked.tool_calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_time", {"city": "Paris"}),
    ]
    assert asked.reasoning
    assert asked.finish_reason is FinishReason.TOOL_CALLS
    assert len([event for event in events if isinstance(event, ToolCallStarted)]) == (2 if stream else 0)
    messages.append(asked)
    messages += [Message(Role.TOOL, f"result {n}", tool_call_id=c.id) for n, c in enumerate(asked.tool_calls)]
    answered, _, _ = converse(fake, config, messages, TOOLS, stream=stream)
    assert answered.text == "The tools answered: get_weather said 'result 0'; get_time said 'result 1'."
    assert answered.finish_reason is FinishReason.STOP
    assert answered.usage is not None
    assert answered.usage.input_tokens > 0


@TYPES
def test_a_stream_and_a_whole_answer_say_the_same(type: str) -> None:
    streamed = converse(FakeProvider(type), config_for(type), HI)[0]
    whole = converse(FakeProvider(type), config_for(type), HI, stream=False)[0]
    assert (streamed.text, streamed.finish_reason) == (whole.text, whole.finish_reason)
    assert streamed.usage == whole.usage
    assert streamed.raw_finish_reason == whole.raw_finish_reason


@TYPES
def test_the_same_bytes_get_the_same_bytes_whatever_came_between(type: str) -> None:
    fake = FakeProvider(type)
    first = fake.respond(request_for(type))
    fake.respond(request_for(type, body_for(type, [{"role": "user", "content": "Other"}])))
    assert fake.respond(request_for(type)) == first


@TYPES
def test_a_stream_comes_in_pieces_of_an_event_stream_and_a_whole_answer_as_one_of_json(type: str) -> None:
    stream = ask(type, stream=True)
    assert told(stream, "content-type").startswith("text/event-stream")
    assert len(stream.pieces) > 5
    whole = ask(type)
    assert told(whole, "content-type") == "application/json"
    assert len(whole.pieces) == 1


@TYPES
def test_the_answer_names_the_model_of_the_request(type: str) -> None:
    assert said(ask(type, model="mine"))["model"] == "mine"


def test_azure_s_classic_answer_names_the_deployment_where_the_body_names_no_model() -> None:
    body = body_for("azure")
    del body["model"]
    assert said(FakeProvider("azure").respond(request_for("azure", body)))["model"] == "gpt"


@pytest.mark.parametrize("type", ["openai", "azure", "ollama", "vllm"])
def test_the_stream_has_usage_only_if_the_request_asks(type: str) -> None:
    assert not any(chunk.get("usage") for chunk in chunks(ask(type, stream=True).pieces))
    asked = ask(type, stream=True, stream_options={"include_usage": True})
    assert chunks(asked.pieces)[-1]["usage"]["prompt_tokens"] == 4


def test_the_answer_s_headers_go_out_with_it() -> None:
    answer = Answer(text="a", headers=(("x-ratelimit-remaining-requests", "1"),))
    for stream in (True, False):
        response = FakeProvider("openai", [answer]).respond(
            request_for("openai", body_for("openai", stream=stream))
        )
        assert told(response, "x-ratelimit-remaining-requests") == "1"
        assert told(response, "x-request-id").startswith("req_")


@TYPES
def test_a_stream_truncated_after_its_first_event_fails_with_what_arrived(type: str) -> None:
    broken = Broken(answer=Answer(text="one two three"), after=2)
    fake = FakeProvider(type, [broken])
    with pytest.raises(StreamTruncatedError) as caught:
        converse(fake, config_for(type), HI)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "one two "
    assert len(fake.requests) == 1


@TYPES
def test_an_error_inside_a_200_before_the_first_event_is_tried_again(type: str) -> None:
    failure = Failure(status=529, message="Overloaded.", error_type="overloaded_error")
    fake = FakeProvider(
        type, [Broken(answer=Answer(text="no"), after=0, failure=failure), Answer(text="Yes.")]
    )
    message, events, waits = converse(fake, config_for(type), HI)
    assert (message.text, len(waits)) == ("Yes.", 1)
    assert events[0] == ContentDelta("Yes.")


@TYPES
def test_an_error_inside_a_200_after_the_first_event_has_what_arrived(type: str) -> None:
    failure = Failure(status=429, message="Slow down.", error_type="rate_limit_error")
    fake = FakeProvider(type, [Broken(answer=Answer(text="one two"), after=1, failure=failure)])
    with pytest.raises(StreamTruncatedError if type == "ollama" else RateLimitError) as caught:
        converse(fake, config_for(type), HI)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "one "


@TYPES
def test_whole_a_broken_answer_is_an_error_under_200_or_half_a_body(type: str) -> None:
    failure = Failure(status=429, message="Slow down.")
    script = [
        Broken(answer=Answer(text="one"), after=1, failure=failure, ending=Ending.DROP),
        Broken(answer=Answer(text="one"), after=1),
    ]
    fake = FakeProvider(type, script)
    error, half = fake.respond(request_for(type)), fake.respond(request_for(type))
    assert (error.status, error.ending) == (200, Ending.DROP)
    assert b"Slow down." in error.body
    assert half.ending is Ending.FINISH
    with pytest.raises(json.JSONDecodeError):
        json.loads(half.body)


def test_bytes_of_any_kind_go_out_as_they_are() -> None:
    response = FakeResponse(status=418, headers=(("content-type", "text/html"),), pieces=(b"<html>",))
    assert FakeProvider("vllm", [response]).respond(request_for("vllm")) is response


def test_requests_are_recorded_and_show_no_key() -> None:
    fake = FakeProvider()
    request = request_for("openai", headers=(("authorization", "Bearer sk-secret"),))
    fake.respond(request)
    assert fake.requests == [request]
    assert "sk-secret" not in repr(fake.requests)


def test_an_unknown_type_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'grok': no fake provider of this type"):
        FakeProvider("grok")


def test_an_outcome_that_the_wire_cannot_express_is_refused_at_its_turn() -> None:
    fake = FakeProvider("openai", [Answer(finish_reason=FinishReason.PAUSE)])
    with pytest.raises(ValueError, match="no word for the finish reason 'pause'"):
        fake.respond(request_for("openai"))


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
BODY_FIELDS = [
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "stream",
    "stream_options",
    "tools",
]
BODY_FIELDS += ["tool_choice", "system", "thinking", "reasoning", "reasoning_effort", "chat_template_kwargs"]
MESSAGE_FIELDS = st.sampled_from(["role", "content", "tool_calls", "tool_call_id", "refusal", "name"])


@given(
    type=st.sampled_from(PROVIDER_TYPES),
    fields=st.dictionaries(st.sampled_from([*BODY_FIELDS, "temperature"]), JSON_VALUES, max_size=4),
    messages=st.lists(st.dictionaries(MESSAGE_FIELDS, JSON_VALUES, max_size=3), max_size=3),
)
def test_any_json_gets_an_answer_or_a_refusal(type: str, fields: Any, messages: Any) -> None:
    roles = [{"role": "user", "content": "Hi"}, *messages]
    data = json.dumps({**body_for(type, roles), **fields}).encode()
    response = FakeProvider(type).respond(request_for(type, data=data))
    assert response.status in (200, 400)
    assert response.body


@given(data=st.binary(max_size=60), target=st.text(st.characters(max_codepoint=0x17F), max_size=30))
@example(data=b"", target="/[")
def test_any_bytes_at_any_path_get_a_refusal(data: bytes, target: str) -> None:
    right = request_for("openai", data=data)
    elsewhere = msgspec.structs.replace(right, target=f"/{target}")
    for fake in (FakeProvider(), FakeProvider("azure")):
        for request in (right, elsewhere):
            assert 400 <= fake.respond(request).status < 500


def test_a_failed_stream_s_last_event_is_the_failure() -> None:
    provider = Provider(config_for("openai"))
    call = provider.call(HI)
    assert isinstance(call.next_step(), Send)
    response = FakeProvider("openai", [Broken(answer=Answer(text="one two"), after=1)]).respond(
        request_for("openai", body_for("openai", stream=True))
    )
    events = [event for received in inputs_of(response) for event in call.receive(received)]
    assert events[0] == ContentDelta("one ")
    assert isinstance(events[-1], StreamFailed)


def test_importing_the_fake_loads_neither_hypothesis_nor_anything_that_does_io() -> None:
    program = (
        "import sys; before = set(sys.modules); import sansio.testing; "
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(loaded & {'hypothesis', 'anyio', 'asyncio', 'socket', 'random', 'trio', 'transports'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("type", "path"),
    [
        ("openrouter", "/api/v1/models"),
        ("openai", "/v1/models"),
        ("anthropic", "/v1/models"),
        ("azure", "/openai/v1/models"),
        ("ollama", "/v1/models"),
        ("vllm", "/v1/models"),
    ],
)
def test_the_list_of_models_is_served_to_who_has_a_key(type: str, path: str) -> None:
    request = request_for(type, path=path, method="GET")
    for fake in (FakeProvider(type), FakeProvider()):
        listed = said(fake.respond(request))
        assert [model["id"] for model in listed["data"]] == ["fake-model"]
    assert FakeProvider(type, key="other").respond(request).status == 401
    assert FakeProvider(type).respond(request_for(type, path=path)).status == 405
