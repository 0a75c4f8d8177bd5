"""Short runs of `python -m tests.soak` and `python -m tests.soak.churn`."""

from __future__ import annotations

import statistics
import sys

import pytest

from tests.adapters import TRANSPORTS
from tests.soak.churn import churn
from tests.soak.release import WAYS, measure
from tests.soak.soak import soak
from transports import AnyioTransport
from transports.sockets.idle import MAX_IDLE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")


@pytest.mark.anyio
async def test_mixed_calls_and_faults_leave_nothing_behind_and_lose_no_event() -> None:
    report = await soak(AnyioTransport, seconds=2, at_once=50)
    assert report.left_open == 0, report
    assert report.samples[-1].descriptors <= report.samples[0].descriptors + 100, report
    assert report.after.descriptors <= report.before.descriptors, report
    assert report.after.blocks <= report.before.blocks + sum(report.outcomes.values()) // 2, report
    assert report.outcomes["answered"], report  # how many is up to the machine
    assert {"cancelled", "StreamTruncatedError", "BadRequestError"} < report.outcomes.keys(), report
    assert report.events, report


@pytest.mark.anyio
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_calls_cancelled_at_random_moments_cost_no_connection(transport: str) -> None:
    # More at once than connections may stay open.
    report = await churn(TRANSPORTS[transport](), 25, at_once=MAX_IDLE + 5)
    assert report.cancelled >= 25, report
    assert report.answered, report
    assert report.kept <= MAX_IDLE, report
    assert report.left_open == 0, report


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_server_sees_immediately_that_a_stream_was_released(transport: str, way: str) -> None:
    delays = await measure(TRANSPORTS[transport](), way, 3)
    assert statistics.median(delays) < 2.0, delays
