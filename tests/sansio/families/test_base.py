"""What all dialects share: config, errors, signature, framing, and a reader for one answer."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIStatusError,
    AudioPart,
    AWSFramer,
    BadRequestError,
    Body,
    Call,
    ChatDialect,
    ConfigError,
    ContentDelta,
    Dialect,
    DocumentPart,
    End,
    FinishReason,
    Framer,
    Head,
    ImagePart,
    InternalServerError,
    InvalidRequestError,
    InvalidToolCall,
    JSONObject,
    Limits,
    Message,
    NDJSONFramer,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    RemoteProtocolError,
    Request,
    RetrySchedule,
    Role,
    ServerToolPart,
    SSEFramer,
    StreamComplete,
    StreamParser,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.providers import dialect_for, dialect_named
from sansio.testing import Answer, Broken, Failure, encode_stream
from tests.sansio.framing.frames import frames
from tests.sansio.testing.dialects.lines import LineDialect
from tests.sansio.wires import ASK, COMPATIBLE, TYPES, completion, config, failure, parse, sse
from tests.support import for_all

HEADERS = (("x-request-id", "req_1"), ("retry-after", "7"))


def inside(**error: Any) -> APIStatusError:
    """An error object in a 200, as OpenAI's dialect reads it."""
    found = dialect_named("openai").error_in({"error": error})
    assert found is not None
    return found


# A dialect with a config, and one without.


@pytest.mark.parametrize("kind", TYPES)
def test_a_dialect_without_a_config_reads_answers_and_builds_nothing(kind: str) -> None:
    dialect = dialect_named(kind)
    assert dialect.origin == ("anthropic/messages" if kind == "anthropic" else f"{kind}/chat")
    assert dialect.open_stream().progress == 0
    for build in (
        lambda: dialect.config,
        dialect.build_endpoint,
        dialect.build_headers,
        lambda: dialect.build_request_body(ASK, (), False),
        lambda: dialect.authorize(Request.post("http://h", (), b""), "key"),
        lambda: dialect.with_model("m"),
    ):
        with pytest.raises(ConfigError, match=f"{dialect.origin}: .*ProviderConfig"):
            build()


def test_limits_are_the_configs_if_there_is_one() -> None:
    assert dialect_named("openai", Limits(max_json_depth=5)).limits.max_json_depth == 5
    bound = dialect_for(config("openai", limits={"max_json_depth": 6}))
    assert bound.limits.max_json_depth == 6


@pytest.mark.parametrize("kind", TYPES)
def test_the_same_dialect_for_another_model_names_it_everywhere(kind: str) -> None:
    dialect = dialect_for(config(kind))
    other = dialect.with_model("other-model")
    assert type(other) is type(dialect)
    assert other.config.model == "other-model"
    assert dialect.config.model == "some-model"
    assert other.build_request_body(ASK, (), False)["model"] == "other-model"
    assert ("other-model" in other.build_endpoint()) is (kind == "azure")


# Signing.


@pytest.mark.parametrize(
    ("method", "header"),
    [
        ("bearer", ("authorization", "Bearer key")),
        ("api-key", ("api-key", "key")),
        ("x-api-key", ("x-api-key", "key")),
    ],
)
def test_a_request_is_signed_with_the_header_of_its_auth_method(method: str, header: tuple[str, str]) -> None:
    request = Request.post("https://h", (), b"x")
    signed = dialect_for(config("openai", auth_method=method)).authorize(request, "key", now=5.0)
    assert signed.headers == (*request.headers, header)
    assert (signed.url, signed.body) == (request.url, request.body)


def test_no_auth_method_means_no_header_whatever_the_key() -> None:
    request = Request.post("https://h", (), b"x")
    dialect = dialect_for(config("openai", auth_method="none"))
    assert dialect.authorize(request, "key") == dialect.authorize(request, None) == request


def test_a_dialect_that_signs_in_its_own_way_can_check_the_key_as_others_do() -> None:
    assert Dialect.usable_key("key") == "key"
    for key in (None, "", "a\nb"):
        with pytest.raises(ConfigError) as caught:
            Dialect.usable_key(key)
        assert caught.value.field == "api_key_env"


# Framing.


@pytest.mark.parametrize("kind", ["ollama", "anthropic"])
@pytest.mark.parametrize(
    ("content_type", "framer"),
    [
        ("text/event-stream", SSEFramer),
        ("", SSEFramer),
        ("application/octet-stream", SSEFramer),
        ("application/x-ndjson", NDJSONFramer),
        ("application/jsonl", NDJSONFramer),
        ("application/x-jsonl", NDJSONFramer),
    ],
)
def test_the_framing_goes_by_the_content_type(kind: str, content_type: str, framer: type) -> None:
    assert type(dialect_named(kind).framer(content_type)) is framer


@pytest.mark.parametrize("content_type", ["application/x-ndjson", " Application/X-NDJSON ; charset=utf-8"])
def test_a_stream_of_json_lines_is_read_by_its_content_type(content_type: str) -> None:
    parser = StreamParser("ollama", content_type=content_type)
    chunk = {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    events = parser.receive_data(json.dumps(chunk).encode() + b"\n") + parser.receive_eof()
    assert events[0] == ContentDelta("Hi")
    assert isinstance(events[-1], StreamComplete)


class Binary(ChatDialect):
    """A dialect with its own framer."""

    TYPE = "mine"

    def framer(self, content_type: str) -> Framer:
        return AWSFramer(self.limits.max_event_bytes)


def test_a_dialect_may_bring_its_own_framer() -> None:
    error = failure(StreamParser(Binary()).receive_data(sse({"not": "binary"})))
    assert error.offset == 0


# Whole answers.


class Whole(ChatDialect):
    """A dialect that overrides `parse_response` and nothing else."""

    TYPE = "openai"

    def parse_response(self, data: JSONObject) -> Message:
        return Message(Role.ASSISTANT, str(data["answer"]), finish_reason=FinishReason.STOP)


@pytest.mark.parametrize("stream", [True, False])
def test_parse_response_overridden_alone_is_obeyed_whatever_was_asked_for(stream: bool) -> None:
    request = Request.post("https://h", (), b"{}")
    call = Call(Whole(config("openai")), request, stream=stream, schedule=RetrySchedule(), random=lambda: 0.0)
    call.next_step()
    events = call.receive(Head(200, (("content-type", "application/json"),)))
    for value in (Body(b'{"answer": "mine"}'), End()):
        events += call.receive(value)
    assert call.result().text == "mine"
    assert events[:-1] == ([ContentDelta("mine")] if stream else [])


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_an_answer_says_what_gave_it(kind: str) -> None:
    assert dialect_named(kind).parse_response(completion({"content": "Hi"})).origin == f"{kind}/chat"


# Errors.


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_an_error_body_is_read_for_its_type_message_and_id(kind: str) -> None:
    body = json.dumps({"error": {"message": "No such model", "type": "invalid_request_error", "code": "x"}})
    error = dialect_named(kind).parse_error(400, HEADERS, body)
    assert isinstance(error, BadRequestError)
    assert (error.status, error.error_type, error.provider_message) == (
        400,
        "invalid_request_error",
        "No such model",
    )
    assert (error.request_id, error.retry_after) == ("req_1", 7.0)
    assert "HTTP 400, invalid_request_error: No such model" in str(error)


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_an_error_may_be_in_an_array_as_google_sends_it(kind: str) -> None:
    body = json.dumps([{"error": {"message": "Slow down", "code": 429}}], indent=2) + "\n"
    error = dialect_named(kind).parse_error(429, (), body)
    assert (error.status, error.provider_message) == (429, "Slow down")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "HTTP 502 with an empty body"),
        ("<html>\n <h1>Bad  gateway</h1>", "HTTP 502: <html> <h1>Bad gateway</h1>"),
        ('{"said": "Not Found"}', 'HTTP 502: {"said": "Not Found"}'),
        ('{"object": "error", "message": {"detail": "odd"}}', 'HTTP 502: {"object"'),
        ('{"error": ""}', "HTTP 502: the provider gave no message"),
        ('{"error": {}}', "HTTP 502: the provider gave no message"),
        ('{"error": "upstream"}', "HTTP 502: upstream"),
        ("[" * 10_000, "HTTP 502: [[["),
    ],
)
def test_an_error_body_of_any_form_is_quoted(body: str, words: str) -> None:
    error = dialect_named("openai").parse_error(502, (), body)
    assert isinstance(error, InternalServerError)
    assert str(error).startswith(words)
    assert len(str(error)) < 700


def test_an_excerpt_of_a_plain_body_is_500_characters_of_its_first_2000() -> None:
    parse_error = dialect_named("openai").parse_error
    assert parse_error(500, (), "y" * 501).provider_message == "y" * 500
    assert parse_error(500, (), " " * 1_999 + "yz").provider_message == "y"


@given(
    st.integers(300, 999),
    st.text(max_size=60) | st.sampled_from(['{"error":[]}', '{"error":{"code":1e999}}']),
)
def test_any_error_body_is_an_error_with_that_status(status: int, body: str) -> None:
    error = dialect_named("openai").parse_error(status, (), body)
    assert error.status == status
    assert str(status) in str(error)


def test_an_error_body_is_read_as_deep_as_the_limits_allow() -> None:
    body = json.dumps({"error": {"message": "no", "detail": [[[]]]}})
    for depth, message in ((5, "no"), (4, body)):
        dialect = dialect_named("openai", Limits(max_json_depth=depth))
        assert dialect.parse_error(500, (), body).provider_message == message


@pytest.mark.parametrize(("advice", "heard"), [("true", True), ("false", False), ("maybe", None)])
def test_the_providers_advice_on_retries_is_kept(advice: str, heard: bool | None) -> None:
    assert dialect_named("openai").parse_error(500, (("x-should-retry", advice),), "").should_retry is heard


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (399, 200), (400, 400), (599, 599), (600, 200), ("429", 429), ("0429", 200), ("foo", 200),
        ("٤٢٩", 200), ("²²²", 200), (True, 200), (4.5, 200), (None, 200), ("rate_limit_exceeded", 429),
    ],
)  # fmt: skip
def test_a_code_is_the_status_it_amounts_to_if_it_is_one(code: object, status: int) -> None:
    assert inside(code=code, message="no").status == status


def test_a_status_code_goes_before_a_code_and_a_code_before_a_type() -> None:
    assert inside(status_code=503, code=429, type="not_found_error").status == 503
    assert inside(code=429, type="not_found_error").status == 429
    assert inside(code="unheard_of", type="not_found_error").status == 404


def test_an_error_text_has_its_code_beside_it_as_xai_sends_it() -> None:
    error = dialect_named("openai").error_in({"error": "slow down", "code": "429"})
    assert error is not None
    assert (error.status, error.provider_message) == (429, "slow down")


@pytest.mark.parametrize(
    ("error", "name"),
    [
        ({"code": 404}, None),
        ({"code": "model_not_found"}, "model_not_found"),
        ({"type": "not_found_error", "code": "model_not_found"}, "not_found_error"),
        ({"type": "", "code": "x"}, "x"),
        ({"type": 7}, "7"),
    ],
)
def test_an_error_is_named_by_its_type_or_else_by_a_code_that_is_text(
    error: dict[str, Any], name: str | None
) -> None:
    assert inside(message="no", **error).error_type == name


@pytest.mark.parametrize(("message", "said"), [(5, "5"), ("no", "no"), ("", None), ([], None), (None, None)])
def test_a_message_is_text_or_a_number(message: object, said: str | None) -> None:
    assert inside(message=message).provider_message == (said or "the provider gave no message")


FLAT: JSONObject = {"object": "error", "message": "slow down", "code": 429}


def test_only_the_families_that_have_flat_errors_know_them() -> None:
    assert Dialect.error_in(dialect_named("anthropic"), FLAT) is None
    assert dialect_named("anthropic").error_in(FLAT) is None
    assert dialect_named("vllm").error_in(FLAT) is not None


def test_the_names_of_events_are_passed_to_those_that_go_by_them() -> None:
    names = {dialect_named("openai"): "a", dialect_named("anthropic"): "", LineDialect(): ""}
    for dialect, name in names.items():
        found = frames(Dialect.framer(dialect, "text/event-stream"), [b"event: a\ndata: {}\n\n"])
        assert found == [(b"{}", name, 0)], dialect.origin


# Request ids.


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "apim-request-id", "X-Generation-Id"])
def test_a_request_id_may_be_under_each_of_these_names(name: str) -> None:
    assert dialect_named("openai").request_id(((name, "req_1"),)) == "req_1"


def test_the_first_request_id_that_is_not_blank_counts() -> None:
    headers = (("x-generation-id", "d"), ("apim-request-id", "c"), ("request-id", "b"), ("x-request-id", ""))
    for skipped in range(3):
        assert dialect_named("openai").request_id(headers[: 3 - skipped]) == "bcd"[skipped]
    assert dialect_named("openai").request_id(headers) == "b"
    assert dialect_named("openai").request_id(()) is None


def test_a_request_id_in_the_body_counts_if_no_header_has_one() -> None:
    body = json.dumps({"error": {"message": "no"}, "request_id": "req_body"})
    assert dialect_named("anthropic").parse_error(400, (), body).request_id == "req_body"
    headers = (("apim-request-id", "req_head"),)
    assert dialect_named("azure").parse_error(400, headers, body).request_id == "req_head"


@pytest.mark.parametrize(
    ("said", "reason"),
    [(None, None), ("", None), ("stop", FinishReason.STOP), ("unheard_of", FinishReason.OTHER)],
)
def test_nothing_said_is_no_finish_reason_and_an_unknown_word_is_another(
    said: str | None, reason: FinishReason | None
) -> None:
    assert dialect_named("openai").finish_reason(said) is reason


# Streams of one family read by another's reader: an error, never an empty answer.

FOREIGN = {
    "anthropic": (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","content":[]}}\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"Hi"}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    ),
    "openai": sse({"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]})
    + b"data: [DONE]\n\n",
    "responses": (
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"Hi"}\n\n'
        b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"r"}}\n\n'
    ),
}


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n"])
@pytest.mark.parametrize("reader", ["openai", "anthropic"])
@pytest.mark.parametrize("family", FOREIGN)
def test_a_stream_of_another_family_is_an_error_and_no_empty_answer(
    family: str, reader: str, end: bytes
) -> None:
    if family == reader:
        return
    error = failure(parse(reader, [FOREIGN[family] + end]))
    assert error.partial is not None
    assert error.partial.parts == ()


class Advising(ChatDialect):
    """A provider that gives the time to wait in the error's body, as Google does."""

    TYPE = "advising"

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> APIStatusError:
        return super().build_error(error, status, data).with_context(retry_after=39.0)


@pytest.mark.parametrize(("headers", "asked"), [((), 39.0), ((("retry-after", "7"),), 7.0)])
def test_a_wait_that_the_body_asks_for_counts_where_no_header_asks(
    headers: tuple[tuple[str, str], ...], asked: float
) -> None:
    error = Advising().parse_error(429, headers, '{"error": {"message": "slow down"}}')
    assert error.retry_after == asked


def write_text(part: Part) -> JSONObject | None:
    return {"t": part.text} if isinstance(part, TextPart) else None


def test_the_parts_of_a_message_are_written_one_by_one() -> None:
    dialect = dialect_named("openai")
    message = Message(Role.USER, (TextPart("a"), TextPart("b")))
    blocks = dialect.write_parts(message, 0, write_text)
    assert blocks == [{"t": "a"}, {"t": "b"}]


@pytest.mark.parametrize(
    ("part", "remedy"),
    [
        (ImagePart(url="https://example.com/a.png"), "its data"),
        (DocumentPart(file_id="f"), "its data"),
        (ImagePart(url="u"), "by url"),
        (AudioPart(file_id="f"), "by file_id"),
        (ImagePart(data=b"a"), "takes no ImagePart .*a user's message"),
        (DocumentPart(data=b"a"), "takes no DocumentPart .*TextPart"),
        (AudioPart(data=b"a"), "takes no AudioPart .*TextPart"),
        (RefusalPart("No."), "takes no RefusalPart .*TextPart"),
        (ReasoningPart("Hm."), "takes no ReasoningPart .*append the answer"),
        (ServerToolPart("own"), "takes no ServerToolPart .*TextPart"),
        (ToolCall("a", "f"), "takes no ToolCall .*an assistant's message"),
        (InvalidToolCall("a", "f", "{", "cut"), "takes no InvalidToolCall .*an assistant's message"),
        (UnknownPart("own", {}), "takes no UnknownPart here$"),
    ],
)
def test_a_part_that_the_wire_has_no_place_for_is_named_with_its_place(part: Part, remedy: str) -> None:
    message = Message(Role.USER, (TextPart("a"), part))
    with pytest.raises(InvalidRequestError, match=f"message 3, part 1: .*{remedy}") as caught:
        dialect_named("openai").write_parts(message, 3, write_text)
    assert caught.value.index == 3


def test_the_words_for_a_part_may_be_the_familys_own() -> None:
    for part in (ImagePart(url="u"), ToolCall("a", "f")):
        error = dialect_named("openai").cannot_send(part, 2, 1, "of its kind; use another")
        assert error.message.endswith("of its kind; use another")
        assert (error.index, "message 2, part 1" in error.message) == (2, True)


@pytest.mark.parametrize("kind", ["groq", "vllm/messages", "vllm/responses"])
def test_the_class_of_a_type_is_where_its_family_is(kind: str) -> None:
    found = type(dialect_named(kind))
    assert hasattr(import_module(found.__module__), found.__name__)


@for_all(("kind", TYPES), ("value", [[], [5], "no", 5, None, True, {}]))
def test_a_value_that_is_no_object_is_no_error(kind: str, value: Any) -> None:
    assert dialect_named(kind).error_in(value) is None


@pytest.mark.parametrize("kind", TYPES)
def test_a_list_that_begins_with_an_error_is_that_error(kind: str) -> None:
    error = dialect_named(kind).error_in([{"error": {"message": "slow down"}}, 5], 429)
    assert error is not None
    assert (error.status, error.provider_message) == (429, "slow down")


@for_all(
    ("kind", TYPES),
    ("body", [{"detail": "d"}, {"errors": ["d"]}, {"message": "d"}, {"detail": [{"msg": "d"}]}]),
)
def test_a_gateways_error_body_is_understood_under_every_type(kind: str, body: Any) -> None:
    error = dialect_named(kind).error_in(body, 502)
    assert error is not None
    assert error.provider_message == "d"


@pytest.mark.parametrize("kind", TYPES)
def test_more_than_one_answer_is_refused_in_extra_body_too(kind: str) -> None:
    with pytest.raises(InvalidRequestError, match="n: must be 1, not 2"):
        Provider(config(kind)).prepare(ASK, extra_body={"n": 2})
    assert Provider(config(kind)).prepare(ASK, extra_body={"n": 1}).body["n"] == 1


def test_an_answer_without_a_first_choice_is_an_error_and_not_empty() -> None:
    said = {"role": "assistant", "content": "Hi"}
    choice: Any = {"index": 1, "finish_reason": "stop", "delta": said, "message": said}
    with pytest.raises(RemoteProtocolError, match="no choice"):
        dialect_named("openai").parse_response({"choices": [choice]})
    events = parse("openai", [sse({"choices": [choice]}, "[DONE]")])
    assert not any(isinstance(event, StreamComplete) for event in events)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_most_wires_cannot_go_on_with_a_stream(kind: str) -> None:
    request = Request.post("https://localhost/v1", (), b"{}")
    assert dialect_named(kind).open_stream().resume(request) is None


def test_a_dialect_without_endpoints_says_so_for_each() -> None:
    dialect = LineDialect()
    asked = {"list_models": (), "count_tokens": ({},), "embed": (["a"],)}
    for method, arguments in asked.items():
        words = rf"^{method}: lines/lines has no endpoint .*such as \w+$"
        with pytest.raises(InvalidRequestError, match=words) as caught:
            getattr(dialect, method)(*arguments)
        other = caught.value.message.rpartition(" ")[2]  # a type that has what was asked for
        getattr(dialect_for(config(other)), method)(*arguments)


@pytest.mark.parametrize("kind", ["google", "bedrock", "cohere", "ollama/ollama"])
def test_each_frame_that_says_something_is_one_step_of_progress(kind: str) -> None:
    answer = Answer(reasoning="Let me think.", text="It is so.", tool_calls=(ToolCall("a", "f", {"b": 1}),))
    broken = Broken(answer=answer, after=2, failure=Failure(status=503, message="no"))
    for said in (answer, broken):
        parser = StreamParser(kind)
        for number, piece in enumerate(encode_stream(kind, said), 1):
            parser.receive_data(piece)
            assert parser.finished or parser.progress == number or said is broken
        parser.receive_eof()
        assert parser.progress == number - (b"[DONE]" in piece)


@pytest.mark.parametrize(
    ("kind", "name", "data"),
    [
        ("google", "", b'{"candidates":[{"content":{"parts":[{"text":"a\xff"}]},"finishReason":"STOP"}]}'),
        ("bedrock", "contentBlockDelta", b'{"delta":{"text":"a\xff"}}'),
        ("cohere", "", b'{"type":"content-delta","delta":{"message":{"content":{"text":"a\xff"}}}}'),
        ("ollama/ollama", "", b'{"message":{"content":"a\xff"},"done":false}'),
    ],
)
def test_bytes_that_are_no_utf_8_are_replaced(kind: str, name: str, data: bytes) -> None:
    reader = dialect_named(kind).open_stream()
    reader.receive(data, [], name)
    reader.receive(data, [], name)
    assert reader.message().text == "a\ufffd" * 2
    assert reader.progress == 2


@pytest.mark.parametrize("kind", [*TYPES, "google", "bedrock", "cohere", "ollama/ollama"])
def test_an_option_that_a_dialect_does_not_have_is_refused_in_its_name(kind: str) -> None:
    dialect = Provider(config(kind)).dialect
    with pytest.raises(InvalidRequestError, match=f"nope.*{dialect.origin}"):
        dialect.build_request_body(ASK, [], False, nope=1)


@pytest.mark.parametrize(
    ("kind", "api"),
    [
        ("openai", "chat"),
        ("openai/responses", "responses"),
        ("anthropic", "messages"),
        ("google", "gemini"),
        ("bedrock", "converse"),
        ("cohere", "cohere"),
        ("ollama/ollama", "ollama"),
    ],
)
def test_each_class_of_a_family_says_its_name(kind: str, api: str) -> None:
    named = {each.API for each in type(dialect_named(kind)).__mro__ if issubclass(each, Dialect)}
    assert named == {api, ""}
