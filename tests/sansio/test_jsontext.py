"""JSON from a peer: any text decodes or is refused, the depth is bounded exactly, half pairs are replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from enum import Enum
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sansio import Role
from sansio.errors import LimitExceededError, RemoteProtocolError, StreamTruncatedError
from sansio.jsontext import JSON, as_record, decode, decode_object, is_shallow, json_fault

ANY = msgspec.json.Decoder(object)

JSONS: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.text(), JSONS, max_size=4)

FRAGMENTS = [
    "{", "}", "[", "]", '"', "\\", ":", ",", "a", '"a":', "1", "-", "1e999", "9" * 5_000, "null", "true", " ",
    "\n", "\\u", "\\ud83d", "\\ude00", "\\uD800", "\\udc00", "\\u0041", "\\n", "\\\\", '\\"', "\ud800",
    "\udfff", "\x00", "é", "😀",
]  # fmt: skip

TEXTS = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join),
    st.lists(st.sampled_from(FRAGMENTS), max_size=30).map(lambda parts: '{"a":"' + "".join(parts) + '"}'),
    st.text(st.characters(), max_size=30),
)


def depth_of(value: object) -> int:
    match value:
        case dict():
            return 1 + max(map(depth_of, value.values()), default=0)
        case list():
            return 1 + max(map(depth_of, value), default=0)
        case _:
            return 0


@given(OBJECTS)
def test_an_object_comes_back_as_it_was_written(value: dict[str, JSON]) -> None:
    assert decode_object(json.dumps(value)) == value
    assert decode_object(json.dumps(value, ensure_ascii=False, indent=1)) == value
    assert as_record(json.dumps(value)) == value


@given(value=OBJECTS, data=st.data())
def test_a_truncated_text_is_distinguished_from_a_malformed_one(
    value: dict[str, JSON], data: st.DataObject
) -> None:
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    with pytest.raises(StreamTruncatedError, match="breaks off" if cut else "is blank"):
        decode_object(cut, cut=StreamTruncatedError)
    with pytest.raises(RemoteProtocolError) as caught:
        decode_object(cut)
    assert type(caught.value) is RemoteProtocolError


def test_the_message_says_once_that_the_json_is_malformed() -> None:
    with pytest.raises(RemoteProtocolError, match=r"^malformed JSON: trailing characters") as caught:
        decode_object("{}}")
    assert caught.value.message.count("malformed") == 1


@pytest.mark.parametrize(
    "text", ["{nope", "{}}", '{"a":1,}', '{"a":-}', '{"a":1. }', "[]", "nope", "\x01", "é-"]
)
def test_a_text_that_nothing_could_make_whole_does_not_break_off(text: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_object(text, cut=StreamTruncatedError)
    assert type(caught.value) is RemoteProtocolError


def test_a_text_may_break_off_behind_half_a_pair() -> None:
    with pytest.raises(StreamTruncatedError, match="breaks off"):
        decode_object('{"a": "\\ud83d", "b', cut=StreamTruncatedError)


@given(text=TEXTS, max_depth=st.integers(1, 200))
@example(text='{"a": "\ud800', max_depth=1)
def test_any_text_is_an_object_or_an_error_of_the_peer(text: str, max_depth: int) -> None:
    try:
        value = decode_object(text, max_depth)
    except RemoteProtocolError:
        assert as_record(text, max_depth) == {"text": text}
    else:
        assert isinstance(value, dict)
        assert depth_of(value) <= max_depth


@given(value=JSONS, max_depth=st.integers(1, 8))
def test_the_depth_bound_is_exact(value: JSON, max_depth: int) -> None:
    text = json.dumps(value)
    if depth_of(value) > max_depth:
        with pytest.raises(LimitExceededError) as caught:
            decode(text, ANY, max_depth)
        assert caught.value.field == "max_json_depth"
        assert "max_json_depth" in str(caught.value)
    else:
        assert decode(text, ANY, max_depth) == value


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_the_default_depth_is_256(opening: str, closing: str) -> None:
    inner = "0" if closing == "}" else ""
    assert decode(opening * 256 + inner + closing * 256, ANY) is not None
    with pytest.raises(LimitExceededError):
        decode(opening * 257 + inner + closing * 257, ANY)


def test_brackets_inside_text_are_no_depth() -> None:
    text = json.dumps({"code": '[[[["' + "{" * 500 + "\\"})
    assert decode_object(text, 1) == json.loads(text)


@pytest.mark.parametrize(
    "text", ["[" * 1_000_000, '{"a":' * 1_000_000, '"' + "[" * 1_000, "]" * 300 + "[" * 300]
)
def test_hostile_nesting_is_refused_without_recursion(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        decode(text, ANY)


def test_a_depth_beyond_what_python_can_follow_is_an_error_of_the_peer() -> None:
    with pytest.raises(RemoteProtocolError, match="recursion"):
        decode("[" * 50_000 + "]" * 50_000, ANY, max_depth=100_000)


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"\ud83d\ude00", "😀"),
        (r"\ud83d", "\ufffd"),
        (r"\ude00", "\ufffd"),
        (r"a\uD83Db", "a\ufffdb"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\ud83d\u0041", "\ufffdA"),
        (r"\\ud83d", r"\ud83d"),
        (r"\\\ud83d", "\\\ufffd"),
        (r"\\\\ud83d\ud83d", "\\\\ud83d\ufffd"),
    ],
)
def test_half_a_surrogate_pair_becomes_the_replacement_character(escaped: str, text: str) -> None:
    assert decode_object(f'{{"a": "{escaped}"}}') == {"a": text}


@given(st.lists(st.integers(0xD7F0, 0xE010), max_size=8))
def test_half_pairs_are_replaced_as_utf_16_decoders_replace_them(units: list[int]) -> None:
    escaped = "".join(f"\\u{unit:04x}" for unit in units)
    expected = b"".join(unit.to_bytes(2, "little") for unit in units)
    text = decode_object(f'{{"a": "{escaped}"}}')["a"]
    assert isinstance(text, str)
    text.encode()
    assert text == lenient_utf_16(expected)


def lenient_utf_16(data: bytes) -> str:
    """Half pairs one by one as U+FFFD: surrogatepass keeps them, and no whole pair stays as two."""
    text = data.decode("utf-16-le", "surrogatepass")
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "null",
        "[]",
        '"a"',
        "1",
        "{",
        '{"a"}',
        '{"a":1,}',
        "{'a':1}",
        "{} {}",
        '{"a":NaN}',
        "\ufeff{}",
    ],
)
def test_what_is_no_object_is_refused_and_recorded_as_text(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_object(text)
    assert as_record(text) == {"text": text}


def test_the_decoders_type_is_kept_to() -> None:
    decoder = msgspec.json.Decoder(dict[str, int])
    assert decode('{"a": 1}', decoder) == {"a": 1}
    with pytest.raises(RemoteProtocolError, match="shape"):
        decode('{"a": "1"}', decoder)


class Half(Enum):
    PAIR = "\ud800"


FAULTS: list[tuple[object, str | None]] = [
    (float("nan"), "has nan, which JSON does not have; give a finite number"),
    (float("-inf"), "has -inf, which JSON does not have; give a finite number"),
    (1.5, None),
    ({1}, "has a set, which JSON does not have; give a list"),
    (frozenset(), "has a frozenset, which JSON does not have; give a list"),
    (b"x", "has a value of the type bytes, which is not JSON; give text, or the decoded value"),
    (
        bytearray(b"x"),
        "has a value of the type bytearray, which is not JSON; give text, or the decoded value",
    ),
    (
        memoryview(b"x"),
        "has a value of the type memoryview, which is not JSON; give text, or the decoded value",
    ),
    (msgspec.Raw(b"1"), "has a value of the type Raw, which is not JSON; give text, or the decoded value"),
    (iter([1]), "has an iterator, which could be read once only; give a list"),
    ("x", None),
    (5, None),
    (True, None),
    (None, None),
    ([], None),
    ((), None),
    ({}, None),
    (range(3), "has a value of the type range, which is not JSON; give a dict, a list, a text or a number"),
    (object(), "has a value of the type object, which is not JSON; give a dict, a list, a text or a number"),
    (date(2026, 11, 29), None),
    (Role.USER, None),
    (Half.PAIR, None),  # text, which is checked when the whole body is encoded
]


def test_the_reason_why_a_value_is_not_json_is_the_same_wherever_it_is() -> None:
    for value, fault in FAULTS:
        for holder in (
            value,
            [value],
            (value,),
            {"a": value},
            [1, {"a": ["x", value, 2]}],
            MappingProxyType({"a": value}),
        ):
            if not isinstance(value, Iterator) or holder is value:
                assert json_fault(holder) == fault, holder
    assert json_fault([iter([1])]) == FAULTS[9][1]
    assert json_fault([[]], 1) == "nests too deep, or contains itself"
    assert json_fault([[]], 2) is None
    assert json_fault({"a": ()}, 1) == "nests too deep, or contains itself"
    assert json_fault([1, {"a": {2}}, b"x"]) == FAULTS[3][1]


ERRORS: list[tuple[str, str]] = [
    ("", "malformed JSON: the text is blank"),
    (" \n", "malformed JSON: the text is blank"),
    ("{", "malformed JSON: the text breaks off"),
    ('{"a": "é', "malformed JSON: the text breaks off"),
    ('{"a": -', "malformed JSON: the text breaks off"),
    ('{"é": -', "malformed JSON: the text breaks off"),
    ('{"a": tru', "malformed JSON: the text breaks off"),
    ("[1]", "JSON of an unknown shape: "),
    ("{nope", "malformed JSON: "),
    ('{"a": -}', "malformed JSON: "),
]


@pytest.mark.parametrize(("text", "words"), ERRORS)
def test_text_that_is_not_an_object_is_refused_with_its_reason(text: str, words: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_object(text)
    if words.endswith(" "):
        assert caught.value.message.startswith(words)
        assert "breaks off" not in caught.value.message
    else:
        assert caught.value.message == words
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_text_that_nests_too_deep_names_the_limit() -> None:
    with pytest.raises(LimitExceededError) as caught:
        decode_object('{"a":{"b":{}}}', 2)
    assert (caught.value.message, caught.value.field) == ("JSON nests deeper than 2 levels", "max_json_depth")
    assert decode_object('{"a":{"b":{}}}', 3) == {"a": {"b": {}}}
    for text, depth in (("[[[],[[]]]]", 4), ('[{"a":[]},[{"b":{}},[]]]', 4), ("[[[[]]],[]]", 4)):
        assert decode(text, ANY, depth) == json.loads(text)
        with pytest.raises(LimitExceededError):
            decode(text, ANY, depth - 1)
    assert decode_object('{"a":["]"],"b":["[[[["],"c":{}}', 2) == {"a": ["]"], "b": ["[[[["], "c": {}}


def test_a_quick_look_never_calls_a_deep_text_shallow() -> None:
    for depth in range(1, 6):
        assert is_shallow(b"[" * depth + b"]" * depth, depth)
        assert not is_shallow(b"[" * (depth + 1) + b"]" * (depth + 1), depth)
        assert not is_shallow(b'{"a":' * (depth + 1) + b"1" + b"}" * (depth + 1), depth)
        assert is_shallow(b'{"a":"' + b"x" * 100 + b'"}', depth)
