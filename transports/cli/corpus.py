"""`sansio-llm corpus`: writes streams of every wire and their meaning, for parsers in any language."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from transports.cli.terminal import Channel


def corpus(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The folder to write to. It is created if it does not exist."),
    ],
) -> None:
    """Write the corpus; see `sansio-llm corpus --help`. Files with other names are not changed.

    Raises:
        typer.BadParameter: the folder cannot be created or written to.
        typer.Exit: the output was closed.
    """
    from sansio.testing.corpus import corpus_files  # lazily: only this command needs the encoders

    out = Channel(sys.stdout)
    for name, data in corpus_files().items():
        try:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / name).write_bytes(data)
        except OSError as error:
            raise typer.BadParameter(f"{str(directory)!r}: {error.strerror}", param_hint="DIR") from None
        if name.endswith(".jsonl"):
            count = data.count(b"\n")
            out.write(f"{directory / name}: {count} cases\n")
