"""Makes `docs/faults.md` of the fault table in `tests/faults/table.py`, which the tests hold the code to.

`python docs/fault_table.py` prints the page; with `--write` it takes the place of `docs/faults.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sansio.testing.faults import FAULTS, find_fault

if TYPE_CHECKING:
    from tests.faults.rows import Gets, Row

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "faults.md"

WAYS = 7
"""anyio, httpcore and httpcore2 under two loops each, and the blocking transport."""

INTRODUCTION = """\
# What a caller gets when a server goes wrong

This page is made of `tests/faults/table.py` by `python docs/fault_table.py --write`, and
`tests/faults/test_fault_table.py` holds the code to it. Each fault is met by each transport on real sockets,
which is {ways} ways: anyio, httpcore and httpcore2 under asyncio and under trio, and the blocking transport;
with TLS and without; by a stream and by a whole answer. All give the same, unless the last column says
otherwise. These are {faults} faults in {rows} rows, {calls} calls.

After each row nothing stays behind, which is counted: no connection at the server, no descriptor of the
process, no task of the loop, no thread, no stream and no exchange in memory. Where the server can be told to
do better, the next call on the same transport then gets its answer. `test_fault_sweeps.py` cuts the
connection at every byte of the response, and in every dialect at every event; `test_fault_memory.py` counts
objects and bytes over many rows, and shows that what is large is never held.

A server that goes wrong is there for your own tests, too:

```python
from sansio.testing.faults import find_fault
from transports.testing.loopback import serve_loopback

async with serve_loopback(fault=find_fault("reset-at-event:3")) as server:
    ...
```

`sansio-llm serve --fault reset-at-event:3` serves it from the command line; `--fault list` lists them all.
Those of a certificate need [trustme](https://pypi.org/project/trustme/), which makes it, and `--ca-file
PATH`, where its authority is put for the client to trust.
`MemoryTransport(FaultyProvider(FakeProvider(), find_fault(...)))` has those marked *memory*, without sockets.

The answer would be “{text}”. *Partial* is what of it came before the fault; it stands in the error's
`partial`. Attempts are told where there was more than one; between them lie the waits of the retry schedule.
"""


def page(table: dict[str, list[Row]], text: str) -> str:
    """The whole page.

    Args:
        table: the rows, by section.
        text: the answer.
    """
    rows = [row for section in table.values() for row in section]
    calls = sum(2 * WAYS * (1 if row.secure else 2) for row in rows)
    head = INTRODUCTION.format(
        ways=WAYS,
        rows=len(rows),
        faults=len(FAULTS),
        calls=f"{calls:,}",
        text=text,
    )
    return "\n".join((head, *(line for title in table for line in _section(title, table[title]))))


def _section(title: str, rows: list[Row]) -> Iterator[str]:
    yield f"## {title}"
    yield "| fault | the server … | a stream gets | a whole answer gets | otherwise |"
    yield "|---|---|---|---|---|"
    for row in rows:
        stream = row.gets(stream=True, transport="anyio", tls=row.secure)
        whole = row.gets(stream=False, transport="anyio", tls=row.secure)
        cells = (
            f"`{row.fault}`",
            find_fault(row.fault).about,
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
    if row.tls_may_say:
        notes.append(f"over TLS, the blocking transport may say “{_words(row.tls_may_say)} …”")
    if row.by_httpcore is not None:
        notes.append(f"by httpcore and httpcore2 {_cell(row.by_httpcore)}")
    if row.spoils:
        notes.append(
            "httpcore and httpcore2 take what is left for the next response: that attempt or call fails"
        )
    if row.memory:
        notes.append("*memory*")
    return "; ".join(notes)


def main() -> str:
    """The page of the table as it stands."""
    sys.path.insert(0, str(ROOT))  # the tests are no part of what is installed
    from tests.faults.table import SECTIONS, TEXT

    return page(SECTIONS, TEXT)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(main(), "utf-8")
    else:
        print(main(), end="")
