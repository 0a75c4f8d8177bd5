"""Tables in plain text."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from transports.cli.terminal import harmless

Fit: TypeAlias = Literal["left", "right", "fold"]
"""How a column's cells are aligned; `"fold"` continues a long cell on the next line."""

_ANY_WIDTH = 1_000
"""The width of a table that is not shown on a terminal, in characters: so wide that no line is broken."""


def table_text(columns: Mapping[str, Fit], rows: Iterable[Sequence[str | None]], is_terminal: bool) -> str:
    """A table as lines of text, with control characters written as escapes.

    Args:
        columns: the head of each column, and how its cells are fitted.
        rows: the cells; `None` is an empty one.
        is_terminal: whether to make the table as wide as the terminal.
    """
    from rich.console import Console  # imported lazily: it takes 50 ms, and --json does not need it
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name, fit in columns.items():
        if fit == "fold":
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify=fit)
    for row in rows:
        # As Text, since cells may contain text that rich would read as markup.
        table.add_row(*(Text(harmless(cell or "")) for cell in row))
    text = io.StringIO()
    # Without colours, since a `Channel` would escape their control characters on a terminal.
    Console(
        file=text, width=None if is_terminal else _ANY_WIDTH, color_system=None, force_terminal=False
    ).print(table)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())
