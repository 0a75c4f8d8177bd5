"""Transports that give, send or raise what they should not."""

from __future__ import annotations

import contextlib
import socket
import ssl
import zlib
from collections.abc import Iterator

import anyio
from anyio.abc import SocketAttribute, SocketStream
from msgspec import structs

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    End,
    Head,
    RemoteProtocolError,
    Request,
    TransportError,
)
from sansio.http import header
from tests.transports.testing.conformance.wrapping import Wrapped, Wrapper
from transports import AnyioTransport
from transports.interface import Exchange


class Reorders(Wrapped):
    """Gives each two inputs in the wrong order."""

    held: Head | Body | End | None = None

    async def receive(self, timeout: float | None) -> Head | Body | End:
        if self.held is not None:
            given, self.held = self.held, None
            return given
        self.held = await self.inner.receive(timeout)
        return await self.inner.receive(timeout)


class SwallowsEnd(Wrapped):
    """Waits for more when all has come."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = await self.inner.receive(timeout)
        return await self.inner.receive(timeout) if isinstance(given, End) else given


class DropsBytes(Wrapped):
    """Loses the last byte of each piece."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = await self.inner.receive(timeout)
        return Body(given.data[:-1]) if isinstance(given, Body) else given


class GivesDicts(Wrapped):
    """Gives what is no input."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        await self.inner.receive(timeout)
        return {"status": 200}  # type: ignore[return-value]  # that is the point


class UpperCase(Wrapped):
    """Gives header names as a server may write them."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = await self.inner.receive(timeout)
        if not isinstance(given, Head):
            return given
        return Head(given.status, tuple((name.title(), value) for name, value in given.headers))


class MergesHeaders(Wrapped):
    """Gives a dict's idea of headers: each name once."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = await self.inner.receive(timeout)
        return Head(given.status, tuple(dict(given.headers).items())) if isinstance(given, Head) else given


class GuessesUTF8(Wrapped):
    """Takes header values for UTF-8."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = await self.inner.receive(timeout)
        if not isinstance(given, Head):
            return given
        decoded = ((name, value.encode("latin-1").decode(errors="replace")) for name, value in given.headers)
        return Head(given.status, tuple(decoded))


class CutsLargeBodies(Wrapped):
    """Ends a body after a million bytes."""

    size = 0

    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = await self.inner.receive(timeout)
        self.size += len(given.data) if isinstance(given, Body) else 0
        return given if self.size < 1_000_000 else End()


class DropsSmallPieces(Wrapped):
    """Takes a single byte for noise."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = await self.inner.receive(timeout)
        while isinstance(given, Body) and len(given.data) < 2:
            given = await self.inner.receive(timeout)
        return given


class NeedsLength(Wrapped):
    """Reads no body that does not say where it ends."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = await self.inner.receive(timeout)
        if (
            isinstance(given, Head)
            and not {"content-length", "transfer-encoding"} & dict(given.headers).keys()
        ):
            raise RemoteProtocolError("a response without a length")
        return given


class FillsBodies(Wrapped):
    """Gives a body where there is none."""

    empty = False

    async def receive(self, timeout: float | None) -> Head | Body | End:
        if self.empty:
            self.empty = False
            return Body(b"null")
        given = await self.inner.receive(timeout)
        self.empty = isinstance(given, Head) and given.status == 204
        return given


class Buffers(Wrapped):
    """Reads the whole body before it gives any of it."""

    ended = False

    async def receive(self, timeout: float | None) -> Head | Body | End:
        data = b""
        while not self.ended:
            given = await self.inner.receive(timeout)
            if isinstance(given, Head):
                return given
            self.ended = isinstance(given, End)
            data += given.data if isinstance(given, Body) else b""
        return Body(data) if data else End()


class RaisesStatus(Wrapped):
    """Takes a status for a failure of the transport."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = await self.inner.receive(timeout)
        if isinstance(given, Head) and given.status >= 400:
            raise APIConnectionError(f"HTTP {given.status}")
        return given


class HalfDecodes(Wrapped):
    """Decodes gzip and leaves the header as it was."""

    gzip = None

    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = await self.inner.receive(timeout)
        if isinstance(given, Head) and header(given.headers, "content-encoding") == "gzip":
            self.gzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
        return Body(self.gzip.decompress(given.data)) if self.gzip and isinstance(given, Body) else given


class _Begun(Wrapped):
    """Gives the first input, which was taken to look at it, and then the others."""

    first: Head | Body | End | None = None

    async def receive(self, timeout: float | None) -> Head | Body | End:
        first, self.first = self.first, None
        return await self.inner.receive(timeout) if first is None else first


class FollowsRedirects(Wrapper):
    """Goes where the server sends it, key in hand."""

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        exchange = _Begun(await self.inner.open(request, timeout, fresh=fresh), request)
        exchange.first = await exchange.inner.receive(timeout)
        if isinstance(exchange.first, Head) and exchange.first.status == 307:
            exchange.abort()
            return await self.inner.open(request, timeout)
        return exchange


class TriesAgain(Wrapper):
    """Sends a lost request again without a word."""

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        for _ in range(2):
            exchange = _Begun(await self.inner.open(request, timeout, fresh=fresh), request)
            with contextlib.suppress(APIConnectionError):
                exchange.first = await exchange.inner.receive(timeout)
                return exchange
            exchange.abort()
        return await self.inner.open(request, timeout, fresh=fresh)


class AddsHeaders(Wrapper):
    """Sends another header beside the one that it was given."""

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        doubled = (*request.headers, ("accept-encoding", "gzip"))
        return await self.inner.open(structs.replace(request, headers=doubled), timeout, fresh=fresh)


class PlainText(Wrapper):
    """Speaks no TLS, and does not say so."""

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        return await self.inner.open(structs.replace(request, scheme="http"), timeout, fresh=fresh)


class NotVerifying(Wrapper):
    """Believes every certificate."""

    def __init__(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        super().__init__(inner=AnyioTransport(ssl_context=context))


class RaisesRaw(Wrapper):
    """Lets the system's own errors through."""

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        try:
            return await self.inner.open(request, timeout, fresh=fresh)
        except APIConnectionError as error:
            raise error.__cause__ or error from None


class WrongKind(Wrapped):
    """Calls every loss a malformed answer."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            return await self.inner.receive(timeout)
        except TransportError as error:
            raise RemoteProtocolError(error.message) from error


class LateIsLost(Wrapped):
    """Calls a timeout a lost connection."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            return await self.inner.receive(timeout)
        except APITimeoutError as error:
            raise APIConnectionError(error.message) from error


class MalformedIsLost(Wrapped):
    """Calls malformed HTTP a lost connection, so that it is tried again."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            return await self.inner.receive(timeout)
        except RemoteProtocolError as error:
            raise APIConnectionError(error.message) from error


class CutIsEnd(Wrapped):
    """Takes a connection that was cut for the end of the body."""

    begun = False

    async def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            given = await self.inner.receive(timeout)
        except APIConnectionError:
            if self.begun:
                return End()
            raise
        self.begun = True
        return given


class EndsByStop(Wrapped):
    """Takes a connection that was cut for the end of an iteration."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            return await self.inner.receive(timeout)
        except APIConnectionError:
            raise StopAsyncIteration from None


class EndsByNext(Wrapped):
    """Takes its inputs from an iterator, which ends where the connection does."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            return await self.inner.receive(timeout)
        except APIConnectionError:
            none: Iterator[Head] = iter(())
            return next(none)


class NeverReused(Wrapped):
    """Forgets to say that a connection had served before."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            return await self.inner.receive(timeout)
        except APIConnectionError as error:
            raise APIConnectionError(error.message) from None


class ShowsKey(Wrapped):
    """Quotes the request where it fails."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        try:
            return await self.inner.receive(timeout)
        except APIConnectionError as error:
            raise APIConnectionError(f"{error.message} after {self.request.headers}") from None


class ByHand:
    """Writes a request and reads a response as one does who has seen one of each."""

    async def open(
        self,
        request: Request,
        timeout: float | None,
        *,
        write_timeout: float | None = None,
        fresh: bool = False,
    ) -> Exchange:
        stream = await anyio.connect_tcp(request.host, request.port)
        lines = [f"{request.method} {request.target} HTTP/1.1", *map(": ".join, request.headers), "", ""]
        await stream.send("\r\n".join(lines).encode("latin-1") + request.body)
        return _ReadByHand(stream)

    async def aclose(self) -> None:
        pass


class _ReadByHand:
    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self.inputs: list[Head | Body | End] = []

    async def receive(self, timeout: float | None) -> Head | Body | End:
        if not self.inputs:
            head, _, body = (await self.stream.receive()).partition(b"\r\n\r\n")
            status = int(head.split()[1])
            self.inputs = [Head(status), Body(body), End()]
        return self.inputs.pop(0)

    async def aclose(self) -> None:
        await self.stream.aclose()

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self.stream.extra(SocketAttribute.raw_socket).shutdown(socket.SHUT_RDWR)


class LosesEarlyAnswers(Wrapped):
    """Fails where it cannot send all."""

    async def receive(self, timeout: float | None) -> Head | Body | End:
        given = await self.inner.receive(timeout)
        if isinstance(given, Head) and given.status == 413:
            raise APIConnectionError("broken pipe")
        return given
