"""What all tests share: both event loops, and how many examples a property test tries."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Every async test runs under both loops."""
    return str(request.param)


# No deadlines and no complaint about slow examples: how fast the machine is says nothing about the code.
for _name, _examples in {"dev": 50, "ci": 200, "laws": 10_000}.items():
    settings.register_profile(
        _name,
        max_examples=_examples,
        deadline=None,
        derandomize=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
# For mutation testing: few examples, the same ones for every mutant, and no shrinking of what has killed one.
settings.register_profile(
    "mutation",
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
_default = "ci" if os.environ.get("CI") == "true" else "dev"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or _default)
