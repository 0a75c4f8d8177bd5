"""The command: in this process, which is cheap; and in its own, with pipes or on a terminal."""

from __future__ import annotations

import codecs
import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeAlias
from unittest.mock import patch

from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input

from sansio import ContentDelta, ReasoningDelta, StreamComplete, ToolCallDelta, ToolCallStarted
from sansio.testing import FakeProvider
from transports.cli.app import run as run_here
from transports.testing.loopback import LoopbackThread

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-W", "error", "-m", "transports")
PATIENCE = 60.0
"""Seconds after which a process that should have done something has failed to."""

TOLD: TypeAlias = ContentDelta | ReasoningDelta | ToolCallStarted | ToolCallDelta | StreamComplete
"""What a line of `--json` decodes to, unless it is a failure."""

READY = "\x1b[?2004h"
"""What a terminal is sent when a text can be typed: pastes are to be marked as such."""

KEY = "sk-a-key-that-nobody-may-see"


def environment(**variables: str) -> dict[str, str]:
    """The process's environment: no keys but those given, and nothing that changes how text is shown."""
    dropped = ("_API_KEY", "_OPENAI_KEY", "_COLOR")
    kept = {name: value for name, value in os.environ.items() if not name.endswith(dropped)}
    return (
        kept
        | {
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm",
            "PYTHONIOENCODING": "utf-8",
            "PROMPT_TOOLKIT_NO_CPR": "1",
        }
        | variables
    )


@contextmanager
def started(*arguments: str, env: Mapping[str, str] | None = None, **streams: Any) -> Iterator[Any]:
    """The command under way, with pipes unless `streams` says otherwise; it is killed if it still runs."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    # A process inherits an ignored SIGINT, which a test runner in the background has.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*COMMAND, *arguments], env=environment(**(env or {})), start_new_session=True, **pipes
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(what: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Wait for something that a process does, without taking its processor."""
    deadline = time.monotonic() + 4 * PATIENCE  # it includes the process's start, which may take long
    while not what():
        assert process.poll() is None, "the process has ended before"
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


class _Typed(io.TextIOWrapper):
    """Standard input that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run(
    *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, typed: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The command from its start to its end, in this process.

    Args:
        stdin: standard input, as a pipe.
        env: more variables.
        typed: the keys that a person presses, in place of standard input.
    """
    out, err = io.BytesIO(), io.BytesIO()
    with (
        patch.dict(os.environ, environment(**(env or {})), clear=True),
        patch.object(sys, "stdin", (io.TextIOWrapper if typed is None else _Typed)(io.BytesIO(stdin))),
        patch.object(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8")),
        patch.object(sys, "stderr", io.TextIOWrapper(err, encoding="utf-8")),
        create_pipe_input() as keyboard,
        create_app_session(input=keyboard),
    ):
        keyboard.send_text(typed or "")
        status = run_here(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        return subprocess.CompletedProcess(
            arguments, status, out.getvalue().decode(), err.getvalue().decode()
        )


def ask(
    server: LoopbackThread, *arguments: str, stdin: bytes = b"", typed: str | None = None
) -> subprocess.CompletedProcess[str]:
    """`chat` against a server of this process."""
    where = ("--type", "openai", "--model", "gpt-4o", "--base-url", server.base_url("openai"))
    return run("chat", *where, *arguments, stdin=stdin, env={"OPENAI_API_KEY": KEY}, typed=typed)


def body(fake: FakeProvider, number: int = -1) -> dict[str, Any]:
    """What a request asked. Default: the last one."""
    decoded: dict[str, Any] = json.loads(fake.requests[number].body)
    return decoded


def only_line(text: str) -> str:
    """The one line that reports an error."""
    (line,) = text.splitlines()
    assert line.startswith("sansio-llm: ")
    assert "Traceback" not in line
    return line


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C, and wait for the end."""
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE)


class Terminal:
    """The command on a pseudo-terminal.

    Attributes:
        seen: all that it has shown, without CR.
        streams: those of its standard streams that are not the terminal.
    """

    def __init__(self, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.seen = ""
        self.streams: dict[str, object] = {}
        self._arguments = arguments
        self._env = env
        self._read_to = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def __enter__(self) -> Self:
        import pty  # not on Windows

        self._master, slave = pty.openpty()
        streams = {"stdin": slave, "stdout": slave, "stderr": slave} | self.streams
        self._context = started(*self._arguments, env=self._env, **streams)
        self.process = self._context.__enter__()
        os.close(slave)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._context.__exit__(None, None, None)
        os.close(self._master)

    def until(self, text: str) -> str:
        """Wait until `text` is shown; what was shown up to it since the last wait."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.seen.find(text, self._read_to)) < 0:
            assert self._show(deadline), f"{text!r} did not come: {self.seen!r}"
        start, self._read_to = self._read_to, found + len(text)
        return self.seen[start : self._read_to]

    def type(self, text: str) -> None:
        """Press keys, once the prompt is there."""
        self.until(READY)
        self.press(text)

    def press(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Wait for the command's end; its exit status."""
        deadline = time.monotonic() + PATIENCE
        while self._show(deadline):
            pass
        return int(self.process.wait(PATIENCE))

    def _show(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        try:
            data = os.read(self._master, 65_536) if ready else b""
        except OSError:  # the other side is closed
            data = b""
        self.seen += self._decoder.decode(data).replace("\r\n", "\n")
        return bool(data)
