"""Valid streams: the bytes of an answer, as its provider or any other server might frame them."""

from __future__ import annotations

import json
from functools import cache

from hypothesis import strategies as st
from msgspec import Struct

from sansio import Message, StreamComplete, StreamEvent
from sansio.testing.script import spoken
from sansio.testing.strategies.answers import events
from sansio.testing.strategies.framing import (
    BOM,
    ENDS,
    HARMLESS,
    SPACES,
    Record,
    data_of,
    read_records,
    spread,
    write,
)
from sansio.testing.wire import encode_events


class ValidStream(Struct, frozen=True):
    """A whole stream and what it means.

    Args:
        data: the bytes of the response's body.
        events: what a parser must make of them, the `StreamComplete` last.
        whole_from: how many bytes the answer needs. `data[:n]` with a smaller n is a truncated stream;
            with this n or more it has a finish reason and may end there.
    """

    data: bytes
    events: list[StreamEvent]
    whole_from: int

    @property
    def message(self) -> Message:
        """The whole answer, from the last event."""
        last = self.events[-1]
        assert isinstance(last, StreamComplete)
        return last.message


def streams(dialect: str) -> st.SearchStrategy[ValidStream]:
    """Valid streams of a provider.

    Framed as by the provider, or in any other way that means the same: every line end, no space after
    the colon, JSON over several data lines, a byte order mark, comments and control records in between.

    Raises:
        ValueError: there is no fake for the dialect.
    """
    spoken(dialect)
    return _streams(dialect)


@cache
@st.composite
def _streams(draw: st.DrawFn, type: str) -> ValidStream:
    answer = draw(events(type))
    records = read_records(encode_events(type, answer))
    if draw(st.booleans()):
        return _written(type, answer, records, b"", b"\n", b" ")
    every = draw(st.sampled_from((0, 1, 3)))
    if every:
        records = [record if at % every else spread(record) for at, record in enumerate(records)]
    for harmless in draw(st.lists(st.sampled_from(HARMLESS), max_size=3)):
        records.insert(draw(st.integers(0, len(records))), harmless)
    return _written(type, answer, records, draw(st.sampled_from((b"", BOM))), draw(ENDS), draw(SPACES))


def _written(
    type: str,
    answer: list[StreamEvent],
    records: list[Record],
    start: bytes,
    line_end: bytes,
    space: bytes,
) -> ValidStream:
    stream = bytearray(start)
    whole_from = 0
    for record in records:
        stream += write(record, line_end, space)
        if not whole_from and _tells_finish(type, record):
            whole_from = len(stream) - 2 * len(line_end)
    return ValidStream(bytes(stream), answer, whole_from)


def _tells_finish(type: str, record: Record) -> bool:
    data = data_of(record)
    if not data.startswith(b"{"):
        return False
    value = json.loads(data)
    if type.endswith("/responses"):
        return value["type"] in ("response.completed", "response.incomplete")
    if type == "anthropic":
        return bool(value["type"] == "message_delta")
    return any(choice["finish_reason"] for choice in value["choices"])
