"""The names that the design promises are there, each with a word on what it is for."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

import sansio
import transports

SANSIO = [
    "Role",
    "Message",
    "ToolCall",
    "InvalidToolCall",
    "TextPart",
    "ImagePart",
    "DocumentPart",
    "Usage",
    "FinishReason",
    "StreamEvent",
    "ContentDelta",
    "ReasoningDelta",
    "ToolCallStarted",
    "ToolCallDelta",
    "StreamComplete",
    "StreamFailed",
    "ProviderConfig",
    "AuthMethod",
    "Limits",
    "PROVIDER_DEFAULTS",
    "ProviderDefaults",
    "register_provider",
    "Provider",
    "Call",
    "Send",
    "Wait",
    "Head",
    "Body",
    "End",
    "Lost",
    "StreamParser",
    "SSEDecoder",
    "ServerSentEvent",
    "Framer",
    "SSEFramer",
    "NDJSONFramer",
    "AWSFramer",
    "SSEFailed",
    "HTTPExchange",
    "Request",
    "RetrySchedule",
    "ResponseInfo",
    "RateLimit",
    "Dialect",
    "OpenAICompatDialect",
    "fit_context",
    "ProviderError",
    "ConfigError",
    "InvalidRequestError",
    "LocalProtocolError",
    "RemoteProtocolError",
    "StreamTruncatedError",
    "LimitExceededError",
    "APIStatusError",
    "BadRequestError",
    "AuthenticationError",
    "PermissionDeniedError",
    "NotFoundError",
    "RateLimitError",
    "InternalServerError",
    "TransportError",
    "APIConnectionError",
    "APITimeoutError",
]
TRANSPORTS = [
    "create_provider",
    "AsyncProvider",
    "EventStream",
    "create_sync_provider",
    "SyncProvider",
    "SyncEventStream",
    "Transport",
    "Exchange",
    "SyncTransport",
    "SyncExchange",
    "RawLog",
    "AnyioTransport",
    "HttpcoreTransport",
    "MemoryTransport",
]
PROMISED = [(sansio, name) for name in SANSIO] + [(transports, name) for name in TRANSPORTS]


@pytest.mark.parametrize(("module", "name"), PROMISED, ids=[name for _, name in PROMISED])
def test_a_promised_name_is_public(module: ModuleType, name: str) -> None:
    assert name in module.__all__
    value = getattr(module, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert inspect.getdoc(value)


@pytest.mark.parametrize("module", [sansio, transports])
def test_what_is_public_is_there_once(module: ModuleType) -> None:
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("module", [sansio, transports])
def test_every_public_class_and_its_methods_say_what_they_are_for(module: ModuleType) -> None:
    for name in module.__all__:
        value = getattr(module, name)
        if not inspect.isclass(value):
            continue
        for method, member in vars(value).items():
            if not method.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                assert inspect.getdoc(getattr(value, method)), f"{name}.{method}"
