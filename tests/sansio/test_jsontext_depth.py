"""Depth counts values inside one another, however many are side by side."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal

import msgspec
import pytest

from sansio.errors import LimitExceededError, RemoteProtocolError
from sansio.jsontext import JSON, decode, decode_object, json_fault

ANY = msgspec.json.Decoder(object)


@pytest.mark.parametrize("one", [{}, [], {"a": []}, [{}], "]", "{", '"['])
def test_values_side_by_side_add_no_depth(one: object) -> None:
    value = [one] * 300
    assert decode(json.dumps(value), ANY, 3) == value


@pytest.mark.parametrize(("text", "depth"), [("[{}]", 2), ('{"a":[]}', 2), ('[[],{"a":{}}]', 3)])
def test_both_brackets_count(text: str, depth: int) -> None:
    assert decode(text, ANY, depth) == json.loads(text)
    with pytest.raises(LimitExceededError):
        decode(text, ANY, depth - 1)


def test_the_limit_is_kept_if_half_a_pair_is_replaced() -> None:
    assert decode_object(r'{"a": {"b": "\ud83d"}}', 2) == {"a": {"b": "\ufffd"}}
    with pytest.raises(LimitExceededError):
        decode_object(r'{"a": {"b": "\ud83d"}}', 1)


def test_empty_text_is_text_whose_end_is_seen() -> None:
    assert decode('["",[["{[{["]],""]', ANY, 3) == ["", [["{[{["]], ""]
    for before in ('""', '"",""', '{"":""}', '"a",""'):
        with pytest.raises(LimitExceededError):
            decode(f"[{before},[[[1]]]]", ANY, 3)


def test_brackets_inside_text_that_was_cut_are_no_depth() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode('{"a":"' + "[" * 500, ANY, 5)
    assert not isinstance(caught.value, LimitExceededError)


def nested(levels: int) -> JSON:
    value: JSON = 1.5
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("limit", [1, 2, 5, 256])
def test_a_value_may_be_as_deep_as_the_limit_and_no_deeper(limit: int) -> None:
    assert json_fault(nested(limit), limit) is None
    assert "too deep" in str(json_fault(nested(limit + 1), limit))


def test_a_value_deeper_than_python_recurses_is_too_deep_under_any_limit() -> None:
    assert "too deep" in str(json_fault(nested(50_000), 1_000_000))


def test_types_that_the_encoder_knows_are_left_to_it() -> None:
    assert json_fault({"a": [datetime.date(2026, 11, 28), ["x"], Decimal(1)]}) is None
