"""Cuts the bodies of a recorded exchange in other places, since the network's cuts are random."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias, assert_never

from sansio.http import Body, Head, header
from sansio.testing.tape.reading import Timed

Cuts: TypeAlias = Literal["recorded", "event", "byte"]
"""Where bodies are cut: as they were received, behind each event of a stream, or behind each byte."""

_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE_END = re.compile(rb"\n")
_STREAMS = {
    "text/event-stream": _EVENT_END,
    "application/x-ndjson": _LINE_END,
    "application/jsonl": _LINE_END,
    "application/x-jsonl": _LINE_END,
}
"""The end of an event, by the media type of a stream. A body of any other type is one piece."""


def recut(inputs: Sequence[Timed], cuts: Cuts) -> Iterator[Timed]:
    """The same inputs with their bodies cut anew. A piece arrives when its last byte did."""
    match cuts:
        case "recorded":
            yield from inputs
        case "byte":
            for timed in inputs:
                if isinstance(timed.value, Body):
                    data = timed.value.data
                    yield from (Timed(timed.at, Body(data[at : at + 1])) for at in range(len(data)))
                else:
                    yield timed
        case "event":
            yield from _by_event(inputs)
        case _:
            assert_never(cuts)


def _by_event(inputs: Sequence[Timed]) -> Iterator[Timed]:
    end: re.Pattern[bytes] | None = None
    data, at = bytearray(), 0.0  # what was received of an event, and when the last of it arrived
    for timed in inputs:
        if isinstance(timed.value, Body):
            data += timed.value.data
            at = timed.at
            while end is not None and (found := end.search(data)):
                size = found.end()
                yield Timed(at, Body(bytes(data[:size])))
                del found, data[:size]  # the match would keep the data from being changed
            continue
        if data:
            yield Timed(at, Body(bytes(data)))
            data.clear()
        if isinstance(timed.value, Head):
            kind = (header(timed.value.headers, "content-type") or "").partition(";")[0].strip().lower()
            end = _STREAMS.get(kind)
        yield timed
