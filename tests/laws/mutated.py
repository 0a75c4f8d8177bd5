"""Responses that are nearly right, read by `HTTPExchange` and by h11: `python -m tests.laws.mutated 100000`.

Each number gives one mutated response, always the same, and the pieces that it arrives in. So a difference is
found again by its number.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from random import Random

from sansio import Body, End, Head, HTTPExchange, Lost, Request
from sansio.http import Input
from sansio.testing.by_h11 import Understood, by_h11
from sansio.testing.nearly_http import nearly_http

REQUEST = Request.post("http://localhost:8000/v1/chat", (), b"{}")

_OTHER_VERSION = re.compile(rb"^HTTP/(?!1)[0-9]\.[0-9] ", re.MULTILINE)
_FRAMING_LINE = re.compile(rb"^(?:content-length|transfer-encoding):", re.MULTILINE | re.IGNORECASE)


def mutated(number: int) -> tuple[bytes, list[bytes]]:
    """A response with one to four faults, and its pieces."""
    random = Random(number)
    wire = nearly_http(random)
    cuts = sorted(random.randrange(len(wire) + 1) for _ in range(random.choice((0, 0, 1, 3, len(wire)))))
    return wire, [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]


def by_exchange(pieces: list[bytes]) -> Understood:
    """As read by an exchange."""
    exchange = HTTPExchange(REQUEST)
    inputs: list[Input] = []
    for piece in pieces:
        inputs += exchange.receive_data(piece)
    reusable = exchange.reusable
    inputs += exchange.receive_eof()
    head = inputs[0] if isinstance(inputs[0], Head) else Head(0)
    body = b"".join(value.data for value in inputs if isinstance(value, Body))
    end = "whole" if isinstance(inputs[-1], End) else "broken"
    assert isinstance(inputs[-1], (End, Lost))
    return Understood(head.status, head.headers, body, end, reusable)


def known_difference(wire: bytes, theirs: Understood, ours: Understood) -> str | None:
    """The name of the class that a difference belongs to; `None` if it is not a known one."""
    if ours.status == 0 and _OTHER_VERSION.search(wire):
        return "a major version that is not 1"  # read as HTTP/1.x by h11, refused here
    framing = {name for name, _ in ours.headers} & {"content-length", "transfer-encoding"}
    if len(framing) == 2 and ours == theirs._replace(reusable=False):
        return "framed twice"  # kept by h11, not kept here (RFC 9112, section 6.3)
    if ours.end == "whole" and ours[:3] == theirs[:3] and _FRAMING_LINE.search(wire.partition(b"0\r\n")[2]):
        return "framing in trailers"  # checked by h11, dropped unread here, as all trailers are
    return None


def differences(numbers: range) -> Iterator[tuple[int, str | None, Understood, Understood]]:
    """The responses that the two read differently: number, known class, h11's reading and ours."""
    for number in numbers:
        wire, pieces = mutated(number)
        theirs, ours = by_h11(wire), by_exchange(pieces)
        if theirs != ours:
            yield number, known_difference(wire, theirs, ours), theirs, ours


def main(count: int, first: int = 0) -> int:
    """Compare `count` responses, and print how many differ, by class; 1 if one differs in an unknown way."""
    classes: Counter[str] = Counter()
    for number, kind, theirs, ours in differences(range(first, first + count)):
        classes[kind or "unknown"] += 1
        if kind is None:
            print(f"{number}: {mutated(number)[0]!r}\n  h11:  {theirs}\n  ours: {ours}")
    print(f"{count} responses, first {first}: {dict(classes) or 'no difference'}")
    return int("unknown" in classes)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
