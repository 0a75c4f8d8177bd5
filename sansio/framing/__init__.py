"""Framings: how the bytes of a body are cut into frames, and no word on what is in them."""

from sansio.framing.aws import AWSFramer
from sansio.framing.base import Framer, Read
from sansio.framing.ndjson import NDJSONFramer
from sansio.framing.sse import ServerSentEvent, SSEDecoder, SSEFailed, SSEFramer

__all__ = [
    "AWSFramer",
    "Framer",
    "NDJSONFramer",
    "Read",
    "SSEDecoder",
    "SSEFailed",
    "SSEFramer",
    "ServerSentEvent",
]
