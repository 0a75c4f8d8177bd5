"""The wire dialects, and the registry that finds one by a provider type's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio.config import PROVIDER_DEFAULTS, ProviderConfig, ProviderDefaults
from sansio.dialects.base import Dialect, DialectStream
from sansio.errors import ConfigError

if TYPE_CHECKING:
    from sansio.dialects.openai import OpenAICompatDialect

__all__ = [
    "Dialect",
    "DialectStream",
    "OpenAICompatDialect",
    "dialect_for",
    "dialect_named",
    "register_provider",
]

_DIALECTS: dict[str, type[Dialect]] = {}
_BUILT_IN = frozenset(PROVIDER_DEFAULTS)


def __getattr__(name: str) -> object:
    if name == "OpenAICompatDialect":
        from sansio.dialects.openai import OpenAICompatDialect

        return OpenAICompatDialect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def register_provider(name: str, dialect: type[Dialect], defaults: ProviderDefaults) -> None:
    """Make `ProviderConfig(type=name)` mean a dialect, here and on the command line.

    Registering a name again replaces what it meant, except for the types that are built in.

    Raises:
        ConfigError: the name is blank or built in, or `dialect` is no `Dialect` class.

    Example:
        `register_provider("my_provider", MyDialect, ProviderDefaults(base_url="https://api.example.com"))`
    """
    if not name or name in _BUILT_IN:
        raise ConfigError(f"type: {name!r} cannot be registered; choose another name", field="type")
    if not (isinstance(dialect, type) and issubclass(dialect, Dialect)):
        raise ConfigError(f"type: {name!r} needs a Dialect class, not {dialect!r}", field="type")
    if not isinstance(defaults, ProviderDefaults):
        raise ConfigError(f"type: {name!r} needs ProviderDefaults, not {defaults!r}", field="type")
    _DIALECTS[name] = dialect
    PROVIDER_DEFAULTS[name] = defaults


def dialect_for(config: ProviderConfig) -> Dialect:
    """The dialect of a provider, bound to its config."""
    return (_DIALECTS.get(config.type) or _built_in(config.type))(config)


def _built_in(name: str) -> type[Dialect]:
    """Loaded when it is asked for: a program mostly talks to one provider, and starts sooner."""
    match name:
        case "openrouter":
            from sansio.dialects.openrouter import OpenRouterDialect

            return OpenRouterDialect
        case "openai":
            from sansio.dialects.openai import OpenAIDialect

            return OpenAIDialect
        case "azure":
            from sansio.dialects.azure import AzureDialect

            return AzureDialect
        case "anthropic":
            from sansio.dialects.anthropic import AnthropicDialect

            return AnthropicDialect
        case "ollama":
            from sansio.dialects.ollama import OllamaDialect

            return OllamaDialect
        case "vllm":
            from sansio.dialects.vllm import VLLMDialect

            return VLLMDialect
        case _:
            raise ConfigError(
                f"type: {name!r} has defaults but no dialect; use register_provider", field="type"
            )


def dialect_named(name: str, **fields: object) -> Dialect:
    """The dialect of a provider type, for parsing alone: bound to a config that names no real provider.

    Args:
        **fields: fields of the config, such as its limits.

    Raises:
        ConfigError: the type is unknown, or a field is.
    """
    parsing = {"model": "-", "base_url": "https://localhost", "deployment": "-", "api_version": "-"}
    return dialect_for(ProviderConfig.from_dict({"type": name, **parsing, **fields}))
