"""`SSEFramer` against `SSEDecoder`, which reads every stream line by line.

`python -m tests.sansio.framing.compare [CASES] [SEED]` compares that many random streams, each under random
limits and cuts, with and without names.
"""

from __future__ import annotations

import random
import re
import sys

from sansio import ServerSentEvent, SSEDecoder, SSEFramer
from tests.sansio.framing.frames import Failure, Frame, frames

NO_LIMIT = 1 << 24

TOKENS = [
    b'data: {"a":1}', b"data: ", b"data:x", b"data:{}", b"data:  {}", b"data",
    b"event: delta", b"event: stop", b"event:delta", b"event: message", b"event: error", b"event",
    b": c", b"id: 4", b"retry: 5", b"junk", b"\xef\xbb\xbf", b"\xef\xbb", b"\xff",
    b"\n", b"\n", b"\n\n", b"\r\n", b"\r\n\r\n", b"\r", b"\n\r", b"\n\n\n",
    b'data: {"a":1}\n\n', b"data:{}\n\n", b"data: 1\n\ndata: 2\n\n", b"data:1\n\ndata: 2\n\ndata:1\n\n",
    b"data: b\r\n\r\ndata: c\r\n\r\n", b"data: b\r\rdata: c\r\r", b"data: [1,\ndata: 2]\n\n",
    b"data: [1,\n2]\n\n", b"data: x\n: c\n\n", b"data: x\revent: error\n\n", b"data: x\nevent: error\n\n",
    b'event: delta\ndata: {"t":"a"}\n\n' * 3, b'event: stop\ndata: {"t":"b"}\n\n' * 2,
    b"event: delta\r\ndata: x\r\n\r\n" * 2, b"event: delta\ndata:{}\n\n" * 2, b"event: delta\n\n",
    b"event: error\ndata: x\nevent: message\n\n", b"event: message\ndata: x\n\n" * 2,
    b"event: a\nid: 1\ndata: x\n\n", b"event: " + b"n" * 220 + b"\ndata: x\n\n",
    b"data: " + b"x" * 40 + b"\n\n", b"data: \n\n", b"data:\n\n",
    b"data: \xff\n\n", b"data: \xe2\x80\xa8\n\n",
]  # fmt: skip
"""Pieces of streams: events of forms that can be learned, and near misses."""

_EVENT_ENDS = re.compile(rb"(?:\r?\n\r?\n|\r\r)")


def at_event_ends(stream: bytes) -> list[bytes]:
    """The stream cut after each blank line, as most servers send it."""
    ends = [match.end() for match in _EVENT_ENDS.finditer(stream)]
    return [stream[start:end] for start, end in zip([0, *ends], [*ends, len(stream)], strict=True)]


def assert_same(stream: bytes, pieces: list[bytes], limit: int = NO_LIMIT) -> None:
    """The framer reads the same as the decoder, names, offsets and failure included, at any cut."""
    decoder = SSEDecoder(max_event_bytes=limit, dispatch_at_eof=True)
    items = decoder.receive_data(stream) + decoder.receive_eof()
    for names in (False, True):
        wanted = [
            (item.data, item.event if names and item.event != "message" else "", item.offset)
            if isinstance(item, ServerSentEvent)
            else (type(item.error), item.error.offset, item.error.field)
            for item in items
        ]
        found = frames(SSEFramer(limit, names=names), pieces)
        assert [_decoded(frame) for frame in found] == wanted
        # Byte by byte, all events are read by lines.
        single = [stream[at : at + 1] for at in range(len(stream))]
        assert frames(SSEFramer(limit, names=names), single) == found


def _decoded(frame: Frame | Failure) -> object:
    payload, *rest = frame
    return (payload.decode("utf-8", "replace"), *rest) if isinstance(payload, bytes) else frame


def random_case(source: random.Random) -> tuple[bytes, list[bytes], int]:
    """A stream, the same in pieces, and a limit."""
    stream = b"".join(source.choices(TOKENS, k=source.randint(1, 20)))
    limit = source.choice([NO_LIMIT, NO_LIMIT, NO_LIMIT, 8, 14, 32, 64])
    way = source.random()
    if way < 0.3:
        return stream, at_event_ends(stream), limit
    if way < 0.45:
        return stream, [stream], limit
    pieces = []
    at = 0
    longest = source.choice([4, 30, 200])
    while at < len(stream):
        size = source.randint(0, longest)
        pieces.append(stream[at : at + size])
        at += size
    return stream, pieces, limit


def compare(cases: int, seed: int) -> None:
    """Compare this many random streams."""
    source = random.Random(seed)
    for _ in range(cases):
        assert_same(*random_case(source))


if __name__ == "__main__":
    count, seed = (int(argument) for argument in (sys.argv[1:] + ["20000", "1"][len(sys.argv) - 1 :])[:2])
    compare(count, seed)
    print(f"{count} streams, with and without names: the same")
