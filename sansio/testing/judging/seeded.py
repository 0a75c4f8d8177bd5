"""Choices that look random, but are the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

_T = TypeVar("_T")

_BYTES = 8  # of each digest: enough for any place in any sample


class Seeded:
    """A generator of choices: pure, so its seed is all that it depends on.

    Args:
        *seed: values that distinguish this generator from others.
    """

    def __init__(self, *seed: object) -> None:
        self._seed = repr(seed).encode()
        self._made = 0

    def below(self, limit: int) -> int:
        """A number of at least 0 and below `limit`; 0 if there is no such number."""
        self._made += 1
        digest = sha256(b"%d %b" % (self._made, self._seed)).digest()
        return int.from_bytes(digest[:_BYTES]) % max(1, limit)

    def choose(self, choices: Sequence[_T]) -> _T:
        """One of the choices."""
        return choices[self.below(len(choices))]

    def cut(self, data: bytes) -> list[bytes]:
        """The bytes in a few pieces. Some pieces may be empty."""
        places = sorted(self.below(len(data) + 1) for _ in range(1 + self.below(6)))
        return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]
