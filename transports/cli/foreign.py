"""A parser in another language: a command that reads streams as JSON lines, and answers with JSON lines."""

from __future__ import annotations

import base64
import shlex
import subprocess
import threading
from collections.abc import Callable
from types import TracebackType

import msgspec

_WAIT = 30.0
"""Seconds for one stream, after which the command is taken for hanging and is ended."""


class ForeignError(Exception):
    """The command refused a stream, as it may."""


class CommandFailedError(Exception):
    """The command ended, or answered with something else."""


class _Reply(msgspec.Struct):
    """One line of the command's output."""

    text: str = ""
    calls: list[tuple[str, object]] = []
    events: list[list[str]] | None = None
    error: str | None = None


class ParserCommand:
    """Runs the command, again after it has ended. A context manager, which ends it.

    Each line of its input is a stream: `{"chunks": [...]}`, the pieces in base64. For each it writes a line:
    `{"text": "...", "calls": [["name", arguments], ...]}`, `{"events": [["event", "data", "id"], ...]}`, or
    `{"error": "why"}` for a stream that it refuses.

    Args:
        command: as in a shell, but no shell reads it.
    """

    def __init__(self, command: str) -> None:
        self._command = shlex.split(command)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ParserCommand:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def make(self) -> CommandParser:
        """The parser of one stream."""
        return CommandParser(self.ask)

    def ask(self, pieces: list[bytes]) -> object:
        """Have one stream read.

        Raises:
            ForeignError: the command refused it.
            CommandFailedError: the command did not answer.
        """
        line = msgspec.json.encode({"chunks": [base64.b64encode(piece).decode() for piece in pieces]})
        process = self._process or self._start()
        given, taken = process.stdin, process.stdout
        assert given is not None
        assert taken is not None
        timer = threading.Timer(_WAIT, process.kill)
        timer.start()
        try:
            given.write(line + b"\n")
            given.flush()
            answer = taken.readline()
        except OSError:
            answer = b""
        finally:
            timer.cancel()
        if not answer.endswith(b"\n"):
            status = self._end()
            raise CommandFailedError(f"the command ended with status {status}, or took {_WAIT:g} s")
        try:
            reply = msgspec.json.decode(answer, type=_Reply)
        except msgspec.MsgspecError as error:
            raise CommandFailedError(f"the command wrote {answer!r:.100}: {error}") from None
        if reply.error is not None:
            raise ForeignError(reply.error)
        return (reply.text, reply.calls) if reply.events is None else reply.events

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self._process

    def _end(self) -> int:
        """End the process; its status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            process.communicate(timeout=5)
        except (OSError, subprocess.TimeoutExpired):
            process.kill()
            process.communicate()
        return process.returncode


class CommandParser:
    """One stream for the command: it is sent when it has ended.

    Args:
        ask: has it read.
    """

    def __init__(self, ask: Callable[[list[bytes]], object]) -> None:
        self._ask = ask
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Keep a piece."""
        self._pieces.append(data)

    def close(self) -> object:
        """What the command makes of all pieces."""
        return self._ask(self._pieces)
