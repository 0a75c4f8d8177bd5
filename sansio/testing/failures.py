"""Errors in each provider's own shape: the body of a status, and the event inside a stream.

Sources: OpenAI's API reference ("Error codes"); Azure OpenAI's REST reference; Anthropic's ("Errors");
OpenRouter's ("Errors and debugging"); vLLM's `ErrorResponse` and FastAPI's own errors in front of it;
Ollama's `openai.NewError` and gin's own errors in front of it.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from sansio.families.messages.serving import error_object as messages_error
from sansio.families.serving import openai_error
from sansio.http import Headers
from sansio.jsontext import JSONObject
from sansio.testing.script import Failure, FakeResponse, ProviderType

REQUEST_ID_HEADERS: dict[ProviderType, str] = {
    "openrouter": "x-generation-id",
    "openai": "x-request-id",
    "azure": "apim-request-id",
    "anthropic": "request-id",
}
"""The header in which each provider sends the request's id; Ollama and vLLM send none."""

_VLLM_TYPES = {401: "AuthenticationError", 404: "NotFoundError", 429: "RateLimitError"}
_OLLAMA_TYPES = {400: "invalid_request_error", 404: "not_found_error"}
_GIN_TEXTS = {404: "404 page not found", 405: "405 method not allowed"}
_FASTAPI_TEXTS = {404: "Not Found", 405: "Method Not Allowed"}


class Refused(Exception):  # noqa: N818, it is an outcome of a check, not a fault of the program
    """A check failed; `failure` says how. It never leaves `sansio.testing`."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def refuse(message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> Refused:
    """Make the exception that a fake's check of a request raises for an invalid request.

    Args:
        message: the provider's words.
        param: the name of the faulty field.
        code: the provider's code.
        status: the HTTP status of the response.

    Returns:
        The exception, to be raised by `Wire.read_request`. `FakeProvider` turns it into a response.
    """
    return Refused(Failure(status=status, message=message, param=param, code=code))


def refuse_at_gateway(status: int, message: str) -> Refused:
    """The failure to raise for a request that the gateway refuses before the API sees it."""
    return Refused(Failure(status=status, message=message, gateway=True))


def encode_failure(type: ProviderType, failure: Failure, request_id: str) -> FakeResponse:
    """The failure as a response with its status."""
    if type == "ollama" and failure.gateway and failure.status in _GIN_TEXTS:
        text = _GIN_TEXTS[failure.status].encode()
        return FakeResponse(
            status=failure.status, headers=(("content-type", "text/plain"), *failure.headers), pieces=(text,)
        )
    headers: Headers = (("content-type", "application/json"),)
    if type in REQUEST_ID_HEADERS:
        headers += ((REQUEST_ID_HEADERS[type], request_id),)
    body = msgspec.json.encode(failure_object(type, failure, request_id))
    return FakeResponse(status=failure.status, headers=headers + failure.headers, pieces=(body,))


def failure_object(type: ProviderType, failure: Failure, request_id: str) -> JSONObject:
    """The failure as the provider's JSON object."""
    status, message, error_type = failure.status, failure.message, failure.error_type
    match type:
        case "openai":
            return _openai_error(failure)
        case "azure":
            if failure.gateway or status in (401, 403, 404, 429):
                return {"error": {"code": failure.code or str(status), "message": message}}
            return _openai_error(failure)
        case "openrouter":
            error: JSONObject = {"message": message, "code": status}
            if error_type is not None:
                error["metadata"] = {"provider_name": "Fake", "raw": error_type}
            return {"error": error, "user_id": "user_fake"}
        case "anthropic":
            return messages_error(status, message, error_type, request_id)
        case "ollama":
            named = error_type or _OLLAMA_TYPES.get(status, "api_error")
            return {"error": {"message": message, "type": named, "param": None, "code": None}}
        case "vllm":
            return _vllm_error(failure)
        case _:
            assert_never(type)


def failure_event(type: ProviderType, failure: Failure, request_id: str, chunk: JSONObject) -> bytes:
    """The failure inside a stream, after status 200.

    Args:
        chunk: the stream's envelope, which OpenRouter puts its error in.

    Returns:
        The event's bytes; none for Ollama, whose stream just ends.
    """
    match type:
        case "openai" | "azure":
            return _data(_openai_error(failure))
        case "openrouter":
            error = failure_object(type, failure, request_id)["error"]
            return _data({**chunk, "error": error})
        case "anthropic":
            return b"event: error\n" + _data(failure_object(type, failure, request_id))
        case "vllm":
            return _data(_vllm_error(failure)) + b"data: [DONE]\n\n"
        case "ollama":
            return b""
        case _:
            assert_never(type)


def _openai_error(failure: Failure) -> JSONObject:
    return openai_error(failure.status, failure.message, failure.error_type, failure.param, failure.code)


def _vllm_error(failure: Failure) -> JSONObject:
    """The flat object of vLLM's older servers, which clients misread the most; newer ones nest it."""
    status = failure.status
    if failure.gateway and status == 401:
        return {"error": "Unauthorized"}
    if failure.gateway and status in _FASTAPI_TEXTS:
        return {"detail": _FASTAPI_TEXTS[status]}
    named = "BadRequestError" if status < 500 else "InternalServerError"
    return {
        "object": "error",
        "message": failure.message,
        "type": failure.error_type or _VLLM_TYPES.get(status, named),
        "param": failure.param,
        "code": status,
    }


def _data(value: JSONObject) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"
