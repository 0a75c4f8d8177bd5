"""What the commands that try laws share: the progress, the report, and the exit status."""

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
        check: tries the laws. It is passed a function that shows on a terminal which law is being tried.

    Raises:
        typer.BadParameter: an argument of the check is invalid.
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
