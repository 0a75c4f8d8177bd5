"""Looks for the smallest bytes that break a law in the same way."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

Breach: TypeAlias = Callable[[bytes], str]
"""Says how bytes break a law; an empty text if they do not."""

_RECORD = re.compile(rb".+?(?:\r\n\r\n|\n\n|\r\r(?!\n)|\Z)", re.DOTALL)
_TRIES = 300
"""How many smaller inputs are tried at most."""


def records_of(data: bytes) -> list[bytes]:
    """A stream cut behind each blank line."""
    return _RECORD.findall(data)


def bytes_of(data: bytes) -> list[bytes]:
    """Each byte."""
    return [data[at : at + 1] for at in range(len(data))]


def smallest(data: bytes, breach: Breach, *, valid: bool = False) -> tuple[bytes, str]:
    """The smallest bytes that were found, and how they break the law.

    Args:
        data: bytes that break the law.
        breach: says how bytes break the law.
        valid: whether only whole records are left out, since a part of a record is not valid.
    """
    found = breach(data)
    for split in (records_of,) if valid else (records_of, bytes_of):
        data, found = _without(split(data), breach, found)
    return data, found


def _without(parts: Sequence[bytes], breach: Breach, found: str) -> tuple[bytes, str]:
    """Leave out parts as long as the law is broken in the same way, first many at once."""
    kept = list(parts)
    size = max(1, len(kept) // 2)
    at = 0
    for _ in range(_TRIES):
        if at >= len(kept):
            at, size = 0, size // 2
        if not size:
            break
        fewer = [*kept[:at], *kept[at + size :]]
        other = breach(b"".join(fewer)) if fewer else ""
        if _kind(other) == _kind(found):
            kept, found = fewer, other
        else:
            at += size
    return b"".join(kept), found


def _kind(breach: str) -> str:
    """The part of a report that two equal breaches share: the words before the found value."""
    return " ".join(breach.split()[:3])
