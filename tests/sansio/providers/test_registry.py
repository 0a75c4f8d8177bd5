"""The registry finds a dialect by its type's name, and takes new ones."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import cast

import pytest

from sansio import (
    PROVIDER_DEFAULTS,
    AuthMethod,
    ConfigError,
    Dialect,
    OpenAICompatDialect,
    Provider,
    ProviderConfig,
    ProviderDefaults,
    StreamComplete,
    StreamParser,
    register_provider,
)
from sansio.dialects import dialect_for, dialect_named
from tests.sansio.wires import ASK, DONE, TYPES, chunk, config, sse


class Mine(OpenAICompatDialect):
    """A provider of one's own."""

    def build_endpoint(self, stream: bool = False) -> str:
        return f"{self.config.base_url}/{'stream' if stream else 'whole'}"

    def build_headers(self) -> dict[str, str]:
        return {"x-mine": "1", **super().build_headers()}


@pytest.fixture
def mine() -> Iterator[str]:
    defaults = ProviderDefaults(base_url="https://api.example.com", api_key_env="MY_KEY", model="m")
    register_provider("my_provider", Mine, defaults)
    yield "my_provider"
    del PROVIDER_DEFAULTS["my_provider"]


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_has_a_dialect_bound_to_its_config(kind: str) -> None:
    bound = config(kind)
    assert dialect_for(bound).config is bound
    assert isinstance(dialect_for(bound), Dialect)
    assert dialect_named(kind).config.type == kind


def test_a_registered_provider_works_everywhere(mine: str) -> None:
    settings = ProviderConfig(type=mine)
    assert (settings.model, settings.api_key_env, settings.auth_method) == ("m", "MY_KEY", AuthMethod.BEARER)
    provider = Provider(settings)
    request = provider.call(ASK, stream=True).next_step()
    assert "https://api.example.com/stream" in repr(request)
    assert "x-mine" in repr(request)
    events = StreamParser(mine).receive_data(sse(chunk({"content": "Hi"}, "stop")) + DONE)
    assert isinstance(events[-1], StreamComplete)


def test_registering_again_replaces(mine: str) -> None:
    register_provider(mine, OpenAICompatDialect, ProviderDefaults(base_url="https://b.example", model="n"))
    assert type(dialect_named(mine)) is OpenAICompatDialect
    assert ProviderConfig(type=mine).base_url == "https://b.example"


@pytest.mark.parametrize("name", ["", *TYPES])
def test_a_built_in_or_blank_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="choose another name") as caught:
        register_provider(name, Mine, ProviderDefaults())
    assert caught.value.field == "type"


@pytest.mark.parametrize("wrong", [object, "Mine", None])
def test_what_is_no_dialect_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigError, match="needs a Dialect class"):
        register_provider("other", cast(type[Dialect], wrong), ProviderDefaults())
    assert "other" not in PROVIDER_DEFAULTS


@pytest.mark.parametrize("wrong", [{"base_url": "https://api.example.com"}, ProviderDefaults, None])
def test_what_is_no_defaults_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigError, match="'other' needs ProviderDefaults, not ") as caught:
        register_provider("other", Mine, cast(ProviderDefaults, wrong))
    assert caught.value.field == "type"
    assert repr(wrong) in caught.value.message
    assert "other" not in PROVIDER_DEFAULTS


def test_an_unknown_type_or_field_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ConfigError, match="'nope' is no provider type; use one of openrouter, openai"):
        dialect_named("nope")
    with pytest.raises(ConfigError, match="max_json: no such field"):
        StreamParser(dialect_named("openai", max_json=5))
    assert dialect_named("openai", limits={"max_json_depth": 5}).config.limits.max_json_depth == 5


def test_a_type_with_defaults_but_no_dialect_says_how_it_gets_one() -> None:
    PROVIDER_DEFAULTS["half_made"] = ProviderDefaults(base_url="https://api.example.com", model="m")
    try:
        with pytest.raises(ConfigError, match=r"half_made.*use register_provider") as caught:
            dialect_for(ProviderConfig(type="half_made"))
        assert caught.value.field == "type"
    finally:
        del PROVIDER_DEFAULTS["half_made"]


@pytest.mark.parametrize("module", ["sansio", "sansio.dialects"])
def test_a_name_that_does_not_exist_is_an_attribute_error(module: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'NoSuchName'"):
        import_module(module).NoSuchName  # noqa: B018 - looking it up is the test


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("openrouter", "OpenRouterDialect"),
        ("openai", "OpenAIDialect"),
        ("azure", "AzureDialect"),
        ("anthropic", "AnthropicDialect"),
        ("ollama", "OllamaDialect"),
        ("vllm", "VLLMDialect"),
    ],
)
def test_each_type_speaks_a_dialect_of_its_own(kind: str, name: str) -> None:
    assert type(dialect_named(kind)).__name__ == name
    assert type(dialect_for(config(kind))).__module__ == f"sansio.dialects.{kind}"
