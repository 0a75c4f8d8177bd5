"""Amazon Bedrock's hosts: the region, what requests are signed with, and clocks that are off."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sansio import (
    AuthenticationError,
    AuthMethod,
    ConfigError,
    Credentials,
    Message,
    PermissionDeniedError,
    Provider,
    ProviderConfig,
    Send,
    header,
)
from sansio.providers import dialect_named
from tests.sansio.wires import ASK

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEYS = Credentials("AKIDEXAMPLE", SECRET)
NOW = 1_440_938_160.0


def provider(**fields: Any) -> Provider:
    return Provider(ProviderConfig(type="bedrock", model="anthropic.claude-sonnet-5-5", **fields))


def authorization(made: Provider, key: str | Credentials) -> str:
    step = made.call([Message("user", "Hi")]).next_step()
    assert isinstance(step, Send)
    return header(made.authorize(step.request, key, now=NOW).headers, "authorization") or ""


@pytest.mark.parametrize(
    ("api", "service"),
    [
        ("converse", "bedrock"),
        ("invoke", "bedrock"),
        ("messages", "bedrock-mantle"),
        ("chat", "bedrock-mantle"),
        ("responses", "bedrock-mantle"),
    ],
)
def test_each_family_takes_a_bearer_key_or_credentials(api: str, service: str) -> None:
    made = provider(api=api, region="eu-west-1")
    assert made.dialect.origin == f"bedrock/{api}"
    assert authorization(made, "secret-key") == "Bearer secret-key"
    signed = authorization(made, KEYS)
    assert f"Credential=AKIDEXAMPLE/20150830/eu-west-1/{service}/aws4_request" in signed
    assert SECRET not in signed


def test_the_region_is_that_of_the_config_or_of_aws_s_own_host() -> None:
    url = "https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com"
    assert "/us-gov-west-1/bedrock/" in authorization(provider(base_url=url), KEYS)
    assert "/eu-west-1/bedrock/" in authorization(provider(base_url=url, region="eu-west-1"), KEYS)
    proxied = provider(base_url="https://proxy.example.com")
    assert authorization(proxied, "secret-key") == "Bearer secret-key"
    with pytest.raises(ConfigError, match="AWS_REGION") as caught:
        authorization(proxied, KEYS)
    assert caught.value.field == "region"


@pytest.mark.parametrize("api", ["converse", "invoke"])
@pytest.mark.parametrize("fips", ["", "-fips"])
def test_models_are_listed_at_the_control_plane_of_the_host(api: str, fips: str) -> None:
    made = provider(api=api, base_url=f"https://bedrock-runtime{fips}.us-gov-west-1.amazonaws.com")
    step = made.list_models().next_step()
    assert isinstance(step, Send)
    assert step.request.host == f"bedrock{fips}.us-gov-west-1.amazonaws.com"


@pytest.mark.parametrize("api", ["converse", "invoke", "messages", "chat", "responses"])
def test_a_request_without_a_region_is_refused_with_the_variable(api: str) -> None:
    with pytest.raises(ConfigError, match="AWS_REGION") as caught:
        provider(api=api).prepare(ASK)
    assert caught.value.field == "region"


@pytest.mark.parametrize("region", ["eu-west-1/x", "EU", "a.b", "-x", "x-", ""])
def test_a_region_is_part_of_the_host_and_must_be_a_name(region: str) -> None:
    with pytest.raises(ConfigError) as caught:
        provider(region=region)
    assert caught.value.field == "region"


def test_a_region_that_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        ProviderConfig.from_dict({"type": "bedrock", "model": "m", "region": 1})
    assert caught.value.field == "region"


def test_another_region_brings_its_own_address() -> None:
    config = provider(region="eu-west-1").config
    assert config.replace(region="us-east-1").base_url == "https://bedrock-runtime.us-east-1.amazonaws.com"
    assert config.credential_variables == ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    assert config.replace(api_key_env="MY_KEY").credential_variables is None
    assert config.region_variables == ()
    assert provider().config.region_variables == ("AWS_REGION", "AWS_DEFAULT_REGION")


@pytest.mark.parametrize(
    ("words", "skew"),
    [
        (
            "Signature expired: 20250130T064508Z is now earlier than 20250210T013411Z (20250210T013911Z - 5)",
            "10 d 18 h behind",
        ),
        (
            "Signature not yet current: 20250210T013911Z is still later than 1 (20250210T003411Z + 5 min.)",
            "1 h 5 min ahead of",
        ),
    ],
)
def test_an_error_about_the_clock_says_by_how_much_it_is_off(words: str, skew: str) -> None:
    headers = (("x-amzn-errortype", "InvalidSignatureException:"),)
    error = provider(region="eu-west-1").dialect.parse_error(403, headers, json.dumps({"message": words}))
    assert error.provider_message == words
    assert error.error_type == "InvalidSignatureException"
    assert f"clock of this machine is {skew} AWS's" in error.advice()


WRONG_KEYS = {
    "UnrecognizedClientException": "AWS does not know this key",
    "InvalidClientTokenId": "AWS does not know this key",
    "MissingAuthenticationTokenException": "AWS does not know this key",
    "InvalidSignatureException": "secret access key",
    "IncompleteSignatureException": "secret access key",
    "SignatureDoesNotMatch": "secret access key",
    "ExpiredTokenException": "expired",
}
"""Types of a 403 that are about the key, and a word of the advice."""


@pytest.mark.parametrize("api", ["converse", "invoke"])
@pytest.mark.parametrize("kind", WRONG_KEYS)
def test_a_403_about_the_key_is_an_authentication_error(kind: str, api: str) -> None:
    dialect = dialect_named(f"bedrock/{api}")
    by_header = dialect.parse_error(403, (("x-amzn-errortype", f"{kind}:"),), '{"message": "no"}')
    by_body = dialect.parse_error(
        403, (), f'{{"__type": "com.amazon.coral.service#{kind}", "message": "no"}}'
    )
    for error in (by_header, by_body):
        assert isinstance(error, AuthenticationError)
        assert (error.status, error.error_type, error.provider_message) == (403, kind, "no")
        assert WRONG_KEYS[kind] in error.advice()
        assert "allowed" not in error.advice()
    other = dialect.parse_error(403, (("x-amzn-errortype", "AccessDeniedException:"),), '{"message": "no"}')
    assert type(other) is PermissionDeniedError
    assert "allowed" in other.advice()


@pytest.mark.parametrize(
    ("seconds", "span"),
    [
        (1, "1 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h"),
        (3_661, "1 h 1 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d"),
        (90_061, "1 d 1 h"),
    ],
)
def test_a_wrong_clock_is_measured_in_two_units(seconds: int, span: str) -> None:
    dialect = provider(region="eu-west-1").dialect
    signed = datetime(2025, 1, 30, 6, 45, 8, tzinfo=UTC)
    for ahead, side in ((1, "ahead of"), (-1, "behind")):
        server = signed - ahead * timedelta(seconds=seconds)
        words = f"Signature of {signed:%Y%m%dT%H%M%SZ} is too far from {server:%Y%m%dT%H%M%SZ}"
        error = dialect.parse_error(403, (), json.dumps({"message": words}))
        assert f"is {span} {side} AWS's" in error.advice()


@pytest.mark.parametrize(
    ("host", "region", "service"),
    [
        ("bedrock-runtime.eu-west-1.amazonaws.com", "eu-west-1", "bedrock"),
        ("bedrock-runtime.cn-north-1.amazonaws.com.cn", "cn-north-1", "bedrock"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1", "bedrock"),
        ("bedrock-runtime.us-east-1.api.aws", "us-east-1", "bedrock"),
        ("bedrock.us-east-1.amazonaws.com", "us-east-1", "bedrock"),
        ("bedrock-mantle.us-east-1.api.aws", "us-east-1", "bedrock-mantle"),
        ("bedrock-mantle-fips.us-east-1.api.aws", "us-east-1", "bedrock-mantle"),
        ("bedrock-mantle.cn-north-1.amazonaws.com.cn", "cn-north-1", "bedrock-mantle"),
    ],
)
def test_a_host_of_aws_s_own_says_the_region_and_the_service(host: str, region: str, service: str) -> None:
    assert f"/{region}/{service}/aws4_request" in authorization(provider(base_url=f"https://{host}"), KEYS)


@pytest.mark.parametrize(
    "host",
    ["bedrock-runtimes.eu-west-1.amazonaws.com", "bedrock-runtime.eu-west-1.example.com", "example.com"],
)
def test_another_host_says_neither(host: str) -> None:
    with pytest.raises(ConfigError, match="region"):
        authorization(provider(base_url=f"https://{host}"), KEYS)
    signed = authorization(provider(base_url=f"https://{host}", region="us-west-2"), KEYS)
    assert "/us-west-2/bedrock/aws4_request" in signed


@pytest.mark.parametrize(
    "words",
    [
        "Signature mismatch",
        "It was 20250130T064508Z, not 20250131T064508Z",
        "Signature 99999999T999999Z",
        "Signature 120250130T064508Z, 120250210T013411Z",
    ],
)
def test_other_errors_have_their_own_advice(words: str) -> None:
    error = provider(region="eu-west-1").dialect.parse_error(403, (), json.dumps({"message": words}))
    assert "clock" not in error.advice()


def test_credentials_are_for_aws_only() -> None:
    other = Provider(ProviderConfig(type="openai", model="m"))
    with pytest.raises(ConfigError, match="AWS") as caught:
        authorization(other, KEYS)
    assert caught.value.field == "api_key"
    silent = Provider(ProviderConfig(type="vllm", model="m", auth_method=AuthMethod.NONE))
    assert authorization(silent, KEYS) == ""
