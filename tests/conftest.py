"""What all tests share: both event loops, how many examples a property test tries, and the tiers."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Generator
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Every async test runs under both loops."""
    return str(request.param)


# No deadlines and no health check for slow examples: they would test the machine, not the code. CI tries the
# same examples each time, so that it fails only for a change. Developers, and the laws' runs, find others.
for _name, _examples in {"dev": 50, "laws": 10_000}.items():
    settings.register_profile(
        _name,
        max_examples=_examples,
        deadline=None,
        derandomize="CI" in os.environ,
        suppress_health_check=[HealthCheck.too_slow],
    )
# For mutation testing: the same examples for every mutant, few at first, and no shrinking of failures.
for _name, _examples in {"mutation": 10, "mutation-thorough": 50}.items():
    settings.register_profile(
        _name,
        max_examples=_examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "dev")


TESTS = Path(__file__).parent
QUICK = ("sansio", "test_directions.py", "test_purity.py", "test_docstrings.py")
"""The tests of the first tier: the core, by its rooms, and how the rooms depend on each other."""
SLOW = (
    "sansio/answers/test_folding.py",
    "sansio/test_corpus.py",
    "sansio/test_corpus_more.py",
    "sansio/test_corpus_responses.py",
    "sansio/test_parser.py",
    "sansio/test_parser_quick.py",
    "sansio/framing/test_framer.py",
    "sansio/framing/test_sse.py",
    "sansio/http/test_by_h11.py",
    "sansio/testing",
)
"""The tests of the second tier: recorded traffic, surveys of the strategies, long and cut streams."""


def is_quick(path: Path) -> bool:
    """Whether a file's tests are of the first tier."""
    name = path.relative_to(TESTS).as_posix() if path.is_relative_to(TESTS) else ""
    return name.startswith(QUICK) and not name.startswith(SLOW)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`python -m pytest -m quick` does not load the other tests, which would take a third of its time."""
    if config.option.markexpr == "quick" and collection_path.is_file() and not is_quick(collection_path):
        return True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makemodule(module_path: Path) -> Generator[None, pytest.Module, pytest.Module]:
    """Mark the files of the first tier: `python -m pytest -m quick` takes under a minute on two cores."""
    module = yield
    if is_quick(module_path):
        module.add_marker(pytest.mark.quick)
    return module


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Keep the garbage collector from the tests themselves, while they are collected and while they run: it
    would look through all of them again and again."""
    gc.disable()
    import_a_part(session.config)
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def import_a_part(config: pytest.Config) -> None:
    """Import a part of the files first, each worker its own, so that it compiles no others.

    To compile all takes twenty seconds of a processor. When the rest is collected, the other workers have
    compiled it.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker or sys.dont_write_bytecode:
        return
    given = [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]
    files = [path for path in sorted(TESTS.rglob("test_*.py")) if any(map(path.is_relative_to, given))]
    if config.option.markexpr == "quick":
        files = list(filter(is_quick, files))
    for path in files[int(worker.removeprefix("gw")) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]:
        # What fails here fails again when it is collected, where it is reported.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            import_module(".".join(path.relative_to(TESTS.parent).with_suffix("").parts))


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: tests of clocks and sockets wait for a fifth of their time."""
    return (os.cpu_count() or 1) + 1
