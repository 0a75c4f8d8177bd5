"""What a server does on one connection: the steps that need a socket."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class Deliver(Struct, frozen=True, gc=False):
    """Send these bytes in a write without any others."""

    data: bytes


class Pause(Struct, frozen=True, gc=False):
    """Wait this many seconds."""

    seconds: float


class Stall(Struct, frozen=True):
    """Send nothing more; the connection stays open until the client closes it."""


class HalfClose(Struct, frozen=True):
    """Stop sending (FIN), and go on reading until the client closes the connection."""


class Close(Struct, frozen=True):
    """Close the connection in an orderly way (FIN), in both directions."""


class Reset(Struct, frozen=True):
    """Close the connection with a reset (RST)."""


Action: TypeAlias = Deliver | Pause | Stall | HalfClose | Close | Reset
"""The last four are the end of a connection's actions."""
