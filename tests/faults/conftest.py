"""What the fault tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.harness import Servers


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Servers that can be told to go wrong, open as long as a module's tests run."""
    servers = Servers()
    yield servers
    servers.close()
