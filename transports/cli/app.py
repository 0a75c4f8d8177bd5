"""The commands, and how each of them ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, cast

import typer
from typer.main import get_command

from sansio import ProviderError
from transports.cli.batch import batch
from transports.cli.chat import chat
from transports.cli.check import check_transport
from transports.cli.check_dialect import check_dialect
from transports.cli.check_parser import check_parser
from transports.cli.corpus import corpus
from transports.cli.interrupts import INTERRUPTED
from transports.cli.models import models
from transports.cli.parse import parse
from transports.cli.providers import providers
from transports.cli.serve import serve
from transports.cli.terminal import tell

_NAME = "sansio-llm"

# The base class of typer's usage errors. Not all versions of typer export it under the same name.
_UsageError = cast(type[typer.BadParameter], typer.BadParameter.__mro__[2])

app = typer.Typer(
    help="Ask an LLM provider, or serve a fake one.",
    context_settings={"help_option_names": ["--help", "-h"]},
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        typer.echo(f"{_NAME} {version(_NAME)}")
    except PackageNotFoundError:
        typer.echo(f"{_NAME}, run from its source; it is not installed, so its version is unknown")
    raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    pass


app.command("chat", help="Ask a provider. Without one, a fake provider answers.")(chat)
app.command("batch", help="Ask every row of a file, and write each answer once.")(batch)
app.command("serve", help="Serve the fake provider, for tests of your program.")(serve)
app.command("models", help="List a provider's models; warn of those that retire soon.")(models)
app.command("providers", help="List the types of provider, and which keys are set.")(providers)
app.command("parse", help="Print the events of a captured answer as JSON lines.")(parse)
app.command("check-transport", help="Try every law for transports on a custom transport.")(check_transport)
app.command("check-dialect", help="Try every law for dialects on a custom dialect.")(check_dialect)
app.command("check-parser", help="Try every law for parsers on any stream parser.")(check_parser)
app.command("corpus", help="Write streams of every wire with their meaning.")(corpus)


@cache
def _command() -> Any:  # Any: a class of typer's or click's, which depends on the version of typer
    """The command that typer makes of `app`. This takes 40 ms, so it is done once per process."""
    return get_command(app)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Without arguments, show the help. An error is printed as one line on standard error.

    Args:
        arguments: the command's name and its arguments. Default: those of the process.

    Returns:
        The exit status; see `transports.cli.main`.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        status: object = _command().main(given or ["--help"], prog_name=_NAME, standalone_mode=False)
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else _NAME
        tell(f"{error.format_message().rstrip('.')}; see '{command} --help'")
        return error.exit_code
    except typer.Abort:
        return INTERRUPTED
    except ProviderError as error:
        tell(str(error))
        return 1
    except OSError as error:
        tell(error.strerror or str(error))
        return 1
    return status if isinstance(status, int) else 0
