"""The public names exist, each with a docstring."""

from __future__ import annotations

import inspect
from types import ModuleType

import msgspec
import pytest

import sansio
import sansio.testing
import transports
from sansio import ContentDelta, LeftOut, TextPart, ToolCallStarted
from tests.support import for_each

_SANSIO = """
Message Role FinishReason Usage Citation TextPart ReasoningPart RefusalPart ToolCall InvalidToolCall
ServerToolPart ImagePart AudioPart DocumentPart UnknownPart Part StreamEvent ContentDelta ReasoningDelta
RefusalDelta ToolCallStarted ToolCallDelta PartComplete StreamComplete StreamFailed replay ProviderConfig
AuthMethod Limits PROVIDER_DEFAULTS ProviderDefaults Profile MessagesProfile ResponsesProfile
APIDefaults register_provider Provider Call Send Wait Head Body
End Lost StreamParser SSEDecoder ServerSentEvent HTTPExchange Request RetrySchedule Dialect AnswerReader
Answer Option portable Framer SSEFramer NDJSONFramer AWSFramer AWSChunkFramer decode_object JSONObject
ChatDialect MessagesDialect ResponsesDialect AssembledCall JSON Headers Read header base64_bytes base64_text
convert rest without_nulls
own write_options Fetch LineFetch Endpoint Content NextPage ModelInfo Embeddings
Batches BatchCodec BatchJob BatchPart BatchReader BatchRequest BatchResult BatchState UnansweredError
fit_context Prepared LeftOut ProviderError ConfigError InvalidRequestError
LocalProtocolError RemoteProtocolError StreamTruncatedError LimitExceededError APIStatusError
BadRequestError AuthenticationError PermissionDeniedError NotFoundError RateLimitError InternalServerError
TransportError APIConnectionError APITimeoutError FallbackError
"""
SANSIO = _SANSIO.split()
TRANSPORTS = [
    "create_provider",
    "AsyncProvider",
    "AsyncBatches",
    "AsyncResults",
    "SyncBatches",
    "SyncResults",
    "EventStream",
    "Heartbeat",
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
    "Asked",
    "Observation",
    "Observer",
]
PROMISED = [(sansio, name) for name in SANSIO] + [(transports, name) for name in TRANSPORTS]


@for_each(PROMISED)
def test_a_promised_name_is_public(case: tuple[ModuleType, str]) -> None:
    module, name = case
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


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'sansio' has no attribute 'NoSuchName'"):
        sansio.NoSuchName  # noqa: B018 - looking it up is the test


def test_names_that_are_not_loaded_yet_are_listed_too() -> None:
    assert set(sansio.__all__) <= set(dir(sansio))


def is_struct(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, msgspec.Struct)


def test_every_public_structure_is_frozen_and_stored_without_its_defaults() -> None:
    """Errors' and machines' names are classes of another kind."""
    found = [value for name in sansio.__all__ if is_struct(value := getattr(sansio, name))]
    assert len(found) > 30
    for kind in found:
        assert kind.__struct_config__.frozen, kind
    for stored in (ToolCallStarted(0, "a", "f"), ContentDelta("a"), LeftOut("a", "b"), TextPart("a")):
        assert None not in msgspec.to_builtins(stored).values()
    assert msgspec.to_builtins(LeftOut("a", "b")) == {"what": "a", "why": "b"}
    assert "part" not in msgspec.to_builtins(ToolCallStarted(0, "a", "f"))


BY_NAME = (
    *("APIDefaults", "Embeddings", "Limits", "MessagesProfile", "ModelInfo", "Profile", "ProviderDefaults"),
    *("ResponseInfo", "RetrySchedule", "Usage"),
    *("Answer", "Broken", "Failure", "FakeResponse", "Sample"),
)


@for_each(BY_NAME)
def test_what_has_many_fields_of_a_kind_takes_them_by_name_alone(name: str) -> None:
    kind = getattr(sansio.testing, name, None) or getattr(sansio, name)
    with pytest.raises(TypeError, match="positional"):
        kind(1)
