"""One case of the corpus: bytes as a server sends them, and what they mean."""

from __future__ import annotations

from base64 import b64encode

import msgspec
from msgspec import Struct

from sansio.http import Headers
from sansio.jsontext import JSON, JSONObject
from sansio.testing.corpus.cuts import cuts_of

FORMAT = 1
"""The version of the form of a case, which each line names. It changes when a reader must."""

EVENT_STREAM: Headers = (("content-type", "text/event-stream"),)
JSON_BODY: Headers = (("content-type", "application/json"),)


class Case(Struct, frozen=True, kw_only=True):
    """One response.

    Args:
        name: unique in its file; lower-case letters, digits and hyphens.
        dialect: a provider type, type and api, or the framing alone: `sse` or `ndjson`.
        shows: what a parser must do, in a sentence.
        body: the body's bytes as the server sends them.
        expected: what the body means; see `plain`.
        status: the HTTP status.
        headers: the headers that matter, with names in lower case.
        stream: whether the request asked for a stream.
        hostile: whether no honest provider would send this. The outcome is then this library's decision.
    """

    name: str
    dialect: str
    shows: str
    body: bytes
    expected: JSONObject
    status: int = 200
    headers: Headers = EVENT_STREAM
    stream: bool = True
    hostile: bool = False

    def line(self) -> bytes:
        """The case as a line of JSON, with its line end."""
        cuts: list[JSON] = [list[JSON](offsets) for offsets in cuts_of(self.body)]
        headers: list[JSON] = [[name, value] for name, value in self.headers]
        plain: JSONObject = {
            "format": FORMAT,
            "name": self.name,
            "dialect": self.dialect,
            "shows": self.shows,
            "hostile": self.hostile,
            "stream": self.stream,
            "status": self.status,
            "headers": headers,
            "body": b64encode(self.body).decode(),
            "cuts": cuts,
            "expected": self.expected,
        }
        return msgspec.json.encode(plain) + b"\n"
