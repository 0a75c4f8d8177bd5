"""The file of rows without an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Self, TypeVar

import msgspec

from transports.bulk.files.answers import FailedRow

T = TypeVar("T")


class Failures:
    """The file of rows without an answer, as lines of JSON. Use it with `with`.

    Args:
        file: its path. The file is replaced when rows are read, and does not exist if none failed.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._opened: BinaryIO | None = None

    def begin(self, rows: Iterable[T]) -> Iterator[T]:
        """The rows of an input. The failures of an earlier run are removed before the first row is read."""
        self.close()
        self._file.unlink(missing_ok=True)
        yield from rows

    def write(self, row: FailedRow) -> None:
        """Add a row.

        Raises:
            OSError: the file cannot be written.
        """
        if self._opened is None:
            self._opened = self._file.open("ab", buffering=0)
        self._opened.write(msgspec.json.encode(row) + b"\n")

    def close(self) -> None:
        """Close the file. Idempotent."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
