"""Names on the command line that mean something in a module of the user's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import reduce
from typing import Any

import typer

from transports.cli.settings import import_modules


def load(named: str, hint: str, example: str, kind: str) -> Callable[..., Any]:
    """What is named as MODULE:NAME, which can be called. The working folder is on the path.

    Args:
        named: as given.
        hint: the argument's name, for errors.
        example: how it could be written.
        kind: what it makes, for errors.

    Raises:
        typer.BadParameter: there is no such thing.
    """
    module, _, path = named.partition(":")
    if not module or not path:
        raise _bad(f"{named!r}: write it as {hint}, such as {example}", hint)
    try:
        import_modules([module])
    except typer.BadParameter:
        raise
    except Exception as error:  # raised by the module's own code
        raise _bad(f"{module!r} cannot be imported: {type(error).__name__} ({error})", hint) from None
    try:
        made: object = reduce(getattr, path.split("."), sys.modules[module])
    except AttributeError:
        raise _bad(f"the module {module} has no {path!r}", hint) from None
    if not callable(made):
        raise _bad(f"{named!r} cannot be called; name what makes {kind}, a class or a function", hint)
    return made


def pairs(given: list[str] | None) -> dict[str, str]:
    """Options of the form NAME=REASON."""
    return {name: reason for name, _, reason in (each.partition("=") for each in given or ())}


def _bad(message: str, hint: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint=hint)
