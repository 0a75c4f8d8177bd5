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

Asked: TypeAlias = Literal["answer", "models", "tokens", "vectors", "kept", "cancelled", "batches"]
"""What a path is for: an answer, the list of models, a count of tokens, embeddings, an answer that the server
has kept, or its end before it is made; or batches and their files."""

BatchDeed: TypeAlias = Literal["upload", "download", "create", "look", "cancel", "results"]
"""What is done with a batch or a file."""

_Path: TypeAlias = tuple[Asked, str]
"""What a path is for, and the wire family it speaks."""


def _openai_paths(base: str) -> dict[str, _Path]:
    return {
        f"{base}/chat/completions": ("answer", "chat"),
        f"{base}/models": ("models", "chat"),
        f"{base}/embeddings": ("vectors", "chat"),
        f"{base}/responses": ("answer", "responses"),
    }


def _messages_paths(base: str) -> dict[str, _Path]:
    return {
        f"{base}/messages": ("answer", "messages"),
        f"{base}/messages/count_tokens": ("tokens", "messages"),
    }


_PATHS: dict[ProviderType, dict[str, _Path]] = {
    "openrouter": {**_openai_paths("/api/v1"), "/api/v1/messages": ("answer", "messages")},
    "openai": {**_openai_paths("/v1"), "/v1/responses/input_tokens": ("tokens", "responses")},
    "azure": {**_openai_paths("/openai/v1"), **_messages_paths("/anthropic/v1")},
    "anthropic": {**_messages_paths("/v1"), "/v1/models": ("models", "messages")},
    "ollama": {
        **_openai_paths("/v1"),
        "/v1/messages": ("answer", "messages"),
        "/api/chat": ("answer", "ollama"),
        "/api/tags": ("models", "ollama"),
        "/api/embed": ("vectors", "ollama"),
    },
    "vllm": {**_openai_paths("/v1"), **_messages_paths("/v1")},
}
_KEEPING: dict[ProviderType, str] = {"openai": "/v1", "azure": "/openai/v1", "vllm": "/v1"}
"""Types that keep responses, with the path before `/responses`."""
_KEPT = re.compile(r"(.*)/responses/([^/]+)(/cancel)?")
_BATCHES = re.compile(r"(.*)/(files|batches|batch/jobs)(?:/([^/]+)(?:/(content|cancel|results))?)?")
_DEEDS: dict[tuple[bool, str, bool, str | None], BatchDeed] = {
    (True, "POST", False, None): "upload",
    (True, "GET", True, "content"): "download",
    (False, "POST", False, None): "create",
    (False, "GET", True, None): "look",
    (False, "POST", True, "cancel"): "cancel",
    (False, "GET", True, "results"): "results",
}
"""The operation, by: whether the path is about files, the method, whether it names one, and its last step."""
_BATCH_STEPS: dict[ProviderType, tuple[str, frozenset[str]]] = {
    "openai": ("/v1", frozenset(("upload", "download", "create", "look", "cancel"))),
    "azure": ("/openai/v1", frozenset(("upload", "download", "create", "look", "cancel"))),
    "openrouter": ("/api/v1", frozenset(("create", "look", "results"))),
    "anthropic": ("/v1/messages", frozenset(("create", "look", "cancel", "results"))),
}
"""Types with batches: the path before `/batches` and `/files`, and what can be done there."""
_ENDS: dict[str, Asked] = {
    "/models": "models",
    "/embeddings": "vectors",
    "/foundation-models": "models",
    "/count_tokens": "tokens",
    "/count-tokens": "tokens",
    "/input_tokens": "tokens",
    "/tokenize": "tokens",
    "/embed": "vectors",
    "/tags": "models",
    ":countTokens": "tokens",
    ":batchEmbedContents": "vectors",
}
"""The endings of registered types' paths that are not for answers."""
_API_ENDS = {
    "/chat/completions": "chat",
    "/messages": "messages",
    "/responses": "responses",
    "/api/chat": "ollama",
    "/v2/chat": "cohere",
    "/converse": "converse",
    "/converse-stream": "converse",
    "/invoke": "invoke",
    "/invoke-with-response-stream": "invoke",
}
"""The endings of registered types' paths for answers, with the wire family of each."""
_METHODS: dict[Asked, tuple[str, ...]] = {"models": ("GET",), "kept": ("GET", "DELETE")}
"""The methods of a path, where they are not `POST` alone."""
_AZURE_CLASSIC = re.compile(r"/openai/deployments/([^/]+)/(chat/completions|embeddings)")
_AZURE_OF_THE_RESOURCE: dict[str, _Path] = {
    "/openai/models": ("models", "chat"),
    "/openai/responses": ("answer", "responses"),
}
"""Paths of Azure's classic surface that name no deployment."""
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


_OWN_HOST = re.compile(r"(?:(?:us|eu|ae|au|in|jp)\.)?api\.openai\.com", re.IGNORECASE)
"""OpenAI's service, and its hosts for data that must stay in a region (OpenAI, "Data residency")."""


def is_own_host(host: str) -> bool:
    """Whether a host is OpenAI's own service, which refuses what compatible servers need."""
    return _OWN_HOST.fullmatch(host) is not None


class Route(Struct, frozen=True):
    """Where a request goes.

    Args:
        type: the provider that answers.
        deployment: Azure's deployment, if the path names it; the body need not name a model then.
        asked: the purpose of the path.
        api: the wire family of the path; `None` for the type's default.
        id: the id of the answer, the batch or the file that the path names.
        deed: the operation on batches or files.
        jobs: whether batches are called jobs, as Mistral calls them.
    """

    type: ProviderType
    deployment: str | None = None
    asked: Asked = "answer"
    api: str | None = None
    id: str | None = None
    deed: BatchDeed | None = None
    jobs: bool = False


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
    if path.startswith(("/openai/", "/anthropic/")):
        return "azure"
    types = [type for type in _PATHS if _looked_up(type, path, request.method) is not None]
    named = header(request.headers, "anthropic-version") is not None
    if "anthropic" in types and (named or speaks_messages(request)):
        return "anthropic"
    if "ollama" not in types or types == ["ollama"]:
        return types[0] if types else "openai"
    if b'"chat_template_kwargs"' in request.body:
        return "vllm"
    return "ollama" if header(request.headers, "authorization") is None else "openai"


def speaks_messages(request: Request) -> bool:
    """Whether a request is for Anthropic's messages, whose errors have Anthropic's form at every server."""
    path = split_target(request)[0]
    found = [paths[path] for paths in _PATHS.values() if path in paths]
    return any(api == "messages" and asked != "models" for asked, api in found)


_BEDROCKS = re.compile(
    r"/model/[^/]+/(?:converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)"
    r"|/foundation-models"
)
"""Paths that belong to Amazon Bedrock: models are in the path, and the list of models has its own name."""
_SIGNED = re.compile(
    r"Credential=[^/]+/\d{8}/[a-z0-9-]+/bedrock(?:-mantle)?/aws4_request,.*Signature=[0-9a-f]{64}"
)
"""What follows the name in an AWS signature."""
_OWN_PATHS = {"/v2/chat": "cohere", "/v2/embed": "cohere", "/v1/tokenize": "cohere"}
"""Paths that belong to a single type, which does not share a server with others."""


_GOOGLES = re.compile(r"/v1beta/models|/(?:.*/)?models/[^/]+:\w+")
"""Paths that belong to Google, in which the method follows the name of a model."""


def own_type(request: Request) -> str | None:
    """The type whose own path a request has; `None` for paths of the types that share a server.

    Most types share the path of the list of models; the query shows if Cohere's list is meant.
    """
    path, query = split_target(request)
    if _BEDROCKS.fullmatch(path):
        return "bedrock"
    if _GOOGLES.fullmatch(path):
        return "google"
    return "cohere" if path == "/v1/models" and "page_size" in query else _OWN_PATHS.get(path)


def own_api(type: ProviderType, request: Request) -> str | None:
    """The wire family of a path that is a type's own; `None` for any other path."""
    found = _looked_up(type, split_target(request)[0], request.method)
    return None if found is None else found.api


def check_gateway(
    type: ProviderType,
    request: Request,
    *,
    key: str | None,
    any_path: bool = False,
    key_headers: tuple[str, ...] = (),
) -> Route:
    """Refuse what the provider's gateway refuses: path, method, key and content type.

    Args:
        type: the provider's type.
        request: the request.
        key: the only key to accept; `None` accepts any that is not blank.
        any_path: whether the path is not looked up, since a registered type has its own paths. Then the
            path's ending says what it is for.
        key_headers: the headers that may hold the key. Empty: those of the type.

    Returns:
        Where the request goes.

    Raises:
        Refused: the gateway refuses the request; it has the provider's status.
    """
    route = _route_by_end(type, request) if any_path else _find_route(type, request)
    if route.asked == "batches":  # the method was looked at with the path
        _check_key(type, request, key, key_headers)
        return route
    methods = _METHODS.get(route.asked, ("POST",))
    if request.method not in methods:
        raise refuse_at_gateway(
            405, f"The method {request.method} is not allowed here: use {' or '.join(methods)}."
        )
    _check_key(type, request, key, key_headers)
    content_type = (header(request.headers, "content-type") or "").partition(";")[0].strip().lower()
    # A request for what was kept has no content, and Ollama does not check the type.
    sends = route.asked != "cancelled" and methods == ("POST",)
    if sends and content_type != "application/json" and type != "ollama":
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
    except (ValueError, RecursionError):
        raise refuse("The body could not be parsed: it must be a JSON object, in UTF-8.") from None


def split_target(request: Request) -> tuple[str, str]:
    """Path and query.

    `urlsplit` is not used: it reads a path that begins with `//` as a host, and refuses some paths.
    """
    path, _, query = request.target.partition("?")
    return path, query


def _route_by_end(type: ProviderType, request: Request) -> Route:
    path, _ = split_target(request)
    if (found := _batch_route(type, path, request.method)) is not None:
        return found
    asked = next((asked for end, asked in _ENDS.items() if path.endswith(end)), None)
    if asked is not None:
        return Route(type, asked=asked, api="responses" if path.endswith("/input_tokens") else None)
    kept = _KEPT.fullmatch(path)
    if kept is not None:
        return Route(type, asked="cancelled" if kept[3] else "kept", api="responses", id=unquote(kept[2]))
    return Route(type, api=next((api for end, api in _API_ENDS.items() if path.endswith(end)), None))


def _batch_route(type: ProviderType, path: str, method: str, base: str | None = None) -> Route | None:
    """The route of a path for batches; `None` for other paths.

    Args:
        type: the provider's type.
        path: the path.
        method: the request's method.
        base: the path before `/batches` and `/files`; `None` for any path, if the type is a registered one.
    """
    found = _BATCHES.fullmatch(path)
    if found is None or base not in (None, found[1]):
        return None
    jobs = found[2] == "batch/jobs"
    deed = _DEEDS.get((found[2] == "files", method, found[3] is not None, found[4]))
    if deed is None or (base is not None and (jobs or deed not in _BATCH_STEPS[type][1])):
        return None
    return Route(type, asked="batches", id=unquote(found[3] or ""), deed=deed, jobs=jobs)


def _looked_up(type: ProviderType, path: str, method: str) -> Route | None:
    """The route of a path that belongs to the type; `None` for other paths."""
    if (
        type in _BATCH_STEPS
        and (batch := _batch_route(type, path, method, _BATCH_STEPS[type][0])) is not None
    ):
        return batch
    if path in _PATHS[type]:
        asked, api = _PATHS[type][path]
        return Route(type, asked=asked, api=api)
    kept = _KEPT.fullmatch(path)
    if kept is None or kept[1] != _KEEPING.get(type):
        return None
    return Route(type, asked="cancelled" if kept[3] else "kept", api="responses", id=unquote(kept[2]))


def _find_route(type: ProviderType, request: Request) -> Route:
    path, query = split_target(request)
    if type == "azure":
        return _azure_route(path, parse_qs(query).get("api-version", [""])[0], request.method)
    found = _looked_up(type, path, request.method)
    if found is None:
        raise refuse_at_gateway(404, f"{request.method} {path} does not exist.")
    return found


def _azure_route(path: str, version: str, method: str) -> Route:
    if version and (batch := _batch_route("azure", path, method, "/openai")) is not None:
        return batch
    classic = _AZURE_CLASSIC.fullmatch(path)
    if classic is not None and version:
        asked: Asked = "vectors" if classic[2] == "embeddings" else "answer"
        return Route("azure", unquote(classic[1]), asked, "chat")
    if path in _AZURE_OF_THE_RESOURCE and version:
        asked, api = _AZURE_OF_THE_RESOURCE[path]
        return Route("azure", asked=asked, api=api)
    kept = _KEPT.fullmatch(path)
    if kept is not None and version and kept[1] == "/openai":
        asked = "cancelled" if kept[3] else "kept"
        return Route("azure", asked=asked, api="responses", id=unquote(kept[2]))
    found = None if version else _looked_up("azure", path, method)
    if found is not None:
        return found
    raise refuse_at_gateway(
        404,
        "Resource not found: the classic path needs an api-version, the v1 path takes none, and there is "
        "no other.",
    )


def _check_key(type: ProviderType, request: Request, key: str | None, headers: tuple[str, ...]) -> None:
    if type in _LOCAL and key is None:
        return
    names = headers or _KEY_HEADERS["anthropic" if speaks_messages(request) else type]
    for name in names:
        given = header(request.headers, name)
        if given is None:
            continue
        if name == "authorization":
            scheme, _, given = given.partition(" ")
            if scheme == "AWS4-HMAC-SHA256" and key is None:
                given = given if _SIGNED.fullmatch(given) else ""
            elif scheme.lower() != "bearer":
                given = ""
        given = given.strip()
        if given and (key is None or given == key):
            return
        raise _unauthorized(type, "The key is not valid.")
    raise _unauthorized(type, f"No key was given: send it as {' or '.join(names)}.")


def _unauthorized(type: ProviderType, message: str) -> Refused:
    return Refused(Failure(status=401, message=message, gateway=type in ("azure", "vllm")))
