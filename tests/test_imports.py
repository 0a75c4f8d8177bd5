"""What an import of the core loads: neither an event loop, nor sockets, nor any extra."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

HEAVY = {
    "anyio",
    "trio",
    "asyncio",
    "httpcore",
    "httpcore2",
    "typer",
    "rich",
    "hypothesis",
    "pytest",
    "transports",
}
IMPURE = {"socket", "ssl", "logging", "threading", "subprocess", "select", "selectors", "random", "tempfile"}


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has after `statement` and had not before."""
    program = (
        f"import sys, json; before = set(sys.modules); {statement}; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("module", ["sansio", "sansio.testing"])
def test_importing_the_core_loads_no_event_loop_no_socket_and_no_extra(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert {"sansio", "msgspec", "h11"} <= loaded
    assert loaded & (HEAVY | IMPURE) == set()


def test_the_core_needs_msgspec_and_h11_and_nothing_else() -> None:
    others = loaded_by("import sansio") - set(sys.stdlib_module_names)
    # msgspec takes typing_extensions where it is installed, and needs it nowhere.
    assert others - {"typing_extensions"} == {"sansio", "msgspec", "h11"}
