"""Transports that answer from a tape, without a network."""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Collection
from math import inf
from pathlib import Path
from typing import ClassVar

import anyio
from anyio.lowlevel import checkpoint

from sansio import APIConnectionError, APITimeoutError, Body, End, Head, LocalProtocolError, Lost, Request
from sansio.testing.tape import Cuts, RecordedExchange, Remaining, Tape, Timed, read_tape, recut


class _Exchange(ABC):
    """The rest of one recorded exchange.

    Args:
        speed: how many seconds of the tape pass in one second; `None`: inputs do not wait for their time.
        now: the time at which the exchange begins.
    """

    def __init__(self, recorded: RecordedExchange, cuts: Cuts, speed: float | None, now: float) -> None:
        self._inputs = recut(recorded.inputs, cuts)
        self._next: Timed | None = None
        self._speed = speed
        self._start = now
        self._dropped = False
        self._over = False

    def abort(self) -> None:
        """Drop the rest."""
        self._dropped = True
        self._wake()

    @abstractmethod
    def _wake(self) -> None:
        """Wake a reader that waits for the time of an input."""

    def _wait(self, now: float) -> float:
        """Seconds until the next input is there."""
        if self._next is None:
            self._next = next(self._inputs, None)
        if self._next is None or self._speed is None:
            return 0.0
        return self._start + self._next.at / self._speed - now

    def _take(self) -> Head | Body | End:
        """The next input, which is there."""
        if self._dropped:
            raise APIConnectionError("the exchange was dropped by abort()")
        if self._over or self._next is None:
            raise LocalProtocolError("receive() after the end of the response")
        value, self._next = self._next.value, None
        self._over = isinstance(value, (End, Lost))
        if isinstance(value, Lost):
            raise value.error
        return value

    def _ran_out(self, timeout: float) -> APITimeoutError:
        self._over = True
        return APITimeoutError(f"the tape has nothing for {timeout:g} s", field="read_timeout")


class _AsyncExchange(_Exchange):
    _woken: anyio.Event | None = None

    async def receive(self, timeout: float | None) -> Head | Body | End:
        await checkpoint()
        wait = 0.0 if self._dropped else self._wait(anyio.current_time() if self._speed else 0.0)
        if wait > 0:
            self._woken = anyio.Event()
            with anyio.move_on_after(min(wait, inf if timeout is None else timeout)):
                await self._woken.wait()
            if timeout is not None and timeout < wait and not self._dropped:
                raise self._ran_out(timeout)
        return self._take()

    async def aclose(self) -> None:
        self._dropped = True

    def _wake(self) -> None:
        if self._woken is not None:
            self._woken.set()


class _SyncExchange(_Exchange):
    def __init__(self, recorded: RecordedExchange, cuts: Cuts, speed: float | None, now: float) -> None:
        super().__init__(recorded, cuts, speed, now)
        self._woken = threading.Event()

    def receive(self, timeout: float | None) -> Head | Body | End:
        wait = 0.0 if self._dropped else self._wait(time.monotonic())
        if wait > 0:
            self._woken.wait(wait if timeout is None else min(wait, timeout))
            if timeout is not None and timeout < wait and not self._dropped:
                raise self._ran_out(timeout)
        return self._take()

    def close(self) -> None:
        self._dropped = True

    def _wake(self) -> None:
        self._woken.set()


class _Replay:
    """The part that both transports share."""

    def __init__(
        self,
        tape: Tape | str | os.PathLike[str],
        cuts: Cuts,
        speed: float | None,
        show_headers: Collection[str],
    ) -> None:
        if cuts not in _CUTS:
            raise ValueError(f"cuts: must be one of {', '.join(_CUTS)}, not {cuts!r}")
        if speed is not None and not 0 < speed < inf:
            raise ValueError(f"speed: must be a positive number, or None for at once, not {speed!r}")
        name = "the tape"
        if not isinstance(tape, Tape):
            name = str(tape)
            tape = read_tape(Path(tape).read_bytes(), name)
        self._remaining = Remaining(tape.exchanges, name, frozenset(map(str.lower, show_headers)))
        self._cuts: Cuts = cuts
        self._speed = speed
        self._lock = threading.Lock()

    @property
    def remaining(self) -> tuple[RecordedExchange, ...]:
        """The exchanges on the tape that were not replayed yet."""
        return tuple(self._remaining.exchanges)

    def _find(self, request: Request) -> RecordedExchange:
        with self._lock:
            return self._remaining.take(request)


_CUTS: tuple[Cuts, ...] = ("recorded", "event", "byte")


class ReplayTransport(_Replay):
    """Answers requests from a tape that `RecordingTransport` wrote, without a network.

    Each request gets the first remaining exchange on the tape whose request is equal: method, URL, headers
    and body. So calls may be made at the same time, and a retry gets the next answer. If there is none,
    `TapeMismatchError` says field by field how the most similar request differs; no driver retries it.

    Args:
        tape: the tape's path, or the result of `read_tape`.
        cuts: where bodies are cut: as `"recorded"`, behind each `"event"` of a stream, or at every `"byte"`.
        speed: 1.0 replays in real time, 10.0 ten times as fast; `None` at once.
        show_headers: the same headers as for the recording.

    Raises:
        OSError: the file cannot be read.
        ValueError: the tape is damaged, or an argument is invalid.

    Example:
        transport = ReplayTransport("tapes/hello.jsonl", cuts="byte")
        async with create_provider(config, transport=transport, api_key="any-key") as provider: ...
    """

    resumable: ClassVar = True

    def __init__(
        self,
        tape: Tape | str | os.PathLike[str],
        *,
        cuts: Cuts = "recorded",
        speed: float | None = None,
        show_headers: Collection[str] = (),
    ) -> None:
        super().__init__(tape, cuts, speed, show_headers)

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> _AsyncExchange:
        """Find the exchange for a request; see `Transport.open` for the arguments.

        Raises:
            TapeMismatchError: the tape has no such exchange left.
        """
        await checkpoint()
        return _AsyncExchange(self._find(request), self._cuts, self._speed, anyio.current_time())

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""


class SyncReplayTransport(_Replay):
    """The blocking counterpart of `ReplayTransport`, with the same arguments."""

    def __init__(
        self,
        tape: Tape | str | os.PathLike[str],
        *,
        cuts: Cuts = "recorded",
        speed: float | None = None,
        show_headers: Collection[str] = (),
    ) -> None:
        super().__init__(tape, cuts, speed, show_headers)

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> _SyncExchange:
        """See `ReplayTransport.open`."""
        return _SyncExchange(self._find(request), self._cuts, self._speed, time.monotonic())

    def close(self) -> None:
        """Do nothing: there are no connections."""
