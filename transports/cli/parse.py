"""`sansio-llm parse`: reads a captured stream and prints its events."""

from __future__ import annotations

from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Annotated

import typer

from sansio import StreamEvent, StreamFailed, StreamParser
from transports.cli.display import JSONDisplay
from transports.cli.settings import Imports, known_type
from transports.cli.terminal import READ_SIZE, open_stdin


def parse(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The body of a streamed answer, as received. '-': standard input."
        ),
    ],
    *,
    type: Annotated[str, typer.Option(callback=known_type, help="The provider's type, such as openai.")],
    api: Annotated[
        str | None, typer.Option(help="The wire family of the stream, if not the type's first.")
    ] = None,
    imports: Imports = None,
) -> None:
    """Print the events of a captured stream; see `sansio-llm parse --help`.

    Raises:
        ProviderError: the stream is invalid; `offset` is the position in bytes.
        typer.BadParameter: the file cannot be opened.
        typer.Exit: the output was closed.
    """
    display = JSONDisplay()
    for event in _events(StreamParser(type, api=api), file):
        display.show(event)
        if isinstance(event, StreamFailed):
            raise event.error


def _events(parser: StreamParser, file: Path) -> Iterator[StreamEvent]:
    read = 0
    with _open(file) as source:
        while not parser.finished and (data := source.read(READ_SIZE)):
            read += len(data)
            yield from parser.receive_data(data)
    for event in parser.receive_eof():
        if isinstance(event, StreamFailed) and event.error.offset is None:
            event = StreamFailed(event.error.with_context(offset=read))
        yield event


def _open(file: Path) -> FileIO:
    if str(file) == "-":
        return open_stdin()
    try:
        return FileIO(file)
    except OSError as error:
        raise typer.BadParameter(f"{str(file)!r}: {error.strerror}", param_hint="FILE") from None
