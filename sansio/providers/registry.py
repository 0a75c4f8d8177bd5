"""The registry: the dialect of each provider type and api."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import msgspec

from sansio.config import PROVIDER_DEFAULTS, ProviderConfig, check_api
from sansio.defaults import Profile, ProviderDefaults
from sansio.errors import ConfigError
from sansio.limits import DEFAULT_LIMITS, Limits
from sansio.profiles import BUILT_IN, GEMINI, MESSAGES, RESPONSES

if TYPE_CHECKING:
    from sansio.families.base import Dialect

# By module and name, loaded on demand: a program mostly uses one provider, and so starts sooner.
_BUILT_IN: dict[tuple[str, str], tuple[str, str]] = {
    ("openrouter", "chat"): ("sansio.providers.openrouter", "OpenRouterChat"),
    ("openai", "chat"): ("sansio.providers.openai", "OpenAIChat"),
    ("compatible", "chat"): ("sansio.providers.openai", "CompatibleChat"),
    ("azure", "chat"): ("sansio.providers.azure", "AzureChat"),
    ("anthropic", "messages"): ("sansio.providers.anthropic", "AnthropicMessages"),
    ("vllm", "chat"): ("sansio.providers.vllm", "VLLMChat"),
    ("openrouter", "responses"): ("sansio.providers.responses", "OpenRouterResponses"),
    ("openai", "responses"): ("sansio.providers.responses", "OpenAIResponses"),
    ("compatible", "responses"): ("sansio.providers.responses", "CompatibleResponses"),
    ("azure", "responses"): ("sansio.providers.responses", "AzureResponses"),
    ("ollama", "responses"): ("sansio.providers.responses", "OllamaResponses"),
    ("ollama", "ollama"): ("sansio.families.ollama", "OllamaDialect"),
    ("cohere", "cohere"): ("sansio.families.cohere", "CohereDialect"),
    ("vllm", "responses"): ("sansio.providers.responses", "VLLMResponses"),
    ("azure", "messages"): ("sansio.providers.anthropic", "AzureMessages"),
    ("bedrock", "messages"): ("sansio.providers.anthropic", "BedrockMessages"),
    ("bedrock", "invoke"): ("sansio.providers.invoke", "BedrockInvoke"),
}
"""Pairs with their own dialect. All others use the family's, with the type's row as its profile."""
_HOSTS: dict[str, tuple[str, str]] = {"bedrock": ("sansio.providers.bedrock", "BedrockHost")}
"""Types whose families share a host that has its own rules."""
_MADE: dict[tuple[str, str], type[Dialect]] = {}
"""The dialects of the built-in pairs that were asked for."""
_REGISTERED: dict[tuple[str, str], type[Dialect]] = {}


def register_provider(
    name: str,
    dialect: type[Dialect] | Mapping[str, type[Dialect]] | Profile,
    defaults: ProviderDefaults | None = None,
) -> None:
    """Register a provider type, so that `ProviderConfig(type=name)` uses its dialect.

    Registering a name again replaces its dialect, except for the built-in types.

    Args:
        name: the provider type.
        dialect: a `Dialect` class, or one for each api: `{"chat": A, "responses": B}`. For a server that
            speaks chat completions, a `Profile` is enough; it also has the server's address.
        defaults: the values of config fields that the user leaves out. With several apis, its `api` names the
            default one (if `None`: the first). For a `ChatDialect`, it may be a `Profile`.

    Raises:
        ConfigError: the name is blank or built in, or an argument is not a `Dialect` class.

    Example:
        `register_provider("my_provider", Profile(base_url="https://api.example.com", api_key_env="MY_KEY"))`
    """
    from sansio.families.base import Dialect

    if not name or name in BUILT_IN or "/" in name:
        raise ConfigError(f"type: {name!r} cannot be registered; choose another name", field="type")
    given: Mapping[str, object]
    if isinstance(dialect, Profile) and defaults is None:
        from sansio.families.chat import ChatDialect

        defaults, given = dialect, {"chat": ChatDialect}
    elif not isinstance(defaults, ProviderDefaults):
        raise ConfigError(f"type: {name!r} needs ProviderDefaults, not {defaults!r}", field="type")
    else:
        api = str(defaults.api or getattr(dialect, "API", ""))
        given = dialect if isinstance(dialect, Mapping) else {api: dialect}
    classes: dict[str, type[Dialect]] = {}
    for api, kind in given.items():
        if not (isinstance(kind, type) and issubclass(kind, Dialect)):
            raise ConfigError(f"type: {name!r} needs a Dialect class, not {kind!r}", field="type")
        if not api:
            raise ConfigError(f"api: {kind.__name__} must name its API, such as 'chat'", field="api")
        classes[api] = _named(kind, name, api, defaults)
    defaults = msgspec.structs.replace(defaults, apis=tuple(classes))
    check_api(name, defaults, defaults.api)
    for pair in [pair for pair in _REGISTERED if pair[0] == name]:
        del _REGISTERED[pair]
    _REGISTERED.update({(name, api): kind for api, kind in classes.items()})
    PROVIDER_DEFAULTS[name] = defaults


def _named(kind: type[Dialect], name: str, api: str, row: ProviderDefaults) -> type[Dialect]:
    """The class with its own type and api, which answers name as their origin.

    Args:
        row: the type's row, which becomes the class's profile if it is one.
    """
    if isinstance(row, Profile):
        from sansio.families.chat import ChatDialect

        kind = kind.of(row) if issubclass(kind, ChatDialect) else kind
    if (name, api) == (kind.TYPE, kind.API):
        return kind
    return type(kind.__name__, (kind,), {"TYPE": name, "API": api, "__module__": kind.__module__})


def _built_in(name: str, api: str) -> type[Dialect]:
    """The dialect of a built-in pair; its modules are loaded now."""
    if (name, api) in _BUILT_IN:
        module, kind = _BUILT_IN[name, api]
        found: type[Dialect] = getattr(import_module(module), kind)
        return found
    return _named(_hosted(name, _of_family(name, api)), name, api, BUILT_IN[name])


def _of_family(name: str, api: str) -> type[Dialect]:
    """A family's dialect, with the type's row as its profile."""
    match api:
        case "messages":
            from sansio.families.messages import MessagesDialect

            return MessagesDialect.of(MESSAGES[name])
        case "responses":
            from sansio.families.responses import ResponsesDialect

            return ResponsesDialect.of(RESPONSES[name])
        case "gemini":
            from sansio.families.gemini import GeminiDialect

            return GeminiDialect.of(GEMINI[name])
        case "converse":
            from sansio.families.converse import ConverseDialect

            return ConverseDialect
        case _:
            from sansio.families.chat import ChatDialect

            return ChatDialect


def _hosted(name: str, kind: type[Dialect]) -> type[Dialect]:
    """A dialect with the rules of its type's host, if there are any."""
    if name not in _HOSTS:
        return kind
    module, host = _HOSTS[name]
    rules: type[Dialect] = getattr(import_module(module), host)
    return type(kind.__name__, (rules, kind), {"__module__": kind.__module__, "__doc__": kind.__doc__})


def dialect_class(name: str, api: str | None = None) -> type[Dialect]:
    """The dialect of a provider type and api.

    Args:
        name: the provider type.
        api: the wire family. Default: the type's.

    Raises:
        ConfigError: there is no such type, or it has no such api.
    """
    defaults = PROVIDER_DEFAULTS.get(name)
    if defaults is None:
        raise ConfigError(
            f"type: {name!r} is unknown; use one of {', '.join(PROVIDER_DEFAULTS)}", field="type"
        )
    pair = name, check_api(name, defaults, api)
    made = _REGISTERED.get(pair) or _MADE.get(pair)
    if made is None:
        if name not in BUILT_IN:
            raise ConfigError(
                f"type: {name!r} has defaults but no dialect; use register_provider", field="type"
            )
        made = _MADE[pair] = _built_in(*pair)
    return made


def dialect_for(config: ProviderConfig) -> Dialect:
    """The dialect of a provider, bound to its config."""
    return dialect_class(config.type, config.api)(config)


def dialect_named(name: str, limits: Limits = DEFAULT_LIMITS) -> Dialect:
    """A dialect for reading answers, which needs no config.

    Args:
        name: a provider type, such as `"anthropic"`, or type and api, such as `"openai/responses"`.

    Raises:
        ConfigError: there is no such type, or it has no such api.
    """
    type_, _, api = name.partition("/")
    return dialect_class(type_, api or None)(limits=limits)
