"""`sansio-llm parse`: reads a captured answer and prints its events."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from io import FileIO
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from sansio import (
    Dialect,
    NDJSONFramer,
    ProviderError,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    StreamTruncatedError,
)
from sansio.jsontext import decode_object
from sansio.providers.registry import dialect_class
from transports.cli.display import JSONDisplay
from transports.cli.settings import Imports, known_type
from transports.cli.terminal import READ_SIZE, read_stdin_pieces

_BLANK = b" \t\r\n\xef\xbb\xbf"
"""Bytes that may precede an answer: white space, and those of a byte order mark."""


def parse(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A file with the body of an answer as received, streamed or whole. '-' reads standard "
            "input.",
        ),
    ],
    *,
    type: Annotated[str, typer.Option(callback=known_type, help="The provider's type, such as openai.")],
    api: Annotated[
        str | None,
        typer.Option(help="The API that the answer is from, such as responses. Default: the type's first."),
    ] = None,
    imports: Imports = None,
) -> None:
    """Print the events of a captured answer; see `sansio-llm parse --help`.

    Raises:
        ProviderError: the answer is invalid; a stream's `offset` is the position in bytes.
        typer.BadParameter: the file cannot be opened.
        typer.Exit: the output was closed.
    """
    display = JSONDisplay()
    for event in _events(type, api, file):
        display.show(event)
        if isinstance(event, StreamFailed):
            raise event.error


def _events(type: str, api: str | None, file: Path) -> Iterator[StreamEvent]:
    dialect = dialect_class(type, api)()
    pieces = _pieces(file)
    start = b""
    for piece in pieces:
        start += piece
        if start.strip(_BLANK):
            break
    # A stream of SSE never begins with an object. In a stream of JSON lines, the object is the first event.
    if start.lstrip(_BLANK).startswith(b"{") and not isinstance(dialect.framer(""), NDJSONFramer):
        yield _whole(dialect, b"".join([start, *pieces]))
        return
    parser = StreamParser(dialect)
    read = 0
    for data in chain([start], pieces):
        read += len(data)
        yield from parser.receive_data(data)
        if parser.finished:
            return
    for event in parser.receive_eof():
        if isinstance(event, StreamFailed) and event.error.offset is None:
            event = StreamFailed(event.error.with_context(offset=read))
        yield event


def _whole(dialect: Dialect, body: bytes) -> StreamEvent:
    """The only event of an answer that was not streamed."""
    try:
        text = body.decode("utf-8-sig", "replace")
        data = decode_object(text, dialect.limits.max_json_depth, cut=StreamTruncatedError)
        if (error := dialect.error_in(data)) is not None:
            raise error
        return StreamComplete(dialect.parse_response(data))
    except ProviderError as error:
        return StreamFailed(error)


def _pieces(file: Path) -> Iterator[bytes]:
    if str(file) == "-":
        return read_stdin_pieces()
    try:
        source = FileIO(file)
    except OSError as error:
        raise typer.BadParameter(f"{str(file)!r}: {error.strerror}", param_hint="FILE") from None
    return _read(source)


def _read(source: FileIO) -> Iterator[bytes]:
    with source:
        yield from iter(partial(source.read, READ_SIZE), b"")
