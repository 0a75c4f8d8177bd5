"""Where keys come from, and that they show nowhere."""

from __future__ import annotations

import copy
import pickle
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sansio import (
    PROVIDER_DEFAULTS,
    APIStatusError,
    AuthMethod,
    ChatDialect,
    ConfigError,
    Key,
    Message,
    ProviderConfig,
    ProviderDefaults,
    ProviderError,
    Request,
    Role,
    register_provider,
)
from sansio.jsontext import JSON
from sansio.testing import FakeProvider
from tests.transports.scripted import KEY, openai
from transports import MemoryTransport, SyncMemoryTransport, create_provider, create_sync_provider
from transports.driving.keys import KeySource, Secret, clean_json

KEYS = st.text("abcXYZ019-_", min_size=8, max_size=40)
VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def revealed(given_key: object) -> str:
    """The key of a `Secret`."""
    assert isinstance(given_key, Secret)
    key = given_key.reveal()
    assert isinstance(key, str)
    return key


def test_a_secret_is_in_no_representation() -> None:
    secret = Secret(KEY)
    assert KEY not in f"{secret} {secret!r} {[secret]} {secret!s:>40}"
    assert secret.reveal() == KEY
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_cannot_be_pickled_or_copied(take: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        take(Secret(KEY))


@given(key=KEYS, value=VALUES)
def test_no_key_is_left_anywhere_in_cleaned_json(key: str, value: JSON) -> None:
    record: dict[str, JSON] = {"a": value, key: [f"<{key}>", {"x": key + key, f"{key}!": value}], "n": 1}
    cleaned = clean_json(record, Secret(key))
    assert key not in str(cleaned)
    assert cleaned["n"] == 1


def test_json_that_nests_deeper_than_python_recurses_is_cleaned() -> None:
    value: JSON = KEY
    for _ in range(20_000):
        value = [{KEY: value}]
    inner: JSON = clean_json({"a": value}, Secret(KEY))["a"]
    for _ in range(20_000):
        assert isinstance(inner, list)
        assert isinstance(inner[0], dict)
        inner = inner[0]["[key]"]
    assert inner == "[key]"


@given(value=st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
def test_cleaning_gives_an_equal_copy_that_shares_nothing(value: dict[str, JSON]) -> None:
    for secret in (None, Secret("a key that does not occur")):
        cleaned = clean_json(value, secret)
        assert cleaned == value
        assert cleaned is not value


def test_an_error_is_cleaned_and_its_partial_left_alone() -> None:
    partial = Message(Role.ASSISTANT, f"You said {KEY}")
    error = APIStatusError(f"bad key {KEY}", provider_message=f"see {KEY}", partial=partial, status=401)
    cleaned = Secret(KEY).clean(error)
    assert KEY not in f"{cleaned} {cleaned.provider_message}"
    assert cleaned.partial == partial
    assert cleaned.status == 401


def test_a_short_key_is_not_masked() -> None:
    secret = Secret("apple")
    assert secret.clean_text("an apple") == "an apple"
    assert str(secret.clean(APIStatusError("an apple"))) == str(APIStatusError("an apple"))


def test_the_environment_is_read_each_time_and_stripped() -> None:
    environment = {"OPENAI_API_KEY": " first-key\n"}
    source = KeySource(openai(), None, environment)
    assert revealed(source.ask()) == "first-key"
    environment["OPENAI_API_KEY"] = "second-key"
    assert revealed(source.ask_now()) == "second-key"


@pytest.mark.parametrize("environment", [{}, {"MY_KEY": ""}, {"MY_KEY": " \n"}])
def test_a_missing_or_blank_variable_is_named(environment: dict[str, str]) -> None:
    source = KeySource(openai(api_key_env="MY_KEY"), None, environment)
    with pytest.raises(ConfigError, match="MY_KEY") as caught:
        source.ask()
    assert caught.value.field == "api_key_env"


AZURE = ProviderConfig(type="azure", base_url="https://r.openai.azure.com/openai/v1", deployment="d")


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"AZURE_OPENAI_KEY": "first-key", "AZURE_OPENAI_API_KEY": "other-key"}, "first-key"),
        ({"AZURE_OPENAI_API_KEY": "other-key"}, "other-key"),
        ({"AZURE_OPENAI_KEY": " ", "AZURE_OPENAI_API_KEY": "other-key"}, "other-key"),
    ],
)
def test_azure_reads_its_second_variable_if_the_first_is_not_set(environment: Any, key: str) -> None:
    assert revealed(KeySource(AZURE, None, environment).ask()) == key


def test_azures_second_variable_never_replaces_one_that_was_named() -> None:
    environment = {"AZURE_OPENAI_API_KEY": "other-key"}
    with pytest.raises(ConfigError, match="MINE is not set"):
        KeySource(AZURE.replace(api_key_env="MINE"), None, environment).ask()
    with pytest.raises(ConfigError, match="AZURE_OPENAI_KEY or AZURE_OPENAI_API_KEY"):
        KeySource(AZURE, None, {}).ask()


def test_a_config_without_a_variable_needs_the_key_itself() -> None:
    config = ProviderConfig(type="vllm", model="m", auth_method=AuthMethod.BEARER)
    with pytest.raises(ConfigError, match="no environment variable is named"):
        KeySource(config, None, {}).ask()
    assert revealed(KeySource(config, KEY, {}).ask()) == KEY


@pytest.mark.parametrize("api_key", [None, "", KEY, lambda: pytest.fail("asked")])
def test_no_key_is_looked_for_where_none_is_sent(api_key: Any) -> None:
    config = ProviderConfig(type="ollama", model="llama3.2")
    assert KeySource(config, api_key, {}).ask() is None


def test_a_blank_key_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="blank"):
        KeySource(openai(), " \t")


@pytest.mark.parametrize("wrong", [None, b"bytes-are-no-text", 7])
def test_a_callable_that_returns_no_text_is_named_but_not_quoted(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=type(wrong).__name__) as caught:
        KeySource(openai(), lambda: wrong).ask()
    assert "bytes-are" not in str(caught.value)


@pytest.mark.anyio
async def test_an_async_callable_is_awaited_by_the_driver() -> None:
    async def key() -> str:
        await anyio.lowlevel.checkpoint()
        return KEY

    asked = KeySource(openai(), key).ask()
    assert asked is not None
    assert not isinstance(asked, Secret)
    assert await asked == KEY


def test_the_blocking_side_refuses_an_async_callable_without_a_warning() -> None:
    async def key() -> str:
        return KEY

    class Later:
        def __await__(self) -> Iterator[str]:
            yield KEY

    giving: list[Any] = [key, Later]
    for api_key in giving:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ConfigError, match="async callable"):
                KeySource(openai(), api_key).ask_now()


class Dated(ChatDialect):
    """A provider whose signature holds the time, as AWS's does."""

    def authorize(self, request: Request, key: Key | None, *, now: float = 0.0) -> Request:
        return structs.replace(request, headers=(*request.headers, ("x-signed", f"{now} {key}")))


@pytest.fixture
def dated() -> Iterator[ProviderConfig]:
    register_provider("dated", Dated, ProviderDefaults(base_url="http://localhost", model="m"))
    yield ProviderConfig(type="dated")
    del PROVIDER_DEFAULTS["dated"]


def check_signature(request: Request, begun: float) -> None:
    """The time that was signed is the wall clock's, and the key that of the call."""
    at, key = dict(request.headers)["x-signed"].split()
    assert begun <= float(at) <= time.time()
    assert key == KEY


@pytest.mark.anyio
async def test_a_request_is_signed_with_the_time_of_the_wall_clock(dated: ProviderConfig) -> None:
    begun = time.time()
    transport = MemoryTransport(FakeProvider("openai"))
    with pytest.raises(ProviderError):  # the fake does not know such signatures
        await create_provider(dated, transport=transport, api_key=KEY).complete([Message(Role.USER, "Hi")])
    check_signature(transport.requests[0], begun)


def test_a_blocking_request_is_signed_with_the_time_of_the_wall_clock(dated: ProviderConfig) -> None:
    begun = time.time()
    transport = SyncMemoryTransport(FakeProvider("openai"))
    with pytest.raises(ProviderError):
        create_sync_provider(dated, transport=transport, api_key=KEY).complete([Message(Role.USER, "Hi")])
    check_signature(transport.requests[0], begun)
