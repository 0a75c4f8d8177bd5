"""Hypothesis strategies to test a parser of LLM streams, this library's or another.

They need the extra `testing`; nothing else in `sansio` imports hypothesis. `docs/fuzzing.md` uses
them on a parser of your own, `docs/laws.md` lists the laws that this library's machines are tested for.

A dialect is a provider type's name, one of `sansio.testing.PROVIDER_TYPES`, `"bedrock"`, `"cohere"`,
`"google"` or `"vertex"`, or type and api, such as `"openai/responses"`; any other is a `ValueError`.
"""

try:
    import hypothesis  # noqa: F401 - here only so that a missing one is named together with its extra
except ImportError as error:
    raise ImportError(
        "sansio.testing.strategies needs Hypothesis: pip install 'sansio-llm[testing]'"
    ) from error

from sansio.testing.strategies.answers import answers, events, messages
from sansio.testing.strategies.cuts import chunkings
from sansio.testing.strategies.hostile import hostile_streams
from sansio.testing.strategies.http import NearlyHTTP, http_responses
from sansio.testing.strategies.plain import NDJSONStream, SSEStream, ndjson_streams, sse_streams
from sansio.testing.strategies.requests import Asked, histories, requests
from sansio.testing.strategies.responses import (
    ResponseStream,
    hostile_response_streams,
    reframed,
    response_items,
    response_streams,
)
from sansio.testing.strategies.streams import ValidStream, streams
from sansio.testing.strategies.tapes import tapes

__all__ = [
    "Asked",
    "NDJSONStream",
    "NearlyHTTP",
    "ResponseStream",
    "SSEStream",
    "ValidStream",
    "answers",
    "chunkings",
    "events",
    "histories",
    "hostile_response_streams",
    "hostile_streams",
    "http_responses",
    "messages",
    "ndjson_streams",
    "reframed",
    "requests",
    "response_items",
    "response_streams",
    "sse_streams",
    "streams",
    "tapes",
]
