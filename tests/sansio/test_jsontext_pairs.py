"""Surrogate pairs in either case, whole and half, in one text."""

from __future__ import annotations

import itertools
import string

import pytest

from sansio.errors import RemoteProtocolError
from sansio.jsontext import decode_object

HIGH = ("8", "9", "a", "b", "A", "B")
LOW = ("c", "d", "e", "f", "C", "D", "E", "F")


@pytest.mark.parametrize(("d", "e"), list(itertools.product("dD", "dD")))
def test_a_whole_pair_is_kept_if_half_a_pair_beside_it_is_replaced(d: str, e: str) -> None:
    for high, low in itertools.product(HIGH, LOW):
        for digits in ("3d", "3D", "fF", "00"):
            pair = rf"\u{d}{high}{digits}\u{e}{low}{digits}"
            whole = decode_object(f'{{"a": "{pair}"}}')["a"]
            assert isinstance(whole, str)
            assert len(whole) == 1
            for half in (rf"\u{d}{high}{digits}", rf"\u{e}{low}{digits}"):
                assert decode_object(f'{{"a": "{pair} {half}"}}') == {"a": whole + " \ufffd"}
                assert decode_object(f'{{"a": "{half} {pair}"}}') == {"a": "\ufffd " + whole}


@pytest.mark.parametrize("at", range(4))
def test_an_escape_with_another_character_than_a_digit_is_not_replaced(at: int) -> None:
    for sign in sorted(set(map(chr, range(0x20, 0x7F))) - set(string.hexdigits)):
        digits = "d83d"
        with pytest.raises(RemoteProtocolError):
            decode_object(rf'{{"a": "\u{digits[:at]}{sign}{digits[at + 1 :]}"}}')
