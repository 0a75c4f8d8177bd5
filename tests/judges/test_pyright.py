"""pyright reads the public types as mypy does, which checks them with all other tests."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TYPES = Path(__file__).resolve().parents[1] / "typing"


@pytest.mark.judges
@pytest.mark.skipif(
    shutil.which("pyright", path=str(Path(sys.executable).parent)) is None, reason="no pyright"
)
def test_pyright_agrees_with_the_types_that_users_see() -> None:
    command = [str(Path(sys.executable).with_name("pyright")), "--pythonpath", sys.executable, str(TYPES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "0 errors, 0 warnings" in done.stdout, done.stdout + done.stderr
