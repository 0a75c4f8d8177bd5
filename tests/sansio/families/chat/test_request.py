"""OpenAI's chat completions, asked: exact requests, and what its subclasses change."""

from __future__ import annotations

import pytest

from sansio import (
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Provider,
    Role,
    TextPart,
    ToolCall,
)
from sansio.dialects import OpenAICompatDialect
from tests.sansio.wires import (
    ASK,
    COMPATIBLE,
    DONE,
    WEATHER,
    Record,
    answer,
    body_of,
    chunk,
    config,
    sse,
    tool_chunk,
)

PNG = b"\x89PNG"


def wire(*messages: Message, kind: str = "openai") -> list[Record]:
    """The messages as they are sent."""
    sent = body_of(Provider(config(kind)), messages)["messages"]
    assert isinstance(sent, list)
    return sent


def test_the_exact_body_of_a_streamed_call_with_tools() -> None:
    messages = [Message(Role.SYSTEM, "Be brief."), Message(Role.DEVELOPER, "In French."), *ASK]
    assert body_of(Provider(config("openai")), messages, [WEATHER], stream=True, temperature=0) == {
        "model": "some-model",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": "In French."},
            {"role": "user", "content": "What is the weather in Paris?"},
        ],
        "tools": [WEATHER],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
    }


def test_the_exact_body_of_a_whole_call() -> None:
    assert body_of(Provider(config("openai")), ASK) == {
        "model": "some-model",
        "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
    }


def test_a_tool_loop_goes_back_as_it_came() -> None:
    raw = '{"city":  "Paris"}'
    call = ToolCall(
        "call_1", "get_weather", {"city": "Paris"}, raw, {"google": {"thought_signature": "c2ln"}}
    )
    made_up = ToolCall("call_2", "get_weather", {"city": "Rome"})
    assert wire(
        *ASK,
        Message(Role.ASSISTANT, "", (call, made_up), reasoning="Hm."),
        Message(Role.TOOL, "18 °C", tool_call_id="call_1"),
        Message(Role.TOOL, "21 °C", tool_call_id="call_2"),
    )[1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": raw},
                    "extra_content": {"google": {"thought_signature": "c2ln"}},
                },
                {
                    "id": "call_2",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'},
                },
            ],
        },
        {"role": "tool", "content": "18 °C", "tool_call_id": "call_1"},
        {"role": "tool", "content": "21 °C", "tool_call_id": "call_2"},
    ]


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_an_answer_and_its_tool_results_appended_make_the_next_request(kind: str) -> None:
    deltas = [tool_chunk('{"city":"Paris"}', id="a", name="f"), tool_chunk("{", id="b", name="f", index=1)]
    message = answer(kind, sse(chunk({"content": "Let me see."}), *deltas), DONE)
    results = [Message(Role.TOOL, text, tool_call_id=id) for id, text in (("a", "18"), ("b", "no JSON"))]
    sent = wire(*ASK, message, *results, kind=kind)
    assert sent[1]["content"] == "Let me see."
    # Ollama and vLLM parse what comes back; the others get the text as it came.
    invalid = '{"INVALID_JSON":"{"}' if kind in ("ollama", "vllm") else "{"
    assert [call["function"]["arguments"] for call in sent[1]["tool_calls"]] == ['{"city":"Paris"}', invalid]
    assert [result["tool_call_id"] for result in sent[2:]] == ["a", "b"]


def test_an_invalid_call_is_sent_back_only_where_a_result_answers_it() -> None:
    invalid = InvalidToolCall("b", "f", "{", "cut", {"x": 1})
    answered = Message(Role.ASSISTANT, "", (), invalid_tool_calls=(invalid,))
    sent = wire(*ASK, answered, Message(Role.TOOL, "no JSON", tool_call_id="b"))[1]
    assert sent["tool_calls"] == [
        {
            "id": "b",
            "type": "function",
            "function": {"name": "f", "arguments": "{"},
            "extra_content": {"x": 1},
        }
    ]
    assert wire(*ASK, answered, Message(Role.USER, "Go on."))[1] == {"role": "assistant", "content": ""}


@pytest.mark.parametrize("raw", ["", " ", "null", "{}"])
def test_pain_12_blank_arguments_go_back_as_an_empty_object(raw: str) -> None:
    call = Message(Role.ASSISTANT, "", (ToolCall("a", "f", {}, raw),))
    sent = wire(*ASK, call, Message(Role.TOOL, "ok", tool_call_id="a"))[1]
    assert sent["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}


def test_parts_are_sent_in_their_wire_forms() -> None:
    parts = (
        TextPart("Look:", extra={"cache_control": {"type": "ephemeral"}}),
        ImagePart(url="https://example.com/a.png", detail="low"),
        ImagePart(data=PNG),
        DocumentPart(data=b"%PDF", name="a.pdf"),
        DocumentPart(data=b"%PDF"),
    )
    assert wire(Message(Role.USER, parts))[0]["content"] == [
        {"type": "text", "text": "Look:", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}},
        {
            "type": "file",
            "file": {"filename": "document", "file_data": "data:application/pdf;base64,JVBERg=="},
        },
    ]


def test_a_document_by_url_is_refused_with_the_messages_index() -> None:
    part = DocumentPart(url="https://example.com/a.pdf")
    with pytest.raises(InvalidRequestError, match="message 1: openai takes documents as data only") as caught:
        wire(*ASK, Message(Role.USER, (part,)))
    assert caught.value.index == 1


def test_a_refusal_goes_back_as_one() -> None:
    sent = wire(*ASK, Message(Role.ASSISTANT, "", refusal="I will not."), *ASK)
    assert sent[1] == {"role": "assistant", "content": None, "refusal": "I will not."}


def test_max_tokens_has_the_name_that_openais_own_models_take() -> None:
    body = body_of(Provider(config("openai")), ASK, max_tokens=5, top_p=1)
    assert (body["max_completion_tokens"], body["top_p"]) == (5, 1)
    assert "max_tokens" not in body


def test_an_option_that_is_none_takes_a_default_out() -> None:
    body = body_of(Provider(config("openai")), ASK, stream=True, stream_options=None, temperature=None)
    assert body == {"model": "some-model", "messages": wire(*ASK), "stream": True}


def test_reasoning_is_asked_for_by_effort_and_an_option_wins() -> None:
    provider = Provider(config("openai", reasoning=True))
    assert body_of(provider, ASK)["reasoning_effort"] == "medium"
    assert body_of(provider, ASK, reasoning_effort="xhigh")["reasoning_effort"] == "xhigh"


def test_a_subclass_changes_only_its_difference() -> None:
    class Shouting(OpenAICompatDialect):
        def build_endpoint(self, stream: bool = False) -> str:
            return f"{self.config.base_url}/shout"

    provider = Provider(config("openai"))
    dialect = Shouting(provider.config)
    assert dialect.build_endpoint() == "https://api.openai.com/v1/shout"
    assert dialect.build_request_body(ASK, (), False) == provider.dialect.build_request_body(ASK, (), False)
    assert dialect.build_headers() == {}


def test_the_same_input_gives_the_same_bytes() -> None:
    def sent() -> bytes:
        message = answer("openai", sse(tool_chunk('{"b":1,"a":2}', name="f")), DONE)
        result = Message(Role.TOOL, "ok", tool_call_id=message.tool_calls[0].id)
        call = Provider(config("openai")).call([*ASK, message, result], [WEATHER], top_p=1, seed=2)
        step = call.next_step()
        assert step is not None
        return bytes(step.request.body) if hasattr(step, "request") else b""

    assert sent() == sent() != b""
