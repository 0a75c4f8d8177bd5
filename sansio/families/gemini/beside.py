"""The endpoints beside answers: the list of models, counts of tokens, and embeddings.

Sources: the Gemini API's reference (`models.list`, `models.countTokens`, `models.batchEmbedContents`), and
Google's SDK, for Vertex's `predict`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import urlencode

from sansio.content import Usage
from sansio.endpoints import Embeddings, ModelInfo, NextPage, Row, read_vectors
from sansio.errors import RemoteProtocolError
from sansio.families.fields import rest
from sansio.jsontext import JSON, JSONObject

MOST_MODELS = 1_000
"""The longest page of the list that can be requested, so that there are few pages."""
_MOST_PAGES = 100
COUNTED = ("contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "cachedContent")
"""Fields of a request that Vertex counts."""


def read_models(
    data: JSONObject, before: tuple[ModelInfo, ...] = (), tokens: tuple[str, ...] = ()
) -> tuple[ModelInfo, ...] | NextPage[tuple[ModelInfo, ...]]:
    """The models of a list, which may have pages.

    Args:
        data: the response.
        before: the models of the earlier pages.
        tokens: the tokens of those pages.

    Raises:
        RemoteProtocolError: the response is malformed, or its pages do not end.
    """
    rows = data.get("models", [])
    if not isinstance(rows, list):
        raise RemoteProtocolError("the response has no list 'models'")
    models = before + tuple(_read_model(row) for row in rows)
    token = data.get("nextPageToken")
    if not token:
        return models
    if not isinstance(token, str) or token in tokens or len(tokens) + 1 >= _MOST_PAGES:
        raise RemoteProtocolError(f"the list of models does not end: its next page is {token!r:.80}")
    return NextPage(
        urlencode({"pageToken": token}), partial(read_models, before=models, tokens=(*tokens, token))
    )


def _read_model(data: JSON) -> ModelInfo:
    row = Row(data if isinstance(data, dict) else {}, ignored=())
    name = row.text("name")
    if name is None:
        raise RemoteProtocolError("a model in the list has no name")
    return ModelInfo(
        id=name.removeprefix("models/"),
        name=row.text("displayName"),
        context_window=row.count("inputTokenLimit"),
        max_output=row.count("outputTokenLimit"),
        extra=row.rest,
    )


def read_count(data: JSONObject) -> int:
    """The number of tokens in a response.

    Raises:
        RemoteProtocolError: the response has no count.
    """
    count = data.get("totalTokens")
    if type(count) is not int or count < 0:
        raise RemoteProtocolError(f"the response has no count of tokens: totalTokens is {count!r:.80}")
    return count


def read_embeddings(data: JSONObject, count: int) -> Embeddings:
    """The vectors of `batchEmbedContents`.

    Args:
        count: how many texts there were.

    Raises:
        RemoteProtocolError: the response is malformed, or does not have one vector for each text.
    """
    rows = _objects(data, "embeddings")
    vectors = read_vectors([{"embedding": row.get("values")} for row in rows], count)
    return Embeddings(vectors=vectors, extra=rest(data, "embeddings"))


def read_predictions(data: JSONObject, count: int) -> Embeddings:
    """The vectors of Vertex's `predict`; see `read_embeddings`. The tokens of all texts are added up."""
    rows = [_object(row, "embeddings") for row in _objects(data, "predictions")]
    vectors = read_vectors([{"embedding": row.get("values")} for row in rows], count)
    counts = [_object(row, "statistics").get("token_count") for row in rows]
    tokens = sum(int(number) for number in counts if isinstance(number, (int, float)))
    return Embeddings(vectors=vectors, usage=Usage(input_tokens=tokens), extra=rest(data, "predictions"))


def _objects(data: JSONObject, name: str) -> Sequence[JSONObject]:
    rows = data.get(name)
    if not isinstance(rows, list):
        raise RemoteProtocolError(f"the response has no list {name!r}")
    return [row if isinstance(row, dict) else {} for row in rows]


def _object(data: JSONObject, name: str) -> JSONObject:
    inner = data.get(name)
    return inner if isinstance(inner, dict) else {}
