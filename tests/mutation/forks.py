"""A process that has loaded what all tests need, and runs tests in forked children.

Run it as a script in the folder of the tests. Each line of its input is a JSON list: how many seconds of a
processor the tests may take, how many by the clock, and the arguments for pytest. For each it prints another
list: the exit code, which is below 0 if the tests took longer, and the seconds of a processor that they took.

    python tests/mutation/forks.py
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys

# What the tests of `sansio` load, but nothing of this tree: a child must see the tree as it then is.
import _pytest.python
import h11
import hypothesis.stateful
import msgspec.json
import pytest

_MEMORY = 4 << 30
"""Bytes that the tests may have: a loop without end may also collect without end."""
LOADED = (_pytest.python, h11, hypothesis.stateful, msgspec.json)


def main() -> None:
    """Serve until the input ends."""
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
    sys.path.insert(0, os.getcwd())
    assert not any(name.partition(".")[0] in ("sansio", "transports", "tests") for name in sys.modules)
    for line in sys.stdin:
        work, seconds, arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(arguments, work, seconds)
        _, status, used = os.wait4(child, 0)
        print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime]), flush=True)


def _run(arguments: list[str], work: int, seconds: int) -> None:
    """Run tests in this process, and end it; the limit or the alarm ends it if nothing else does."""
    resource.setrlimit(resource.RLIMIT_CPU, (work, work))
    signal.alarm(seconds)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    # pytest would warn that it comes too late to rewrite the assertions of what is loaded.
    os._exit(pytest.main(["-W", "ignore::pytest.PytestAssertRewriteWarning", *arguments]))


if __name__ == "__main__":
    main()
