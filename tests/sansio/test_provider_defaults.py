"""What a call is without being told more."""

from __future__ import annotations

from sansio import Lost, Provider, Send, Wait
from tests.sansio.exchanges import REFUSED, run, streamed
from tests.sansio.wires import ASK, OPENAI_STREAM, config


def test_a_call_streams_without_tools_and_records_nothing_unless_it_is_told_to() -> None:
    call = Provider(config("openai")).call(ASK)
    step = call.next_step()
    assert isinstance(step, Send)
    assert b'"stream":true' in step.request.body
    assert b"tools" not in step.request.body
    assert not step.fresh
    for value in streamed(OPENAI_STREAM):
        call.receive(value)
    assert call.take_records() == []


def test_retries_are_not_spread_without_a_source_of_random_numbers() -> None:
    call = Provider(config("openai")).call(ASK)
    _, steps = run(call, [Lost(REFUSED)], [Lost(REFUSED)], [Lost(REFUSED)])
    assert [step for step in steps if isinstance(step, Wait)] == [Wait(1.0), Wait(2.0)]
