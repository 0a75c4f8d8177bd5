"""What a server does on one connection: the steps that a socket, and only a socket, can perform."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class Deliver(Struct, frozen=True, gc=False):
    """Send these bytes, and let nothing else join them in one write."""

    data: bytes


class Pause(Struct, frozen=True, gc=False):
    """Wait so many seconds."""

    seconds: float


class Stall(Struct, frozen=True):
    """Send nothing more; the connection stays open until the client closes it."""


class HalfClose(Struct, frozen=True):
    """End what is sent (FIN), and go on reading until the client closes the connection."""


class Close(Struct, frozen=True):
    """Close the connection in an orderly way (FIN), in both directions."""


class Reset(Struct, frozen=True):
    """Close the connection with a reset (RST)."""


Action: TypeAlias = Deliver | Pause | Stall | HalfClose | Close | Reset
"""The last four end what the server does on the connection."""
