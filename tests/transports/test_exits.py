"""Programs that end with streams open, by every transport over sockets: silent, and the server sees it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sansio.testing import Answer, Broken, Ending, FakeProvider
from tests.adapters import TRANSPORTS
from transports.testing.loopback import LoopbackThread, loopback_thread

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0
HELD = Broken(answer=Answer(text="one two three"), after=1, ending=Ending.HOLD)

PROGRAM = """
import logging
import signal
import sys
import anyio
from sansio import Message, ProviderConfig, Role
from tests.adapters import TRANSPORTS
from transports import SocketTransport, create_provider, create_sync_provider

# A shell lets what it starts in the background ignore interrupts, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# A busy machine takes long for a callback, which asyncio would report as a warning.
logging.getLogger("asyncio").setLevel(logging.ERROR)
transport, backend, base_url = sys.argv[1:]
config = ProviderConfig(type="openai", model="m", base_url=base_url)
question = [Message(Role.USER, "Hello")]
kept = []
"""

LEAVING = """
chosen = TRANSPORTS[transport]()

async def main():
    provider = create_provider(config, transport=chosen, api_key="key")
    async for _ in provider.stream(question):
        break
    for _ in range(2):
        kept.append(provider.stream(question))
        await anext(kept[-1])
    kept[-1].circle = kept.pop()

anyio.run(main, backend=backend)
print("left")
"""

LEAVING_BLOCKING = """
provider = create_sync_provider(config, transport=SocketTransport(), api_key="key")
for _ in provider.stream(question):
    break
for _ in range(2):
    kept.append(provider.stream(question))
    next(kept[-1])
kept[-1].circle = kept.pop()
print("left")
"""

WAITING = """
chosen = TRANSPORTS[transport]()

async def main():
    provider = create_provider(config, transport=chosen, api_key="key")
    async for _ in provider.stream(question):
        print("waits", flush=True)

try:
    anyio.run(main, backend=backend)
except KeyboardInterrupt:
    print("interrupted")
"""

WAITING_BLOCKING = """
provider = create_sync_provider(config, transport=SocketTransport(), api_key="key")
try:
    for _ in provider.stream(question):
        print("waits", flush=True)
except KeyboardInterrupt:
    print("interrupted")
"""


@contextmanager
def program(
    server: LoopbackThread, source: str, transport: str, backend: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """A fresh interpreter at work on it, one that tells of everything it could complain of."""
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", PROGRAM + source, transport, backend]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*command, server.base_url("openai")], stdout=pipe, stderr=pipe, text=True, cwd=ROOT
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_asleep(running: subprocess.Popen[str]) -> None:
    """Wait until it waits for its server, where Linux shows that.

    The interpreter looks for signals before it enters a blocking system call. A signal in the microsecond
    between the two is seen when that call returns, which here is never.
    """
    state = Path(f"/proc/{running.pid}/stat")
    while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "S":
        time.sleep(0.001)


def leave(source: str, transport: str = "", backend: str = "") -> None:
    with loopback_thread(FakeProvider("openai", [HELD] * 3)) as server:
        with program(server, source, transport, backend) as running:
            said = running.communicate(timeout=PATIENCE)
            assert (running.returncode, *said) == (0, "left\n", "")
        server.wait_client_closes(3)


def interrupt(source: str, transport: str = "", backend: str = "") -> None:
    with loopback_thread(FakeProvider("openai", [HELD])) as server:
        with program(server, source, transport, backend) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == "waits\n"
            wait_asleep(running)
            running.send_signal(signal.SIGINT)
            said = running.communicate(timeout=PATIENCE)
            assert (running.returncode, *said) == (0, "interrupted\n", "")
        server.wait_client_closes(1)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_streams_left_at_the_interpreters_exit(transport: str, anyio_backend: str) -> None:
    """One that a bare break has dropped, one that is held still, and one in a circle."""
    leave(LEAVING, transport, anyio_backend)


def test_streams_left_at_the_interpreters_exit_blocking() -> None:
    leave(LEAVING_BLOCKING)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_keyboard_interrupt_in_the_middle_of_a_stream(transport: str, anyio_backend: str) -> None:
    interrupt(WAITING, transport, anyio_backend)


def test_a_keyboard_interrupt_in_the_middle_of_a_stream_blocking() -> None:
    interrupt(WAITING_BLOCKING)
