"""Ways to cut bytes, as a network might."""

from __future__ import annotations

import re

from hypothesis import strategies as st

_DELICATE = re.compile(rb'[\r\n:"\\\xc2-\xf4]')
"""Bytes after which a cut is worth trying: inside line ends, escapes and characters."""


def chunkings(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """Ways to cut `data` into pieces, empty ones among them; joined, they are `data` again.

    Whole, byte by byte, in equal pieces, at arbitrary places, and at places that break parsers: after a CR,
    inside a character, inside an escape.

    Example:
        `case.flatmap(lambda data: st.tuples(st.just(data), chunkings(data)))`, or inside a test that has
        `st.data()`: `for piece in data.draw(chunkings(stream)): parser.feed(piece)`.
    """
    return _chunkings(data)


@st.composite
def _chunkings(draw: st.DrawFn, data: bytes) -> list[bytes]:
    way = draw(st.sampled_from(("whole", "anywhere", "delicate", "equal")))
    if way == "equal":
        size = draw(st.integers(1, 5))
        return [data[at : at + size] for at in range(0, len(data), size)]
    ends: list[int] = []
    if way == "anywhere":
        ends = draw(st.lists(st.integers(0, len(data)), max_size=16))
    elif way == "delicate":
        delicate = [match.end() for match in _DELICATE.finditer(data)]
        ends = draw(st.lists(st.sampled_from(delicate), max_size=16)) if delicate else []
    ends.sort()
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]
