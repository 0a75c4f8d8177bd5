"""Messages in OpenAI's form: each dict a message, each message a dict, and what that form cannot say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sansio import (
    AudioPart,
    Citation,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
    as_messages,
    from_openai,
    to_openai,
)
from sansio.testing.strategies import histories
from tests.sansio.wires import Record, config
from tests.support import for_all

USER = {"role": "user", "content": "Hi"}


LOST = "is_error, origin, what an answer says of itself, citations, order, blank text, the text of arguments"
"""What OpenAI's form cannot say, or says in another text with the same meaning."""
SAID: tuple[type[Part], ...] = (TextPart, RefusalPart, ToolCall)


def wire_form(message: Message) -> list[Part]:
    """The parts of a message, without what is `LOST`."""
    found: list[Part] = []
    for part in message.parts:
        match part:
            case TextPart() if part.text:
                found.append(structs.replace(part, citations=()))
            case RefusalPart():
                found.append(part)
            case ToolCall():
                found.append(structs.replace(part, raw_arguments=None))
            case _:
                pass
    return [part for kind in SAID for part in found if isinstance(part, kind)]


@given(histories())
def test_a_message_survives_openais_form_up_to_what_it_cannot_say(history: list[Message]) -> None:
    for message in history:
        if not all(isinstance(part, SAID) for part in message.parts):
            continue
        # Without its origin, fields of another wire cannot be said.
        other = message.origin is not None and not message.origin.endswith("/chat")
        parts = [
            structs.replace(part, extra={}) if other or isinstance(part, RefusalPart) else part
            for part in message.parts
        ]
        own = Message(message.role, parts, message.tool_call_id)
        if len([part for part in parts if isinstance(part, RefusalPart)]) > 1:
            continue  # the form has one
        back = from_openai(json.loads(json.dumps(to_openai(own))))
        assert wire_form(back) == wire_form(own), LOST
        assert (back.role, back.tool_call_id, back.extra) == (own.role, own.tool_call_id, {})
        assert to_openai(back) == to_openai(own)


DETAIL: Record = {"type": "reasoning.text", "text": "Hm.", "signature": "s", "index": 0}
SECRET: Record = {"type": "reasoning.encrypted", "data": "x", "index": 1}
CALL: Record = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
PDF = "data:application/pdf;base64,JVBERg=="


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (USER, Message("user", "Hi")),
        ({"role": "user", "content": ""}, Message("user", "")),
        ({**USER, "name": "Ann", "tool_calls": None}, Message("user", "Hi", extra={"name": "Ann"})),
        ({"role": "tool", "content": "18", "tool_call_id": "a"}, Message("tool", "18", "a")),
        (
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            Message("assistant", [ToolCall("a", "f", {"x": 1})]),
        ),
        (
            {"role": "assistant", "content": "Hi", "refusal": "No.", "audio": {"id": "b"}},
            Message("assistant", [TextPart("Hi"), RefusalPart("No.")], extra={"audio": {"id": "b"}}),
        ),
    ],
)
def test_a_dict_and_its_message_say_the_same(data: Record, message: Message) -> None:
    assert from_openai(data) == message
    again = to_openai(message)
    assert {name: value for name, value in again.items() if value is not None} == {
        name: value for name, value in data.items() if value is not None
    }


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "a", "cache_control": {}}, TextPart("a", extra={"cache_control": {}})),
        (
            {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "low"}},
            ImagePart(url="https://x/a.png", detail="low"),
        ),
        (
            {
                "type": "image_url",
                "image_url": {"url": "data:image/gif;base64,R0lG", "detail": "low", "x": 1},
            },
            ImagePart(data=b"GIF", media_type="image/gif", detail="low", extra={"image_url": {"x": 1}}),
        ),
        ({"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}, AudioPart(data=b"RIF")),
        (
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}},
            AudioPart(data=b"RIF", media_type="audio/mpeg"),
        ),
        ({"type": "file", "file": {"file_id": "f"}}, DocumentPart(file_id="f")),
        ({"type": "file", "file": {"filename": "a", "file_data": PDF}}, DocumentPart(data=b"%PDF", name="a")),
        ({"type": "video_url", "video_url": {"url": "u"}}, None),
        ({"type": "input_audio", "input_audio": {"data": "%", "format": "wav"}}, None),
        ({"type": "file", "file": {"filename": "a", "file_data": "https://x/a.pdf"}}, None),
        ({"type": "file", "file": {"file_data": PDF}}, None),
        ({"type": "file", "file": {"filename": 5, "file_data": PDF}}, None),
        ({"type": "file", "file": {"file_id": "f", "own": "x"}}, None),
        ({"type": "file", "file": {"filename": "a", "file_data": PDF, "own": "x"}}, None),
    ],
)
def test_a_content_part_and_its_block_say_the_same(block: Record, part: Part | None) -> None:
    """`None`: a form that no typed part has goes as it is."""
    message = from_openai({"role": "user", "content": [block, {"type": "text", "text": "b"}]})
    assert message.parts[0] == (UnknownPart(block["type"], block) if part is None else part)
    assert to_openai(message)["content"] == [block, {"type": "text", "text": "b"}]


def test_parts_may_stand_among_dicts() -> None:
    parts = [ImagePart(url="u"), {"type": "text", "text": "a"}]
    assert from_openai({"role": "user", "content": parts}).parts == (ImagePart(url="u"), TextPart("a"))


def test_an_image_may_be_an_address_alone() -> None:
    message = from_openai({"role": "user", "content": [{"type": "image_url", "image_url": "https://x/a"}]})
    assert message.parts == (ImagePart(url="https://x/a"),)


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"reasoning_content": "Hm."}, [ReasoningPart("Hm.", {"field": "reasoning_content"})]),
        (
            {"reasoning": "Hm.", "reasoning_content": "Hm."},
            [ReasoningPart("Hm.", {"field": "reasoning_content"})],
        ),
        (
            {"reasoning": "Short.", "reasoning_content": "Hm."},
            [ReasoningPart("Hm.", {"field": "reasoning_content", "reasoning": "Short."})],
        ),
        ({"reasoning": ""}, []),
        (
            {"reasoning": "Hm.", "reasoning_details": [DETAIL, SECRET]},
            [
                ReasoningPart("Hm.", {"type": "reasoning.text", "signature": "s", "index": 0}),
                ReasoningPart(extra=SECRET),
            ],
        ),
        (
            {"reasoning": "Other.", "reasoning_details": [SECRET]},
            [ReasoningPart("Other.", {"field": "reasoning"}), ReasoningPart(extra=SECRET)],
        ),
    ],
)
def test_reasoning_is_parts_before_the_text(fields: Record, parts: list[Part]) -> None:
    message = from_openai({"role": "assistant", "content": "Hi", **fields})
    assert message.parts == (*parts, TextPart("Hi"))
    assert message.extra == {}


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (CALL, ToolCall("a", "f", {"x": 1})),
        (
            {"id": "a", "function": {"name": "f", "arguments": '{"x": 1}'}},
            ToolCall("a", "f", {"x": 1}, '{"x": 1}'),
        ),
        ({"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}, ToolCall("a", "f", {"x": 1})),
        ({"id": "a", "function": {"name": "f"}}, ToolCall("a", "f")),
        (
            {**CALL, "index": 0, "function": {**CALL["function"], "y": 2}},
            ToolCall("a", "f", {"x": 1}, extra={"index": 0, "function": {"y": 2}}),
        ),
        (
            {"id": "a", "type": "custom", "custom": {"name": "f", "input": "4"}},
            ToolCall("a", "f", {"input": "4"}, kind="custom"),
        ),
        (
            {"id": "a", "type": "custom", "custom": {"name": "f", "input": None}},
            ToolCall("a", "f", {"input": ""}, kind="custom"),
        ),
        ({"id": "a", "function": {"name": "f", "arguments": None}}, ToolCall("a", "f")),
    ],
)
def test_a_tool_call_is_a_part(call: Record, part: Part) -> None:
    assert from_openai({"role": "assistant", "tool_calls": [call]}).parts == (part,)


@pytest.mark.parametrize("text", ["{", "[1]", "5"])
def test_a_call_whose_arguments_are_no_object_is_invalid(text: str) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": text}, "new": 1}
    (part,) = from_openai({"role": "assistant", "tool_calls": [call]}).parts
    assert isinstance(part, InvalidToolCall)
    assert (part.raw_arguments, part.extra) == (text, {"new": 1})


def test_citations_are_on_the_text_if_there_is_one() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": "https://x", "start_index": 0, "end_index": 2}}
    answer = {"role": "assistant", "content": "Hi", "annotations": [cited]}
    (part,) = from_openai(answer).parts
    assert isinstance(part, TextPart)
    assert part.citations == (Citation("https://x", start=0, end=2, extra={"type": "url_citation"}),)
    assert from_openai({**answer, "annotations": []}) == Message("assistant", "Hi")
    assert from_openai({**answer, "content": None}).extra == {"annotations": [cited]}


@for_all(
    (
        ("data", "field", "shown"),
        [
            ("Hi", "", '"content": "Hello"'),
            ({"content": "Hi"}, "role", "user"),
            ({"role": "usr", "content": "Hi"}, "role", "user"),
            ({"role": "function", "content": "Hi"}, "role", "tool_call_id"),
            ({"role": "user", "text": "Hi"}, "content", '"content": "Hello"'),
            ({"role": "system", "content": None}, "content", '"content": "Hello"'),
            ({"role": "tool", "tool_call_id": "a"}, "content", '"role": "tool"'),
            ({"role": "user", "content": 5}, "content", '"type": "text"'),
            ({"role": "user", "content": b"5"}, "content", '"type": "text"'),
            ({"role": "user", "content": ["Hi"]}, "content[0]", '"type": "text"'),
            ({"role": "user", "content": [{"text": "Hi"}]}, "content[0]", '"type": "text"'),
            ({"role": "user", "content": [{"type": "text"}]}, "content[0]", '"text": "Hello"'),
            ({"role": "tool", "content": "18"}, "tool_call_id", '"role": "tool"'),
            ({**USER, "tool_call_id": "a"}, "tool_call_id", '"role": "tool"'),
            ({"role": "assistant", "tool_calls": "f"}, "tool_calls", '"arguments": "{}"'),
            ({"role": "assistant", "tool_calls": iter([CALL])}, "tool_calls", '"arguments": "{}"'),
            ({"role": "user", "content": iter([{"type": "text"}])}, "content", '"type": "text"'),
            ({"role": "assistant", "tool_calls": ["f"]}, "tool_calls[0]", '"arguments": "{}"'),
            ({"role": "assistant", "tool_calls": [{"id": "a"}]}, "tool_calls[0]", '"arguments": "{}"'),
            ({"role": "assistant", "tool_calls": [{**CALL, "id": 5}]}, "tool_calls[0]", '"arguments": "{}"'),
            (
                {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": [1]}}]},
                "tool_calls[0]",
                '"arguments": "{}"',
            ),
            (
                {"role": "assistant", "tool_calls": [{"id": "c", "type": "mcp", "mcp": {"name": "f"}}]},
                "tool_calls[0]",
                '"arguments": "{}"',
            ),
            (
                {
                    "role": "assistant",
                    "tool_calls": [{**CALL, "type": "custom", "custom": {"name": "f", "input": 5}}],
                },
                "tool_calls[0]",
                "its input must be text",
            ),
            ({"role": "assistant", "reasoning_details": "x"}, "reasoning_details", "list"),
        ],
    )
)
def test_a_wrong_form_is_refused_with_its_place_and_the_right_one(data: Any, field: str, shown: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        from_openai(data, 3)
    assert f"message 3{', ' if field else ''}{field}: " in str(caught.value)
    assert shown in str(caught.value)
    assert caught.value.index == 3
    with pytest.raises(InvalidRequestError) as caught:
        from_openai(data)
    assert caught.value.index is None


class OfAnSDK:
    """A message as the official SDKs have it."""

    def model_dump(self) -> Record:
        return USER


def test_a_message_of_an_sdk_is_refused_with_the_way_to_its_dict() -> None:
    with pytest.raises(InvalidRequestError, match=r"not OfAnSDK; give its model_dump\(\)"):
        as_messages([OfAnSDK()])  # type: ignore[list-item]  # what is refused
    assert as_messages([OfAnSDK().model_dump()]) == [from_openai(USER)]


def test_a_part_that_the_form_has_no_place_for_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="openai/chat takes no ServerToolPart"):
        to_openai(Message("assistant", [ServerToolPart("x")]))


NAMES = (
    "role content type text tool_calls function id name arguments tool_call_id reasoning refusal annotations"
)
WORDS = st.sampled_from(["user", "assistant", "tool", "text", "function"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | WORDS


@given(
    st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(NAMES.split()), inner | WORDS, max_size=5)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_a_message_or_an_error_of_ours(data: Any) -> None:
    try:
        message = from_openai(data)
    except InvalidRequestError:
        return
    assert isinstance(message, Message)


# Malformed parts.


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "image_url"}, '"image_url": {"url":'),
        ({"type": "image_url", "image_url": {}}, '"image_url": {"url":'),
        ({"type": "image_url", "image_url": {"url": 5}}, '"image_url": {"url":'),
        ({"type": "image_url", "image_url": {"url": ""}}, '"image_url": {"url":'),
        ({"type": "image_url", "image_url": 5}, '"image_url": {"url":'),
        ({"type": "input_audio", "input_audio": {}}, '"input_audio": {"data":'),
        ({"type": "input_audio", "input_audio": "x"}, '"input_audio": {"data":'),
        ({"type": "file", "file": {}}, '"file": {"file_id":'),
        ({"type": "file", "file": {"filename": "a"}}, '"file": {"file_id":'),
        ({"type": "file", "file": {"file_id": 5}}, '"file": {"file_id":'),
        ({"type": "image_ulr", "image_url": {"url": "u"}}, "did you mean image_url?"),
        ({"type": "txt", "text": "a"}, "did you mean text?"),
    ],
)
def test_a_malformed_part_is_refused_with_the_right_form_and_its_place(block: Record, words: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        as_messages([USER, {"role": "user", "content": [{"type": "text", "text": "a"}, block]}])
    assert caught.value.index == 1
    assert "message 1, content[1]" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}, '"image_url": {"url":'),
        ({"type": "document", "source": {"type": "url", "url": "https://a/b.pdf"}}, '"type": "file"'),
        ({"type": "tool_result", "tool_use_id": "a", "content": "18"}, '"role": "tool"'),
        ({"type": "tool_use", "id": "a", "name": "f", "input": {}}, "tool_calls"),
    ],
)
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_a_block_of_anthropics_is_refused_for_chat_with_the_right_form(
    block: Record, words: str, role: str
) -> None:
    history: list[Record] = [USER, {"role": role, "content": [{"type": "text", "text": "a"}, block]}, USER]
    with pytest.raises(InvalidRequestError, match=r"message 1, part 1: .* Anthropic's form") as caught:
        Provider(config("openai")).prepare(history)
    assert words in str(caught.value)


def test_a_block_of_anthropics_goes_to_anthropic_as_it_is_and_a_servers_own_block_to_chat() -> None:
    block = {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}
    sent = Provider(config("anthropic")).prepare([{"role": "user", "content": [block]}]).body["messages"]
    assert sent == [{"role": "user", "content": [block]}]
    own = {"type": "image", "image": "x"}
    sent = Provider(config("openai")).prepare([{"role": "user", "content": [own]}]).body["messages"]
    assert sent == [{"role": "user", "content": [own]}]


def test_what_is_no_message_is_refused_by_to_openai() -> None:
    with pytest.raises(TypeError, match="must be a Message, not dict; from_openai reads dicts"):
        to_openai({"role": "user"})  # type: ignore[arg-type]  # the mistake that is tested
