"""`sansio-llm providers`: lists the types of provider, and whether their keys are set."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import msgspec
import typer

from sansio import PROVIDER_DEFAULTS
from transports.cli.settings import Imports
from transports.cli.tables import Fit, table_text
from transports.cli.terminal import Channel


class _Row(msgspec.Struct, frozen=True):
    type: str
    apis: tuple[str, ...]
    base_url: str | None
    key: str | None
    """The environment variable of the key: the one that is set, or else the first that is tried."""
    is_set: bool


def providers(
    *,
    json: Annotated[
        bool, typer.Option("--json", help="Print each type as a line of JSON, not in a table.")
    ] = False,
    imports: Imports = None,
) -> None:
    """List the types of provider; see `sansio-llm providers --help`. No key is shown.

    Raises:
        typer.Exit: the output was closed.
    """
    rows: list[_Row] = []
    for type, defaults in PROVIDER_DEFAULTS.items():
        names = [name for name in (defaults.api_key_env, defaults.api_key_env_too) if name]
        found = [name for name in names if os.environ.get(name, "").strip()]
        signing = (defaults.credentials_env or ())[:2]  # the token that may follow is optional
        if not found and signing and all(os.environ.get(name, "").strip() for name in signing):
            found = [signing[0]]
        key = next(iter((*found, *names)), None)
        rows.append(_Row(type, defaults.apis, defaults.base_url, key, bool(found)))
    out = Channel(sys.stdout, utf8=json)
    if json:
        for row in rows:
            out.write(msgspec.json.encode(row).decode() + "\n")
        return
    cells = [
        (
            row.type,
            ", ".join(row.apis),
            row.base_url or "(must be given)",
            row.key or "(no key)",
            "set" if row.is_set else "",
        )
        for row in rows
    ]
    columns: dict[str, Fit] = dict.fromkeys(("type", "api", "base URL", "key variable", ""), "fold")
    out.write(table_text(columns, cells, out.is_terminal))
