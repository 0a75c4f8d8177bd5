"""Which provider a request is meant for, and what its gateway refuses before the API sees it.

Sources: each provider's API reference, for paths and auth headers; Azure OpenAI's REST reference, for the
two surfaces and the 404 for requests that mix them.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias
from urllib.parse import parse_qs, unquote

import msgspec
from msgspec import Struct

from sansio.http import Request, header
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import Refused, refuse, refuse_at_gateway
from sansio.testing.script import Failure, ProviderType

Asked: TypeAlias = Literal["answer", "models", "tokens", "vectors"]
"""What a path is for: an answer, the list of models, a count of tokens, or embeddings."""


def _chat(base: str) -> dict[str, Asked]:
    return {f"{base}/chat/completions": "answer", f"{base}/models": "models", f"{base}/embeddings": "vectors"}


_MESSAGES: dict[str, Asked] = {
    "/v1/messages": "answer",
    "/v1/models": "models",
    "/v1/messages/count_tokens": "tokens",
}
_PATHS: dict[ProviderType, dict[str, Asked]] = {
    "openrouter": _chat("/api/v1"),
    "openai": _chat("/v1"),
    "azure": _chat("/openai/v1"),
    "anthropic": _MESSAGES,
    "ollama": _chat("/v1"),
    "vllm": _chat("/v1"),
}
_ENDS: dict[str, Asked] = {"/models": "models", "/embeddings": "vectors", "/count_tokens": "tokens"}
"""How paths of registered types end that are not for answers."""
_AZURE_CLASSIC = re.compile(r"/openai/deployments/([^/]+)/(chat/completions|embeddings)")
_AZURE_MODELS = "/openai/models"
_LOCAL: tuple[ProviderType, ...] = ("ollama", "vllm")
"""Types that users run themselves: OpenAI's path, and no key unless the server was given one."""

_KEY_HEADERS: dict[ProviderType, tuple[str, ...]] = {
    "openrouter": ("authorization",),
    "openai": ("authorization",),
    "azure": ("api-key", "authorization"),
    "anthropic": ("x-api-key", "authorization"),
    "ollama": ("authorization",),
    "vllm": ("authorization",),
}


class Route(Struct, frozen=True):
    """Where a request goes.

    Args:
        type: the provider that answers.
        deployment: Azure's, if the path names it; the body need not name a model then.
        asked: what the path is for.
    """

    type: ProviderType
    deployment: str | None = None
    asked: Asked = "answer"


def find_type(only: ProviderType | None, request: Request) -> ProviderType:
    """The provider that answers, also if it will refuse the request.

    Args:
        only: the one that the server imitates, or `None` for all of them: then the path decides, and below
            `/v1`, which four types share, a request with `anthropic-version` is meant for Anthropic, one with
            `chat_template_kwargs` for vLLM, any other with a key for OpenAI, and one without for Ollama.
    """
    if only is not None:
        return only
    path, _ = split_target(request)
    if path.startswith("/openai/"):
        return "azure"
    types = [type for type, paths in _PATHS.items() if path in paths]
    if "anthropic" in types and (len(types) == 1 or header(request.headers, "anthropic-version")):
        return "anthropic"
    if "ollama" not in types:
        return types[0] if types else "openai"
    if b'"chat_template_kwargs"' in request.body:
        return "vllm"
    return "ollama" if header(request.headers, "authorization") is None else "openai"


def check_gateway(type: ProviderType, request: Request, *, key: str | None, any_path: bool = False) -> Route:
    """Refuse what the provider's gateway refuses: path, method, key and content type.

    Args:
        key: the only key to accept, or `None` for any that is not blank.
        any_path: the path is not looked up: a registered type has its own. Its end says what it is for.

    Raises:
        Refused: with the provider's status.
    """
    route = _route_by_end(type, request) if any_path else _find_route(type, request)
    method = "GET" if route.asked == "models" else "POST"
    if request.method != method:
        raise refuse_at_gateway(405, f"The method {request.method} is not allowed here: use {method}.")
    _check_key(type, request, key)
    content_type = (header(request.headers, "content-type") or "").partition(";")[0].strip().lower()
    # A GET has no content, and Ollama does not check the type.
    if method == "POST" and content_type != "application/json" and type != "ollama":
        status = 400 if type == "vllm" else 415
        raise refuse(
            f"The content type {content_type!r} is not supported: send application/json.", status=status
        )
    return route


def read_body(request: Request) -> JSONObject:
    """The request's body.

    Raises:
        Refused: it is not a JSON object.
    """
    try:
        return msgspec.json.decode(request.body, type=dict[str, JSON])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refuse("The body could not be parsed: it must be a JSON object, in UTF-8.") from None


def split_target(request: Request) -> tuple[str, str]:
    """Path and query. `urlsplit` would take a path that begins with `//` for a host, and refuse some."""
    path, _, query = request.target.partition("?")
    return path, query


def _route_by_end(type: ProviderType, request: Request) -> Route:
    path, _ = split_target(request)
    asked = next((asked for end, asked in _ENDS.items() if path.endswith(end)), None)
    return Route(type, asked=asked or "answer")


def _find_route(type: ProviderType, request: Request) -> Route:
    path, query = split_target(request)
    if type == "azure":
        return _azure_route(path, parse_qs(query).get("api-version", [""])[0])
    if path not in _PATHS[type]:
        raise refuse_at_gateway(404, f"{request.method} {path} does not exist.")
    return Route(type, asked=_PATHS[type][path])


def _azure_route(path: str, version: str) -> Route:
    classic = _AZURE_CLASSIC.fullmatch(path)
    if classic is not None and version:
        return Route("azure", unquote(classic[1]), "vectors" if classic[2] == "embeddings" else "answer")
    if path == _AZURE_MODELS and version:
        return Route("azure", asked="models")
    if path in _PATHS["azure"] and not version:
        return Route("azure", asked=_PATHS["azure"][path])
    raise refuse_at_gateway(
        404,
        "Resource not found: the classic path needs an api-version, the v1 path takes none, and there is "
        "no other.",
    )


def _check_key(type: ProviderType, request: Request, key: str | None) -> None:
    if type in _LOCAL and key is None:
        return
    for name in _KEY_HEADERS[type]:
        given = header(request.headers, name)
        if given is None:
            continue
        if name == "authorization":
            scheme, _, given = given.partition(" ")
            given = given if scheme.lower() == "bearer" else ""
        given = given.strip()
        if given and (key is None or given == key):
            return
        raise _unauthorized(type, "The key is not valid.")
    raise _unauthorized(type, f"No key was given: send it as {' or '.join(_KEY_HEADERS[type])}.")


def _unauthorized(type: ProviderType, message: str) -> Refused:
    return Refused(Failure(status=401, message=message, gateway=type in ("azure", "vllm")))
