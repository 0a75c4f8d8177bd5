"""What each refusal of a configuration says, word for word: a person has nothing else to go by."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import (
    ConfigError,
    Limits,
    OpenAICompatDialect,
    Provider,
    ProviderConfig,
    ProviderDefaults,
    Request,
    register_provider,
)
from sansio.config import ERROR_BODY_SECONDS
from tests.sansio.texts import Deed, refusal
from tests.sansio.wires import config


def made(**given: Any) -> Deed:
    return lambda: ProviderConfig.from_dict(given)


AZURE = {"type": "azure", "base_url": "https://r.openai.azure.com"}
V1 = "https://r.openai.azure.com/openai/v1"
FIELDS = (
    "type, api_key_env, model, base_url, context_window, reasoning, auth_method, extra_headers, api_version, "
    "deployment, allow_http, connect_timeout, read_timeout, event_timeout, total_timeout, max_attempts, "
    "max_retry_after, limits"
)
LIMITS = (
    "max_header_bytes, max_event_bytes, max_answer_bytes, max_error_bytes, max_tool_calls, max_json_depth"
)
CONFIGS: dict[str, Deed] = {
    "type: 'nope' is no provider type; use one of openrouter, openai, azure, anthropic, ollama, vllm": made(
        type="nope"
    ),
    f"colour: no such field in ProviderConfig; allowed are {FIELDS}": made(colour="red"),
    "model: openai has no default; name the model to use": made(type="openai"),
    "model: must not be blank; leave it out to take the default": made(model=" "),
    "model: 'a\\nb' has a character that cannot be printed": made(model="a\nb"),
    "model: name the deployment here or in deployment": made(type="azure", base_url=V1),
    "deployment: azure needs one, such as 'gpt-4'; or use the v1 surface, with a base_url that ends in "
    "/openai/v1": made(**AZURE, api_version="2024-10-21"),
    "api_version: azure needs one, such as '2024-10-21'; or use the v1 surface, with a base_url that ends in "
    "/openai/v1": made(**AZURE, deployment="gpt-4"),
    "base_url: azure has no default; give the address of your resource, such as "
    "https://my-resource.openai.azure.com": made(type="azure"),
    "base_url: no valid URL; check the host and the port": made(base_url="https://h:port"),
    "base_url: must not hold a user name or password; keys go into the environment": made(
        base_url="https://me:sk-1@h"
    ),
    "base_url: must not have a query or a fragment": made(base_url="https://h/?key=sk-1"),
    "base_url: 'ftp://h' must begin with https:// or http:// and a host": made(base_url="ftp://h"),
    "base_url: 'https://h/a b' has a space, a control character or a letter beyond ASCII": made(
        base_url="https://h/a b"
    ),
    "base_url: 'https://h:0' has the port 0, which no server has": made(base_url="https://h:0"),
    "base_url: 'http://h' would send the key in plain text; use https, or allow_http=True if the network in "
    "between is yours": made(base_url="http://h"),
    "read_timeout: 0.0 must be greater than 0 and finite; None switches the clock off": made(read_timeout=0),
    "max_attempts: 0 must be greater than 0 and finite": made(max_attempts=0),
    "max_attempts: '3' cannot be: <why>": made(max_attempts="3"),
    "limits: 5 is neither a JSON object nor a Limits": made(limits=5),
    f"limits.max_x: no such field in limits; allowed are {LIMITS}": made(limits={"max_x": 1}),
    "limits.max_tool_calls: 'many' cannot be: <why>": made(limits={"max_tool_calls": "many"}),
    "limits.max_error_bytes: 0 must be greater than 0 and finite": made(limits={"max_error_bytes": 0}),
    "limits.max_event_bytes: -1 must be greater than 0 and finite": made(limits=Limits(max_event_bytes=-1)),
    "auth_method: 'basic' cannot be: <why>; use one of bearer, api-key, x-api-key, none": made(
        auth_method="basic"
    ),
    "extra_headers: <why>": made(extra_headers="x-secret: 1"),
    "extra_headers: 'x y' is no header name (letters, digits and - only)": made(extra_headers={"x y": "1"}),
    "extra_headers: the value of 'x' has a line break or control character, a space at an end, or is not "
    "Latin-1": made(extra_headers={"x": "1\n2"}),
    "extra_headers: 'Host' is set by the library itself; remove it": made(extra_headers={"Host": "h"}),
    "the provider's configuration must be a JSON object": made(provider="openai"),
    "the configuration is no valid JSON: <why>": lambda: ProviderConfig.from_json("{"),
    "there is no API key": lambda: Provider(config("openai")).authorize(
        Request.post("https://h", (), b""), None
    ),
    "the API key has characters that no header can hold": lambda: Provider(config("openai")).authorize(
        Request.post("https://h", (), b""), "a\nb"
    ),
    "type: 'openai' cannot be registered; choose another name": lambda: register_provider(
        "openai", OpenAICompatDialect, ProviderDefaults()
    ),
    "type: 'mine' needs a Dialect class, not None": lambda: register_provider(
        "mine",
        None,  # type: ignore[arg-type]  # what is refused
        ProviderDefaults(),
    ),
}


@pytest.mark.parametrize("text", CONFIGS)
def test_a_configuration_is_refused_with_these_words(text: str) -> None:
    error = refusal(text, CONFIGS[text])
    assert isinstance(error, ConfigError)
    named = "api_key_env" if "API key" in text else text.partition(": ")[0]
    assert error.field == (named if " " not in named else None)
    assert "sk-1" not in error.message


def test_the_defaults_of_the_limits() -> None:
    assert {name: getattr(ProviderConfig().limits, name) for name in LIMITS.split(", ")} == {
        "max_header_bytes": 64 * 1024,
        "max_event_bytes": 16 * 1024 * 1024,
        "max_answer_bytes": 64 * 1024 * 1024,
        "max_error_bytes": 64 * 1024,
        "max_tool_calls": 1024,
        "max_json_depth": 256,
    }
    assert ERROR_BODY_SECONDS == 5.0
