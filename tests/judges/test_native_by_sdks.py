"""The official SDKs of Ollama and Cohere read the fake, and make of it what the library makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sansio import Citation, ImagePart, Message, ReasoningPart, Role, TextPart, ToolCall, Usage
from sansio.families.cohere.parts import is_plan
from sansio.testing import Answer, Broken, Failure, FakeProvider, encode_stream, encode_whole
from sansio.testing.strategies import answers
from tests.judges.sdks import package
from tests.sansio.wires import WEATHER
from transports import create_sync_provider
from transports.testing.loopback import LoopbackThread, loopback_thread

pytestmark = pytest.mark.judges

HELLO = [{"role": "user", "content": "Hello"}]
USAGE = Usage(input_tokens=9, output_tokens=7)
SPAN = Citation(start=0, end=3, extra={"text": "One", "sources": [{"type": "document", "id": "d"}]})
OLLAMA = Answer(
    parts=(
        ReasoningPart("I call a tool."),
        TextPart("One moment, please."),
        ToolCall("a", "get_weather", {"city": "Paris"}),
        ToolCall("b", "note", {}),
    ),
    usage=USAGE,
)
COHERE = Answer(
    parts=(
        ReasoningPart("I will look.", {"field": "tool_plan"}),
        ReasoningPart("Hm."),
        TextPart("One moment, please.", (SPAN,)),
        ToolCall("a", "get_weather", {"city": "Paris"}),
        ToolCall("b", "note", {}),
    ),
    usage=Usage(input_tokens=9, output_tokens=7, cached_tokens=2),
)


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackThread]:
    with loopback_thread(FakeProvider()) as server:
        yield server


def ours(server: LoopbackThread, type: str, answer: Answer) -> Message:
    """What the library makes of the same answer."""
    server.provider.script.append(answer)
    with create_sync_provider(server.config(type, api=type, model="m"), api_key="sk") as provider:
        return provider.complete([Message(Role.USER, "Hello")])


@pytest.fixture
def ollama(server: LoopbackThread) -> Iterator[Any]:  # Any: an SDK that the type checker need not have
    client = package("ollama").Client(host=server.url, trust_env=False)
    yield client
    client.close()


@pytest.fixture
def cohere(server: LoopbackThread) -> Iterator[Any]:  # Any: as above
    with package("httpx").Client(timeout=60, trust_env=False) as client:
        yield package("cohere").ClientV2(api_key="sk", base_url=server.url, httpx_client=client)


def test_ollamas_client_reads_an_answer_whole_and_streamed(server: LoopbackThread, ollama: Any) -> None:
    message = ours(server, "ollama", OLLAMA)
    server.provider.script += [OLLAMA, OLLAMA]
    whole = ollama.chat(model="m", messages=HELLO, tools=[WEATHER], think="low")
    chunks = [*ollama.chat(model="m", messages=HELLO, stream=True, options={"num_ctx": 9})]
    calls = [(call.function.name, call.function.arguments) for call in whole.message.tool_calls]
    streamed = [
        (call.function.name, call.function.arguments)
        for chunk in chunks
        for call in chunk.message.tool_calls or ()
    ]
    assert calls == streamed == [(call.name, call.arguments) for call in message.tool_calls]
    assert whole.message.content == message.text
    assert "".join(chunk.message.content or "" for chunk in chunks) == message.text
    assert whole.message.thinking == message.reasoning
    assert "".join(chunk.message.thinking or "" for chunk in chunks) == message.reasoning
    assert message.usage is not None
    for last in (whole, chunks[-1]):
        assert last.done_reason == message.raw_finish_reason
        assert (last.prompt_eval_count, last.eval_count) == (9, 7)
    assert (message.usage.input_tokens, message.usage.output_tokens) == (9, 7)


def test_ollamas_client_sees_the_errors_that_the_library_sees(server: LoopbackThread, ollama: Any) -> None:
    down = Failure(status=503, message="Busy.")
    server.provider.script += [down, Broken(answer=Answer(text="Hi you"), after=1, failure=down)]
    with pytest.raises(package("ollama").ResponseError, match="Busy") as caught:
        ollama.chat(model="m", messages=HELLO)
    assert caught.value.status_code == 503
    with pytest.raises(package("ollama").ResponseError, match="Busy"):
        list(ollama.chat(model="m", messages=HELLO, stream=True))


def test_ollamas_client_lists_models_embeds_and_sends_images(server: LoopbackThread, ollama: Any) -> None:
    assert [model.model for model in ollama.list().models] == ["fake-model"]
    vectors = ollama.embed(model="m", input=["a", "b"], dimensions=4).embeddings
    with create_sync_provider(server.config("ollama", api="ollama", model="m")) as provider:
        assert provider.embed(["a", "b"], dimensions=4).vectors == tuple(map(tuple, vectors))
        assert [model.id for model in provider.list_models()] == ["fake-model"]
        picture = provider.complete([Message("user", [TextPart("Hello"), ImagePart(data=b"PNG")])])
    sent = ollama.chat(model="m", messages=[{**HELLO[0], "images": [b"PNG"]}])
    assert sent.message.content == picture.text


@given(answer=answers("ollama/ollama"))
def test_each_answer_of_ollama_is_one_by_its_own_models(answer: Answer) -> None:
    """Without images, for which its models have a type that no answer can be read into."""
    answer = structs.replace(answer, parts=tuple(p for p in answer.parts if not isinstance(p, ImagePart)))
    response = package("ollama").ChatResponse
    whole = response.model_validate_json(encode_whole("ollama/ollama", answer))
    lines = [response.model_validate_json(line) for line in encode_stream("ollama/ollama", answer)]
    assert "".join(line.message.content or "" for line in lines) == whole.message.content
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]


def test_coheres_client_reads_a_whole_answer(server: LoopbackThread, cohere: Any) -> None:
    message = ours(server, "cohere", COHERE)
    server.provider.script.append(COHERE)
    whole = cohere.chat(model="m", messages=HELLO, tools=[WEATHER])
    thought, said = whole.message.content
    plan, thinking = (part for part in message.parts if isinstance(part, ReasoningPart))
    assert is_plan(plan)
    assert (whole.message.tool_plan, thought.thinking, said.text) == (plan.text, thinking.text, message.text)
    calls = [
        (call.id, call.function.name, json.loads(call.function.arguments))
        for call in whole.message.tool_calls
    ]
    assert calls == [(call.id, call.name, call.arguments) for call in message.tool_calls]
    (cited,), (citation,) = whole.message.citations, message.citations
    assert (cited.start, cited.end, cited.text) == (citation.start, citation.end, citation.extra["text"])
    assert whole.finish_reason == message.raw_finish_reason
    assert message.usage is not None
    counts = whole.usage.tokens.input_tokens, whole.usage.tokens.output_tokens, whole.usage.cached_tokens
    assert counts == (message.usage.input_tokens, message.usage.output_tokens, message.usage.cached_tokens)


def test_coheres_client_reads_a_stream(server: LoopbackThread, cohere: Any) -> None:
    message = ours(server, "cohere", COHERE)
    server.provider.script.append(COHERE)
    events = [*cohere.chat_stream(model="m", messages=HELLO)]
    kinds = {event.type for event in events}
    assert kinds == {
        *("message-start", "content-start", "content-delta", "content-end", "tool-plan-delta"),
        *(
            "tool-call-start",
            "tool-call-delta",
            "tool-call-end",
            "citation-start",
            "citation-end",
            "message-end",
        ),
    }
    content = [event.delta.message.content for event in events if event.type == "content-delta"]
    assert "".join(piece.text or "" for piece in content) == message.text
    plan = "".join(event.delta.message.tool_plan for event in events if event.type == "tool-plan-delta")
    assert plan + "".join(piece.thinking or "" for piece in content) == message.reasoning
    names = [
        event.delta.message.tool_calls.function.name for event in events if event.type == "tool-call-start"
    ]
    assert names == [call.name for call in message.tool_calls]
    (cited,) = [event.delta.message.citations for event in events if event.type == "citation-start"]
    assert (cited.start, cited.end, cited.content_index) == (0, 3, 1)
    assert events[-1].delta.finish_reason == message.raw_finish_reason


def test_coheres_client_sees_an_error_of_a_status_and_passes_over_one_inside_a_stream(
    server: LoopbackThread, cohere: Any
) -> None:
    bad = Failure(status=400, message="No.", error_type="X")
    server.provider.script += [bad, Broken(answer=Answer(text="Hi"), after=1, failure=bad)]
    with pytest.raises(package("cohere").BadRequestError) as caught:
        cohere.chat(model="m", messages=HELLO)
    assert caught.value.body["message"] == "No."
    last = [*cohere.chat_stream(model="m", messages=HELLO)][-1]
    assert (last.delta.finish_reason, last.delta.error) == ("ERROR", "No.")


def test_coheres_client_lists_models_counts_and_embeds(server: LoopbackThread, cohere: Any) -> None:
    listed = cohere.models.list(page_size=5).models
    assert [model.name for model in listed] == ["fake-model"]
    texts = {"texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float"]}
    vectors = cohere.embed(model="m", output_dimension=4, **texts).embeddings.float_
    tokens = cohere.tokenize(model="m", text="one two", offline=False).tokens
    with create_sync_provider(server.config("cohere", model="m"), api_key="sk") as provider:
        assert [model.id for model in provider.list_models()] == ["fake-model"]
        assert provider.embed(["a", "b"], dimensions=4).vectors == tuple(map(tuple, vectors))
        assert provider.count_tokens([Message("user", "one two")]) == len(tokens) == 2


@given(data=st.data())
def test_each_event_of_cohere_is_known_to_its_client(data: st.DataObject) -> None:
    union = package("cohere.v2.types.v2chat_stream_response")
    construct = package("cohere.core.unchecked_base_model").construct_type
    answer = data.draw(answers("cohere"))
    for piece in encode_stream("cohere", answer):
        payload = piece.partition(b"data: ")[2]
        if payload.startswith(b"{"):
            record = json.loads(payload)
            found = construct(type_=union.V2ChatStreamResponse, object_=record)
            assert type(found).__name__.endswith("V2ChatStreamResponse"), record
            assert found.type == record["type"]
