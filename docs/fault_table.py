"""Makes `docs/faults.md` of the fault table in `tests/faults/table.py`, against which the code is tested.

`python docs/fault_table.py` prints the page; with `--write` it replaces `docs/faults.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sansio.testing.faults import FAULTS

if TYPE_CHECKING:
    from tests.faults.rows import Gets, Row

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "faults.md"

WAYS = 7
"""anyio, httpcore and httpcore2 under two loops each, and the blocking transport."""

HTTP2_WAYS = 3
"""anyio under two loops, and the blocking transport."""

INTRODUCTION = """\
# What a caller gets when a server goes wrong

This page lists the faults that a server can have. For each fault it gives the error, the number of attempts,
and the part of the answer that your program gets. It also shows how to use a faulty server in your own tests.

## In your own tests

```python
import anyio

from sansio import Message, Role, StreamTruncatedError
from sansio.testing.faults import find_fault
from transports import create_provider
from transports.testing.loopback import serve_loopback


async def main() -> None:
    async with serve_loopback(fault=find_fault("reset-at-event:3")) as server:
        async with create_provider(server.config("openai"), api_key="any") as provider:
            try:
                async for event in provider.stream([Message(Role.USER, "What is 2 + 3?")]):
                    print(event)
            except StreamTruncatedError as error:
                print("failed:", error)


anyio.run(main)
```

From the command line, `sansio-llm serve --fault reset-at-event:3` serves the same fault, and `--fault list`
lists all faults. The faults of HTTP/2 are only in this project's tests. Faults of a certificate need
[trustme](https://pypi.org/project/trustme/), which makes certificates, and `--ca-file PATH`. The command
writes the authority's certificate to that file, so that the client can trust it. Faults marked *memory* also
work without sockets: `MemoryTransport(FaultyProvider(FakeProvider(), find_fault(...)))`.

## How the table is tested
`tests/faults/test_fault_table.py` tests the code against the table, and `python docs/fault_table.py --write`
generates this page from it. Each fault is tried with each transport on real sockets, in {ways} ways: anyio,
httpcore and httpcore2 under asyncio and under trio, and the blocking transport. Each way is tried with and
without TLS, and for a stream and a whole answer. The results are the same, unless the last column says
otherwise. Altogether there are {faults} faults in {rows} rows, and {calls} calls. Faults of HTTP/2 are tried
with the two transports that speak it, in three ways without TLS: {http2_rows} rows, {http2_calls} calls.

After each row the tests check that nothing is left: no connection at the server, no file descriptor, no task
of the loop, no thread, no stream and no exchange in memory. If the server can then be made to work, the next
call on the same transport gets its answer. `test_fault_sweeps.py` cuts the connection at every byte of the
response, and for every dialect at every event. `test_fault_memory.py` counts objects and bytes over many
rows, and shows that a large response is never held in memory as a whole.

Without a fault, the answer in the tables below would be “{text}”.
*Partial* is the part of it that arrived before the fault, from the error's `partial`. The number of attempts
is given if there was more than one. Between attempts, the call waits as the retry schedule says.
"""


def page(table: dict[str, list[Row]], http2: list[Row], text: str) -> str:
    """The whole page.

    Args:
        table: the rows, by section.
        http2: the rows of HTTP/2.
        text: the answer.
    """
    rows = [row for section in table.values() for row in section]
    calls = sum(2 * WAYS * (1 if row.secure else 2) for row in rows)
    head = INTRODUCTION.format(
        ways=WAYS,
        rows=len(rows),
        faults=len(FAULTS),
        calls=f"{calls:,}",
        http2_rows=len(http2),
        http2_calls=2 * HTTP2_WAYS * len(http2),
        text=text,
    )
    sections = table | {"HTTP/2": http2}
    return "\n".join((head, *(line for title in sections for line in _section(title, sections[title]))))


def _section(title: str, rows: list[Row]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield "| fault | the server … | a stream gets | a whole answer gets | otherwise |"
    yield "|---|---|---|---|---|"
    for row in rows:
        stream = row.gets(stream=True, transport="anyio", tls=row.secure)
        whole = row.gets(stream=False, transport="anyio", tls=row.secure)
        cells = (
            f"`{row.fault}`",
            row.about,
            _cell(stream),
            "the same" if whole == stream else _cell(whole),
            _otherwise(row),
        )
        escaped = (cell.replace("|", r"\|") for cell in cells)
        yield f"| {' | '.join(escaped)} |"
    yield ""


def _cell(gets: Gets) -> str:
    tried = "" if gets.attempts == 1 else f"; {gets.attempts} attempts"
    if gets.kind is None:
        return f"the answer{tried}"
    says = " or ".join(f"“{_words(said)}”" for said in gets.says)
    partial = "" if gets.partial is None else f"; partial “{gets.partial}”"
    return f"`{gets.kind.__name__}` {says}{tried}{partial}"


def _words(said: str) -> str:
    return said.format(peer="*host:port*")


def _otherwise(row: Row) -> str:
    notes = []
    if row.over_tls is not None:
        notes.append(f"over TLS {_cell(row.over_tls)}")
    if row.memory:
        notes.append("*memory*")
    return "; ".join(notes)


def main() -> str:
    """The page of the present table."""
    sys.path.insert(0, str(ROOT))  # the tests are not installed
    from tests.faults.http2_table import HTTP2_ROWS
    from tests.faults.table import SECTIONS, TEXT

    return page(SECTIONS, HTTP2_ROWS, TEXT)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(main(), "utf-8")
    else:
        print(main(), end="")
