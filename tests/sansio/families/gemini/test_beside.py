"""The endpoints beside answers: models, counts and embeddings."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import (
    Embeddings,
    InvalidRequestError,
    ModelInfo,
    Provider,
    ProviderConfig,
    RemoteProtocolError,
    Usage,
)
from sansio.endpoints import NextPage
from sansio.families.gemini.beside import read_models
from sansio.providers.google import vertex_url
from tests.sansio.families.gemini.chunks import JSON, google

MODEL: JSON = {
    "name": "models/gemini-2.5-pro",
    "displayName": "Gemini 2.5 Pro",
    "inputTokenLimit": 1_048_576,
    "outputTokenLimit": 65_536,
    "thinking": True,
}


def vertex() -> Provider:
    return Provider(ProviderConfig(type="vertex", model="text-embedding-005", base_url=vertex_url("p")))


def test_models_are_listed_over_pages() -> None:
    endpoint = google().dialect.list_models()
    assert endpoint.url == "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000"
    page = endpoint.read({"models": [MODEL], "nextPageToken": "a b"})
    assert isinstance(page, NextPage)
    assert page.query == "pageToken=a+b"
    listed = page.read({"models": [{"name": "models/x"}]})
    assert listed == (
        ModelInfo(
            id="gemini-2.5-pro",
            name="Gemini 2.5 Pro",
            context_window=1_048_576,
            max_output=65_536,
            extra={"thinking": True},
        ),
        ModelInfo(id="x"),
    )
    with pytest.raises(RemoteProtocolError, match="does not end"):
        page.read({"models": [], "nextPageToken": "a b"})


@pytest.mark.parametrize("data", [{"models": 7}, {"models": [7]}])
def test_a_list_that_is_malformed_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        read_models(data)


def test_tokens_are_counted() -> None:
    endpoint = google().dialect.count_tokens({"contents": []})
    assert endpoint.url.endswith("/models/gemini-2.5-flash:countTokens")
    assert endpoint.body == {"generateContentRequest": {"model": "models/gemini-2.5-flash", "contents": []}}
    assert endpoint.read({"totalTokens": 7}) == 7
    with pytest.raises(RemoteProtocolError, match="totalTokens"):
        endpoint.read({"totalTokens": "7"})
    with pytest.raises(RemoteProtocolError, match="totalTokens"):
        endpoint.read({"totalTokens": -1})
    assert endpoint.read({"totalTokens": 0}) == 0
    other = vertex().dialect.count_tokens({"contents": [], "safetySettings": []})
    assert other.body == {"contents": []}


def test_texts_become_vectors() -> None:
    endpoint = google("gemini-embedding-001").dialect.embed(["a", "b"], 2)
    assert endpoint.url.endswith("/models/gemini-embedding-001:batchEmbedContents")
    assert endpoint.body == {
        "requests": [
            {
                "model": "models/gemini-embedding-001",
                "content": {"parts": [{"text": said}]},
                "outputDimensionality": 2,
            }
            for said in ("a", "b")
        ]
    }
    data: JSON = {"embeddings": [{"values": [1, 2]}, {"values": [3, 4]}], "x": 1}
    assert endpoint.read(data) == Embeddings(vectors=((1, 2), (3, 4)), extra={"x": 1})
    malformed: list[JSON] = [{}, {"embeddings": [7]}, {"embeddings": [{"values": [1]}]}]
    for wrong in malformed:
        with pytest.raises(RemoteProtocolError):
            endpoint.read(wrong)


@pytest.mark.parametrize(
    ("dimensions", "more"), [(None, {}), (2, {"parameters": {"outputDimensionality": 2}})]
)
def test_vertex_predicts_them(dimensions: int | None, more: dict[str, Any]) -> None:
    endpoint = vertex().dialect.embed(["a"], dimensions)
    assert endpoint.url.endswith("/models/text-embedding-005:predict")
    assert endpoint.body == {"instances": [{"content": "a"}], **more}
    data: JSON = {"predictions": [{"embeddings": {"values": [1, 2], "statistics": {"token_count": 3}}}]}
    assert endpoint.read(data) == Embeddings(vectors=((1, 2),), usage=Usage(input_tokens=3))


def test_vectors_have_as_many_dimensions_as_the_model_gives_them_by_default() -> None:
    instances: JSON = {"instances": [{"content": "a"}]}
    assert vertex().dialect.embed(["a"]).body == instances
    plain: JSON = {"model": "models/gemini-2.5-flash", "content": {"parts": [{"text": "a"}]}}
    assert google().dialect.embed(["a"]).body == {"requests": [plain]}


def test_vertex_has_no_list() -> None:
    with pytest.raises(InvalidRequestError, match=r"list_models: vertex/gemini has no endpoint") as caught:
        vertex().list_models()
    assert str(caught.value).endswith(" google")


def test_vertex_counts_what_the_model_reads() -> None:
    known = {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "cachedContent"}
    body: JSON = {name: {} for name in (*known, "safetySettings", "labels", "store")}
    counted: Any = vertex().dialect.count_tokens(body).body
    assert counted.keys() == known
    plain: Any = google().dialect.count_tokens(body).body
    assert plain["generateContentRequest"] == {"model": "models/gemini-2.5-flash", **body}


def test_every_field_of_a_model_that_no_typed_field_says_is_kept() -> None:
    beside: JSON = {"object": "model", "created": 5, "owned_by": "google"}
    listed = google().dialect.list_models().read({"models": [{"name": "models/x", **beside}]})
    assert listed == (ModelInfo(id="x", extra=beside),)


def test_a_list_without_an_end_is_refused() -> None:
    page: Any = google().dialect.list_models()
    for number in range(99):
        page = page.read({"models": [], "nextPageToken": f"p{number}"})
    assert page.read({"models": []}) == ()
    with pytest.raises(RemoteProtocolError, match="does not end"):
        page.read({"models": [], "nextPageToken": "p99"})


@pytest.mark.parametrize("token", [5, ["a"], {"a": 1}])
def test_a_page_that_cannot_be_asked_for_is_refused(token: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="does not end"):
        google().dialect.list_models().read({"models": [], "nextPageToken": token})


@pytest.mark.parametrize(
    ("data", "read"),
    [
        ({"models": [], "nextPageToken": [5]}, "models"),
        ({"models": [], "nextPageToken": ["x" * 5_000]}, "models"),
        ({"totalTokens": "7"}, "tokens"),
        ({"totalTokens": "x" * 5_000}, "tokens"),
    ],
)
def test_what_is_malformed_is_shown_up_to_a_length(data: JSON, read: str) -> None:
    dialect = google().dialect
    endpoint: Any = dialect.list_models() if read == "models" else dialect.count_tokens({})
    with pytest.raises(RemoteProtocolError) as caught:
        endpoint.read(data)
    assert len(caught.value.message) < 200
    assert "  " not in caught.value.message


def test_a_list_may_be_absent_and_a_model_must_be_an_object() -> None:
    assert read_models({}) == ()
    wrong: list[Any] = [7, None, "models/x", [], {"name": 7}]
    for row in wrong:
        with pytest.raises(RemoteProtocolError, match="no name"):
            read_models({"models": [row]})


def test_counts_of_tokens_of_vertexs_vectors_are_added_up() -> None:
    counts: list[Any] = [{"token_count": 3}, {"token_count": 4.0}, {"token_count": "5"}, {}, None]
    rows: list[Any] = [{"embeddings": {"values": [1], "statistics": each}} for each in counts]
    found = vertex().dialect.embed(["a"] * len(rows)).read({"predictions": rows, "x": 1})
    assert isinstance(found, Embeddings)
    assert (found.usage, found.extra) == (Usage(input_tokens=7), {"x": 1})
