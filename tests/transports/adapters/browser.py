"""A browser's `fetch` as Pyodide shows it, over real sockets: `js`, `pyodide.http` and `pyodide.ffi`.

It does what a browser does to a request and a response: it sets the headers that are its own, joins those
that are repeated, decodes the body, hides redirects, and says nothing about why it failed.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

from msgspec import structs

from sansio import ProviderError, Request
from sansio.http import Body, End, Head, Headers
from transports import AnyioTransport
from transports.interface import Exchange

MODULES = ("js", "pyodide", "pyodide.ffi", "pyodide.http")

OWN_HEADERS = ("host", "content-length", "connection", "accept-encoding", "cookie", "origin")
"""Those that no page may set."""


class JsError(Exception):
    """A `JsException`."""


class AbortError(OSError):
    """What `pyfetch` raises, whatever went wrong."""


class Signal:
    """An `AbortSignal`."""

    def __init__(self) -> None:
        self.on_abort: Callable[[], object] | None = None


class Controller:
    """An `AbortController`."""

    def __init__(self) -> None:
        self.signal = Signal()

    @classmethod
    def new(cls) -> Controller:
        return cls()

    def abort(self) -> None:
        if self.signal.on_abort is not None:
            self.signal.on_abort()


class Buffer:
    """An `Uint8Array`."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def to_bytes(self) -> bytes:
        return self._data


class Stream:
    """A `ReadableStream`, and its reader."""

    def __init__(self, exchange: Exchange, encoded: bool) -> None:
        self._exchange = exchange
        self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoded else None

    def getReader(self) -> Stream:  # noqa: N802, its name in JavaScript
        return self

    async def read(self) -> Any:
        try:
            given = await self._exchange.receive(None)
        except ProviderError:
            raise JsError("TypeError: network error") from None
        if isinstance(given, End):
            await self._exchange.aclose()
            return SimpleNamespace(done=True, value=None)
        assert isinstance(given, Body)
        data = given.data if self._inflate is None else self._inflate.decompress(given.data)
        return SimpleNamespace(done=False, value=Buffer(data))


class Browser:
    """What fetches.

    Args:
        opaque: redirects are hidden, as in a browser. Node.js shows them.

    Attributes:
        options: what `pyfetch` was passed last.
    """

    def __init__(self, *, opaque: bool = True) -> None:
        self.options: dict[str, Any] = {}
        self._opaque = opaque
        self._transport = AnyioTransport(max_idle=0)

    def modules(self) -> dict[str, ModuleType]:
        """The modules of Pyodide, to be put into `sys.modules`."""
        made = {name: ModuleType(name) for name in MODULES}
        vars(made["js"])["AbortController"] = Controller
        vars(made["pyodide.ffi"])["JsException"] = JsError
        vars(made["pyodide.http"])["pyfetch"] = self.pyfetch
        return made

    async def pyfetch(self, url: str, *, signal: Signal, **options: Any) -> Any:
        self.options = options
        fetching = asyncio.ensure_future(self._fetch(url, signal, options))
        # A promise goes on when whoever waits for it is cancelled: only the signal ends it.
        signal.on_abort = fetching.cancel
        fetching.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(fetching)

    async def _fetch(self, url: str, signal: Signal, options: dict[str, Any]) -> Any:
        given: Headers = tuple((name, value) for name, value in options["headers"])
        body: bytes = options.get("body", b"")
        assert body or "body" not in options, "an empty body is refused for a GET"
        assert not [name for name, _ in given if name in OWN_HEADERS], "the browser sets these itself"
        plain = Request.get(url, (*given, ("user-agent", "Stub/1.0")))
        length = (("content-length", str(len(body))),) if options["method"] == "POST" else ()
        request = structs.replace(
            plain, method=options["method"], headers=(*plain.headers, *length), body=body
        )
        try:
            exchange = await self._transport.open(request, None)
            signal.on_abort = exchange.abort
            head = await exchange.receive(None)
        except ProviderError:
            raise AbortError("TypeError: Failed to fetch") from None
        assert isinstance(head, Head)
        if options["redirect"] == "manual" and 300 <= head.status < 400 and self._opaque:
            exchange.abort()
            return SimpleNamespace(js_response=SimpleNamespace(type="opaqueredirect"), status=0, headers={})
        joined: dict[str, str] = {}
        for name, value in sorted(head.headers):
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        stream = None if head.status == 204 else Stream(exchange, "content-encoding" in joined)
        return SimpleNamespace(
            js_response=SimpleNamespace(type="cors", body=stream), status=head.status, headers=joined
        )
