"""Where a case's bytes are cut: at the places where parsers go wrong, and at some that a seed chooses."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sansio.testing.judging.seeded import Seeded

_RANDOM = 3
_INSIDE_LINE_ENDS = re.compile(rb"(?<=[\r\n])(?=[\r\n])")
_INSIDE_CHARACTERS = re.compile(rb"(?=[\x80-\xbf])")
_INSIDE_WORDS = re.compile(
    rb'(?<=dat)(?=a:)|(?<=\[DO)(?=NE\])|(?<=\\)(?=["\\/bfnrtu])|(?<=\\u[0-9a-fA-F]{2})'
)
"""The name of a field, the end marker, and escapes of JSON."""


def cuts_of(data: bytes) -> list[list[int]]:
    """Different lists of ascending offsets inside the data. The first list is empty, for no cut.

    They depend only on the data.
    """
    found = [
        _places(_INSIDE_LINE_ENDS, data),
        _places(_INSIDE_CHARACTERS, data),
        _places(_INSIDE_WORDS, data),
    ]
    events = [match.end() for match in re.finditer(rb"\r\n\r\n|\n\n|\r\r", data)]
    choices = Seeded("corpus", data)
    chosen = [
        {choices.below(len(data)) for _ in range(1 + choices.below(6))} for _ in range(_RANDOM if data else 0)
    ]
    lists = [[], *(sorted(_inside(offsets, data)) for offsets in (events, *found, *chosen))]
    return [list(offsets) for offsets in dict.fromkeys(map(tuple, lists))]


def _places(pattern: re.Pattern[bytes], data: bytes) -> list[int]:
    return [match.start() for match in pattern.finditer(data)]


def _inside(offsets: Iterable[int], data: bytes) -> set[int]:
    return {offset for offset in offsets if 0 < offset < len(data)}
