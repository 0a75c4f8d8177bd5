"""The interface that a transport implements and the drivers call, async and blocking."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from sansio.http import Body, End, Head, Request

Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port, as `Request.origin` gives them."""


class Exchange(Protocol):
    """One request under way. `aclose` and `abort` do not raise, but cancellation passes through `aclose`."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        """Wait for the next input: `Head`, then `Body`s as bytes arrive, then `End`.

        Names in a `Head` are in lower case, and its values Latin-1 text.

        Args:
            timeout: seconds to wait for it; `None` waits indefinitely.

        Raises:
            TransportError: the connection failed or the time ran out (`APITimeoutError`); `reused` says
                that the connection had served an exchange before this one.
            RemoteProtocolError: the peer's HTTP is malformed.

            After any of them the exchange is dead.
        """
        ...

    async def aclose(self) -> None:
        """Release the exchange when nothing more of it is needed. A connection that can be reused is kept."""
        ...

    def abort(self) -> None:
        """Drop the connection now. Idempotent, and allowed at any time.

        A `receive` that waits in another task must wake and raise `APIConnectionError`. The drivers put no
        cancel scope around `receive`, so this is the only way to wake one. A waiting `aclose` ends soon.
        """
        ...


class Transport(Protocol):
    """Sends requests. May be shared by many calls at once.

    A transport may declare `resumable = True`, as an attribute of its class or its own. It promises then that
    a cancelled wait loses nothing: a `receive` that was cancelled can be called again, and gives the inputs
    that the first would have given; and an `open` that was cancelled has not sent the whole request, so that
    it can be called again with the same. The law `resumable-receive` of the conformance kit checks it.
    """

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        """Begin an exchange: connect, and send the request. Either may also be left to the first `receive`.

        A server may answer before it has read the whole request. Its answer counts then, and the exchange
        opens.

        Args:
            request: complete and signed; its headers hold the key.
            timeout: seconds to connect, TLS included; `None` waits indefinitely.
            write_timeout: seconds in which the server must take some more of the request, for as long as it
                is being sent; `None` waits indefinitely. A large request on a slow line takes as long as it
                takes.
            fresh: do not use a connection that has served before.

        Raises:
            TransportError: no connection, or it was lost while the request was sent. An error that waiting
                cannot fix has `should_retry=False`, and is not retried. If a time ran out, it is an
                `APITimeoutError` whose `field` is `"connect_timeout"` or `"write_timeout"`.
        """
        ...

    async def aclose(self) -> None:
        """Close the idle connections. The drivers send nothing over the transport afterwards.

        An application may: the exchange then works, but its connection is not kept.
        """
        ...


def is_resumable(transport: object) -> bool:
    """Whether a transport declares that its cancelled waits lose nothing; see `Transport`."""
    return getattr(transport, "resumable", False) is True


class SyncExchange(Protocol):
    """The blocking twin of `Exchange`."""

    def receive(self, timeout: float | None) -> Head | Body | End:
        """See `Exchange.receive`."""
        ...

    def close(self) -> None:
        """See `Exchange.aclose`."""
        ...

    def abort(self) -> None:
        """See `Exchange.abort`. A `receive` that it wakes waits in another thread."""
        ...


class SyncTransport(Protocol):
    """The blocking twin of `Transport`."""

    def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        total_timeout: float | None = None,
        fresh: bool = False,
    ) -> SyncExchange:
        """See `Transport.open`.

        Args:
            request: as there.
            timeout: as there.
            write_timeout: as there.
            total_timeout: seconds for all of it, also while the server takes the request; `None` waits
                indefinitely. The async drivers cancel `open` instead.
            fresh: as there.

        Raises:
            TransportError: as there. The `field` may also be `"total_timeout"`.
        """
        ...

    def close(self) -> None:
        """See `Transport.aclose`."""
        ...


class RawLog(Protocol):
    """Receives everything that is sent and received, as plain dicts, on every attempt. Keys are masked.

    The dicts are JSON objects, typed so that a log may declare them `dict[str, object]` or otherwise.
    """

    def on_request(self, endpoint: str, payload: dict[str, Any]) -> None:
        """A request is about to be sent to the URL `endpoint`."""
        ...

    def on_response(self, status: int, body: dict[str, Any]) -> None:
        """A complete response or error body was received; `{"text": ...}` if it is not a JSON object."""
        ...

    def on_chunk(self, chunk: dict[str, Any]) -> None:
        """One event of a stream was received."""
        ...
