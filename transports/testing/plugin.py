"""The pytest plugin: the fixtures `fake_provider` and `llm_tape`, without a network.

It is loaded in every run of pytest where the library is installed, and so imports the rest of it only for the
tests that use it.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from transports.interface import SyncTransport, Transport
    from transports.testing.fixtures import FakeProviderFixture, TapeFixture

_MARK = "llm_tape"
_PASSED = pytest.StashKey[bool]()
_UNFIT = re.compile(r"[^\w.-]+")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the tapes."""
    group = parser.getgroup("llm", "tapes of LLM providers")
    group.addoption(
        "--llm-record",
        choices=("none", "once", "all"),
        default="none",
        help="record tapes over the network: none (the default), those that are missing, or all anew",
    )
    group.addoption(
        "--llm-replay-cuts",
        choices=("recorded", "event", "byte"),
        default="recorded",
        help="where replayed bodies are cut: as recorded (the default), behind each event, or at every byte",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARK}(name, show_headers=()): the file of the test's tape, below the directory tapes beside the "
        "test; and more headers of requests that are recorded and compared",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep whether the test itself passed, for the end of its fixtures."""
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    return report


@pytest.fixture
def fake_provider() -> Iterator[FakeProviderFixture]:
    """A fake provider: script its answers, look at its requests, set any fault."""
    from transports.testing.fixtures import FakeProviderFixture

    fake = FakeProviderFixture()
    yield fake
    fake.close()


@pytest.fixture
def llm_inner_transport() -> Transport:
    """The transport over which tapes are recorded. Override this fixture for a proxy or another library."""
    from transports.sockets.transport import AnyioTransport

    return AnyioTransport()


@pytest.fixture
def llm_inner_sync_transport() -> SyncTransport:
    """The transport over which tapes are recorded without an event loop. Override it as the async one."""
    from transports.sockets.blocking import SocketTransport

    return SocketTransport()


@pytest.fixture
def llm_tape(request: pytest.FixtureRequest) -> Iterator[TapeFixture]:
    """The tape of the test. A request that is not on it fails the test, and so does an unused exchange."""
    from transports.testing.fixtures import TapeFixture

    mark = request.node.get_closest_marker(_MARK)
    path = _path(request.node, mark)
    mode = request.config.getoption("--llm-record")
    recording = mode == "all" or (mode == "once" and not path.exists())
    if not recording and not path.exists():
        pytest.fail(f"there is no tape {path}; record it with --llm-record=once", pytrace=False)
    tape = TapeFixture(
        path,
        recording=recording,
        cuts=request.config.getoption("--llm-replay-cuts"),
        show_headers=() if mark is None else mark.kwargs.get("show_headers", ()),
        inner=lambda: request.getfixturevalue("llm_inner_transport"),
        sync_inner=lambda: request.getfixturevalue("llm_inner_sync_transport"),
    )
    yield tape
    passed = request.node.stash.get(_PASSED, False)
    tape.finish(passed=passed)
    if passed and tape.remaining:
        left = ", ".join(f"{each.request.method} {each.request.url}" for each in tape.remaining)
        pytest.fail(f"the test did not use all exchanges of its tape {path}: {left}", pytrace=False)


def _path(node: pytest.Item, mark: pytest.Mark | None) -> Path:
    """Where the tape of a test is."""
    beside = node.path.parent / "tapes"
    if mark is not None and mark.args:
        return beside / str(mark.args[0])
    return beside / node.path.stem / f"{_UNFIT.sub('-', node.name).strip('-')}.jsonl"
