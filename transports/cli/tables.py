"""Tables in plain text."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from transports.cli.terminal import harmless

Fit: TypeAlias = Literal["left", "right", "fold"]
"""On which side a column's cells are, or that a long one goes on in the next line."""

_ANY_WIDTH = 1_000
"""Columns of a table that no terminal shows, so that no line of it is broken."""


def table_text(columns: Mapping[str, Fit], rows: Iterable[Sequence[str | None]], is_terminal: bool) -> str:
    """A table as lines of text, with control characters spelt out.

    Args:
        columns: their heads, and how each is fitted.
        rows: the cells; `None` is an empty one.
        is_terminal: make it as wide as the terminal, and no wider.
    """
    from rich.console import Console  # lazily: it takes 50 ms to import, which --json does not need
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name, fit in columns.items():
        if fit == "fold":
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify=fit)
    for row in rows:
        # As Text: cells may hold what rich would read as markup.
        table.add_row(*(Text(harmless(cell or "")) for cell in row))
    text = io.StringIO()
    # Plain text, since a terminal gets control characters spelt out.
    Console(
        file=text, width=None if is_terminal else _ANY_WIDTH, color_system=None, force_terminal=False
    ).print(table)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())
