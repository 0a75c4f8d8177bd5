"""Made-up embeddings: the same text has the same vector."""

from __future__ import annotations

import hashlib

from sansio.jsontext import JSON


def vector(text: str, size: int) -> list[JSON]:
    """A text's vector, of numbers that a 32-bit float holds exactly, so that every form of it says the same.

    Args:
        size: how many numbers.
    """
    digest = hashlib.sha256(text.encode()).digest()
    return [(digest[place % len(digest)] - 128) / 128 for place in range(size)]
