"""`sansio-llm models`: lists the models of a provider, as a table or as JSON lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import anyio
import msgspec
import typer

from sansio import PROVIDER_DEFAULTS, ModelInfo, ProviderConfig
from transports.cli.settings import (
    Api,
    Imports,
    Location,
    Project,
    Region,
    chooses,
    known_type,
    located,
    open_provider,
    read_config,
)
from transports.cli.tables import Fit, table_text
from transports.cli.terminal import Channel, counted, tell

_DAY = 86_400
_WARNED_DAYS = 60
"""How many days before its retirement a model is named in a warning."""


def models(
    *,
    type: Annotated[
        str | None,
        typer.Option(callback=known_type, help="The provider's type, such as openai. Default: openrouter."),
    ] = None,
    api: Api = None,
    base_url: Annotated[str | None, typer.Option(help="The API's base URL. Default: the type's.")] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(
            help="The environment variable that holds the API key. Default: the type's.", metavar="NAME"
        ),
    ] = None,
    region: Region = None,
    project: Project = None,
    location: Location = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A JSON file with the provider's configuration. Options given here override it.",
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print each model as a line of JSON, not in a table.")
    ] = False,
    imports: Imports = None,
) -> None:
    """List a provider's models; see `sansio-llm models --help`.

    Raises:
        ProviderError: the configuration is invalid, the provider has no list, or the call failed.
        typer.BadParameter: the file of `--config` cannot be read.
        typer.Exit: the output was closed.
    """
    given: dict[str, object] = {
        "type": type,
        "api": api,
        "base_url": base_url,
        "api_key_env": api_key_env,
        "region": region,
    }
    fields = {name: value for name, value in given.items() if value is not None}
    if config is not None:
        fields = {**read_config(config), **fields}
    fields = located(fields, base_url=base_url, project=project, location=location)
    is_real = config is not None or chooses(fields)
    if not _names_model(fields):
        fields["model"] = "any"  # a configuration needs a model, but the list does not depend on it
    with open_provider(fields, "asyncio", is_real=is_real) as provider:
        listed = anyio.run(provider.list_models)
    out = Channel(sys.stdout, utf8=json)
    if json:
        for model in listed:
            out.write(msgspec.json.encode(model).decode() + "\n")
    else:
        out.write(_table(listed, out.is_terminal))
    for model in listed:
        if warning := _warning(model, time.time()):
            tell(warning)


def _names_model(fields: Mapping[str, object]) -> bool:
    """Whether the configuration has a model, its own or its type's default."""
    defaults = PROVIDER_DEFAULTS.get(str(fields.get("type", ProviderConfig.type)))
    return "model" in fields or (defaults is not None and defaults.model is not None)


def _table(listed: Sequence[ModelInfo], is_terminal: bool) -> str:
    columns: dict[str, Fit] = {"id": "fold", "name": "fold", "context": "right", "output": "right"}
    columns |= {"created": "left", "lifecycle": "left", "retires": "left"}
    rows = [
        (
            model.id,
            "" if model.name in (None, model.id) else model.name,
            _count(model.context_window),
            _count(model.max_output),
            _day(model.created),
            model.lifecycle,
            _day(model.retires),
        )
        for model in listed
    ]
    return table_text(columns, rows, is_terminal)


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _day(seconds: float | None) -> str:
    if seconds is None:
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):  # outside the calendar's range
        return ""


def _warning(model: ModelInfo, now: float) -> str | None:
    """The warning for a model that is retired or soon will be; `None` for other models.

    Args:
        model: the model.
        now: seconds since 1970.
    """
    if model.retires is None or model.retires - now > _WARNED_DAYS * _DAY:
        return None
    day = _day(model.retires)
    if model.retires <= now:
        return f"{model.id} was retired on {day}: choose another model"
    days = int((model.retires - now) // _DAY)
    return f"{model.id} retires on {day}, in {counted(days, 'day')}: choose another model before then"
