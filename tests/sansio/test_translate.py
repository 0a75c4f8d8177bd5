"""One family's bytes as another's: what is said arrives, what cannot travel is reported."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio import (
    APIConnectionError,
    APITimeoutError,
    AudioPart,
    BadRequestError,
    Citation,
    ConfigError,
    FinishReason,
    ImagePart,
    InternalServerError,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Part,
    Provider,
    ProviderError,
    RateLimitError,
    ReasoningPart,
    RefusalPart,
    RemoteProtocolError,
    Role,
    ServerToolPart,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
    Usage,
    replay,
)
from sansio.testing import Answer, encode_stream
from sansio.testing.strategies import chunkings, streams
from sansio.translate import (
    AnswerHead,
    AnswerTranslator,
    Serving,
    StreamTranslator,
    StreamWriter,
    WireRequest,
    read_request,
    register_serving,
    serving_of,
    translate_request,
    write_answer,
    write_error,
)
from tests.sansio.wires import config

HEAD = AnswerHead(model="mine", response_id="id-1", created=7)
READERS = {"chat": "vllm", "messages": "anthropic"}
"""Who reads each family's bytes again: a type that knows `reasoning_content`."""
PAIRS = [("openai", "messages"), ("anthropic", "chat")]
FEWER = settings(max_examples=settings().max_examples // 3)
"""A stream is read three times here, by two families."""
SAID = (TextPart, ReasoningPart, RefusalPart, ToolCall, InvalidToolCall)


def provider(type: str) -> Provider:
    return Provider(config(type))


def read(api: str, data: bytes) -> Message:
    """What a client of that family reads."""
    parser = StreamParser(READERS[api])
    last = [*parser.receive_data(data), *parser.receive_eof()][-1]
    assert isinstance(last, StreamComplete), last
    assert (last.message.model, last.message.response_id) == ("mine", "id-1")
    return last.message


def written(api: str, *events: StreamEvent) -> bytes:
    """Events as a family's bytes."""
    translator = AnswerTranslator(api, HEAD)
    return b"".join(map(translator.write, events))


def calls_of(message: Message) -> list[object]:
    return [
        (call.id, call.name, call.arguments if isinstance(call, ToolCall) else call.raw_arguments)
        for call in message.all_tool_calls
        if call.name
    ]


def is_function(message: Message) -> bool:
    """Whether no call is of a tool that takes free text, which another wire writes in another way."""
    return all(call.kind == "function" for call in message.all_tool_calls)


@pytest.mark.parametrize(("source", "api"), PAIRS)
@FEWER
@given(data=st.data())
def test_a_stream_says_the_same_in_another_family_however_it_is_cut(
    source: str, api: str, data: st.DataObject
) -> None:
    stream = data.draw(streams(source))
    translator = StreamTranslator(source, api, HEAD)
    pieces = [translator.receive_data(piece) for piece in data.draw(chunkings(stream.data))]
    found = b"".join(pieces) + translator.receive_eof()
    assert translator.finished
    whole = StreamTranslator(source, api, HEAD)
    assert whole.receive_data(stream.data) + whole.receive_eof() == found
    last = stream.events[-1]
    assert isinstance(last, StreamComplete)
    if last.message.finish_reason in (FinishReason.ERROR, FinishReason.OTHER):
        assert b'"error"' in found
        return
    answer, original = read(api, found), last.message
    assert answer.text == original.text
    assert answer.reasoning == original.reasoning
    if is_function(original):
        assert calls_of(answer) == calls_of(original)
    assert [call.id for call in answer.tool_calls] == [call.id for call in original.tool_calls]
    lost = {each.part for each in translator.left_out if each.what == type_name(original, each.part)}
    assert lost == {at for at, part in enumerate(original.parts) if not isinstance(part, SAID)}


def type_name(message: Message, part: int | None) -> str | None:
    return None if part is None else type(message.parts[part]).__name__


@pytest.mark.parametrize("api", READERS)
@pytest.mark.parametrize("cut", [0, 1, 4])
def test_a_stream_that_was_cut_ends_in_the_familys_own_error(api: str, cut: int) -> None:
    source = "openai" if api == "messages" else "anthropic"
    pieces = encode_stream(source, Answer(text="one two three four five"))
    translator = StreamTranslator(source, api, HEAD, content_type="text/event-stream")
    found = translator.receive_data(b"".join(pieces[:cut])) + translator.receive_eof()
    parser = StreamParser(READERS[api])
    last = [*parser.receive_data(found), *parser.receive_eof()][-1]
    assert isinstance(last, StreamFailed)
    assert "ended without its end marker" in (last.error.provider_message or "")


@pytest.mark.parametrize(("reason", "raw"), [(FinishReason.ERROR, "abort"), (FinishReason.OTHER, None)])
@pytest.mark.parametrize("api", READERS)
def test_an_end_that_the_wire_has_no_word_for_is_an_error_and_no_success(
    api: str, reason: FinishReason, raw: str | None
) -> None:
    message = Message(Role.ASSISTANT, "Half", finish_reason=reason, raw_finish_reason=raw)
    assert b"which is not a success" in written(api, *replay(message), StreamComplete(message))
    answer = write_answer(api, message, HEAD)
    assert answer.status == 500
    assert (raw or "no reason").encode() in answer.body


PARTS: tuple[Part, ...] = (
    ReasoningPart("Hm.", {"signature": "c2ln"}),
    TextPart("So. "),
    TextPart("They say.", (Citation("https://e/", "E", None, 0, 4, {"type": "x"}), Citation(None, "A book"))),
    ServerToolPart("web_search", "s1"),
    ToolCall("a", "f", {"x": [1]}),
    ToolCall("b", "shell", {"input": "ls\n"}, kind="custom"),
    InvalidToolCall("c", "g", '{"cut', "cut"),
    ImagePart(data=b"png"),
    RefusalPart("No more."),
)
MESSAGE = Message(
    Role.ASSISTANT,
    PARTS,
    finish_reason=FinishReason.TOOL_CALLS,
    usage=Usage(input_tokens=9, output_tokens=5, cached_tokens=2, cache_write_tokens=3, reasoning_tokens=1),
    extra={"service_tier": "x"},
)


@pytest.mark.parametrize("api", READERS)
def test_what_cannot_travel_is_reported_with_its_place(api: str) -> None:
    translator = AnswerTranslator(api, HEAD)
    for event in [*replay(MESSAGE), StreamComplete(MESSAGE)]:
        translator.write(event)
    lost = [(each.what, each.part) for each in translator.left_out]
    assert lost == [
        ("extra: signature", 0),
        ("citations", 2),
        ("ServerToolPart", 3),
        ("ImagePart", 7),
        ("extra: service_tier", None),
    ]
    whole = [(each.what, each.part) for each in write_answer(api, MESSAGE, HEAD).left_out]
    # Anthropic's whole answers cannot say that a call was cut, and a call that seems whole would be run.
    assert whole == (lost if api == "chat" else [*lost, ("InvalidToolCall", 6)])
    assert (b"cut" in write_answer(api, MESSAGE, HEAD).body) == (api == "chat")


def test_a_custom_call_that_was_cut_is_cut_on_the_other_side_too() -> None:
    call = InvalidToolCall("b", "shell", "rm -rf /ho", "cut", kind="custom")
    message = Message(Role.ASSISTANT, (call, TextPart("Oh.")), finish_reason=FinishReason.LENGTH)
    found = read("messages", written("messages", *replay(message), StreamComplete(message)))
    assert found.tool_calls == ()
    assert found.invalid_tool_calls[0].raw_arguments == '{"input":"rm -rf /ho'


@pytest.mark.parametrize("api", READERS)
def test_a_whole_answer_says_what_its_stream_says(api: str) -> None:
    stream = read(api, written(api, *replay(MESSAGE), StreamComplete(MESSAGE)))
    body = json.loads(write_answer(api, MESSAGE, HEAD).body)
    whole = Provider(config(READERS[api])).dialect.parse_response(body)
    assert (whole.text, whole.reasoning, whole.usage) == (stream.text, stream.reasoning, stream.usage)
    assert (whole.model, whole.response_id, whole.refusal) == ("mine", "id-1", "No more.")
    assert calls_of(whole)[0] == calls_of(stream)[0] == ("a", "f", {"x": [1]})
    assert whole.usage is not None
    assert (whole.usage.input_tokens, whole.usage.cached_tokens, whole.usage.reasoning_tokens) == (9, 2, 1)
    (cited,) = whole.citations
    assert (cited.url, cited.title) == ("https://e/", "E")
    assert cited.quote == "They" if api == "messages" else (cited.start, cited.end) == (4, 8)


def test_a_custom_call_is_a_function_of_one_text_where_there_are_no_custom_tools() -> None:
    call = ToolCall("b", "shell", {"input": "ls\n"}, kind="custom")
    message = Message(Role.ASSISTANT, (call,), finish_reason=FinishReason.TOOL_CALLS)
    assert calls_of(read("messages", written("messages", *replay(message), StreamComplete(message)))) == [
        ("b", "shell", {"input": "ls\n"})
    ]


def test_calls_that_are_interleaved_are_put_in_order() -> None:
    events: Sequence[StreamEvent] = [
        ToolCallStarted(0, "a", "f", 0),
        ToolCallDelta(0, '{"x":'),
        ToolCallStarted(1, "b", "g", 1),
        ToolCallDelta(1, '{"y":'),
        ToolCallDelta(0, "1}"),
        ToolCallStarted(2, "c", "h", 2),
        ToolCallDelta(1, "2}"),
        ToolCallDelta(2, "{}"),
    ]
    calls = (ToolCall("a", "f", {"x": 1}), ToolCall("b", "g", {"y": 2}), ToolCall("c", "h"))
    message = Message(Role.ASSISTANT, calls, finish_reason=FinishReason.TOOL_CALLS)
    found = written("messages", *events, StreamComplete(message))
    records = [json.loads(line[6:]) for line in found.splitlines() if line.startswith(b"data: ")]
    open_block = None
    for record in records:  # one block after the other, as clients expect
        match record["type"]:
            case "content_block_start":
                assert open_block is None
                open_block = record["index"]
            case "content_block_delta":
                assert record["index"] == open_block
            case "content_block_stop":
                open_block = None
    assert calls_of(read("messages", found)) == [("a", "f", {"x": 1}), ("b", "g", {"y": 2}), ("c", "h", {})]


def test_a_second_call_is_sent_at_once_when_the_first_is_complete() -> None:
    translator = AnswerTranslator("messages", HEAD)
    translator.write(ToolCallStarted(0, "a", "f", 0))
    translator.write(ToolCallDelta(0, "{}"))
    assert b'"id":"b"' in translator.write(ToolCallStarted(1, "b", "g", 1))


@pytest.mark.parametrize(
    ("reason", "refusal", "chat", "messages"),
    [
        (FinishReason.STOP, None, "stop", "end_turn"),
        (FinishReason.LENGTH, None, "length", "max_tokens"),
        (FinishReason.CONTENT_FILTER, None, "content_filter", "refusal"),
        (FinishReason.REFUSAL, None, "content_filter", "refusal"),
        (FinishReason.REFUSAL, "No.", "stop", "refusal"),
        (FinishReason.STOP, "No.", "stop", "refusal"),
        (FinishReason.TOOL_CALLS, "No.", "tool_calls", "tool_use"),
        (FinishReason.PAUSE, None, "length", "pause_turn"),
    ],
)
def test_finish_reasons(reason: FinishReason, refusal: str | None, chat: str, messages: str) -> None:
    parts = () if refusal is None else (RefusalPart(refusal),)
    message = Message(Role.ASSISTANT, parts, finish_reason=reason)
    assert json.loads(write_answer("chat", message, HEAD).body)["choices"][0]["finish_reason"] == chat
    assert json.loads(write_answer("messages", message, HEAD).body)["stop_reason"] == messages
    lost = [each.what for each in write_answer("chat", message, HEAD).left_out]
    assert lost == (["finish_reason: pause"] if reason is FinishReason.PAUSE else [])


def test_a_pause_with_calls_to_answer_is_tool_calls_for_openai() -> None:
    message = Message(Role.ASSISTANT, (ToolCall("a", "f"),), finish_reason=FinishReason.PAUSE)
    body = json.loads(write_answer("chat", message, HEAD).body)
    assert body["choices"][0]["finish_reason"] == "tool_calls"
    assert body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_a_blank_call_that_was_cut_is_not_made_whole_by_the_word_for_the_end() -> None:
    parts = (RefusalPart("No."), InvalidToolCall("a", "f", "", "cut"))
    message = Message(Role.ASSISTANT, parts, finish_reason=FinishReason.REFUSAL)
    found = read("chat", written("chat", *replay(message), StreamComplete(message)))
    assert (found.tool_calls, len(found.invalid_tool_calls)) == ((), 1)


@pytest.mark.parametrize("blank", ["", " "])
def test_blank_arguments_are_an_object_for_openai(blank: str) -> None:
    call = ToolCall("a", "f", raw_arguments=blank)
    message = Message(Role.ASSISTANT, (call,), finish_reason=FinishReason.TOOL_CALLS)
    found = read("chat", written("chat", *replay(message), StreamComplete(message)))
    assert found.tool_calls[0].raw_arguments == f"{blank}{{}}"
    body = json.loads(write_answer("chat", message, HEAD).body)
    assert body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_a_stream_reports_its_usage_where_the_request_asked_for_it() -> None:
    message = Message(Role.ASSISTANT, "Hi", finish_reason=FinishReason.STOP, usage=Usage(extra={"queue": 1}))
    asked = read_request("chat", {"messages": [{"role": "user", "content": "x"}]}, provider("anthropic"))
    quiet = AnswerTranslator("chat", asked.head("id-1"))
    assert b"usage" not in quiet.write(StreamComplete(message))
    assert [each.what for each in quiet.left_out] == ["usage: queue"]
    assert asked.head("id-1").model == "unknown"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RateLimitError("HTTP 429: Slow.", status=429, provider_message="Slow."), 429),
        (InternalServerError("HTTP 529", status=529, error_type="overloaded_error"), 529),
        (BadRequestError("an error inside the answer", status=200), 502),
        (InvalidRequestError("temperature: no"), 400),
        (APITimeoutError("nothing arrived"), 504),
        (APIConnectionError("it was lost"), 502),
        (RemoteProtocolError("malformed"), 500),
    ],
)
@pytest.mark.parametrize("api", READERS)
def test_an_error_is_written_with_its_status_and_read_as_the_same(
    api: str, error: ProviderError, status: int
) -> None:
    found = write_error(api, error)
    assert found.status == status
    again = Provider(config(READERS[api])).dialect.parse_error(status, (), found.body.decode())
    assert again.provider_message == (error.provider_message or error.message)
    if error.error_type is not None:
        assert again.error_type == error.error_type


def test_a_family_registers_its_half() -> None:
    class Writer(StreamWriter):
        """Says everything, as text."""

        SAYS = frozenset((TextPart,))
        FINISH_REASONS = {FinishReason.STOP: "done"}  # noqa: RUF012 - as short as it can be

        def _begin(self) -> bytes:
            return b"<"

        def _delta(self, event: StreamEvent) -> bytes:
            return getattr(event, "text", "").encode()

        def _finish(self, message: Message) -> bytes:
            return b">"

        def _fail(self, error: ProviderError) -> bytes:
            return b"!"

    class Half(Serving):
        """The half of a made-up wire."""

        def read_request(self, body: Any, same: bool) -> WireRequest:
            messages = [Message(Role.USER, body["ask"])]
            return WireRequest(messages=messages, tools=[], options={}, model=None, stream=True)

        def writer(self, head: AnswerHead) -> StreamWriter:
            return Writer(head)

        def whole(self, head: AnswerHead, message: Message) -> Any:
            return {"say": message.text}

        def error(self, status: int, error: ProviderError) -> Any:
            return {"fault": status}

    register_serving("angles", Half())
    assert isinstance(serving_of("angles"), Half)
    translated = translate_request("angles", b'{"ask": "Hello"}', provider("openai"), model="other")
    assert translated.prepared.body["messages"] == [{"role": "user", "content": "Hello"}]
    assert translated.prepared.body["model"] == "other"
    message = Message(Role.ASSISTANT, "Hi", finish_reason=FinishReason.STOP)
    assert written("angles", *replay(message), StreamComplete(message)) == b"<Hi>"
    assert write_answer("angles", message, HEAD).body == b'{"say":"Hi"}'
    assert write_error("angles", InvalidRequestError("no")).body == b'{"fault":400}'


@pytest.mark.parametrize("name", ["", "a/b", "chat"])
def test_a_name_that_cannot_be_registered_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="api"):
        register_serving(name, serving_of("chat"))


def test_an_unknown_family_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="use one of chat, messages"):
        serving_of("nope")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"a":', b"\xff"])
@pytest.mark.parametrize("api", READERS)
def test_a_body_that_is_no_object_is_an_invalid_request(api: str, body: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="the request's body"):
        read_request(api, body, provider("openai"))


@pytest.mark.parametrize("part", [AudioPart(data=b"wav"), UnknownPart("x", {"type": "x"})])
def test_other_parts_of_an_answer_are_reported(part: Part) -> None:
    message = Message(Role.ASSISTANT, (part,), finish_reason=FinishReason.STOP)
    for api in READERS:
        assert [each.what for each in write_answer(api, message, HEAD).left_out] == [type(part).__name__]
