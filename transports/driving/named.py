"""Transports by name: each is an entry point of the package that has it."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import cast

from sansio import ConfigError, ProviderConfig
from transports.interface import SyncTransport, Transport

GROUP = "sansio_llm.transports"
"""The entry points of async transports: callables that take a `ProviderConfig` and return a new transport."""

SYNC_GROUP = "sansio_llm.sync_transports"
"""The same for blocking transports."""


def make_transport(name: str, config: ProviderConfig) -> Transport:
    """A new async transport for a provider.

    Args:
        name: the name of an entry point of the group `sansio_llm.transports`.
        config: the provider's config.

    Raises:
        ConfigError: no installed package has such a transport, two have one, or a package that it needs is
            missing.
    """
    return cast(Transport, _make(GROUP, name, config))


def make_sync_transport(name: str, config: ProviderConfig) -> SyncTransport:
    """The blocking counterpart of `make_transport`; its group is `sansio_llm.sync_transports`."""
    return cast(SyncTransport, _make(SYNC_GROUP, name, config))


def _make(group: str, name: str, config: ProviderConfig) -> object:
    entry = _find(group, name)
    try:
        made: object = entry.load()(config)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"transport: {name!r} needs the package {error.name}: {_advise(entry)}", field="transport"
        ) from error
    return made


def _find(group: str, name: str) -> EntryPoint:
    entries = entry_points(group=group)
    # A package that is installed twice, such as from its sources, has the same value twice.
    found = {entry.value: entry for entry in entries if entry.name == name}
    if len(found) > 1:
        raise ConfigError(
            f"transport: {name!r} is in more than one package: {' and '.join(sorted(found))}; "
            "pass an instance of the one you mean",
            field="transport",
        )
    if not found:
        names = ", ".join(sorted({entry.name for entry in entries})) or "none"
        raise ConfigError(
            f"transport: unknown transport {name!r}; the installed packages have {names}. Install the "
            f"package that has it as an entry point of the group {group}, or pass an instance",
            field="transport",
        )
    return next(iter(found.values()))


def _advise(entry: EntryPoint) -> str:
    """What to install for a transport whose import failed. Its extra, if it has one, has its name."""
    if entry.dist is None:
        return "install it"
    package = entry.dist.name
    extras = entry.dist.metadata.get_all("Provides-Extra") or []
    return f"pip install '{package}[{entry.name}]'" if entry.name in extras else f"{package} needs it"
