"""Makes a provider from the command line's options."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sansio import PROVIDER_DEFAULTS, ConfigError, ProviderConfig
from sansio.providers.google import vertex_url
from transports.driving.facade import AsyncProvider, create_provider
from transports.driving.keys import KeySource, with_region

_CHOOSING = frozenset(("type", "base_url", "api_key_env"))
"""Options that choose a provider. Without one of them, a key or a file, the fake provider answers."""


def known_type(name: str | None) -> str | None:
    """Check an option that names a provider type.

    Raises:
        typer.BadParameter: the type is unknown.
    """
    if name is not None and name not in PROVIDER_DEFAULTS:
        raise typer.BadParameter(f"unknown provider type {name!r}; use one of {', '.join(PROVIDER_DEFAULTS)}")
    return name


def import_modules(names: list[str] | None) -> list[str] | None:
    """Import the modules that an option names, so that they register provider types.

    The working folder is searched too.

    Raises:
        typer.BadParameter: a module cannot be imported.
    """
    if names:
        sys.path.insert(0, os.getcwd())
    for name in names or ():
        try:
            import_module(name)
        except ImportError as error:
            raise typer.BadParameter(f"{name!r} cannot be imported: {error}") from None
    return names


Imports = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        metavar="MODULE",
        is_eager=True,  # before --type, which may name a type that the module registers
        callback=import_modules,
        help="A module to import first, such as one that registers your own provider type; may be repeated.",
    ),
]


Api = Annotated[
    str | None,
    typer.Option(help="Which of the provider's APIs to use, such as responses. Default: the type's first."),
]
Region = Annotated[
    str | None,
    typer.Option(help="The AWS region of --type bedrock, such as us-east-1. Default: $AWS_REGION."),
]
Project = Annotated[
    str | None,
    typer.Option(help="The Google Cloud project of --type vertex. Default: $GOOGLE_CLOUD_PROJECT."),
]
Location = Annotated[
    str | None,
    typer.Option(
        help="The location of --type vertex, such as us-central1. Default: $GOOGLE_CLOUD_LOCATION, or global."
    ),
]


def located(
    fields: Mapping[str, object], *, base_url: str | None, project: str | None, location: str | None
) -> dict[str, object]:
    """The fields, for Vertex with the base URL that follows from the project and the location.

    Args:
        fields: the fields of `ProviderConfig`, including those of a file.
        base_url: the value of `--base-url`; `None` if it was not given.
        project: likewise of `--project`.
        location: likewise of `--location`.

    Raises:
        ConfigError: neither an option nor a variable names the project.
        typer.BadParameter: the options exclude each other.
    """
    given = {"--project": project, "--location": location}
    option = next((name for name, value in given.items() if value is not None), None)
    if fields.get("type") != "vertex" or base_url is not None:
        if option is not None:
            why = (
                "is only for --type vertex"
                if base_url is None
                else "excludes --base-url; give only one of them"
            )
            raise typer.BadParameter(why, param_hint=option)
        return dict(fields)
    if option is None and "base_url" in fields:
        return dict(fields)
    project = project or os.environ.get("GOOGLE_CLOUD_PROJECT", "").strip()
    location = location or os.environ.get("GOOGLE_CLOUD_LOCATION", "").strip() or "global"
    if not project:
        raise ConfigError(
            "--project: vertex needs a project; give its id, or set GOOGLE_CLOUD_PROJECT",
            field="base_url",
        )
    return {**fields, "base_url": vertex_url(project, location)}


def chooses(fields: Mapping[str, object]) -> bool:
    """Whether a real provider is chosen: by a field, or because the default type's key is set."""
    return bool(_CHOOSING & fields.keys() or _default_key())


@contextmanager
def open_provider(fields: Mapping[str, object], loop: str, *, is_real: bool) -> Iterator[AsyncProvider]:
    """A provider whose key is checked; or the fake one, which this process serves while the context lasts.

    Args:
        fields: the fields of `ProviderConfig`.
        loop: the event loop's name, `"asyncio"` or `"trio"`.
        is_real: whether to open a real provider, not the fake one.

    Raises:
        ConfigError: the configuration is invalid, or the key is missing.
    """
    if not is_real:
        from transports.cli.fake import fake_provider  # imported lazily: a real provider needs no server

        with fake_provider(fields, loop) as provider:
            yield provider
        return
    config = ProviderConfig.from_dict(fields)
    KeySource(config, None).ask()
    try:
        config = with_region(config)
    except ConfigError as error:
        raise ConfigError(f"{error.message}; on the command line, use --region", field="region") from None
    yield create_provider(config)


def _default_key() -> str:
    return os.environ.get(PROVIDER_DEFAULTS[ProviderConfig.type].api_key_env or "", "").strip()


def read_config(file: Path) -> dict[str, object]:
    """Read the fields of a provider's configuration from a JSON file, unchecked.

    Raises:
        ConfigError: the file is not JSON, or not an object.
        typer.BadParameter: the file cannot be read.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{str(file)!r}: {error.strerror}", param_hint="--config") from None
    try:
        data = msgspec.json.decode(text, type=dict[str, object])
        return msgspec.convert(data.get("provider", data), dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{file} is not a provider's configuration in JSON: {error}") from None
