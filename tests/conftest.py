"""What all tests share: both event loops, how many examples a property test tries, and the tiers."""

from __future__ import annotations

import gc
import os
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the first tier: `python -m pytest -m quick` takes under a minute on two cores."""
    for item in items:
        if is_quick(item.path):
            item.add_marker(pytest.mark.quick)


def pytest_collection_finish() -> None:
    """Keep the collector from the tests themselves: each collection would look through all of them."""
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: tests of clocks and sockets wait for a fifth of their time."""
    return (os.cpu_count() or 1) + 1
