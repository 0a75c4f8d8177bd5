"""Which provider a request is meant for, and what its gateway refuses before the API sees it.

Sources: each provider's API reference, for paths and auth headers; Azure OpenAI's REST reference, for the
two surfaces and the 404 for requests that mix them.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from msgspec import Struct

from sansio.http import Request, header
from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import Refused, refuse, refuse_at_gateway
from sansio.testing.script import Failure, ProviderType

_PATHS: dict[str, ProviderType] = {
    "/api/v1/chat/completions": "openrouter",
    "/v1/chat/completions": "openai",
    "/openai/v1/chat/completions": "azure",
    "/v1/messages": "anthropic",
}
_AZURE_CLASSIC = re.compile(r"/openai/deployments/([^/]+)/chat/completions")
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
    """

    type: ProviderType
    deployment: str | None = None


def find_type(only: ProviderType | None, request: Request) -> ProviderType:
    """The provider that answers, also if it will refuse the request.

    Args:
        only: the one that the server imitates, or `None` for all of them: then the path decides, and on
            `/v1/chat/completions`, which three types share, a request with `chat_template_kwargs` is meant
            for vLLM, any other with a key for OpenAI, and one without for Ollama.
    """
    if only is not None:
        return only
    path = urlsplit(request.target).path
    if path.startswith("/openai/"):
        return "azure"
    type = _PATHS.get(path)
    if type != "openai":
        return type or "openai"
    if b'"chat_template_kwargs"' in request.body:
        return "vllm"
    return "ollama" if header(request.headers, "authorization") is None else "openai"


def check_gateway(type: ProviderType, request: Request, *, key: str | None, any_path: bool = False) -> Route:
    """Refuse what the provider's gateway refuses: path, method, key and content type.

    Args:
        key: the only key to accept, or `None` for any that is not blank.
        any_path: the path is not looked at: a registered type has its own.

    Raises:
        Refused: with the provider's status.
    """
    route = Route(type) if any_path else _find_route(type, request)
    if request.method != "POST":
        raise refuse_at_gateway(405, f"The method {request.method} is not allowed here: use POST.")
    _check_key(type, request, key)
    content_type = (header(request.headers, "content-type") or "").partition(";")[0].strip().lower()
    if content_type != "application/json" and type != "ollama":  # which does not check it
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


def _find_route(type: ProviderType, request: Request) -> Route:
    parts = urlsplit(request.target)
    if type == "azure":
        return _azure_route(parts.path, parse_qs(parts.query).get("api-version", [""])[0])
    served = _PATHS.get(parts.path)
    if served != ("openai" if type in _LOCAL else type):
        raise refuse_at_gateway(404, f"{request.method} {parts.path} does not exist.")
    return Route(type)


def _azure_route(path: str, version: str) -> Route:
    classic = _AZURE_CLASSIC.fullmatch(path)
    if classic is not None and version:
        return Route("azure", unquote(classic[1]))
    if _PATHS.get(path) == "azure" and not version:
        return Route("azure")
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
