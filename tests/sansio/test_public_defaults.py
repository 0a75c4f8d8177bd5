"""What a caller leaves out: the defaults of all public names, and the words of all public enums.

A default is part of the interface, since programs rely on it. If a change is meant, write the golden anew
with `python -m tests.sansio.test_public_defaults`, and say so in the changelog.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any  # Any: public names are of all kinds

from msgspec import NODEFAULT, Struct

import sansio

GOLDEN = Path(__file__).parent / "goldens" / "defaults.txt"


def _shown(default: Any) -> str:
    """A default, the same in every run and every version of Python."""
    if isinstance(default, Enum):
        return str(default.value)
    if hasattr(default, "factory"):  # an empty dict or list, made anew each time
        default = default.factory()
    if isinstance(default, frozenset):
        default = sorted(default)
    return str(getattr(default, "__name__", None) or repr(default).partition(" at 0x")[0])


def _of(name: str, value: Any) -> Iterator[str]:
    """The line of a callable that has defaults."""
    if isinstance(value, type) and issubclass(value, Struct):
        # Its signature would need types that are known to the type checker alone.
        fields, last = value.__struct_fields__, value.__struct_defaults__
        pairs = list(zip(fields[len(fields) - len(last) :], last, strict=True))
    else:
        try:
            parameters = inspect.signature(value).parameters.values()
        except (TypeError, ValueError):  # of a type that has no signature
            return
        pairs = [(each.name, each.default) for each in parameters if each.default is not each.empty]
    given = [f"{each}={_shown(default)}" for each, default in pairs if default is not NODEFAULT]
    if given:
        yield f"{name}({', '.join(given)})"


def defaults() -> Iterator[str]:
    """A line for each public name that has defaults, and for its methods."""
    for name in sorted(sansio.__all__):
        value = getattr(sansio, name)
        if isinstance(value, type) and issubclass(value, Enum):
            yield f"{name}: {', '.join(f'{each.name}={each.value}' for each in value)}"
        elif isinstance(value, type):
            if not issubclass(value, BaseException):
                yield from _of(name, value)
            for method, function in sorted(vars(value).items()):
                if not method.startswith("_"):
                    yield from _of(f"{name}.{method}", getattr(function, "__func__", function))
        elif callable(value) and inspect.isfunction(value):
            yield from _of(name, value)


def test_no_default_of_a_public_name_has_changed() -> None:
    assert list(defaults()) == GOLDEN.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line}\n" for line in defaults()), encoding="utf-8")
