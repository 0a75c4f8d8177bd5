"""What the fake's model sees of a request in each native API, and what it answers: the same in all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sansio import (
    APIStatusError,
    FinishReason,
    Message,
    Provider,
    Send,
    StreamFailed,
    StreamParser,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.providers import dialect_named
from sansio.testing import Answer, Broken, Failure, FakeProvider, encode_events, encode_stream, encode_whole
from tests.sansio.wires import ASK, WEATHER, Record, config
from tests.support import for_all

MODELS = {
    "google": "gemini-2.5-flash",
    "bedrock": "us.amazon.nova-2-lite-v1:0",
    "cohere": "command-a",
    "ollama/ollama": "llama",
}
KINDS = [*MODELS]
OTHER: Record = {"type": "function", "function": {"name": "other", "parameters": {"type": "object"}}}
CALLS = (ToolCall("a", "get_weather", {"city": "Paris"}), ToolCall("b", "other", {}))
RESULTS = [Message("tool", "sunny", "a"), Message("tool", [TextPart("one"), TextPart("two")], "b")]
ASKED = [Message("user", "get_weather in Paris")]


def answer(kind: str, messages: list[Message], tools: list[Record] | None = None, **options: Any) -> Message:
    """What the fake's model answers."""
    reasoning, model = options.pop("reasoning", False), options.pop("model", MODELS[kind])
    provider = Provider(config(kind, model=model, reasoning=reasoning))
    step = provider.call(messages, tools, stream=False, **options).next_step()
    assert isinstance(step, Send)
    response = FakeProvider(kind.partition("/")[0]).respond(provider.authorize(step.request, "k"))
    assert response.status == 200, response.body
    return provider.dialect.parse_response(json.loads(response.body))


def tokens(kind: str, messages: list[Message], tools: list[Record] | None = None) -> int:
    usage = answer(kind, messages, tools).usage
    assert usage is not None
    return usage.input_tokens


@for_all(("kind", KINDS))
def test_the_system_prompt_the_messages_and_the_tools_are_counted(kind: str) -> None:
    counted = tokens(kind, ASK)
    assert counted > 0
    for more in (
        tokens(kind, [Message("system", "Be brief."), *ASK]),
        tokens(kind, [Message("user", "Hi"), Message("assistant", "Hello"), *ASK]),
        tokens(kind, ASK, [WEATHER]),
    ):
        assert more > counted


@for_all(("kind", KINDS))
def test_the_results_are_those_behind_the_last_answer_in_their_order(kind: str) -> None:
    called = [*ASK, Message("assistant", CALLS), *RESULTS]
    tools = [WEATHER, OTHER]
    said = answer(kind, called, tools).text
    assert said.startswith("The tools answered: get_weather said 'sunny'; other said 'one")
    assert said.endswith("two'.")
    later = answer(kind, [*called, Message("assistant", "So."), Message("user", "2 + 3")], tools).text
    assert later == answer(kind, [Message("user", "2 + 3")], tools).text == "That is 5."


@for_all(("kind", KINDS))
def test_a_call_is_of_a_tool_that_is_named_with_what_its_schema_asks_for(kind: str) -> None:
    message = answer(kind, ASKED, [WEATHER, OTHER])
    assert [(call.name, call.arguments) for call in message.tool_calls] == [
        ("get_weather", {"city": "Paris"})
    ]
    assert message.finish_reason is FinishReason.TOOL_CALLS
    again = [
        *ASKED,
        message,
        Message("tool", "x", message.tool_calls[0].id),
        Message("assistant", "So."),
        *ASKED,
    ]
    (call,) = answer(kind, again, [WEATHER, OTHER]).tool_calls
    assert call.id != message.tool_calls[0].id
    if kind != "ollama/ollama":  # which cannot be told to
        (forced,) = answer(kind, ASK, [OTHER], tool_choice="required").tool_calls
        assert forced.name == "other"


@for_all(("kind", KINDS))
def test_a_short_limit_cuts_the_answer_and_a_long_one_does_not(kind: str) -> None:
    cut, whole = answer(kind, ASK, max_tokens=1), answer(kind, ASK, max_tokens=500)
    assert (cut.finish_reason, whole.finish_reason) == (FinishReason.LENGTH, FinishReason.STOP)
    assert whole.text.startswith(cut.text)
    assert whole.text == answer(kind, ASK).text


@for_all(("kind", KINDS))
def test_the_answer_has_the_form_that_is_asked_for(kind: str) -> None:
    if kind == "bedrock":
        return  # its models have no such option; see `test_by_types.py`
    shape = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": shape}}
    assert json.loads(answer(kind, ASK, response_format=wanted).text) == {"a": 0}


@for_all(("kind", KINDS))
def test_it_thinks_only_if_it_is_asked_to(kind: str) -> None:
    assert answer(kind, ASK).reasoning == ""
    assert answer(kind, ASK, reasoning=True).reasoning != ""
    assert answer(kind, ASK, reasoning=True, reasoning_effort="none").reasoning == ""


@for_all(("model", ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-sonnet-5-5"]))
def test_claude_on_bedrock_thinks_only_if_it_is_asked_to(model: str) -> None:
    assert answer("bedrock", ASK, model=model).reasoning == ""
    assert answer("bedrock", ASK, model=model, reasoning=True).reasoning != ""


# What is written, whatever it says.


@for_all(("kind", KINDS))
def test_events_without_an_end_are_the_beginning_of_the_stream(kind: str) -> None:
    said = Answer(
        reasoning="Hm.", text="One two.", tool_calls=(ToolCall("a", "f", {"x": 1}), ToolCall("b", "g", {}))
    )
    events = said.to_events(model="fake-model", response_id="fake-response")
    whole = encode_stream(kind, said)
    cut = encode_events(kind, events[:-1])
    assert whole[1 : len(cut)] == cut[1:]  # the first one may have the id of the answer
    assert len(whole) - 5 <= len(cut) < len(whole)


@for_all(("kind", KINDS))
def test_an_error_inside_a_stream_follows_what_was_said_before(kind: str) -> None:
    broken = Broken(
        answer=Answer(text="One two three."), after=2, failure=Failure(status=503, message="Busy.")
    )
    parser = StreamParser(kind)
    events = parser.receive_data(b"".join(encode_stream(kind, broken))) + parser.receive_eof()
    last = events[-1]
    assert isinstance(last, StreamFailed)
    assert isinstance(last.error, APIStatusError)
    assert last.error.provider_message == "Busy."
    assert last.error.partial is not None
    assert last.error.partial.text == "One two "


@for_all(("kind", ["google", "cohere"]))
def test_an_answer_has_the_id_that_it_is_given_or_another(kind: str) -> None:
    def ids(**given: Any) -> set[str | None]:
        said = Answer(text="Hi")
        whole = encode_whole(kind, said, **given)
        parser = StreamParser(kind)
        data = b"".join(encode_stream(kind, said, **given))
        last: Any = [*parser.receive_data(data), *parser.receive_eof()][-1]
        return {dialect_named(kind).parse_response(json.loads(whole)).response_id, last.message.response_id}

    assert ids(response_id="r") == {"r"}
    assert ids() == {"fake-response"}
    (bare,) = {
        json.loads(piece.partition(b"data: ")[2]).get("responseId" if kind == "google" else "id")
        for piece in encode_events(kind, Answer(text="Hi").to_events()[:1])[:1]
    }
    assert bare


@for_all(("kind", ["bedrock", "cohere", "ollama/ollama"]))
def test_calls_that_overlap_have_no_place(kind: str) -> None:
    with pytest.raises(ValueError, match="interleaved"):
        encode_events(
            kind, [ToolCallStarted(0, "a", "f"), ToolCallStarted(1, "b", "g"), ToolCallDelta(0, "{}")]
        )


@for_all(("kind", KINDS))
def test_a_word_for_the_end_that_is_given_is_written(kind: str) -> None:
    said = Answer(text="Hi", raw_finish_reason="a_new_word")
    last: Any = StreamParser(kind)
    events: Any = last.receive_data(b"".join(encode_stream(kind, said))) + last.receive_eof()
    whole = dialect_named(kind).parse_response(json.loads(encode_whole(kind, said)))
    assert {whole.raw_finish_reason, events[-1].message.raw_finish_reason} == {"a_new_word"}


@for_all(("kind", KINDS), ("reason", FinishReason))
def test_an_answer_ends_as_it_was_meant_to_or_is_refused(kind: str, reason: FinishReason) -> None:
    calls = (ToolCall("a", "f", {"x": 1}),) if reason is FinishReason.TOOL_CALLS else ()
    said = Answer(text="Hi", tool_calls=calls, finish_reason=reason)
    try:
        whole = encode_whole(kind, said, model="m")
    except ValueError:
        assert reason not in (FinishReason.STOP, FinishReason.LENGTH, FinishReason.TOOL_CALLS)
        if kind in ("google", "bedrock"):  # which have words for nearly all
            assert reason in (FinishReason.REFUSAL, FinishReason.PAUSE, FinishReason.OTHER)
        return
    message = dialect_named(kind).parse_response(json.loads(whole))
    assert message.finish_reason is reason
    if kind in ("google", "ollama/ollama"):
        assert message.model == "m"
