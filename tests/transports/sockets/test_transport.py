"""The socket transport under both loops."""

from __future__ import annotations

import pytest

from tests.transports.contracts.answers import AnswerContract, KeepingContract, ParkingContract
from tests.transports.contracts.endings import AbortContract, CancelContract, LoopContract
from tests.transports.contracts.faults import FaultContract, TLSContract
from tests.transports.contracts.support import Make
from transports.sockets.transport import AnyioTransport


class TestAnyioTransport(
    AnswerContract,
    KeepingContract,
    ParkingContract,
    FaultContract,
    TLSContract,
    AbortContract,
    CancelContract,
    LoopContract,
):
    @pytest.fixture
    def make(self) -> Make:
        return AnyioTransport
