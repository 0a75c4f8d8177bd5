"""A sans-IO core for LLM providers: pure state machines, no I/O.

Bytes in, events out. `transports` drives them over sockets; `sansio.testing` has the server's half.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sansio.answers import (
    Answer,
    OpenPart,
)
from sansio.call import (
    Call,
)
from sansio.config import (
    PROVIDER_DEFAULTS,
    AuthMethod,
    ProviderConfig,
    ProviderDefaults,
)
from sansio.content import (
    AudioPart,
    Citation,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    Tool,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.context import (
    estimate_tokens,
    fit_context,
)
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
    PartComplete,
    ReasoningDelta,
    RefusalDelta,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    ToolCallDelta,
    ToolCallStarted,
    replay,
)
from sansio.families.base import (
    AnswerReader,
    Dialect,
)
from sansio.framing import (
    AWSFramer,
    Framer,
    NDJSONFramer,
    ServerSentEvent,
    SSEDecoder,
    SSEFailed,
    SSEFramer,
)
from sansio.http import (
    Body,
    End,
    Head,
    HTTPExchange,
    Lost,
    Request,
)
from sansio.jsontext import (
    JSONObject,
    decode_object,
)
from sansio.limits import (
    Limits,
)
from sansio.options import (
    Option,
    portable,
)
from sansio.parser import (
    StreamParser,
)
from sansio.porting import (
    LeftOut,
    port,
)
from sansio.provider import (
    Prepared,
    Provider,
)
from sansio.providers.registry import (
    register_provider,
)
from sansio.response import RateLimit, ResponseInfo
from sansio.retry import (
    RetrySchedule,
)
from sansio.states import (
    CallState,
)
from sansio.steps import (
    ChunkRecord,
    Record,
    RequestRecord,
    ResponseRecord,
    Send,
    Wait,
)

if TYPE_CHECKING:
    from sansio.families.chat import ChatDialect
    from sansio.families.messages import MessagesDialect

_FAMILIES = {"ChatDialect": "sansio.families.chat", "MessagesDialect": "sansio.families.messages"}
"""Names that are loaded when they are first used: a program mostly speaks one family, and starts sooner."""

__all__ = [
    "PROVIDER_DEFAULTS",
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AWSFramer",
    "Answer",
    "AnswerReader",
    "AudioPart",
    "AuthMethod",
    "AuthenticationError",
    "BadRequestError",
    "Body",
    "Call",
    "CallState",
    "ChatDialect",
    "ChunkRecord",
    "Citation",
    "ConfigError",
    "ContentDelta",
    "Dialect",
    "DocumentPart",
    "End",
    "FinishReason",
    "Framer",
    "HTTPExchange",
    "Head",
    "ImagePart",
    "InternalServerError",
    "InvalidRequestError",
    "InvalidToolCall",
    "JSONObject",
    "LeftOut",
    "LimitExceededError",
    "Limits",
    "LocalProtocolError",
    "Lost",
    "Message",
    "MessagesDialect",
    "NDJSONFramer",
    "NotFoundError",
    "OpenPart",
    "Option",
    "Part",
    "PartComplete",
    "PermissionDeniedError",
    "Prepared",
    "Provider",
    "ProviderConfig",
    "ProviderDefaults",
    "ProviderError",
    "RateLimit",
    "RateLimitError",
    "ReasoningDelta",
    "ReasoningPart",
    "Record",
    "RefusalDelta",
    "RefusalPart",
    "RemoteProtocolError",
    "Request",
    "RequestRecord",
    "ResponseInfo",
    "ResponseRecord",
    "RetrySchedule",
    "Role",
    "SSEDecoder",
    "SSEFailed",
    "SSEFramer",
    "Send",
    "ServerSentEvent",
    "ServerToolPart",
    "StreamComplete",
    "StreamEvent",
    "StreamFailed",
    "StreamParser",
    "StreamTruncatedError",
    "TextPart",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallStarted",
    "TransportError",
    "UnknownPart",
    "Usage",
    "Wait",
    "decode_object",
    "estimate_tokens",
    "fit_context",
    "port",
    "portable",
    "register_provider",
    "replay",
]


def __getattr__(name: str) -> object:
    if name not in _FAMILIES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_FAMILIES[name]), name)
