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

        The names of a `Head`'s headers are in lower case; the values are Latin-1 text.

        Args:
            timeout: seconds to wait for the input; `None` waits indefinitely.

        Raises:
            TransportError: the connection failed or the time ran out (`APITimeoutError`); `reused` says
                whether the connection had served an exchange before this one.
            RemoteProtocolError: the peer's HTTP is malformed.

            After any of them the exchange cannot be used any more.
        """
        ...

    async def aclose(self) -> None:
        """Release the exchange. Its connection is kept if another exchange can use it."""
        ...

    def abort(self) -> None:
        """Drop the connection now. Idempotent, and allowed at any time.

        A `receive` that waits in another task must wake and raise `APIConnectionError`. The drivers put no
        cancel scope around `receive`, so only `abort` can wake it. An `aclose` that waits must end soon.
        """
        ...


class Transport(Protocol):
    """Sends requests. May be shared by many calls at once.

    A transport may declare `resumable = True`, as an attribute of its class or of the object. It promises
    then that a cancelled wait loses nothing: a cancelled `receive` can be called again and returns the inputs
    that the first call would have returned; and a cancelled `open` has not sent the whole request, so that it
    can be called again with the same request. The law `resumable-receive` of the conformance kit checks this.
    """

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        """Begin an exchange: connect, and send the request. Both may also happen in the first `receive`.

        A server may answer before it has read the whole request. The exchange then opens with that answer.

        Args:
            request: complete and signed; its headers hold the key.
            timeout: seconds to connect, TLS included; `None` waits indefinitely.
            write_timeout: seconds in which the server must accept some more bytes while the request is sent;
                `None` waits indefinitely. The whole upload of a large request may take longer.
            fresh: use a new connection, not one that has served an exchange before.

        Returns:
            The exchange.

        Raises:
            TransportError: there is no connection, or it was lost while the request was sent. An error that
                waiting cannot fix has `should_retry=False`, and is not retried. If a time ran out, the error
                is an `APITimeoutError` whose `field` is `"connect_timeout"` or `"write_timeout"`.
        """
        ...

    async def aclose(self) -> None:
        """Close the idle connections. The drivers send nothing over the transport afterwards.

        If an application sends another request, the exchange works, but its connection is not kept.
        """
        ...


def is_resumable(transport: object) -> bool:
    """Whether a transport declares that its cancelled waits lose nothing; see `Transport`."""
    return getattr(transport, "resumable", False) is True


class SyncExchange(Protocol):
    """The blocking counterpart of `Exchange`."""

    def receive(self, timeout: float | None) -> Head | Body | End:
        """See `Exchange.receive`, also for `timeout`."""
        ...

    def close(self) -> None:
        """See `Exchange.aclose`."""
        ...

    def abort(self) -> None:
        """See `Exchange.abort`. It wakes a `receive` that waits in another thread."""
        ...


class SyncTransport(Protocol):
    """The blocking counterpart of `Transport`."""

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
            request: as for `Transport.open`.
            timeout: as for `Transport.open`.
            write_timeout: as for `Transport.open`.
            total_timeout: seconds for connecting and sending together; `None` waits indefinitely. The async
                drivers cancel `open` instead.
            fresh: as for `Transport.open`.

        Raises:
            TransportError: as for `Transport.open`. The `field` may also be `"total_timeout"`.
        """
        ...

    def close(self) -> None:
        """See `Transport.aclose`."""
        ...


class RawLog(Protocol):
    """Receives everything that is sent and received, as plain dicts, on every attempt. Keys are masked.

    Implement this protocol to log the raw traffic, and pass the object as `raw_log` to `create_provider`. The
    dicts are JSON objects; their type allows a log to declare them `dict[str, object]` or otherwise.
    """

    def on_request(self, endpoint: str, payload: dict[str, Any]) -> None:
        """A request is about to be sent.

        Args:
            endpoint: the URL.
            payload: the JSON body.
        """
        ...

    def on_response(self, status: int, body: dict[str, Any]) -> None:
        """A complete response was received, or the body of an error.

        Args:
            status: the HTTP status.
            body: the JSON body; `{"text": ...}` if it is not a JSON object.
        """
        ...

    def on_chunk(self, chunk: dict[str, Any]) -> None:
        """One event of a stream was received.

        Args:
            chunk: the event's JSON.
        """
        ...
