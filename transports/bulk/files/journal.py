"""The answers of a batch, in a file that stays readable after any crash.

Each answer is one line, which is appended at once. What the system has accepted survives the end of the
process, whatever kills it; what a power failure loses is asked again. An incomplete last line is removed, or
completed if only its line end is missing.

Beside the journal is a small file, `NAME.batch.json`, that says what the answers belong to, and which
batches of the provider have them. The journal is locked while a process uses it, and the lock ends with the
process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from msgspec import Struct

from sansio import BatchState, ConfigError

_BLOCK = 1 << 20
_VERSION = 1


class _Line(Struct):
    """The field that every line of a journal has."""

    custom_id: str


class Submission(Struct, frozen=True):
    """What was submitted to a provider's batch endpoints for the answers of a journal.

    Args:
        state: the last state of the batches that is known.
        fetched: whether all their answers are in the journal.
    """

    state: BatchState
    fetched: bool = False


class _About(Struct, frozen=True, omit_defaults=True):
    """The file beside a journal."""

    version: int
    batch: dict[str, Any]
    submission: Submission | None = None


class Journal:
    """A file of answers that only this process uses. Use it with `with`.

    Args:
        path: the file's path.
        about: what the answers belong to, as plain data: the input, the provider, the options.
        resume: whether to continue a file that has answers.

    Attributes:
        done: the ids of the answers in the file.
        repaired: how many bytes of an incomplete last line were removed.
        submission: what was submitted for the file; `None` if nothing was.

    Raises:
        ConfigError: another process uses the file; it has answers and `resume` is False; it contains
            something other than answers; or its answers belong to something else.
        OSError: the file cannot be read or written.
    """

    def __init__(self, path: Path, about: Mapping[str, Any], *, resume: bool) -> None:
        self.path = path
        self.done: set[str] = set()
        self.repaired = 0
        self._about = path.with_name(path.name + ".batch.json")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
        try:
            self._lock()
            self._size = os.fstat(self._file).st_size
            if self._size and not resume:
                raise ConfigError(
                    f"{path} has answers already; continue it with --resume, or name another output",
                    field="output",
                )
            self._given: dict[str, Any] = msgspec.to_builtins(about)
            stored = self._stored()
            self.submission = None if stored is None else stored.submission
            if self._size or self.submission is not None:
                self._compare(stored)
                self._read()
            else:
                self._write_about()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def append(self, line: bytes) -> None:
        """Write a line, completely or not at all.

        Args:
            line: a JSON object with `custom_id`, without a line end.

        Raises:
            OSError: the line cannot be written, such as to a full disk. All lines before it are complete.
        """
        data = line + b"\n"
        try:
            written = os.write(self._file, data)
            while written < len(data):  # a disk that is nearly full accepts a part, and then raises
                written += os.write(self._file, data[written:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)

    def keep(self, state: BatchState, *, fetched: bool = False) -> None:
        """Store what was submitted, and sync it to the disk: a forgotten batch would be paid for in vain.

        Args:
            state: the state of the batches.
            fetched: whether all their answers are in the journal.

        Raises:
            OSError: the file cannot be written. What was stored before is unchanged.
        """
        self.submission = Submission(state, fetched)
        self._write_about()

    def close(self) -> None:
        """Sync the file to the disk, and release the lock. Idempotent."""
        if self._file >= 0:
            file, self._file = self._file, -1
            try:
                os.fsync(file)
            finally:
                os.close(file)

    def _lock(self) -> None:
        try:
            if sys.platform == "win32":
                import msvcrt

                os.lseek(self._file, 0x7FFF_0000, os.SEEK_SET)  # a position that no answer reaches
                msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(
                f"{self.path} is being written by another process; wait for it, or name another output",
                field="output",
            ) from None

    def _stored(self) -> _About | None:
        try:
            about = msgspec.json.decode(self._about.read_bytes(), type=_About)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise ConfigError(f"{self._about} is malformed: {error}", field="output") from None
        if about.version != _VERSION:
            raise ConfigError(
                f"{self._about} has version {about.version}, and this is version {_VERSION}", field="output"
            )
        return about

    def _compare(self, about: _About | None) -> None:
        if about is None:
            raise ConfigError(
                f"{self.path} cannot be gone on with: {self._about.name}, which says what its answers belong "
                "to, is not there; name another output",
                field="output",
            )
        given = self._given
        differs = [
            f"{name}: {_short(about.batch.get(name))}, now {_short(given.get(name))}"
            for name in sorted({*about.batch, *given})
            if about.batch.get(name) != given.get(name)
        ]
        if differs:
            raise ConfigError(
                f"{self.path} is for answers to something else ({'; '.join(differs)}); name another output",
                field="output",
            )

    def _write_about(self) -> None:
        about = _About(_VERSION, self._given, self.submission)
        made = self._about.with_name(self._about.name + ".new")
        with made.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(about)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, self._about)

    def _read(self) -> None:
        """Collect the ids of the answers, and repair the last line."""
        decoder = msgspec.json.Decoder(_Line)
        end = 0
        for number, line in enumerate(read_lines(self.path), 1):
            is_whole = line.endswith(b"\n")
            try:
                self.done.add(decoder.decode(line).custom_id)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                if is_whole:
                    raise ConfigError(
                        f"{self.path} has something else than answers: line {number} has no custom_id; "
                        "name another output",
                        field="output",
                    ) from None
                self.repaired = len(line)
                break
            end += len(line)
            if not is_whole:
                os.write(self._file, b"\n")
                end += 1
                break  # otherwise the end would be read as another line
        if self.repaired:
            os.ftruncate(self._file, end)
        self._size = end


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file with their line ends; the last one may have none."""
    with path.open("rb", buffering=_BLOCK) as file:
        yield from file


def _short(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:59] + "…"
