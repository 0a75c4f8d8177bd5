"""Mixed calls and faults, many at once, for as long as one likes: what leaks shows, or is lost or doubled."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
from msgspec import Struct

from sansio import ContentDelta, Message, ProviderConfig, ProviderError, Role
from sansio.testing import PROVIDER_TYPES
from tests.soak.server import numbers
from transports import AsyncProvider, Transport, create_provider

_PAGE = os.sysconf("SC_PAGE_SIZE")
_LONGEST = 60  # numbers in one answer
_KEY = "key-of-the-soak"


class Sample(Struct, frozen=True):
    """What the process held at one moment.

    Args:
        seconds: since the beginning.
        resident: KiB of memory.
        descriptors: open files and sockets.
    """

    seconds: float
    resident: float
    descriptors: int


class Report(Struct, frozen=True):
    """What a soak has shown.

    Args:
        outcomes: how many calls ended how.
        events: deltas that were checked.
        samples: taken at equal intervals.
        accepted: connections that the server took.
        left_open: of these, how many were open after the provider was closed.
    """

    outcomes: dict[str, int]
    events: int
    samples: list[Sample]
    accepted: int
    left_open: int

    @property
    def slope(self) -> float:
        """Growth of the memory in KiB per minute: the least-squares line through the latter two thirds."""
        settled = self.samples[len(self.samples) // 3 :]
        mean_x = sum(s.seconds for s in settled) / len(settled)
        mean_y = sum(s.resident for s in settled) / len(settled)
        spread = sum((s.seconds - mean_x) ** 2 for s in settled)
        return 60 * sum((s.seconds - mean_x) * (s.resident - mean_y) for s in settled) / spread

    def __str__(self) -> str:
        first, last = self.samples[len(self.samples) // 3], self.samples[-1]
        calls = ", ".join(f"{name} {count}" for name, count in sorted(self.outcomes.items()))
        return (
            f"{sum(self.outcomes.values())} calls ({calls}), {self.events} events, none lost or doubled\n"
            f"resident {first.resident:.0f} KiB after a third, {last.resident:.0f} KiB at the end, "
            f"slope {self.slope:+.1f} KiB a minute\n"
            f"descriptors {first.descriptors} after a third, {last.descriptors} at the end\n"
            f"{self.accepted} connections, {self.left_open} left open"
        )


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


async def soak(transport: Transport, seconds: float, *, at_once: int = 200, seed: int = 0) -> Report:
    """Call for so many seconds, by `at_once` tasks.

    Raises:
        AssertionError: an event was lost, doubled or out of order.
    """
    with server(seed) as (port, process):
        soaking = _Soak(transport, port, random.Random(seed))
        samples: list[Sample] = []
        async with _sampling(samples, seconds), anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(soaking.work, time.monotonic() + seconds)
        await transport.aclose()
        said = json.loads(process.communicate(timeout=30)[0])
    return Report(dict(soaking.outcomes), soaking.events, samples, said["accepted"], said["open"])


@asynccontextmanager
async def _sampling(samples: list[Sample], seconds: float) -> AsyncIterator[None]:
    began = time.monotonic()

    async def sample() -> None:
        while True:
            samples.append(_sample(time.monotonic() - began))
            await anyio.sleep(max(0.25, seconds / 120))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sample)
        yield
        tasks.cancel_scope.cancel()


def _sample(seconds: float) -> Sample:
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 1024
    return Sample(seconds, resident, len(os.listdir("/proc/self/fd")))


@contextmanager
def _partial_is(text: Callable[[], str]) -> Iterator[None]:
    """Hold what an error calls the answer so far against what came."""
    try:
        yield
    except ProviderError as error:
        if error.partial is not None and error.partial.text != text():
            raise AssertionError(f"{error.partial.text!r} is not what came: {text()!r}") from error
        raise


class _Soak:
    def __init__(self, transport: Transport, port: int, chance: random.Random) -> None:
        self.outcomes: Counter[str] = Counter()
        self.events = 0
        self._random = chance
        self._providers = [self._provider(type, port, transport) for type in PROVIDER_TYPES]

    def _provider(self, type: str, port: int, transport: Transport) -> AsyncProvider:
        roots = {"openrouter": "/api/v1", "azure": "", "anthropic": ""}
        config = ProviderConfig.from_dict(
            {
                "type": type,
                "base_url": f"http://127.0.0.1:{port}{roots.get(type, '/v1')}",
                "read_timeout": 0.5,
                "max_attempts": 2,
                **({"deployment": "d", "api_version": "2024-10-21"} if type == "azure" else {"model": "m"}),
            }
        )
        return create_provider(config, transport=transport, api_key=_KEY)

    async def work(self, until: float) -> None:
        while time.monotonic() < until:
            size = self._random.randint(0, _LONGEST)
            provider = self._random.choice(self._providers)
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
