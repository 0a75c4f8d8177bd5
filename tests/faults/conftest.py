"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.harness import Servers


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Servers that fail on demand, open as long as a module's tests run."""
    servers = Servers()
    yield servers
    servers.close()
