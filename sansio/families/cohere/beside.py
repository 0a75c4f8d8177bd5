"""The endpoints beside Cohere's chat: the list of models, tokens of a text, and embeddings.

Source: the types of Cohere's own SDK (`ListModelsResponse`, `TokenizeResponse`, `EmbedByTypeResponse`).
"""

from __future__ import annotations

from collections.abc import Iterator

from sansio.endpoints import Embeddings, ModelInfo, Row, read_vectors
from sansio.errors import RemoteProtocolError
from sansio.families.cohere.usage import read_usage
from sansio.jsontext import JSON, JSONObject

MOST_MODELS = 1_000
"""The longest page of the list that can be requested, so that there are few pages."""
_TEXTS = ("text", "thinking", "tool_plan", "content")


def read_model(row: Row) -> ModelInfo:
    """A model of the list.

    Raises:
        RemoteProtocolError: the model has no name.
    """
    name = row.text("name")
    if name is None:
        raise RemoteProtocolError("a model in the list has no name")
    return ModelInfo(id=name, context_window=row.count("context_length"), extra=row.rest)


def read_tokens(data: JSONObject) -> int:
    """How many tokens a text has.

    Raises:
        RemoteProtocolError: the response does not list them.
    """
    tokens = data.get("tokens")
    if not isinstance(tokens, list):
        raise RemoteProtocolError("the response has no list 'tokens'")
    return len(tokens)


def texts_in(messages: JSON) -> Iterator[str]:
    """The texts of a request's messages, in order."""
    if isinstance(messages, str):
        yield messages
    elif isinstance(messages, list):
        for item in messages:
            yield from texts_in(item)
    elif isinstance(messages, dict):
        for name in _TEXTS:
            yield from texts_in(messages.get(name))


def read_embeddings(data: JSONObject, count: int) -> Embeddings:
    """The vectors of an embeddings response.

    Args:
        count: how many texts there were.

    Raises:
        RemoteProtocolError: the response is malformed, or does not have one vector for each text.
    """
    by_type = data.get("embeddings")
    vectors = by_type.get("float") if isinstance(by_type, dict) else None
    if not isinstance(vectors, list):
        raise RemoteProtocolError("the response has no list 'embeddings.float'")
    meta = data.get("meta")
    billed = meta.get("billed_units") if isinstance(meta, dict) else None
    return Embeddings(
        vectors=read_vectors([{"embedding": vector} for vector in vectors], count),
        usage=read_usage({"billed_units": billed}) if isinstance(billed, dict) else None,
        extra={name: value for name, value in data.items() if name not in ("embeddings", "texts")},
    )
