"""What each law of `check_parser` feeds a parser, as in `goldens/tried_parser.txt`.

The file has all streams of a check of three small samples, in the pieces in which they are fed. To write it
anew, run `python -m tests.sansio.testing.parsers.test_tried`; read what changed before you keep it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sansio.testing import Parser, Sample
from sansio.testing.parsers import laws_for
from sansio.testing.parsers.bench import Bench
from sansio.testing.parsers.formats import CUT, FAILING, format_of
from tests.sansio.testing.parsers import plain
from tests.sansio.testing.showing import counted

GOLDEN = Path(__file__).parents[1] / "goldens" / "tried_parser.txt"


def chunk(delta: str, reason: str) -> bytes:
    return b'data: {"choices":[{"delta":{%b},"finish_reason":%b}]}\n\n' % (delta.encode(), reason.encode())


CALL = '"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\\"a\\""}}]'
END = b"data: [DONE]\n\n"
SAMPLES = {
    "openai": [
        Sample(name="text", data=chunk('"content":"Hi"', '"stop"') + END),
        Sample(name=CUT, data=chunk(CALL, '"length"') + END),
        Sample(name=FAILING, data=b'data: {"error":{"message":"Busy."}}\n\n', fails=True),
    ],
    "anthropic": [
        Sample(
            name=FAILING,
            data=b'event: ping\ndata: {"type":\ndata: "ping"}\n\n'
            b'event: error\ndata: {"type":"error","error":{}}\n\n',
            fails=True,
        ),
    ],
    "sse": [Sample(name="events", data=b"event: x\ndata: 1\n\ndata: {}\n\n")],
}
KINDS: dict[str, Callable[[], Parser]] = {
    "openai": plain.Ours,
    "anthropic": plain.OursOfAnthropic,
    "sse": plain.Decoder,
}


class Heard:
    """A parser that writes down what it is fed."""

    def __init__(self, parser: Parser, log: list[list[bytes]]) -> None:
        self._parser = parser
        self._fed: list[bytes] = []
        log.append(self._fed)

    def feed(self, data: bytes) -> None:
        self._fed.append(data)
        self._parser.feed(data)

    def close(self) -> object:
        return self._parser.close()


def tried(dialect: str, samples: Sequence[Sample]) -> Iterator[str]:
    """What is fed for each law."""
    log: list[list[bytes]] = []
    bench = Bench(lambda: Heard(KINDS[dialect](), log), format_of(dialect), samples, (), 1, 2)
    for law in laws_for(dialect).values():
        for sample in law.samples(bench):
            log.clear()
            law.check(bench, sample)
            yield f"=== {dialect}, {law.name}: {sample.name}"
            yield from map(counted, log)


def all_tried() -> list[str]:
    return [line for dialect, samples in SAMPLES.items() for line in tried(dialect, samples)]


def test_each_law_feeds_what_is_written_down() -> None:
    assert all_tried() == GOLDEN.read_text("utf-8").split("\n")[:-1]


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line}\n" for line in all_tried()), "utf-8")
