"""The defaults of a config, and exactly which characters a header may have."""

from __future__ import annotations

import string
from dataclasses import fields
from typing import Any

import pytest

from sansio import (
    PROVIDER_DEFAULTS,
    AuthMethod,
    ConfigError,
    Limits,
    ProviderConfig,
    ProviderDefaults,
    RetrySchedule,
)
from sansio.config import is_loopback

DEFAULTS = {
    "type": "openrouter",
    "api_key_env": "OPENROUTER_API_KEY",
    "model": "x-ai/grok-code-fast-1",
    "base_url": "https://openrouter.ai/api/v1",
    "context_window": 131_072,
    "reasoning": False,
    "auth_method": AuthMethod.BEARER,
    "extra_headers": {},
    "api_version": None,
    "deployment": None,
    "allow_http": False,
    "connect_timeout": 10.0,
    "read_timeout": 600.0,
    "event_timeout": 300.0,
    "total_timeout": None,
    "max_attempts": 3,
    "max_retry_after": 60.0,
    "limits": Limits(),
}


def test_every_default_of_a_config() -> None:
    config = ProviderConfig()
    assert {field.name: getattr(config, field.name) for field in fields(config)} == DEFAULTS


def test_a_schedule_of_its_own_has_the_configs_defaults() -> None:
    schedule = RetrySchedule()
    assert (schedule.max_attempts, schedule.max_wait, schedule.max_retry_after) == (3, 10.0, 60.0)


def test_a_header_name_has_the_characters_of_a_token_and_no_others() -> None:
    """RFC 9110, section 5.6.2."""
    for char in map(chr, range(0x101)):
        if char in string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~":
            assert ProviderConfig(extra_headers={f"X{char}": "1"}).extra_headers
        else:
            with pytest.raises(ConfigError, match="no header name"):
                ProviderConfig(extra_headers={f"X{char}": "1"})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True), ("a.localhost", True), ("127.0.0.1", True), ("127.255.255.255", True),
        ("::1", True), ("localhost.example.com", False), ("alocalhost", False), ("127.0.0.256", False),
        ("127.0.0", False), ("127.0.0.1.1", False), ("128.0.0.1", False), ("127.0.0.x", False),
        ("::2", False), ("127.0.0.", False),
    ],
)  # fmt: skip
def test_which_hosts_are_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize("type", [[], {}, None, 1, ["openai"]])
def test_a_type_that_is_no_text_is_no_type(type: object) -> None:
    with pytest.raises(ConfigError, match="is no provider type") as caught:
        ProviderConfig.from_dict({"type": type})
    assert caught.value.field == "type"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("https://h/X/", "https://h/X"), ("https://h/v1//", "https://h/v1"), ("https://h", None)],
)
def test_only_slashes_are_taken_from_an_addresss_end(given: str, kept: str | None) -> None:
    assert ProviderConfig(base_url=given).base_url == (kept or given)


def test_the_auth_methods_are_listed_only_where_one_is_wrong() -> None:
    for name, listed in (("auth_method", True), ("max_attempts", False)):
        with pytest.raises(ConfigError) as caught:
            ProviderConfig.from_dict({name: "x"})
        assert ("use one of bearer" in caught.value.message) is listed


def test_headers_of_a_wrong_type_are_not_shown() -> None:
    for wrong in ("x-key: sk-secret", ["sk-secret"], {"x-key": ["sk-secret"]}):
        with pytest.raises(ConfigError) as caught:
            ProviderConfig.from_dict({"extra_headers": wrong})
        assert caught.value.field == "extra_headers"
        assert "sk-secret" not in str(caught.value)


def test_azures_key_has_a_variable_of_its_own() -> None:
    assert PROVIDER_DEFAULTS["azure"].api_key_env == "AZURE_OPENAI_KEY"
    assert PROVIDER_DEFAULTS["azure"].auth_method is AuthMethod.API_KEY


def test_configs_and_defaults_are_named_in_every_field_and_never_change() -> None:
    made: Any
    for made, name in ((ProviderConfig(), "model"), (ProviderDefaults(), "base_url")):
        with pytest.raises(TypeError):
            type(made)("openai")
        with pytest.raises(AttributeError):
            setattr(made, name, "x")
    assert not hasattr(ProviderDefaults(), "__dict__")
