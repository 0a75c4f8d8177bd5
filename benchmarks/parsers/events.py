"""Parsers of server-sent events alone.

They read a response, so all pieces are kept until `close()`, and are then read as they were cut.
"""

from __future__ import annotations

from typing import Any

from benchmarks.measure import peer

# Any: the libraries need not be installed where this is type-checked.

_HEADERS = {"content-type": "text/event-stream"}


class _Parser:
    def __init__(self) -> None:
        self._fed: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Keep a piece."""
        self._fed.append(data)

    def _response(self, library: str) -> Any:
        made = peer(library)
        request = made.Request("GET", "http://localhost")
        return made.Response(200, headers=_HEADERS, content=iter(self._fed), request=request)


class HttpxSSE(_Parser):
    """httpx-sse over a response of httpx."""

    def close(self) -> list[tuple[str, str, str]]:
        """The events."""
        source = peer("httpx_sse").EventSource(self._response("httpx"))
        return [(event.event, event.data, event.id) for event in source.iter_sse()]


class Httpx2(_Parser):
    """The event source that is part of httpx2."""

    def close(self) -> list[tuple[str, str, str]]:
        """The events."""
        source = peer("httpx2").EventSource(self._response("httpx2"))
        return [(event.event, event.data, event.id) for event in source]
