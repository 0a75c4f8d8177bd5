"""Partial JSON: at every cut the value is a beginning of the whole, and at the end it is the whole."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import PartialJSON
from sansio.jsontext import JSON
from tests.laws.oracle import assert_copies_linear, assert_linear

TEXTS = st.text() | st.text('\\"/\n\té😀\ud83d'.replace("\ud83d", ""), max_size=8)
VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.builds(
    lambda value, ascii, indent: json.dumps(value, ensure_ascii=ascii, indent=indent),
    st.dictionaries(TEXTS, VALUES, max_size=4) | st.lists(VALUES, max_size=4) | TEXTS,
    st.booleans(),
    st.none() | st.just(1),
)


def is_beginning(some: JSON, whole: JSON) -> bool:
    """Whether it may be what has arrived of the whole."""
    match some, whole:
        case str(), str():
            return whole.startswith(some)
        case list(), list():
            return len(some) <= len(whole) and all(map(is_beginning, some, whole))
        case dict(), dict():
            return list(some) == list(whole)[: len(some)] and all(
                is_beginning(value, whole[name]) for name, value in some.items()
            )
        case _:
            return type(some) is type(whole) and some == whole


@given(DOCUMENTS, st.data())
def test_each_cut_gives_a_beginning_and_the_end_the_whole(document: str, data: st.DataObject) -> None:
    whole = json.loads(document)
    partial = PartialJSON()
    at = 0
    while at < len(document):
        size = data.draw(st.integers(1, 5))
        partial.feed(document[at : at + size])
        at += size
        assert partial.value is None or is_beginning(partial.value, whole)
    assert partial.finished
    assert not partial.failed
    assert partial.value == whole


@given(DOCUMENTS)
def test_the_value_does_not_depend_on_the_cuts(document: str) -> None:
    by_character = PartialJSON()
    for end in range(1, len(document) + 1):
        by_character.feed(document[end - 1 : end])
        at_once = PartialJSON()
        at_once.feed(document[:end])
        assert at_once.value == by_character.value


@given(st.lists(st.text('{}[]":,\\u01dD8 \ntruefalsn-.eE\x00', max_size=6), max_size=12))
def test_any_text_ends_in_one_state_and_what_is_whole_is_json(pieces: list[str]) -> None:
    partial = PartialJSON()
    for piece in pieces:
        partial.feed(piece)
    text = "".join(pieces)
    if partial.finished and not partial.failed:
        assert partial.value == json.loads(text)
    before = copy.deepcopy(partial.value)
    if partial.failed:
        partial.feed("]}")
        assert partial.value == before


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        (' {"ci', {}),
        ('{"city"', {}),
        ('{"city":', {}),
        ('{"city": "Nan', {"city": "Nan"}),
        ('{"city": "Nantes", "days": 1', {"city": "Nantes"}),
        ('{"city": "Nantes", "days": 12}', {"city": "Nantes", "days": 12}),
        ('{"a": [1, {"b": tru', {"a": [1, {}]}),
        ('{"a": "x\\u00', {"a": "x"}),
        ('{"a": "x\\ud83d', {"a": "x"}),
        ('{"a": "x\\ud83d\\ude00', {"a": "x😀"}),
        ('{"a": "x\\uD83D', {"a": "x"}),
        ('{"a": "x\\uD83D\\uDE0', {"a": "x"}),
        ('{"a": "x\\uD83D\\uDE00', {"a": "x😀"}),
        ('{"a": "x\\\\', {"a": "x\\"}),
        ('{"a": "\\ud83dx', {"a": "\ufffdx"}),
        ('"root', "root"),
    ],
)
def test_what_has_arrived_is_shown(text: str, value: JSON) -> None:
    partial = PartialJSON()
    partial.feed(text)
    assert partial.value == value
    assert not partial.failed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{1", {}),
        ('{"a" 1', {}),
        ('{"a": 1 2', {"a": 1}),
        ('{"a": nul}', {}),
        ('{"a": 01}', {}),
        ('{"a": "\n"', {"a": ""}),
        ('{"a": "\\x"', {"a": ""}),
        ("[1}", [1]),
        ("[,", []),
        ('{"a": 1,}', {"a": 1}),
        ("{} x", {}),
        ("[[[", [[]]),
    ],
)
def test_malformed_json_leaves_the_value_as_it_was(text: str, value: JSON) -> None:
    partial = PartialJSON(max_depth=2)
    partial.feed(text)
    assert partial.failed
    assert partial.value == value


def test_a_long_string_is_shown_with_little_delay_and_whole_at_its_end() -> None:
    partial = PartialJSON()
    partial.feed('{"text": "')
    for count in range(1, 20_000):
        partial.feed("x")
        assert isinstance(partial.value, dict)
        shown = len(str(partial.value["text"]))
        assert shown == count or (count > 4_096 and shown >= count * 0.98)
    partial.feed('"')
    assert partial.value == {"text": "x" * 19_999}


def test_linear_in_the_arguments() -> None:
    """The value is read after each piece of one long string."""

    def run(deltas: int) -> None:
        partial = PartialJSON()
        partial.feed('{"text": "')
        for _ in range(deltas):
            partial.feed("some words ")
            assert partial.value

    assert_linear(run, 5_000)
    assert_copies_linear(run, 10_000)


def copied(deltas: int) -> int:
    """How many characters are copied if the value is read after each of so many pieces of a string."""
    partial = PartialJSON()
    partial.feed('{"text": "')
    copied = shown = 0
    for _ in range(deltas):
        partial.feed("some words ")
        assert isinstance(partial.value, dict)
        if (size := len(str(partial.value["text"]))) != shown:
            shown = size
            copied += size
    partial.feed('"}')
    assert partial.finished
    return copied


def test_twice_the_arguments_cost_at_most_2_3_times() -> None:
    assert copied(100_000) <= 2.3 * copied(50_000)
