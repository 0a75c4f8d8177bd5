"""The fake's endpoints other than answers: the list of models, counts of tokens, and embeddings.

Sources: those of `sansio.families.beside` and `sansio.families.messages.beside`.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from urllib.parse import parse_qs

from sansio.http import Request
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import refuse
from sansio.testing.prompt import as_object, as_text, count_tokens
from sansio.testing.routes import Route, split_target
from sansio.testing.script import ProviderType
from sansio.testing.wires.chat import CREATED
from sansio.testing.wires.messages_fields import check_version
from sansio.testing.wires.messages_requests import read_messages_request
from sansio.testing.wires.responses_requests import read_responses_request
from sansio.testing.wires.vectors import vector

MODELS = ("fake-model",)
"""The list of models of a fake that knows every model."""
_NOT_COUNTED = ("max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata")
_COUNTED = (
    *("conversation", "input", "instructions", "model", "parallel_tool_calls", "previous_response_id"),
    *("reasoning", "text", "tool_choice", "tools", "truncation"),
)
"""The fields of a Responses request that may be counted."""
_COUNTED_ALONE = "personality"
"""The field that a count has, but a request does not."""
_ANY_LIMIT = 1 << 20  # greater than any budget for thinking
_MOST_MODELS = 1_000
_EMBEDDING_FIELDS = ("model", "input", "dimensions", "encoding_format", "user")
_DIMENSIONS = 8
_TOP_PROVIDER: JSONObject = {"context_length": 131_072, "max_completion_tokens": 8_192}
_ROWS: dict[ProviderType, JSONObject] = {
    "openrouter": {"name": "Fake model", "context_length": 131_072, "top_provider": _TOP_PROVIDER},
    "openai": {"object": "model", "owned_by": "sansio", "shutdown_date": None},
    "azure": {"object": "model", "lifecycle_status": "generally-available", "deprecation": {}},
    "ollama": {"object": "model", "owned_by": "library"},
    "vllm": {"object": "model", "owned_by": "vllm", "max_model_len": 131_072},
}


def model_list(type: ProviderType, request: Request, models: Sequence[str] = MODELS) -> JSONObject:
    """The list of models.

    Raises:
        Refused: the query or the version is invalid.
    """
    if type == "anthropic":
        return _anthropic_models(request, models)
    rows: list[JSON] = [{"id": model, "created": CREATED, **_ROWS[type]} for model in models]
    if type == "vllm":
        rows = [{**as_object(row), "root": as_object(row)["id"]} for row in rows]
    return {"data": rows} if type == "openrouter" else {"object": "list", "data": rows}


def token_count(route: Route, request: Request, body: JSONObject) -> JSONObject:
    """The count of a request, in Anthropic's form or in that of Responses.

    Raises:
        Refused: the request is invalid.
    """
    if route.api == "responses":
        for name in body:
            if name not in _COUNTED and name != _COUNTED_ALONE:
                raise refuse(f"The field {name!r} is not known here.", param=name, code="unknown_parameter")
        counted = {name: value for name, value in body.items() if name != _COUNTED_ALONE}
        tokens = read_responses_request(route, request, counted).tokens
        return {"object": "response.input_tokens", "input_tokens": tokens}
    for name in body:
        if name in _NOT_COUNTED:
            raise refuse(f"{name}: Extra inputs are not permitted.")
    prompt = read_messages_request(route, request, {**body, "max_tokens": _ANY_LIMIT})
    return {"input_tokens": prompt.tokens}


def embeddings(route: Route, body: JSONObject) -> JSONObject:
    """Vectors in OpenAI's form. The same text always has the same vector.

    Raises:
        Refused: the request is invalid.
    """
    for name in body:
        if name not in _EMBEDDING_FIELDS:
            raise refuse(f"The field {name!r} is not known here.", param=name, code="unknown_parameter")
    model = as_text(body.get("model")) or route.deployment or ""
    if not model.strip():
        raise refuse("A model is required.", param="model")
    texts = [body["input"]] if isinstance(body.get("input"), str) else body.get("input")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise refuse("The input must be a text, or a list of texts that is not empty.", param="input")
    form = body.get("encoding_format", "float")
    if form not in ("float", "base64"):
        raise refuse("The encoding_format must be float or base64.", param="encoding_format")
    size = body.get("dimensions", _DIMENSIONS)
    if type(size) is not int or size < 1:
        raise refuse("The dimensions must be an integer of at least 1.", param="dimensions")
    rows: list[JSON] = [
        {"object": "embedding", "index": index, "embedding": _vector(str(text), size, form == "base64")}
        for index, text in enumerate(texts)
    ]
    tokens = count_tokens(texts)
    usage: JSONObject = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": rows, "model": model, "usage": usage}


def _anthropic_models(request: Request, models: Sequence[str]) -> JSONObject:
    check_version(request)
    query = parse_qs(split_target(request)[1])
    limit = query.get("limit", ["20"])[0]
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit) <= _MOST_MODELS):
        raise refuse(f"limit: must be a number from 1 to {_MOST_MODELS}.")
    last = query.get("after_id", [""])[0]
    if last and last not in models:
        raise refuse(f"after_id: there is no model {last!r}.")
    left = models[models.index(last) + 1 :] if last else models
    shown = left[: int(limit)]
    rows: list[JSON] = [
        {
            "type": "model",
            "id": model,
            "display_name": "Fake model",
            "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": "active",
            "deprecated_at": None,
            "retires_at": None,
            "max_input_tokens": 200_000,
            "max_tokens": 64_000,
            "capabilities": {"batch": {"supported": True}},
        }
        for model in shown
    ]
    return {
        "data": rows,
        "has_more": len(shown) < len(left),
        "first_id": shown[0] if shown else None,
        "last_id": shown[-1] if shown else None,
    }


def check_model(type: ProviderType, model: str, models: Sequence[str]) -> None:
    """Refuse a model that is not on the list, as the provider does.

    Raises:
        Refused: with status 404.
    """
    if model not in models:
        if type == "anthropic":
            raise refuse(f"model: {model}", status=404)
        raise refuse(
            f"The model {model!r} does not exist.", param="model", code="model_not_found", status=404
        )


def _vector(text: str, size: int, packed: bool) -> JSON:
    numbers = vector(text, size)
    return base64.b64encode(struct.pack(f"<{size}f", *numbers)).decode() if packed else numbers
