"""The structure of the fault table: what a caller gets for one fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, structs

from sansio import ProviderError, Request
from sansio.testing import FakeProvider
from sansio.testing.faults import FaultyProvider, find_fault

MALFORMED = "malformed HTTP: "
"""The beginning of a message about malformed HTTP."""


class Gets(Struct, frozen=True):
    """The outcome of a call.

    Args:
        kind: of its error; `None` for the whole answer.
        says: what its message says, with `{peer}` for host and port; alternatives, if the system decides
            which of them is seen first.
        attempts: how often the request was sent.
        partial: the text received before; `None` for nothing.
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
        stream: the outcome of a stream.
        whole: the outcome of a whole answer. Default: as the stream.
        over_tls: both over TLS, if that differs.
        clocks: of the config, for the stream and for the whole answer.
        clocks_over_tls: for both over TLS, if those differ.
        secure: the fault is one of TLS, and is seen only there.
        text: what the server does, where the fault is none of `sansio.testing.faults`.
        large: a large request is sent.
    """

    fault: str
    stream: Gets
    whole: Gets | None = None
    over_tls: Gets | None = None
    clocks: tuple[Clocks, Clocks] = ({}, {})
    clocks_over_tls: Clocks | None = None
    secure: bool = False
    text: str = ""
    large: bool = False

    @property
    def about(self) -> str:
        """What the server does."""
        return self.text or find_fault(self.fault).about

    @property
    def memory(self) -> bool:
        """Whether a server without sockets can have the fault."""
        if self.text:
            return False
        faulty = FaultyProvider(FakeProvider(), find_fault(self.fault))
        try:
            faulty.respond(Request.post("http://localhost/v1/chat/completions", (), b"{}"))
        except ValueError:
            return False
        return True

    def timed(self, *, stream: bool, tls: bool) -> Clocks:
        """The clocks of a call, with TLS or without."""
        if tls and self.clocks_over_tls is not None:
            return self.clocks_over_tls
        return self.clocks[not stream]

    def gets(self, *, stream: bool, transport: str, tls: bool) -> Gets:
        """The outcome of a call by this transport, with TLS or without."""
        gets = self.stream if stream or self.whole is None else self.whole
        if self.over_tls is not None and tls:
            gets = self.over_tls
        return gets if stream else structs.replace(gets, partial=None)  # a whole answer has no partial


def fails(kind: type[ProviderError], *says: str, attempts: int = 1, partial: str | None = None) -> Gets:
    return Gets(kind, says, attempts, partial)
