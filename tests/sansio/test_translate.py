"""One family's bytes as another's: what is said arrives, what cannot travel is reported."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AudioPart,
    BadRequestError,
    Citation,
    ConfigError,
    ContentDelta,
    FinishReason,
    ImagePart,
    InternalServerError,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Part,
    PartComplete,
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
from sansio.families.chat.serving import annotation
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
from tests.sansio.testing.asking import assert_lines, chunks
from tests.sansio.wires import config
from tests.support import for_all
from tests.wire_types import assert_fits, events_of, needs_types

HEAD = AnswerHead(model="mine", response_id="id-1", created=7)
READERS = {"chat": "vllm", "messages": "anthropic", "responses": "openai/responses"}
"""Who reads each family's bytes again: a type that knows `reasoning_content`."""
SOURCES = {"chat": "openai", "messages": "anthropic", "responses": "openai/responses"}
PAIRS = [(SOURCES[source], api) for source in SOURCES for api in READERS if source != api]
FEWER = settings(max_examples=settings().max_examples // 4)
"""A stream is read three times here, by two families, and there are six pairs."""
SAID = (TextPart, ReasoningPart, RefusalPart, ToolCall, InvalidToolCall)


def provider(type: str) -> Provider:
    return Provider(config(type))


def read(api: str, data: bytes) -> Message:
    """What a client of that family reads."""
    assert_lines(data)
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
    source = "openai" if api != "chat" else "anthropic"
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
    TextPart("They say.", (Citation("https://e/", "E", "They", 0, 4, {"type": "x"}), Citation(None, "Book"))),
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
    usage=Usage(
        input_tokens=9,
        output_tokens=5,
        cached_tokens=2,
        cache_write_tokens=3,
        reasoning_tokens=1,
        cost=0.5,
        extra={"queue": 1},
    ),
    extra={"service_tier": "x"},
)


@pytest.mark.parametrize("api", READERS)
def test_what_cannot_travel_is_reported_with_its_place(api: str) -> None:
    translator = AnswerTranslator(api, HEAD)
    for event in [*replay(MESSAGE), StreamComplete(MESSAGE)]:
        translator.write(event)
    assert all(each.why for each in translator.left_out)
    lost = [(each.what, each.part) for each in translator.left_out]
    assert lost == [
        ("extra: signature", 0),
        ("citations", 2),
        ("citations: type", 2),
        *([("citations: quote", 2)] if api == "responses" else []),
        ("ServerToolPart", 3),
        ("ImagePart", 7),
        ("extra: service_tier", None),
        ("usage: queue, cost", None),
    ]
    whole = [(each.what, each.part) for each in write_answer(api, MESSAGE, HEAD).left_out]
    # Anthropic's whole answers cannot say that a call was cut, and a call that seems whole would be run.
    assert whole == ([*lost, ("InvalidToolCall", 6)] if api == "messages" else lost)
    assert (b"cut" in write_answer(api, MESSAGE, HEAD).body) == (api != "messages")


@pytest.mark.parametrize("api", ["messages", "responses"])
def test_a_custom_call_that_was_cut_is_cut_on_the_other_side_too(api: str) -> None:
    call = InvalidToolCall("b", "shell", "rm -rf /ho", "cut", kind="custom")
    message = Message(Role.ASSISTANT, (call, TextPart("Oh.")), finish_reason=FinishReason.LENGTH)
    found = read(api, written(api, *replay(message), StreamComplete(message)))
    assert found.tool_calls == ()
    raw = '{"input":"rm -rf /ho' if api == "messages" else "rm -rf /ho"
    assert found.invalid_tool_calls[0].raw_arguments == raw


@needs_types
def test_what_is_written_has_the_fields_of_the_official_types() -> None:
    chat = "openai-chat-embeddings-batch"
    whole = {api: json.loads(write_answer(api, MESSAGE, HEAD).body) for api in READERS}
    (choice,) = whole["chat"]["choices"]
    for file, name, record in (
        (chat, "ChatCompletion", whole["chat"]),
        (chat, "Choice", choice),
        (chat, "ChatCompletionMessage", choice["message"]),
        ("anthropic-ga", "Message", whole["messages"]),
        ("openai-responses", "Response", whole["responses"]),
    ):
        assert_fits(file, name, record)
    assert whole["messages"]["type"] == "message"
    for chunk in chunks((written("chat", *replay(MESSAGE), StreamComplete(MESSAGE)),)):
        assert_fits(chat, "ChatCompletionChunk", chunk)
    known = events_of("openai-responses")
    for event in chunks((written("responses", *replay(MESSAGE), StreamComplete(MESSAGE)),)):
        needed = {field for field, type in known[event["type"]].items() if not type.startswith("?")}
        assert needed <= event.keys(), event["type"]


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
    assert (cited.quote, cited.start, cited.end) == {
        "chat": ("They", 4, 8),  # in the whole text, and not in its part of it
        "messages": ("They", None, None),
        "responses": (None, 0, 4),
    }[api]
    assert (whole.usage.cache_write_tokens, whole.usage.output_tokens) == (3, 5)


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
    ("reason", "refusal", "chat", "messages", "responses"),
    [
        (FinishReason.STOP, None, "stop", "end_turn", "completed"),
        (FinishReason.LENGTH, None, "length", "max_tokens", "max_output_tokens"),
        (FinishReason.CONTENT_FILTER, None, "content_filter", "refusal", "content_filter"),
        (FinishReason.REFUSAL, None, "content_filter", "refusal", "content_filter"),
        (FinishReason.REFUSAL, "No.", "stop", "refusal", "completed"),
        (FinishReason.STOP, "No.", "stop", "refusal", "completed"),
        (FinishReason.TOOL_CALLS, "No.", "tool_calls", "tool_use", "completed"),
        (FinishReason.PAUSE, None, "length", "pause_turn", "max_output_tokens"),
    ],
)
def test_finish_reasons(
    reason: FinishReason, refusal: str | None, chat: str, messages: str, responses: str
) -> None:
    parts = () if refusal is None else (RefusalPart(refusal),)
    message = Message(Role.ASSISTANT, parts, finish_reason=reason)
    assert json.loads(write_answer("chat", message, HEAD).body)["choices"][0]["finish_reason"] == chat
    assert json.loads(write_answer("messages", message, HEAD).body)["stop_reason"] == messages
    response = json.loads(write_answer("responses", message, HEAD).body)
    assert response["status"] == ("completed" if responses == "completed" else "incomplete")
    assert responses == (response["incomplete_details"] or {"reason": "completed"})["reason"]
    lost = [each.what for each in write_answer("chat", message, HEAD).left_out]
    assert lost == (["finish_reason: pause"] if reason is FinishReason.PAUSE else [])
    assert lost == [each.what for each in write_answer("responses", message, HEAD).left_out]


def test_a_pause_with_calls_to_answer_is_tool_calls_for_openai() -> None:
    message = Message(Role.ASSISTANT, (ToolCall("a", "f"),), finish_reason=FinishReason.PAUSE)
    body = json.loads(write_answer("chat", message, HEAD).body)
    assert body["choices"][0]["finish_reason"] == "tool_calls"
    assert body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == "{}"
    response = json.loads(write_answer("responses", message, HEAD).body)
    assert (response["status"], response["output"][0]["arguments"]) == ("completed", "{}")


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_blank_call_that_was_cut_is_not_made_whole_by_the_word_for_the_end(api: str) -> None:
    parts = (RefusalPart("No."), InvalidToolCall("a", "f", "", "cut"))
    message = Message(Role.ASSISTANT, parts, finish_reason=FinishReason.REFUSAL)
    found = read(api, written(api, *replay(message), StreamComplete(message)))
    assert (found.tool_calls, len(found.invalid_tool_calls)) == ((), 1)


@pytest.mark.parametrize("blank", ["", " "])
def test_blank_arguments_are_an_object_for_openai(blank: str) -> None:
    call = ToolCall("a", "f", raw_arguments=blank)
    message = Message(Role.ASSISTANT, (call,), finish_reason=FinishReason.TOOL_CALLS)
    found = read("chat", written("chat", *replay(message), StreamComplete(message)))
    assert found.tool_calls[0].raw_arguments == f"{blank}{{}}"
    body = json.loads(write_answer("chat", message, HEAD).body)
    assert body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == "{}"
    stream = written("responses", *replay(message), StreamComplete(message))
    assert read("responses", stream).tool_calls[0].arguments == {}
    response = json.loads(write_answer("responses", message, HEAD).body)
    assert json.loads(response["output"][0]["arguments"]) == {}


def test_a_stream_reports_its_usage_where_the_request_asked_for_it() -> None:
    message = Message(Role.ASSISTANT, "Hi", finish_reason=FinishReason.STOP, usage=Usage(extra={"queue": 1}))
    asked = read_request("chat", {"messages": [{"role": "user", "content": "x"}]}, provider("anthropic"))
    quiet = AnswerTranslator("chat", asked.head("id-1"))
    assert b"usage" not in quiet.write(StreamComplete(message))
    assert [each.what for each in quiet.left_out] == ["usage: queue"]
    assert asked.head("id-1").model == "unknown"


@for_all(
    (
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
    ),
    ("api", READERS),
)
def test_an_error_is_written_with_its_status_and_read_as_the_same(
    api: str, error: ProviderError, status: int
) -> None:
    found = write_error(api, error)
    assert found.status == status
    again = Provider(config(READERS[api])).dialect.parse_error(status, (), found.body.decode())
    assert again.provider_message == (error.provider_message or error.message)
    if error.error_type is not None:
        assert again.error_type == error.error_type


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (418, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_an_error_has_anthropic_s_word_for_its_status(status: int, word: str) -> None:
    error = APIStatusError("no", status=status, provider_message="no")
    assert json.loads(write_error("messages", error).body)["error"] == {"type": word, "message": "no"}


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
    with pytest.raises(ConfigError, match="use one of chat, messages, responses"):
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


def test_citations_of_a_text_that_has_ended_are_reported_where_a_block_cannot_go_on() -> None:
    cited = TextPart("So.", (Citation("https://e/", "E", None, 0, 2),))
    message = Message(Role.ASSISTANT, (cited, ToolCall("a", "f")), finish_reason=FinishReason.TOOL_CALLS)
    said: Sequence[StreamEvent] = [
        ContentDelta("So.", 0),
        ToolCallStarted(0, "a", "f", 1),
        ToolCallDelta(0, "{}"),
        PartComplete(0, cited),
        StreamComplete(message),
    ]
    for api, lost in (("messages", ["citations"]), ("chat", []), ("responses", [])):
        translator = AnswerTranslator(api, HEAD)
        found = read(api, b"".join(map(translator.write, said)))
        assert [each.what for each in translator.left_out] == lost
        assert len(found.citations) == 1 - len(lost)


def test_items_of_a_response_are_open_at_the_same_time_and_nothing_waits() -> None:
    said: Sequence[StreamEvent] = [
        ContentDelta("One ", 0),
        ToolCallStarted(0, "a", "f", 1),
        ToolCallStarted(1, "b", "g", 2),
        ToolCallDelta(0, '{"x":'),
        ContentDelta("two.", 0),
        ToolCallDelta(1, "{}"),
        ToolCallDelta(0, "1}"),
    ]
    calls = (ToolCall("a", "f", {"x": 1}), ToolCall("b", "g"))
    message = Message(Role.ASSISTANT, (TextPart("One two."), *calls), finish_reason=FinishReason.TOOL_CALLS)
    translator = AnswerTranslator("responses", HEAD)
    pieces = [translator.write(event) for event in [*said, StreamComplete(message)]]
    assert all(b".delta" in piece for piece in pieces if piece not in (pieces[1], pieces[2], pieces[-1]))
    records = [json.loads(line[6:]) for line in b"".join(pieces).splitlines() if line.startswith(b"data: ")]
    assert [record["sequence_number"] for record in records] == [*range(len(records))]
    added = [record["item"]["id"] for record in records if record["type"].endswith("item.added")]
    done = [record["item"] for record in records if record["type"].endswith("item.done")]
    assert added == [item["id"] for item in done] == ["msg_id-1_0", "fc_id-1_1", "fc_id-1_2"]
    assert records[-1]["response"]["output"] == done
    found = read("responses", b"".join(pieces))
    assert (found.text, calls_of(found)) == ("One two.", [("a", "f", {"x": 1}), ("b", "g", {})])


ACTION: dict[str, Any] = {"type": "exec", "commands": ["ls"]}


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (ToolCall("a", "shell", ACTION, kind="shell"), ToolCall("a", "shell", ACTION, kind="shell")),
        (InvalidToolCall("a", "shell", '{"ty', "cut", kind="shell"), None),
    ],
)
def test_a_built_in_call_of_responses_is_one_for_its_client(call: Part, wanted: ToolCall | None) -> None:
    reason = FinishReason.LENGTH if wanted is None else FinishReason.TOOL_CALLS
    message = Message(Role.ASSISTANT, (call,), finish_reason=reason)
    stream = read("responses", written("responses", *replay(message), StreamComplete(message)))
    body = json.loads(write_answer("responses", message, HEAD).body)
    whole = Provider(config("openai/responses")).dialect.parse_response(body)
    for found in (stream, whole):
        given = [msgspec.structs.replace(each, raw_arguments=None, extra={}) for each in found.tool_calls]
        assert given == ([] if wanted is None else [wanted])
        assert len(found.invalid_tool_calls) == (wanted is None)


@pytest.mark.parametrize("api", READERS)
def test_a_call_without_a_name_is_reported_and_not_written(api: str) -> None:
    call = InvalidToolCall("a", "", "{}", "it has no name")
    message = Message(Role.ASSISTANT, (TextPart("Hm."), call), finish_reason=FinishReason.STOP)
    translator = AnswerTranslator(api, HEAD)
    found = read(api, b"".join(map(translator.write, [*replay(message), StreamComplete(message)])))
    assert (found.text, found.all_tool_calls) == ("Hm.", ())
    assert ("InvalidToolCall", 1) in [(each.what, each.part) for each in translator.left_out]
    whole = write_answer(api, message, HEAD)
    assert [(each.what, each.part) for each in whole.left_out] == [("InvalidToolCall", 1)]
    assert Provider(config(READERS[api])).dialect.parse_response(json.loads(whole.body)).all_tool_calls == ()


@pytest.mark.parametrize("text", ["", "So."])
def test_a_text_that_cites_is_written_once_and_one_that_says_nothing_not_at_all(text: str) -> None:
    part = TextPart(text, (Citation(None, "A book"),))
    message = Message(Role.ASSISTANT, (part,), finish_reason=FinishReason.STOP)
    found = read("responses", written("responses", *replay(message), StreamComplete(message)))
    assert (found.text, found.citations) == (text, ())
    assert len(json.loads(write_answer("responses", message, HEAD).body)["output"]) == bool(text)


def test_a_citation_is_an_annotation_of_its_type_with_its_fields_inside() -> None:
    cited = Citation("https://e/", "t", start=1, end=2, extra={"type": "url_citation", "new": 1})
    assert annotation(cited) == {
        "type": "url_citation",
        "url_citation": {"url": "https://e/", "title": "t", "start_index": 1, "end_index": 2, "new": 1},
    }
