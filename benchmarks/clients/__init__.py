"""Clients of the server, all behind one interface: ours, bare ones, HTTP libraries and official SDKs.

Every client reads the same answers to their end and returns their text. HTTP libraries use the yardstick to
decode; only ours and the SDKs do all of the work.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from benchmarks.measure import Case, Contender, SkippedError
from benchmarks.yardstick import Dialect

Backend: TypeAlias = Literal["asyncio", "trio"]

MAX_CONNECTIONS = 2_000
"""The pool size of every client, so that no limit of a pool is measured."""

MANY = 500
"""Some clients cannot read this many streams at once."""

PROMPT = "Go on."


class Client(Protocol):
    """Asks the server. May be used by many tasks at once, and keeps its connections."""

    async def stream(self, model: str, parts: list[str]) -> None:
        """Read a stream to its end, adding each piece of its text, or of its arguments, to `parts`."""
        ...

    async def complete(self, model: str) -> str:
        """The text of a whole answer."""
        ...


class Target(Struct, frozen=True):
    """Where the server is, and how it is used.

    Args:
        port: on the loopback interface.
        dialect: what it is asked for.
        streams: how many answers are read at once.
        ca_file: path of the authority to trust, if the server speaks TLS.
    """

    port: int
    dialect: Dialect
    streams: int
    ca_file: str | None = None

    @classmethod
    def of(cls, case: Case, dialect: Dialect, streams: int) -> Target:
        """The server that the case is served by."""
        ca_file = case.text("ca_file") if "ca_file" in case.options else None
        return cls(case.number("port"), dialect, streams, ca_file)

    @property
    def origin(self) -> str:
        """Scheme, host and port as a URL begins."""
        return f"{'http' if self.ca_file is None else 'https'}://127.0.0.1:{self.port}"

    def ssl_context(self) -> ssl.SSLContext | None:
        """A client's context for a server that speaks TLS."""
        return None if self.ca_file is None else ssl.create_default_context(cafile=self.ca_file)

    @property
    def path(self) -> str:
        """The dialect's endpoint."""
        return "/v1/chat/completions" if self.dialect == "openai" else "/v1/messages"

    def body(self, model: str, *, stream: bool) -> dict[str, object]:
        """A request's body, for clients that do not build it themselves."""
        body: dict[str, object] = {"model": model, "messages": [{"role": "user", "content": PROMPT}]}
        if self.dialect == "anthropic":
            body["max_tokens"] = 1_000
        elif stream:
            body["stream_options"] = {"include_usage": True}
        return body | {"stream": stream}

    def headers(self) -> dict[str, str]:
        """A request's headers, for clients that do not build them themselves."""
        return {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "authorization": "Bearer any-key",
        }


ClientFactory: TypeAlias = Callable[[Target], AbstractAsyncContextManager[Client]]

REFERENCE = Contender("bare anyio + h11", options={"client": "bare.anyio_client"})
_BARE = (
    REFERENCE,
    Contender("bare anyio + h11, trio", options={"client": "bare.anyio_client", "backend": "trio"}),
    Contender("bare asyncio protocol, hand-cut chunks", options={"client": "bare.protocol_client"}),
)
_OURS = (
    Contender("sansio, AnyioTransport", options={"client": "ours.anyio_client"}),
    Contender("sansio, AnyioTransport, trio", options={"client": "ours.anyio_client", "backend": "trio"}),
    Contender("sansio, HttpcoreTransport on httpcore", options={"client": "ours.httpcore_client"}),
    Contender("sansio, HttpcoreTransport on httpcore2", "httpcore2", {"client": "ours.httpcore2_client"}),
    Contender("sansio, blocking", options={"client": "ours.blocking_client"}),
)
_LIBRARIES = (
    Contender("httpcore", options={"client": "libraries.httpcore_client"}),
    Contender("httpcore2", "httpcore2", {"client": "libraries.httpcore2_client"}),
    Contender("httpx2", "httpx2", {"client": "libraries.httpx2_client"}),
    Contender("aiohttp", "aiohttp", {"client": "libraries.aiohttp_client"}),
)
_HTTP2 = (
    Contender("bare asyncio protocol + h2", options={"client": "bare.http2_client"}),
    Contender("sansio, AnyioTransport", options={"client": "ours.http2_client"}),
    Contender("sansio, AnyioTransport, trio", options={"client": "ours.http2_client", "backend": "trio"}),
    Contender("sansio, blocking", options={"client": "ours.blocking_http2_client"}),
    Contender("httpx2", "httpx2", {"client": "libraries.httpx2_http2_client"}),
)
_SDKS = {
    "openai": Contender("openai SDK", "openai", {"client": "sdks.openai_client"}),
    "anthropic": Contender("anthropic SDK", "anthropic", {"client": "sdks.anthropic_client"}),
}


def contenders(dialect: Dialect) -> tuple[Contender, ...]:
    """All clients that can ask for a dialect's answers, the reference first."""
    return (*_BARE, *_OURS, *_LIBRARIES, _SDKS[dialect])


def http2_contenders() -> tuple[Contender, ...]:
    """The clients that speak HTTP/2, the reference first. Each has one connection for all streams."""
    return _HTTP2


_NOT_MANY = {
    "sansio, blocking": "this many streams with a thread each are unrealistic",
    "httpcore": "its pool takes a minute for so many connections",
    "sansio, HttpcoreTransport on httpcore": "httpcore's pool takes a minute for so many connections",
}


def refuse_many(contender: Contender, streams: int) -> None:
    """Leave out a contender that cannot read this many streams at once.

    Raises:
        SkippedError: it cannot; the message says why.
    """
    if streams >= MANY and contender.name in _NOT_MANY:
        raise SkippedError(_NOT_MANY[contender.name])


def factory(contender: Contender) -> ClientFactory:
    """What makes the contender's client; its module is loaded now."""
    module, _, name = str(contender.options["client"]).partition(".")
    made: ClientFactory = getattr(import_module(f"{__name__}.{module}"), name)
    return made


def backend(contender: Contender) -> Backend:
    """The event loop that the contender runs on."""
    return "trio" if contender.options.get("backend") == "trio" else "asyncio"
