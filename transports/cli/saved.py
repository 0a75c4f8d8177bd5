"""Conversations in files: the last one, which `--continue` goes on with, and those of `/save`."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec
from msgspec import Struct

from sansio import Message


class Saved(Struct, frozen=True, omit_defaults=True):
    """A conversation in a file, as JSON.

    Args:
        messages: from the system message to the last answer.
        provider: fields of `ProviderConfig`, so that `--config` reads the file, too; empty for the fake one.
    """

    messages: list[Message]
    provider: dict[str, object] = {}


def last_conversation() -> Path:
    """Where the last conversation is kept: in the folder for state of the XDG Base Directory Specification.

    That is `$XDG_STATE_HOME`, if it is an absolute path, or else `~/.local/state`.
    """
    folder = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not folder.is_absolute():
        folder = Path.home() / ".local" / "state"
    return folder / "sansio-llm" / "last.json"


def read_saved(file: Path) -> Saved:
    """A conversation from a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=Saved)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, RecursionError) as error:
        raise ValueError(f"{file} is not a conversation that was saved: {error}") from None


def write_saved(file: Path, saved: Saved) -> None:
    """Write a conversation, for its owner alone. The file is whole at any moment, also under a crash.

    Raises:
        OSError: it cannot be written.
    """
    with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as made:  # mode 0600
        try:
            made.write(msgspec.json.encode(saved))
            made.close()
            os.replace(made.name, file)
        except BaseException:
            os.unlink(made.name)
            raise


def keep(saved: Saved) -> None:
    """Write the last conversation, in a folder for its owner alone.

    Raises:
        OSError: it cannot be written.
    """
    file = last_conversation()
    file.parent.parent.mkdir(parents=True, exist_ok=True)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    write_saved(file, saved)
