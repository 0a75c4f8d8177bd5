"""Azure's difference: the deployment in the path with its version, or in the body on the v1 surface."""

from __future__ import annotations

import json
import re

import pytest

from sansio import BadRequestError, ConfigError, Provider, ProviderConfig, Send
from sansio.providers import dialect_named
from tests.sansio.wires import ASK, body_of, config

V1 = "https://res.openai.azure.com/openai/v1"


def test_the_classic_surface_has_deployment_and_version_in_its_address() -> None:
    provider = Provider(config("azure", deployment="gpt 4/o?", api_version="2024-10-21", model=None))
    step = provider.call(ASK).next_step()
    assert isinstance(step, Send)
    request = provider.authorize(step.request, "secret-key")
    assert request.target == ("/openai/deployments/gpt%204%2Fo%3F/chat/completions?api-version=2024-10-21")
    assert request.host == "res.openai.azure.com"
    assert ("api-key", "secret-key") in request.headers
    assert "model" not in body_of(provider, ASK)


@pytest.mark.parametrize("deployment", [".", ".."])
def test_a_deployment_that_would_be_a_step_in_the_path_is_refused(deployment: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config("azure", deployment=deployment)
    assert caught.value.field == "deployment"
    with pytest.raises(ConfigError):
        Provider(config("azure")).prepare(ASK, model=deployment)
    assert Provider(config("azure", deployment="..x")).prepare(ASK).url.count("/..x/") == 1


def test_the_classic_surface_sends_a_model_that_was_named() -> None:
    assert body_of(Provider(config("azure", model="gpt-4o")), ASK)["model"] == "gpt-4o"


@pytest.mark.parametrize(
    ("fields", "model"),
    [
        ({"deployment": "prod"}, "prod"),
        ({"model": "prod"}, "prod"),
        ({"model": "gpt-4o", "deployment": "prod", "api_version": "2024-10-21"}, "prod"),
    ],
)
def test_on_the_v1_surface_the_model_names_the_deployment(fields: dict[str, str], model: str) -> None:
    provider = Provider(ProviderConfig.from_dict({"type": "azure", "base_url": V1 + "/", **fields}))
    assert provider.dialect.build_endpoint() == V1 + "/chat/completions"
    assert body_of(provider, ASK)["model"] == model


def test_a_token_goes_as_bearer_where_that_is_asked() -> None:
    provider = Provider(config("azure", auth_method="bearer"))
    step = provider.call(ASK).next_step()
    assert isinstance(step, Send)
    headers = dict(provider.authorize(step.request, "token").headers)
    assert headers["authorization"] == "Bearer token"
    assert "api-key" not in headers


def test_a_prompt_that_the_filter_blocked_keeps_its_reason() -> None:
    body = {
        "error": {
            "message": "The response was filtered",
            "type": None,
            "code": "content_filter",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation"},
        }
    }
    error = dialect_named("azure").parse_error(400, (("apim-request-id", "id-1"),), json.dumps(body))
    assert isinstance(error, BadRequestError)
    assert (error.error_type, error.request_id) == ("content_filter", "id-1")
    assert "content_filter: The response was filtered" in str(error)


def test_the_gateways_flat_error_is_read() -> None:
    error = dialect_named("azure").parse_error(401, (), '{"statusCode": 401, "message": "Access denied"}')
    assert error.provider_message == "Access denied"


@pytest.mark.parametrize(
    ("fields", "url", "model"),
    [
        ({"deployment": "a"}, "/openai/deployments/b/chat/completions", "b"),
        ({"base_url": V1, "deployment": "a"}, "/openai/v1/chat/completions", "b"),
    ],
)
def test_another_model_for_one_call_is_another_deployment(
    fields: dict[str, str], url: str, model: str
) -> None:
    prepared = Provider(config("azure", **fields)).prepare(ASK, model="b")
    assert url in prepared.url
    assert prepared.body["model"] == model


def test_claude_on_azure_needs_a_model_or_a_deployment_alone() -> None:
    claude = {"type": "azure", "api": "messages", "base_url": "https://res.services.ai.azure.com/anthropic"}
    for named in ({"model": "claude"}, {"deployment": "claude"}):
        provider = Provider(ProviderConfig.from_dict({**claude, **named}))
        assert body_of(provider, ASK)["model"] == "claude"
    for bare in (claude, {"type": "azure", "base_url": V1}):
        with pytest.raises(ConfigError, match="deployment") as caught:
            ProviderConfig.from_dict({**bare})
        assert caught.value.field == "model"


@pytest.mark.parametrize(("missing", "given"), [("deployment", "api_version"), ("api_version", "deployment")])
def test_the_classic_surface_needs_both_and_says_what_one_looks_like(missing: str, given: str) -> None:
    fields = {"type": "azure", "base_url": "https://res.openai.azure.com", "model": "m", given: "2025-01-01"}
    with pytest.raises(
        ConfigError, match=rf"{missing}: azure needs one, such as '\S+'.*/openai/v1"
    ) as caught:
        ProviderConfig.from_dict(fields)
    assert caught.value.field == missing
    example = caught.value.message.split("'")[1]
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}" if missing == "api_version" else r"my-\w+", example)
    assert (
        Provider(ProviderConfig.from_dict({**fields, missing: example})).prepare(ASK).url.count(example) == 1
    )


@pytest.mark.parametrize(
    ("version", "field"),
    [
        ("2024-06-01", "max_tokens"),
        ("2024-08-01-preview", "max_tokens"),
        ("2024-09-01-preview", "max_completion_tokens"),
        ("2024-10-21", "max_completion_tokens"),
    ],
)
def test_an_older_version_knows_the_older_name_of_the_limit(version: str, field: str) -> None:
    assert body_of(Provider(config("azure", api_version=version)), ASK, max_tokens=5)[field] == 5
    v1 = ProviderConfig(type="azure", base_url=V1, model="m", api_version=version)
    assert body_of(Provider(v1), ASK, max_tokens=5)["max_completion_tokens"] == 5


@pytest.mark.parametrize("field", ["content_filter_result", "content_filter_results"])
def test_what_the_filter_found_is_in_the_error_under_either_name(field: str) -> None:
    found = {"hate": {"filtered": True}}
    for kind in ("azure", "azure/responses"):
        for inner, wanted in (({field: found}, found), ("text", None), (None, None), ({field: "text"}, None)):
            body = {"error": {"message": "no", "code": "content_filter", "innererror": inner}}
            error = dialect_named(kind).parse_error(400, (), json.dumps(body))
            assert error.content_filter == wanted
