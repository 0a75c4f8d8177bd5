"""Breakpoints of the prompt cache: where `cache` sets them, and where the caller's own leave room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    ImagePart,
    InvalidRequestError,
    Message,
    Part,
    Provider,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
    UnknownPart,
)
from tests.sansio.wires import ASK, WEATHER, Record, body_of, config

SHORT = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
SYSTEM = Message(Role.SYSTEM, "Be brief.")
LOOP = [
    SYSTEM,
    *ASK,
    Message(Role.ASSISTANT, (ToolCall("a", "f"), ToolCall("b", "f"))),
    Message(Role.TOOL, "1", tool_call_id="a"),
    Message(Role.TOOL, "2", tool_call_id="b"),
]


def asked(messages: list[Message], tools: list[Record] | None = None, **options: Any) -> Record:
    return body_of(Provider(config("anthropic")), messages, tools, **options)


def marks(value: Any, path: str = "") -> Iterator[tuple[str, Record]]:
    """Every breakpoint of a body, with its path, in the order of tools, system, messages, body."""
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield from marks(item, f"{path}.{at}")
    if isinstance(value, dict):
        for name in ("tools", "system", "messages", "content"):
            yield from marks(value.get(name), f"{path}.{name}".lstrip("."))
        if value.get("cache_control"):
            yield path, value["cache_control"]


def without(value: Any) -> Any:
    """A body without its breakpoints, and each text as a block."""
    if isinstance(value, list):
        return [without(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: without(item) for name, item in value.items() if name != "cache_control"}
    for name in ("system", "content"):
        if isinstance(kept.get(name), str) and kept.get("type") != "tool_result":
            kept[name] = [{"type": "text", "text": kept[name]}]
    return kept


def test_breakpoints_end_the_tools_the_system_prompt_and_the_last_two_turns() -> None:
    body = asked(LOOP, [WEATHER], cache=True)
    assert dict(marks(body)) == {
        "tools.0": SHORT,
        "system.0": SHORT,
        "messages.0.content.0": SHORT,
        "messages.2.content.1": SHORT,
    }
    assert without(body) == without(asked(LOOP, [WEATHER]))


@pytest.mark.parametrize(("given", "mark"), [("5m", SHORT), ("1h", HOUR)])
def test_a_time_to_live_may_be_given(given: str, mark: Record) -> None:
    assert [found for _, found in marks(asked(LOOP, [WEATHER], cache=given))] == [mark] * 4


@pytest.mark.parametrize("off", [False, None])
def test_without_the_option_nothing_is_marked(off: object) -> None:
    assert asked(LOOP, [WEATHER], cache=off) == asked(LOOP, [WEATHER])


def test_a_first_question_alone_is_marked_once() -> None:
    assert dict(marks(asked(ASK, cache=True))) == {"messages.0.content.0": SHORT}


def test_the_assistant_s_words_and_blocks_that_cannot_be_cached_are_passed_over() -> None:
    odd = UnknownPart("odd", {"type": "odd"})
    signed = ReasoningPart("Hm.", extra={"signature": "c2ln"})
    messages = [
        Message(Role.USER, (TextPart("a"), ImagePart(url="u"), odd)),
        Message(Role.ASSISTANT, (signed,)),
        Message(Role.USER, (odd,)),
        Message(Role.ASSISTANT, "So"),
    ]
    assert dict(marks(asked(messages, cache=True))) == {"messages.0.content.1": SHORT}


@pytest.mark.parametrize(
    ("kind", "marked"),
    [("search_result", True), ("container_upload", True), ("thinking", False), ("something_new", False)],
)
def test_a_block_in_the_wires_own_form_is_marked_where_it_may_be(kind: str, marked: bool) -> None:
    block = UnknownPart(kind, {"type": kind})
    body = asked([Message(Role.USER, (TextPart("Look."), block))], cache=True)
    assert [path for path, _ in marks(body)] == [f"messages.0.content.{1 if marked else 0}"]


def test_a_tool_that_is_loaded_later_is_passed_over() -> None:
    later = {**WEATHER, "defer_loading": True, "function": {"name": "g", "parameters": {"type": "object"}}}
    assert dict(marks(asked(ASK, [WEATHER, later], cache=True))).keys() == {"tools.0", "messages.0.content.0"}
    assert dict(marks(asked(ASK, [later], cache=True))).keys() == {"messages.0.content.0"}


def test_the_caller_s_tools_are_not_changed() -> None:
    own: Record = {"type": "web_search_20260318", "name": "web_search"}
    assert asked(ASK, [own], cache=True)["tools"] == [{**own, "cache_control": SHORT}]
    assert "cache_control" not in own


@pytest.mark.parametrize("first", ["cache", "cache_control"])
def test_a_breakpoint_for_the_whole_body_is_the_last_turn_s(first: str) -> None:
    options = {"cache": True, "cache_control": SHORT}
    ordered = {first: options.pop(first), **options}
    assert dict(marks(asked(LOOP, [WEATHER], **ordered))).keys() == {
        "",
        "tools.0",
        "system.0",
        "messages.0.content.0",
    }


def marked(mark: Record | None) -> Record:
    return {} if mark is None else {"cache_control": mark}


def test_the_caller_s_breakpoints_count_and_the_end_comes_first() -> None:
    parts: tuple[Part, ...] = tuple(TextPart("a", extra=marked(SHORT)) for _ in range(3))
    messages = [SYSTEM, Message(Role.USER, parts), Message(Role.ASSISTANT, "So"), *ASK]
    assert dict(marks(asked(messages, [WEATHER], cache=True))).keys() == {
        "messages.0.content.0",
        "messages.0.content.1",
        "messages.0.content.2",
        "messages.2.content.0",
    }


def test_a_shorter_breakpoint_of_the_caller_shortens_those_behind_it() -> None:
    own = Message(Role.SYSTEM, (TextPart("Be brief.", extra=marked(SHORT)),))
    assert dict(marks(asked([own, *ASK], [WEATHER], cache="1h"))) == {
        "tools.0": HOUR,
        "system.0": SHORT,
        "messages.0.content.0": SHORT,
    }


def test_a_breakpoint_before_a_longer_one_of_the_caller_lives_as_long() -> None:
    own = Message(Role.SYSTEM, (TextPart("Be brief.", extra=marked(HOUR)),))
    assert dict(marks(asked([own, *ASK], [WEATHER], cache=True))) == {
        "tools.0": HOUR,
        "system.0": HOUR,
        "messages.0.content.0": SHORT,
    }


def said_no(
    messages: list[Message], tools: list[Record] | None = None, **options: Any
) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        asked(messages, tools, **options)
    return caught.value


def test_an_hour_that_no_breakpoint_can_have_is_refused() -> None:
    tool = {**WEATHER, "cache_control": SHORT}
    assert str(said_no(ASK, [tool], cache="1h")).startswith("cache: ")
    assert dict(marks(asked(ASK, [tool], cache=True))).keys() == {"tools.0", "messages.0.content.0"}


def test_a_fifth_breakpoint_of_the_caller_is_refused_with_its_place() -> None:
    parts: tuple[Part, ...] = tuple(TextPart("a", extra=marked(SHORT)) for _ in range(4))
    messages = [Message(Role.USER, parts), Message(Role.ASSISTANT, "So"), *ASK]
    asked(messages)
    asked(messages, cache=True)
    error = said_no(messages, cache_control=SHORT)
    assert str(error).startswith("cache_control: ")
    last = Message(Role.USER, (TextPart("b", extra=marked(SHORT)),))
    error = said_no([*messages[:2], last])
    assert error.index == 2
    assert "at most 4" in str(error)


def test_a_longer_breakpoint_behind_a_shorter_one_is_refused_with_both_places() -> None:
    last = Message(Role.USER, (TextPart("b", extra=marked(HOUR)),))
    error = said_no([last], [{**WEATHER, "cache_control": SHORT}])
    assert error.index == 0
    assert "tool 0" in str(error)
    asked([last], [{**WEATHER, "cache_control": HOUR}], cache_control=SHORT)


def spoken(*lives: Record) -> Message:
    return Message(Role.USER, tuple(TextPart("a", extra=marked(life)) for life in lives))


@pytest.mark.parametrize(
    ("messages", "tools", "whole", "place", "index"),
    [
        ([*ASK], [SHORT] * 5, None, "tool 4", None),
        ([*ASK], [SHORT, HOUR], None, "tool 1", None),
        ([*ASK], [SHORT], HOUR, "cache_control", None),
        ([spoken(SHORT)], [], HOUR, "cache_control", None),
        ([spoken(HOUR, SHORT, HOUR)], [], None, "message 0", 0),
        ([Message(Role.SYSTEM, spoken(SHORT).content), spoken(HOUR)], [], None, "message 1", 1),
        (
            [spoken(HOUR, HOUR), Message(Role.ASSISTANT, "So"), spoken(HOUR, HOUR, HOUR)],
            [],
            None,
            "message 2",
            2,
        ),
        ([spoken(HOUR, HOUR, SHORT)], [], SHORT, None, None),
        ([spoken(HOUR)], [HOUR, HOUR], HOUR, None, None),
    ],
)
def test_a_breakpoint_that_anthropic_refuses_is_named_with_its_place(
    messages: list[Message], tools: list[Record], whole: Record | None, place: str | None, index: int | None
) -> None:
    offered = [
        {"type": "function", "function": {"name": f"f{at}"}, **marked(life)} for at, life in enumerate(tools)
    ]
    options = {} if whole is None else {"cache_control": whole}
    if place is None:
        asked(messages, offered, **options)
        return
    error = said_no(messages, offered, **options)
    assert (str(error).partition(":")[0], error.index) == (place, index)


MARKS = st.sampled_from((None, None, SHORT, HOUR))


@given(
    st.lists(MARKS, max_size=2),
    st.lists(MARKS, max_size=2),
    st.lists(st.tuples(MARKS, MARKS), min_size=1, max_size=4),
    st.sampled_from((True, "5m", "1h")),
)
def test_four_breakpoints_at_most_the_longer_before_the_shorter_and_the_caller_s_unchanged(
    tools: list[Record | None],
    system: list[Record | None],
    turns: list[tuple[Record | None, Record | None]],
    cache: object,
) -> None:
    offered = [
        {"type": "function", "function": {"name": f"f{at}"}, **marked(mark)} for at, mark in enumerate(tools)
    ]
    messages = [Message(Role.SYSTEM, (TextPart("a", extra=marked(mark)),)) for mark in system]
    for user, inside in turns:
        call_id = f"call-{len(messages)}"
        messages += [
            Message(Role.USER, (TextPart("a", extra=marked(user)),)),
            Message(Role.ASSISTANT, (ToolCall(call_id, "f"),)),
            Message(Role.TOOL, (TextPart("b", extra=marked(inside)),), tool_call_id=call_id),
        ]
    lives = [mark for mark in (*tools, *system, *(mark for pair in turns for mark in pair)) if mark]
    if len(lives) > 4 or lives != sorted(lives, key=lambda mark: mark == SHORT):
        assert "cache_control" in str(said_no(messages, offered))
        return
    before = asked(messages, offered)
    try:
        body = asked(messages, offered, cache=cache)
    except InvalidRequestError as error:
        refused = str(error)
    else:
        refused = ""
    if refused:
        assert (cache, HOUR in lives) == ("1h", False)
        assert refused.startswith("cache: ")
        return
    own, found = dict(marks(before)), dict(marks(body))
    assert {path: found[path] for path in own} == own
    assert len(found) <= 4
    assert without(body) == without(before)

    lifetimes = [mark.get("ttl", "5m") for mark in found.values()]
    assert lifetimes == sorted(lifetimes)  # "1h" before "5m"
