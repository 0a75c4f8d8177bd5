"""One answer of a wire, as bytes."""

from __future__ import annotations

from msgspec import Struct

from sansio.content import Message
from sansio.jsontext import JSON

WHOLE = "application/json"
"""The content type of an answer that is not streamed."""


class Sample(Struct, frozen=True, kw_only=True):
    """An answer as a server sends it: a stream, or a whole body.

    Args:
        name: for the report, such as `"tools.sse"`.
        data: the body's bytes, decompressed.
        content_type: the response's. `application/json` is a whole answer, everything else is a stream.
        fails: the sample is an error inside a 200, or breaks off: reading it must fail.
        golden: the message that it means.
        request: what the next request has in its body for this answer: a block, a message or a list of them,
            exactly as it is there.
    """

    name: str
    data: bytes
    content_type: str = "text/event-stream"
    fails: bool = False
    golden: Message | None = None
    request: JSON = None

    @property
    def media_type(self) -> str:
        """The content type without parameters, in lower case."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def is_whole(self) -> bool:
        """Whether it is not streamed."""
        return self.media_type == WHOLE
