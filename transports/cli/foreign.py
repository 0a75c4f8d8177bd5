"""Runs a parser in another language: a command that reads streams and writes answers, as JSON lines."""

from __future__ import annotations

import base64
import shlex
import subprocess
import threading
from collections.abc import Callable
from types import TracebackType

import msgspec

_WAIT = 30.0
"""How many seconds the command may take for one stream. Then it is assumed to hang, and is ended."""


class ForeignError(Exception):
    """The command refused a stream, which it may do."""


class CommandFailedError(Exception):
    """The command ended, took too long, or wrote an invalid answer."""


class _Reply(msgspec.Struct):
    """One line of the command's output."""

    text: str = ""
    calls: list[tuple[str, object]] = []
    events: list[list[str]] | None = None
    error: str | None = None


class ParserCommand:
    """Runs the command, and starts it again if it has ended. Leaving the context ends it.

    Each line of its input is a stream: `{"chunks": [...]}`, the pieces in base64. It answers each with a
    line: `{"text": "...", "calls": [["name", arguments], ...]}`, `{"events": [["event", "data", "id"],
    ...]}`, or `{"error": "why"}` for a stream that it refuses.

    Args:
        command: the command line, split into words as a shell would do; no shell runs it.
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
        """A parser for one stream."""
        return CommandParser(self.ask)

    def ask(self, pieces: list[bytes]) -> object:
        """Have the command read one stream.

        Args:
            pieces: the stream's pieces.

        Returns:
            Its events, or its text and calls.

        Raises:
            ForeignError: the command refused the stream.
            CommandFailedError: the command did not answer, or its answer is invalid.
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
            raise CommandFailedError(
                f"the command ended with status {status}, or did not answer within {_WAIT:g} s"
            )
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
        """End the process, and return its exit status."""
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
    """Collects one stream, and sends it to the command when the stream has ended.

    Args:
        ask: has the command read the stream's pieces.
    """

    def __init__(self, ask: Callable[[list[bytes]], object]) -> None:
        self._ask = ask
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Add a piece of the stream."""
        self._pieces.append(data)

    def close(self) -> object:
        """What the command read from all pieces; see `ParserCommand.ask`."""
        return self._ask(self._pieces)
