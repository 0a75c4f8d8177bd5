"""Reasoning between tags in the text, as servers give it that do not parse what their model says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    ContentDelta,
    FinishReason,
    Message,
    Profile,
    Provider,
    ProviderConfig,
    ReasoningDelta,
    ReasoningPart,
    Role,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    register_provider,
    replay,
)
from tests.sansio.wires import ASK, Record

PIECES = ("<think>", "</think>", "<", "/", "think", ">", "\n", "Hm.", "<b>", "</thin", "<think", " ", "é")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
"""Texts with tags, and with what only looks like one."""


@pytest.fixture(scope="module", autouse=True)
def tagged() -> str:
    register_provider(
        "tagged", Profile(base_url="https://t.example.com/v1", api_key_env="K", think_tags=True)
    )
    return "tagged"


def chunk(delta: Record, finish: str | None = None) -> bytes:
    body = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def stream(*pieces: str, finish: str = "stop") -> bytes:
    return b"".join(chunk({"content": piece}) for piece in pieces) + chunk({}, finish) + b"data: [DONE]\n\n"


def read(data: bytes, type: str = "tagged") -> list[StreamEvent]:
    parser = StreamParser(type)
    return [*parser.receive_data(data), *parser.receive_eof()]


def message_of(events: list[StreamEvent]) -> Message:
    last = events[-1]
    assert isinstance(last, StreamComplete), last
    return last.message


def sent_back(message: Message, type: str = "tagged") -> Record:
    """The answer as the next request has it."""
    provider = Provider(ProviderConfig(type=type, model="m"))
    body: Record = dict(provider.prepare([Message(Role.USER, "Hi"), message, *ASK]).body)
    wire: Record = body["messages"][1]
    return wire


def said_in(events: list[StreamEvent], kind: type[ContentDelta | ReasoningDelta]) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))


@given(text=TEXTS, places=st.lists(st.integers(0, 60), max_size=12))
def test_any_text_at_any_cut_is_read_alike_and_goes_back_as_it_was_received(
    text: str, places: list[int]
) -> None:
    ends = sorted({min(place, len(text)) for place in places} | {len(text)})
    pieces = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    events = read(stream(*pieces))
    message = message_of(events)
    assert message.content == message_of(read(stream(text))).content
    body: Record = {"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]}
    whole = Provider(ProviderConfig(type="tagged", model="m")).dialect.parse_response(body)
    assert whole.parts == message.parts
    thinks = text.startswith("<think>")
    assert bool(message.reasoning) <= thinks
    thought, _, said = text.removeprefix("<think>").partition("</think>") if thinks else ("", "", text)
    assert (message.reasoning or "", message.text) == (thought, said)
    if text:
        assert sent_back(message)["content"] == text
    for told in (events, replay(message)):
        assert said_in(told, ReasoningDelta) == thought
        assert said_in(told, ContentDelta) == said


@pytest.mark.parametrize("thought", ["a", "<", "a<<", "</", "a</thi</", "<</think"])
def test_a_tag_may_be_cut_anywhere_behind_what_looks_like_one(thought: str) -> None:
    text = f"<think>{thought}</think>So."
    cuts = [(text[:place], text[place:]) for place in range(1, len(text))]
    for pieces in (*cuts, tuple(text), ("<think>", thought, "</thi", "nk>So.")):
        message = message_of(read(stream(*pieces)))
        assert (message.reasoning, message.text) == (thought, "So.")


@pytest.mark.parametrize(
    ("pieces", "given"),
    [
        (("<think>a < b",), "a < b"),
        (("<think>a", "b"), "ab"),
        (("<think>a<", "b<", "c"), "a<b<c"),
        (("<think>a</b>",), "a</b>"),
        (("<think>a</thin",), "a"),
        (("<think>a", "</think"), "a"),
        (("<think>a<",), "a"),
    ],
)
def test_what_cannot_be_a_tag_is_given_at_once(pieces: tuple[str, ...], given: str) -> None:
    parser = StreamParser("tagged")
    events = [event for piece in pieces for event in parser.receive_data(chunk({"content": piece}))]
    assert said_in(events, ReasoningDelta) == given


def test_reasoning_in_a_field_after_thinking_in_the_text_joins_it() -> None:
    data = chunk({"content": "<think>Hm.</think>"}) + chunk({"reasoning_content": " So."}) + stream("Hi")
    message = message_of(read(data))
    assert message.parts[0] == ReasoningPart("Hm. So.", {"field": "<think>"})


def test_an_answer_that_was_cut_in_its_thinking_goes_back_without_the_end() -> None:
    message = message_of(read(stream("<think>\nOkay, ", "so</th", finish="length")))
    assert message.finish_reason is FinishReason.LENGTH
    assert (message.reasoning, message.text) == ("\nOkay, so</th", "")
    assert sent_back(message)["content"] == "<think>\nOkay, so</th"


def test_a_stream_that_breaks_off_keeps_what_looks_like_a_tag() -> None:
    for pieces, thought, said in ((("<think>Hm.</", "thi"), "Hm.</thi", ""), (("<thi",), "", "<thi")):
        last = read(b"".join(chunk({"content": piece}) for piece in pieces))[-1]
        assert isinstance(last, StreamFailed)
        assert last.error.partial is not None
        assert (last.error.partial.reasoning or "", last.error.partial.text) == (thought, said)


def test_beside_reasoning_in_a_field_a_tag_is_text() -> None:
    data = chunk({"reasoning_content": "Hm."}) + stream("<think>x</think>y")
    message = message_of(read(data))
    assert (message.reasoning, message.text) == ("Hm.", "<think>x</think>y")
    wire = sent_back(message)
    assert (wire["reasoning_content"], wire["content"]) == ("Hm.", "<think>x</think>y")


def test_thinking_that_is_empty_keeps_its_place_before_the_text() -> None:
    message = message_of(read(stream("<think></think>", "\n\nHi")))
    assert message.parts[0] == ReasoningPart("", {"field": "<think>"})
    assert sent_back(message)["content"] == "<think></think>\n\nHi"


@pytest.mark.parametrize("type", ["minimax", "perplexity"])
def test_types_whose_servers_have_it_in_the_text(type: str) -> None:
    message = message_of(read(stream("<think>\nHm.\n</think>\n\n", "Hi"), type))
    assert (message.reasoning, message.text) == ("\nHm.\n", "\n\nHi")
    assert sent_back(message, type)["content"] == "<think>\nHm.\n</think>\n\nHi"


@pytest.mark.parametrize("type", ["openai", "vllm", "groq", "huggingface"])
def test_elsewhere_it_is_text(type: str) -> None:
    assert message_of(read(stream("<think>Hm.</think>Hi"), type)).text == "<think>Hm.</think>Hi"
