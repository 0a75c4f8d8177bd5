"""What the fake serves beside answers, and what it refuses there."""

from __future__ import annotations

import base64
import struct

import pytest

from sansio import ChatDialect, ProviderDefaults, register_provider
from sansio.testing import FakeProvider
from tests.sansio.testing.asking import AUTH, CHAT, HELLO, Object, body_for, message_in, request_for, said
from tests.support import for_each

EMBEDDINGS = {
    "openrouter": "/api/v1/embeddings",
    "openai": "/v1/embeddings",
    "azure": "/openai/v1/embeddings",
    "ollama": "/v1/embeddings",
    "vllm": "/v1/embeddings",
}
COUNT = "/v1/messages/count_tokens"


@pytest.mark.parametrize("type", CHAT)
def test_embeddings_are_at_the_type_s_own_path(type: str) -> None:
    request = request_for(type, {"model": "m", "input": ["a", "b"]}, path=EMBEDDINGS[type])
    for fake in (FakeProvider(type), FakeProvider()):
        body = said(fake.respond(request))
        assert [row["index"] for row in body["data"]] == [0, 1]
        assert len(body["data"][0]["embedding"]) == 8


def test_azure_s_classic_surface_has_them_below_the_deployment_and_the_models_beside_it() -> None:
    fake = FakeProvider("azure")
    path = "/openai/deployments/small/embeddings?api-version=2024-10-21"
    assert said(fake.respond(request_for("azure", {"input": "a"}, path=path)))["model"] == "small"
    models = request_for("azure", path="/openai/models?api-version=2024-10-21", method="GET")
    assert said(fake.respond(models))["data"][0]["lifecycle_status"] == "generally-available"


def test_the_same_text_has_the_same_vector() -> None:
    body = {"model": "m", "input": ["a", "b", "a"], "dimensions": 40}
    rows = said(FakeProvider("openai").respond(request_for("openai", body, path="/v1/embeddings")))["data"]
    vectors = [row["embedding"] for row in rows]
    assert vectors[0] == vectors[2] != vectors[1]
    assert len(vectors[0]) == 40


@pytest.mark.parametrize("field", [{"user": "u"}, {"encoding_format": "float"}, {"dimensions": 1}])
def test_a_request_for_embeddings_may_have_the_fields_of_openais_reference(field: Object) -> None:
    body = {"model": "m", "input": "a", **field}
    response = FakeProvider("openai").respond(request_for("openai", body, path="/v1/embeddings"))
    assert said(response)["data"][0]["object"] == "embedding"


def test_vectors_in_base64_are_those_that_a_list_has() -> None:
    body = {"model": "m", "input": "a", "encoding_format": "base64"}
    fake = FakeProvider("openai")
    packed, listed = (
        said(fake.respond(request_for("openai", {**body, "encoding_format": form}, path="/v1/embeddings")))
        for form in ("base64", "float")
    )
    numbers = struct.unpack("<8f", base64.b64decode(packed["data"][0]["embedding"]))
    assert [*numbers] == listed["data"][0]["embedding"]
    assert listed["usage"] == {"prompt_tokens": 1, "total_tokens": 1}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": None}, "model"),
        ({"model": " "}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": {"a": "b"}}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["a", 1]}, "input"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": True}, "dimensions"),
        ({"inputs": ["a"]}, "inputs"),
    ],
)
def test_a_malformed_request_for_embeddings_is_refused(fields: Object, message: str) -> None:
    body = {"model": "m", "input": "a", **fields}
    response = FakeProvider("openai").respond(request_for("openai", body, path="/v1/embeddings"))
    assert response.status == 400
    assert message in message_in("openai", said(response))


def test_tokens_are_counted_without_a_limit_for_the_answer() -> None:
    body = body_for("anthropic", max_tokens=None, thinking={"type": "enabled", "budget_tokens": 2048})
    request = request_for("anthropic", body, path=COUNT)
    for fake in (FakeProvider("anthropic"), FakeProvider()):
        assert said(fake.respond(request)) == {"input_tokens": 4}


@pytest.mark.parametrize(
    "field",
    [
        {"max_tokens": 5},
        {"stream": False},
        {"temperature": 1},
        {"top_p": 1},
        {"top_k": 1},
        {"stop_sequences": ["x"]},
        {"metadata": {"user_id": "u"}},
    ],
)
def test_a_count_takes_no_field_that_does_not_change_it(field: Object) -> None:
    """Anthropic's SDK, `MessageCountTokensParams`, has none of these."""
    body = {"model": "m", "messages": HELLO}
    fake = FakeProvider("anthropic")
    assert fake.respond(request_for("anthropic", body, path=COUNT)).status == 200
    refused = fake.respond(request_for("anthropic", {**body, **field}, path=COUNT))
    assert refused.status == 400
    assert next(iter(field)) in message_in("anthropic", said(refused))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (body_for("anthropic"), "max_tokens"),
        (body_for("anthropic", max_tokens=None, stream=False), "stream"),
        ({"messages": HELLO}, "model"),
    ],
)
def test_a_malformed_request_for_a_count_is_refused(body: Object, message: str) -> None:
    response = FakeProvider("anthropic").respond(request_for("anthropic", body, path=COUNT))
    assert response.status == 400
    assert message in message_in("anthropic", said(response))


@pytest.mark.parametrize(
    ("limit", "status"),
    [("0", 400), ("1001", 400), ("many", 400), ("", 200), ("1", 200), ("1000", 200), ("\u0661", 400)],
)
def test_anthropic_s_list_has_pages_of_a_limited_length(limit: str, status: int) -> None:
    request = request_for("anthropic", path=f"/v1/models?limit={limit}", method="GET")
    assert FakeProvider("anthropic").respond(request).status == status


@pytest.mark.parametrize(
    ("query", "ids", "more"),
    [
        ("limit=2", ["a", "b"], True),
        ("limit=2&after_id=b", ["c", "d"], True),
        ("after_id=d&limit=2", ["e"], False),
        ("after_id=e", [], False),
    ],
)
def test_a_page_of_anthropic_s_list_begins_behind_a_model(query: str, ids: list[str], more: bool) -> None:
    fake = FakeProvider("anthropic", models="abcde")
    page = said(fake.respond(request_for("anthropic", path=f"/v1/models?{query}", method="GET")))
    assert [row["id"] for row in page["data"]] == ids
    assert page["has_more"] is more
    assert page["last_id"] == (ids[-1] if ids else None)


def test_a_page_behind_a_model_that_is_not_on_anthropic_s_list_is_refused() -> None:
    request = request_for("anthropic", path="/v1/models?after_id=other", method="GET")
    response = FakeProvider("anthropic").respond(request)
    assert response.status == 400
    assert "after_id" in message_in("anthropic", said(response))


def test_anthropic_s_list_needs_the_version() -> None:
    key = tuple(pair for pair in AUTH["anthropic"] if pair[0] == "x-api-key")
    request = request_for("anthropic", path="/v1/models", method="GET", headers=key)
    assert FakeProvider("anthropic").respond(request).status == 400


def test_a_registered_type_s_path_says_by_its_end_what_it_is_for() -> None:
    register_provider("beside-test", ChatDialect, ProviderDefaults(base_url="https://api.example.com/v9"))
    fake = FakeProvider("beside-test")
    models = request_for("openai", path="/v9/models", method="GET")
    assert said(fake.respond(models))["data"][0]["id"] == "fake-model"
    embeddings = request_for("openai", {"model": "m", "input": "a"}, path="/v9/embeddings")
    assert len(said(fake.respond(embeddings))["data"]) == 1
    assert said(fake.respond(request_for("openai", path="/v9/chat")))["choices"]


MODELS = {
    "openrouter": "/api/v1/models",
    "openai": "/v1/models",
    "azure": "/openai/v1/models",
    "anthropic": "/v1/models",
    "ollama": "/v1/models",
    "vllm": "/v1/models",
}


ROWS: dict[str, Object] = {
    "openrouter": {
        "name": "Fake model",
        "context_length": 131_072,
        "top_provider": {"context_length": 131_072, "max_completion_tokens": 8_192},
    },
    "openai": {"object": "model", "owned_by": "sansio", "shutdown_date": None},
    "azure": {"object": "model", "lifecycle_status": "generally-available", "deprecation": {}},
    "ollama": {"object": "model", "owned_by": "library"},
    "vllm": {"object": "model", "owned_by": "vllm", "max_model_len": 131_072, "root": "small"},
    "anthropic": {
        "type": "model",
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "max_tokens": 64_000,
        "max_input_tokens": 200_000,
        "capabilities": {"batch": {"supported": True}},
    },
}
"""What a row of each server's own list says, beside the model's id and its age."""


@pytest.mark.parametrize("type", MODELS)
def test_a_row_of_the_list_has_the_fields_of_its_server(type: str) -> None:
    fake = FakeProvider(type, models=["small"])
    listed = said(fake.respond(request_for(type, path=MODELS[type], method="GET")))
    (row,) = listed["data"]
    assert row.items() >= {"id": "small", **ROWS[type]}.items()
    if type != "anthropic":
        assert row.keys() == {"id", "created", *ROWS[type]}
        assert row["created"] == 1_767_225_600  # the beginning of 2026
        assert listed.get("object") == (None if type == "openrouter" else "list")


@pytest.mark.parametrize("type", MODELS)
def test_a_fake_with_a_list_of_models_knows_no_other(type: str) -> None:
    fake = FakeProvider(type, models=["small", "large"])
    listed = said(fake.respond(request_for(type, path=MODELS[type], method="GET")))["data"]
    assert [row["id"] for row in listed] == ["small", "large"]
    assert fake.respond(request_for(type, {**body_for(type, HELLO), "model": "small"})).status == 200
    refused = fake.respond(request_for(type, {**body_for(type, HELLO), "model": "medium"}))
    assert refused.status == 404
    assert "medium" in b"".join(refused.pieces).decode()
    if type == "openai":
        assert said(refused)["error"]["param"] == "model"


def test_a_fake_with_a_list_of_models_counts_and_embeds_for_no_other() -> None:
    counting = FakeProvider("anthropic", models=["small"])
    embedding = FakeProvider("azure", models=["small"])
    for model, status in (("small", 200), ("medium", 404)):
        body = {"model": model, "messages": HELLO}
        assert counting.respond(request_for("anthropic", body, path=COUNT)).status == status
        path = f"/openai/deployments/{model}/embeddings?api-version=2024-10-21"
        assert embedding.respond(request_for("azure", {"input": "a"}, path=path)).status == status


def test_a_fake_without_models_has_an_empty_list() -> None:
    fake = FakeProvider("anthropic", models=[])
    listed = said(fake.respond(request_for("anthropic", path="/v1/models", method="GET")))
    assert (listed["data"], listed["first_id"], listed["last_id"]) == ([], None, None)


COUNTED = "/v1/responses/input_tokens"
WRONG: list[tuple[str, Object, str, str | None]] = [
    (EMBEDDINGS["openai"], {"input": "a"}, "model", None),
    (EMBEDDINGS["openai"], {"model": "m"}, "input", None),
    (EMBEDDINGS["openai"], {"model": "m", "input": "a", "encoding_format": "hex"}, "encoding_format", None),
    (EMBEDDINGS["openai"], {"model": "m", "input": "a", "dimensions": 0}, "dimensions", None),
    (EMBEDDINGS["openai"], {"model": "m", "input": "a", "own": 1}, "own", "unknown_parameter"),
    (EMBEDDINGS["openai"], {"model": "other", "input": "a"}, "model", "model_not_found"),
    (COUNTED, {"model": "m", "input": "a", "own": 1}, "own", "unknown_parameter"),
    (COUNTED, {"model": "m", "input": "a", "store": 1}, "store", "unknown_parameter"),
    (COUNTED, {"model": "m", "input": 5}, "input", "invalid_type"),
    ("/v1/chat/completions", {"model": "other", "messages": HELLO}, "model", "model_not_found"),
]


@for_each(WRONG)
def test_a_refusal_names_the_field_and_the_code(case: tuple[str, Object, str, str | None]) -> None:
    path, body, param, code = case
    response = FakeProvider("openai", models=["m"]).respond(request_for("openai", body, path=path))
    error = said(response)["error"]
    assert (error["param"], error["code"]) == (param, code)


def test_a_count_for_responses_has_its_own_form() -> None:
    body = {"model": "m", "input": "one two", "personality": "friendly"}
    response = FakeProvider("openai").respond(request_for("openai", body, path=COUNTED))
    assert said(response) == {"object": "response.input_tokens", "input_tokens": 2}
    for name in ("instructions", "tools", "text", "reasoning", "truncation", "tool_choice"):
        given: Object = {"instructions": "x y z", "tools": [], "truncation": "auto", "tool_choice": "auto"}
        field: Object = {name: given.get(name, {})}
        assert (
            FakeProvider("openai").respond(request_for("openai", {**body, **field}, path=COUNTED)).status
            == 200
        ), name


def test_anthropic_s_list_to_the_letter() -> None:
    fake = FakeProvider("anthropic", models=["small", "large"])
    page = said(fake.respond(request_for("anthropic", path="/v1/models?limit=1", method="GET")))
    row = {
        "type": "model",
        "id": "small",
        "display_name": "Fake model",
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
        "capabilities": {"batch": {"supported": True}},
    }
    assert page == {"data": [row], "has_more": True, "first_id": "small", "last_id": "small"}
    many = FakeProvider("anthropic", models=[str(number) for number in range(30)])
    page = said(many.respond(request_for("anthropic", path="/v1/models", method="GET")))
    assert [row["id"] for row in page["data"]] == [str(number) for number in range(20)]
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("0", "19", True)


def test_vectors_to_the_letter() -> None:
    body = {"model": "m", "input": ["a b", "c"], "dimensions": 2}
    found = said(FakeProvider("openai").respond(request_for("openai", body, path="/v1/embeddings")))
    rows = found.pop("data")
    assert found == {
        "object": "list",
        "model": "m",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    assert [row.keys() for row in rows] == [{"object", "index", "embedding"}] * 2
    assert [(row["object"], row["index"], len(row["embedding"])) for row in rows] == [
        ("embedding", 0, 2),
        ("embedding", 1, 2),
    ]


def test_a_model_that_is_not_on_the_list_is_refused_in_the_words_of_its_provider() -> None:
    for type, words in (("anthropic", "model: other"), ("openai", "The model 'other' does not exist.")):
        fake = FakeProvider(type, models=["small"])
        refused = fake.respond(request_for(type, body_for(type, model="other")))
        assert (refused.status, message_in(type, said(refused))) == (404, words)
