"""The command line `sansio-llm`, also `python -m transports`. Needs the extra `cli`."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import NoReturn

from transports.cli.interrupts import ending_interrupts

__all__ = ["main"]

_NEEDED = ("typer", "rich", "prompt_toolkit")
"""The packages of the extra `cli`."""


def main() -> NoReturn:
    """Run the command of this process, and exit with its status.

    0 is success, 1 an error, 2 an invalid command line, 130 Ctrl-C, 141 a closed pipe.
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
