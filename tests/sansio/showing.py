"""Shows what a machine made, without fields that have their default: for the files in `goldens`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

import msgspec
from msgspec import Struct

from sansio import InvalidRequestError, ProviderError

GOLDENS = Path(__file__).parent / "goldens"

ABOUT = ("status", "error_type", "code", "param", "index", "request_id", "provider_message", "field")
"""The details of an error that are shown. Its message is not, nor is the reason of an invalid call, since
their words may change. The message of an invalid request begins with a place, which is shown."""
PLACE = re.compile(r"^(?:message \d+(?:, part \d+)?|tool \d+|[\w.\[\]]+(?=: ))|[\w.]+(?= is in its extra)")
"""What the message of an invalid request is about: a place or an option, and perhaps a field there."""


def shown(value: object) -> str:
    """A value as text: structures with the fields that differ from their defaults, all else as in Python.

    The fields of JSON objects are in the order of their names, which means nothing on the wire.
    """
    match value:
        case Struct():
            fields = msgspec.structs.fields(type(value))
            given = [
                field.name for field in fields if not _is_default(value, field) and field.name != "reason"
            ]
            said = ", ".join(f"{name}={shown(getattr(value, name))}" for name in given)
            return f"{type(value).__name__}({said})"
        case ProviderError():
            about = {name: getattr(value, name) for name in ABOUT if getattr(value, name) is not None}
            if isinstance(value, InvalidRequestError):
                about["place"] = " ".join(PLACE.findall(value.message))
            return f"{type(value).__name__}({', '.join(f'{name}={each!r}' for name, each in about.items())})"
        case Enum():
            return str(value)
        case dict():
            return f"{{{', '.join(f'{name}: {shown(value[name])}' for name in sorted(value))}}}"
        case list() | tuple():
            return f"[{', '.join(map(shown, value))}]"
        case _:
            return repr(value)


def _is_default(value: Struct, field: msgspec.structs.FieldInfo) -> bool:
    held = getattr(value, field.name)
    if field.default_factory is not msgspec.NODEFAULT:
        return bool(held == field.default_factory())
    return type(held) is type(field.default) and bool(held == field.default)


def check_golden(name: str, lines: Iterable[str]) -> None:
    """Compare lines with those of a file in `goldens`."""
    assert list(lines) == (GOLDENS / name).read_text("utf-8").splitlines()


def write_golden(name: str, lines: Iterable[str]) -> None:
    """Write the file anew. Read what changed before you keep it."""
    (GOLDENS / name).write_text("".join(f"{line}\n" for line in lines), "utf-8")
