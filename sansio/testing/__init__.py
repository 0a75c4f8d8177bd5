"""Fake servers for every provider, without I/O, for tests and for trying things without a key.

`FakeProvider` takes a request and returns a response; `FakeConnection` serves it over HTTP/1.1, bytes in and
bytes out; the encoders turn answers and events into each provider's bytes.
"""

from sansio.testing.batches import BatchScript
from sansio.testing.connection import FakeConnection
from sansio.testing.dialects import Report, Result, Sample, Verdict, check_dialect
from sansio.testing.failures import refuse
from sansio.testing.fake import FakeProvider
from sansio.testing.parsers import Parser, check_parser
from sansio.testing.prompt import OfferedTool, Prompt, ToolResult, count_tokens
from sansio.testing.routes import Route
from sansio.testing.script import (
    PROVIDER_TYPES,
    Answer,
    Broken,
    Delta,
    Ending,
    Failure,
    FakeResponse,
    Outcome,
    ProviderType,
    Responder,
)
from sansio.testing.wire import encode_events, encode_stream, encode_whole
from sansio.testing.wires import Shelf, Wire, register_wire

__all__ = [
    "PROVIDER_TYPES",
    "Answer",
    "BatchScript",
    "Broken",
    "Delta",
    "Ending",
    "Failure",
    "FakeConnection",
    "FakeProvider",
    "FakeResponse",
    "OfferedTool",
    "Outcome",
    "Parser",
    "Prompt",
    "ProviderType",
    "Report",
    "Responder",
    "Result",
    "Route",
    "Sample",
    "Shelf",
    "ToolResult",
    "Verdict",
    "Wire",
    "check_dialect",
    "check_parser",
    "count_tokens",
    "encode_events",
    "encode_stream",
    "encode_whole",
    "refuse",
    "register_wire",
]
