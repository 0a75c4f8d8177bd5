"""A failed call ends with one error, and the stream raises it: from the iteration, and from `result()`."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import ClassVar, Self

import anyio
import pytest

from sansio import (
    APIConnectionError,
    Body,
    End,
    Head,
    LocalProtocolError,
    Lost,
    Provider,
    ProviderError,
    RemoteProtocolError,
)
from tests.transports.scripted import (
    ASK,
    KEY,
    STREAMING,
    WHOLE,
    Attempt,
    Clock,
    Kind,
    Late,
    Reader,
    Refuse,
    ScriptedSyncTransport,
    ScriptedTransport,
    delta,
    error_body,
    openai,
)
from transports import AsyncProvider, SyncProvider

KINDS: list[Kind] = ["asyncio", "trio", "blocking"]

BUSY: list[Head | Body | End] = [Head(503, (("x-request-id", "req_1"),)), error_body("busy"), End()]
FAILURES: dict[str, list[Attempt]] = {
    "refused": [Refuse(APIConnectionError("nothing listens"))] * 3,
    "refused at once": [Refuse(APIConnectionError("unknown authority", should_retry=False))],
    "too late": [[STREAMING, Late()]] * 3,
    "a status": [BUSY, BUSY, BUSY],
    "an error inside the answer": [
        [STREAMING, delta("Hel"), Body(b'data: {"error": {"message": "no"}}\n\n')]
    ],
    "broken frames": [[STREAMING, delta("Hel"), Body(b"data: {broken\n\n")]],
    "lost inside the answer": [[STREAMING, delta("Hel"), APIConnectionError("reset")]],
    "cut": [[STREAMING, delta("Hel"), End()]],
    "a stale connection, twice": [[APIConnectionError("closed", reused=True)]] * 6,
}


@pytest.fixture(params=KINDS)
def reader(request: pytest.FixtureRequest) -> Reader:
    return Reader(request.param)


@pytest.mark.parametrize("attempts", FAILURES.values(), ids=FAILURES)
def test_the_iteration_and_the_result_tell_the_same_story(reader: Reader, attempts: list[Attempt]) -> None:
    outcome = reader.read(*attempts)
    raised, again = outcome.error, outcome.answer
    assert isinstance(raised, ProviderError)
    assert isinstance(again, ProviderError)
    assert again is not raised
    assert type(again) is type(raised)
    assert str(again) == str(raised)
    assert vars(again) == vars(raised)
    assert again.__cause__ is raised.__cause__
    assert raised.attempts == outcome.script.log.count("open")


def frames(raising: Callable[[], object]) -> int:
    """How many frames the traceback has of what this raises."""
    try:
        raising()
    except ProviderError as error:
        return len(traceback.extract_tb(error.__traceback__))
    raise AssertionError("nothing was raised")


def test_the_traceback_does_not_grow_when_an_error_is_raised_again() -> None:
    clock = Clock()
    transport = ScriptedSyncTransport([[STREAMING, delta("Hel"), End()]], clock)
    stream = SyncProvider(openai(), transport, api_key=KEY).stream(ASK)
    with pytest.raises(ProviderError):
        list(stream)
    assert len({frames(stream.result) for _ in range(5)}) == 1


def test_the_traceback_of_a_call_alone_does_not_grow_either() -> None:
    call = Provider(openai()).call(ASK)
    call.next_step()
    call.receive(Lost(RemoteProtocolError("not HTTP")))
    assert len({frames(call.result) for _ in range(5)}) == 1


class CountedError(RemoteProtocolError):
    """An error that counts how many of it were ever made."""

    made: ClassVar[int] = 0

    def __new__(cls, *args: object, **context: object) -> Self:
        CountedError.made += 1
        return super().__new__(cls, *args)


@pytest.mark.parametrize(
    ("before", "most"),
    [
        # One that the transport raises, one that the call ends with, one that is raised.
        ([], 3),
        ([WHOLE], 3),
        # The parser of a stream ends with an error, too, which has the partial answer.
        ([STREAMING], 4),
        ([STREAMING, delta("Hel")], 4),
    ],
)
def test_a_failure_is_copied_once_by_each_machine_and_once_for_who_gets_it(
    reader: Reader, before: list[Head | Body | End], most: int
) -> None:
    CountedError.made = 0
    outcome = reader.read([*before, CountedError("not HTTP")])
    assert isinstance(outcome.error, CountedError)
    assert isinstance(outcome.answer, CountedError)
    assert CountedError.made == most + 1  # for result()


def test_an_attempt_that_is_tried_again_is_copied_once_to_say_which_it_was(reader: Reader) -> None:
    class LossError(APIConnectionError):
        made: ClassVar[int] = 0

        def __new__(cls, *args: object, **context: object) -> Self:
            LossError.made += 1
            return super().__new__(cls, *args)

    lost = LossError("reset")
    outcome = reader.read([lost], [lost], [STREAMING, delta("Hi"), Body(b"data: [DONE]\n\n")])
    assert outcome.error is None or isinstance(outcome.error, LocalProtocolError)
    assert LossError.made == 1 + 2


def test_the_key_is_masked_in_an_error_and_in_its_cause(reader: Reader) -> None:
    echoed = APIConnectionError(f"reset by {KEY}")
    outcome = reader.read([STREAMING, delta("Hel"), echoed])
    for error in (outcome.error, outcome.answer):
        assert isinstance(error, ProviderError)
        assert isinstance(error.__cause__, APIConnectionError)
        for shown in (str(error), str(error.__cause__)):
            assert KEY not in shown
            assert "[key]" in shown


def test_two_readers_of_one_failure_do_not_share_an_exception() -> None:
    """An exception that two tasks raise would collect the frames of both."""
    clock = Clock()
    transport = ScriptedTransport([[STREAMING, End()]], clock)
    stream = AsyncProvider(openai(max_attempts=1), transport, api_key=KEY).stream(ASK)

    async def read() -> ProviderError:
        try:
            async for _ in stream:
                pass
        except ProviderError as error:
            return error
        raise AssertionError

    first = anyio.run(read)
    with pytest.raises(type(first)) as caught:
        stream.result()
    assert caught.value is not first
