"""The order in which a host's addresses are tried, and the time between two attempts (RFC 8305)."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, TypeAlias

Address: TypeAlias = tuple[int, Any]
"""An address family, and an address as the socket module takes it: a tuple, or the path of a Unix socket."""

STAGGER = 0.25
"""Seconds between two attempts that run side by side (RFC 8305, section 8)."""


def alternate(addresses: list[Address]) -> list[Address]:
    """Alternate the families (RFC 8305, section 4): an unreachable one delays the other by one attempt."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    pairs = zip_longest(first, others)
    return [address for pair in pairs for address in pair if address is not None]
