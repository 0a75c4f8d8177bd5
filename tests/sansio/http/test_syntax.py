"""The grammar of HTTP: exactly which characters a name, a value and a URL may have."""

from __future__ import annotations

import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio.http.syntax import is_header_value, is_token, is_visible


def test_a_token_has_these_characters_and_no_others() -> None:
    """RFC 9110, section 5.6.2."""
    for char in map(chr, range(0x181)):
        listed = char in string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"
        assert [is_token(text) for text in (char, f"a{char}", f"{char}a")] == [listed] * 3


def test_visible_text_is_ascii_without_space_and_controls() -> None:
    for char in map(chr, range(0x181)):
        assert [is_visible(text) for text in (char, f"a{char}", f"{char}a")] == ["!" <= char <= "~"] * 3


def test_a_header_value_has_latin_1_without_control_characters() -> None:
    for char in map(chr, range(0x102)):
        printable = " " <= char <= "~" or "\x80" <= char <= "\xff" or char == "\t"
        assert is_header_value(f"a{char}b") is printable
        for value in (char, f"a{char}", f"{char}a"):
            assert is_header_value(value) is (printable and char not in " \t")


def test_only_a_value_may_be_empty() -> None:
    assert (is_token(""), is_visible(""), is_header_value("")) == (False, False, True)


@pytest.mark.parametrize("rule", [is_token, is_visible, is_header_value])
@given(text=st.text(max_size=20), end=st.sampled_from(("\n", "\r\n", "\x00", "\u0100")))
def test_what_could_end_a_line_is_never_sound(rule: Callable[[str], bool], text: str, end: str) -> None:
    assert not rule(text + end)
    assert not rule(end + text)


@pytest.mark.parametrize("rule", [is_token, is_visible, is_header_value])
@given(texts=st.lists(st.text("ab!:/ \t~", min_size=1, max_size=9), min_size=2, max_size=3))
def test_sound_texts_joined_are_sound(rule: Callable[[str], bool], texts: list[str]) -> None:
    if all(map(rule, texts)):
        assert rule("".join(texts))
