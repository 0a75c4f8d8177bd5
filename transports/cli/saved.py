"""Conversations in files: the last one, which `--continue` continues, and those of `/save`."""

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
        provider: the fields of `ProviderConfig`, so that `--config` reads the file too; empty for the fake
            provider.
    """

    messages: list[Message]
    provider: dict[str, object] = {}


def last_conversation() -> Path:
    """The file of the last conversation, in the state folder of the XDG Base Directory Specification.

    That folder is `$XDG_STATE_HOME` if this is an absolute path, and otherwise `~/.local/state`.
    """
    folder = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not folder.is_absolute():
        folder = Path.home() / ".local" / "state"
    return folder / "sansio-llm" / "last.json"


def read_saved(file: Path) -> Saved:
    """Read a conversation from a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not a saved conversation.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=Saved)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, RecursionError) as error:
        raise ValueError(f"{file} is not a saved conversation: {error}") from None


def write_saved(file: Path, saved: Saved) -> None:
    """Write a conversation to a file that only its owner can read.

    The file is complete at any moment, even in a crash.

    Raises:
        OSError: the file cannot be written.
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
    """Store the last conversation, in a folder that only its owner can read.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    file = last_conversation()
    file.parent.parent.mkdir(parents=True, exist_ok=True)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    write_saved(file, saved)
