"""The server of the soak, a separate process: it counts, and fails in every way that a script can express.

It prints its port. When its standard input ends, it prints how many connections were accepted and are open.
"""

from __future__ import annotations

import json
import random
import re
import sys

import anyio
import anyio.to_thread

from sansio import Request
from sansio.testing import Answer, Broken, Ending, Failure, FakeProvider
from sansio.testing.script import FakeResponse, Outcome
from transports.testing.loopback import serve_loopback

COUNT = re.compile(rb"count to (\d+)")
_SETTLE = 5.0  # seconds for the last connections to close


def numbers(size: int) -> str:
    """The text of counting to `size`: each number is one event of a stream."""
    return "".join(f"{number} " for number in range(size))


class Counter(FakeProvider):
    """Counts as far as the request says, or truncates the answer, or fails, at random.

    Args:
        seed: of the random numbers.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)

    def respond(self, request: Request) -> FakeResponse:
        self.requests.clear()  # which would hold every request of half an hour
        found = COUNT.search(request.body)
        assert found is not None
        self.script.append(self._outcome(int(found[1])))
        return super().respond(request)

    def _outcome(self, size: int) -> Outcome:
        answer = Answer(text=numbers(size))
        chance = self._random.random()
        if chance < 0.75:
            return answer
        if chance < 0.80:
            return Failure(status=self._random.choice((429, 500, 503, 529)))
        if chance < 0.85:
            return Failure(status=self._random.choice((400, 401, 404)))
        after = self._random.randint(0, size)
        if chance < 0.90:
            return Broken(answer=answer, after=after, failure=Failure(status=500))
        return Broken(answer=answer, after=after, ending=self._random.choice((Ending.DROP, Ending.HOLD)))


async def main(seed: int) -> None:
    async with serve_loopback(Counter(seed), delay=0.001) as server:
        print(server.port, flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)
        with anyio.move_on_after(_SETTLE):
            # Again and again: connections that the client has closed may wait to be accepted.
            while server.connections:
                await server.wait_closed(server.accepted)
        print(json.dumps({"accepted": server.accepted, "open": server.connections}), flush=True)


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]))
