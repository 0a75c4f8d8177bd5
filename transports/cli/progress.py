"""Shows the progress of a batch, as a bar on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from transports.bulk.files.rows import Source
from transports.bulk.files.run import Progress


@contextmanager
def shown(source: Source | None) -> Iterator[Callable[[Progress], None]]:
    """A bar with rows, rate, tokens, failures and the time left, on standard error if that is a terminal.

    Args:
        source: the input, which knows how many rows there are; `None` if it is standard input.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # imported lazily: a run without a terminal does not need these
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[more]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=source.rows if source is not None else None, rate="", more="")

        def show(now: Progress) -> None:
            speed = bar.tasks[0].speed
            bar.update(
                task,
                completed=now.rows,
                rate=f"{speed:.1f} rows/s" if speed else "",
                more=f"{now.input_tokens + now.output_tokens:,} tokens, {now.failed:,} failed",
            )

        yield show
