"""Requests through the `fetch` of a browser or of Node.js, where Python runs in Pyodide.

Facts from https://pyodide.org/en/stable/usage/api/python-api/http.html and https://fetch.spec.whatwg.org.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal, TypeAlias

from sansio.errors import APIConnectionError, ConfigError, RemoteProtocolError, TransportError
from sansio.http import Head, HTTPExchange, Request
from transports.foreign import ForeignExchange
from transports.interface import Exchange

Credentials: TypeAlias = Literal["omit", "same-origin", "include"]

_FORBIDDEN = frozenset(
    {
        *("accept-charset", "accept-encoding", "connection", "content-length", "cookie", "date", "expect"),
        *("host", "keep-alive", "origin", "referer", "te", "trailer", "transfer-encoding", "upgrade", "via"),
    }
)
"""Headers that only the browser may set (Fetch, "forbidden request-header"); Node.js refuses some of them."""

_UNDONE = frozenset(("content-encoding", "content-length", "transfer-encoding"))
"""Headers about the encoded body. `fetch` gives it decoded, and shows them nevertheless."""


class PyodideTransport:
    """Sends requests by `pyodide.http.pyfetch`.

    The browser makes and keeps the connections, and shows little of them. So there is one clock, the read
    timeout, which runs from the first moment; `connect_timeout`, `write_timeout` and `fresh` have no effect.
    The error of a lost connection has no reason, and does not say whether the connection had served before.
    Repeated headers of a response arrive as one. A redirect is an error, since `fetch` shows nothing of it.

    A page may call only servers that allow it (CORS), and everyone who opens the page can read its keys: let
    the page call your own gateway, without keys.

    Args:
        credentials: whether the browser adds its cookies for the server: `"omit"`, `"same-origin"`, or
            `"include"` for a gateway that identifies its users by cookies.

    Raises:
        ConfigError: the program does not run in Pyodide.
    """

    def __init__(self, *, credentials: Credentials = "omit") -> None:
        try:
            self._fetch = import_module("pyodide.http").pyfetch
            self._faults: tuple[type[Exception], ...] = (import_module("pyodide.ffi").JsException, OSError)
            self._controllers = import_module("js").AbortController
        except ImportError as error:
            raise ConfigError(
                "transport: PyodideTransport works only in Pyodide; leave transport out to use sockets",
                field="transport",
            ) from error
        self._credentials = credentials

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        """See `Transport.open`. The first `receive` connects and sends.

        Raises:
            LocalProtocolError: the request cannot be written as HTTP/1.1.
        """
        HTTPExchange(request)  # refuses an invalid request: the browser's own error would quote a header
        return _FetchExchange(request, self._faults, self._fetch, self._controllers.new(), self._credentials)

    async def aclose(self) -> None:
        """Do nothing: the browser keeps its connections."""


class _FetchExchange(ForeignExchange):
    """See `ForeignExchange`.

    Args:
        request: what to send.
        faults: what `fetch` raises.
        fetch: `pyfetch`.
        controller: an `AbortController`.
        credentials: see `PyodideTransport`.
    """

    def __init__(
        self,
        request: Request,
        faults: tuple[type[Exception], ...],
        fetch: Any,  # what JavaScript gives has no types
        controller: Any,
        credentials: Credentials,
    ) -> None:
        super().__init__(request, faults)
        self._fetch = fetch
        self._controller = controller
        self._credentials = credentials
        self._reader: Any = None
        self._answered = False
        self._ended = False

    async def _begin(self) -> Head:
        self._request_is_sent()  # nothing shows when it is
        request = self._request
        response = await self._fetch(
            request.url,
            method=request.method,
            headers=[[name, value] for name, value in request.headers if name not in _FORBIDDEN],
            signal=self._controller.signal,
            redirect="manual",
            credentials=self._credentials,
            cache="no-store",
            referrerPolicy="no-referrer",
            **(
                {"body": request.body} if request.body else {}
            ),  # a GET with a body is refused, also an empty one
        )
        if response.js_response.type == "opaqueredirect":
            raise _RedirectError
        self._answered = True
        body = response.js_response.body
        if body:  # null without a body
            self._reader = body.getReader()
        headers = tuple((name.lower(), value) for name, value in response.headers.items())
        return Head(response.status, tuple(pair for pair in headers if pair[0] not in _UNDONE))

    async def _read(self) -> bytes:
        while self._reader is not None:
            piece = await self._reader.read()
            if piece.done:
                break
            data: bytes = piece.value.to_bytes()
            if data:  # an empty one would look like the end
                return data
        self._ended = True
        return b""

    async def _settle(self) -> bool:
        try:
            while not self._ended:
                await self._read()
        except self._faults:
            return False
        return True

    def _drop(self) -> None:
        self._controller.abort()

    def _blame(self, fault: Exception, timeout: float | None) -> TransportError | RemoteProtocolError:
        _, host, port = self._request.origin
        if isinstance(fault, _RedirectError):
            return APIConnectionError(
                f"{host}:{port} answered with a redirect, and a browser does not show its target; "
                "set base_url to the final address",
                should_retry=False,
            )
        # The browser's own message has no details, so that a page cannot explore a network with it.
        if self._answered:
            return APIConnectionError(f"the connection to {host}:{port} was lost")
        return APIConnectionError(
            f"no answer from {host}:{port}: there was no connection, or it was lost, or the server does not "
            "allow requests from this page (CORS); the browser's console shows which"
        )


class _RedirectError(OSError):
    """The server redirects."""
