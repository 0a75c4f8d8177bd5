"""The default transport on uvloop, which has its own transports."""

from __future__ import annotations

import pytest

from tests.transports.contracts.answers import AnswerContract, KeepingContract, ParkingContract
from tests.transports.contracts.endings import AbortContract, CancelContract
from tests.transports.contracts.faults import FaultContract, TLSContract
from tests.transports.contracts.support import Make
from transports.sockets.transport import AnyioTransport

pytest.importorskip("uvloop")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "asyncio", {"use_uvloop": True}


class TestUvloop(
    AnswerContract,
    KeepingContract,
    ParkingContract,
    FaultContract,
    TLSContract,
    AbortContract,
    CancelContract,
):
    @pytest.fixture
    def make(self) -> Make:
        return AnyioTransport
