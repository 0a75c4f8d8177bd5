"""What a transport owes: the interface that the drivers call, async and blocking."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from sansio.http import Body, End, Head, Request

Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port, as `Request.origin` gives them."""


class Exchange(Protocol):
    """One request under way. Neither `aclose` nor `abort` raises; cancellation passes through `aclose`."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        """The next input: `Head`, then `Body`s as the bytes come, then `End`.

        Names in a `Head` are in lower case, and its values Latin-1 text.

        Args:
            timeout: seconds to wait for it, `None` for ever.

        Raises:
            TransportError: the connection failed or the time ran out (`APITimeoutError`); `reused` says
                that the connection had served an exchange before this one.
            RemoteProtocolError: the peer's HTTP is malformed.

            After any of them the exchange is dead.
        """
        ...

    async def aclose(self) -> None:
        """Let go politely, when nothing more is wanted: the connection is kept where it may be kept."""
        ...

    def abort(self) -> None:
        """Drop the connection now. Idempotent, and right at any time.

        A `receive` that waits in another task wakes and raises `APIConnectionError`: a driver that waits
        for one has no cancel scope around it, and nothing else to wake it by. An `aclose` ends soon.
        """
        ...


class Transport(Protocol):
    """Sends requests. May be shared by many calls at once."""

    async def open(self, request: Request, timeout: float | None, *, fresh: bool = False) -> Exchange:
        """Begin an exchange.

        Args:
            request: whole and signed; its headers hold the key.
            timeout: seconds to connect and send, `None` for ever.
            fresh: use no connection that has served before.

        Raises:
            TransportError: no connection, or it was lost while the request was sent. One that no wait can
                mend says `should_retry=False`, and is not tried again.
        """
        ...

    async def aclose(self) -> None:
        """Close what idles. The transport is not used afterwards."""
        ...


class SyncExchange(Protocol):
    """The blocking twin of `Exchange`."""

    def receive(self, timeout: float | None) -> Head | Body | End:
        """See `Exchange.receive`."""
        ...

    def close(self) -> None:
        """See `Exchange.aclose`."""
        ...

    def abort(self) -> None:
        """See `Exchange.abort`. What waits does so in another thread."""
        ...


class SyncTransport(Protocol):
    """The blocking twin of `Transport`."""

    def open(self, request: Request, timeout: float | None, *, fresh: bool = False) -> SyncExchange:
        """See `Transport.open`."""
        ...

    def close(self) -> None:
        """See `Transport.aclose`."""
        ...


class RawLog(Protocol):
    """Told of everything that is sent and received, as plain dicts, on every attempt. No key among them.

    The dicts are JSON objects, typed so that a log may declare them `dict[str, object]` or otherwise.
    """

    def on_request(self, endpoint: str, payload: dict[str, Any]) -> None:
        """A request is about to be sent to the URL `endpoint`."""
        ...

    def on_response(self, status: int, body: dict[str, Any]) -> None:
        """A whole response or an error's body has come; `{"text": ...}` where it is no JSON object."""
        ...

    def on_chunk(self, chunk: dict[str, Any]) -> None:
        """One event of a stream has come."""
        ...
