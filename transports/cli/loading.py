"""Loads what the command line names in the user's own modules."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import reduce
from typing import Any

import typer

from transports.cli.settings import import_modules


def load(named: str, hint: str, example: str, kind: str) -> Callable[..., Any]:
    """Load the class or function that is named as MODULE:NAME. Modules are also found in the working folder.

    Args:
        named: the name, as given on the command line.
        hint: the argument's name, for errors.
        example: an example of a name, for errors.
        kind: what the class or function makes, for errors.

    Raises:
        typer.BadParameter: the name is malformed, the module cannot be imported, or it has no such callable.
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
        raise _bad(f"{named!r} cannot be called; name a class or function that makes {kind}", hint)
    return made


def pairs(given: list[str] | None) -> dict[str, str]:
    """The options of the form NAME=REASON, as a dictionary. A missing reason is an empty text."""
    return {name: reason for name, _, reason in (each.partition("=") for each in given or ())}


def _bad(message: str, hint: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint=hint)
