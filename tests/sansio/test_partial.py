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
from tests.support import for_each

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


ESCAPED = [
    "".join(f"\\u{code:04x}" for code in (0x0041, 0x00E9, 0x1234, 0x5678, 0x9ABC, 0xEF01, 0xD7FF, 0xE000)),
    "".join(f"\\u{code:04X}" for code in (0x0041, 0x00E9, 0x9ABC, 0xEF01, 0xD7FF, 0xFEDC)),
    *(f"a\\ud{high}3d\\ud{low}00z" for high in "89abAB" for low in "cdefCDEF"),
    *(f"\\uD{high}F9\\uD{low}90" for high in "89abAB" for low in "cdef"),
    *(
        f"\\ud83d{after}"
        for after in ("x", "\\n", "\\\\", '\\"', "\\u0041", "\\ud83d\\ude00", "\\ud83d", "é")
    ),
    "\\udc00\\udfffx",
    "\\udE00\\ud83d\\ude00",
    "\\\\u00e9 \\\\\\u00e9 \\\\\\\\ud83d \\\\\\ud83d\\ude00",
    '\\"\\\\\\/\\b\\f\\n\\r\\t',
    "plain {}[]:, é 世 \\\\",
]
"""The insides of JSON strings, with every kind of escape."""


def shown_of(inside: str) -> str:
    """What an unfinished string shows: all but an escape, or the first half of a pair, that may go on."""
    for end in range(len(inside), -1, -1):
        try:
            text: str = json.loads(f'"{inside[:end]}"')
        except ValueError:
            continue
        text = text[:-1] if "\ud800" <= text[-1:] <= "\udbff" else text
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    raise AssertionError(inside)


@for_each(ESCAPED)
def test_each_beginning_of_a_string_is_shown_up_to_an_escape_that_may_go_on(inside: str) -> None:
    for before, after in (("[", "]"), ('{"a": 1, "b": ', "}")):
        by_character = PartialJSON()
        by_character.feed(f'{before}"')
        for end in range(len(inside) + 1):
            wanted = [shown_of(inside[:end])] if before == "[" else {"a": 1, "b": shown_of(inside[:end])}
            at_once = PartialJSON()
            at_once.feed(f'{before}"{inside[:end]}')
            assert at_once.value == wanted
            assert by_character.value == wanted
            by_character.feed(inside[end : end + 1])
        by_character.feed(f'"{after}')
        assert by_character.finished
        assert not by_character.failed
    key = PartialJSON()
    key.feed(f'{{"{inside}": 1}}')
    assert key.value == {shown_of(inside + " ")[:-1]: 1}


def test_scalars_are_shown_when_they_are_complete() -> None:
    scalars = ["0", "-1", "12.5", "1e5", "1E+5", "-2.5e-10", "true", "false", "null", "1234567890"]
    text = f"[{','.join(scalars)}]"
    for size in (1, 2, 3, len(text)):
        partial = PartialJSON()
        for at in range(0, len(text), size):
            partial.feed(text[at : at + size])
            seen = text[: at + size]
            complete = seen.rstrip("]").split(",")[: seen.count(",") + seen.count("]")]
            assert partial.value == [json.loads(each.lstrip("[")) for each in complete]
        assert partial.finished


def test_blanks_of_json_may_be_anywhere_and_no_others() -> None:
    for blank in (" ", "\t", "\r", "\n", "\r\n\t "):
        partial = PartialJSON()
        for token in ("", "{", '"a"', ":", "[", "1", ",", "{", "}", "]", ",", '"b"', ":", '""', "}", ""):
            partial.feed(f"{token}{blank}")
        assert partial.value == {"a": [1, {}], "b": ""}
        assert (partial.finished, partial.failed) == (True, False)
    for other in ("\x0b", "\x0c", "\xa0", "\u2028", "\ufeff"):
        partial = PartialJSON()
        partial.feed(f"{other}{{}}")
        assert (partial.value, partial.failed) == (None, True)


def test_a_long_string_grows_by_each_character_up_to_4096_and_then_by_a_64th() -> None:
    partial = PartialJSON()
    partial.feed('["')
    shown = []
    for _ in range(4_300):
        partial.feed("x")
        assert isinstance(partial.value, list)
        shown.append(len(str(partial.value[0])))
    assert shown[:4_096] == list(range(1, 4_097))
    assert sorted(set(shown[4_096:])) == [4_096, 4_160, 4_225, 4_291]
    assert shown.index(4_160) == 4_159


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1,]", [1]),
        ("[1 2]", [1]),
        ('{"a":1 "b":2}', {"a": 1}),
        ('{,"a":1}', {}),
        ('{"a":1,"b"}', {"a": 1}),
        ('{"a"=1}', {}),
        ('{"a":}', {}),
        ("]", None),
        ("}", None),
        (":", None),
        (",", None),
        ("{]", {}),
        ("[:", []),
        ('{"a":1]', {"a": 1}),
        ("[1}", [1]),
        ("[] []", []),
        ('"a" 1', "a"),
        ("nope ", None),
        ("[+1]", []),
        ("[.5]", []),
        ("[1.]", []),
        ("[True]", []),
        ("[NaN]", []),
        ("{'a':1}", {}),
        ("{a:1}", {}),
    ],
)
def test_reading_ends_where_the_text_is_not_json(text: str, value: JSON) -> None:
    for size in (1, len(text)):
        partial = PartialJSON()
        for at in range(0, len(text), size):
            partial.feed(text[at : at + size])
        assert (partial.value, partial.failed) == (value, True)
        partial.feed('{"b": 2}')
        assert partial.value == value


def test_the_depth_is_bounded_exactly() -> None:
    for depth in (1, 2, 5):
        for opening in ("[", '{"a":'):
            fine, deep = PartialJSON(depth), PartialJSON(depth)
            fine.feed(opening * depth)
            deep.feed(opening * (depth + 1))
            assert (fine.failed, deep.failed) == (False, True)
            beside = PartialJSON(depth + 1)
            beside.feed("[" + "[]," * 10 + opening * depth)
            assert not beside.failed


def test_a_value_at_the_top_is_finished_when_it_has_ended() -> None:
    for text, finished in (
        ('"a', False),
        ('"a"', True),
        ("12", False),
        ("12 ", True),
        ("{}", True),
        ("[", False),
    ):
        partial = PartialJSON()
        assert not partial.finished
        partial.feed(text)
        assert partial.finished is finished
