"""How much memory a process holds. This module imports little, since its imports count too."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
from pathlib import Path

_PROC = Path("/proc")
_LINUX = sys.platform == "linux"


def resident(process: int | None = None) -> int:
    """Bytes of memory that a process holds now. Default: this process."""
    number = os.getpid() if process is None else process
    if _LINUX:
        return _status(number, "VmRSS")
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(number)], capture_output=True, check=True)
    return int(told.stdout) * 1024


def peak_resident() -> int:
    """Bytes of memory that this process has held at most.

    On Linux, not by `getrusage`: its figure includes the process before `exec`.
    """
    if _LINUX:
        return _status(os.getpid(), "VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def forget_peak() -> None:
    """Reset the peak to what is held now, if Linux allows that."""
    with contextlib.suppress(OSError):
        (_PROC / "self" / "clear_refs").write_text("5")


def _status(process: int, field: str) -> int:
    lines = (_PROC / str(process) / "status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024
