"""Messages and their parts: all in `content`, checked when made, and equal after storage as JSON."""

from __future__ import annotations

import json
from typing import Any, cast, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    AudioPart,
    Citation,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    JSONObject,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.content import ReadParts

TEXT = st.text(max_size=12)
NAMES = st.none() | TEXT
COUNTS = st.integers(0, 10**7)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS: st.SearchStrategy[JSONObject] = st.dictionaries(TEXT, JSONS, max_size=3)
CITATIONS = st.builds(Citation, NAMES, NAMES, NAMES, st.none() | COUNTS, st.none() | COUNTS, OBJECTS)


def media(kind: type[Part], **fields: st.SearchStrategy[str | None]) -> st.SearchStrategy[Part]:
    """A file of each source."""
    sources: list[dict[str, Any]] = [{"data": st.binary(max_size=9)}, {"url": TEXT}, {"file_id": TEXT}]
    return st.one_of([st.builds(kind, extra=OBJECTS, **fields, **source) for source in sources])


PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(TextPart, TEXT, st.lists(CITATIONS, max_size=2).map(tuple), OBJECTS),
    st.builds(ReasoningPart, TEXT, OBJECTS),
    st.builds(RefusalPart, TEXT, OBJECTS),
    st.builds(ToolCall, TEXT, TEXT, OBJECTS, NAMES, TEXT, OBJECTS),
    st.builds(InvalidToolCall, TEXT, TEXT, TEXT, TEXT, TEXT, OBJECTS),
    st.builds(ServerToolPart, TEXT, NAMES, NAMES, JSONS, JSONS, NAMES, OBJECTS),
    media(ImagePart, detail=NAMES),
    media(AudioPart, transcript=NAMES),
    media(DocumentPart, name=NAMES),
    st.builds(UnknownPart, TEXT, OBJECTS),
)
USAGES = st.builds(
    Usage,
    input_tokens=COUNTS,
    cached_tokens=COUNTS,
    reasoning_tokens=COUNTS,
    cost=st.none() | st.floats(0, 9),
    extra=OBJECTS,
)
MESSAGES = st.builds(
    Message,
    st.sampled_from(Role),
    TEXT | st.lists(PARTS, max_size=3).map(tuple),
    NAMES,
    st.booleans(),
    st.none() | st.sampled_from(FinishReason),
    NAMES,
    st.none() | USAGES,
    NAMES,
    NAMES,
    NAMES,
    NAMES,
    OBJECTS,
)

ONE_OF_EACH: list[Part] = [
    TextPart("Hi"),
    ReasoningPart("Hm."),
    RefusalPart("No."),
    ToolCall("a", "f"),
    InvalidToolCall("b", "f", "{", "cut"),
    ServerToolPart("web_search_call"),
    ImagePart(url="https://example.com/a.png"),
    AudioPart(data=b"RIFF"),
    DocumentPart(file_id="file-1"),
    UnknownPart("new"),
]


# Storage.


@given(st.lists(MESSAGES, max_size=3))
def test_a_conversation_survives_json_storage(messages: list[Message]) -> None:
    stored = msgspec.json.encode(messages)
    assert msgspec.json.decode(stored, type=list[Message]) == messages
    assert msgspec.json.encode(msgspec.json.decode(stored, type=list[Message])) == stored


def test_fields_of_a_provider_survive_storage_in_their_order_and_to_the_digit() -> None:
    extra: JSONObject = {"z": 2**70, "a": 1e-300, "signature": "EqQB/+==", "null": None}
    message = Message(Role.ASSISTANT, (ReasoningPart("", extra),))
    back = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert isinstance(back.parts[0], ReasoningPart)
    assert json.dumps(back.parts[0].extra) == json.dumps(extra)


def test_what_is_left_at_its_default_is_not_stored() -> None:
    assert msgspec.json.encode(Message(Role.USER, "Hi")) == b'{"role":"user","content":"Hi"}'
    tags = [
        "text",
        "reasoning",
        "refusal",
        "tool_call",
        "invalid_tool_call",
        "server_tool",
        "image",
        "audio",
        "document",
        "unknown",
    ]
    stored = [json.loads(msgspec.json.encode(part)) for part in ONE_OF_EACH]
    assert [part.pop("type") for part in stored] == tags
    assert stored[0] == {"text": "Hi"}
    assert stored[3] == {"id": "a", "name": "f"}
    assert msgspec.json.encode(Usage(input_tokens=1)) == b'{"input_tokens":1}'


@pytest.mark.parametrize(
    ("stored", "field"),
    [
        ('{"role": "assistant", "content": "hi", "tool_calls": []}', "tool_calls"),
        ('{"role": "assistant", "provider_state": null}', "provider_state"),
        ('{"role": "user", "content": [{"type": "text", "text": "a", "txt": "b"}]}', r"txt.*content\[0\]"),
        ('{"role": "assistant", "usage": {"tokens": 1}}', r"tokens.*usage"),
    ],
)
def test_a_stored_field_that_is_unknown_is_refused_by_name_and_place(stored: str, field: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.json.decode(f"[{stored}]", type=list[Message])


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ('{"role": "robot"}', "robot.*role"),
        ('{"role": "user", "content": 5}', "content"),
        ('{"role": "user", "content": ["hi"]}', r"content\[0\]"),
        ('{"role": "tool", "tool_call_id": 5}', "tool_call_id"),
    ],
)
def test_a_stored_value_of_a_wrong_type_is_refused_with_its_place(stored: str, words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.json.decode(stored, type=Message)


# What a message is made of.


WRONG: Any = 5
ANY: Any = {}  # Any: values of wrong types are what is tested


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (TextPart(ANY), "text must be a str, not dict"),
        (TextPart("a", ANY), "citations must be a tuple, not dict"),
        (TextPart("a", (WRONG,)), r"citations\[0\] must be a Citation, not int"),
        (TextPart("a", (Citation(url=WRONG),)), r"citations\[0\].url must be a str, not int"),
        (TextPart("a", extra=WRONG), "extra must be a dict, not int"),
        (ReasoningPart(WRONG), "text must be a str, not int"),
        (ToolCall(WRONG, "f"), "id must be a str, not int"),
        (ToolCall("a", WRONG), "name must be a str, not int"),
        (ToolCall("a", "f", cast(Any, "{}")), "arguments must be a dict, not str"),
        (ImagePart(data=cast(Any, "b64str")), "data must be bytes, not str"),
        (ImagePart(url=WRONG), "url must be a str, not int"),
        (DocumentPart(data=cast(Any, "hello")), "data must be bytes, not str"),
        (AudioPart(file_id=WRONG), "file_id must be a str, not int"),
        (ServerToolPart("kind", id=WRONG), "id must be a str, not int"),
        (UnknownPart("kind", WRONG), "extra must be a dict, not int"),
    ],
)
def test_a_part_with_a_field_of_a_wrong_type_is_refused_when_the_message_is_made(
    part: Part, words: str
) -> None:
    with pytest.raises(TypeError, match=rf"^content\[1\].*{words}"):
        Message(Role.ASSISTANT, [TextPart("before"), part])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"extra": 5}, "^extra must be a dict, not int"),
        ({"usage": 5}, "^usage must be a Usage, not int"),
        ({"usage": Usage(input_tokens=cast(Any, "5"))}, "^usage.input_tokens must be an int, not str"),
        ({"usage": Usage(cost=cast(Any, "5"))}, "^usage.cost must be a float, not str"),
        ({"is_error": "yes"}, "^is_error must be a bool, not str"),
        ({"tool_call_id": 5}, "^tool_call_id must be a str, not int"),
        ({"model": 5}, "^model must be a str, not int"),
        ({"finish_reason": "stop"}, "^finish_reason must be a FinishReason, not str"),
    ],
)
def test_a_message_with_a_field_of_a_wrong_type_is_refused_when_it_is_made(
    fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        Message(Role.USER, "Hi", **fields)


def test_a_cost_may_be_an_int() -> None:
    assert Message(Role.USER, "Hi", usage=Usage(cost=1)).usage == Usage(cost=1.0)


@pytest.mark.parametrize("kind", [ImagePart, DocumentPart, AudioPart])
def test_a_file_has_one_source_when_its_message_is_made(kind: type[ImagePart]) -> None:
    with pytest.raises(ValueError, match=rf"^content\[0\]: {kind.__name__} needs one of data, url, file_id$"):
        Message(Role.USER, [kind()])
    with pytest.raises(ValueError, match="needs one of data, url, file_id; it has data and url"):
        Message(Role.USER, [kind(data=b"x", url="u")])
    assert Message(Role.ASSISTANT, [kind()], origin="openai/chat").parts == (kind(),)


def test_a_changed_copy_is_checked_as_a_new_message_is() -> None:
    message = Message(Role.USER, "Hi")
    with pytest.raises(TypeError, match="data must be bytes, not str"):
        msgspec.structs.replace(message, content=(ImagePart(data=cast(Any, "text")),))


@pytest.mark.parametrize("content", ["Hi", (TextPart("Hi"),), [TextPart("Hi")]])
def test_one_plain_text_is_kept_as_a_str(content: Any) -> None:
    message = Message(Role.USER, content)
    assert message == Message(Role.USER, "Hi")
    assert message.content == "Hi"
    assert message.parts == (TextPart("Hi"),)


@pytest.mark.parametrize(
    "part", [TextPart("Hi", (Citation(),)), TextPart("Hi", extra={"a": 1}), RefusalPart("Hi")]
)
def test_a_text_with_something_beside_it_stays_a_part(part: Part) -> None:
    assert Message(Role.USER, (part,)).content == (part,)


def test_no_parts_are_no_text() -> None:
    assert Message(Role.USER, ()).content == "" == Message(Role.USER).content
    assert Message(Role.USER).parts == ()
    assert Message(Role.USER, (TextPart(""),)).content == ""


def test_a_list_becomes_a_tuple_and_a_str_a_role() -> None:
    parts: Any = ONE_OF_EACH
    role: Any = "assistant"
    message = Message(role, parts)
    assert message.role is Role.ASSISTANT
    assert message.content == tuple(ONE_OF_EACH)


class Name(str):
    """Text of a subclass of `str`, as some libraries give it."""


def test_text_of_a_subclass_of_str_is_plain_text() -> None:
    assert type(Message(Role.USER, Name("Hi")).content) is str


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"content": None}, TypeError, "content: .*NoneType"),
        ({"content": 5}, TypeError, "content: .*int"),
        ({"content": iter((TextPart("a"),))}, TypeError, "content: .*iterator"),
        ({"content": ("Hi",)}, TypeError, r"content\[0\]: .*str"),
        ({"content": (TextPart("a"), {"type": "text"})}, TypeError, r"content\[1\]: .*dict"),
        ({"content": (TextPart(cast(str, 5)),)}, TypeError, r"content\[0\]\.text must be a str, not int"),
        (
            {"content": (TextPart("a"), ReasoningPart(cast(str, None)))},
            TypeError,
            r"content\[1\]\.text must be a str, not NoneType",
        ),
        (
            {"content": (RefusalPart(cast(str, b"a")),)},
            TypeError,
            r"content\[0\]\.text must be a str, not bytes",
        ),
        ({"role": "robot"}, ValueError, "role: 'robot'.*system, developer, user, assistant, tool"),
        ({"role": None}, ValueError, "role: None"),
        ({"tool_call_id": 5}, TypeError, "tool_call_id must be a str, not int"),
    ],
)
def test_a_wrong_field_raises_when_the_message_is_made(
    fields: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        Message(**{"role": Role.USER, **fields})


@pytest.mark.parametrize("value", [*ONE_OF_EACH, Usage(), Citation(), Message(Role.USER)])
def test_a_message_cannot_be_changed(value: msgspec.Struct) -> None:
    for name in value.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_defaults_are_not_shared() -> None:
    first, second = TextPart("a"), TextPart("a")
    first.extra["cache_control"] = {"type": "ephemeral"}
    assert second.extra == {}


@pytest.mark.parametrize("kind", [Usage, ImagePart, AudioPart, DocumentPart])
def test_what_has_many_like_fields_is_made_by_their_names(kind: Any) -> None:
    with pytest.raises(TypeError):
        kind("x")


def test_each_kind_of_part_may_be_in_a_message() -> None:
    assert {type(part) for part in ONE_OF_EACH} == set(get_args(Part))


# The views of a message.


@given(st.lists(PARTS, max_size=5))
def test_each_view_is_what_the_parts_of_its_kind_say(parts: list[Part]) -> None:
    message = Message(Role.ASSISTANT, tuple(parts))

    def texts(kind: type[Part]) -> str:
        return "".join(getattr(part, "text", "") for part in parts if type(part) is kind)

    assert message.text == texts(TextPart)
    assert message.reasoning == texts(ReasoningPart)
    assert message.refusal == (texts(RefusalPart) or None)
    assert message.tool_calls == tuple(part for part in parts if isinstance(part, ToolCall))
    assert message.invalid_tool_calls == tuple(part for part in parts if isinstance(part, InvalidToolCall))
    calls = tuple(part for part in parts if isinstance(part, (ToolCall, InvalidToolCall)))
    assert message.all_tool_calls == calls
    assert message.images == tuple(part for part in parts if isinstance(part, ImagePart))
    cited = [citation for part in parts if isinstance(part, TextPart) for citation in part.citations]
    assert message.citations == tuple(cited)


FIELDS: list[tuple[str, JSONObject, object]] = [
    ("logprobs", {"logprobs": {"content": [{"token": "a"}]}}, {"content": [{"token": "a"}]}),
    ("logprobs", {"logprobs": None}, {}),
    ("container", {"container": {"id": "c", "expires_at": "t"}}, {"id": "c", "expires_at": "t"}),
    ("container", {}, {}),
    ("service_tier", {"service_tier": "flex"}, "flex"),
    ("service_tier", {"service_tier": 5}, None),
    ("service_tier", {}, None),
    ("stop_sequence", {"stop_sequence": "END"}, "END"),
    ("stop_sequence", {"stop_reason": "</s>"}, "</s>"),
    ("stop_sequence", {"stop_reason": 128009}, None),
    (
        "content_filter",
        {"prompt_filter_results": [{"a": 1}], "content_filter_results": {"b": 2}},
        {"prompt": [{"a": 1}], "completion": {"b": 2}},
    ),
    ("content_filter", {"content_filter_results": {}}, {}),
    ("upstream", {"provider": "Google"}, "Google"),
    ("upstream", {"provider": {}}, None),
    ("upstream_finish_reason", {"native_finish_reason": "STOP"}, "STOP"),
    ("upstream_finish_reason", {}, None),
]


@pytest.mark.parametrize(("name", "extra", "value"), FIELDS)
def test_a_property_reads_the_providers_own_field(name: str, extra: JSONObject, value: object) -> None:
    assert getattr(Message(Role.ASSISTANT, extra=extra), name) == value


def test_a_service_tier_may_be_with_the_usage() -> None:
    usage = Usage(extra={"service_tier": "priority"})
    assert Message(Role.ASSISTANT, usage=usage).service_tier == "priority"


USED: list[tuple[str, JSONObject, object]] = [
    ("cost_details", {"cost_details": {"upstream_inference_cost": 0.1}}, {"upstream_inference_cost": 0.1}),
    ("cost_details", {"cost": {"input_tokens_cost": 0.1}}, {"input_tokens_cost": 0.1}),
    ("cost_details", {"cost_details": None}, {}),
    ("cache_write_5m_tokens", {"cache_creation": {"ephemeral_5m_input_tokens": 5}}, 5),
    ("cache_write_1h_tokens", {"cache_creation": {"ephemeral_1h_input_tokens": 6}}, 6),
    ("cache_write_1h_tokens", {"cache_creation": {"ephemeral_1h_input_tokens": True}}, 0),
    ("cache_write_5m_tokens", {}, 0),
    (
        "server_tool_counts",
        {"server_tool_use": {"web_search_requests": 2, "x": None}},
        {"web_search_requests": 2},
    ),
    ("server_tool_counts", {"server_tool_use_details": {"tool_calls": 1}}, {"tool_calls": 1}),
    ("server_tool_counts", {}, {}),
]


@pytest.mark.parametrize(("name", "extra", "value"), USED)
def test_a_property_of_the_usage_reads_the_providers_own_count(
    name: str, extra: JSONObject, value: object
) -> None:
    assert getattr(Usage(extra=extra), name) == value


# A call's arguments.


@given(OBJECTS)
def test_arguments_without_a_received_text_are_encoded(arguments: JSONObject) -> None:
    assert json.loads(ToolCall("1", "f", arguments).arguments_text()) == arguments


@pytest.mark.parametrize(
    ("raw", "arguments", "sent"),
    [
        ('{"a":  1}', {"a": 1}, '{"a":  1}'),
        ('{"a":  1}', {"a": 2}, '{"a":2}'),
        ('{"a": true}', {"a": 1}, '{"a":1}'),
        ('{"a": 1.0}', {"a": 1}, '{"a":1}'),
        ("", {}, ""),
        (" null ", {}, " null "),
        (" \n", {}, " \n"),
        ("", {"a": 1}, '{"a":1}'),
        ("{", {}, "{}"),
        ('{"a": "\ud800"}', {"a": "x"}, '{"a":"x"}'),
        ("[" * 10_000, {}, "{}"),
    ],
)
def test_the_received_text_is_sent_only_if_it_says_the_same(
    raw: str, arguments: JSONObject, sent: str
) -> None:
    assert ToolCall("1", "f", arguments, raw).arguments_text() == sent


def test_an_edited_call_is_sent_as_edited() -> None:
    call = ToolCall("1", "f", {"a": 1}, '{"a": 1}')
    assert msgspec.structs.replace(call, arguments={"b": 2}).arguments_text() == '{"b":2}'


@pytest.mark.parametrize(("arguments", "text"), [({"input": "4 + 4"}, "4 + 4"), ({"input": 4}, ""), ({}, "")])
def test_a_custom_calls_argument_is_its_text(arguments: JSONObject, text: str) -> None:
    assert ToolCall("1", "math", arguments, kind="custom").arguments_text() == text


def test_finish_reasons_are_stored_under_these_words() -> None:
    words = "stop length tool_calls content_filter refusal pause error other"
    assert {reason.value for reason in FinishReason} == set(words.split())


def test_parts_that_a_reader_made_are_kept_as_a_plain_tuple_or_as_text() -> None:
    parts = (TextPart("Hi"), ToolCall("a", "f"))
    message = Message(Role.ASSISTANT, ReadParts(parts))
    assert (type(message.content), message.content) == (tuple, parts)
    assert Message(Role.ASSISTANT, ReadParts((TextPart("Hi"),))).content == "Hi"
    assert Message(Role.ASSISTANT, ReadParts(())).content == ""


def test_log_probabilities_are_the_messages_own_or_those_of_its_texts() -> None:
    one: JSONObject = {"token": "a"}
    two: JSONObject = {"token": "b"}
    texts = (TextPart("a", extra={"logprobs": [one]}), TextPart("b", extra={"logprobs": [two]}))
    assert Message(Role.ASSISTANT, texts).logprobs == {"content": [one, two]}
    assert Message(Role.ASSISTANT, texts, extra={"logprobs": {"content": [two]}}).logprobs == {
        "content": [two]
    }
    assert Message(Role.ASSISTANT, (TextPart("a", extra={"logprobs": 5}),)).logprobs == {}
    assert Message(Role.ASSISTANT, "a", extra={"logprobs": [one]}).logprobs == {}


def test_counts_of_the_usage_are_whole_numbers_of_known_fields() -> None:
    usage = Usage(
        extra={
            "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
            "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": True, "x": "2"},
            "server_tool_use_details": {"tool_calls_requested": 2},
            "cost_details": {"upstream": 0.5},
        }
    )
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (3, 4)
    assert usage.server_tool_counts == {"web_search_requests": 1, "tool_calls_requested": 2}
    assert usage.cost_details == {"upstream": 0.5}
    assert Usage(extra={"cost": {"total": 1}}).cost_details == {"total": 1}
    assert (Usage().cache_write_5m_tokens, Usage().cost_details, Usage().server_tool_counts) == (0, {}, {})
    assert Usage(extra={"cache_creation": 5, "server_tool_use": [1]}).server_tool_counts == {}


def test_fields_of_one_provider_are_read_from_where_it_puts_them() -> None:
    extra: JSONObject = {
        "container": {"id": "c"},
        "service_tier": "priority",
        "stop_sequence": "END",
        "prompt_filter_results": [1],
        "content_filter_results": {"hate": {}},
        "provider": "Host",
        "native_finish_reason": "eos",
    }
    message = Message(Role.ASSISTANT, "x", extra=extra)
    assert message.container == {"id": "c"}
    assert (message.service_tier, message.stop_sequence) == ("priority", "END")
    assert message.content_filter == {"prompt": [1], "completion": {"hate": {}}}
    assert (message.upstream, message.upstream_finish_reason) == ("Host", "eos")
    other = Message(
        Role.ASSISTANT, "x", extra={"stop_reason": "stop"}, usage=Usage(extra={"service_tier": "flex"})
    )
    assert (other.service_tier, other.stop_sequence) == ("flex", "stop")
    plain = Message(Role.ASSISTANT, "x")
    assert (plain.container, plain.service_tier, plain.stop_sequence, plain.content_filter) == (
        {},
        None,
        None,
        {},
    )
    assert (plain.upstream, plain.upstream_finish_reason) == (None, None)
    odd = Message(Role.ASSISTANT, "x", extra=dict.fromkeys(extra, 5))
    assert (odd.container, odd.service_tier, odd.stop_sequence, odd.upstream) == ({}, None, None, None)


def test_each_structure_is_stored_without_its_defaults_and_read_without_other_fields() -> None:
    stored: list[tuple[msgspec.Struct, set[str]]] = [
        (TextPart("x"), {"type", "text"}),
        (ReasoningPart(), {"type"}),
        (RefusalPart("x"), {"type", "text"}),
        (ToolCall("a", "f"), {"type", "id", "name"}),
        (InvalidToolCall("a", "f", "{", "cut"), {"type", "id", "name", "raw_arguments", "reason"}),
        (ServerToolPart("k"), {"type", "kind"}),
        (ImagePart(url="u"), {"type", "url"}),
        (AudioPart(url="u"), {"type", "url"}),
        (DocumentPart(url="u"), {"type", "url"}),
        (UnknownPart("k"), {"type", "kind"}),
        (Usage(), set()),
        (Citation(), set()),
        (Message(Role.USER), {"role"}),
    ]
    for value, names in stored:
        data = json.loads(msgspec.json.encode(value))
        assert data.keys() == names
        assert msgspec.json.decode(msgspec.json.encode(value), type=type(value)) == value
        with pytest.raises(msgspec.ValidationError, match="zzz"):
            msgspec.convert({**data, "zzz": 1}, type(value))
