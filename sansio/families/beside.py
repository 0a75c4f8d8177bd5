"""The endpoints beside OpenAI's chat completions and Responses: the list of models, and embeddings.

Sources: OpenAI's API reference ("Models", "Embeddings") and its page on deprecations, for `shutdown_date`, a
day or null; Azure OpenAI's REST reference ("Models - List"), for `lifecycle_status` and for
`deprecation.inference`, the time (seconds since the epoch) at which the model stops answering; OpenRouter's
("List models"), for `expiration_date`, the day after which a model may be removed, or null; vLLM's
`ModelCard`, for `max_model_len`. Ollama's list has no limits and no dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sansio.content import Usage
from sansio.endpoints import (
    Embeddings,
    Endpoint,
    ModelInfo,
    Row,
    read_id,
    read_models,
    read_vectors,
    rows_of,
)
from sansio.families.base import Dialect
from sansio.families.fields import rest, text_or_none, usage_of, without_nulls
from sansio.jsontext import JSONObject

_READ = ("object", "data", "usage")


class OpenAIEndpoints(Dialect):
    """The base of OpenAI's families: all endpoints are below one base URL."""

    def url_of(self, name: str) -> str:
        """The URL of one of the API's endpoints, such as `"responses"`, `"models"` or `"embeddings"`."""
        return f"{self.config.base_url}/{name}"

    def model_name(self) -> str | None:
        """The request's `model`; `None` if the address has the model's name."""
        return self.config.model

    def list_models(self) -> Endpoint[tuple[ModelInfo, ...]]:
        # OpenAI's own list has one page. Servers with several pages use the form of OpenAI's other lists.
        return Endpoint(self.url_of("models"), partial(read_models, read=read_model, cursor="after"))

    def embed(self, texts: Sequence[str], dimensions: int | None = None) -> Endpoint[Embeddings]:
        body: JSONObject = {"model": self.model_name(), "input": list(texts), "dimensions": dimensions}
        # Base64 takes a third of the bytes. Servers without it send lists of numbers, which are read too.
        body["encoding_format"] = "base64"
        read = partial(read_embeddings, count=len(texts))
        return Endpoint(self.url_of("embeddings"), read, without_nulls(body))


def read_embeddings(data: JSONObject, count: int) -> Embeddings:
    """The vectors of an embeddings response.

    Args:
        count: how many texts there were.

    Raises:
        RemoteProtocolError: the response is malformed, or does not have one vector for each text.
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
