"""A server of this process for the command line, which most of its tests ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sansio.testing import FakeProvider
from tests.transports.cli.command import KEY
from transports.testing.loopback import LoopbackThread, loopback_thread


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the last conversation is kept."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "sansio-llm" / "last.json"


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider("openai", key=KEY)


@pytest.fixture
def server(fake: FakeProvider) -> Iterator[LoopbackThread]:
    with loopback_thread(fake, delay=0.001) as served:
        yield served
