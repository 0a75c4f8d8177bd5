"""Depth counts values inside one another, however many are side by side."""

from __future__ import annotations

import json

import msgspec
import pytest

from sansio.errors import LimitExceededError, RemoteProtocolError
from sansio.jsontext import decode, decode_object

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
