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
        name: the sample's name in the report, such as `"tools.sse"`.
        data: the body's bytes, decompressed.
        content_type: the response's content type. `application/json` is a whole answer, any other a stream.
        fails: whether reading must fail, because the sample is an error inside a 200 or breaks off.
        golden: the message that the sample means, if it is to be compared.
        request: the part of the next request's body for this answer, if it is to be compared: a block, a
            message or a list of them, exactly as in the body.
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
