"""Helpers of several rooms: ways to cut bytes, for everything that must not depend on the cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hypothesis import strategies as st

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
"""Recorded traffic, which is no part of the project: where it is absent, the tests that read it skip."""
RESPONSES_CORPUS = CORPUS.with_name("corpus-responses")
"""The same of the Responses API."""


def every_split(data: bytes) -> Iterator[list[bytes]]:
    """`data` whole, then cut in two at each place, then byte by byte."""
    yield [data]
    for at in range(1, len(data)):
        yield [data[:at], data[at:]]
    yield [data[at : at + 1] for at in range(len(data))]


def chunkings(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """`data` in pieces of any sizes, empty ones among them."""

    def cut(places: list[int]) -> list[bytes]:
        ends = [*sorted(places), len(data)]
        return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    return st.lists(st.integers(0, len(data)), max_size=32).map(cut)


def with_chunkings(source: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[bytes, list[bytes]]]:
    """Bytes from `source`, and the same bytes in pieces."""
    return source.flatmap(lambda data: st.tuples(st.just(data), chunkings(data)))
