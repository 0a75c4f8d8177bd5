"""`python -m tests.soak.churn [CALLS]`: calls cancelled at random moments, 50 at a time, on one provider.

Afterwards a hundred plain calls must succeed, and the server must count no leaked connection.
"""

from __future__ import annotations

import argparse
import random
from functools import partial

import anyio
import anyio.to_thread
from msgspec import Struct

from sansio import Message, Role
from sansio.testing import FakeProvider
from tests.soak.drivers import NAMES, driver
from transports import AsyncProvider, Transport, create_provider
from transports.sockets.idle import MAX_IDLE
from transports.testing.loopback import LoopbackThread, loopback_thread

PLAIN_CALLS = 100
_QUESTION = [Message(Role.USER, "Hello")]


class Report(Struct, frozen=True):
    """The results of the churn.

    Args:
        cancelled: calls that were cancelled.
        answered: calls that had ended before.
        kept: connections open after the plain calls, while the provider may keep some.
        left_open: connections open after the transport was closed.
        accepted: connections that the server accepted.
    """

    cancelled: int
    answered: int
    kept: int
    left_open: int
    accepted: int

    def __str__(self) -> str:
        return (
            f"{self.cancelled} calls cancelled, {self.answered} answered before that; "
            f"then {PLAIN_CALLS} plain calls answered; {self.accepted} connections, "
            f"{self.kept} kept (at most {MAX_IDLE}), {self.left_open} left open"
        )


async def churn(transport: Transport, calls: int, *, at_once: int = 50, seed: int = 0) -> Report:
    """Cancel this many calls, then make plain ones.

    Raises:
        ProviderError: a plain call failed.
        AssertionError: a plain call had another answer.
        TimeoutError: the plain calls, or the last connections to close, took too long.
    """
    chance = random.Random(seed)
    provider = FakeProvider("openai")
    with loopback_thread(provider, delay=0.001) as server:
        subject = create_provider(server.config("openai", max_attempts=1), transport=transport, api_key="key")
        work = _Churn(subject, server, chance, calls)
        await work.measure(at_once)
        async with anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(work.run)
        with anyio.fail_after(60):
            for number in range(PLAIN_CALLS):
                # Nothing scripted: a request that was cancelled may still be on its way to the server.
                answer = await subject.complete([Message(Role.USER, f"What is {number} + 0?")])
                assert answer.text == f"That is {number}.", answer.text
        kept = server.connections
        await transport.aclose()
        while server.connections:  # more of them may still wait to be accepted
            await anyio.to_thread.run_sync(server.wait_closed, server.accepted)
        return Report(work.cancelled, work.answered, kept, server.connections, server.accepted)


class _Churn:
    def __init__(
        self, provider: AsyncProvider, server: LoopbackThread, chance: random.Random, calls: int
    ) -> None:
        self.cancelled = 0
        self.answered = 0
        self._provider = provider
        self._server = server
        self._random = chance
        self._calls = calls
        self._longest = 0.0

    async def measure(self, at_once: int) -> None:
        """Measure how long calls take here, so that calls are cancelled at any moment."""
        for _ in range(2):  # the second time, there are kept connections
            began = anyio.current_time()
            async with anyio.create_task_group() as tasks:
                for _ in range(at_once):
                    tasks.start_soon(self._call)
            self._longest = 1.2 * (anyio.current_time() - began)

    async def run(self) -> None:
        while self.cancelled < self._calls:
            self._server.provider.requests.clear()
            with anyio.move_on_after(self._random.uniform(0, self._longest)) as scope:
                await self._call()
                self.answered += 1
            self.cancelled += scope.cancelled_caught

    async def _call(self) -> None:
        if self._random.random() < 0.5:
            await self._provider.complete(_QUESTION)
            return
        async for _ in self._provider.stream(_QUESTION):
            pass


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.churn", description=__doc__)
    parser.add_argument("calls", type=int, nargs="?", default=10_000)
    parser.add_argument("--transport", choices=NAMES, default="anyio")
    parser.add_argument("--backend", choices=("asyncio", "trio"), default="asyncio")
    given = parser.parse_args()
    with driver(given.transport) as make:
        run = partial(churn, make(), given.calls)
        print(f"{given.transport} on {given.backend}: {anyio.run(run, backend=given.backend)}")


if __name__ == "__main__":
    main()
