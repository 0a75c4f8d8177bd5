"""A request that is being sent shows its key in no frame: not in ours, nor in those of anyio and ssl."""

from __future__ import annotations

import contextlib
import signal
import ssl
import threading
import traceback
from collections.abc import Callable
from types import FrameType

import anyio
import anyio.to_thread
import pytest

from sansio.http import Request
from tests.transports.contracts.support import ca_and_server, trusting
from tests.transports.raw_server import PATIENCE, Peer, RawServer
from transports import AnyioTransport, HttpcoreTransport, SocketTransport, Transport
from transports.sockets.sharing import Choice

KEY = "sk-in-flight-0123456789"
LARGE = b"x" * 20_000_000
"""More than the buffers between two sockets hold: who sends it waits for the peer to read."""

ASYNC: dict[str, Callable[..., Transport]] = {
    "anyio": AnyioTransport,
    "anyio, HTTP/2": lambda **options: AnyioTransport(http2="only", **options),
    "httpcore": lambda **options: HttpcoreTransport(module="httpcore", **options),
    "httpcore2": lambda **options: HttpcoreTransport(module="httpcore2", **options),
}


def shown(error: BaseException) -> str:
    """The locals of the error's frames. Those of tests are left out, and of httpcore and h11, whose requests
    are objects with plain bytes."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    hidden = ("/tests/", "/httpcore/", "/httpcore2/", "/h11/")
    frames = [frame for frame in report.stack if not any(part in frame.filename for part in hidden)]
    return "".join(str(frame.locals) for frame in frames)


class Deaf:
    """A server that reads the beginning of a request, and no more.

    Attributes:
        heard: the beginning has arrived, so the client is in the middle of sending.
    """

    def __init__(self, *, secure: bool) -> None:
        self.heard = threading.Event()
        self.over = threading.Event()
        ca, tls = ca_and_server("localhost")
        tls.set_alpn_protocols(["h2"])  # for those that ask for it
        self.trust: ssl.SSLContext | None = trusting(ca) if secure else None
        self.server = RawServer(self._serve, tls if secure else None, "localhost")

    def _serve(self, peer: Peer) -> None:
        assert peer.receive()
        self.heard.set()
        self.over.wait(PATIENCE)

    def post(self) -> Request:
        return Request.post(self.server.url, (("authorization", f"Bearer {KEY}"),), LARGE)


@pytest.mark.anyio
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("transport", ASYNC)
async def test_a_cancelled_request_shows_no_key(transport: str, secure: bool) -> None:
    caught: list[BaseException] = []
    deaf = Deaf(secure=secure)

    async def send(sender: Transport) -> None:
        exchange = None
        try:
            exchange = await sender.open(deaf.post(), None)
            await exchange.receive(None)
        except BaseException as error:
            caught.append(error)
            raise
        finally:
            if exchange is not None:
                exchange.abort()

    with deaf.server:
        sender = ASYNC[transport](ssl_context=deaf.trust)
        async with contextlib.aclosing(sender), anyio.create_task_group() as tasks:
            tasks.start_soon(send, sender)
            assert await anyio.to_thread.run_sync(deaf.heard.wait, PATIENCE)
            tasks.cancel_scope.cancel()
        deaf.over.set()
    assert len(caught) == 1
    assert KEY not in shown(caught[0])


class _InterruptedError(Exception):
    pass


@pytest.mark.parametrize("http2", [False, "only"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_an_interrupted_request_shows_no_key(secure: bool, http2: Choice) -> None:
    deaf = Deaf(secure=secure)

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise _InterruptedError

    previous = signal.signal(signal.SIGUSR1, interrupt)
    main = threading.get_ident()

    def strike() -> None:
        deaf.heard.wait(PATIENCE)
        signal.pthread_kill(main, signal.SIGUSR1)

    striker = threading.Thread(target=strike)
    try:
        made = SocketTransport(ssl_context=deaf.trust, http2=http2)
        with deaf.server, contextlib.closing(made) as sender:
            striker.start()
            with pytest.raises(_InterruptedError) as caught:
                sender.open(deaf.post(), None).receive(None)
            deaf.over.set()
    finally:
        striker.join(PATIENCE)
        signal.signal(signal.SIGUSR1, previous)
    assert KEY not in shown(caught.value)
