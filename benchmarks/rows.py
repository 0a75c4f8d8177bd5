"""The rows by name. Each is a module, loaded on demand, so that a worker loads only its own."""

from __future__ import annotations

from importlib import import_module

from benchmarks.measure import Row

NAMES = (
    "decode",
    "frames",
    "decode_native",
    "path",
    "observing",
    "recording",
    "end_to_end",
    "calls",
    "tls",
    "http2",
    "first_event",
    "building",
    "imports",
    "memory",
    "growth",
    "bulk",
    "million",
)
"""In the order in which they run."""


def row(name: str) -> Row:
    """The row of that name."""
    found: Row = import_module(f"benchmarks.{name}").ROW
    return found
