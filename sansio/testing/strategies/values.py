"""The texts, names and JSON that the other strategies put into answers and requests."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from sansio.content import DocumentPart
from sansio.families.media import media_type_of
from sansio.jsontext import JSONObject

# Any, here and below: a recursive strategy's JSON has no type that mypy could follow.

_TRICKY = (
    "word", "a b", " ", "\n", "\r\n\r\n", "\0", "é", "日本", "😀", "\u2028", "\x85", "\x0b", "\ufeff",
    "\ufffd", '"', "\\", "\\u", "data: ", "data: [DONE]\n\n", "[DONE]", ":", "{", "}", "</think>", "null",
)  # fmt: skip
_CHARACTERS = st.characters(exclude_categories=["Cs"])

TEXTS: st.SearchStrategy[str] = st.sampled_from(_TRICKY) | st.text(_CHARACTERS, min_size=1, max_size=8)
"""Never empty, and without half surrogate pairs, which no wire can carry."""

NAMES: st.SearchStrategy[str] = st.text("abcxyz_-019", min_size=1, max_size=8)
"""Names that every provider accepts for a tool, a call or an id."""

JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=3,
)
"""Values that come back equal from any decoder."""

OBJECTS: st.SearchStrategy[JSONObject] = st.dictionaries(TEXTS, JSON_VALUES, max_size=2)

COUNTS = st.integers(0, 2**40)
"""Numbers of tokens."""


@st.composite
def _json_texts(draw: st.DrawFn) -> tuple[str, JSONObject]:
    if draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(("", " ", "null", "{}", " {\n} "))), {}
    value = draw(OBJECTS)
    text = msgspec.json.encode(value)
    return msgspec.json.format(text, indent=draw(st.sampled_from((-1, 0, 2)))).decode(), value


JSON_TEXTS = _json_texts()
"""The text of a tool's arguments and its value: with spaces, without, blank, or `null`."""

COSTS = st.floats(0, 1_000)
"""Prices in US dollars."""

_KIND = "application/octet-stream"

BYTES = st.binary(min_size=1, max_size=8).filter(
    lambda data: media_type_of(DocumentPart(data=data, media_type=_KIND)) == _KIND
)
"""Data of media, never empty. It begins like no file of a known type, since that type would be sent."""
