"""`sansio-llm serve`: serves the fake provider on this machine."""

from __future__ import annotations

import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from sansio.testing import PROVIDER_TYPES, FakeProvider
from sansio.testing.faults import FAULTS, BadCertificate, Fault, find_fault
from sansio.testing.script import OWN_TYPES
from sansio.testing.wires import wire_for
from transports.cli.terminal import Channel, tell
from transports.testing.certificates import can_certify, certified, make_authority
from transports.testing.loopback import LoopbackThread, loopback_thread

_TYPES = (*PROVIDER_TYPES, *OWN_TYPES)
_FORGET_AFTER = 60.0  # seconds; the fake provider stores each request for tests, and here none reads them


def _served_type(name: str | None) -> str | None:
    if name is not None:
        try:
            wire_for(name)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    return name


def _fault(name: str | None) -> str | None:
    """Refuse an unknown fault. For `list`, print all faults and exit."""
    if name == "list":
        Channel(sys.stdout).write(_fault_list())
        raise typer.Exit(0)
    if name is None:
        return None
    try:
        fault = find_fault(name)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; '--fault list' lists them all") from None
    if isinstance(fault.deed, BadCertificate) and not can_certify():
        raise typer.BadParameter(
            f"{name!r} needs a certificate, which the package trustme makes: pip install trustme"
        )
    return name


def _certificate(fault: Fault | None, ca_file: Path | None) -> ssl.SSLContext | None:
    """A certificate with the fault; `None` for other faults.

    Its authority's certificate is written to `ca_file`.

    Raises:
        typer.BadParameter: `ca_file` is not needed, or is needed but not given, or cannot be written.
    """
    if fault is None or not isinstance(fault.deed, BadCertificate):
        if ca_file is not None:
            raise typer.BadParameter("'--ca-file' is only for a '--fault' of the certificate")
        return None
    authority = make_authority()
    if ca_file is not None:
        try:
            authority.cert_pem.write_to_path(ca_file)
        except OSError as error:
            raise typer.BadParameter(f"'--ca-file': {ca_file} cannot be written: {error.strerror}") from None
    elif fault.deed.flaw != "unknown-ca":
        raise typer.BadParameter(
            f"'--fault': {fault.name!r} needs '--ca-file', a path to write the authority's certificate to; "
            "a client that does not trust the authority sees no other fault"
        )
    return certified(authority, fault.deed.flaw)


def _fault_list() -> str:
    width = max(map(len, FAULTS)) + 2
    lines = [f"{_shown(fault):<{width}}  {fault.about}" for fault in FAULTS.values()]
    return "\n".join((*lines, ""))


def _shown(fault: Fault) -> str:
    return f"{fault.name}:N" if fault.number else fault.name


def serve(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="The port to listen on; 0 takes any free port.")
    ] = 0,
    type: Annotated[
        str | None,
        typer.Option(callback=_served_type, help="Serve only this type of provider. Default: all types."),
    ] = None,
    fault: Annotated[
        str | None,
        typer.Option(
            callback=_fault,
            metavar="NAME",
            help="Make every answer fail in this way, such as reset-after:100. 'list' prints all faults "
            "and exits.",
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="For a tls fault: the file to write the certificate authority to, for clients to trust.",
        ),
    ] = None,
) -> None:
    """Serve the fake provider until Ctrl-C; see `sansio-llm serve --help`.

    Raises:
        typer.Exit: the port is not available, or the output was closed.
    """
    with served(port=port, type=type, fault=fault, ca_file=ca_file) as (server, announcement):
        Channel(sys.stdout).write(announcement)
        while True:
            time.sleep(_FORGET_AFTER)
            server.provider.requests.clear()


@contextmanager
def served(
    *, port: int = 0, type: str | None = None, fault: str | None = None, ca_file: Path | None = None
) -> Iterator[tuple[LoopbackThread, str]]:
    """The command's server, running while the context lasts, and the text that the command prints.

    Args:
        port: the port to listen on; 0 takes any free port.
        type: the only type to serve. Default: all types.
        fault: the name of the fault that every answer has. Default: no fault.
        ca_file: the file to write the authority of a certificate with a fault to.

    Raises:
        typer.BadParameter: `ca_file` is not needed, or is needed but not given, or cannot be written.
        typer.Exit: the port is not available.
    """
    chosen = None if fault is None else find_fault(fault)
    context = _certificate(chosen, ca_file)
    with ExitStack() as stack:
        serving = loopback_thread(FakeProvider(type), port=port, fault=chosen, ssl_context=context)
        try:
            server = stack.enter_context(serving)
        except OSError as error:
            tell(f"port {port} of 127.0.0.1 is not available: {error.strerror}; choose another with --port")
            raise typer.Exit(1) from None
        yield server, _announcement(server, type, chosen)


def _announcement(server: LoopbackThread, type: str | None, fault: Fault | None) -> str:
    urls: dict[str, str] = {}
    for name in _TYPES if type is None else (type,):
        urls |= server.base_urls(name)
    width = max(map(len, urls))
    lines = [f"{name:<{width}}  {url}" for name, url in urls.items()]
    wrong = "" if fault is None else f" It {fault.about}."
    return "\n".join((f"The fake provider is at {server.url}.{wrong} Ctrl-C ends it. Base URLs:", *lines, ""))
