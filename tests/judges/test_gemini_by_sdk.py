"""Google's SDK, pointed at the fake, reads its answers as the library does, and is understood by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sansio import FinishReason, ImagePart, Message, ReasoningPart, ServerToolPart, TextPart, ToolCall, Usage
from sansio.testing import Answer, Failure, FakeProvider
from tests.judges.sdks import package
from transports import create_sync_provider
from transports.testing.loopback import LoopbackThread, loopback_thread

pytestmark = [
    pytest.mark.judges,
    # The SDK's own types, on newer versions of Python and of pydantic.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning"),
]

MODEL = "gemini-3-pro-preview"
TURN = Answer(
    parts=(
        ReasoningPart("I look for the weather."),
        TextPart("One moment, "),
        ServerToolPart(
            "executableCode",
            id="x1",
            input="1+1",
            extra={"executableCode": {"language": "PYTHON"}},
        ),
        ServerToolPart("codeExecutionResult", id="x1", output="2", status="OUTCOME_OK"),
        ImagePart(data=b"\x89PNG", extra={"thoughtSignature": "c2ln"}),
        TextPart("please."),
        ToolCall("call_1", "get_weather", {"city": "Paris"}),
        ToolCall("call_2", "get_weather", {"city": "Rome"}),
    ),
    usage=Usage(input_tokens=9, output_tokens=7, cached_tokens=2, reasoning_tokens=3),
)


@pytest.fixture
def server() -> Iterator[LoopbackThread]:
    with loopback_thread(FakeProvider("google")) as server:
        yield server


@pytest.fixture
def google(server: LoopbackThread) -> Any:
    """The SDK's client, which closes its connections when nothing holds it."""
    genai = package("google.genai")
    options = genai.types.HttpOptions(base_url=server.url, timeout=60_000)
    return genai.Client(api_key="k", http_options=options, vertexai=False)


def ours(server: LoopbackThread, answer: Answer) -> Message:
    """What the library makes of the same answer."""
    server.provider.script.append(answer)
    with create_sync_provider(server.config("google", model=MODEL), api_key="k") as provider:
        return provider.complete("Hello")


def judge(parts: list[Any], usage: Any, message: Message) -> None:
    """The SDK's parts say the same as the library's message."""
    assert "".join(part.text for part in parts if part.text and not part.thought) == message.text
    assert "".join(part.text for part in parts if part.text and part.thought) == message.reasoning
    calls = [(part.function_call, part.thought_signature) for part in parts if part.function_call]
    assert [(call.id, call.name, call.args) for call, _ in calls] == [
        (call.id, call.name, call.arguments) for call in message.tool_calls
    ]
    assert [signature is not None for _, signature in calls] == [True, False]
    assert [part.executable_code.code for part in parts if part.executable_code] == ["1+1"]
    assert [part.inline_data.data for part in parts if part.inline_data] == [b"\x89PNG"]
    counts = message.usage
    assert counts is not None
    assert usage.prompt_token_count == counts.input_tokens
    assert usage.candidates_token_count + usage.thoughts_token_count == counts.output_tokens
    assert usage.cached_content_token_count == counts.cached_tokens


def test_a_whole_answer(server: LoopbackThread, google: Any) -> None:
    server.provider.script.append(TURN)
    answer = google.models.generate_content(model=MODEL, contents="Hello")
    (candidate,) = answer.candidates
    assert candidate.finish_reason == "STOP"
    judge(candidate.content.parts, answer.usage_metadata, ours(server, TURN))


def test_a_stream(server: LoopbackThread, google: Any) -> None:
    server.provider.script.append(TURN)
    chunks = [*google.models.generate_content_stream(model=MODEL, contents="Hello")]
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or ()]
    judge(parts, chunks[-1].usage_metadata, ours(server, TURN))


def test_an_error(server: LoopbackThread, google: Any) -> None:
    errors = package("google.genai.errors")
    server.provider.script.append(Failure(status=404, message="No such model."))
    with pytest.raises(errors.ClientError) as caught:
        google.models.generate_content(model=MODEL, contents="Hello")
    assert (caught.value.code, caught.value.status, caught.value.message) == (
        404,
        "NOT_FOUND",
        "No such model.",
    )


def test_a_tool_loop_of_the_sdk_keeps_its_signatures(server: LoopbackThread, google: Any) -> None:
    types = package("google.genai.types")
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    declared = types.FunctionDeclaration(
        name="get_weather",
        description="Weather.",
        parameters_json_schema=schema,
    )
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
    contents: list[Any] = [types.Content(role="user", parts=[types.Part(text="get_weather in Paris")])]
    called = google.models.generate_content(model=MODEL, contents=contents, config=config)
    (call,) = called.function_calls
    assert call.args == {"city": "Paris"}
    result = types.FunctionResponse(id=call.id, name=call.name, response={"output": "sunny"})
    contents += [
        called.candidates[0].content,
        types.Content(role="user", parts=[types.Part(function_response=result)]),
    ]
    said = google.models.generate_content(model=MODEL, contents=contents, config=config)
    assert said.text == "The tools answered: get_weather said 'sunny'."


def test_models_counts_and_vectors(server: LoopbackThread, google: Any) -> None:
    assert [model.name for model in google.models.list()] == ["models/fake-model"]
    assert google.models.count_tokens(model=MODEL, contents="Hello there").total_tokens > 0
    vectors = google.models.embed_content(model="gemini-embedding-001", contents=["a", "b"]).embeddings
    assert [len(vector.values) for vector in vectors] == [8, 8]


def test_the_library_says_the_same_of_an_answer_that_was_cut(server: LoopbackThread, google: Any) -> None:
    cut = Answer(text="Half an", finish_reason=FinishReason.LENGTH)
    server.provider.script.append(cut)
    answer = google.models.generate_content(model=MODEL, contents="Hello")
    assert answer.candidates[0].finish_reason == "MAX_TOKENS"
    assert ours(server, cut).finish_reason is FinishReason.LENGTH
