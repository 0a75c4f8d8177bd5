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
"""The law that counts the work of a parser, which is impossible if the parser runs in another process."""


def check_parser(
    factory: Annotated[
        str | None,
        typer.Argument(
            metavar=_FACTORY,
            help="A class or function that makes a parser, such as my_module:MyParser. A parser has "
            "feed(data), "
            "and close(), which returns (text, calls), or a list of events if the dialect is sse.",
        ),
    ] = None,
    *,
    dialect: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What the parser reads: a provider's type, such as openai or anthropic, or with the "
            "API, such "
            "as openai/responses; or sse.",
        ),
    ],
    command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help='A command that runs a parser in another language. It reads lines {"chunks": ["BASE64", '
            '...]}, and answers each with a line {"text": "...", "calls": [["NAME", ARGUMENTS], ...]}, '
            '{"events": [["EVENT", "DATA", "ID"], ...]} or {"error": "REASON"}.',
        ),
    ] = None,
    error: Annotated[
        list[str] | None,
        typer.Option(
            metavar=_ERROR,
            help="An exception class that the parser may raise for invalid streams; may be repeated.",
        ),
    ] = None,
    law: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Try only this law; may be repeated. Default: all laws."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=REASON",
            help="A law that the parser is known to break, and the reason; may be repeated.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="A number that decides where streams are cut and how they are damaged.")
    ] = 0,
    tries: Annotated[
        int, typer.Option(min=0, help="How many times each stream is cut, and how many times damaged.")
    ] = 20,
) -> None:
    """Try every law on a parser; see `sansio-llm check-parser --help`.

    Raises:
        typer.BadParameter: the parser, the dialect or a law does not exist.
        typer.Exit: a law is broken, or the output was closed.
    """
    from sansio import testing  # lazily: only this command needs the laws
    from sansio.testing.parsers import Parser

    if (factory is None) == (command is None):
        raise typer.BadParameter(f"give either {_FACTORY} or --command", param_hint=_FACTORY)
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
            declared = {_SLOW: "the work of a parser in another process cannot be counted", **declared}
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
