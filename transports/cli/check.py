"""`sansio-llm check-transport`: the conformance kit on a custom transport."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from transports.cli.judge import judge
from transports.cli.loading import load, pairs

if TYPE_CHECKING:
    from sansio.testing.report import Progress, Report

_LOOPS = ("asyncio", "trio")


def _known_loop(name: str | None) -> str | None:
    if name is None:
        return None
    if name not in _LOOPS:
        raise typer.BadParameter(f"unknown event loop {name!r}; use one of {', '.join(_LOOPS)}")
    if find_spec(name) is None:
        raise typer.BadParameter(f"{name} is not installed; install it with: pip install 'sansio-llm[trio]'")
    return name


def check_transport(
    factory: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:FACTORY",
            help="A class or function that makes the transport, such as my_module:MyTransport.",
        ),
    ],
    *,
    backend: Annotated[
        str | None,
        typer.Option(
            callback=_known_loop, metavar="LOOP", help="The event loop: asyncio or trio. Default: asyncio."
        ),
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Check a blocking transport, not an async one.")
    ] = False,
    in_memory: Annotated[
        bool,
        typer.Option(
            "--in-memory",
            help="Check a transport without connections: the factory is called with a server as its "
            "argument.",
        ),
    ] = False,
    law: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Try only this law; may be repeated. Default: all laws."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=REASON",
            help="A law that the transport is known to break, and the reason; may be repeated.",
        ),
    ] = None,
) -> None:
    """Try every law on a transport; see `sansio-llm check-transport --help`.

    Raises:
        typer.BadParameter: the factory or a law does not exist.
        typer.Exit: a law is broken, or the output was closed.
    """
    from transports.testing import conformance  # lazily: only this command and serve need the server

    unknown = [name for name in law or () if name not in conformance.LAWS]
    if unknown:
        raise typer.BadParameter(
            f"unknown law {unknown[0]!r}; use some of {', '.join(conformance.LAWS)}", param_hint="--law"
        )
    if sync and backend is not None:
        raise typer.BadParameter("a blocking transport has no event loop", param_hint="--backend")
    make = load(factory, "MODULE:FACTORY", "my_module:MyTransport", "a transport")
    declared = pairs(without)

    def check(progress: Progress) -> Report:
        try:
            if sync:
                return conformance.check_sync_transport(
                    make, in_memory=in_memory, laws=law or None, without=declared, progress=progress
                )
            return conformance.check_transport(
                make,
                backend=backend or _LOOPS[0],
                in_memory=in_memory,
                laws=law or None,
                without=declared,
                progress=progress,
            )
        except conformance.WrongKindError:
            kind, what = ("async", "leave out") if sync else ("blocking", "add")
            raise typer.BadParameter(f"{factory!r} makes {kind} transports; {what} --sync") from None

    judge(check)
