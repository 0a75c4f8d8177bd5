"""A sans-IO core for LLM providers: pure state machines, no I/O.

Bytes in, events out. `transports` drives them over sockets; `sansio.testing` plays the server.

Each name is imported when it is first used. So a program that reads one kind of stream does not pay for the
rest, and `import sansio` costs little more than msgspec and h11.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sansio.answers import (
        Answer,
        AssembledCall,
        OpenPart,
        wrap_invalid,
    )
    from sansio.batches import (
        BatchCodec,
        Batches,
        BatchJob,
        BatchPart,
        BatchReader,
        BatchRequest,
        BatchResult,
        BatchState,
    )
    from sansio.bulk import CallRequest, CallResult, no_call_can_succeed
    from sansio.call import Call
    from sansio.config import PROVIDER_DEFAULTS, ProviderConfig
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
    from sansio.context import Fitted, fit_context
    from sansio.conversation import Messages, as_messages
    from sansio.credentials import Credentials, Key
    from sansio.defaults import (
        APIDefaults,
        AuthMethod,
        MessagesProfile,
        Profile,
        ProviderDefaults,
        ResponsesProfile,
    )
    from sansio.endpoints import Content, Embeddings, Endpoint, ModelInfo, NextPage
    from sansio.errors import (
        APIConnectionError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        ConfigError,
        FallbackError,
        InternalServerError,
        InvalidRequestError,
        LimitExceededError,
        LocalProtocolError,
        NotFoundError,
        OutputFormatError,
        PermissionDeniedError,
        ProviderError,
        RateLimitError,
        RemoteProtocolError,
        StreamTruncatedError,
        TransportError,
        UnansweredError,
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
    from sansio.families.base import AnswerReader, Dialect
    from sansio.families.chat import ChatDialect, from_openai, to_openai
    from sansio.families.converse import ConverseDialect
    from sansio.families.fields import (
        base64_bytes,
        base64_text,
        convert,
        rest,
        text_or_none,
        usage_of,
        without_nulls,
    )
    from sansio.families.messages import MessagesDialect
    from sansio.families.responses import ResponsesDialect
    from sansio.fetch import Fetch
    from sansio.framing import (
        AWSChunkFramer,
        AWSFramer,
        Framer,
        NDJSONFramer,
        Read,
        ServerSentEvent,
        SSEDecoder,
        SSEFramer,
    )
    from sansio.http import (
        Body,
        End,
        Head,
        Headers,
        HTTPExchange,
        Lost,
        Request,
        header,
    )
    from sansio.jsontext import (
        JSON,
        JSONObject,
        decode_object,
    )
    from sansio.limiter import (
        Begin,
        Limiter,
        Outcome,
        Rates,
        Ticket,
    )
    from sansio.limits import Limits
    from sansio.lines import LineFetch
    from sansio.options import (
        EmbedOptions,
        ListOptions,
        Option,
        Options,
        PlainOptions,
        listed,
        own,
        portable,
        write_options,
    )
    from sansio.parser import StreamParser
    from sansio.partial import PartialJSON
    from sansio.porting import (
        LeftOut,
        port,
    )
    from sansio.provider import (
        Prepared,
        Provider,
    )
    from sansio.providers.registry import register_provider
    from sansio.response import (
        RateLimit,
        ResponseInfo,
    )
    from sansio.retry import RetrySchedule
    from sansio.steps import (
        Send,
        Wait,
    )
    from sansio.structured import (
        Parsed,
        parse_answer,
        response_format,
        strict_schema,
    )
    from sansio.tools import (
        FunctionTool,
        tool,
    )

_ROOMS = {
    "sansio.answers": (
        "Answer",
        "OpenPart",
        "AssembledCall",
        "wrap_invalid",
    ),
    "sansio.batches": (
        "BatchCodec",
        "BatchJob",
        "BatchPart",
        "BatchReader",
        "BatchRequest",
        "BatchResult",
        "BatchState",
        "Batches",
    ),
    "sansio.bulk": ("CallRequest", "CallResult", "no_call_can_succeed"),
    "sansio.call": ("Call",),
    "sansio.config": ("PROVIDER_DEFAULTS", "ProviderConfig"),
    "sansio.content": (
        "AudioPart",
        "Citation",
        "DocumentPart",
        "FinishReason",
        "ImagePart",
        "InvalidToolCall",
        "Message",
        "Part",
        "ReasoningPart",
        "RefusalPart",
        "Role",
        "ServerToolPart",
        "TextPart",
        "Tool",
        "ToolCall",
        "UnknownPart",
        "Usage",
    ),
    "sansio.context": (
        "Fitted",
        "fit_context",
    ),
    "sansio.conversation": ("Messages", "as_messages"),
    "sansio.credentials": ("Credentials", "Key"),
    "sansio.defaults": (
        "APIDefaults",
        "AuthMethod",
        "MessagesProfile",
        "Profile",
        "ProviderDefaults",
        "ResponsesProfile",
    ),
    "sansio.endpoints": ("Content", "Embeddings", "Endpoint", "ModelInfo", "NextPage"),
    "sansio.errors": (
        "APIConnectionError",
        "APIStatusError",
        "APITimeoutError",
        "AuthenticationError",
        "BadRequestError",
        "ConfigError",
        "FallbackError",
        "InternalServerError",
        "InvalidRequestError",
        "LimitExceededError",
        "LocalProtocolError",
        "NotFoundError",
        "OutputFormatError",
        "PermissionDeniedError",
        "ProviderError",
        "RateLimitError",
        "RemoteProtocolError",
        "StreamTruncatedError",
        "TransportError",
        "UnansweredError",
    ),
    "sansio.events": (
        "ContentDelta",
        "PartComplete",
        "ReasoningDelta",
        "RefusalDelta",
        "StreamComplete",
        "StreamEvent",
        "StreamFailed",
        "ToolCallDelta",
        "ToolCallStarted",
        "replay",
    ),
    "sansio.families.base": (
        "AnswerReader",
        "Dialect",
    ),
    "sansio.families.fields": (
        "base64_bytes",
        "base64_text",
        "convert",
        "rest",
        "text_or_none",
        "usage_of",
        "without_nulls",
    ),
    "sansio.families.chat": ("ChatDialect", "from_openai", "to_openai"),
    "sansio.families.converse": ("ConverseDialect",),
    "sansio.families.messages": ("MessagesDialect",),
    "sansio.families.responses": ("ResponsesDialect",),
    "sansio.fetch": ("Fetch",),
    "sansio.framing": (
        "AWSChunkFramer",
        "AWSFramer",
        "Framer",
        "NDJSONFramer",
        "SSEDecoder",
        "SSEFramer",
        "ServerSentEvent",
        "Read",
    ),
    "sansio.http": (
        "Body",
        "End",
        "HTTPExchange",
        "Head",
        "Lost",
        "Request",
        "Headers",
        "header",
    ),
    "sansio.jsontext": (
        "JSONObject",
        "decode_object",
        "JSON",
    ),
    "sansio.limiter": ("Begin", "Limiter", "Outcome", "Rates", "Ticket"),
    "sansio.limits": ("Limits",),
    "sansio.lines": ("LineFetch",),
    "sansio.options": (
        "EmbedOptions",
        "ListOptions",
        "Option",
        "listed",
        "Options",
        "PlainOptions",
        "portable",
        "own",
        "write_options",
    ),
    "sansio.parser": ("StreamParser",),
    "sansio.partial": ("PartialJSON",),
    "sansio.porting": (
        "LeftOut",
        "port",
    ),
    "sansio.provider": (
        "Prepared",
        "Provider",
    ),
    "sansio.providers.registry": ("register_provider",),
    "sansio.response": (
        "RateLimit",
        "ResponseInfo",
    ),
    "sansio.retry": ("RetrySchedule",),
    "sansio.steps": (
        "Send",
        "Wait",
    ),
    "sansio.structured": (
        "Parsed",
        "parse_answer",
        "response_format",
        "strict_schema",
    ),
    "sansio.tools": (
        "FunctionTool",
        "tool",
    ),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}

__version__ = "0.1.0"

__all__ = [
    "JSON",
    "PROVIDER_DEFAULTS",
    "APIConnectionError",
    "APIDefaults",
    "APIStatusError",
    "APITimeoutError",
    "AWSChunkFramer",
    "AWSFramer",
    "Answer",
    "AnswerReader",
    "AssembledCall",
    "AudioPart",
    "AuthMethod",
    "AuthenticationError",
    "BadRequestError",
    "BatchCodec",
    "BatchJob",
    "BatchPart",
    "BatchReader",
    "BatchRequest",
    "BatchResult",
    "BatchState",
    "Batches",
    "Begin",
    "Body",
    "Call",
    "CallRequest",
    "CallResult",
    "ChatDialect",
    "Citation",
    "ConfigError",
    "Content",
    "ContentDelta",
    "ConverseDialect",
    "Credentials",
    "Dialect",
    "DocumentPart",
    "EmbedOptions",
    "Embeddings",
    "End",
    "Endpoint",
    "FallbackError",
    "Fetch",
    "FinishReason",
    "Fitted",
    "Framer",
    "FunctionTool",
    "HTTPExchange",
    "Head",
    "Headers",
    "ImagePart",
    "InternalServerError",
    "InvalidRequestError",
    "InvalidToolCall",
    "JSONObject",
    "Key",
    "LeftOut",
    "LimitExceededError",
    "Limiter",
    "Limits",
    "LineFetch",
    "ListOptions",
    "LocalProtocolError",
    "Lost",
    "Message",
    "Messages",
    "MessagesDialect",
    "MessagesProfile",
    "ModelInfo",
    "NDJSONFramer",
    "NextPage",
    "NotFoundError",
    "OpenPart",
    "Option",
    "Options",
    "Outcome",
    "OutputFormatError",
    "Parsed",
    "Part",
    "PartComplete",
    "PartialJSON",
    "PermissionDeniedError",
    "PlainOptions",
    "Prepared",
    "Profile",
    "Provider",
    "ProviderConfig",
    "ProviderDefaults",
    "ProviderError",
    "RateLimit",
    "RateLimitError",
    "Rates",
    "Read",
    "ReasoningDelta",
    "ReasoningPart",
    "RefusalDelta",
    "RefusalPart",
    "RemoteProtocolError",
    "Request",
    "ResponseInfo",
    "ResponsesDialect",
    "ResponsesProfile",
    "RetrySchedule",
    "Role",
    "SSEDecoder",
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
    "Ticket",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallStarted",
    "TransportError",
    "UnansweredError",
    "UnknownPart",
    "Usage",
    "Wait",
    "as_messages",
    "base64_bytes",
    "base64_text",
    "convert",
    "decode_object",
    "fit_context",
    "from_openai",
    "header",
    "listed",
    "no_call_can_succeed",
    "own",
    "parse_answer",
    "port",
    "portable",
    "register_provider",
    "replay",
    "response_format",
    "rest",
    "strict_schema",
    "text_or_none",
    "to_openai",
    "tool",
    "usage_of",
    "without_nulls",
    "wrap_invalid",
    "write_options",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
