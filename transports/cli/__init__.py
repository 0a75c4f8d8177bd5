"""The command line `sansio-llm`, also `python -m transports`. Needs the extra `cli`."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import NoReturn

from transports.cli.interrupts import ending_interrupts

__all__ = ["main"]

_NEEDED = ("typer", "rich", "prompt_toolkit")
"""The packages that the extra `cli` installs."""


def main() -> NoReturn:
    """Run the command with the process's arguments, and exit with its status.

    The status is 0 for success, 1 for an error, 2 for an invalid command line, 130 after Ctrl-C, and 141 if
    the reader of the output closed it.
    """
    with ending_interrupts():
        missing = [name for name in _NEEDED if find_spec(name) is None]
        if missing:
            sys.exit(
                f"sansio-llm: the command line needs {' and '.join(missing)}; "
                "install the extra with: pip install 'sansio-llm[cli]'"
            )
        from transports.cli.app import run

        sys.exit(run())
