"""A server that keeps a streamed response, so that a cut stream can be resumed: for tests of resuming."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs

import msgspec

from sansio.http import Request
from sansio.jsontext import JSONObject
from sansio.testing.routes import split_target
from sansio.testing.script import Ending, FakeResponse

_STREAM = (("content-type", "text/event-stream"),)


class KeptStream:
    """A `Responder` with one background response, whose events can be fetched from any number on.

    Source of the wire's form: OpenAI's page on background mode, and its SDK (`ResponseRetrieveParams`).

    Args:
        records: the response's events in order, without their sequence numbers.
        cuts: for each request in order, how many bytes of its response are sent before the connection is
            lost. Responses after these are whole.
        overlaps: for each request in order, how many events are sent again that the client has already.
        ending: how a response that is cut ends.

    Attributes:
        requests: all received requests.
        size: the size of the whole stream, in bytes.

    Example:
        transport = MemoryTransport(KeptStream(records, cuts=(500,)))
    """

    def __init__(
        self,
        records: Sequence[JSONObject],
        *,
        cuts: Sequence[int] = (),
        overlaps: Sequence[int] = (),
        ending: Ending = Ending.DROP,
    ) -> None:
        self.requests: list[Request] = []
        self._frames = [
            b"data: %b\n\n" % msgspec.json.encode({**record, "sequence_number": number})
            for number, record in enumerate(records)
        ]
        self.size = sum(map(len, self._frames))
        self._cuts = iter(cuts)
        self._overlaps = iter(overlaps)
        self._ending = ending

    def respond(self, request: Request) -> FakeResponse:
        """The whole stream, or for `starting_after=N` what follows event N; cut where that is scripted."""
        self.requests.append(request)
        asked = parse_qs(split_target(request)[1]).get("starting_after")
        overlap = next(self._overlaps, 0)
        first = max(0, int(asked[0]) + 1 - overlap) if asked else 0
        pieces = self._frames[first:]
        cut = next(self._cuts, None)
        if cut is None:
            return FakeResponse(headers=_STREAM, pieces=tuple(pieces))
        return FakeResponse(headers=_STREAM, pieces=tuple(_cut(pieces, cut)), ending=self._ending)


def _cut(pieces: Sequence[bytes], size: int) -> Iterator[bytes]:
    """The pieces up to a number of bytes."""
    for piece in pieces:
        if size <= 0:
            return
        yield piece[:size]
        size -= len(piece)
