"""Calls played from tapes."""

from __future__ import annotations

import pytest

from sansio import (
    APIConnectionError,
    Body,
    Call,
    ContentDelta,
    End,
    Head,
    LocalProtocolError,
    Lost,
    Message,
    Provider,
    ProviderConfig,
    Role,
    Send,
    StreamComplete,
    StreamFailed,
    Wait,
)
from sansio.http import Input
from sansio.jsontext import JSONObject
from sansio.steps import Step
from sansio.testing import Answer, encode_stream
from sansio.testing.tape import play
from tests.sansio.families.responses.frames import added, completed, created, done, message, text
from tests.sansio.wires import sse

EVENT_STREAM = Head(200, (("content-type", "text/event-stream"),))
HELLO = b"".join(encode_stream("openai", Answer(text="Hello")))


def call() -> Call:
    provider = Provider(ProviderConfig(type="openai", model="m"))
    return provider.call([Message(Role.USER, "Hi")])


def test_a_tape_gives_its_events_the_last_one_last() -> None:
    first, last = play(call(), [EVENT_STREAM, Body(HELLO), End()])
    assert first == ContentDelta("Hello")
    assert isinstance(last, StreamComplete)


def test_each_attempt_takes_the_next_exchange_and_the_steps_are_collected() -> None:
    steps: list[Step] = []
    lost = Lost(APIConnectionError("refused"))
    tape: list[Input] = [lost, Head(503), Body(b"busy"), End(), EVENT_STREAM, Body(HELLO), End()]
    assert isinstance(play(call(), tape, steps=steps)[-1], StreamComplete)
    assert [type(step) for step in steps] == [Send, Wait, Send, Wait, Send]


def test_what_a_call_does_not_want_of_an_exchange_is_passed_over() -> None:
    body = Body(b"x" * 100_000)  # more of an error's body than is read
    tape: list[Input] = [Head(503), body, body, End(), EVENT_STREAM, Body(HELLO), Body(HELLO), End()]
    assert play(call(), tape)[0] == ContentDelta("Hello")


def test_where_the_tape_is_over_the_connection_is_lost() -> None:
    tape: list[Input] = [EVENT_STREAM, Body(HELLO[:40])]
    for length in range(3):
        (failed,) = play(call(), tape[:length])
        assert isinstance(failed, StreamFailed)
        assert failed.error.attempts == 3


def test_a_tape_out_of_order_is_refused() -> None:
    with pytest.raises(LocalProtocolError):
        play(call(), [Body(b"")])


def test_a_stream_that_is_resumed_gives_the_events_of_all_its_parts() -> None:
    config = ProviderConfig(type="openai", api="responses", model="m")
    resumed = Provider(config).call([Message(Role.USER, "Hi")], background=True)
    records: list[JSONObject] = [
        created(background=True), added(message()), text("Hel"), text("lo"),
        done(message("Hello")), completed(message("Hello")),
    ]  # fmt: skip
    frames = [sse({**record, "sequence_number": number}) for number, record in enumerate(records)]
    lost = Lost(APIConnectionError("gone"))
    tape: list[Input] = [EVENT_STREAM, Body(b"".join(frames[:3])), lost]
    tape += [EVENT_STREAM, Body(b"".join(frames[3:])), End()]
    *deltas, last = play(resumed, tape)
    assert deltas == [ContentDelta("Hel"), ContentDelta("lo")]
    assert isinstance(last, StreamComplete)
