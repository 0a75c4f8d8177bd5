"""A sans-IO core for LLM providers: pure state machines, no I/O.

Bytes in, events out. `transports` drives them over sockets; `sansio.testing` has the server's half.
"""

from typing import TYPE_CHECKING

from sansio.call import Call
from sansio.config import PROVIDER_DEFAULTS, AuthMethod, ProviderConfig, ProviderDefaults
from sansio.context import estimate_tokens, fit_context
from sansio.dialects import Dialect, DialectStream, register_provider
from sansio.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    InternalServerError,
    InvalidRequestError,
    LimitExceededError,
    LocalProtocolError,
    NotFoundError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    RemoteProtocolError,
    StreamTruncatedError,
    TransportError,
)
from sansio.events import (
    ContentDelta,
    ReasoningDelta,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.http import Body, End, Head, HTTPExchange, Lost, Request
from sansio.limits import Limits
from sansio.messages import (
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    ProviderState,
    Role,
    TextPart,
    ToolCall,
    Usage,
)
from sansio.parser import StreamParser
from sansio.provider import Provider
from sansio.response import RateLimit, ResponseInfo
from sansio.retry import RetrySchedule
from sansio.sse import ServerSentEvent, SSEDecoder, SSEFailed
from sansio.states import CallState
from sansio.steps import ChunkRecord, Record, RequestRecord, ResponseRecord, Send, Wait

if TYPE_CHECKING:
    from sansio.dialects import OpenAICompatDialect

__all__ = [
    "PROVIDER_DEFAULTS",
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AuthMethod",
    "AuthenticationError",
    "BadRequestError",
    "Body",
    "Call",
    "CallState",
    "ChunkRecord",
    "ConfigError",
    "ContentDelta",
    "Dialect",
    "DialectStream",
    "DocumentPart",
    "End",
    "FinishReason",
    "HTTPExchange",
    "Head",
    "ImagePart",
    "InternalServerError",
    "InvalidRequestError",
    "InvalidToolCall",
    "LimitExceededError",
    "Limits",
    "LocalProtocolError",
    "Lost",
    "Message",
    "NotFoundError",
    "OpenAICompatDialect",
    "PermissionDeniedError",
    "Provider",
    "ProviderConfig",
    "ProviderDefaults",
    "ProviderError",
    "ProviderState",
    "RateLimit",
    "RateLimitError",
    "ReasoningDelta",
    "Record",
    "RemoteProtocolError",
    "Request",
    "RequestRecord",
    "ResponseInfo",
    "ResponseRecord",
    "RetrySchedule",
    "Role",
    "SSEDecoder",
    "SSEFailed",
    "Send",
    "ServerSentEvent",
    "StreamComplete",
    "StreamEvent",
    "StreamFailed",
    "StreamParser",
    "StreamTruncatedError",
    "TextPart",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallStarted",
    "TransportError",
    "Usage",
    "Wait",
    "estimate_tokens",
    "fit_context",
    "register_provider",
]


def __getattr__(name: str) -> object:
    if name == "OpenAICompatDialect":  # with all that it brings, only where it is used
        from sansio.dialects import OpenAICompatDialect

        return OpenAICompatDialect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
