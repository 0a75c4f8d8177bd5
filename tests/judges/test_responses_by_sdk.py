"""OpenAI's SDK reads the fake's Responses, and makes of them what the library makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    Message,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.testing import Answer, Broken, Failure, FakeProvider, encode_stream, encode_whole
from sansio.testing.strategies import answers
from sansio.testing.wires.responses_items import seal
from tests.judges.sdks import package
from tests.sansio.wires import Record
from transports import create_sync_provider
from transports.testing.loopback import LoopbackThread, loopback_thread

pytestmark = pytest.mark.judges

OPEN = ("reason", "code", "top_logprobs", "logprob", "bytes")
"""Fields whose words are open, or that the SDK describes otherwise than it gives them."""

TURN = Answer(
    parts=(
        ReasoningPart("I call a tool.", {"item": {"id": "rs_1", "encrypted_content": seal("")}}),
        TextPart("One moment, please.", extra={"item": {"id": "msg_1", "status": "completed"}}),
        ToolCall("call_1", "get_weather", {"city": "Paris"}, extra={"id": "fc_1", "status": "completed"}),
        ToolCall("call_2", "note", {"input": "free text"}, None, "custom", {"id": "ctc_1"}),
    ),
    usage=Usage(input_tokens=9, output_tokens=7, cached_tokens=2, reasoning_tokens=3),
)
TOOL: Record = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": False}


@pytest.fixture
def server() -> Iterator[LoopbackThread]:
    with loopback_thread(FakeProvider("openai")) as server:
        yield server


def client(server: LoopbackThread) -> Any:
    return package("openai").OpenAI(
        api_key="sk", base_url=server.base_url("openai"), max_retries=0, timeout=60
    )


def ours(server: LoopbackThread, answer: Answer) -> Message:
    """What the library makes of the same answer."""
    server.provider.script.append(answer)
    config = server.config("openai", api="responses", model="gpt-5")
    with create_sync_provider(config, api_key="sk") as provider:
        return provider.complete([Message(Role.USER, "Hello")])


def judge(response: Any, message: Message) -> None:
    """The SDK's response says the same as the library's message."""
    assert response.output_text == message.text
    assert response.status == message.raw_finish_reason
    calls = [item for item in response.output if item.type in ("function_call", "custom_tool_call")]
    assert [(call.call_id, call.name) for call in calls] == [
        (call.id, call.name) for call in message.tool_calls
    ]
    assert json.loads(calls[0].arguments) == message.tool_calls[0].arguments
    assert calls[1].input == message.tool_calls[1].arguments["input"]
    (thought,) = [item for item in response.output if item.type == "reasoning"]
    assert "".join(text.text for text in thought.summary) == message.reasoning
    assert thought.encrypted_content == message.parts[0].extra["item"]["encrypted_content"]  # type: ignore[index, call-overload]  # JSON
    assert [item.id for item in response.output] == ["rs_1", "msg_1", "fc_1", "ctc_1"]
    usage = message.usage
    assert usage is not None
    counts = response.usage
    assert (counts.input_tokens, counts.output_tokens) == (usage.input_tokens, usage.output_tokens)
    assert counts.input_tokens_details.cached_tokens == usage.cached_tokens
    assert counts.output_tokens_details.reasoning_tokens == usage.reasoning_tokens


def test_a_whole_response(server: LoopbackThread) -> None:
    server.provider.script.append(TURN)
    response = client(server).responses.create(model="gpt-5", input="Hello")
    judge(response, ours(server, TURN))


def test_a_stream_and_its_final_response(server: LoopbackThread) -> None:
    server.provider.script.append(TURN)
    with client(server).responses.stream(model="gpt-5", input="Hello") as stream:
        events = [*stream]
        response = stream.get_final_response()
    judge(response, ours(server, TURN))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == "One moment, please."


def test_a_raw_stream(server: LoopbackThread) -> None:
    server.provider.script.append(TURN)
    events = [*client(server).responses.create(model="gpt-5", input="Hello", stream=True)]
    assert [event.sequence_number for event in events] == [*range(len(events))]
    judge(events[-1].response, ours(server, TURN))


def test_a_conversation_that_the_server_keeps(server: LoopbackThread) -> None:
    responses = client(server).responses
    first = responses.create(model="gpt-5", input="Please call get_weather", tools=[TOOL])
    (call,) = first.output
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    second = responses.create(model="gpt-5", input=[result], previous_response_id=first.id)
    assert second.output_text == "The tools answered: get_weather said 'sunny'."
    assert responses.retrieve(first.id) == first
    assert responses.input_tokens.count(model="gpt-5", input="one two").input_tokens == 2
    responses.delete(first.id)
    with pytest.raises(package("openai").NotFoundError):
        responses.retrieve(first.id)


def test_a_response_in_the_background(server: LoopbackThread) -> None:
    responses = client(server).responses
    queued = responses.create(model="gpt-5", input="Hello", background=True)
    assert queued.status == "queued"
    assert responses.cancel(queued.id).status == "cancelled"
    server.provider.script.append(Broken(answer=Answer(text="one two three"), after=1))
    started = [*responses.create(model="gpt-5", input="Hi", background=True, stream=True)]
    number = started[-1].sequence_number
    rest = [*responses.retrieve(started[0].response.id, stream=True, starting_after=number)]
    assert rest[0].sequence_number == number + 1
    assert rest[-1].response.output_text == "one two three"


def test_errors(server: LoopbackThread) -> None:
    openai, responses = package("openai"), client(server).responses
    server.provider.script.append(Failure(status=429, message="Too fast."))
    with pytest.raises(openai.RateLimitError, match="Too fast"):
        responses.create(model="gpt-5", input="Hello")
    with pytest.raises(openai.BadRequestError) as caught:
        responses.create(model="gpt-5", input="Hello", previous_response_id="resp_1")
    assert (caught.value.code, caught.value.param) == ("previous_response_not_found", "previous_response_id")
    broken = Broken(answer=Answer(text="a b"), after=1, failure=Failure(status=500, message="It broke."))
    server.provider.script.append(broken)
    with pytest.raises(openai.APIError, match="It broke"):
        [*responses.create(model="gpt-5", input="Hello", stream=True)]


def check(model: Any, data: Record) -> None:
    """The data is valid by one of the SDK's models, but for open words."""
    try:
        model.model_validate(data)
    except package("pydantic").ValidationError as error:
        found = [each for each in error.errors() if each["loc"][-1] not in OPEN]
        assert not found, found


def event_models() -> Mapping[str, Any]:
    """The SDK's models of events, by their types."""
    union, *_ = get_args(package("openai.types.responses").ResponseStreamEvent)
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(union)}


@given(data=st.data())
@pytest.mark.parametrize("type", ["openai", "azure", "openrouter", "ollama", "vllm"])
def test_every_event_and_every_response_is_valid(type: str, data: st.DataObject) -> None:
    kind, models = f"{type}/responses", event_models()
    answer = data.draw(answers(kind).filter(_is_known))
    response = package("openai.types.responses").Response
    check(response, json.loads(encode_whole(kind, answer, model="m", response_id="resp_1")))
    for line in b"".join(encode_stream(kind, answer, model="m", response_id="resp_1")).splitlines():
        if line.startswith(b"data: {"):
            record = json.loads(line.removeprefix(b"data: "))
            check(models[record["type"]], record)


def _is_known(answer: Answer) -> bool:
    """Whether the SDK may know all its items; the strategies make some up."""
    return not any(isinstance(part, UnknownPart) and part.kind == "a_new_item" for part in answer.parts)
