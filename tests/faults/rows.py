"""The shape of the fault table: what a caller gets of one fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, structs

from sansio import ProviderError, RemoteProtocolError, Request
from sansio.testing import FakeProvider
from sansio.testing.faults import FaultyProvider, find_fault

MALFORMED = "malformed HTTP: "
"""What a message about malformed HTTP begins with."""


class Gets(Struct, frozen=True):
    """What a call ends with.

    Args:
        kind: of its error; `None` for the whole answer.
        says: what its message says, with `{peer}` for host and port; alternatives, where the system decides
            which of them is seen first.
        attempts: how often the request was sent.
        partial: the text that had come; `None` for nothing.
    """

    kind: type[ProviderError] | None
    says: tuple[str, ...] = ()
    attempts: int = 1
    partial: str | None = None


Clocks: TypeAlias = Mapping[str, float]


class Row(Struct, frozen=True, kw_only=True):
    """One fault.

    Args:
        fault: its name, with its number.
        stream: what a stream ends with.
        whole: what a whole answer ends with; as the stream, where left out.
        over_tls: both over TLS, where that differs.
        tls_may_say: what may be said over TLS instead, by transports that cannot tell a reset from a close.
        by_httpcore: both by httpcore and httpcore2, where that differs.
        clocks: of the config, for the stream and for the whole answer.
        secure: the fault is one of TLS, and shows there only.
        spoils: by httpcore and httpcore2, what the server sent beyond the response is taken for the next one.
    """

    fault: str
    stream: Gets
    whole: Gets | None = None
    over_tls: Gets | None = None
    tls_may_say: str = ""
    by_httpcore: Gets | None = None
    clocks: tuple[Clocks, Clocks] = ({}, {})
    secure: bool = False
    spoils: bool = False

    @property
    def memory(self) -> bool:
        """Whether a server without sockets can have the fault."""
        faulty = FaultyProvider(FakeProvider(), find_fault(self.fault))
        try:
            faulty.respond(Request.post("http://localhost/v1/chat/completions", (), b"{}"))
        except ValueError:
            return False
        return True

    def gets(self, *, stream: bool, transport: str, tls: bool) -> Gets:
        """What a call ends with, by this transport, over TLS or without."""
        gets = self.stream if stream or self.whole is None else self.whole
        if self.by_httpcore is not None and transport.startswith("httpcore"):
            gets = self.by_httpcore
        elif self.spoils and gets.attempts > 1 and transport.startswith("httpcore"):
            gets = fails(RemoteProtocolError, MALFORMED, attempts=2)  # the next one is that of its own retry
        elif self.over_tls is not None and tls:
            gets = self.over_tls
        if self.tls_may_say and tls and gets.kind is not None:
            gets = structs.replace(gets, says=(*gets.says, self.tls_may_say))
        return gets if stream else structs.replace(gets, partial=None)  # a whole answer is not told in part


def fails(kind: type[ProviderError], *says: str, attempts: int = 1, partial: str | None = None) -> Gets:
    return Gets(kind, says, attempts, partial)
