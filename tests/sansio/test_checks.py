"""What no provider takes is refused before anything is sent, with the message's index."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Provider,
    Role,
    Send,
    TextPart,
    ToolCall,
)
from sansio.content import Tool
from tests.sansio.wires import ASK, COMPATIBLE, TYPES, WEATHER, Record, body_of, config

USER = Message(Role.USER, "Hi")
CALLS = Message(Role.ASSISTANT, "", (ToolCall("a", "f", {}), ToolCall("b", "f", {})))


def result(call_id: str | None) -> Message:
    return Message(Role.TOOL, "ok", tool_call_id=call_id)


def refused(
    messages: object, tools: object = None, *, kind: str = "openai", **options: Any
) -> InvalidRequestError:
    """The error that a call is refused with."""
    provider = Provider(config(kind))
    with pytest.raises(InvalidRequestError) as caught:
        body_of(provider, cast(list[Message], messages), cast(list[Record], tools), **options)
    return caught.value


@pytest.mark.parametrize("kind", TYPES)
def test_an_empty_list_is_refused(kind: str) -> None:
    error = refused([], kind=kind)
    assert error.index is None
    assert "the message list is empty" in str(error)


BAD: list[tuple[list[object], int, str]] = [
    ([USER, {"role": "user", "content": "Hi"}], 1, "message 1 is a dict, not a sansio.Message"),
    ([Message(cast(Role, "user"), "Hi")], 0, "role must be a Role, such as Role.USER, not 'user'"),
    ([Message(Role.USER, cast(str, None))], 0, "content must be a str or a tuple of parts, not NoneType"),
    ([USER, Message(Role.USER, cast(str, 5))], 1, "content must be a str or a tuple of parts, not int"),
    ([Message(Role.USER, cast(str, ("Hi",)))], 0, "TextPart, ImagePart and DocumentPart, not of str"),
    ([Message(Role.USER, (ImagePart(),))], 0, "an ImagePart needs either url or data"),
    ([Message(Role.USER, (ImagePart(url="u", data=b""),))], 0, "an ImagePart needs either url or data"),
    ([Message(Role.USER, (DocumentPart(),))], 0, "an DocumentPart needs either url or data"),
    ([Message(Role.USER, "Hi", (ToolCall("a", "f", {}),))], 0, "only an assistant's message has tool calls"),
    (
        [Message(Role.USER, "Hi", invalid_tool_calls=(InvalidToolCall("a", "f", "", ""),))],
        0,
        "only an assistant's message has tool calls",
    ),
    (
        [Message(Role.ASSISTANT, "", cast(tuple[ToolCall], ({"id": "a"},)))],
        0,
        "tool_calls must be a tuple of ToolCall",
    ),
    (
        [USER, Message(Role.ASSISTANT, "", (ToolCall("a", "f", {}), ToolCall("a", "g", {})))],
        1,
        "two of its tool calls have the same id",
    ),
    ([USER, result("a")], 1, "the tool result for 'a' answers no call"),
    ([USER, result(None)], 1, "the tool result for None answers no call"),
    ([USER, CALLS, result("a"), result("a")], 3, "the tool result for 'a' answers no call"),
    ([USER, CALLS, result("a"), result("b"), USER, result("a")], 5, "append the answer itself before"),
    ([USER, CALLS, result("c")], 2, "the tool result for 'c' answers no call"),
    ([USER, CALLS, result("b")], 1, "no tool result follows for the calls 'a'"),
    ([USER, CALLS], 1, "no tool result follows for the calls 'a', 'b'"),
    ([USER, CALLS, USER, result("a")], 1, "append one for each, an error text where the tool failed"),
    ([USER, CALLS, CALLS, result("a"), result("b")], 1, "no tool result follows"),
    (
        [Message(Role.ASSISTANT, "", (ToolCall("a", "f", cast(Record, {"x": {1, 2j}})),)), result("a")],
        0,
        "the arguments of the call 'a' are no JSON",
    ),
]


@pytest.mark.parametrize(("messages", "index", "words"), BAD, ids=range(len(BAD)))
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_pain_15_what_no_provider_takes_is_refused_with_its_index(
    kind: str, messages: list[object], index: int, words: str
) -> None:
    error = refused(messages, kind=kind)
    assert error.index == index
    assert words in str(error)
    assert f"message {index}" in str(error)


@pytest.mark.parametrize("kind", TYPES)
def test_a_turn_with_all_its_results_passes_in_any_order(kind: str) -> None:
    messages = [USER, CALLS, result("b"), result("a"), Message(Role.ASSISTANT, "Done."), USER]
    assert body_of(Provider(config(kind)), messages)


def test_an_invalid_call_need_not_be_answered_but_may_be() -> None:
    invalid = Message(Role.ASSISTANT, "Hm", invalid_tool_calls=(InvalidToolCall("x", "f", "{", "cut"),))
    provider = Provider(config("openai"))
    assert body_of(provider, [USER, invalid, USER])
    assert body_of(provider, [USER, invalid, result("x"), USER])


@pytest.mark.parametrize("kind", TYPES)
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


@pytest.mark.parametrize("kind", TYPES)
def test_pain_17_half_a_surrogate_pair_in_a_calls_arguments_is_refused(kind: str) -> None:
    for call in (ToolCall("a", "f", {"x": "\ud800"}), ToolCall("a", "\ud800", {}, "{}")):
        error = refused([USER, Message(Role.ASSISTANT, "", (call,)), result("a")], kind=kind)
        assert error.index == 1


def test_pain_17_half_a_surrogate_pair_beside_the_messages_is_refused_without_an_index() -> None:
    tool = {"type": "function", "function": {"name": "f", "description": "\ud800"}}
    error = refused(ASK, [tool])
    assert error.index is None
    assert "a tool or an option holds half a surrogate pair" in str(error)
    assert refused(ASK, user="\udc00").index is None


def test_pain_17_the_message_is_found_behind_one_with_unsent_oddities() -> None:
    call = ToolCall("a", "f", cast(Record, {"x": object()}), "{}")
    messages = [USER, Message(Role.ASSISTANT, "", (call,)), result("a"), Message(Role.USER, "\ud800")]
    assert refused(messages).index == 3


@given(st.text(st.characters(codec=None), max_size=8), st.sampled_from(COMPATIBLE))
def test_pain_17_any_text_is_sent_or_refused(text: str, kind: str) -> None:
    provider = Provider(config(kind))
    if any("\ud800" <= char <= "\udfff" for char in text):
        assert refused([Message(Role.USER, text)], kind=kind).index == 0
    else:
        messages = body_of(provider, [Message(Role.USER, text)])["messages"]
        assert messages == [{"role": "user", "content": text}]


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ([WEATHER, WEATHER], "tools 0 and 1 are both named 'get_weather'"),
        ([WEATHER, {"name": "get_weather", "input_schema": {}}], "both named 'get_weather'"),
        ([{"type": "web_search"}, {"type": "web_search"}], "both named 'web_search'"),
        ([WEATHER, {"type": "function", "function": {}}], "tool 1 has no name"),
        ([{"type": "function", "function": {"name": ""}}], "tool 0 has no name"),
        ([{"type": "function", "function": {"name": 5}}], "tool 0 has no name"),
        ([{"type": "function"}], "tool 0 has no name"),
        ([{}], "tool 0 has no name"),
        (["get_weather"], "tool 0 has no name"),
    ],
)
@pytest.mark.parametrize("kind", TYPES)
def test_pain_12_tools_without_a_name_or_of_the_same_are_refused(
    kind: str, tools: object, words: str
) -> None:
    assert words in str(refused(ASK, tools, kind=kind))


def test_a_providers_own_tool_may_have_nothing_but_its_type() -> None:
    tools: list[Tool] = [WEATHER, {"type": "web_search"}]
    step = Provider(config("openai")).call(ASK, tools).next_step()
    assert isinstance(step, Send)
    assert b'"web_search"' in step.request.body


@pytest.mark.parametrize("value", [object(), {1j}, {"a": [object()]}])
def test_an_option_that_is_no_json_is_refused(value: object) -> None:
    assert "is no JSON" in str(refused(ASK, seed=value))


def test_nesting_without_end_is_refused() -> None:
    nested: list[object] = []
    nested.append(nested)
    assert "is no JSON" in str(refused(ASK, seed=nested))
    endless: Record = {}
    endless["x"] = endless
    assert "are no JSON" in str(
        refused([Message(Role.ASSISTANT, "", (ToolCall("a", "f", endless),)), result("a")])
    )


@pytest.mark.parametrize(
    "part",
    [
        TextPart(cast(str, None)),
        ImagePart(data=cast(bytes, "text")),
        ImagePart(url=cast(str, 5)),
        ImagePart(url="https://example.com/a.png", data=b"both"),
    ],
)
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_a_part_of_the_wrong_type_is_refused_with_its_index(kind: str, part: TextPart | ImagePart) -> None:
    assert refused([*ASK, Message(Role.USER, (part,))], kind=kind).index == 1


@pytest.mark.parametrize(
    "call",
    [
        ToolCall(cast(str, 5), "f", {}),
        ToolCall("a", cast(str, None), {}),
        ToolCall("a", "", {}),
        ToolCall("a", "f", cast(Any, [1])),
    ],
)
def test_a_call_of_the_wrong_type_is_refused_with_its_index(call: ToolCall) -> None:
    message = Message(Role.ASSISTANT, "", (call,))
    assert refused([*ASK, message, result("a")]).index == 1


@pytest.mark.parametrize("messages", [ASK[0], "Hello"])
def test_one_message_in_place_of_a_list_is_refused(messages: Any) -> None:  # Any: what its type forbids
    assert "must be a list" in str(refused(messages))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_does_not_have_is_refused_by_its_name(value: float) -> None:
    with pytest.raises(InvalidRequestError, match="temperature"):
        Provider(config("openai")).call(ASK, temperature=value)


def test_a_tool_outside_of_the_chat_format_is_refused() -> None:
    flat: Tool = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    with pytest.raises(InvalidRequestError, match="function"):
        Provider(config("anthropic")).call(ASK, [flat])
