"""The transports that the commands try: those of the main job, and HTTP/2 by way of a gateway."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.adapters import TRANSPORTS
from transports import AnyioTransport, Transport

NAMES = (*TRANSPORTS, "http2")


@contextmanager
def driver(name: str) -> Iterator[Callable[[], Transport]]:
    """What makes the transport of that name. A gateway is a separate process, which ends with the block."""
    if name != "http2":
        yield TRANSPORTS[name]
        return
    command = [sys.executable, "-m", "tests.transports.testing.conformance.gateway"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield partial(AnyioTransport, http2="only", unix_socket=process.stdout.readline().strip())
        finally:
            process.stdin.close()
