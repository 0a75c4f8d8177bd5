"""The socket transport under both loops."""

from __future__ import annotations

from functools import partial
from typing import get_args

import pytest

from tests.transports.contracts.answers import AnswerContract, KeepingContract, ParkingContract
from tests.transports.contracts.endings import AbortContract, CancelContract, LoopContract
from tests.transports.contracts.faults import FaultContract, TLSContract
from tests.transports.contracts.support import Make
from transports.sockets.feed import ParserName
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
    @pytest.fixture(params=get_args(ParserName))
    def make(self, request: pytest.FixtureRequest) -> Make:
        return partial(AnyioTransport, parser=request.param)
