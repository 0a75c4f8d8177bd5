"""Fake servers for every provider, pure, for tests and for trying things without a key.

`FakeProvider` takes a request and gives a response; `FakeConnection` puts it behind HTTP/1.1, bytes in and
bytes out; the encoders turn answers and events into each provider's bytes.
"""

from sansio.testing.connection import FakeConnection
from sansio.testing.dialects import Report, Result, Sample, Verdict, check_dialect
from sansio.testing.fake import FakeProvider
from sansio.testing.script import (
    PROVIDER_TYPES,
    Answer,
    Broken,
    Ending,
    Failure,
    FakeResponse,
    Outcome,
    ProviderType,
    Responder,
)
from sansio.testing.wire import encode_events, encode_stream, encode_whole
from sansio.testing.wires import Wire, register_wire

__all__ = [
    "PROVIDER_TYPES",
    "Answer",
    "Broken",
    "Ending",
    "Failure",
    "FakeConnection",
    "FakeProvider",
    "FakeResponse",
    "Outcome",
    "ProviderType",
    "Report",
    "Responder",
    "Result",
    "Sample",
    "Verdict",
    "Wire",
    "check_dialect",
    "encode_events",
    "encode_stream",
    "encode_whole",
    "register_wire",
]
