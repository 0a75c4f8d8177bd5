"""The standard streams: text is written and flushed at once, and bytes are read as they arrive."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from functools import partial
from typing import TextIO, cast

import typer

CLOSED_PIPE = 141
"""The exit status after the reader of the output has closed it: 128 and the number of SIGPIPE."""

READ_SIZE = 65_536
"""How many bytes of a file or of standard input are read at a time."""

_CONTROLS = [char for char in (*range(0x20), *range(0x7F, 0xA0)) if chr(char) not in "\t\n"]
_HARMLESS: dict[int, str | None] = {char: f"\\x{char:02x}" for char in _CONTROLS} | {ord("\r"): None}


def harmless(text: str) -> str:
    """The text with control characters as escapes such as `\\x1b`, so that a terminal does not obey them."""
    return text.translate(_HARMLESS)


class Channel:
    """Standard output or standard error.

    Args:
        stream: `sys.stdout` or `sys.stderr`, which is `None` if the process was started without it.
        utf8: write UTF-8 with LF as the line end, whatever the locale.
    """

    def __init__(self, stream: TextIO | None, *, utf8: bool = False) -> None:
        self._stream = stream or io.StringIO()
        self.is_terminal = self._stream.isatty()
        self.at_line_start = True
        if isinstance(self._stream, io.TextIOWrapper):
            if utf8:
                self._stream.reconfigure(encoding="utf-8", newline="\n")
            else:
                self._stream.reconfigure(errors="replace")

    def write(self, text: str, *, dim: bool = False) -> None:
        """Write text: unchanged to a file or pipe, with control characters as escapes to a terminal.

        Args:
            text: the text.
            dim: whether a terminal shows it in a weaker colour.

        Raises:
            typer.Exit: the reader has closed the stream; or it cannot be written, and the reason was printed.
        """
        if not text:
            return
        self.at_line_start = text.endswith("\n")
        if self.is_terminal:
            text = _dimmed(harmless(text), self._stream) if dim else harmless(text)
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            self._discard()
            if isinstance(error, BrokenPipeError):
                raise typer.Exit(CLOSED_PIPE) from None
            tell(f"the output cannot be written: {error.strerror}")
            raise typer.Exit(1) from None

    def end_line(self) -> None:
        """Begin a new line, unless the last text ended one."""
        if not self.at_line_start:
            self.write("\n")

    def _discard(self) -> None:
        """Discard the stream's buffer, so that the exit prints no error."""
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


class StatusLine:
    """A line with the current step, on standard error if that is a terminal.

    Leaving the context erases it.
    """

    def __init__(self) -> None:
        self._stream = sys.stderr if sys.stderr is not None and sys.stderr.isatty() else None

    def __enter__(self) -> StatusLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.show("")

    def show(self, text: str) -> None:
        """Show text in place of the last one."""
        if self._stream is not None:
            self._stream.write(f"\r\x1b[K{harmless(text)}")
            self._stream.flush()


def tell(text: str, *, dim: bool = False) -> None:
    """Print a message to standard error, in one line.

    Args:
        text: the message.
        dim: whether a terminal shows it in a weaker colour than the answer, which matters more.
    """
    line = " ".join(harmless(text.replace("\n", " ")).split())
    Channel(sys.stderr).write(f"sansio-llm: {line}\n", dim=dim)


def counted(count: int, what: str) -> str:
    """A number with its noun, such as `1 row` or `2,000 batches`.

    Args:
        count: the number.
        what: the noun in the singular, whose plural ends with `s`, or with `es` after `ch`.
    """
    ending = "" if count == 1 else "es" if what.endswith("ch") else "s"
    return f"{count:,} {what}{ending}"


def read_stdin_pieces() -> Iterator[bytes]:
    """Standard input, in pieces as they arrive. Ctrl-C works between them.

    Raises:
        typer.BadParameter: the process was started without standard input.
    """
    if sys.stdin is None:
        raise typer.BadParameter("there is no standard input")
    source = cast(io.BufferedReader, sys.stdin.buffer)
    return iter(partial(source.read1, READ_SIZE), b"")


def read_stdin() -> str:
    """All of standard input.

    Raises:
        typer.BadParameter: it is not UTF-8, or the process was started without standard input.
    """
    data = b"".join(read_stdin_pieces())
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"standard input is not UTF-8 text: byte {error.start} is invalid") from None


def _dimmed(text: str, stream: TextIO) -> str:
    from rich.console import Console  # lazily: it takes 50 ms to import, and only reasoning needs it

    console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
    with console.capture() as captured:
        console.out(text, style="dim", highlight=False, end="")
    return captured.get()
