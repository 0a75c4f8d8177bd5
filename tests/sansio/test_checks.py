"""What no provider takes is refused before anything is sent, with the message's index and a remedy."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    AudioPart,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    Role,
    Send,
    ServerToolPart,
    TextPart,
    Tool,
    ToolCall,
    tool,
)
from sansio.checks import (
    as_tools,
    check_messages,
    check_tool_choice,
    check_tools,
    encode_body,
    tool_name,
)
from tests.sansio.wires import ASK, COMPATIBLE, TYPES, WEATHER, Record, body_of, config
from tests.support import for_all

KINDS = (*TYPES, "openai/responses")

USER = Message(Role.USER, "Hi")
CALLS = Message(Role.ASSISTANT, (ToolCall("a", "f"), ToolCall("b", "f")))


def result(call_id: str | None) -> Message:
    return Message(Role.TOOL, "ok", tool_call_id=call_id)


def refused(
    messages: object, tools: object = None, *, kind: str = "openai", **options: Any
) -> InvalidRequestError:
    """The error that a call is refused with."""
    provider = Provider(config(kind))
    with pytest.raises(InvalidRequestError) as caught:
        provider.call(cast(list[Message], messages), cast(list[Record], tools), **options)
    return caught.value


@for_all(
    (
        ("messages", "words"),
        [
            ([], "give at least one message"),
            (ASK[0], "[Message('user', 'Hello')]"),
            ({"role": "user", "content": "Hi"}, "[{'role': 'user', 'content': 'Hello'}]"),
            (5, "must be a text or a list"),
        ],
    ),
    ("kind", KINDS),
)
def test_an_empty_list_and_one_message_in_its_place_are_refused(
    kind: str, messages: object, words: str
) -> None:
    error = refused(messages, kind=kind)
    assert error.index is None
    assert words in str(error)


def user(part: Any) -> Message:
    return Message(Role.USER, (part,))


def calling(*calls: Any) -> Message:
    return Message(Role.ASSISTANT, calls)


BAD: list[tuple[list[object], int, str]] = [
    ([USER, "Hi"], 1, '{"role": "user", "content": "Hello"}, not str'),
    ([user(ImagePart(data=b""))], 0, "the data of ImagePart is empty; leave the part out"),
    ([user(ToolCall("a", "f"))], 0, "only an assistant's message has tool calls"),
    ([user(InvalidToolCall("a", "f", "", ""))], 0, "only an assistant's message has tool calls"),
    ([USER, calling(ToolCall("a", "f"), ToolCall("a", "g"))], 1, "two of its tool calls have the same id"),
    ([USER, calling(ToolCall("a", "f"), InvalidToolCall("a", "g", "{", ""))], 1, "have the same id"),
    ([calling(ToolCall("", "f")), result("")], 0, "part 0: its ToolCall has an empty id; give it one"),
    ([calling(ToolCall("a", "")), result("a")], 0, "part 0: its ToolCall has an empty name; give it one"),
    ([calling(ToolCall("a", "f", cast(Record, {"x": [1, 2j]}))), result("a")], 0, "call 'a' has a value of"),
    ([USER, result("a")], 1, "the tool result for 'a' answers no call"),
    ([USER, result(None)], 1, "the tool result for None answers no call"),
    ([USER, CALLS, result("a"), result("a")], 3, "the tool result for 'a' answers no call"),
    ([USER, CALLS, result("a"), result("b"), USER, result("a")], 5, "append the answer itself before"),
    ([USER, CALLS, result("c")], 2, "the tool result for 'c' answers no call"),
    ([USER, CALLS, result("b")], 1, "no tool result follows for the calls 'a'"),
    ([USER, CALLS], 1, "no tool result follows for the calls 'a', 'b'"),
    (
        [USER, CALLS, USER, result("a")],
        1,
        "append one for each call, with the text of the error if the tool failed",
    ),
    ([USER, CALLS, CALLS, result("a"), result("b")], 1, "no tool result follows"),
]


@for_all((("messages", "index", "words"), BAD), ("kind", ["openai", "anthropic"]))
def test_pain_15_what_no_provider_takes_is_refused_with_its_index(
    kind: str, messages: list[object], index: int, words: str
) -> None:
    error = refused(messages, kind=kind)
    assert error.index == index
    assert words in str(error)
    assert f"message {index}" in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_a_turn_with_all_its_results_passes_in_any_order(kind: str) -> None:
    messages = [USER, CALLS, result("b"), result("a"), Message(Role.ASSISTANT, "Done."), USER]
    assert body_of(Provider(config(kind)), messages)


def test_a_conversation_that_the_server_has_may_go_on_with_results_of_its_calls() -> None:
    result, other = (Message(Role.TOOL, "ok", tool_call_id=call_id) for call_id in ("c1", "c2"))
    going_on = [result, other, Message(Role.USER, "And?"), result]
    check_messages(going_on, continued=True)
    call = calling(ToolCall("c1", "f"))
    check_messages([other, call, result], continued=True)
    for messages, index in ((going_on, 0), ([result, call, other], 2), ([call], 0)):
        with pytest.raises(InvalidRequestError) as caught:
            check_messages(messages, continued=index > 0 or len(messages) == 1)
        assert caught.value.index == index


def test_an_invalid_call_need_not_be_answered_but_may_be() -> None:
    invalid = Message(Role.ASSISTANT, (TextPart("Hm"), InvalidToolCall("x", "f", "{", "cut")))
    provider = Provider(config("openai"))
    assert body_of(provider, [USER, invalid, USER])
    assert body_of(provider, [USER, invalid, result("x"), USER])


def test_an_invalid_call_without_a_name_cannot_be_answered() -> None:
    invalid = Message(Role.ASSISTANT, (InvalidToolCall("x", "", "{", "cut"),))
    assert refused([USER, invalid, result("x")]).index == 2


@pytest.mark.parametrize("part", [AudioPart(transcript="Hi", extra={"id": "a"}), ImagePart()])
def test_an_answers_media_may_have_no_source(part: Part) -> None:
    answer = Message(Role.ASSISTANT, (TextPart("Hi"), part), origin="openai/chat")
    assert body_of(Provider(config("openai")), [USER, answer, USER])


@pytest.mark.parametrize("kind", KINDS)
def test_pain_17_half_a_surrogate_pair_is_refused_with_its_message(kind: str) -> None:
    for bad in (
        Message(Role.USER, "x\ud800"),
        Message(Role.USER, (TextPart("x\udfff"),)),
        Message(Role.ASSISTANT, "x\ud800"),
    ):
        error = refused([USER, bad, USER], kind=kind)
        assert error.index == 1
        assert "half a surrogate pair" in str(error)
        assert "encode('utf-8', 'replace')" in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_pain_17_half_a_surrogate_pair_in_a_calls_arguments_is_refused(kind: str) -> None:
    for call in (ToolCall("a", "f", {"x": "\ud800"}), ToolCall("a", "\ud800", {}, "{}")):
        error = refused([USER, Message(Role.ASSISTANT, (call,)), result("a")], kind=kind)
        assert error.index == 1


def test_pain_17_half_a_surrogate_pair_beside_the_messages_is_refused_without_an_index() -> None:
    tool = {"type": "function", "function": {"name": "f", "description": "\ud800"}}
    error = refused(ASK, [tool])
    assert error.index is None
    assert "a tool or an option holds half a surrogate pair" in str(error)
    assert refused(ASK, user="\udc00").index is None


def test_pain_17_the_message_is_found_behind_one_with_unsent_oddities() -> None:
    odd = Message(Role.ASSISTANT, "Hi", origin="openai/chat", extra={"x": 10**5_000})
    assert refused([USER, odd, Message(Role.USER, "\ud800")]).index == 2


@given(st.text(st.characters(codec=None), max_size=8), st.sampled_from(COMPATIBLE))
def test_pain_17_any_text_is_sent_or_refused(text: str, kind: str) -> None:
    provider = Provider(config(kind))
    if any("\ud800" <= char <= "\udfff" for char in text):
        assert refused([Message(Role.USER, text)], kind=kind).index == 0
    else:
        messages = body_of(provider, [Message(Role.USER, text)])["messages"]
        assert messages == [{"role": "user", "content": text}]


@pytest.mark.parametrize("kind", ["openai", "azure"])
def test_custom_tools_have_the_name_of_their_own_object(kind: str) -> None:
    tools = [{"type": "custom", "custom": {"name": name}} for name in ("patch", "query")]

    assert body_of(Provider(config(kind)), ASK, tools)["tools"] == tools


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_a_providers_own_tools_pass_with_whatever_they_have(kind: str) -> None:
    tools: list[Record] = [
        {"type": "openrouter:web_search", "parameters": {"max_results": 2}},
        {"type": "mcp", "server_label": "a"},
        {"type": "mcp", "server_label": "b"},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 1},
    ]
    assert body_of(Provider(config(kind)), ASK, tools)["tools"] == tools


@for_all(
    (
        ("tools", "words"),
        [
            ([WEATHER, WEATHER], "tools 0 and 1 are both named 'get_weather'"),
            ([WEATHER, {"name": "get_weather", "input_schema": {}}], "both named 'get_weather'"),
            ([{"type": "x", "name": "a"}, {"type": "y", "name": "a"}], "both named 'a'"),
            ([{"type": "web_search", "name": ""}], "tool 0 has no name"),
            ([{"type": "custom"}], "tool 0 has no name"),
            ([WEATHER, {"type": "custom", "custom": {"name": "get_weather"}}], "both named 'get_weather'"),
            ([WEATHER, {"type": "function", "function": {}}], "tool 1 has no name"),
            ([{"type": "function", "function": {"name": ""}}], "tool 0 has no name"),
            ([{"type": "function", "function": {"name": 5}}], "tool 0 has no name"),
            ([{"type": "function"}], "tool 0 has no name"),
            ([{}], "tool 0 has no name"),
            (["get_weather"], "tool 0 has no name"),
        ],
    ),
    ("kind", KINDS),
)
def test_pain_12_tools_without_a_name_or_of_the_same_are_refused(
    kind: str, tools: object, words: str
) -> None:
    assert words in str(refused(ASK, tools, kind=kind))


def test_a_providers_own_tool_may_have_nothing_but_its_type() -> None:
    tools: list[Tool] = [WEATHER, {"type": "web_search"}]
    step = Provider(config("openai")).call(ASK, tools).next_step()
    assert isinstance(step, Send)
    assert b'"web_search"' in step.request.body


@pytest.mark.parametrize("value", [object(), [1j], {"a": [object()]}])
def test_what_is_not_json_is_refused(value: object) -> None:
    assert "is not JSON" in str(refused(ASK, extra_body={"x": value}))


def test_nesting_without_end_is_refused() -> None:
    nested: list[object] = []
    nested.append(nested)
    assert "nests too deep" in str(refused(ASK, extra_body={"x": nested}))
    endless: Record = {}
    endless["x"] = endless
    error = refused([Message(Role.ASSISTANT, (ToolCall("a", "f", endless),)), result("a")])
    assert (error.index, "nests too deep" in str(error)) == (0, True)


def nested_schema(levels: int) -> Record:
    schema: Record = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


def schema_tool(schema: object) -> Record:
    return {"type": "function", "function": {"name": "f", "parameters": schema}}


@for_all(("kind", KINDS), ("levels", [300, 450, 900, 5_000]))
def test_a_schema_that_nests_too_deep_is_refused(kind: str, levels: int) -> None:
    """Deeper values end the recursion of who copies or logs them."""
    schema = nested_schema(levels)
    assert "tool 0 nests too deep" in str(refused(ASK, [schema_tool(schema)], kind=kind))
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert "nests too deep" in str(refused(ASK, kind=kind, response_format=form))
    assert body_of(Provider(config(kind)), ASK, [schema_tool(nested_schema(250))])["tools"]


NOT_JSON = [
    (float("nan"), "finite"),
    (float("-inf"), "finite"),
    (msgspec.Raw(b'1}, "model": "other"'), "Raw"),
    (b"bytes", "bytes"),
    (bytearray(b"bytes"), "bytearray"),
    (memoryview(b"bytes"), "memoryview"),
    (iter(["a"]), "give a list"),
]


@for_all(("kind", KINDS), (("value", "words"), NOT_JSON))
def test_what_json_does_not_have_is_refused_wherever_it_is(kind: str, value: object, words: str) -> None:
    """msgspec encodes NaN as null and bytes as base64, and copies what is in a Raw without a look at it."""
    inner: Any = {"a": [1, {"b": value}]}
    extra = cast("dict[str, Any]", inner)
    call = Message(Role.ASSISTANT, (ToolCall("a", "f", extra),))
    for index, messages in enumerate((
        [Message(Role.USER, "Hi", extra=extra)],
        [USER, Message(Role.ASSISTANT, (TextPart("x", extra=extra),)), USER],
        [USER, USER, call, result("a")],
        [USER, USER, USER, Message(Role.ASSISTANT, (ServerToolPart("k", input=extra),)), USER],
        [*[USER] * 4, Message(Role.ASSISTANT, (ServerToolPart("k", output=[inner]),)), USER],
    )):  # fmt: skip
        error = refused(messages, kind=kind)
        assert (error.index, words in str(error)) == (index, True)
    assert words in str(refused(ASK, [schema_tool(inner)], kind=kind))
    assert words in str(refused(ASK, extra_body=inner, kind=kind))
    assert words in str(refused(ASK, extra_body={"model": value}, kind=kind))
    assert words in str(refused(ASK, response_format=inner, kind=kind))


@for_all(
    ("kind", KINDS), ("tools", [iter([WEATHER]), (tool for tool in [WEATHER]), WEATHER, "get_weather", 5])
)
def test_tools_are_a_list(kind: str, tools: object) -> None:
    """An iterator would be empty when the tools are given again, with the results of their calls."""
    assert "give a list of tools" in str(refused(ASK, tools, kind=kind))
    assert body_of(Provider(config(kind)), ASK, {"a": WEATHER}.values())["tools"]  # type: ignore[arg-type]


ODD_CHOICES: list[tuple[Any, str]] = [
    ("", '"function": {"name"'),
    ({}, "needs a type"),
    ({"type": None}, "needs a type"),
    ({"type": ["function"]}, "needs a type"),
    ({"function": {"name": "get_weather"}}, "needs a type"),
    ({"type": "function"}, "names no tool"),
    ({"type": "function", "function": "get_weather"}, "names no tool"),
    ({"type": "function", "function": {"name": 5}}, "names no tool"),
    ({"type": "function", "name": "get_weather"}, "names no tool"),
    ({"type": "custom", "custom": "get_weather"}, '"custom": {"name"'),
    ({"type": "tool"}, '{"type": "tool", "name"'),
    ({"type": "function", "function": {"name": "other"}}, "the tools are get_weather"),
    ({"type": "allowed_tools", "allowed_tools": 5}, '"mode": "auto"'),
    ({"type": "allowed_tools", "allowed_tools": {"tools": "get_weather"}}, '"mode": "auto"'),
    ({"type": "allowed_tools", "allowed_tools": {"tools": ["get_weather"]}}, '"mode": "auto"'),
]


@for_all(("kind", [kind for kind in KINDS if kind != "ollama"]), (("choice", "words"), ODD_CHOICES))
def test_an_odd_tool_choice_is_refused_with_the_form_to_write(kind: str, choice: object, words: str) -> None:
    error = str(refused(ASK, [WEATHER], kind=kind, tool_choice=choice))
    assert error.startswith("tool_choice: ")
    assert words in error


def test_a_tool_outside_of_the_chat_format_is_refused_with_the_form_to_use() -> None:
    flat: Tool = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    assert 'parameters under "function"' in str(refused(ASK, [flat], kind="anthropic"))
    nameless: Tool = {"type": "function", "name": "f"}
    assert 'under "function"' in str(refused(ASK, [nameless], kind="openai"))
    custom: Tool = {"type": "custom", "name": "f"}
    for kind in ("openai", "anthropic"):
        assert 'format under "custom"' in str(refused(ASK, [custom], kind=kind))


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize("part", [ImagePart(data=b""), DocumentPart(data=b""), AudioPart(data=b"")])
def test_media_without_a_byte_is_refused_with_its_place(kind: str, part: Part) -> None:
    error = refused([Message(Role.USER, (TextPart("See."), part))], kind=kind)
    assert error.index == 0
    assert f"part 1: the data of {type(part).__name__} is empty" in str(error)


def plain(city: str) -> str:
    """A function that is not a tool yet."""
    return city


@pytest.mark.parametrize("tools", [plain, [WEATHER, plain]])
def test_a_plain_function_in_place_of_a_tool_is_refused_with_the_way_to_make_one(tools: object) -> None:
    assert "tool(" in str(refused(ASK, tools))


@pytest.mark.parametrize("given", [b"hi", bytearray(b"hi")])
def test_bytes_in_place_of_messages_are_refused_with_the_way_to_make_text(given: Any) -> None:
    assert "bytes; write text" in str(refused(given))


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("anthropic", AudioPart(data=b"RIFF")),
        ("anthropic", RefusalPart("No.")),
        ("openai", ReasoningPart("Hm.")),
        ("openai", ServerToolPart("web_search_call")),
        ("ollama", DocumentPart(data=b"%PDF-")),
    ],
)
def test_a_part_that_has_no_place_is_refused_with_what_to_do(kind: str, part: Part) -> None:
    error = refused([Message(Role.USER, (TextPart("a"), part))], kind=kind)
    assert f"message 0, part 1: {kind}/" in str(error)
    assert "; " in str(error)


def deep(levels: int) -> Record:
    value: Record = {}
    for _ in range(levels - 1):
        value = {"x": value}
    return value


def placed(value: Any) -> list[tuple[str, Message]]:
    """A value in each place of a message, with the words that name the place."""
    return [
        (": its extra ", Message(Role.ASSISTANT, "Hi", extra=value)),
        (", part 1: its extra ", Message(Role.ASSISTANT, (TextPart("a"), TextPart("b", extra=value)))),
        (", part 0: its extra ", Message(Role.ASSISTANT, (ToolCall("c", "f", extra=value),))),
        (
            ", part 2: its input ",
            Message(Role.ASSISTANT, (*[TextPart("a")] * 2, ServerToolPart("k", input=value))),
        ),
        (
            ", part 0: its output ",
            Message(Role.ASSISTANT, (ServerToolPart("k", output=value), TextPart("a"))),
        ),
        (", part 1: its call 'c' ", Message(Role.ASSISTANT, (TextPart("a"), ToolCall("c", "f", value)))),
    ]


def test_a_value_that_cannot_be_sent_is_named_by_message_part_and_field() -> None:
    for (words, message), (_, fine), (_, depth) in zip(
        placed({"a": float("nan")}), placed(deep(3)), placed(deep(4)), strict=True
    ):
        results = [result(call.id) for call in message.tool_calls]
        with pytest.raises(InvalidRequestError) as caught:
            check_messages([USER, message, *results], 3, continued=False)
        assert caught.value.index == 1
        assert caught.value.message.startswith(f"message 1{words}has nan")
        check_messages([USER, fine, *results], 3, continued=False)
        with pytest.raises(InvalidRequestError) as caught:
            check_messages([USER, depth, *results], 3, continued=False)
        assert caught.value.message.startswith(f"message 1{words}nests too deep")


def test_a_conversation_that_was_put_in_order_is_checked_to_the_configs_depth() -> None:
    """The place in the user's own list is named, since what was put in order is no better."""
    provider = Provider(config("openai", limits={"max_json_depth": 3}))
    late = Message(Role.TOOL, "ok", tool_call_id="b", extra=deep(4))
    with pytest.raises(InvalidRequestError) as caught:
        provider.prepare([USER, CALLS, result("a"), USER, late])
    assert caught.value.index == 1


MISTAKES: list[tuple[list[Message], str]] = [
    ([], "the message list is empty: give at least one message"),
    (
        [USER, result("a")],
        "message 1: the tool result for 'a' answers no call of the assistant's turn before it",
    ),
    (
        [CALLS],
        "message 0: no tool result follows for the calls 'a', 'b'; append one for each call, with the text",
    ),
    ([user(ToolCall("a", "f"))], "message 0: only an assistant's message has tool calls"),
    ([calling(ToolCall("a", "f"), ToolCall("a", "g"))], "message 0: two of its tool calls have the same id"),
    (
        [calling(TextPart("x"), ToolCall("", "f"))],
        "message 0, part 1: its ToolCall has an empty id; give it one, and name it in the tool's result",
    ),
    ([calling(ToolCall("a", ""))], "message 0, part 0: its ToolCall has an empty name; give it one"),
    ([user(ImagePart(data=b""))], "message 0, part 0: the data of ImagePart is empty; leave the part out"),
]


@for_all((("messages", "words"), MISTAKES))
def test_a_mistake_says_where_it_is_and_what_to_do(messages: list[Message], words: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_messages(messages, continued=False)
    assert caught.value.message.startswith(words)
    assert ("name it in the tool's result" in caught.value.message) == ("empty id" in words)
    if "empty name" in words:
        assert caught.value.message == words
    assert caught.value.index == (int(words[8]) if words.startswith("message") else None)


def test_media_of_an_answer_may_be_empty_and_others_may_have_an_address() -> None:
    answer = Message(Role.ASSISTANT, (AudioPart(data=b"", transcript="Hi"),), origin="openai/chat")
    check_messages([USER, answer, user(ImagePart(url="u")), user(DocumentPart(data=b"x"))], continued=False)


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        ({"type": "function", "function": {"name": "f"}, "name": "g"}, "f"),
        ({"type": "custom", "custom": {"name": "c"}, "function": {"name": "f"}}, "c"),
        ({"type": "function", "custom": {"name": "c"}, "name": "g"}, "g"),
        ({"type": "web_search", "name": "web"}, "web"),
        ({"function": {"name": "f"}}, "f"),
        ({"function": "f", "name": "g"}, "g"),
        ({"type": "function", "function": {"name": 5}}, ""),
        ({"type": "function", "function": {}}, ""),
        ({}, ""),
        ("f", ""),
        (None, ""),
    ],
)
def test_the_name_of_a_tool_is_in_its_own_object(tool: object, name: str) -> None:
    assert tool_name(tool) == name


FINE_TOOLS: list[Tool] = [
    {"type": "function", "function": {"name": "a"}},
    {"function": {"name": "b"}},
    {"type": "custom", "custom": {"name": "c"}},
    {"name": "d", "input_schema": {}},
    {"type": "web_search"},
    {"type": "web_search"},
    {"type": "memory_20250818", "name": "memory"},
]

FORM = "is not in OpenAI's chat format: put its name, description and"
WRONG_TOOLS: list[tuple[list[Any], str]] = [
    ([{"type": "function", "name": "f"}], f"tool 0, 'f', {FORM} parameters under \"function\""),
    ([{"type": "custom", "name": "f"}], f"tool 0, 'f', {FORM} format under \"custom\""),
    ([{"type": "", "name": "f"}], f"tool 0, 'f', {FORM} parameters under \"function\""),
    ([{"type": 5, "name": "f"}], f"tool 0, 'f', {FORM} parameters under \"function\""),
    ([*FINE_TOOLS, FINE_TOOLS[1]], "tools 1 and 7 are both named 'b'"),
    ([{"type": "web_search", "name": 5}], "tool 0 has no name; tools have the form "),
    ([*FINE_TOOLS, {"type": "function"}], "tool 7 has no name; tools have the form "),
    ([{"type": "function", "function": {"name": "f", "x": float("inf")}}], "tool 0 has inf"),
]


def test_tools_of_every_form_pass_and_others_are_refused_by_their_position() -> None:
    check_tools(FINE_TOOLS)
    for tools, words in WRONG_TOOLS:
        with pytest.raises(InvalidRequestError) as caught:
            check_tools(tools)
        assert caught.value.message.startswith(words)


def test_a_list_of_tools_is_taken_as_it_is() -> None:
    assert as_tools(None) == ()
    assert as_tools([]) == ()
    assert as_tools((WEATHER, WEATHER)) == (WEATHER, WEATHER)
    nameless = type("Runner", (), {"__call__": lambda self: None})()
    for tools, words in (
        (plain, "tools: is a function; make a tool of it, and give a list: [tool(function)]"),
        ([WEATHER, plain], "tool 1 is a function; make a tool of it: tool(plain)"),
        ([nameless], "tool 0 is a function; make a tool of it: tool(function)"),
        ("f", "tools: give a list of tools, not a str"),
        (b"f", "tools: give a list of tools, not a bytes"),
        ({"a": 1}, "tools: give a list of tools, not a dict"),
        (tool(plain), "tools: give a list of tools, not a FunctionTool"),
        (iter([]), "tools: give a list of tools, not a list_iterator"),
        (5, "tools: give a list of tools, not a int"),
    ):
        with pytest.raises(InvalidRequestError) as caught:
            as_tools(tools)  # type: ignore[arg-type]  # wrong on purpose
        assert caught.value.message == words


@pytest.mark.parametrize(
    "choice",
    [
        "auto",
        "none",
        None,
        5,
        {"type": "function", "function": {"name": "f"}},
        {"type": "custom", "custom": {"name": "f"}},
        {"type": "tool", "name": "f"},
        {"type": "any"},
        {"type": "allowed_tools", "allowed_tools": {"tools": []}},
        {"type": "own"},
        {"type": "own", "allowed_tools": 5},
        {"type": "allowed_tools", "allowed_tools": {"tools": ({"type": "function"},)}},
    ],
)
def test_a_tool_choice_that_some_provider_has_passes(choice: object) -> None:
    check_tool_choice(choice)


def test_the_same_body_gives_the_same_bytes_and_a_wrong_one_is_named() -> None:
    assert encode_body({"b": 1, "a": [None, "é"]}, []) == '{"b":1,"a":[null,"é"]}'.encode()
    odd = Message(Role.ASSISTANT, "x", extra=cast(Record, {"x": object()}))
    bad = Message(Role.USER, "\ud800")
    for messages, index, where in (
        ([USER, odd, bad], 2, "message 2 holds half a surrogate pair"),
        ([bad, bad], 0, "message 0 holds half a surrogate pair"),
        ([USER], None, "a tool or an option holds half a surrogate pair"),
    ):
        with pytest.raises(InvalidRequestError) as caught:
            encode_body({"x": "\ud800"}, messages)
        assert caught.value.index == index
        assert caught.value.message.startswith(where)
    longest = 10**5_000  # Python writes no longer numbers
    with pytest.raises(InvalidRequestError) as caught:
        encode_body({"x": "\ud800"}, [Message(Role.USER, "x", extra={"x": longest}), bad])
    assert caught.value.index == 1
    for value in (object(), {1j: 2}, [1, {object()}], longest):
        with pytest.raises(InvalidRequestError, match=r"^a tool, an option or a part's extra is not JSON: "):
            encode_body({"x": value}, [])
