"""Runs tests of a copy of the tree many times over, each in a process that has begun already."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import cache_from_source
from pathlib import Path

import pytest

TIMEOUT = 400
"""Seconds for one run of a module's own tests; a mutant that makes them hang counts as noticed."""


class Runner:
    """Runs the tests of a folder, a copy of the tree. The process that it starts ends with `with`.

    Args:
        tree: the folder.
        timeout: seconds for one run of the tests.
    """

    def __init__(self, tree: Path, timeout: int = TIMEOUT) -> None:
        self.tree = tree
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("forks.py"), str(timeout)],
            cwd=tree,
            env={**os.environ, "HYPOTHESIS_PROFILE": "mutation"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def passes(self, tests: Sequence[str]) -> bool:
        """Whether the tests pass, in time.

        Args:
            tests: what pytest is given, relative to the tree.

        Raises:
            ValueError: there are no such tests.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(
            json.dumps(["-x", "-q", "-p", "no:cacheprovider", *tests]), file=self._process.stdin, flush=True
        )
        code = int(self._process.stdout.readline())
        if code == pytest.ExitCode.NO_TESTS_COLLECTED:
            raise ValueError(f"no tests in {', '.join(tests)}")
        return code == pytest.ExitCode.OK

    def notices(self, module: Path, changed: str, tests: Sequence[str]) -> bool:
        """Whether the tests notice that a module was changed. The module is restored afterwards.

        Args:
            module: the module's file, relative to the tree.
            changed: its source during the tests.
            tests: as for `passes`.
        """
        file = self.tree / module
        original = file.read_bytes()
        try:
            _write(file, changed.encode())
            return not self.passes(tests)
        finally:
            _write(file, original)


def _write(module: Path, source: bytes) -> None:
    module.write_bytes(source)
    # Stale bytecode is detected by size and whole seconds, which two mutants may share.
    Path(cache_from_source(str(module))).unlink(missing_ok=True)
