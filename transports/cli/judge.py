"""What the commands share that try laws: which law is being tried, the report, and the exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from transports.cli.terminal import Channel, StatusLine

if TYPE_CHECKING:  # only the commands that try laws need the testing rooms
    from sansio.testing.report import Progress, Report


def judge(check: Callable[[Progress], Report]) -> None:
    """Try laws and print the report.

    Args:
        check: tries them. What it is passed says on a terminal, in one line, which law is being tried.

    Raises:
        typer.BadParameter: the check cannot be made so.
        typer.Exit: a law is broken, or the output was closed.
    """
    with StatusLine() as status:
        try:
            report = check(lambda law, number, count: status.show(f"{number} of {count}: {law}"))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    Channel(sys.stdout).write(f"{report}\n")
    if not report.ok:
        raise typer.Exit(1)
