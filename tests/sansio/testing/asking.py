"""Valid requests for each provider, for the tests of its fake; and ways to read the response."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from sansio import Body, End, Head, Request
from sansio.http import Headers, header
from sansio.testing import FakeProvider, FakeResponse

PATHS = {
    "openrouter": "/api/v1/chat/completions",
    "openai": "/v1/chat/completions",
    "azure": "/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
    "anthropic": "/v1/messages",
    "ollama": "/v1/chat/completions",
    "vllm": "/v1/chat/completions",
}
HOSTS = {"openai": "https://api.openai.com"}  # another host is a compatible server, which takes more
AUTH: dict[str, Headers] = {
    "openrouter": (("authorization", "Bearer sk"),),
    "openai": (("authorization", "Bearer sk"),),
    "azure": (("api-key", "sk"),),
    "anthropic": (("x-api-key", "sk"), ("anthropic-version", "2023-06-01")),
    "ollama": (),
    "vllm": (),
}
CHAT = ("openrouter", "openai", "azure", "ollama", "vllm")
STRICT_CHAT = ("openrouter", "openai", "azure")
HELLO: list[dict[str, Any]] = [{"role": "user", "content": "Good news everyone"}]
Object = dict[str, Any]


def body_for(type: str, messages: object = HELLO, **fields: object) -> Object:
    """The body of a valid request for the type. Fields with the value None are left out."""
    body: Object = {"model": "m", "messages": messages}
    if type == "anthropic":
        body["max_tokens"] = 4096
    return {name: value for name, value in {**body, **fields}.items() if value is not None}


def request_for(
    type: str,
    body: object = None,
    *,
    path: str | None = None,
    method: str = "POST",
    headers: Headers | None = None,
    content_type: str = "application/json",
    data: bytes | None = None,
) -> Request:
    """A whole request, valid unless an argument says otherwise."""
    sent = json.dumps(body_for(type) if body is None else body).encode() if data is None else data
    url = f"{HOSTS.get(type, 'http://127.0.0.1:1')}{path or PATHS[type]}"
    request = Request.post(url, AUTH[type] if headers is None else headers, sent)
    framing = tuple(
        (name, content_type if name == "content-type" else value)
        for name, value in request.headers
        if name != "content-type" or content_type
    )
    return msgspec.structs.replace(request, method=method, headers=framing)


def ask(type: str, messages: object = HELLO, **fields: object) -> FakeResponse:
    """The answer of the type's own fake to a valid request with these messages and fields."""
    return FakeProvider(type).respond(request_for(type, body_for(type, messages, **fields)))


def said(response: FakeResponse) -> Object:
    """The body as a JSON object."""
    value = json.loads(response.body)
    assert isinstance(value, dict)
    return value


def inputs_of(response: FakeResponse) -> list[Head | Body | End]:
    """The inputs that a transport gives a call for the response."""
    return [Head(response.status, response.headers), *map(Body, response.pieces), End()]


def told(response: FakeResponse, name: str) -> str:
    """A header's value, which must be there."""
    value = header(response.headers, name)
    assert value is not None
    return value


def assert_lines(stream: bytes) -> None:
    """Whether a stream of server-sent events has no line that its reader would pass over."""
    for line in stream.split(b"\n"):
        assert not line or line.startswith((b"data: ", b"event: ", b": ")), line


def chunks(pieces: tuple[bytes, ...]) -> list[Object]:
    """The JSON of a stream's events, without comments and the end marker."""
    assert_lines(b"".join(pieces))
    data = [line for line in b"".join(pieces).decode().split("\n") if line.startswith("data: ")]
    return [json.loads(line[6:]) for line in data if line != "data: [DONE]"]


def message_in(type: str, body: Object) -> str:
    """The message of an error, wherever the type puts it."""
    if "detail" in body:
        return str(body["detail"])
    error = body.get("error", body)
    return str(error if isinstance(error, str) else error["message"])


def split(data: bytes) -> tuple[bytes, bytes]:
    """Head and body; server and our machines agree on the head except for its spelling."""
    head, blank, body = data.partition(b"\r\n\r\n")
    return (head + blank).lower(), body
