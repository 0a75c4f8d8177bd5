"""AWS credentials and the region as the facades find them: given, by a callable, or in the environment."""

from __future__ import annotations

import pytest

from sansio import ConfigError, Credentials, Message, PermissionDeniedError, ProviderConfig, ResponseInfo
from sansio.testing import Failure, FakeProvider
from transports import create_provider, create_sync_provider
from transports.driving.keys import KeySource, Secret, with_region
from transports.testing.loopback import loopback_thread

SECRET, TOKEN = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session-token-of-an-hour"
KEYS = Credentials("AKIDEXAMPLE", SECRET, TOKEN)
CONFIG = ProviderConfig(type="bedrock", model="anthropic.claude-sonnet-5-5", region="eu-west-1")
AWS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}


def key_in(environment: dict[str, str], config: ProviderConfig = CONFIG) -> object:
    found = KeySource(config, None, environment).ask_now()
    return None if found is None else found.reveal()


def test_the_bearer_key_counts_before_credentials() -> None:
    assert key_in({**AWS, "AWS_BEARER_TOKEN_BEDROCK": "bearer"}) == "bearer"
    assert key_in({**AWS, "AWS_BEARER_TOKEN_BEDROCK": " "}) == KEYS
    assert key_in({**AWS, "AWS_SESSION_TOKEN": ""}) == Credentials("AKIDEXAMPLE", SECRET)


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        ({}, "AWS_BEARER_TOKEN_BEDROCK nor AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": "AKID"}, "AWS_SECRET_ACCESS_KEY is not set"),
        ({"AWS_SECRET_ACCESS_KEY": SECRET}, "AWS_ACCESS_KEY_ID is not set"),
        ({"AWS_SESSION_TOKEN": TOKEN}, "AWS_BEARER_TOKEN_BEDROCK"),
    ],
)
def test_missing_credentials_are_an_error_that_names_the_variable(
    environment: dict[str, str], variable: str
) -> None:
    with pytest.raises(ConfigError, match=variable) as caught:
        key_in(environment)
    assert caught.value.field == "api_key_env"
    assert SECRET not in str(caught.value)


def test_a_variable_that_the_config_names_is_the_only_one() -> None:
    with pytest.raises(ConfigError, match="MY_KEY"):
        key_in(AWS, CONFIG.replace(api_key_env="MY_KEY"))
    assert key_in(AWS, CONFIG.replace(auth_method="none")) is None


def test_credentials_may_be_given_or_made_by_a_callable() -> None:
    for given in (KEYS, lambda: KEYS):
        found = KeySource(CONFIG, given, {}).ask_now()
        assert found is not None
        assert found.reveal() is KEYS


def test_secret_parts_are_masked_wherever_they_are_echoed_and_the_id_is_not() -> None:
    secret = Secret(KEYS)
    error = secret.clean(PermissionDeniedError(f"AKIDEXAMPLE {SECRET} {TOKEN}", status=403))
    assert error.message == "AKIDEXAMPLE [key] [key]"
    assert secret.clean_text(f"{TOKEN} {SECRET[:12]}", cut=True) == "[key] [key]"
    short = Secret(Credentials("AKID", "s3cr3t"))
    assert short.clean_text("s3cr3t is a short text") == "s3cr3t is a short text"
    info = ResponseInfo(status=200, request_id="s3cr3t")
    assert short.clean_response(info).request_id == "[key]"


def test_the_region_is_read_from_the_environment() -> None:
    bare = ProviderConfig(type="bedrock", model="m")
    environment = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-west-2"}
    assert with_region(bare, environment).region == "us-east-1"
    assert with_region(bare, {"AWS_DEFAULT_REGION": "us-west-2"}).region == "us-west-2"
    assert with_region(CONFIG, environment) is CONFIG
    other = ProviderConfig(type="openai", model="m")
    assert with_region(other, environment) is other
    proxied = ProviderConfig(type="bedrock", model="m", base_url="https://proxy.example.com")
    assert with_region(proxied, {}) is proxied


def test_a_missing_region_is_an_error_when_the_provider_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    for make in (create_provider, create_sync_provider):
        with pytest.raises(ConfigError, match="AWS_REGION") as caught:
            make({"type": "bedrock", "model": "m"})
        assert caught.value.field == "region"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert "eu-west-1" in create_sync_provider({"type": "bedrock", "model": "m"}).config.base_url


def test_each_attempt_is_signed_and_a_secret_that_the_server_echoes_is_masked() -> None:
    given: list[Credentials] = []

    def keys() -> Credentials:
        given.append(KEYS)
        return KEYS

    fake = FakeProvider("bedrock", [Failure(status=503), Failure(status=403, message=f"no {TOKEN} here")])
    with loopback_thread(fake) as server:
        config = CONFIG.replace(base_url=server.url, max_attempts=2)
        made = create_sync_provider(config, api_key=keys)
        with made as provider, pytest.raises(PermissionDeniedError, match=r"no \[key\] here") as caught:
            provider.complete([Message("user", "Hi")])
    assert caught.value.attempts == len(given) == 2
    assert caught.value.error_type == "AccessDeniedException"
    for request in fake.requests:
        headers = dict(request.headers)
        assert headers["x-amz-security-token"] == TOKEN
        assert "Credential=AKIDEXAMPLE/" in headers["authorization"]
