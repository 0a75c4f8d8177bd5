"""How goldens of checks show bytes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

_SHOWN = 150


def counted(pieces: Sequence[bytes]) -> str:
    """Pieces in one line; long ones are shortened, and equal neighbours are counted."""
    if len(pieces) > 3 and all(len(piece) == 1 for piece in pieces):
        return f"{b''.join(pieces)!r}, byte by byte"
    runs = ((piece, len([*same])) for piece, same in groupby(pieces))
    return " ".join(
        f"{shortened(piece)} x{count}" if count > 1 else shortened(piece) for piece, count in runs
    )


def shortened(data: bytes) -> str:
    """Bytes, or the first of them and how many there are."""
    return f"{data!r}" if len(data) <= _SHOWN else f"{data[:_SHOWN]!r}... ({len(data)} bytes)"
