"""HTTP responses that are nearly right, with the result of reading them with h11."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec import Struct

from sansio.testing.by_h11 import Understood, by_h11
from sansio.testing.nearly_http import nearly_http
from sansio.testing.strategies.cuts import chunkings


class NearlyHTTP(Struct, frozen=True):
    """A response to a POST, mostly with faults.

    Args:
        data: all bytes that the server sends before it closes the connection.
        pieces: the same bytes, in the pieces in which they arrive.
        by_h11: what h11 reads: the status, headers and body, whether the response is whole or broken, and
            whether the connection could take another request.
    """

    data: bytes
    pieces: list[bytes]
    by_h11: Understood


@st.composite
def http_responses(draw: st.DrawFn) -> NearlyHTTP:
    """HTTP/1.1 responses with one to four faults, for any reader of HTTP: compare it with `by_h11`.

    Faults are in line ends, spaces, lengths, codings, versions and trailers; lines are doubled, moved or cut.
    A reader may well be stricter than h11. Where it is laxer, it may take one response for another.
    """
    data = nearly_http(draw(st.randoms(use_true_random=False)))
    return NearlyHTTP(data, draw(chunkings(data)), by_h11(data))
