"""The circumstances in which a result was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from msgspec import Struct

PACKAGES = (
    "sansio-llm",
    "msgspec",
    "h11",
    "anyio",
    "trio",
    "httpcore",
    "httpcore2",
    "openai",
    "anthropic",
    "pydantic",
    "pydantic-ai-slim",
    "litellm",
    "httpx",
    "httpx2",
    "httpx-sse",
    "aiohttp",
)


class Machine(Struct, frozen=True):
    """Where a result was measured.

    Args:
        load: the load averages before the run. Other work on a shared machine is noise.
    """

    system: str
    processor: str
    cores: int
    python: str
    load: tuple[float, float, float]


def machine() -> Machine:
    """This one."""
    return Machine(
        f"{platform.system()} {platform.release()}",
        _processor(),
        os.cpu_count() or 0,
        f"{platform.python_implementation()} {platform.python_version()}",
        os.getloadavg(),
    )


def versions() -> dict[str, str]:
    """Versions of the installed packages that matter to the results."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def revision() -> str:
    """The commit that is measured, with a plus where files differ from it; empty outside a repository."""
    root = Path(__file__).resolve().parents[1]
    git = ["git", "-C", str(root)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
        changes = subprocess.run([*git, "status", "--porcelain", "sansio", "transports"], capture_output=True)
    except OSError:
        return ""
    return head.stdout.strip() + ("+" if changes.stdout else "")


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor()
