"""The registry: a provider type and an api mean a dialect, and applications add their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sansio import (
    PROVIDER_DEFAULTS,
    AuthMethod,
    ChatDialect,
    ConfigError,
    Dialect,
    Limits,
    MessagesDialect,
    Provider,
    ProviderConfig,
    ProviderDefaults,
    StreamComplete,
    StreamParser,
    register_provider,
)
from sansio.providers import dialect_for, dialect_named
from tests.sansio.wires import ANTHROPIC_STREAM, ASK, DONE, TYPES, chunk, config, sse

BASE = "https://api.example.com"


class Mine(ChatDialect):
    """A provider of an application."""

    def build_endpoint(self, stream: bool = False) -> str:
        return f"{self.config.base_url}/{'stream' if stream else 'whole'}"

    def build_headers(self) -> dict[str, str]:
        return {"x-mine": "1", **super().build_headers()}


@pytest.fixture
def mine() -> Iterator[str]:
    register_provider("my_provider", Mine, ProviderDefaults(base_url=BASE, api_key_env="MY_KEY", model="m"))
    yield "my_provider"
    del PROVIDER_DEFAULTS["my_provider"]


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_has_its_own_dialect_bound_to_its_config(kind: str) -> None:
    bound = config(kind)
    dialect = dialect_for(bound)
    assert dialect.config is bound
    assert type(dialect) is type(dialect_named(kind))
    assert dialect.origin == f"{kind}/{bound.api}"


def test_a_type_and_an_api_are_given_together_or_apart() -> None:
    assert type(dialect_named("openai/chat")) is type(dialect_named("openai"))
    chunks = sse(chunk({"content": "Hi"}, "stop")) + DONE
    for parser in (StreamParser("openai/chat"), StreamParser("openai", api="chat"), StreamParser("openai")):
        last = parser.receive_data(chunks)[-1]
        assert isinstance(last, StreamComplete)
        assert last.message.origin == "openai/chat"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: dialect_named("anthropic/chat"), "anthropic has no api 'chat'; use one of messages"),
        (
            lambda: ProviderConfig(type="openai", model="m", api="nope"),
            "openai has no api 'nope'; use one of chat",
        ),
        (lambda: StreamParser("groq", api="messages"), "groq has no api 'messages'; use one of chat"),
        (lambda: StreamParser("vllm", api=5), "vllm has no api 5; use one of chat"),  # type: ignore[arg-type]  # what is refused
    ],
)
def test_an_unknown_pair_names_the_apis_of_its_type(make: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        make()
    assert caught.value.field == "api"


def test_a_dialect_has_its_own_api_and_limits() -> None:
    for more in ({"api": "chat"}, {"limits": Limits(max_json_depth=5)}):
        with pytest.raises(ConfigError, match="when you make the Dialect"):
            StreamParser(dialect_named("openai"), **more)


def test_an_unknown_type_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ConfigError, match="'nope' is unknown; use one of openrouter, openai") as caught:
        dialect_named("nope")
    assert caught.value.field == "type"


def test_a_registered_provider_works_everywhere(mine: str) -> None:
    settings = ProviderConfig(type=mine)
    assert (settings.model, settings.api_key_env, settings.auth_method) == ("m", "MY_KEY", AuthMethod.BEARER)
    assert settings.api == "chat"
    request = Provider(settings).call(ASK, stream=True).next_step()
    assert f"{BASE}/stream" in repr(request)
    assert "x-mine" in repr(request)
    last = StreamParser(mine).receive_data(sse(chunk({"content": "Hi"}, "stop")) + DONE)[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.origin == "my_provider/chat"


def test_a_class_that_names_its_type_and_api_is_registered_as_it_is(mine: str) -> None:
    class Named(Mine):
        TYPE = "my_provider"

    register_provider(mine, Named, ProviderDefaults(base_url=BASE))
    assert type(dialect_named(mine)) is Named


def test_registering_again_replaces(mine: str) -> None:
    defaults = ProviderDefaults(base_url="https://b.example", model="n")
    register_provider(mine, {"messages": MessagesDialect}, defaults)
    assert ProviderConfig(type=mine).base_url == "https://b.example"
    assert dialect_named(mine).origin == "my_provider/messages"
    register_provider(mine, {"another": MessagesDialect}, defaults)
    assert dialect_named(f"{mine}/another").origin == "my_provider/another"
    register_provider(mine, {"messages": MessagesDialect}, defaults)
    with pytest.raises(ConfigError, match="use one of messages"):
        dialect_named(f"{mine}/chat")


def test_one_type_may_speak_several_families(mine: str) -> None:
    both = {"chat": Mine, "messages": MessagesDialect}
    register_provider(mine, both, ProviderDefaults(base_url=BASE, model="m"))
    assert ProviderConfig(type=mine).api == "chat"
    register_provider(mine, both, ProviderDefaults(base_url=BASE, model="m", api="messages"))
    assert ProviderConfig(type=mine).api == "messages"
    assert ProviderDefaults(api="x").apis == ("chat",)
    dialect = dialect_for(ProviderConfig(type=mine, api="messages"))
    assert dialect.build_endpoint() == f"{BASE}/v1/messages"
    last = StreamParser(f"{mine}/messages").receive_data(ANTHROPIC_STREAM)[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.origin == "my_provider/messages"


def _refuse_http(config: ProviderConfig) -> None:
    if config.base_url.startswith("http:"):
        raise ConfigError("base_url: no", field="base_url")


@pytest.mark.parametrize("check", [_refuse_http, f"{__name__}:_refuse_http"])
def test_a_type_may_check_what_only_it_requires(mine: str, check: Any) -> None:
    register_provider(mine, Mine, ProviderDefaults(base_url=BASE, model="m", check=check))
    assert ProviderConfig(type=mine).base_url == BASE
    with pytest.raises(ConfigError, match="base_url: no"):
        ProviderConfig(type=mine, base_url="http://localhost")


class Nameless(Dialect):
    """A dialect whose class has no api."""


@pytest.mark.parametrize("name", ["", "a/b", "deepseek", *TYPES])
def test_a_built_in_or_unusable_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="choose another name") as caught:
        register_provider(name, Mine, ProviderDefaults())
    assert caught.value.field == "type"


@pytest.mark.parametrize(
    ("dialect", "defaults", "field"),
    [
        (object, ProviderDefaults(), "type"),
        ("Mine", ProviderDefaults(), "type"),
        (None, ProviderDefaults(), "type"),
        ({"chat": object}, ProviderDefaults(), "type"),
        (Mine, {"base_url": BASE}, "type"),
        (Mine, ProviderDefaults, "type"),
        (Mine, None, "type"),
        (Nameless, ProviderDefaults(), "api"),
        ({"": Mine}, ProviderDefaults(), "api"),
        ({"chat": Mine}, ProviderDefaults(api="responses"), "api"),
    ],
)
def test_what_cannot_be_registered_is_refused_with_its_field(dialect: Any, defaults: Any, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        register_provider("other", dialect, defaults)
    assert caught.value.field == field
    assert "other" not in PROVIDER_DEFAULTS


def test_a_type_with_defaults_but_no_dialect_says_how_it_gets_one() -> None:
    PROVIDER_DEFAULTS["half_made"] = ProviderDefaults(base_url=BASE, model="m")
    try:
        with pytest.raises(ConfigError, match=r"half_made.*use register_provider") as caught:
            dialect_for(ProviderConfig(type="half_made"))
        assert caught.value.field == "type"
    finally:
        del PROVIDER_DEFAULTS["half_made"]
