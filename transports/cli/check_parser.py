"""`sansio-llm check-parser`: every law for stream parsers on any parser, also in another language."""

from __future__ import annotations

from typing import Annotated

import typer

from transports.cli.foreign import ForeignError, ParserCommand
from transports.cli.judge import judge
from transports.cli.loading import load, pairs

_FACTORY = "MODULE:FACTORY"
_ERROR = "MODULE:ERROR"
_SLOW = "linear"
"""The law that counts work, which cannot be done in another process."""


def check_parser(
    factory: Annotated[
        str | None,
        typer.Argument(
            metavar=_FACTORY,
            help="A class or function that makes a parser, such as my_module:MyParser. It has feed(data) and "
            "close(), which returns (text, calls), or a list of events for sse.",
        ),
    ] = None,
    *,
    dialect: Annotated[
        str, typer.Option(metavar="NAME", help="openai, anthropic, openai/responses, ...; or sse.")
    ],
    command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="A parser in another language. It reads lines {'chunks': [base64, ...]}, and answers each "
            "with {'text': ..., 'calls': [[name, arguments], ...]}, {'events': [[event, data, id], ...]} "
            "or {'error': why}.",
        ),
    ] = None,
    error: Annotated[
        list[str] | None,
        typer.Option(metavar=_ERROR, help="An exception that callers expect; may be repeated."),
    ] = None,
    law: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Try only this law; may be repeated.")
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=REASON", help="A law that the parser does not keep, and why; may be repeated."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides where streams are cut and how they are damaged.")] = 0,
    tries: Annotated[int, typer.Option(min=0, help="How many cuts and damages of each stream.")] = 20,
) -> None:
    """Try every law on a parser; see `sansio-llm check-parser --help`.

    Raises:
        typer.BadParameter: there is no such parser, dialect or law.
        typer.Exit: a law is broken, or the output was closed.
    """
    from sansio import testing  # lazily: only this command needs the laws
    from sansio.testing.parsers import Parser

    if (factory is None) == (command is None):
        raise typer.BadParameter(f"give {_FACTORY} or --command, one of the two", param_hint=_FACTORY)
    declared = pairs(without)
    expected = tuple(_exception(named) for named in error or ())
    with ParserCommand(command or "") as foreign:

        def made() -> Parser:
            return foreign.make()

        make = made
        if factory is not None:
            make = load(factory, _FACTORY, "my_module:MyParser", "a parser")
        else:
            made.__qualname__ = command or ""
            expected = (ForeignError,)
            declared = {_SLOW: "the work of another process is not counted", **declared}
        judge(
            lambda progress: testing.check_parser(
                make,
                dialect,
                errors=expected,
                laws=law or None,
                without=declared,
                seed=seed,
                tries=tries,
                progress=progress,
            )
        )


def _exception(named: str) -> type[Exception]:
    kind = load(named, _ERROR, "my_module:MyError", "an exception")
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        raise typer.BadParameter(f"{named!r} is not an exception class", param_hint="--error")
    return kind
