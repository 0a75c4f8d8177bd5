"""Hostile JSON: any one position of a text is replaced or removed."""

from __future__ import annotations

import json

from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from sansio.testing.strategies.hostile import hostile_json

TEXT = b'{"a":{"b":[1,{"c":2}]},"d":3}'
WITHOUT = [
    b"{}",
    b'{"d":3}',
    b'{"a":{},"d":3}',
    b'{"a":{"b":[{"c":2}]},"d":3}',
    b'{"a":{"b":[1]},"d":3}',
    b'{"a":{"b":[1,{}]},"d":3}',
    b'{"a":{"b":[1,{"c":2}]}}',
]
"""The text without each one of its positions."""
WITH = [
    b"%b",
    b'{"a":%b,"d":3}',
    b'{"a":{"b":%b},"d":3}',
    b'{"a":{"b":[%b,{"c":2}]},"d":3}',
    b'{"a":{"b":[1,%b]},"d":3}',
    b'{"a":{"b":[1,{"c":%b}]},"d":3}',
    b'{"a":{"b":[1,{"c":2}]},"d":%b}',
]
"""The text with something else in each position."""
LOOKING = settings(
    max_examples=3_000, phases=[Phase.generate], derandomize=True, database=None, deadline=None
)


def test_each_position_is_taken_away_or_has_something_else() -> None:
    seen: set[bytes] = set()

    @settings(LOOKING, max_examples=1_000)
    @given(hostile_json(TEXT))
    def look(text: bytes) -> None:
        seen.add(text)

    look()
    assert seen.issuperset(WITHOUT)
    assert seen.issuperset(place % wrong for place in WITH for wrong in (b"null", b"[]", b"NaN"))


@given(
    st.sampled_from([b"", b"{", b"nope", b'"\xff"']).flatmap(lambda t: st.tuples(st.just(t), hostile_json(t)))
)
def test_invalid_json_is_kept(texts: tuple[bytes, bytes]) -> None:
    before, after = texts
    assert after == before


def test_what_nests_without_end_is_damaged_near_its_surface() -> None:
    deep = b"[" * 500 + b"]" * 500
    text = find(hostile_json(deep), lambda text: text != deep, settings=LOOKING)
    assert json.loads(text) is not None
