"""The blocking stream: abort and close from other threads, and what it leaves behind."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Literal

import pytest

from sansio import (
    APIConnectionError,
    Body,
    ContentDelta,
    End,
    Head,
    LocalProtocolError,
    Message,
    Provider,
    Request,
    StreamComplete,
)
from tests.transports.scripted import (
    ASK,
    KEY,
    STREAMING,
    Clock,
    Item,
    ScriptedSyncTransport,
    answer,
    delta,
    openai,
)
from transports import SyncEventStream, SyncProvider
from transports.driving.keys import KeySource

SOON = 10.0  # seconds; a test that waits for so long has failed


class Stuck:
    """A transport that answers until one place, where it blocks, as a socket does, until it is aborted."""

    def __init__(self, place: Literal["open", "receive", "wait"]) -> None:
        self.place = place
        self.reached = threading.Event()
        self.freed = threading.Event()
        self.log: list[str] = []
        self.inputs: Iterator[Head | Body | End] = iter([STREAMING, delta("Hel")])
        if place == "wait":
            self.inputs = iter([Head(503), End()])

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> Stuck:
        self.log.append("open")
        if self.place == "open":
            self.reached.set()
            assert self.freed.wait(SOON)
        return self

    def receive(self, timeout: float | None) -> Head | Body | End:
        value = next(self.inputs, None)
        if value is not None:
            return value
        self.reached.set()
        assert self.freed.wait(SOON)
        raise APIConnectionError("the socket was shut down")

    def close(self) -> None:
        self.log.append("release")

    def abort(self) -> None:
        self.log.append("abort")
        self.freed.set()

    def sleep(self, woken: threading.Event, seconds: float) -> None:
        self.reached.set()
        assert woken.wait(SOON)


def stuck_stream(stuck: Stuck) -> SyncEventStream:
    provider = Provider(openai())
    keys = KeySource(provider.config, KEY)
    return SyncEventStream(provider, provider.call(ASK), stuck, keys, sleep=stuck.sleep)


def in_thread(work: Callable[[], object]) -> Future[object]:
    """Run `work` in its own thread."""
    future: Future[object] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except APIConnectionError as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def scripted(*inputs: Item) -> tuple[SyncProvider, ScriptedSyncTransport]:
    transport = ScriptedSyncTransport([list(inputs)], Clock())
    return SyncProvider(openai(), transport, api_key=KEY), transport


@pytest.mark.parametrize("stop", [SyncEventStream.abort, SyncEventStream.close])
@pytest.mark.parametrize("place", ["receive", "wait"])
def test_another_thread_wakes_the_reader(
    place: Literal["receive", "wait"], stop: Callable[[SyncEventStream], None]
) -> None:
    stuck = Stuck(place)
    stream = stuck_stream(stuck)
    reading = in_thread(lambda: list(stream))
    assert stuck.reached.wait(SOON)
    stop(stream)
    with pytest.raises(APIConnectionError, match="aborted"):
        reading.result(SOON)
    with pytest.raises(APIConnectionError, match="aborted") as caught:
        stream.result()
    assert stuck.log[0] == "open"
    assert stuck.log.count("open") == 1
    if place == "receive":
        assert caught.value.partial is not None
        assert caught.value.partial.content == "Hel"
        assert "release" not in stuck.log
    assert next(stream, None) is None


def test_an_abort_inside_an_open_drops_the_connection_as_soon_as_it_is_there() -> None:
    stuck = Stuck("open")
    stream = stuck_stream(stuck)
    reading = in_thread(lambda: list(stream))
    assert stuck.reached.wait(SOON)
    stream.abort()
    stuck.freed.set()
    with pytest.raises(APIConnectionError, match="aborted"):
        reading.result(SOON)
    assert stuck.log == ["open", "abort"]


def test_a_second_thread_is_refused_and_does_no_harm() -> None:
    stuck = Stuck("receive")
    stream = stuck_stream(stuck)
    reading = in_thread(lambda: list(stream))
    assert stuck.reached.wait(SOON)
    with pytest.raises(LocalProtocolError, match="being read already"):
        next(stream)
    with pytest.raises(LocalProtocolError, match="being read already"):
        stream.result()
    assert not reading.done()
    stream.abort()
    with pytest.raises(APIConnectionError):
        reading.result(SOON)


def test_with_releases_however_the_block_ends() -> None:
    provider, transport = scripted(*answer("Hel", "lo"))
    stream = provider.stream(ASK)

    def fail_inside() -> None:
        with stream:
            for _ in stream:
                raise KeyError

    with pytest.raises(KeyError):
        fail_inside()
    assert transport.log == ["open", "abort"]
    assert next(stream, None) is None
    with pytest.raises(APIConnectionError, match="closed") as caught:
        stream.result()
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hel"


def test_a_bare_break_releases_by_reference_counting_alone() -> None:
    provider, transport = scripted(*answer("Hel", "lo"))
    gc.disable()
    try:
        for _ in provider.stream(ASK):
            break
        assert transport.log == ["open", "abort"]
    finally:
        gc.enable()


def test_an_interrupt_while_waiting_releases() -> None:
    provider, transport = scripted(STREAMING)
    # The script's end plays the part of Ctrl-C: it, too, is an exception that the driver does not know.
    stream = provider.stream(ASK)
    transport.attempts = iter([[STREAMING, delta("Hel"), KeyboardError()]])
    assert next(stream) == ContentDelta("Hel")
    with pytest.raises(KeyboardError):
        next(stream)
    assert transport.log == ["open", "abort"]
    with pytest.raises(APIConnectionError, match="cut by an exception"):
        next(stream)
    assert next(stream, None) is None


class KeyboardError(Exception):
    """What no driver expects."""


def test_received_events_are_handed_out_unless_the_stream_is_closed() -> None:
    provider, _ = scripted(STREAMING, Body(delta("a").data + delta("b").data))
    stream = provider.stream(ASK)
    assert next(stream) == ContentDelta("a")
    stream.close()
    assert next(stream, None) is None


def test_abort_and_close_after_the_end_change_nothing() -> None:
    provider, _ = scripted(*answer("Hi"))
    stream = provider.stream(ASK)
    assert isinstance(list(stream)[-1], StreamComplete)
    stream.abort()
    stream.close()
    answered = stream.result()
    assert isinstance(answered, Message)
    assert answered.content == "Hi"


def test_a_stream_is_lazy_and_its_result_comes_last() -> None:
    provider, transport = scripted(*answer("Hi"))
    stream = provider.stream(ASK)
    with pytest.raises(LocalProtocolError):
        stream.result()
    assert transport.log == []


def test_a_stream_left_at_the_interpreters_exit_is_silent() -> None:
    program = """
from tests.transports.scripted import *
from transports import SyncProvider

transport = ScriptedSyncTransport([answer("Hel", "lo")], Clock())
stream = SyncProvider(openai(), transport, api_key=KEY).stream(ASK)
print(next(stream).text)
stream.cycle = stream
"""
    command = [sys.executable, "-W", "error", "-c", program]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hel\n", "")
