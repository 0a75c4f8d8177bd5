"""Framings: they split the bytes of a body into frames, and do not interpret the payloads."""

from sansio.framing.aws import AWSChunkFramer, AWSFramer
from sansio.framing.base import Framer, Read
from sansio.framing.ndjson import NDJSONFramer
from sansio.framing.sse import ServerSentEvent, SSEDecoder, SSEFailed, SSEFramer

__all__ = [
    "AWSChunkFramer",
    "AWSFramer",
    "Framer",
    "NDJSONFramer",
    "Read",
    "SSEDecoder",
    "SSEFailed",
    "SSEFramer",
    "ServerSentEvent",
]
