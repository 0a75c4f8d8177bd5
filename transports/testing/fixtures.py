"""The fixtures of the pytest plugin: a fake provider, and a tape."""

from __future__ import annotations

import os
import ssl
from collections import deque
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path

import msgspec

from sansio import ProviderConfig, Request
from sansio.jsontext import JSONObject
from sansio.testing import Answer, FakeProvider, Outcome
from sansio.testing.faults import BadCertificate, Fault, FaultyProvider, NoTLS, PortDeed, find_fault
from sansio.testing.tape import Cuts, RecordedExchange
from transports.interface import SyncTransport, Transport
from transports.testing.loopback import Loopback, LoopbackThread, loopback_thread
from transports.testing.memory import MemoryTransport, SyncMemoryTransport
from transports.testing.recording import RecordingTransport, SyncRecordingTransport
from transports.testing.replaying import ReplayTransport, SyncReplayTransport


class FakeProviderFixture:
    """A fake provider in this process. `config` and `server` also serve it on 127.0.0.1.

    Attributes:
        provider: the fake provider.
        transport: reaches the provider without sockets, under asyncio and trio.
        sync_transport: the blocking counterpart of `transport`.
    """

    def __init__(self) -> None:
        self.provider = FakeProvider()
        self._faulty = FaultyProvider(self.provider)
        self.transport = MemoryTransport(self._faulty)
        self.sync_transport = SyncMemoryTransport(self._faulty)
        self._stack = ExitStack()
        self._server: LoopbackThread | None = None
        self._trusted: ssl.SSLContext | None = None

    @property
    def script(self) -> deque[Outcome]:
        """The outcomes to answer with; see `FakeProvider`. If there are none left, a small model answers."""
        return self.provider.script

    def answer(self, *outcomes: Outcome | str) -> None:
        """Add outcomes to the script.

        Args:
            *outcomes: as for `FakeProvider`; a `str` is an answer with this text.
        """
        self.script.extend(Answer(text=each) if isinstance(each, str) else each for each in outcomes)

    @property
    def requests(self) -> list[Request]:
        """All received requests, in order."""
        return self.provider.requests

    @property
    def payloads(self) -> list[JSONObject]:
        """The bodies of all received requests that have one.

        Raises:
            msgspec.DecodeError: a body is not a JSON object.
        """
        return [msgspec.json.decode(each.body, type=JSONObject) for each in self.requests if each.body]

    @property
    def fault(self) -> Fault | None:
        """The fault of all further answers; set it to a name of `sansio.testing.faults.FAULTS`, or to `None`.

        In memory there are no connections, so a fault of the port, of TLS or of the writing of HTTP needs
        `config`. A fault of the port or of TLS takes effect in the server that the next `config` starts.
        """
        return self._faulty.fault

    @fault.setter
    def fault(self, fault: Fault | str | None) -> None:
        found = find_fault(fault) if isinstance(fault, str) else fault
        at_port = any(each is not None and isinstance(each.deed, PortDeed) for each in (self.fault, found))
        self._faulty.fault = found
        if at_port:
            self.close()
        elif self._server is not None:
            self._server.fault = found

    def config(self, type: str = "openai", **fields: object) -> ProviderConfig:
        """Start the server, and return a config that reaches it over a socket, with any transport or library.

        Args:
            type: the provider's type.
            **fields: other fields of `ProviderConfig`.
        """
        return self.server.config(type, **fields)

    @property
    def server(self) -> Loopback:
        """The server, with its `url`."""
        if self._server is None:
            context = self._certified() if _speaks_tls(self.fault) else None
            serving = loopback_thread(self.provider, ssl_context=context, fault=self.fault)
            self._server = self._stack.enter_context(serving)
        return self._server

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """A client's context that trusts the authority of a server with a fault of TLS. It needs trustme.

        Raises:
            ValueError: no fault of TLS is set.
        """
        _ = self.server
        if self._trusted is None:
            raise ValueError("ssl_context: there is no TLS; first set fault to tls-wrong-name or tls-expired")
        return self._trusted

    def close(self) -> None:
        """Stop the server, if there is one. The next `config` starts another."""
        self._server = self._trusted = None
        self._stack.close()

    def _certified(self) -> ssl.SSLContext:
        from transports.testing.certificates import certified, make_authority  # an extra, for few tests

        authority = make_authority()
        self._trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(self._trusted)
        deed = None if self.fault is None else self.fault.deed
        return certified(authority, deed.flaw if isinstance(deed, BadCertificate) else None)


def _speaks_tls(fault: Fault | None) -> bool:
    return fault is not None and isinstance(fault.deed, (BadCertificate, NoTLS))


class TapeFixture:
    """The tape of one test: recorded over a network if `--llm-record` asks for it, and otherwise replayed.

    Use either `transport` or `sync_transport`.

    Attributes:
        path: the path of the tape.
        recording: whether the tape is being recorded. The recording replaces the tape if the test passes. If
            the test fails, the recording stays beside the tape, with `.new` after its name.
        api_key: for `create_provider`: `None` while recording, so that the real key is read; a dummy key
            while replaying, so that no real one is needed.
    """

    def __init__(
        self,
        path: Path,
        *,
        recording: bool,
        cuts: Cuts,
        show_headers: Collection[str],
        inner: Callable[[], Transport],
        sync_inner: Callable[[], SyncTransport],
    ) -> None:
        self.path = path
        self.recording = recording
        self.api_key = None if recording else "replayed-without-a-key"
        self._new = path.with_name(f"{path.name}.new")
        self._cuts = cuts
        self._shown = show_headers
        self._inner = inner
        self._sync_inner = sync_inner
        self._async: RecordingTransport | ReplayTransport | None = None
        self._sync: SyncRecordingTransport | SyncReplayTransport | None = None

    @property
    def transport(self) -> RecordingTransport | ReplayTransport:
        """The transport for asyncio and trio."""
        if self._async is None:
            self._check_first()
            self._async = (
                RecordingTransport(self._inner(), self._new, show_headers=self._shown)
                if self.recording
                else ReplayTransport(self.path, cuts=self._cuts, show_headers=self._shown)
            )
        return self._async

    @property
    def sync_transport(self) -> SyncRecordingTransport | SyncReplayTransport:
        """The transport without an event loop."""
        if self._sync is None:
            self._check_first()
            self._sync = (
                SyncRecordingTransport(self._sync_inner(), self._new, show_headers=self._shown)
                if self.recording
                else SyncReplayTransport(self.path, cuts=self._cuts, show_headers=self._shown)
            )
        return self._sync

    @property
    def remaining(self) -> tuple[RecordedExchange, ...]:
        """The exchanges on the tape that the test has not requested yet; none while recording."""
        used = self._async or self._sync
        return used.remaining if isinstance(used, (ReplayTransport, SyncReplayTransport)) else ()

    def finish(self, *, passed: bool) -> None:
        """End the test.

        Args:
            passed: whether the test passed, so that the recording replaces the tape.
        """
        used = self._async or self._sync
        if isinstance(used, (RecordingTransport, SyncRecordingTransport)):
            used.close_tape()
            if passed and self._new.exists():
                os.replace(self._new, self.path)

    def _check_first(self) -> None:
        if self._async is not None or self._sync is not None:
            raise RuntimeError("llm_tape: use transport or sync_transport in a test, not both")
        if self.recording:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._new.unlink(missing_ok=True)
