"""The endpoints beside OpenAI's families: where they are, and what compatible servers say of their models."""

from __future__ import annotations

import json

import pytest

from sansio import Embeddings, ModelInfo, Provider, ProviderConfig, RemoteProtocolError, Request, Send, Usage
from sansio.endpoints import NextPage, read_models
from sansio.families.beside import read_embeddings, read_model
from sansio.jsontext import JSON, JSONObject
from sansio.providers import dialect_for
from tests.sansio.wires import config

CLASSIC = ProviderConfig(
    type="azure", base_url="https://r.openai.azure.com", deployment="gpt 4", api_version="2024-10-21"
)
V1 = ProviderConfig(type="azure", base_url="https://r.openai.azure.com/openai/v1", deployment="gpt-4")


def sent(step: object) -> Request:
    assert isinstance(step, Send)
    return step.request


@pytest.mark.parametrize(
    ("made", "models", "embeddings"),
    [
        (config("openrouter"), "/api/v1/models", "/api/v1/embeddings"),
        (config("openai"), "/v1/models", "/v1/embeddings"),
        (config("ollama"), "/v1/models", "/v1/embeddings"),
        (V1, "/openai/v1/models", "/openai/v1/embeddings"),
        (
            CLASSIC,
            "/openai/models?api-version=2024-10-21",
            "/openai/deployments/gpt%204/embeddings?api-version=2024-10-21",
        ),
    ],
)
def test_each_type_has_them_at_its_own_address(made: ProviderConfig, models: str, embeddings: str) -> None:
    assert sent(Provider(made).list_models().next_step()).target == models
    assert sent(Provider(made).embed("text").next_step()).target == embeddings


def test_the_model_for_embeddings_is_the_deployment_on_azure() -> None:
    classic = sent(Provider(CLASSIC).embed("text", model="small").next_step())
    assert "/deployments/small/" in classic.target
    v1 = sent(Provider(V1).embed("text", model="small").next_step())
    assert json.loads(v1.body) == {"model": "small", "input": ["text"], "encoding_format": "base64"}


def test_the_model_for_embeddings_is_the_config_s_unless_it_is_given() -> None:
    body = json.loads(sent(Provider(config("openai")).embed(["a"], dimensions=2).next_step()).body)
    assert (body["model"], body["dimensions"]) == ("some-model", 2)


DAY = 86_400.0


@pytest.mark.parametrize(
    ("row", "model"),
    [
        (
            {
                "id": "gpt",
                "object": "model",
                "created": 7,
                "owned_by": "openai",
                "shutdown_date": "1970-01-02",
            },
            ModelInfo(id="gpt", created=7.0, retires=DAY, extra={"owned_by": "openai"}),
        ),
        (
            {
                "id": "gpt",
                "lifecycle_status": "generally-available",
                "deprecation": {"inference": 86_400, "fine_tune": 1},
            },
            ModelInfo(
                id="gpt",
                lifecycle="generally-available",
                retires=DAY,
                extra={"deprecation": {"inference": 86_400, "fine_tune": 1}},
            ),
        ),
        (
            {
                "id": "x/y",
                "name": "X: Y",
                "context_length": 9,
                "top_provider": {"max_completion_tokens": 4},
                "expiration_date": None,
            },
            ModelInfo(
                id="x/y",
                name="X: Y",
                context_window=9,
                max_output=4,
                extra={"top_provider": {"max_completion_tokens": 4}},
            ),
        ),
        (
            {"id": "x/y", "expiration_date": "1970-01-02", "supports": ["tools"]},
            ModelInfo(id="x/y", retires=DAY, extra={"supports": ["tools"]}),
        ),
        ({"id": "llama", "max_model_len": 5}, ModelInfo(id="llama", context_window=5)),
        ({"id": "m", "lifecycle": "active"}, ModelInfo(id="m", lifecycle="active")),
        (  # gateways of several providers, with the names that Anthropic and Groq have for the same
            {
                "id": "m",
                "display_name": "M",
                "created_at": "1970-01-02T00:00:00Z",
                "context_window": 9,
                "max_completion_tokens": 4,
                "deprecated_at": "1970-01-03T00:00:00Z",
                "retires_at": "1970-01-04T00:00:00Z",
            },
            ModelInfo(
                id="m",
                name="M",
                created=DAY,
                context_window=9,
                max_output=4,
                deprecated=2 * DAY,
                retires=3 * DAY,
            ),
        ),
    ],
)
def test_a_model_has_what_its_server_says_of_it(row: JSONObject, model: ModelInfo) -> None:
    assert read_models({"data": [row]}, read_model, "after") == (model,)


def test_an_embeddings_response_keeps_its_other_fields_and_may_have_no_usage() -> None:
    response: JSONObject = {"object": "list", "data": [{"embedding": [1]}], "model": "m", "id": "e1"}
    read = read_embeddings(response, 1)
    assert (read.vectors, read.model, read.usage, read.extra) == (((1.0,),), "m", None, {"id": "e1"})
    counted = read_embeddings({**response, "usage": {"prompt_tokens": 3}}, 1)
    assert (counted.usage, counted.extra) == (Usage(input_tokens=3), {"id": "e1"})


def test_the_list_of_models_may_have_pages() -> None:
    endpoint = dialect_for(config("openai")).list_models()
    assert endpoint.body is None
    page = endpoint.read({"data": [{"id": "a", "created": 7}], "has_more": True, "last_id": "a"})
    assert isinstance(page, NextPage)
    assert page.query == "after=a"
    last = page.read({"data": [{"id": "b", "owned_by": "o"}], "has_more": False})
    assert last == (ModelInfo(id="a", created=7.0), ModelInfo(id="b", extra={"owned_by": "o"}))


def test_there_is_a_vector_for_each_text() -> None:
    endpoint = dialect_for(config("openai")).embed(["a", "b"])
    assert endpoint.body == {"model": "some-model", "input": ["a", "b"], "encoding_format": "base64"}
    rows: list[JSON] = [{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [2]}]
    read = endpoint.read({"data": rows, "usage": {"prompt_tokens": 2, "total_tokens": 2}})
    assert isinstance(read, Embeddings)
    assert read.vectors == ((1.0,), (2.0,))
    with pytest.raises(RemoteProtocolError):
        endpoint.read({"data": rows[:1]})
