"""The endpoints beside chat completions: the list of models, and embeddings.

Sources: OpenAI's API reference ("Models", "Embeddings") and its page on deprecations, for `shutdown_date`, a
day or null; Azure OpenAI's REST reference ("Models - List"), for `lifecycle_status`, and for `deprecation`,
whose `inference` is the second at which the model stops to answer; OpenRouter's ("List models"), for
`expiration_date`, the day after which a model may be removed, or null; vLLM's `ModelCard`, for
`max_model_len`. Ollama's list has neither limits nor dates.
"""

from __future__ import annotations

from sansio.content import Usage
from sansio.endpoints import Embeddings, ModelInfo, Row, read_id, read_vectors, rows_of
from sansio.families.fields import rest, text_or_none, usage_of
from sansio.jsontext import JSONObject

_READ = ("object", "data", "usage")


def read_embeddings(data: JSONObject, count: int) -> Embeddings:
    """The vectors of an embeddings response.

    Args:
        count: how many texts there were.

    Raises:
        RemoteProtocolError: it is malformed, or has not one vector for each text.
    """
    return Embeddings(
        vectors=read_vectors(rows_of(data), count),
        model=text_or_none(data.get("model")),
        usage=_usage(data),
        extra={name: value for name, value in rest(data, "model").items() if name not in _READ},
    )


def _usage(data: JSONObject) -> Usage | None:
    usage = data.get("usage")
    return usage_of(usage, input_tokens=("prompt_tokens",)) if isinstance(usage, dict) else None


def read_model(row: Row) -> ModelInfo:
    """A model of a list in OpenAI's form, with the fields that compatible servers add.

    Raises:
        RemoteProtocolError: it has no id.
    """
    return ModelInfo(
        id=read_id(row),
        name=row.text("name", "display_name"),
        created=row.moment("created", "created_at"),
        context_window=row.count("context_length", "max_model_len", "context_window"),
        max_output=row.count("top_provider.max_completion_tokens", "max_completion_tokens"),
        lifecycle=row.text("lifecycle_status", "lifecycle"),
        deprecated=row.moment("deprecated_at"),
        retires=row.moment("shutdown_date", "expiration_date", "deprecation.inference", "retires_at"),
        extra=row.rest,
    )
