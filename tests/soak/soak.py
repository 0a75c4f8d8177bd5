"""Mixed calls and faults, many at once, for any length of time: shows leaks, and lost or doubled events.

What is held is measured in three ways. While calls are under way, by two slopes: of the resident memory, once
malloc has given back what it can, since what it keeps for itself grows with the largest load so far; and of
the blocks that Python has allocated, which no allocator's habits touch. And before and after, when nothing is
under way: what is left then, a call has left behind.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
from msgspec import Struct

from sansio import ContentDelta, Message, ProviderConfig, ProviderError, Role
from sansio.testing import PROVIDER_TYPES
from tests.soak.server import numbers
from transports import AsyncProvider, Transport, create_provider

_WARM_UP = 0.1  # the part of the time after which all permanent memory is allocated
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SETTLE = 1.0  # seconds, after which no timer of a call is left in a loop
_LONGEST = 60  # numbers in one answer
_KEY = "key-of-the-soak"


class Sample(Struct, frozen=True):
    """What the process held at one moment, after garbage collection.

    Args:
        seconds: of a clock.
        resident: KiB of memory, without what malloc can give back.
        blocks: of memory that Python has allocated.
        descriptors: open files and sockets.
    """

    seconds: float
    resident: float
    blocks: int
    descriptors: int


class Report(Struct, frozen=True):
    """The results of a soak.

    Args:
        outcomes: how many calls ended how.
        events: deltas that were checked.
        samples: taken at equal intervals, with calls under way.
        before: with none under way and no connection open, after a tenth of the time.
        after: the same, at the end.
        accepted: connections that the server accepted.
        left_open: of these, how many were open after the provider was closed.
    """

    outcomes: dict[str, int]
    events: int
    samples: list[Sample]
    before: Sample
    after: Sample
    accepted: int
    left_open: int

    @property
    def settled(self) -> list[Sample]:
        """The latter two thirds of the samples."""
        return self.samples[len(self.samples) // 3 :]

    def __str__(self) -> str:
        first, last = self.settled[0], self.settled[-1]
        seconds = [sample.seconds for sample in self.settled]
        resident = slope(seconds, [sample.resident for sample in self.settled])
        blocks = slope(seconds, [sample.blocks for sample in self.settled])
        calls = ", ".join(f"{name} {count}" for name, count in sorted(self.outcomes.items()))
        return (
            f"{sum(self.outcomes.values())} calls ({calls}), {self.events} events, none lost or doubled\n"
            f"resident {first.resident:.0f} KiB after a third, {last.resident:.0f} KiB at the end, "
            f"slope {resident:+.1f} KiB a minute\n"
            f"blocks {first.blocks} after a third, {last.blocks} at the end, slope {blocks:+.0f} a minute\n"
            f"descriptors {first.descriptors} after a third, {last.descriptors} at the end\n"
            f"at rest {self.before.resident:.0f} KiB, {self.before.blocks} blocks and "
            f"{self.before.descriptors} descriptors before; {self.after.resident:.0f} KiB, "
            f"{self.after.blocks} blocks and {self.after.descriptors} descriptors after\n"
            f"{self.accepted} connections, {self.left_open} left open"
        )


def slope(seconds: Sequence[float], values: Sequence[float]) -> float:
    """Growth per minute, by the least-squares line."""
    mean_x, mean_y = sum(seconds) / len(seconds), sum(values) / len(values)
    spread = sum((x - mean_x) ** 2 for x in seconds)
    return 60 * sum((x - mean_x) * (y - mean_y) for x, y in zip(seconds, values, strict=True)) / spread


@contextmanager
def server(seed: int) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The server's port and process."""
    command = [sys.executable, "-m", "tests.soak.server", str(seed)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process
        finally:
            process.kill()


async def soak(make: Callable[[], Transport], seconds: float, *, at_once: int = 200, seed: int = 0) -> Report:
    """Make calls for this many seconds, by `at_once` tasks; a tenth of the time with a separate transport.

    Raises:
        AssertionError: an event was lost, doubled or out of order.
    """
    with server(seed) as (port, process):
        soaking = _Soak(port, random.Random(seed))
        samples: list[Sample] = []
        await soaking.run(make(), at_once, _WARM_UP * seconds)
        before = await _rest()
        seconds -= _WARM_UP * seconds
        async with _sampling(samples, seconds):
            await soaking.run(make(), at_once, seconds)
        after = await _rest()
        said = json.loads(process.communicate(timeout=30)[0])
    return Report(
        dict(soaking.outcomes), soaking.events, samples, before, after, said["accepted"], said["open"]
    )


async def _rest() -> Sample:
    """What is held when the loop is idle."""
    await anyio.sleep(_SETTLE)
    return _sample()


@asynccontextmanager
async def _sampling(samples: list[Sample], seconds: float) -> AsyncIterator[None]:
    until = time.monotonic() + seconds  # and not while the last calls end

    async def sample() -> None:
        while time.monotonic() < until:
            samples.append(_sample())
            await anyio.sleep(max(0.5, seconds / 120))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sample)
        yield
        tasks.cancel_scope.cancel()


def _sample() -> Sample:
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    if trim is not None:
        trim(0)
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 1024
    return Sample(time.monotonic(), resident, sys.getallocatedblocks(), len(os.listdir("/proc/self/fd")))


@contextmanager
def _partial_is(text: Callable[[], str]) -> Iterator[None]:
    """Compare an error's partial answer with what arrived."""
    try:
        yield
    except ProviderError as error:
        if error.partial is not None and error.partial.text != text():
            raise AssertionError(f"{error.partial.text!r} is not what arrived: {text()!r}") from error
        raise


class _Soak:
    def __init__(self, port: int, chance: random.Random) -> None:
        self.outcomes: Counter[str] = Counter()
        self.events = 0
        self._port = port
        self._random = chance

    async def run(self, transport: Transport, at_once: int, seconds: float) -> None:
        """Make calls by this many tasks, then close the transport."""
        providers = [self._provider(type, transport) for type in PROVIDER_TYPES]
        until = time.monotonic() + seconds
        async with anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(self._work, providers, until)
        await transport.aclose()

    def _provider(self, type: str, transport: Transport) -> AsyncProvider:
        roots = {"openrouter": "/api/v1", "azure": "", "anthropic": ""}
        config = ProviderConfig.from_dict(
            {
                "type": type,
                "base_url": f"http://127.0.0.1:{self._port}{roots.get(type, '/v1')}",
                "read_timeout": 0.5,
                "max_attempts": 2,
                **({"deployment": "d", "api_version": "2024-10-21"} if type == "azure" else {"model": "m"}),
            }
        )
        return create_provider(config, transport=transport, api_key=_KEY)

    async def _work(self, providers: Sequence[AsyncProvider], until: float) -> None:
        while time.monotonic() < until:
            size = self._random.randint(0, _LONGEST)
            provider = self._random.choice(providers)
            question = [Message(Role.USER, f"Please count to {size}.")]
            patience = self._random.choice((10.0, 10.0, self._random.uniform(0, 0.3)))
            with anyio.move_on_after(patience) as scope:
                try:
                    if self._random.random() < 0.2:
                        answer = await provider.complete(question)
                        self._check(answer.text, size, whole=True)
                    else:
                        await self._stream(provider, question, size)
                    self.outcomes["answered"] += 1
                except ProviderError as error:
                    self._check(error.partial.text if error.partial else "", size, whole=False)
                    self.outcomes[type(error).__name__] += 1
            self.outcomes["cancelled"] += scope.cancelled_caught

    async def _stream(self, provider: AsyncProvider, question: list[Message], size: int) -> None:
        leave_after = self._random.choice((None, None, None, self._random.randint(0, _LONGEST)))
        text = ""
        stream = provider.stream(question)
        with _partial_is(lambda: text):
            async for event in stream:
                if isinstance(event, ContentDelta):
                    self.events += 1
                    text += event.text
                    self._check(text, size, whole=False)
                    if leave_after is not None and self.events % (leave_after + 1) == 0:
                        return  # bare, so that releasing is left to the stream
        self._check(text, size, whole=True)
        assert stream.result().text == text

    def _check(self, text: str, size: int, *, whole: bool) -> None:
        expected = numbers(size)
        if whole:
            assert text == expected, f"{text!r} is not the count to {size}"
        else:
            assert expected.startswith(text), f"{text!r} does not begin the count to {size}"
