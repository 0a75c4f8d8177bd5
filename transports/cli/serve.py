"""`sansio-llm serve`: the fake provider on this machine. `chat` falls back on it too."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from sansio.testing import PROVIDER_TYPES, FakeProvider
from transports.cli.terminal import Channel, tell
from transports.loopback import Loopback, loopback_thread

_FORGET_AFTER = 60.0  # seconds; the fake remembers each request, for tests, and here nobody looks


def _served_type(name: str | None) -> str | None:
    if name is not None and name not in PROVIDER_TYPES:
        raise typer.BadParameter(
            f"{name!r}: no fake provider speaks for it; use one of {', '.join(PROVIDER_TYPES)}"
        )
    return name


def serve(
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any that is free.")] = 0,
    type: Annotated[
        str | None, typer.Option(callback=_served_type, help="Be this one provider; all six otherwise.")
    ] = None,
) -> None:
    """Serve the fake provider until Ctrl-C; see `sansio-llm serve --help`.

    Raises:
        typer.Exit: the port cannot be had, or nobody reads the output.
    """
    provider = FakeProvider(type)
    try:
        with loopback_thread(provider, port=port) as server:
            Channel(sys.stdout).write(_announcement(server, type))
            while True:
                time.sleep(_FORGET_AFTER)
                provider.requests.clear()
    except OSError as error:
        tell(f"port {port} of 127.0.0.1 cannot be had: {error.strerror}; choose another with --port")
        raise typer.Exit(1) from None


def _announcement(server: Loopback, type: str | None) -> str:
    types = PROVIDER_TYPES if type is None else (type,)
    lines = [f"{name:<10}  {server.base_url(name)}" for name in types]
    return "\n".join((f"The fake provider is at {server.url}. Ctrl-C ends it. Base URLs:", *lines, ""))
