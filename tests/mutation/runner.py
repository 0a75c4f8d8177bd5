"""Runs tests of a copy of the tree many times over, each in a process that has begun already."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from enum import Enum
from importlib.util import cache_from_source
from pathlib import Path

import pytest

_AT_MOST = 3600
"""Seconds for tests of the unchanged tree."""
_TIMES = 4
_SECONDS = 10
"""With a change, tests have `_TIMES` as many seconds of a processor as without, and `_SECONDS` more. A busy
machine does not change these, so that an endless loop is ended soon."""
_BUSY = 10
"""Tests that only wait use no processor. They have this many times as long, by the clock."""


class Verdict(Enum):
    """What tests say of a change."""

    PASSED = "passed"
    NOTICED = "noticed"
    HUNG = "hung"
    """They took too long, or so much memory that their process was ended. This counts as noticed too."""


class Runner:
    """Runs the tests of a folder, a copy of the tree. The process that it starts ends with `with`.

    Args:
        tree: the folder.
    """

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self._unchanged: dict[frozenset[str], float] = {}
        self._used = 0.0
        # Without bytecode, each run would compile all of the tree.
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("forks.py")],
            cwd=tree,
            # Where the project is installed, it is a plugin of Hypothesis, and would be loaded too early.
            env={**env, "HYPOTHESIS_PROFILE": "mutation", "HYPOTHESIS_NO_PLUGINS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, tests: Sequence[str], seconds: int = _AT_MOST) -> Verdict:
        """Run tests of the tree as it is.

        Args:
            tests: what pytest is given, relative to the tree.
            seconds: how much of a processor's time they may take.

        Raises:
            ValueError: there are no such tests.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        arguments = ["-x", "-q", "-p", "no:cacheprovider", *tests]
        print(json.dumps([seconds, seconds * _BUSY, arguments]), file=self._process.stdin, flush=True)
        code, self._used = json.loads(self._process.stdout.readline())
        if code == pytest.ExitCode.NO_TESTS_COLLECTED:
            raise ValueError(f"no tests in {', '.join(tests)}")
        if code < 0:
            return Verdict.HUNG
        return Verdict.PASSED if code == pytest.ExitCode.OK else Verdict.NOTICED

    def verdict(self, module: Path, changed: str, tests: Sequence[str]) -> Verdict:
        """What tests say of a changed module. The module is restored afterwards.

        Args:
            module: the module's file, relative to the tree.
            changed: its source during the tests.
            tests: as for `run`.

        Raises:
            ValueError: there are no such tests, or they fail without the change.
        """
        seconds = _TIMES * self._time_unchanged(tests) + _SECONDS
        file = self.tree / module
        original = file.read_bytes()
        try:
            _write(file, changed.encode())
            return self.run(tests, int(seconds))
        finally:
            _write(file, original)

    def check(self, tests: Sequence[str]) -> None:
        """Run tests of the unchanged tree, unless they did already.

        Raises:
            ValueError: there are no such tests, or they fail.
        """
        self._time_unchanged(tests)

    def _time_unchanged(self, tests: Sequence[str]) -> float:
        known = frozenset(tests)  # modules of one room have the same tests, each in another order
        if known not in self._unchanged:
            if self.run(tests) is not Verdict.PASSED:
                raise ValueError(f"they fail without any change: {' '.join(tests)}")
            self._unchanged[known] = self._used
        return self._unchanged[known]


def _write(module: Path, source: bytes) -> None:
    module.write_bytes(source)
    # Stale bytecode is detected by size and whole seconds, which two mutants may share.
    Path(cache_from_source(str(module))).unlink(missing_ok=True)
